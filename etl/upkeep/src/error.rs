//! The sentences of this crate.

use std::fmt::Display;

pub(crate) use connectwise_lakehouse::error::{Error, Kind, Result, damaged, lake_error, sql_error};
use connectwise_storage::TableName;
use url::Url;

/// A damaged table that isn't mended before somebody has agreed; `advice` says how.
pub(crate) fn not_mended(table: &TableName, damage: impl Display, advice: &str) -> Error {
    Error::new(Kind::Lake, format!("{table} can't be read: {damage}; {advice}"))
}

/// A damaged table that is damaged still after all that is done about it.
pub(crate) fn unmendable(table: &TableName, damage: impl Display, url: &Url) -> Error {
    Error::new(Kind::Lake, format!("{table} can't be mended ({damage}): move {url} elsewhere, then run again"))
}

/// What was found of a damaged table can't be left beside it.
pub(crate) fn unnoted(table: &TableName) -> Error {
    Error::new(Kind::Lake, format!("what was found of {table} can't be written down"))
}

/// Files that no reader can ask for any more can't be removed.
pub(crate) fn unremoved(table: &TableName) -> Error {
    Error::new(Kind::Lake, format!("files of {table} can't be removed"))
}

/// What failed runs left can't be removed.
pub(crate) fn leftovers(table: &TableName) -> Error {
    Error::new(Kind::Lake, format!("what failed runs left of {table} can't be removed"))
}

/// An object that can't be moved.
pub(crate) fn unmoved(table: &TableName, from: impl Display, to: impl Display) -> Error {
    Error::new(Kind::Lake, format!("{from} of {table} can't be moved to {to}"))
}
