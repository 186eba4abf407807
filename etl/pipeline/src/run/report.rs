//! What a run did.

use chrono::{DateTime, Utc};
use connectwise_lakehouse::Layer;
use serde::Serialize;

use crate::telemetry::{Mode, Step, TestResult, outcome};

/// What a run did, step by step.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunReport {
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
    /// Version of the API that the client asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_version: Option<String>,
    /// Release that the server says it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_version: Option<String>,
    /// What each step did.
    pub steps: Vec<Step>,
    /// What the data tests of the gold tables found, for tables whose rows were looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<TestResult>,
    /// Entities that weren't asked for, since everything fails.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_tried: Vec<&'static str>,
    /// What deserves a look and belongs to no table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Requests sent to the API, repeats included.
    pub requests: u64,
    /// Requests that were repeats.
    pub retries: u64,
    /// Bytes received.
    pub bytes: u64,
    /// Time it took.
    pub seconds: f64,
}

impl RunReport {
    /// Steps that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.is_failed())
    }

    /// Steps that left something out.
    pub fn incomplete(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.is_incomplete())
    }

    /// How the run ended, in one word: `done`, `partly` when some steps failed or left something out, `failed` when nothing
    /// went well.
    pub fn outcome(&self) -> &'static str {
        outcome(&self.steps)
    }

    /// What the program ends with: 0 done, 1 some steps failed or left something out, 3 nothing went well.
    pub fn exit_code(&self) -> u8 {
        match self.outcome() {
            "done" => 0,
            "partly" => 1,
            _ => 3,
        }
    }

    /// Whether nothing at all went well.
    pub fn is_total_loss(&self) -> bool {
        self.outcome() == "failed"
    }

    /// Rows a second of a layer, over the time its steps took.
    pub fn rows_per_second(&self, layer: Layer) -> Option<(u64, f64)> {
        let steps = || self.steps.iter().filter(move |step| step.layer == layer);
        let rows: u64 = steps().map(|step| step.rows_read).sum();
        let seconds: f64 = steps().map(|step| step.seconds).sum();
        (seconds > 0.0 && rows > 0).then(|| (rows, rows as f64 / seconds))
    }
}
