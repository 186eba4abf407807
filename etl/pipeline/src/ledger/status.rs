//! How fresh the tables are and how the last runs went, read from the ledger.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use connectwise_extract::catalog;
use connectwise_lakehouse::{Lake, Layer, TableName};
use futures::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};

use super::opened::rows;
use super::{RUNS, STARTED};
use crate::children;
use crate::error::{Error, Result};
use crate::quarantine::{self, Record};

/// Runs that are shown.
const RUNS_SHOWN: usize = 10;
/// Tables that are opened at a time, to count their rows.
const AT_ONCE: usize = 4;

/// Every run, by the row that says most: its own end, the end that another run gave it, or its start.
pub(super) const LAST_RUNS: &str = "select * from (select *, row_number() over (partition by \"runId\" order by \
     case outcome when 'started' then 3 when 'interrupted' then 2 else 1 end) as n from etl_runs) r \
     where n = 1 order by started desc, \"runId\" desc";

/// Every table with its last step and its last good one, and how the last reconcile left it. Only loads make a table fresh.
const LAST_STEPS: &str = "with steps as (select s.*, r.mode from etl_steps s join \
      (select \"runId\", min(mode) as mode from etl_runs group by \"runId\") r on r.\"runId\" = s.\"runId\"), \
     loads as (select * from steps where mode not in ('reconcile', 'maintain')) \
     select l.layer, l.\"tableName\", l.outcome, l.error, l.started as \"lastRun\", \
     g.\"runId\" as \"lastGoodRun\", g.started as \"lastGood\", g.\"watermarkAfter\" as watermark, \
     c.started as \"lastReconcile\", c.outcome as \"reconcileOutcome\", c.error as \"reconcileError\" from \
     (select *, row_number() over (partition by layer, \"tableName\" order by started desc, \"runId\" desc) as n \
      from loads) l left join \
     (select *, row_number() over (partition by layer, \"tableName\" order by started desc, \"runId\" desc) as n \
      from loads where outcome in ('written', 'unchanged')) g \
     on l.layer = g.layer and l.\"tableName\" = g.\"tableName\" and g.n = 1 left join \
     (select *, row_number() over (partition by layer, \"tableName\" order by started desc, \"runId\" desc) as n \
      from steps where mode = 'reconcile') c \
     on l.layer = c.layer and l.\"tableName\" = c.\"tableName\" and c.n = 1 \
     where l.n = 1 order by case l.layer when 'bronze' then 1 when 'silver' then 2 else 3 end, l.\"tableName\"";

/// The bronze tables that the last load to try them skipped.
const SKIPPED: &str = "select \"tableName\" as name from (select s.\"tableName\", s.outcome, row_number() over \
     (partition by s.\"tableName\" order by s.started desc, s.\"runId\" desc) as n from etl_steps s join \
      (select \"runId\", min(mode) as mode from etl_runs group by \"runId\") r on r.\"runId\" = s.\"runId\" \
      where s.layer = 'bronze' and r.mode in ('full', 'incremental')) t where n = 1 and outcome = 'skipped'";

/// What the ledger knows.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Where the tables are.
    pub lakehouse: String,
    /// When this was looked up, by this machine's clock.
    pub now: DateTime<Utc>,
    /// Every table that a run was to build, bronze first.
    pub tables: Vec<TableStatus>,
    /// The last runs, newest first.
    pub runs: Vec<RunStatus>,
}

/// How fresh a table is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableStatus {
    /// Layer of the table.
    pub layer: String,
    /// Table below the layer.
    pub table_name: String,
    /// How the last step ended: `written`, `unchanged`, `skipped`, `incomplete` or `failed`.
    pub outcome: String,
    /// Why it failed, or what it left out.
    pub error: Option<String>,
    /// Start of the last run that was to build it.
    pub last_run: DateTime<Utc>,
    /// Name of the last run that left it as it has to be.
    pub last_good_run: Option<String>,
    /// Start of that run.
    pub last_good: Option<DateTime<Utc>>,
    /// Seconds since then.
    pub age_seconds: Option<i64>,
    /// Highest change time stored, the server's time; bronze only.
    pub watermark: Option<DateTime<Utc>>,
    /// Start of the last reconcile of it; bronze only.
    pub last_reconcile: Option<DateTime<Utc>>,
    /// How that ended.
    pub reconcile_outcome: Option<String>,
    /// Why that deleted nothing.
    pub reconcile_error: Option<String>,
    /// Rows that the table has now, `None` when it can't be read.
    pub rows: Option<u64>,
    /// Records of it in quarantine that are neither mended nor acknowledged; bronze only.
    #[serde(default)]
    pub quarantine_open: u64,
    /// All child lists of the table were read at this time, the server's, or later; `None` for other tables, and where nobody knows.
    #[serde(default)]
    pub oldest_look: Option<DateTime<Utc>>,
}

/// How a run went.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunStatus {
    /// Name of the run.
    pub run_id: String,
    /// When it started.
    pub started: DateTime<Utc>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
    /// `full`, `incremental`, `reconcile` or `maintain`.
    pub mode: String,
    /// Layers, comma-separated.
    pub layers: String,
    /// `done`, `partly` (some steps failed or left something out), `failed` (nothing went well), `interrupted`, or `unfinished`: it still goes on,
    /// or was interrupted and no run began since.
    pub outcome: String,
    /// Requests sent, repeats included.
    pub requests: Option<u64>,
    /// Requests that were repeats.
    pub retries: Option<u64>,
    /// Bytes received.
    pub bytes: Option<u64>,
    /// Time it took.
    pub seconds: Option<f64>,
    /// Tables that it was to build.
    pub steps: Option<u64>,
    /// Those that failed.
    pub steps_failed: Option<u64>,
    /// Those that left something out.
    pub steps_incomplete: Option<u64>,
    /// Version of the interface document that the columns come from.
    pub api_version: String,
    /// Version of the API that the client asked for.
    pub asked_version: Option<String>,
    /// Release that the server said it runs.
    pub server_version: Option<String>,
}

/// Reads the ledger. `None` when no run has left a row in this lakehouse.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) or [`Kind::Sql`](crate::error::Kind::Sql) when the ledger can't be read.
pub async fn status(lake: &Lake) -> Result<Option<Status>> {
    if !lake.table(&TableName::ledger(RUNS)).await?.exists() {
        return Ok(None);
    }
    let now = Utc::now();
    let runs = runs(lake, RUNS_SHOWN).await?;
    let mut tables: Vec<TableStatus> = rows(lake, LAST_STEPS).await?;
    let found: Vec<(Option<u64>, Option<DateTime<Utc>>)> =
        stream::iter(tables.clone()).map(|table| look(lake, table)).buffered(AT_ONCE).collect().await;
    let open = quarantine::open(lake).await?;
    for (table, (rows, oldest_look)) in tables.iter_mut().zip(found) {
        table.quarantine_open = open.iter().filter(|record| is_of(record, table)).count() as u64;
        table.rows = rows;
        table.oldest_look = oldest_look;
        table.age_seconds = table.last_good.map(|good| (now - good).num_seconds().max(0));
    }
    Ok(Some(Status { lakehouse: lake.root().to_string(), now, tables, runs }))
}

/// The bronze tables that the last load to try them skipped, since the role may not read them.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) or [`Kind::Sql`](crate::error::Kind::Sql) when the ledger can't be read.
pub(crate) async fn skipped(lake: &Lake) -> Result<BTreeSet<String>> {
    #[derive(Deserialize)]
    struct Table {
        name: String,
    }
    Ok(rows::<Table>(lake, SKIPPED).await?.into_iter().map(|table| table.name).collect())
}

/// The last runs, newest first.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) or [`Kind::Sql`](crate::error::Kind::Sql) when the ledger can't be read.
pub async fn runs(lake: &Lake, most: usize) -> Result<Vec<RunStatus>> {
    last_runs(lake, &format!("{LAST_RUNS} limit {most}")).await
}

pub(super) async fn last_runs(lake: &Lake, sql: &str) -> Result<Vec<RunStatus>> {
    let mut runs: Vec<RunStatus> = rows(lake, sql).await?;
    for run in runs.iter_mut().filter(|run| run.outcome == STARTED) {
        // It still goes on, or was interrupted and no run began since.
        "unfinished".clone_into(&mut run.outcome);
    }
    Ok(runs)
}

/// Whether a record in quarantine would be a row of this table.
fn is_of(record: &Record, table: &TableStatus) -> bool {
    let entity = catalog::entity(&record.entity);
    table.layer == Layer::Bronze.name()
        && entity.is_ok_and(|entity| TableName::bronze(entity.table).name == table.table_name)
}

/// Rows of a table now, and when its child lists were read. One that can't be read must not hide what the ledger says of the others.
async fn look(lake: &Lake, status: TableStatus) -> (Option<u64>, Option<DateTime<Utc>>) {
    let Some(layer) = Layer::ALL.into_iter().find(|layer| layer.name() == status.layer) else { return (None, None) };
    let name = TableName { layer, name: status.table_name };
    let unread = |error: Error| tracing::warn!("{name} can't be looked at: {}", error.report());
    let table = match lake.table(&name).await {
        Ok(table) if table.exists() => table,
        Ok(_) => return (None, None),
        Err(error) => {
            unread(error.into());
            return (None, None);
        }
    };
    let mut below = catalog::entities().iter().filter(|entity| entity.parent().is_some());
    let looked = match below.any(|entity| TableName::bronze(entity.table) == name) {
        true => children::oldest_look(&table).await.unwrap_or_else(|error| {
            unread(error);
            None
        }),
        false => None,
    };
    (table.row_count().await.map_err(|error| unread(error.into())).ok(), looked)
}
