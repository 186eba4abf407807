//! All that the ledger knows of one run.

use chrono::{DateTime, Utc};
use connectwise_lakehouse::Lake;
use serde::{Deserialize, Deserializer, Serialize};

use super::opened::rows;
use super::status::{LAST_RUNS, RunStatus, last_runs};
use super::{CHUNKS, STEPS};
use crate::error::{Error, Result};

/// The word for the run that began last.
const LAST: &str = "last";

/// A run with its steps and chunks.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunDetail {
    /// The run.
    pub run: RunStatus,
    /// What it did to each table, in its order.
    pub steps: Vec<StepStatus>,
    /// Parts of its loads that were safe before the end of the load.
    pub chunks: Vec<ChunkStatus>,
}

/// What a run did to a table; the columns of `etl_steps`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepStatus {
    /// Layer of the table.
    pub layer: String,
    /// Table below the layer.
    pub table_name: String,
    /// `written`, `unchanged`, `skipped`, `incomplete` or `failed`.
    pub outcome: String,
    /// Why it failed, or what it left out.
    pub error: Option<String>,
    /// Rows that went through it.
    pub rows_read: u64,
    /// Rows that are new.
    pub rows_inserted: u64,
    /// Rows that changed.
    pub rows_updated: u64,
    /// Rows that were in the table as they are.
    pub rows_unchanged: u64,
    /// Rows that left.
    pub rows_deleted: u64,
    /// Rows with something in `_rescued`.
    pub rows_rescued: u64,
    /// Records that went to quarantine.
    pub quarantined: u64,
    /// Delta version of the table after it.
    pub version: Option<u64>,
    /// Highest change time stored before it, the server's time.
    pub watermark_before: Option<DateTime<Utc>>,
    /// Highest change time stored after it.
    pub watermark_after: Option<DateTime<Utc>>,
    /// Records that the server counted before the read, where it can count.
    pub counted_before: Option<u64>,
    /// Records that it counted after the read.
    pub counted_after: Option<u64>,
    /// Whether the server said which page is the last, `None` where it has no pages to say so of.
    pub end_page_seen: Option<bool>,
    /// Whether the keys only grew, `None` where their order proves nothing.
    pub keys_ascending: Option<bool>,
    /// Whether the read is proven to be whole; `None` where nothing was read from the API.
    pub complete: Option<bool>,
    /// Requests sent, repeats included.
    pub requests: Option<u64>,
    /// Requests that were repeats.
    pub retries: Option<u64>,
    /// Bytes received.
    pub bytes: Option<u64>,
    /// Seconds that it took.
    pub seconds: f64,
    /// What deserves a look though nothing failed.
    #[serde(deserialize_with = "list")]
    pub warnings: Vec<String>,
    /// When it ended, by the clock of the machine that ran it.
    pub ended: Option<DateTime<Utc>>,
}

/// A part of a load; the columns of `etl_chunks`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChunkStatus {
    /// Layer of the table.
    pub layer: String,
    /// Table below the layer.
    pub table_name: String,
    /// Its number within the load, from 1.
    pub chunk: u64,
    /// Rows in it.
    pub rows: u64,
    /// Highest key in it.
    pub last_key: Option<i64>,
    /// When it was safe, by the clock of the machine that ran it.
    pub ended: DateTime<Utc>,
    /// Rows with something in `_rescued`.
    pub rescued: Option<u64>,
    /// Records that went to quarantine.
    pub quarantined: Option<u64>,
    /// Requests sent since the chunk before, repeats included.
    pub requests: Option<u64>,
    /// Those that were repeats.
    pub retries: Option<u64>,
    /// Bytes received since the chunk before.
    pub bytes: Option<u64>,
}

/// The ledger keeps a list of texts as one text of JSON.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Vec<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    serde_json::from_str(&text).map_err(serde::de::Error::custom)
}

/// All of one run: `last` for the one that began last, or its name, of which the end is enough.
///
/// # Errors
/// [`Kind::Usage`](crate::error::Kind::Usage) when no run or more than one is meant, [`Kind::Lake`](crate::error::Kind::Lake) or [`Kind::Sql`](crate::error::Kind::Sql) when the ledger can't be read.
pub async fn detail(lake: &Lake, wanted: &str) -> Result<RunDetail> {
    let sql = if wanted == LAST { format!("{LAST_RUNS} limit 1") } else { LAST_RUNS.to_owned() };
    let mut runs = last_runs(lake, &sql).await?;
    runs.retain(|run| wanted == LAST || (!wanted.is_empty() && run.run_id.ends_with(wanted)));
    if runs.len() > 1 {
        let names: Vec<&str> = runs.iter().map(|run| run.run_id.as_str()).take(3).collect();
        return Err(Error::many_runs(wanted, runs.len(), &names));
    }
    let run = runs.pop().ok_or_else(|| Error::no_run(wanted))?;
    let of = |table: &str, order: &str| {
        // Names of runs are the ledger's own, and yet anybody may write to a lakehouse.
        let name = run.run_id.replace('\'', "''");
        format!("select * from {table} where \"runId\" = '{name}' order by {order}")
    };
    let steps = of(STEPS, "ended, case layer when 'bronze' then 1 when 'silver' then 2 else 3 end, \"tableName\"");
    let chunks = of(CHUNKS, "ended, \"tableName\", chunk");
    Ok(RunDetail { steps: rows(lake, &steps).await?, chunks: rows(lake, &chunks).await?, run })
}
