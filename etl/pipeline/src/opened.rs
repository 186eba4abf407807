//! Tables that are open already, so that what one layer left is what the next one reads, and no log is opened twice.

use std::collections::BTreeMap;

use connectwise_lakehouse::{Lake, Table, TableName};

use crate::error::Result;

/// Tables by name, each at one version.
#[derive(Debug, Default)]
pub(crate) struct Opened(BTreeMap<TableName, Table>);

impl Opened {
    /// Takes a table out, if it is open.
    pub(crate) fn take(&mut self, name: &TableName) -> Option<Table> {
        self.0.remove(name)
    }

    /// Takes a table out, or opens it.
    ///
    /// # Errors
    /// As [`Lake::table`].
    pub(crate) async fn table(&mut self, lake: &Lake, name: &TableName) -> Result<Table> {
        match self.take(name) {
            Some(table) => Ok(table),
            None => Ok(lake.table(name).await?),
        }
    }
}

impl Extend<Table> for Opened {
    fn extend<I: IntoIterator<Item = Table>>(&mut self, tables: I) {
        self.0.extend(tables.into_iter().map(|table| (table.name().clone(), table)));
    }
}
