//! What a run did.

use chrono::{DateTime, Utc};
use connectwise_sdk::ClientStats;
use serde::Serialize;

use super::{Mode, Trouble};
use crate::bronze::Loaded;
use crate::error::Error;
use crate::gold::TestResult;
use crate::lake::{Layer, TableName, Written};
use crate::maintain;
use crate::reconcile::EntityReport;
use crate::silver::{self, TableReport};

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "outcome", content = "error")]
pub enum Outcome {
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

impl Outcome {
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
pub struct Read {
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
    pub outcome: Outcome,
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
    pub read: Option<Read>,
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
    pub(super) fn new(table: &TableName) -> Self {
        Self {
            layer: table.layer,
            table: table.name.clone(),
            outcome: Outcome::Unchanged,
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

    pub(super) fn wrote(&mut self, written: &Written) {
        self.outcome = if written.committed { Outcome::Written } else { Outcome::Unchanged };
        self.rows_inserted = written.inserted;
        self.rows_updated = written.updated;
        self.rows_deleted = written.deleted;
        self.version = Some(written.version);
    }

    /// Takes what loading a bronze table did.
    pub(super) fn loaded(&mut self, loaded: Loaded) {
        let seen = &loaded.seen;
        self.wrote(&loaded.written);
        self.rows_read = seen.records;
        self.rows_rescued = seen.rescued;
        self.quarantined = loaded.quarantined;
        let rejected = seen.rejected.len() as u64;
        self.rows_unchanged = seen.records.saturating_sub(rejected + self.rows_inserted + self.rows_updated);
        self.read = Some(Read {
            watermark_before: loaded.watermark_before,
            watermark_after: loaded.watermark,
            counted_before: seen.counted,
            counted_after: seen.counted_after,
            end_page_seen: seen.ended,
            keys_ascending: seen.ascending,
            complete: seen.complete && seen.unreadable.is_empty(),
        });
        self.warnings.extend(loaded.warnings);
        if let Some(what) = loaded.incomplete {
            self.outcome = Outcome::Incomplete(what);
        }
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

    /// Takes what a reconcile did to a bronze table.
    pub(super) fn reconciled(&mut self, found: &EntityReport) {
        self.rows_read = found.listed;
        (self.rows_inserted, self.rows_updated) = (found.inserted, found.updated);
        self.rows_deleted = found.deleted.len() as u64;
        self.rows_unchanged = found.listed.saturating_sub(found.inserted + found.updated);
        self.version = found.version;
        self.warnings.extend(found.note.clone());
        self.read = found.swept.map(|swept| Read {
            watermark_before: None,
            watermark_after: None,
            counted_before: swept.counted_before,
            counted_after: swept.counted_after,
            // A sweep that lacks either is an error.
            end_page_seen: Some(true),
            keys_ascending: Some(true),
            complete: true,
        });
        self.outcome = match &found.refused {
            Some(why) if found.version.is_some() => Outcome::Incomplete(why.clone()),
            Some(why) => Outcome::Failed(why.clone()),
            None if found.version.is_some() => Outcome::Written,
            None if found.swept.is_none() => Outcome::Skipped,
            None => Outcome::Unchanged,
        };
        (self.seconds, self.ended) = (found.seconds, Utc::now());
    }

    /// Takes what upkeep did to a table.
    pub(super) fn maintained(&mut self, done: &maintain::TableReport) {
        self.outcome = match &done.error {
            Some(why) => Outcome::Failed(why.clone()),
            None if done.kept.compacted > 0 => Outcome::Written,
            None => Outcome::Unchanged,
        };
        (self.seconds, self.ended) = (done.seconds, Utc::now());
    }

    /// Takes what the client of this step alone has sent.
    pub(super) fn spent(&mut self, stats: ClientStats) {
        (self.requests, self.retries, self.bytes) = (stats.requests, stats.retries, stats.bytes);
    }

    pub(super) fn failed(&mut self, error: &Error) {
        self.outcome = Outcome::Failed(error.report());
    }

    /// The role may not read it, which is expected.
    pub(super) fn skipped(&mut self, why: String) {
        self.outcome = Outcome::Skipped;
        self.warnings.push(why);
    }

    /// Adds to why it failed.
    pub(super) fn add_to_failure(&mut self, what: &str) {
        if let Outcome::Failed(why) = &mut self.outcome {
            why.push_str(what);
        }
    }

    /// Whether something couldn't be read, and the rest was written.
    pub fn is_incomplete(&self) -> bool {
        matches!(self.outcome, Outcome::Incomplete(_))
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

impl Report {
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

/// How steps ended together: see [`Report::outcome`].
pub(crate) fn outcome(steps: &[Step]) -> &'static str {
    let went = |step: &Step| matches!(step.outcome, Outcome::Written | Outcome::Unchanged | Outcome::Incomplete(_));
    match () {
        () if !steps.iter().any(|step| step.is_failed() || step.is_incomplete()) => "done",
        () if steps.iter().any(went) => "partly",
        () => "failed",
    }
}

fn layer_name<S: serde::Serializer>(layer: &Layer, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(layer.name())
}
