//! The ledger: what every run did, kept in Delta tables beside the data.
//!
//! | table | one row |
//! |---|---|
//! | `etl_runs` | a run's start (`outcome` is `started`), and one more at its end. A start without an end is a run that was interrupted, or is still going on |
//! | `etl_steps` | a run and table: rows, watermark, and the proof that the read was whole |
//! | `etl_tests` | a run and data test of a gold table |
//!
//! Rows are only ever added, so runs at the same time don't hinder each other. Nothing of it is a secret: no address, no
//! credential and no record of the tenant, only counts, times, names of tables and the texts of errors and warnings.

mod rows;
mod schema;
mod status;

pub use schema::{schema, tables};
pub use status::{RunStatus, Status, TableStatus, status};

use chrono::{DateTime, Utc};

use crate::error::{Error, Kind, Result};
use crate::lake::{Commit, Lake, Layer, TableName};
use crate::run::{Mode, Report};

/// The runs.
pub const RUNS: &str = "etl_runs";
/// What each run did to each table.
pub const STEPS: &str = "etl_steps";
/// What each run's data tests found.
pub const TESTS: &str = "etl_tests";

/// Outcome of a run that has begun.
pub const STARTED: &str = "started";

/// A run that begins.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// Name of the run.
    pub run_id: &'a str,
    /// When it started.
    pub started: DateTime<Utc>,
    /// How much it reads.
    pub mode: Mode,
    /// Layers that it builds.
    pub layers: &'a [Layer],
}

/// Says that a run begins. To be called before it touches anything.
///
/// # Errors
/// [`Kind::Lake`] or [`Kind::Io`] when the ledger can't be written.
pub async fn begin(lake: &Lake, start: Start<'_>) -> Result<()> {
    let commit = Commit::new(start.run_id);
    lake.append(&TableName::ledger(RUNS), rows::run(start, None)?, &commit).await.map_err(unwritten)
}

/// Says what a run did. The run itself comes last: once it is there, its steps and tests are.
///
/// # Errors
/// [`Kind::Lake`] or [`Kind::Io`] when the ledger can't be written.
pub async fn end(lake: &Lake, start: Start<'_>, report: &Report, ended: DateTime<Utc>) -> Result<()> {
    let commit = Commit::new(start.run_id);
    for (table, rows) in
        [(STEPS, rows::steps(report)?), (TESTS, rows::tests(report)?), (RUNS, rows::run(start, Some((report, ended)))?)]
    {
        if rows.num_rows() > 0 {
            lake.append(&TableName::ledger(table), rows, &commit).await.map_err(unwritten)?;
        }
    }
    Ok(())
}

fn unwritten(error: Error) -> Error {
    let kind = if error.kind() == Kind::Io { Kind::Io } else { Kind::Lake };
    Error::new(
        kind,
        "the ledger can't be written, so status and report won't know of this run; the data isn't affected",
    )
    .with_source(error)
}
