//! What building a table did, as the layers that are built from tables report it.

use std::collections::BTreeMap;
use std::time::Instant;

use connectwise_lakehouse::{TableName, Written};
use connectwise_upkeep::Doubt;
use serde::{Serialize, Serializer};

use crate::error::Error;
use crate::halt::Trouble;

/// Values that could not be read as what their column is declared to hold, by column. The row has NULL there.
pub type Unreadable = BTreeMap<String, u64>;

/// How much of a table is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// All of its input; the table is replaced where its content differs.
    Full,
    /// Nothing when no input changed, else what differs is merged.
    Incremental,
}

/// What became of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BuildOutcome {
    /// There is a new version.
    Written,
    /// The content is what it was, so there is no new version.
    Unchanged,
    /// There is nothing to build it from, and nothing was done.
    NoInput,
    /// Nothing was written; the table is as it was. The report says why.
    Failed,
}

/// What building one table did.
#[derive(Debug, Clone, Serialize)]
pub struct TableReport {
    /// The table.
    #[serde(serialize_with = "as_text")]
    pub table: TableName,
    /// What became of it.
    pub outcome: BuildOutcome,
    /// Rows inserted, updated and deleted, and the version that the table is at.
    pub written: Written,
    /// Rows that were built: all in a full build, the changed ones in an incremental one.
    pub rows: u64,
    /// Seconds that it took.
    pub seconds: f64,
    /// Values that could not be read as what their column is declared to hold, by column; they are NULL.
    #[serde(skip_serializing_if = "Unreadable::is_empty")]
    pub unreadable: Unreadable,
    /// What deserves a look though nothing failed, in sentences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether it failed over a data file that doesn't hold what Parquet files hold.
    #[serde(skip)]
    pub(crate) undecodable: bool,
    /// What its failure says of others.
    #[serde(skip)]
    pub(crate) trouble: Option<Trouble>,
}

impl TableReport {
    pub(crate) fn written(table: TableName, rows: u64, written: Written) -> Self {
        let outcome = if written.committed { BuildOutcome::Written } else { BuildOutcome::Unchanged };
        Self {
            table,
            outcome,
            written,
            rows,
            seconds: 0.0,
            unreadable: Unreadable::new(),
            warnings: Vec::new(),
            error: None,
            undecodable: false,
            trouble: None,
        }
    }

    pub(crate) fn unchanged(table: TableName, version: u64) -> Self {
        Self::written(table, 0, Written { version, ..Written::default() })
    }

    /// The table has a new version, whether or not rows were new.
    pub(crate) fn rewritten(self) -> Self {
        Self { outcome: BuildOutcome::Written, written: Written { committed: true, ..self.written }, ..self }
    }

    /// Says that values which a policy took are still in versions before this one.
    pub(crate) fn took_away(mut self, columns: &[String]) -> Self {
        if !columns.is_empty() && self.outcome == BuildOutcome::Written {
            let columns = columns.join(", ");
            self.warnings.push(format!(
                "the privacy policy drops or hashes {columns} from now on, and older versions of {} and of the gold tables \
                 made from it still hold the values: `connectwise-etl maintain` removes versions that are older than its \
                 --retention-hours (168)",
                self.table
            ));
        }
        self
    }

    /// Says why the table was built anew.
    pub(crate) fn rebuilt(mut self, doubt: Option<&Doubt>) -> Self {
        let why = doubt.map(|doubt| format!("{} {doubt}, so that it was built anew", self.table));
        self.warnings.extend(why);
        self
    }

    pub(crate) fn took(self, clock: Instant) -> Self {
        Self { seconds: clock.elapsed().as_secs_f64(), ..self }
    }

    pub(crate) fn failed(table: TableName, error: &Error) -> Self {
        Self {
            outcome: BuildOutcome::Failed,
            error: Some(error.report()),
            undecodable: error.is_undecodable(),
            trouble: Trouble::of(error),
            ..Self::unchanged(table, 0)
        }
    }

    pub(crate) fn no_input(table: TableName) -> Self {
        Self { outcome: BuildOutcome::NoInput, ..Self::unchanged(table, 0) }
    }
}

pub(super) fn as_text<S: Serializer>(table: &TableName, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(table)
}
