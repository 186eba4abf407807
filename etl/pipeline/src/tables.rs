//! The tables that a lakehouse may have, of all layers.

use connectwise_extract::catalog;
use connectwise_lakehouse::TableName;

use crate::error::Result;
use crate::silver::history;
use crate::{gold, ledger, quarantine};

/// Every table that the lakehouse may have.
///
/// # Errors
/// [`Kind::Contract`](crate::error::Kind::Contract) when the metadata of gold's models can't be read.
pub fn known_tables() -> Result<Vec<TableName>> {
    let entities = catalog::entities().iter();
    let mut tables: Vec<TableName> =
        entities.flat_map(|entity| [TableName::bronze(entity.table), TableName::silver(entity.table)]).collect();
    tables.extend(catalog::entities().iter().filter(|entity| entity.history).map(history::table));
    tables.push(quarantine::table());
    tables.extend(gold::tables()?.into_iter().map(TableName::gold));
    tables.extend(ledger::tables());
    Ok(tables)
}
