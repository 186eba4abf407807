//! Questions that can't be asked: of tables, of the ledger, of the quarantine.

use std::fmt::Display;

use connectwise_lakehouse::{Layer, TableName};

use super::{Error, Kind};

impl Error {
    /// A name that no table has.
    pub(crate) fn unknown_table(name: &str, advice: &str) -> Self {
        Self::new(Kind::Usage, format!("there is no table {name:?}: {advice}"))
    }

    /// A table that no run has made yet.
    pub(crate) fn no_table_yet(table: &TableName) -> Self {
        let how = match table.layer {
            Layer::Ledger => "connectwise-etl run".to_owned(),
            layer => format!("connectwise-etl run --layers {layer}"),
        };
        Self::new(Kind::Usage, format!("{table} isn't there yet: run {how} first"))
    }

    /// A query whose task was lost.
    pub(crate) fn lost_query() -> Self {
        Self::new(Kind::Sql, "the query was lost: ask again")
    }

    /// A machine that has no threads for queries.
    pub(crate) fn no_query_threads(why: impl Display) -> Self {
        Self::new(Kind::Io, format!("the threads that compute a query can't be started: {why}"))
    }

    /// A statement that would do something.
    pub(crate) fn no_select(statement: impl Display) -> Self {
        Self::new(Kind::Sql, format!("only a SELECT can be asked, and this isn't one: {statement}"))
    }

    /// A SELECT with more operators in one expression than the planner's stack holds.
    pub(crate) fn too_many_operators(found: usize, most: usize) -> Self {
        let message = format!(
            "the SELECT has {found} operators in one expression, and at most {most} can be planned: write long lists \
             of values as IN (...), or join a list of VALUES"
        );
        Self::new(Kind::Sql, message)
    }

    /// A SELECT that reads more tables than can be planned, once its WITH is resolved.
    pub(crate) fn too_many_reads(found: u64, most: u64) -> Self {
        let found = if found < 1_000_000_000 { found.to_string() } else { "more than 1,000,000,000".to_owned() };
        let message = format!(
            "the SELECT reads tables {found} times once each name of its WITH is replaced by what it stands for, and at most \
             {most} can be planned: read each of these names fewer times"
        );
        Self::new(Kind::Sql, message)
    }

    /// A SELECT whose plan is too large, once its views are resolved.
    pub(crate) fn too_large_plan(most: usize) -> Self {
        let message = format!(
            "the SELECT has a plan of more than {most} nodes once each view is replaced by what it stands for: read views \
             fewer times, or make tables of them"
        );
        Self::new(Kind::Sql, message)
    }

    /// Rows that have no JSON form.
    pub(crate) fn no_json() -> Self {
        Self::new(Kind::Contract, "the rows have no JSON form")
    }

    /// A name that no run has.
    pub(crate) fn no_run(name: &str) -> Self {
        Self::new(Kind::Usage, format!("there is no run {name:?}: connectwise-etl status lists the last ones"))
    }

    /// The end of a name that several runs have, some of which are named.
    pub(crate) fn many_runs(end: &str, count: usize, some: &[&str]) -> Self {
        let some = some.join(", ");
        Self::new(Kind::Usage, format!("{count} runs end with {end:?}, such as {some}: name one of them in full"))
    }

    /// A ledger that doesn't take what a run says.
    pub(crate) fn unwritten_ledger(error: impl Into<Self>) -> Self {
        let error = error.into();
        let kind = if error.kind() == Kind::Io { Kind::Io } else { Kind::Lake };
        let message =
            "the ledger can't be written, so status and report won't know of this run; the data isn't affected";
        Self::new(kind, message).with_source(error)
    }

    /// An id that no open record of the quarantine has.
    pub(crate) fn not_quarantined(id: i64) -> Self {
        Self::usage(format!("{id} is no open record of the quarantine: connectwise-etl quarantine lists them"))
    }
}
