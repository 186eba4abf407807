//! What is wrong with a table, or can't be done with its files.

use std::fmt::Display;
use std::path::Path;

use super::{Error, Kind};
use crate::TableName;

/// A table that can't be read.
pub(crate) fn unreadable(table: &TableName) -> Error {
    Error::new(Kind::Lake, format!("{table} can't be read")).about(table)
}

/// A table that can't be read, where it is known what is wrong with it.
pub fn damaged(table: &TableName, damage: impl Display) -> Error {
    Error::new(Kind::Lake, format!("{table} can't be read: {damage}")).about(table)
}

/// A write that found another version than it was made upon.
pub(crate) fn conflict(table: &TableName) -> Error {
    let message = format!("{table} was changed by another run meanwhile, so nothing was written to it");
    Error::new(Kind::Conflict, message)
}

/// Work on a table that was overtaken each time that it began.
pub(crate) fn overtaken(table: &TableName, attempts: u32) -> Error {
    let message = format!(
        "{table} was changed by another run each of the {attempts} times that this one was about to write it, and is as the other \
         left it: run again when no other run is at work"
    );
    Error::new(Kind::Conflict, message)
}

/// A table that another run changed while its rows were read.
pub(crate) fn changed_while_read(table: &TableName) -> Error {
    Error::new(Kind::Conflict, format!("{table} was changed by another run while it was read"))
}

/// A table that the guard of the lakehouse keeps from being written.
pub(crate) fn guarded(table: &TableName) -> Error {
    Error::new(Kind::Lake, format!("{table} may not be written"))
}

/// The object that says that a table is about to get its first commit.
pub(crate) fn not_begun(table: &TableName) -> Error {
    Error::new(Kind::Lake, format!("the first file of {table} can't be written"))
}

/// A data file, named by no commit yet, that can't be read.
pub(crate) fn unread_file(table: &TableName) -> Error {
    Error::new(Kind::Lake, format!("a file of {table} can't be read"))
}

/// Data files that can't be searched for values.
pub(crate) fn unsearched(table: &TableName) -> Error {
    Error::new(Kind::Lake, format!("{table} can't be searched")).about(table)
}

/// Data files whose keys can't be read.
pub(crate) fn unread_keys(table: &TableName) -> Error {
    Error::new(Kind::Lake, format!("the keys of {table} can't be read")).about(table)
}

/// The staged loads of a table can't be `verb`: read, written, removed.
pub(crate) fn staging(table: &TableName, verb: &str) -> Error {
    Error::new(Kind::Lake, format!("the staging of {table} can't be {verb}"))
}

/// The folder can't be `verb` through which another engine gets and gives rows of a table: read, written, removed.
pub(crate) fn exchange(table: &TableName, verb: &str) -> Error {
    Error::new(Kind::Lake, format!("the folder of {table} for rows of another engine can't be {verb}"))
}

/// A table that a session doesn't take.
pub(crate) fn unregistered(table: &TableName, alias: &str) -> Error {
    Error::new(Kind::Sql, format!("{table} can't be registered as {alias}"))
}

/// A folder that this user may not look into.
pub(crate) fn shut_folder(table: &TableName, place: &Path) -> Error {
    let place = place.display();
    let message = format!("{table} can't be read: let this user read and enter {place}, and all folders above it");
    Error::new(Kind::Io, message)
}
