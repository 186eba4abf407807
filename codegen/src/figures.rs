//! What is generated, in numbers: `figures.toml` holds them, so that a change shows up where it is reviewed.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};
use crate::generate::{Generated, Sources};
use crate::schema::Schema;

/// Name of the file beside `api.toml`.
const FILE: &str = "figures.toml";
/// Share by which the number of lines may differ from the one that is written down.
const LINES_TOLERANCE: f64 = 0.02;

/// What is generated of the whole interface, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Pinned version.
    pub version: String,
    /// Operations of the document.
    pub operations: usize,
    /// Operations that api.toml excludes.
    pub excluded: usize,
    /// Operations that are verbs of resources.
    pub verbs: usize,
    /// Operations that are no verbs, and called by themselves.
    pub functions: usize,
    /// Resources, and how many of them lie under parents.
    pub resources: usize,
    /// Resources under one parent or more.
    pub nested_resources: usize,
    /// Schemas that become record types.
    pub records: usize,
    /// Enumerations.
    pub enumerations: usize,
    /// Properties of the record types.
    pub properties: usize,
    /// Lines of all files.
    pub lines: usize,
    /// Lines of the longest file.
    pub longest_file: usize,
    /// Fixup -> places that it repairs.
    pub fixups: BTreeMap<String, usize>,
}

impl Figures {
    pub(crate) fn of(sources: &Sources, generated: &Generated) -> Result<Self> {
        let operations = sources.document.operation_count();
        let verbs = generated.resources.iter().map(|resource| resource.verbs.len()).sum();
        let functions = generated.raws.iter().filter(|raw| !raw.is_verb).count();
        let mut records = 0;
        let mut enumerations = 0;
        let mut properties = 0;
        for (_, schema) in generated.schemas.iter() {
            match schema {
                Schema::Enum(_) => enumerations += 1,
                Schema::FreeForm => records += 1,
                Schema::Object(own) => {
                    records += 1;
                    properties += own.len();
                }
            }
        }
        let lines = generated.files.values().map(|text| text.lines().count());
        Ok(Self {
            version: sources.document.version().to_owned(),
            operations,
            excluded: operations - verbs - functions,
            verbs,
            functions,
            resources: generated.resources.len(),
            nested_resources: generated.resources.iter().filter(|resource| resource.parents > 0).count(),
            records,
            enumerations,
            properties,
            lines: lines.clone().sum(),
            longest_file: lines.max().unwrap_or_default(),
            fixups: generated.bites.iter().map(|bite| (bite.name.to_owned(), bite.places)).collect(),
        })
    }

    /// Compares with what is written down; lines may differ a little.
    pub(crate) fn compare(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        let text = std::fs::read_to_string(&path).map_err(|source| Error::read(&path, source))?;
        let written: Self = toml::from_str(&text).map_err(|source| Error::config(&path, &text, source))?;
        let near = |a: usize, b: usize| (a as f64 - b as f64).abs() <= b as f64 * LINES_TOLERANCE;
        let alike = Self { lines: self.lines, longest_file: self.longest_file, ..written.clone() };
        if alike == *self && near(self.lines, written.lines) && near(self.longest_file, written.longest_file) {
            return Ok(());
        }
        let file = path.display().to_string();
        let found = self.text();
        Err(Kind::Figures { file, found }.into())
    }

    /// Writes the file.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        std::fs::write(&path, self.text()).map_err(|source| Error::write(&path, source))
    }

    fn text(&self) -> String {
        let table = toml::to_string(self).unwrap_or_default();
        format!(
            "# Written by `connectwise-codegen check --write`: what is generated of the whole interface, in numbers.\n{table}"
        )
    }
}
