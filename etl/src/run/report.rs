//! What a run did.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Mode;
use crate::error::Error;
use crate::lake::{Layer, TableName, Written};
use crate::silver::{self, TableReport};

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "outcome", content = "error")]
pub enum Outcome {
    /// There is a new version of the table.
    Written,
    /// The table holds what it has to already.
    Unchanged,
    /// There is nothing to build it from.
    Skipped,
    /// Nothing was written; the table is as it was. The text says why.
    Failed(String),
}

/// What one step did to one table.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Layer of the table.
    #[serde(serialize_with = "layer_name")]
    pub layer: Layer,
    /// Table below the layer.
    pub table: String,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Rows that went through the step.
    pub rows_read: u64,
    /// Rows that are new.
    pub rows_inserted: u64,
    /// Rows that changed.
    pub rows_updated: u64,
    /// Rows that left.
    pub rows_deleted: u64,
    /// Rows with something in `_rescued`.
    pub rows_rescued: u64,
    /// Records that went to quarantine.
    pub quarantined: u64,
    /// Delta version of the table after the step.
    pub version: Option<u64>,
    /// What deserves a look though nothing failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Time it took.
    pub seconds: f64,
}

impl Step {
    pub(super) fn new(table: &TableName) -> Self {
        Self {
            layer: table.layer,
            table: table.name.clone(),
            outcome: Outcome::Unchanged,
            rows_read: 0,
            rows_inserted: 0,
            rows_updated: 0,
            rows_deleted: 0,
            rows_rescued: 0,
            quarantined: 0,
            version: None,
            warnings: Vec::new(),
            seconds: 0.0,
        }
    }

    pub(super) fn wrote(&mut self, written: &Written) {
        self.outcome = if written.committed { Outcome::Written } else { Outcome::Unchanged };
        self.rows_inserted = written.inserted;
        self.rows_updated = written.updated;
        self.rows_deleted = written.deleted;
        self.version = Some(written.version);
    }

    /// Takes what building a silver or gold table did.
    pub(super) fn built(&mut self, report: &TableReport) {
        self.wrote(&report.written);
        if report.outcome == silver::Outcome::NoInput {
            (self.outcome, self.version) = (Outcome::Skipped, None);
        }
        if let Some(error) = &report.error {
            (self.outcome, self.version) = (Outcome::Failed(error.clone()), None);
        }
        self.rows_read = report.rows;
        self.warnings.extend(
            report
                .unreadable
                .iter()
                .map(|(column, count)| format!("{count} values of {column} can't be read as its type, and are null")),
        );
    }

    pub(super) fn failed(&mut self, error: &Error) {
        self.outcome = Outcome::Failed(error.report());
    }

    /// Whether the step failed.
    pub fn is_failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed(_))
    }
}

/// What a run did, step by step.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Name of the run, as in `_etl_run_id` and in the tables' history.
    pub run_id: String,
    /// When it started, by this machine's clock.
    pub started: DateTime<Utc>,
    /// How much was read.
    pub mode: Mode,
    /// Where the tables are.
    pub lakehouse: String,
    /// Version of the interface document that the columns come from.
    pub api_version: String,
    /// What each step did.
    pub steps: Vec<Step>,
    /// Requests sent to the API, repeats included.
    pub requests: u64,
    /// Requests that were repeats.
    pub retries: u64,
    /// Bytes received.
    pub bytes: u64,
    /// Time it took.
    pub seconds: f64,
}

impl Report {
    /// Steps that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.is_failed())
    }

    /// Whether nothing at all went well.
    pub fn is_total_loss(&self) -> bool {
        let ran = |step: &Step| matches!(step.outcome, Outcome::Written | Outcome::Unchanged);
        self.failed().next().is_some() && !self.steps.iter().any(ran)
    }

    /// Rows a second of a layer, over the time its steps took.
    pub fn rows_per_second(&self, layer: Layer) -> Option<(u64, f64)> {
        let steps = || self.steps.iter().filter(move |step| step.layer == layer);
        let rows: u64 = steps().map(|step| step.rows_read).sum();
        let seconds: f64 = steps().map(|step| step.seconds).sum();
        (seconds > 0.0 && rows > 0).then(|| (rows, rows as f64 / seconds))
    }
}

fn layer_name<S: serde::Serializer>(layer: &Layer, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(layer.name())
}
