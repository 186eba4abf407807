//! The ledger: what every run did, kept in Delta tables beside the data.
//!
//! | table | one row |
//! |---|---|
//! | `etl_runs` | a run's start (`outcome` is `started`), and one more at its end. A run that was interrupted gets its end (`interrupted`) from the next one |
//! | `etl_steps` | a run and table: rows, watermark, requests, and the proof that the read was whole. Written while the run goes on |
//! | `etl_chunks` | a part of a load that was safe before its end |
//! | `etl_drift` | a property, type or value that the interface document doesn't have, when a run sees it first |
//! | `etl_fields` | a property of the document, when a run first sees a value of it |
//! | `etl_tests` | a run and data test of a gold table |
//!
//! Rows are only ever added, so runs at the same time don't hinder each other. Nothing of it is a secret: no address, no
//! credential and no record of the tenant, only counts, times, names of tables and the texts of errors and warnings.

mod journal;
mod process;
mod rows;
mod schema;
mod status;

pub use journal::Journal;
pub use schema::{schema, tables};
pub use status::{RunStatus, Status, TableStatus, runs, status};

use chrono::{DateTime, Utc};

use crate::error::{Error, Kind, Result};
use crate::lake::{Commit, Lake, Layer, TableName};
use crate::run::Mode;

/// The runs.
pub const RUNS: &str = "etl_runs";
/// What each run did to each table.
pub const STEPS: &str = "etl_steps";
/// What each run's data tests found.
pub const TESTS: &str = "etl_tests";
/// Parts of loads.
pub const CHUNKS: &str = "etl_chunks";
/// What the interface document doesn't have.
pub const DRIFT: &str = "etl_drift";
/// Which of the document's properties have had a value.
pub const FIELDS: &str = "etl_fields";

/// Outcome of a run that has begun.
pub const STARTED: &str = "started";
/// Outcome of a run that was cut off, as the next one says it.
pub const INTERRUPTED: &str = "interrupted";

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

fn unwritten(error: Error) -> Error {
    let kind = if error.kind() == Kind::Io { Kind::Io } else { Kind::Lake };
    Error::new(
        kind,
        "the ledger can't be written, so status and report won't know of this run; the data isn't affected",
    )
    .with_source(error)
}
