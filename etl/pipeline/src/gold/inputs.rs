//! What gold reads: silver tables, empty ones for entities that were not loaded, and how far each is.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use connectwise_extract::contract;
use connectwise_lakehouse::{Doubt, Lake, Table, TableName};
use connectwise_sdk::catalog::Entity;
use datafusion::prelude::SessionContext;

use super::model::Model;
use super::{lookups, withheld};
use crate::error::{Error, Kind, Result};
use crate::opened::Opened;
use crate::silver::unbelieved;

/// Version of a table that doesn't exist.
pub(super) const ABSENT: i64 = -1;

/// The silver tables that the models read, each at one version.
#[derive(Debug)]
pub(super) struct Inputs {
    tables: BTreeMap<String, Table>,
    /// Those that aren't to be believed.
    doubts: BTreeMap<String, Doubt>,
}

impl Inputs {
    /// Opens every input.
    pub(super) async fn open(lake: &Lake, models: &[Model], opened: &mut Opened) -> Result<Self> {
        let mut tables = BTreeMap::new();
        let mut doubts = BTreeMap::new();
        for input in models.iter().flat_map(|model| &model.inputs) {
            if !tables.contains_key(input) {
                let table = opened.table(lake, &TableName::silver(input)).await?;
                let doubt = table.examine().await?.and_then(|examined| examined.doubt);
                doubts.extend(doubt.map(|doubt| (input.clone(), doubt)));
                tables.insert(input.clone(), table);
            }
        }
        Ok(Self { tables, doubts })
    }

    /// The table of an entity.
    ///
    /// # Errors
    /// [`Kind::Internal`] when no model reads it.
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
            Some((input, doubt)) => Err(unbelieved(&TableName::silver(input), doubt, &TableName::gold(&model.name))),
            None => Ok(()),
        }
    }

    /// Whether there is any table to read from.
    pub(super) fn any(&self) -> bool {
        self.tables.values().any(Table::exists)
    }

    /// The transactions that a commit of a model leaves: its inputs and their versions, and which table each was: one that was made
    /// anew begins again at version 0.
    pub(super) fn transactions<'a>(&'a self, model: &'a Model) -> impl Iterator<Item = (String, i64)> + 'a {
        let tables = model.inputs.iter().filter_map(|input| Some((input, self.tables.get(input)?)));
        tables.flat_map(|(input, table)| {
            let identity = table.state().map(|state| (Self::which(input), state.identity));
            std::iter::once((Self::application(input), self.version(input))).chain(identity)
        })
    }

    /// The application whose number says which table an input was.
    fn which(input: &str) -> String {
        format!("table:{input}")
    }

    /// Whether a table was built from the same input table, as far as its transactions say so.
    pub(super) async fn is_same(&self, table: &Table, input: &str) -> Result<bool> {
        let was = table.transaction(&Self::which(input)).await?;
        let is = self.tables.get(input).and_then(Table::state).map(|state| state.identity);
        Ok(was.is_none_or(|was| is == Some(was)))
    }

    /// The application under which a commit leaves the version of an input.
    pub(super) fn application(input: &str) -> String {
        format!("input:{input}")
    }

    /// The version of an input, or [`ABSENT`].
    pub(super) fn version(&self, input: &str) -> i64 {
        let version = self.tables.get(input).and_then(Table::version);
        version.map_or(ABSENT, |version| i64::try_from(version).unwrap_or(i64::MAX))
    }

    /// Makes every input readable under the name of its table. An entity that was not loaded is an empty table, so that
    /// the rest can be built.
    pub(super) async fn register(&self, session: &SessionContext, entities: &[Entity]) -> Result<()> {
        for (input, opened) in &self.tables {
            let table = opened.name();
            let entity = entities.iter().find(|entity| entity.table == input).ok_or_else(|| {
                Error::new(
                    Kind::Contract,
                    format!("the gold models read {table}, and no entity of the lake is called {input}"),
                )
            })?;
            let schema = contract::silver(entity);
            if !opened.register(session, &table.name).await? {
                lookups::register(session, &table.name, RecordBatch::new_empty(schema))?;
                continue;
            }
            withheld::fill(session, table, &schema).await?;
        }
        Ok(())
    }
}
