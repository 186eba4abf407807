//! What gold reads: silver tables, empty ones for entities that were not loaded, and how far each is.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use connectwise_extract::contract;
use connectwise_lakehouse::{Lake, Table, TableName};
use connectwise_sdk::catalog::Entity;
use connectwise_upkeep::{self as upkeep, Doubt};
use datafusion::prelude::SessionContext;

use super::model::Model;
use super::{lookups, withheld};
use crate::error::{Error, Result};
use crate::opened::Opened;
use crate::silver::{history, noted, seen};

/// Version of a table that doesn't exist.
pub(super) const ABSENT: i64 = -1;

/// What models can read of silver, by the names of inputs: entities, and their histories.
pub(super) fn readable(entities: &[Entity]) -> impl Iterator<Item = String> {
    let histories =
        entities.iter().filter(|entity| entity.history).map(|entity| format!("{}{}", entity.table, history::SUFFIX));
    entities.iter().map(|entity| entity.table.to_owned()).chain(histories)
}

/// Whether an input is the history of an entity.
pub(super) fn is_history(input: &str) -> bool {
    input.ends_with(history::SUFFIX)
}

/// The contract of the silver table of an input. `None` where no entity of the lake is called so.
pub(super) fn contract_of(entities: &[Entity], input: &str) -> Option<SchemaRef> {
    let named = |name: &str| entities.iter().find(|entity| entity.table == name);
    match input.strip_suffix(history::SUFFIX) {
        Some(name) => named(name).filter(|entity| entity.history).map(history::contract),
        None => named(input).map(contract::silver),
    }
}

/// The silver tables that the models read, each at one version.
#[derive(Debug)]
pub(super) struct Inputs {
    tables: BTreeMap<String, Table>,
    /// A number of the commit that made each.
    commits: BTreeMap<String, i64>,
    /// Those that aren't to be believed.
    doubts: BTreeMap<String, Doubt>,
}

impl Inputs {
    /// Opens every input.
    pub(super) async fn open(lake: &Lake, models: &[Model], opened: &mut Opened) -> Result<Self> {
        let mut tables = BTreeMap::new();
        let mut commits = BTreeMap::new();
        let mut doubts = BTreeMap::new();
        for input in models.iter().flat_map(|model| &model.inputs) {
            if !tables.contains_key(input) {
                let table = opened.table(lake, &TableName::silver(input)).await?;
                if let Some(examined) = upkeep::examine(&table).await? {
                    commits.insert(input.clone(), examined.commit);
                    doubts.extend(examined.doubt.map(|doubt| (input.clone(), doubt)));
                }
                tables.insert(input.clone(), table);
            }
        }
        Ok(Self { tables, commits, doubts })
    }

    /// The table of an entity.
    ///
    /// # Errors
    /// [`Kind::Internal`](crate::error::Kind::Internal) when no model reads it.
    pub(super) fn table(&self, input: &str) -> Result<&Table> {
        self.tables.get(input).ok_or_else(|| Error::internal(&format!("the silver table of {input} wasn't opened")))
    }

    /// All of them.
    pub(super) fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.values()
    }

    /// Refuses a model that reads a table which isn't to be believed.
    pub(super) fn believed(&self, model: &Model) -> Result<()> {
        match model.inputs.iter().find_map(|input| self.doubts.get_key_value(input)) {
            Some((input, doubt)) => {
                Err(Error::unbelieved(&TableName::silver(input), doubt, &TableName::gold(&model.name)))
            }
            None => Ok(()),
        }
    }

    /// Whether there is any table to read from.
    pub(super) fn any(&self) -> bool {
        self.tables.values().any(Table::exists)
    }

    /// The transactions that a commit of a model leaves: its inputs, their versions, and which commit made each: a table that was made
    /// anew, or put back from a backup, counts its versions again.
    pub(super) fn transactions<'a>(&'a self, model: &'a Model) -> impl Iterator<Item = (String, i64)> + 'a {
        model.inputs.iter().filter(|input| self.tables.contains_key(*input)).flat_map(|input| {
            let commit = self.commits.get(input).map(|commit| (Self::commit(input), *commit));
            std::iter::once((Self::application(input), self.version(input))).chain(commit)
        })
    }

    /// The application whose number says which commit made the version of an input.
    fn commit(input: &str) -> String {
        format!("table:{input}")
    }

    /// The version of an input that a table was built from; `None` where the input has no such commit.
    pub(super) async fn seen(&self, table: &Table, input: &str) -> Result<Option<i64>> {
        seen(table, self.table(input)?, (&Self::application(input), &Self::commit(input))).await
    }

    /// The application under which a commit leaves the version of an input.
    pub(super) fn application(input: &str) -> String {
        format!("input:{input}")
    }

    /// The version of an input, or [`ABSENT`].
    pub(super) fn version(&self, input: &str) -> i64 {
        let version = self.tables.get(input).and_then(Table::version);
        version.map_or(ABSENT, noted)
    }

    /// Makes every input readable under the name of its table. An entity that was not loaded is an empty table, so that
    /// the rest can be built.
    pub(super) async fn register(&self, session: &SessionContext, entities: &[Entity]) -> Result<()> {
        for (input, opened) in &self.tables {
            let table = opened.name();
            let schema = contract_of(entities, input).ok_or_else(|| Error::unknown_input(table, input))?;
            if !opened.register(session, &table.name).await? {
                lookups::register(session, &table.name, RecordBatch::new_empty(schema))?;
                continue;
            }
            withheld::fill(session, table, &schema).await?;
        }
        Ok(())
    }
}
