//! What changes from one document to another, and what each change does to SDK names, to tables and to `lake.toml`.

mod operations;
mod schemas;
mod text;
mod view;

use serde::Serialize;

use crate::api::Api;
use crate::document::Document;
use crate::error::{Error, Result};
use crate::lake::Lake;
use view::View;

/// What changes where the generator is stopped, or no longer.
const GENERATION: &str = "generation";

/// How much a change matters to those who use the SDK or the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Code doesn't compile any more, a column is lost or changes its type, or nothing can be generated at all.
    Breaking,
    /// Something is different, and what exists goes on working.
    Tolerant,
    /// Something is new.
    Additive,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// How much it matters.
    pub severity: Severity,
    /// What changes: `GET /time/entries`, `TimeEntry.notes`, `TimeEntry.status`, a fixup, or a file of the configuration.
    pub subject: String,
    /// How it changes.
    pub what: String,
    /// What becomes of the names of the SDK.
    pub sdk: Vec<String>,
    /// What becomes of tables.
    pub tables: Vec<String>,
    /// What has to be done in `lake.toml`, or what its patterns say about something new.
    pub lake: Vec<String>,
}

/// All changes, the worst first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// Version of the old document.
    pub old: String,
    /// Version of the new document.
    pub new: String,
    /// Number of breaking changes.
    pub breaking: usize,
    /// Number of tolerant changes.
    pub tolerant: usize,
    /// Number of additive changes.
    pub additive: usize,
    /// The changes, sorted by severity and subject.
    pub changes: Vec<Change>,
}

/// Compares two documents under one configuration.
///
/// # Errors
/// When one of them is not readable as an interface document. What only stops the generator is a breaking change.
pub fn diff(api: &Api, lake: &Lake, old: &Document, new: &Document) -> Result<Diff> {
    let old = View::of(api, lake, old)?;
    let new = View::of(api, lake, new)?;
    let mut changes = Vec::new();
    for problem in new.problems.difference(&old.problems) {
        changes.push(Change::new(Severity::Breaking, GENERATION, &format!("stops: {problem}")));
    }
    for problem in old.problems.difference(&new.problems) {
        changes.push(Change::new(Severity::Tolerant, GENERATION, &format!("is no longer stopped by: {problem}")));
    }
    for problem in new.left_over.difference(&old.left_over) {
        changes.push(Change::new(Severity::Tolerant, "check", &format!("asks for a decision: {problem}")));
    }
    for problem in old.left_over.difference(&new.left_over) {
        changes.push(Change::new(Severity::Tolerant, "check", &format!("no longer asks for a decision: {problem}")));
    }
    operations::compare(&old, &new, &mut changes);
    schemas::compare(&old, &new, lake, &mut changes);
    Ok(Diff::of(old.version, new.version, changes))
}

/// What can be told of a document whose text is JSON, and parts of it no OpenAPI: everything that stops the generator.
#[must_use]
pub fn unreadable(old: &Document, name: &str, error: &Error) -> Diff {
    let told = |error: &Error| Change::new(Severity::Breaking, GENERATION, &format!("stops: {error}"));
    let changes = std::iter::once(error).chain(error.others()).map(told).collect();
    Diff::of(old.version().to_owned(), name.to_owned(), changes)
}

impl Diff {
    fn of(old: String, new: String, mut changes: Vec<Change>) -> Self {
        // What stops the generator stands before everything else.
        let rank = |change: &Change| (change.severity, change.subject != GENERATION);
        changes.sort_by(|a, b| (rank(a), &a.subject, &a.what).cmp(&(rank(b), &b.subject, &b.what)));
        let count = |severity| changes.iter().filter(|change| change.severity == severity).count();
        Self {
            old,
            new,
            breaking: count(Severity::Breaking),
            tolerant: count(Severity::Tolerant),
            additive: count(Severity::Additive),
            changes,
        }
    }
}

impl Change {
    fn new(severity: Severity, subject: &str, what: &str) -> Self {
        let subject = subject.to_owned();
        let what = what.to_owned();
        Self { severity, subject, what, sdk: Vec::new(), tables: Vec::new(), lake: Vec::new() }
    }

    fn sdk(mut self, effect: String) -> Self {
        self.sdk.push(effect);
        self
    }
}
