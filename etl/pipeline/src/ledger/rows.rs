//! The rows that are written to the ledger, one struct a table. Readers name the columns that they need.

use chrono::{DateTime, Utc};
use connectwise_lakehouse::{Layer, TableName};
use serde::{Deserialize, Serialize};

use super::drift::News;
use super::{End, STARTED, Start, process};
use crate::telemetry::{Chunk, DriftKind, Severity, Step, StepOutcome, TestResult, outcome};

/// The layers in their order, the ledger's own last.
const LAYERS: [Layer; 4] = [Layer::Bronze, Layer::Silver, Layer::Gold, Layer::Ledger];

/// A row of `etl_runs`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunRow {
    pub(super) run_id: String,
    pub(super) started: DateTime<Utc>,
    pub(super) ended: Option<DateTime<Utc>>,
    pub(super) mode: String,
    pub(super) layers: String,
    pub(super) outcome: String,
    pub(super) api_version: String,
    pub(super) program_version: String,
    pub(super) requests: Option<u64>,
    pub(super) retries: Option<u64>,
    pub(super) bytes: Option<u64>,
    pub(super) seconds: Option<f64>,
    pub(super) steps: Option<u64>,
    pub(super) steps_failed: Option<u64>,
    pub(super) process: Option<String>,
    pub(super) steps_incomplete: Option<u64>,
    pub(super) asked_version: Option<String>,
    pub(super) server_version: Option<String>,
}

impl RunRow {
    /// A run as it starts.
    pub(super) fn started(start: Start<'_>) -> Self {
        let layers = LAYERS.iter().filter(|layer| start.layers.contains(layer));
        Self {
            run_id: start.run_id.to_owned(),
            started: start.started,
            ended: None,
            mode: start.work.name().to_owned(),
            layers: layers.map(|layer| layer.name()).collect::<Vec<_>>().join(","),
            outcome: STARTED.to_owned(),
            api_version: connectwise_sdk::API_VERSION.to_owned(),
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            requests: None,
            retries: None,
            bytes: None,
            seconds: None,
            steps: None,
            steps_failed: None,
            process: process::own(),
            steps_incomplete: None,
            asked_version: start.asked.map(str::to_owned),
            server_version: None,
        }
    }

    /// A run with what it did.
    pub(super) fn ended(start: Start<'_>, end: &End<'_>) -> Self {
        let count = |which: fn(&Step) -> bool| Some(end.steps.iter().filter(|step| which(step)).count() as u64);
        Self {
            ended: Some(end.ended),
            outcome: outcome(end.steps).to_owned(),
            requests: Some(end.requests),
            retries: Some(end.retries),
            bytes: Some(end.bytes),
            seconds: Some(end.seconds),
            steps: count(|_| true),
            steps_failed: count(Step::is_failed),
            steps_incomplete: count(Step::is_incomplete),
            server_version: end.server.map(str::to_owned),
            ..Self::started(start)
        }
    }

    /// A run that began and can't end any more, as the next one closes it.
    pub(super) fn closed(self, ended: DateTime<Utc>, outcome: &str) -> Self {
        let program_version = env!("CARGO_PKG_VERSION").to_owned();
        Self { ended: Some(ended), outcome: outcome.to_owned(), program_version, process: None, ..self }
    }
}

/// A row of `etl_steps`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StepRow {
    run_id: String,
    started: DateTime<Utc>,
    layer: &'static str,
    table_name: String,
    outcome: &'static str,
    error: Option<String>,
    rows_read: u64,
    rows_inserted: u64,
    rows_updated: u64,
    rows_unchanged: u64,
    rows_deleted: u64,
    rows_rescued: u64,
    quarantined: u64,
    version: Option<u64>,
    watermark_before: Option<DateTime<Utc>>,
    watermark_after: Option<DateTime<Utc>>,
    counted_before: Option<u64>,
    counted_after: Option<u64>,
    end_page_seen: Option<bool>,
    keys_ascending: Option<bool>,
    complete: Option<bool>,
    seconds: f64,
    /// A list as JSON.
    warnings: String,
    requests: Option<u64>,
    retries: Option<u64>,
    bytes: Option<u64>,
    ended: Option<DateTime<Utc>>,
    api_version: Option<&'static str>,
    asked_version: Option<String>,
}

impl StepRow {
    pub(super) fn new(start: Start<'_>, step: &Step) -> Self {
        let read = step.read.as_ref();
        Self {
            run_id: start.run_id.to_owned(),
            started: start.started,
            layer: step.layer.name(),
            table_name: step.table.clone(),
            outcome: step.outcome.name(),
            error: match &step.outcome {
                StepOutcome::Failed(why) | StepOutcome::Incomplete(why) => Some(why.clone()),
                _ => None,
            },
            rows_read: step.rows_read,
            rows_inserted: step.rows_inserted,
            rows_updated: step.rows_updated,
            rows_unchanged: step.rows_unchanged,
            rows_deleted: step.rows_deleted,
            rows_rescued: step.rows_rescued,
            quarantined: step.quarantined,
            version: step.version,
            watermark_before: read.and_then(|read| read.watermark_before),
            watermark_after: read.and_then(|read| read.watermark_after),
            counted_before: read.and_then(|read| read.counted_before),
            counted_after: read.and_then(|read| read.counted_after),
            end_page_seen: read.and_then(|read| read.end_page_seen),
            keys_ascending: read.and_then(|read| read.keys_ascending),
            complete: read.map(|read| read.complete),
            seconds: step.seconds,
            warnings: serde_json::Value::from(step.warnings.clone()).to_string(),
            requests: Some(step.requests),
            retries: Some(step.retries),
            bytes: Some(step.bytes),
            ended: Some(step.ended),
            api_version: Some(connectwise_sdk::API_VERSION),
            asked_version: start.asked.map(str::to_owned),
        }
    }
}

/// A row of `etl_chunks`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChunkRow {
    run_id: String,
    started: DateTime<Utc>,
    layer: &'static str,
    table_name: String,
    chunk: u64,
    rows: u64,
    last_key: Option<i64>,
    ended: DateTime<Utc>,
    rescued: Option<u64>,
    quarantined: Option<u64>,
    requests: Option<u64>,
    retries: Option<u64>,
    bytes: Option<u64>,
}

impl ChunkRow {
    pub(super) fn new(start: Start<'_>, table: &TableName, chunk: &Chunk) -> Self {
        Self {
            run_id: start.run_id.to_owned(),
            started: start.started,
            layer: table.layer.name(),
            table_name: table.name.clone(),
            chunk: chunk.number,
            rows: chunk.rows,
            last_key: chunk.last_key,
            ended: chunk.ended,
            rescued: Some(chunk.rescued),
            quarantined: Some(chunk.quarantined),
            requests: Some(chunk.requests),
            retries: Some(chunk.retries),
            bytes: Some(chunk.bytes),
        }
    }
}

/// A row of `etl_drift`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DriftRow {
    run_id: String,
    started: DateTime<Utc>,
    entity: &'static str,
    kind: DriftKind,
    path: String,
    found: String,
    occurrences: u64,
    api_version: &'static str,
}

/// A row of `etl_fields`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FieldRow {
    run_id: String,
    started: DateTime<Utc>,
    entity: &'static str,
    path: String,
}

impl News {
    pub(super) fn drift_rows(&self, start: Start<'_>) -> Vec<DriftRow> {
        let row = |(entity, deviation, count): &(&'static str, crate::telemetry::Deviation, u64)| DriftRow {
            run_id: start.run_id.to_owned(),
            started: start.started,
            entity,
            kind: deviation.kind,
            path: deviation.path.clone(),
            found: deviation.found.clone(),
            occurrences: *count,
            api_version: connectwise_sdk::API_VERSION,
        };
        self.deviations.iter().map(row).collect()
    }

    pub(super) fn field_rows(&self, start: Start<'_>) -> Vec<FieldRow> {
        let row = |(entity, path): &(&'static str, String)| FieldRow {
            run_id: start.run_id.to_owned(),
            started: start.started,
            entity,
            path: path.clone(),
        };
        self.fields.iter().map(row).collect()
    }
}

/// A row of `etl_tests`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TestRow {
    run_id: String,
    started: DateTime<Utc>,
    table_name: String,
    test: String,
    severity: &'static str,
    passed: bool,
    failures: u64,
    found: Option<String>,
}

impl TestRow {
    pub(super) fn new(start: Start<'_>, test: &TestResult) -> Self {
        Self {
            run_id: start.run_id.to_owned(),
            started: start.started,
            table_name: test.table.name.clone(),
            test: test.test.clone(),
            severity: match test.severity {
                Severity::Error => "error",
                Severity::Warn => "warn",
            },
            passed: test.passed(),
            failures: test.failures,
            found: Some(test.found.clone()).filter(|found| !found.is_empty()),
        }
    }
}
