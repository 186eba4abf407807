//! What one step of a run did to one table.

use chrono::{DateTime, Utc};
use connectwise_lakehouse::{Layer, TableName, Written};
use connectwise_sdk::ClientStats;
use serde::Serialize;

use super::build::{BuildOutcome, TableReport};
use crate::error::Error;
use crate::halt::Trouble;

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "outcome", content = "error")]
pub enum StepOutcome {
    /// There is a new version of the table.
    Written,
    /// The table holds what it has to already.
    Unchanged,
    /// There is nothing to build it from, or it is optional and the role may not read it.
    Skipped,
    /// What could be read is written. The text says what couldn't; the next run asks for it again.
    Incomplete(String),
    /// Nothing was written; the table is as it was. The text says why.
    Failed(String),
}

impl StepOutcome {
    /// One lower-case word, as in the JSON report and in the ledger.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
            Self::Incomplete(_) => "incomplete",
            Self::Failed(_) => "failed",
        }
    }
}

/// What reading an entity showed: where it began and ended, and why it counts as whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadProof {
    /// Highest change time stored before the run, the server's time.
    pub watermark_before: Option<DateTime<Utc>>,
    /// Highest change time stored after it.
    pub watermark_after: Option<DateTime<Utc>>,
    /// Records that the server counted before the read, where it can count.
    pub counted_before: Option<u64>,
    /// Records that it counted after the read.
    pub counted_after: Option<u64>,
    /// Whether the server said which page is the last, `None` where it has no pages to say so of.
    pub end_page_seen: Option<bool>,
    /// Whether every key was greater than the one before it, `None` where their order proves nothing.
    pub keys_ascending: Option<bool>,
    /// Whether all of it together proves that the read is whole.
    pub complete: bool,
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
    pub outcome: StepOutcome,
    /// Rows that went through the step.
    pub rows_read: u64,
    /// Rows that are new.
    pub rows_inserted: u64,
    /// Rows that changed.
    pub rows_updated: u64,
    /// Rows that went through and were in the table as they are.
    pub rows_unchanged: u64,
    /// Rows that left.
    pub rows_deleted: u64,
    /// Rows with something in `_rescued`.
    pub rows_rescued: u64,
    /// Records that went to quarantine.
    pub quarantined: u64,
    /// Delta version of the table after the step.
    pub version: Option<u64>,
    /// What reading from the API showed; bronze steps. Of a failed one, how far it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<ReadProof>,
    /// What deserves a look though nothing failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What its failure says of others.
    #[serde(skip)]
    pub(crate) trouble: Option<Trouble>,
    /// Requests sent to the API, repeats included.
    pub requests: u64,
    /// Requests that were repeats.
    pub retries: u64,
    /// Bytes received.
    pub bytes: u64,
    /// When it ended, by this machine's clock.
    pub ended: DateTime<Utc>,
    /// Time it took.
    pub seconds: f64,
}

impl Step {
    pub(crate) fn new(table: &TableName) -> Self {
        Self {
            layer: table.layer,
            table: table.name.clone(),
            outcome: StepOutcome::Unchanged,
            rows_read: 0,
            rows_inserted: 0,
            rows_updated: 0,
            rows_unchanged: 0,
            rows_deleted: 0,
            rows_rescued: 0,
            quarantined: 0,
            version: None,
            read: None,
            warnings: Vec::new(),
            trouble: None,
            requests: 0,
            retries: 0,
            bytes: 0,
            ended: DateTime::UNIX_EPOCH,
            seconds: 0.0,
        }
    }

    pub(crate) fn wrote(&mut self, written: &Written) {
        self.outcome = if written.committed { StepOutcome::Written } else { StepOutcome::Unchanged };
        self.rows_inserted = written.inserted;
        self.rows_updated = written.updated;
        self.rows_deleted = written.deleted;
        self.version = Some(written.version);
    }

    /// Takes what building a silver or gold table did.
    pub(crate) fn built(&mut self, report: &TableReport) {
        self.wrote(&report.written);
        if report.outcome == BuildOutcome::NoInput {
            self.outcome = StepOutcome::Skipped;
            self.version = None;
        }
        if let Some(error) = &report.error {
            self.outcome = StepOutcome::Failed(error.clone());
            self.version = None;
        }
        self.rows_read = report.rows;
        self.warnings.extend(report.warnings.iter().cloned());
        if !self.is_failed() {
            self.rows_unchanged = report.rows.saturating_sub(self.rows_inserted + self.rows_updated);
        }
        self.warnings.extend(
            report
                .unreadable
                .iter()
                .map(|(column, count)| format!("{count} values of {column} can't be read as its type, and are null")),
        );
    }

    /// Takes what the client of this step alone has sent.
    pub(crate) fn spent(&mut self, stats: ClientStats) {
        self.requests = stats.requests;
        self.retries = stats.retries;
        self.bytes = stats.bytes;
    }

    pub(crate) fn failed(&mut self, error: &Error) {
        self.outcome = StepOutcome::Failed(error.report());
    }

    /// The role may not read it, which is expected.
    pub(crate) fn skipped(&mut self, why: String) {
        self.outcome = StepOutcome::Skipped;
        self.warnings.push(why);
    }

    /// Adds to why it failed, or why an optional list can't just be skipped.
    pub(crate) fn add_to_failure(&mut self, what: &str) {
        match &mut self.outcome {
            StepOutcome::Failed(why) => why.push_str(what),
            _ => self.outcome = StepOutcome::Failed(format!("the role may not read it{what}")),
        }
    }

    /// Whether something couldn't be read, and the rest was written.
    pub fn is_incomplete(&self) -> bool {
        matches!(self.outcome, StepOutcome::Incomplete(_))
    }

    /// Whether the step failed.
    pub fn is_failed(&self) -> bool {
        matches!(self.outcome, StepOutcome::Failed(_))
    }
}

fn layer_name<S: serde::Serializer>(layer: &Layer, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(layer.name())
}

/// How steps ended together: `done`, `partly` when some failed or left something out, `failed` when nothing went well.
pub(crate) fn outcome(steps: &[Step]) -> &'static str {
    let went = |step: &Step| {
        matches!(step.outcome, StepOutcome::Written | StepOutcome::Unchanged | StepOutcome::Incomplete(_))
    };
    match () {
        () if !steps.iter().any(|step| step.is_failed() || step.is_incomplete()) => "done",
        () if steps.iter().any(went) => "partly",
        () => "failed",
    }
}
