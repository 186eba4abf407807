//! What the ledger says: freshness, runs, tests, what was rescued and quarantined.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use connectwise_lakehouse::{Lake, TableName};
use connectwise_pipeline::error::{Error, Result};
use connectwise_pipeline::ledger::drift::{self, Drift};
use connectwise_pipeline::ledger::{self, RunStatus, STEPS, Status, TESTS};
use connectwise_pipeline::{quarantine, query};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// More runs than a ledger has, and a number that SQL takes.
const ALL: usize = 1 << 31;
/// Runs in a picture.
const RUNS_SHOWN: usize = 30;

/// Everything that the page shows of the ledger.
#[derive(Debug)]
pub(super) struct Operations {
    pub(super) status: Status,
    /// The last runs, oldest first.
    pub(super) runs: Vec<RunStatus>,
    /// How many there are in all.
    pub(super) all_runs: usize,
    /// What they did to bronze, oldest first.
    pub(super) rows: Vec<RunRows>,
    pub(super) tests: Vec<Test>,
    pub(super) quarantined: Vec<Quarantined>,
    pub(super) drift: Drift,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunRows {
    pub(super) started: DateTime<Utc>,
    pub(super) inserted: f64,
    pub(super) updated: f64,
    pub(super) deleted: f64,
    pub(super) rescued: f64,
    pub(super) quarantined: f64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Test {
    pub(super) table_name: String,
    pub(super) test: String,
    pub(super) severity: String,
    pub(super) passed: bool,
    pub(super) found: Option<String>,
    pub(super) started: DateTime<Utc>,
}

#[derive(Debug)]
pub(super) struct Quarantined {
    pub(super) entity: String,
    pub(super) reason: String,
    pub(super) records: u64,
}

pub(super) async fn read(lake: &Lake, now: DateTime<Utc>) -> Result<Option<Operations>> {
    let Some(mut status) = ledger::status(lake).await? else { return Ok(None) };
    for table in &mut status.tables {
        table.age_seconds = table.last_good.map(|good| (now - good).num_seconds().max(0));
    }
    let mut runs = ledger::runs(lake, ALL).await?;
    let all_runs = runs.len();
    runs.truncate(RUNS_SHOWN);
    runs.reverse();
    let mut rows: Vec<RunRows> = select(
        lake,
        &TableName::ledger(STEPS),
        &format!(
            "select min(started) as started, sum(\"rowsInserted\") as inserted, sum(\"rowsUpdated\") as updated, \
             sum(\"rowsDeleted\") as deleted, sum(\"rowsRescued\") as rescued, sum(quarantined) as quarantined \
             from etl_steps where layer = 'bronze' \
             and \"runId\" not in (select \"runId\" from etl_runs where mode = 'maintain') group by \"runId\" order by started desc limit {RUNS_SHOWN}"
        ),
    )
    .await?;
    rows.reverse();
    // Each test as it went when its table was last looked at.
    let tests = select(
        lake,
        &TableName::ledger(TESTS),
        "select \"tableName\", test, severity, passed, found, started from (select *, row_number() over \
         (partition by \"tableName\", test order by started desc, \"runId\" desc) as n from etl_tests) t \
         where n = 1 order by passed, severity, \"tableName\", test",
    )
    .await?;
    let mut reasons: BTreeMap<(String, String), u64> = BTreeMap::new();
    for record in quarantine::standing(lake).await? {
        // What a parser says behind the colon may quote the record.
        let reason = record.reason.split_once(':').map_or(record.reason.as_str(), |(reason, _)| reason).to_owned();
        *reasons.entry((record.entity, reason)).or_default() += 1;
    }
    let mut quarantined: Vec<Quarantined> =
        reasons.into_iter().map(|((entity, reason), records)| Quarantined { entity, reason, records }).collect();
    quarantined.sort_by_key(|group| std::cmp::Reverse(group.records));
    Ok(Some(Operations { status, runs, all_runs, rows, tests, quarantined, drift: drift::read(lake).await? }))
}

/// Rows of a table that may not be there.
async fn select<T: DeserializeOwned>(lake: &Lake, table: &TableName, sql: &str) -> Result<Vec<T>> {
    if !lake.table(table).await?.exists() {
        return Ok(Vec::new());
    }
    let json = query::json(&query::select(lake, sql).await?)?;
    serde_json::from_slice(&json).map_err(|error| Error::foreign_columns(table).with_source(error))
}
