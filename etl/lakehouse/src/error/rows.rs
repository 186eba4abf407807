//! Rows and tables that don't fit each other.

use std::fmt::Display;

use super::{Error, Kind};
use crate::TableName;

/// Rows that a table can't take; `difference` says how their columns aren't the declared ones, where that is known.
pub(crate) fn undeclared(table: &TableName, difference: Option<&str>) -> Error {
    let difference = difference.map(|difference| format!(": {difference}")).unwrap_or_default();
    Error::new(Kind::Contract, format!("the rows for {table} are not what its contract declares{difference}"))
}

/// Stored rows that can't be put together as their contract declares today.
pub(crate) fn outdated(table: &TableName) -> Error {
    Error::new(Kind::Contract, format!("{table} holds rows that don't fit its columns of today"))
}

/// Rows that a file of a table doesn't take.
pub(crate) fn foreign_rows(table: &TableName) -> Error {
    Error::new(Kind::Contract, format!("rows for {table} don't have its columns"))
}

/// Rows that can't be compared with stored ones.
pub(crate) fn incomparable() -> Error {
    Error::new(Kind::Contract, "rows can't be held against those of a table")
}

/// Rows without an integer column of this name.
pub(crate) fn no_integer_key(key: &str) -> Error {
    Error::new(Kind::Contract, format!("the rows have no integer key {key}"))
}

/// Rows without a column of texts of this name.
pub(crate) fn no_text_key(key: &str) -> Error {
    Error::new(Kind::Contract, format!("rows have no texts {key}"))
}

/// A row whose key is NULL.
pub(crate) fn null_key(table: &TableName, key: &str) -> Error {
    Error::new(Kind::Contract, format!("a row for {table} has no {key}"))
}

/// Two rows of one change with one key.
pub(crate) fn repeated_key(table: &TableName, key: &str, value: impl Display) -> Error {
    Error::new(Kind::Contract, format!("two rows for {table} have the {key} {value}"))
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
