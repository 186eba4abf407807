//! The tables that a lakehouse may have, of all layers.

use connectwise_extract::catalog;
use connectwise_lakehouse::TableName;

use crate::silver::history;
use crate::{gold, ledger, quarantine};

/// Every table that the lakehouse may have.
pub fn known_tables() -> Vec<TableName> {
    let entities = catalog::entities().iter();
    let mut tables: Vec<TableName> =
        entities.flat_map(|entity| [TableName::bronze(entity.table), TableName::silver(entity.table)]).collect();
    tables.extend(catalog::entities().iter().filter(|entity| entity.history).map(history::table));
    tables.push(quarantine::table());
    tables.extend(gold::tables().into_iter().map(TableName::gold));
    tables.extend(ledger::tables());
    tables
}
