//! Which entities a command works on: names on the command line before those of the configuration.

use clap::Args;
use connectwise_extract::catalog;
use connectwise_extract::selection::{Selected, Selection};
use connectwise_pipeline::error::Result;

use super::settings::Settings;
use crate::error;

/// Options of every command that loads entities.
#[derive(Debug, Default, Clone, Args)]
pub struct EntityArgs {
    /// Entities, comma-separated, whatever the configuration includes and excludes [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with_all = ["include", "exclude"])]
    pub entities: Vec<String>,
    /// Entities or patterns such as purchase*, in place of `include` of the configuration
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub include: Vec<String>,
    /// Entities or patterns that are left out, in place of `exclude`
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub exclude: Vec<String>,
    /// Entities or patterns that are skipped where the role may not read them, in place of `optional`
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub optional: Vec<String>,
}

impl EntityArgs {
    /// The entities that are meant.
    ///
    /// # Errors
    /// [`Kind::Usage`](connectwise_pipeline::error::Kind::Usage) for names and patterns that no entity has.
    pub fn selected(self, settings: &Settings) -> Result<Selected> {
        let named = !self.entities.is_empty();
        let chosen = !self.include.is_empty() || !self.exclude.is_empty();
        if named && chosen {
            return Err(error::names_and_patterns());
        }
        let flags = Selection { include: self.include, exclude: self.exclude, optional: self.optional };
        let selection = settings.selection().overridden(flags);
        if self.entities.is_empty() {
            return Ok(selection.entities()?);
        }
        // What is named stays in the order in which it is named.
        let entities = self.entities.iter().map(|name| catalog::entity(name)).collect::<Result<Vec<_>, _>>()?;
        let all = Selection { include: Vec::new(), exclude: Vec::new(), ..selection };
        let mut optional = all.entities()?.optional;
        optional.retain(|name| entities.iter().any(|entity| entity.name == *name));
        Ok(Selected { entities, optional })
    }

    /// Whether entities are named one by one.
    pub(crate) fn names(&self) -> bool {
        !self.entities.is_empty()
    }

    /// Whether arguments name, include or exclude entities.
    pub(crate) fn narrows(&self) -> bool {
        !(self.entities.is_empty() && self.include.is_empty() && self.exclude.is_empty())
    }
}
