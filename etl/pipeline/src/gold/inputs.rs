//! What gold reads: silver tables, empty ones for entities that were not loaded, and how far each is.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use connectwise_extract::contract;
use connectwise_lakehouse::{Doubt, Lake, TableName};
use connectwise_sdk::catalog::Entity;
use datafusion::prelude::SessionContext;

use super::model::Model;
use super::{lookups, withheld};
use crate::error::{Error, Kind, Result};
use crate::silver::unbelieved;

/// Version of a table that doesn't exist.
pub(super) const ABSENT: i64 = -1;

/// The silver tables that the models read, with the Delta version of each.
#[derive(Debug)]
pub(super) struct Inputs {
    versions: BTreeMap<String, i64>,
    /// Which table each is: one that was made anew begins again at version 0.
    identities: BTreeMap<String, i64>,
    /// Those that aren't to be believed.
    doubts: BTreeMap<String, Doubt>,
}

impl Inputs {
    /// Looks at the version of every input.
    pub(super) async fn look(lake: &Lake, models: &[Model]) -> Result<Self> {
        let (mut versions, mut identities, mut doubts) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for input in models.iter().flat_map(|model| &model.inputs) {
            if !versions.contains_key(input) {
                let examined = lake.examine(&TableName::silver(input)).await?;
                let version = examined.as_ref().map(|examined| examined.state.version);
                let identity = examined.as_ref().map(|examined| examined.state.identity);
                identities.extend(identity.map(|identity| (input.clone(), identity)));
                let version = version.map_or(ABSENT, |version| i64::try_from(version).unwrap_or(i64::MAX));
                doubts.extend(examined.and_then(|examined| examined.doubt).map(|doubt| (input.clone(), doubt)));
                versions.insert(input.clone(), version);
            }
        }
        Ok(Self { versions, identities, doubts })
    }

    /// Refuses a model that reads a table which isn't to be believed.
    pub(super) fn believed(&self, model: &Model) -> Result<()> {
        match model.inputs.iter().find_map(|input| self.doubts.get_key_value(input)) {
            Some((input, doubt)) => Err(unbelieved(&TableName::silver(input), doubt, &TableName::gold(&model.name))),
            None => Ok(()),
        }
    }

    /// Whether there is any table to read from.
    pub(super) fn any(&self) -> bool {
        self.versions.values().any(|version| *version != ABSENT)
    }

    /// The marks that a commit of a model leaves: its inputs and their versions.
    pub(super) fn marks<'a>(&'a self, model: &'a Model) -> impl Iterator<Item = (String, i64)> + 'a {
        let versions = model.inputs.iter().filter_map(|input| Some((Self::mark(input), *self.versions.get(input)?)));
        let which = model.inputs.iter().filter_map(|input| Some((Self::which(input), *self.identities.get(input)?)));
        versions.chain(which)
    }

    /// The mark that says which table an input was.
    fn which(input: &str) -> String {
        format!("table:{input}")
    }

    /// Whether a table was built from the same input table, as far as its marks say so.
    pub(super) async fn is_same(&self, lake: &Lake, table: &TableName, input: &str) -> Result<bool> {
        let was = lake.mark(table, &Self::which(input)).await?;
        Ok(was.is_none_or(|was| self.identities.get(input) == Some(&was)))
    }

    /// The mark that a commit leaves for an input.
    pub(super) fn mark(input: &str) -> String {
        format!("input:{input}")
    }

    /// The version of an input, or [`ABSENT`].
    pub(super) fn version(&self, input: &str) -> i64 {
        self.versions.get(input).copied().unwrap_or(ABSENT)
    }

    /// Makes every input readable under the name of its table. An entity that was not loaded is an empty table, so that
    /// the rest can be built.
    pub(super) async fn register(&self, lake: &Lake, session: &SessionContext, entities: &[Entity]) -> Result<()> {
        for input in self.versions.keys() {
            let table = TableName::silver(input);
            let entity = entities.iter().find(|entity| entity.table == input).ok_or_else(|| {
                Error::new(
                    Kind::Contract,
                    format!("the gold models read {table}, and no entity of the lake is called {input}"),
                )
            })?;
            let schema = contract::silver(entity);
            if !lake.register(session, &table.name, &table).await? {
                lookups::register(session, &table.name, RecordBatch::new_empty(schema))?;
                continue;
            }
            withheld::fill(session, &table, &schema).await?;
        }
        Ok(())
    }
}
