//! Rows and tables that don't fit each other.

use std::fmt::Display;

use super::{Error, Kind};
use crate::TableName;

/// Rows that can't be compared with stored ones.
pub(crate) fn incomparable() -> Error {
    Error::new(Kind::Contract, "rows can't be held against those of a table")
}

/// A column of a type for which a row that is deleted has no value.
pub(crate) fn no_filler(table: &TableName, column: &str, of: impl Display) -> Error {
    let message = format!("{column} of type {of} can't be left open in a row of {table} that leaves");
    Error::new(Kind::Contract, message)
}

/// Keys that can't be put into a batch.
pub(crate) fn unheld_keys() -> Error {
    Error::new(Kind::Sql, "keys can't be held")
}

/// A table that demands of its writers what this program doesn't know.
pub(crate) fn unknown_features(table: &TableName) -> Error {
    let message = format!(
        "{table} has table features that this program can't write: drop them where they were switched on (ALTER \
         TABLE ... DROP FEATURE), or move the folder of the table away and load it again with run --full"
    );
    Error::new(Kind::Contract, message)
}

/// A table of which no row may change.
pub(crate) fn append_only(table: &TableName) -> Error {
    let message = format!(
        "{table} has the property delta.appendOnly, so that none of its rows can change: take it away (ALTER TABLE \
         ... SET TBLPROPERTIES ('delta.appendOnly' = 'false')) and run again"
    );
    Error::new(Kind::Contract, message)
}

/// A table of which only all rows can be replaced; `difference` says why, as a clause that goes on its name.
pub(crate) fn needs_rebuild(table: &TableName, difference: &str) -> Error {
    let message =
        format!("{table} {difference}, so that changed rows can't be put into it: rebuild it with run --full");
    Error::new(Kind::Contract, message)
}
