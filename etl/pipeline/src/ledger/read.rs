//! Reading the ledger's own tables.

use connectwise_lakehouse::Lake;
use serde::de::DeserializeOwned;

use super::tables;
use crate::error::{Result, sql_error};
use crate::sql;
use crate::typed::from_batches;

/// The rows of one SELECT over tables of the ledger, none where one of them isn't there yet. Only those that it names are opened.
///
/// # Errors
/// [`Kind::Lake`] or [`Kind::Sql`] when they can't be read, [`Kind::Contract`] when they have other columns.
pub(super) async fn rows<T: DeserializeOwned>(lake: &Lake, sql: &str) -> Result<Vec<T>> {
    let session = lake.session()?;
    let statement = sql::parse(&session, sql)?;
    let named = session.state().resolve_table_references(&statement).map_err(sql_error)?;
    for table in tables().iter().filter(|table| named.iter().any(|named| named.table() == table.name)) {
        if !lake.register(&session, &table.name, table).await? {
            return Ok(Vec::new());
        }
    }
    let found = sql::plan(&session, statement).await?.collect().await.map_err(sql_error)?;
    from_batches("the ledger", &found)
}
