//! Rows that can't become rows of silver, or versions of its histories.

use std::fmt::Display;

use arrow::datatypes::DataType;
use connectwise_lakehouse::TableName;

use super::{Error, Kind};

impl Error {
    /// Bronze that a query doesn't give.
    pub(crate) fn unread_bronze() -> Self {
        Self::new(Kind::Sql, "a table can't be read for silver")
    }

    /// Rows of bronze of which the newest can't be chosen.
    pub(crate) fn repeated_bronze() -> Self {
        Self::new(Kind::Contract, "bronze rows of one key can't be compared")
    }

    /// Rows whose contents can't be compared.
    pub(crate) fn incomparable() -> Self {
        Self::new(Kind::Contract, "rows can't be compared")
    }

    /// Values that aren't of the schema with which their table was opened: read on, they would be lost.
    pub(crate) fn misshapen(what: &str, data_type: &DataType) -> Self {
        Self::internal(&format!("{what} was read as {data_type}"))
    }

    /// Flattened rows that aren't those of their table.
    pub(crate) fn unflattened() -> Self {
        Self::new(Kind::Contract, "bronze rows don't fit their silver table: load the entity again in full")
    }

    /// A task that flattens and that ended before its rows did.
    pub(crate) fn interrupted_flattening() -> Self {
        Self::new(Kind::Contract, "flattening a batch was interrupted: run again")
    }

    /// A column of bronze of another type than is declared.
    pub(crate) fn bronze_type(found: &DataType, declared: &DataType) -> Self {
        Self::new(Kind::Contract, format!("a bronze column is {found}, and {declared} is declared"))
    }

    /// Decimals that no column can hold.
    pub(crate) fn unbuilt_decimals() -> Self {
        Self::new(Kind::Contract, "a decimal column can't be built")
    }

    /// Values of a custom field that no column can hold.
    pub(crate) fn unbuilt_custom_field() -> Self {
        Self::new(Kind::Contract, "a custom field's column can't be built")
    }

    /// Values that can't be hashed.
    pub(crate) fn unhashed() -> Self {
        Self::new(Kind::Contract, "a column can't be hashed")
    }

    /// A stored row that isn't one of its table any more.
    pub(crate) fn outdated_silver() -> Self {
        Self::new(Kind::Contract, "a stored silver row doesn't fit its contract")
    }

    /// A silver table that its history can't be made of.
    pub(crate) fn unbuilt_silver(table: &TableName) -> Self {
        Self::new(Kind::Contract, format!("{table} isn't what its contract says: build silver first"))
    }

    /// A history that lost a column.
    pub(crate) fn history_lost(column: &str) -> Self {
        Self::new(Kind::Contract, format!("the history has no {column} any more"))
    }

    /// Rows for a history that lack a column.
    pub(crate) fn history_without(column: impl Display) -> Self {
        Self::new(Kind::Contract, format!("the rows of a history have no {column}"))
    }

    /// A row of silver that no history takes.
    pub(crate) fn unfit_version() -> Self {
        Self::new(Kind::Contract, "a row of silver doesn't fit the history")
    }

    /// Versions of a record that have no order.
    pub(crate) fn unordered_versions() -> Self {
        Self::new(Kind::Contract, "the versions of a record can't be put in order")
    }
}
