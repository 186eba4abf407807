//! What is said of a table that can't be read: which one it is, what is wrong with it, and the command that mends it.

use connectwise_extract::catalog;
use connectwise_lakehouse::{Lake, Layer, TableName};
use connectwise_upkeep as upkeep;

use crate::error::{Error, Kind};

/// An error of a step, and of the tables that it reads those that can't be read, with what mends them.
pub(crate) async fn explained(lake: &Lake, tables: &[TableName], error: Error) -> Error {
    if matches!(error.kind(), Kind::Usage | Kind::Config | Kind::Source | Kind::Incomplete | Kind::Conflict) {
        return error;
    }
    match found(lake, tables).await {
        Some(what) => Error::damaged(what).with_source(error),
        None => error,
    }
}

/// An error of a command that read tables and changes nothing. Where one of them can't be read it is that, in one sentence.
pub(crate) async fn read_fault(lake: &Lake, tables: &[TableName], error: Error) -> Error {
    if let Some(what) = found(lake, tables).await {
        return Error::damaged(what);
    }
    // What the log doesn't tell is found by reading the files, which is what failed here.
    if error.is_undecodable() {
        return Error::undecodable(tables).with_source(error);
    }
    error
}

/// The first of some tables that can't be read, with what mends it.
pub async fn found(lake: &Lake, tables: &[TableName]) -> Option<String> {
    for table in tables {
        if let Ok(Some(damage)) = upkeep::damage(lake, table).await {
            return Some(format!("{table} can't be read: {damage}; {}", advice(table)));
        }
    }
    None
}

/// What to do about a table that can't be read.
pub(crate) fn advice(table: &TableName) -> String {
    let entity = catalog::entities().iter().find(|entity| *table == TableName::bronze(entity.table));
    match (table.layer, entity) {
        (Layer::Bronze, Some(entity)) => {
            format!("`connectwise-etl run --full --entities {}` loads it again and keeps the old files", entity.name)
        }
        (Layer::Silver | Layer::Gold, _) => {
            format!("`connectwise-etl run --layers {}` builds it again and keeps the old files", table.layer)
        }
        (Layer::Bronze | Layer::Ledger, _) => {
            "the next `connectwise-etl run` mends it and keeps the old files".to_owned()
        }
    }
}
