//! Reading and writing the tables of the ledger.

use std::collections::BTreeMap;

use connectwise_lakehouse::error as lakehouse;
use connectwise_lakehouse::{Commit, Lake, Table, TableName};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{schema, tables};
use crate::error::{Error, Result, sql_error};
use crate::sql;
use crate::typed::{from_batches, to_batch};

/// Tables of the ledger, each of which is opened once: rows are appended behind whatever others have committed meanwhile.
#[derive(Debug)]
pub(super) struct OpenedTables<'a> {
    lake: &'a Lake,
    opened: BTreeMap<String, Table>,
}

impl<'a> OpenedTables<'a> {
    /// The tables of a lakehouse, of which `opened` need not be opened again.
    pub(super) fn new(lake: &'a Lake, opened: Vec<Table>) -> Self {
        Self { lake, opened: opened.into_iter().map(|table| (table.name().name.clone(), table)).collect() }
    }

    /// A table as it was when this last wrote it, or opened it.
    async fn table(&mut self, name: &str) -> lakehouse::Result<Table> {
        if let Some(table) = self.opened.get(name) {
            return Ok(table.clone());
        }
        let table = self.lake.table(&TableName::ledger(name)).await?;
        self.opened.insert(name.to_owned(), table.clone());
        Ok(table)
    }

    /// The rows of one SELECT over tables of the ledger, none where one of them isn't there yet. Only those that it names are opened.
    ///
    /// # Errors
    /// [`Kind::Lake`] or [`Kind::Sql`] when they can't be read, [`Kind::Contract`] when they have other columns.
    pub(super) async fn rows<T: DeserializeOwned>(&mut self, sql: &str) -> Result<Vec<T>> {
        let session = self.lake.session()?;
        let statement = sql::parse(&session, sql)?;
        let named = session.state().resolve_table_references(&statement).map_err(sql_error)?;
        for TableName { name, .. } in
            tables().iter().filter(|table| named.iter().any(|named| named.table() == table.name))
        {
            if !self.table(name).await?.register(&session, name).await? {
                return Ok(Vec::new());
            }
        }
        let found = sql::plan(&session, statement).await?.collect().await.map_err(sql_error)?;
        from_batches("the ledger", &found)
    }

    /// Adds rows to a table. No rows, no commit.
    pub(super) async fn append<T: Serialize>(&mut self, run_id: &str, name: &str, rows: &[T]) -> Result<()> {
        let (Some(schema), false) = (schema(name), rows.is_empty()) else { return Ok(()) };
        let batch = to_batch(name, &schema, rows)?;
        let table = self.table(name).await.map_err(Error::unwritten_ledger)?;
        // After a failure nobody knows what became of it.
        self.opened.remove(name);
        let table = table.append_behind(&batch, &Commit::new(run_id)).await.map_err(Error::unwritten_ledger)?;
        self.opened.insert(name.to_owned(), table);
        Ok(())
    }
}

/// The rows of one SELECT over tables of the ledger as they are now.
///
/// # Errors
/// As [`OpenedTables::rows`].
pub(super) async fn rows<T: DeserializeOwned>(lake: &Lake, sql: &str) -> Result<Vec<T>> {
    OpenedTables::new(lake, Vec::new()).rows(sql).await
}
