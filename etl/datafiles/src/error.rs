//! The sentences of this crate: rows that don't fit, and files that can't be read or written.

use std::fmt::Display;
use std::path::Path;

use connectwise_storage::TableName;
pub(crate) use connectwise_storage::error::{Error, Kind, Result};

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

/// A table of which a merge can't read or write a file.
pub(crate) fn unmerged(table: &TableName) -> Error {
    Error::new(Kind::Lake, format!("{table} can't be merged into"))
}

/// A data file that can't be written.
pub(crate) fn unwritten_file(table: &TableName) -> Error {
    Error::new(Kind::Lake, format!("a file of {table} can't be written"))
}

/// Rows of a change that are too many for memory, and for the folder of temporary files.
pub(crate) fn unspilled(folder: &Path) -> Error {
    let folder = folder.display();
    let message =
        format!("the rows of a large change can't be kept in {folder}: give TMPDIR a folder that has room for them");
    Error::new(Kind::Lake, message)
}
