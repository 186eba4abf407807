//! Tables that can't be read or written, and rows that don't fit.

use std::fmt::Display;

use connectwise_lakehouse::{Layer, TableName};

use super::{Error, Kind};

impl Error {
    /// Tables that can't be read: `what` says which, what is wrong with it, and what mends it.
    pub fn damaged(what: String) -> Self {
        Self::new(Kind::Lake, what)
    }

    /// Tables of which a data file doesn't hold what Parquet files hold.
    pub(crate) fn undecodable(tables: &[TableName]) -> Self {
        let names = tables.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let message = format!(
            "a data file of {names} can't be read: `connectwise-etl maintain --verify` says which, and what mends it"
        );
        Self::new(Kind::Lake, message)
    }

    /// A table that another run changed while this one decided.
    pub(crate) fn conflict(table: &TableName) -> Self {
        Self::new(Kind::Conflict, format!("{table} was changed by another run"))
    }

    /// A table whose rows a query doesn't give.
    pub(crate) fn unread(table: &TableName) -> Self {
        Self::new(Kind::Sql, format!("{table} can't be read"))
    }

    /// Rows that this version doesn't read by the names of their columns.
    pub fn foreign_columns(what: impl Display) -> Self {
        Self::new(Kind::Contract, format!("{what} has other columns than this version reads"))
    }

    /// Rows of our own that aren't those of their schema.
    pub(crate) fn unbuilt_rows(what: &str, why: impl Display) -> Self {
        Self::new(Kind::Contract, format!("rows of {what} can't be built: {why}"))
    }

    /// A column that is missing where rows are `verb`: compared, tested.
    pub(crate) fn column_missing(column: &str, verb: &str) -> Self {
        Self::new(Kind::Contract, format!("the column {column} is missing where rows are {verb}"))
    }

    /// A table whose rows another can't be built of; `doubt` says why, as a clause that goes on its name.
    pub(crate) fn unbelieved(input: &TableName, doubt: impl Display, table: &TableName) -> Self {
        let layer = input.layer;
        let how = if layer == Layer::Bronze { "reads" } else { "builds" };
        let message =
            format!("{input} {doubt}, so that {table} is as it was: `run --layers {layer}` {how} it again first");
        Self::new(Kind::Contract, message)
    }
}
