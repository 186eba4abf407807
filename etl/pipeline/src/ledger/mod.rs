//! The ledger: what every run did, kept in Delta tables beside the data.
//!
//! | table | one row |
//! |---|---|
//! | `etl_runs` | a run's start (`outcome` is `started`), and one more at its end. A run that was interrupted gets its end (`interrupted`) from the next one |
//! | `etl_steps` | a run and table: rows, watermark, requests, and the proof that the read was whole. Written while the run goes on |
//! | `etl_chunks` | a part of a load that is safe before its end. Written while the load goes on |
//! | `etl_drift` | a property, type or value that the interface document doesn't have, when a run sees it first |
//! | `etl_fields` | a property of the document, when a run first sees a value of it |
//! | `etl_tests` | a run and data test of a gold table |
//! | `etl_tenant` | the tenant that the lakehouse belongs to; one more for each move |
//!
//! Loads, `reconcile` and `maintain` are runs; a dry run, which writes nothing, isn't one.
//!
//! Rows are only ever added, so runs at the same time don't hinder each other. Nothing of it is a secret: no
//! credential and no record of the tenant, only its company id and server, counts, times, names of tables and the texts of
//! errors and warnings.

mod detail;
pub mod drift;
mod journal;
mod opened;
mod process;
mod rows;
mod schema;
mod status;

use chrono::{DateTime, Utc};
use connectwise_lakehouse::{Lake, Layer};

use crate::error::Result;
use crate::telemetry::{Mode, Step, TestResult};
pub use detail::{ChunkStatus, RunDetail, StepStatus, detail};
pub use journal::Journal;
use opened::OpenedTables;
use rows::RunRow;
pub use schema::{schema, tables};
pub(crate) use status::skipped;
pub use status::{RunStatus, Status, TableStatus, runs, status};

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

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Building tables.
    Load(Mode),
    /// Taking rows out of bronze that are gone at the source.
    Reconcile,
    /// Putting files in order.
    Maintain,
}

impl Work {
    /// One lower-case word, the `mode` of a run.
    pub fn name(self) -> &'static str {
        match self {
            Self::Load(Mode::Full) => "full",
            Self::Load(Mode::Incremental) => "incremental",
            Self::Reconcile => "reconcile",
            Self::Maintain => "maintain",
        }
    }
}

/// A run that begins.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// Name of the run.
    pub run_id: &'a str,
    /// When it started.
    pub started: DateTime<Utc>,
    /// What it is for, and how much it reads.
    pub work: Work,
    /// Layers that it touches.
    pub layers: &'a [Layer],
    /// Version of the API that the client asks for, `None` where nothing is asked.
    pub asked: Option<&'a str>,
}

/// What a run did, as its own row and those of its data tests say it.
#[derive(Debug, Clone, Copy)]
pub struct End<'a> {
    /// What it did to each table.
    pub steps: &'a [Step],
    /// What its data tests found.
    pub tests: &'a [TestResult],
    /// Release that the server says it runs.
    pub server: Option<&'a str>,
    /// Requests sent, repeats included.
    pub requests: u64,
    /// Requests that were repeats.
    pub retries: u64,
    /// Bytes received.
    pub bytes: u64,
    /// Seconds that it took.
    pub seconds: f64,
    /// When it ended, by this machine's clock.
    pub ended: DateTime<Utc>,
}

/// The end of a run's name, which differs even between runs of the same moment.
pub fn short(run_id: &str) -> &str {
    run_id.len().checked_sub(8).and_then(|from| run_id.get(from..)).unwrap_or(run_id)
}

/// Says that a run begins. To be called before it touches anything.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) or [`Kind::Io`](crate::error::Kind::Io) when the ledger can't be written.
pub async fn begin(lake: &Lake, start: Start<'_>) -> Result<()> {
    OpenedTables::new(lake, Vec::new()).append(start.run_id, RUNS, &[RunRow::started(start)]).await
}
