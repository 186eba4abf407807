//! Models that can't be computed, and rows that gold doesn't take.

use std::fmt::Display;

use connectwise_lakehouse::TableName;

use super::{Error, Kind};

/// How the sentence of a model begins that can't be computed.
fn uncomputed(model: &str) -> String {
    format!("the model {model} can't be computed")
}

impl Error {
    /// A query that isn't that of a model.
    pub(crate) fn uncomputed_gold() -> Self {
        Self::new(Kind::Sql, "the gold layer can't be computed")
    }

    /// A model whose SELECT can't be planned or run.
    pub(crate) fn uncomputed(model: &str) -> Self {
        Self::new(Kind::Sql, uncomputed(model))
    }

    /// The same as one sentence with why.
    pub(crate) fn uncomputed_because(model: &str, why: &Self) -> Self {
        Self { of_value: why.of_value, ..Self::new(Kind::Sql, format!("{}: {why}", uncomputed(model))) }
    }

    /// A model that a cluster failed to compute.
    pub(crate) fn uncomputed_by_cluster(model: &str, why: &str) -> Self {
        let message = format!(
            "Spark can't compute {model}, whose table is as it was: see Spark's own log, or run without Spark, which gives the same \
             rows. Spark says: {why}"
        );
        Self::new(Kind::Sql, message)
    }

    /// Rows of a cluster that aren't where they were to be written.
    pub(crate) fn rows_of_cluster(model: &str, said: u64, found: u64) -> Self {
        let message = format!(
            "Spark wrote {said} rows for {model}, of which {found} are there, and the table is as it was: Spark has to read and write the \
             lakehouse under the same address, on all of its machines"
        );
        Self::new(Kind::Lake, message)
    }

    /// An error that a value of a model ended, with the columns that such values are in.
    pub(crate) fn in_columns(&self, columns: &[String]) -> Self {
        Self::new(self.kind, format!("{} (in {})", self.report(), columns.join(" and ")))
    }

    /// A model that reads another which wasn't built.
    pub(crate) fn unbuilt_input(model: &str, input: &str, why: &str) -> Self {
        Self::new(Kind::Contract, format!("{model} reads {input}, which could not be built{why}"))
    }

    /// An input of a model that is the table of no entity.
    pub(crate) fn unknown_input(table: &TableName, entity: &str) -> Self {
        let message = format!("the gold models read {table}, and no entity of the lake is called {entity}");
        Self::new(Kind::Contract, message)
    }

    /// A silver table that lacks a column which its contract has.
    pub(crate) fn no_silver_column(table: impl Display, column: &str) -> Self {
        Self::new(Kind::Contract, format!("{table} has no column {column}: build silver again before gold"))
    }

    /// A SELECT that gives other columns than its metadata declares.
    pub(crate) fn undeclared_columns(model: &str, difference: &str) -> Self {
        let message = format!("the SELECT of {model} is not what models.toml declares: {difference}");
        Self::new(Kind::Contract, message)
    }

    /// Rows that aren't those of their table.
    pub(crate) fn broken_contract(model: &str) -> Self {
        let message = format!("the rows for gold/{model} break its contract, and the table is as it was");
        Self::new(Kind::Contract, message)
    }

    /// Rows that fail data tests.
    pub(crate) fn failed_tests(table: impl Display, tests: &[String]) -> Self {
        let tests = tests.join(", ");
        let message = format!("the rows for {table} fail the test {tests}, and the table is as it was");
        Self::new(Kind::Contract, message)
    }

    /// Values of a column that no data test can read.
    pub(crate) fn untested_column() -> Self {
        Self::new(Kind::Contract, "a column can't be tested")
    }

    /// Rows of a model that don't fit into memory as they are.
    pub(crate) fn unheld_rows(model: &str) -> Self {
        Self::new(Kind::Contract, format!("{model} can't be held"))
    }

    /// Changed rows of a model that can't be told from the others.
    pub(crate) fn unchosen_rows(model: &str) -> Self {
        Self::new(Kind::Contract, format!("changed rows of gold/{model} can't be taken out"))
    }

    /// A dimension that doesn't select what its rows are known by.
    pub(crate) fn no_natural_key(model: &str, key: &str) -> Self {
        Self::new(Kind::Contract, format!("{model} doesn't select its natural key {key}"))
    }

    /// A dimension whose surrogate keys can't be read.
    pub(crate) fn no_integer_keys(model: &str) -> Self {
        Self::new(Kind::Contract, format!("the keys of {model} are no integers"))
    }

    /// A value that has no text.
    pub(crate) fn no_text() -> Self {
        Self::new(Kind::Contract, "a value can't be read as text")
    }

    /// A lookup of which a build needs the key.
    pub(crate) fn empty_lookup(lookup: &str) -> Self {
        Self::new(Kind::Contract, format!("the lookup {lookup} has no columns"))
    }

    /// Keys of a lookup that aren't those of its table.
    pub(crate) fn unread_lookup_keys(lookup: &str) -> Self {
        Self::new(Kind::Contract, format!("the changed keys of {lookup} can't be read"))
    }

    /// A lookup that no batch can hold.
    pub(crate) fn unbuilt_lookup() -> Self {
        Self::new(Kind::Contract, "a lookup table can't be built")
    }

    /// A model whose affected rows aren't told by an integer.
    pub(crate) fn no_integer_ids(model: &str) -> Self {
        Self::new(Kind::Contract, format!("{model} has ids that are no integers"))
    }

    /// Affected ids that no batch can hold.
    pub(crate) fn unheld_ids() -> Self {
        Self::new(Kind::Contract, "affected ids can't be held")
    }

    /// What was computed of one file and can't be kept, read or put together, as `verb` says.
    pub(crate) fn part(verb: &str) -> Self {
        Self::new(Kind::Contract, format!("a part of gold can't be {verb}"))
    }

    /// A column of the calendar that it doesn't know.
    pub(crate) fn no_calendar_column(column: &str) -> Self {
        Self::new(Kind::Contract, format!("dimdate declares {column}, which the calendar doesn't have"))
    }

    /// Days that aren't those of their contract.
    pub(crate) fn unfit_calendar() -> Self {
        Self::new(Kind::Contract, "the calendar doesn't fit the contract of dimdate")
    }
}
