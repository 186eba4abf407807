//! What a reconcile found and did.

use chrono::Utc;
use connectwise_sdk::catalog::Entity;
use serde::Serialize;

use crate::halt::Trouble;
use crate::telemetry::{ReadProof, Step, StepOutcome};

/// All of a run.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReconcileReport {
    /// Name of the run, found again in the commits.
    pub run_id: String,
    /// Whether nothing was written, whatever was found.
    pub dry_run: bool,
    /// One entry an entity.
    pub entities: Vec<EntityReport>,
    /// Entities that weren't asked for, since everything fails.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_tried: Vec<&'static str>,
}

impl ReconcileReport {
    /// The entities of which nothing was deleted because something spoke against it.
    pub fn refused(&self) -> impl Iterator<Item = &EntityReport> {
        self.entities.iter().filter(|entity| entity.refused.is_some())
    }
}

/// A sweep that ended with the last page, and whose keys only grew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Swept {
    /// Records that the server counted before it, where it can count.
    pub counted_before: Option<u64>,
    /// Records that it counted after it.
    pub counted_after: Option<u64>,
}

/// What happened to one entity.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntityReport {
    /// Its name.
    pub entity: String,
    /// Rows of the bronze table.
    pub stored: u64,
    /// Records that the server listed.
    pub listed: u64,
    /// Rows that the server didn't list.
    pub missing: u64,
    /// Keys that are confirmed as gone: deleted, or with a dry run to be deleted.
    pub deleted: Vec<i64>,
    /// Keys that weren't listed and are there: their rows are kept.
    pub still_there: Vec<i64>,
    /// Listed records that the table lacked or held with another `deletedFlag`: read again.
    pub reread: u64,
    /// Records that were read again and can't be rows: they are in quarantine.
    pub quarantined: u64,
    /// Of these, rows that are new in the table.
    pub inserted: u64,
    /// Of these, rows that were there and changed.
    pub updated: u64,
    /// What proves that the sweep was whole; `None` where it wasn't, or wasn't made.
    pub swept: Option<Swept>,
    /// Why nothing was done.
    pub refused: Option<String>,
    /// What its failure says of others.
    #[serde(skip)]
    pub(crate) trouble: Option<Trouble>,
    /// What else is worth saying.
    pub note: Option<String>,
    /// Delta version after a write.
    pub version: Option<u64>,
    /// Seconds that it took.
    pub seconds: f64,
}

impl EntityReport {
    /// Says what the reconcile did in the run's step.
    pub(crate) fn tell(&self, step: &mut Step) {
        step.rows_read = self.listed;
        (step.rows_inserted, step.rows_updated) = (self.inserted, self.updated);
        step.rows_deleted = self.deleted.len() as u64;
        step.rows_unchanged = self.listed.saturating_sub(self.inserted + self.updated);
        step.version = self.version;
        step.warnings.extend(self.note.clone());
        step.read = self.swept.map(|swept| ReadProof {
            watermark_before: None,
            watermark_after: None,
            counted_before: swept.counted_before,
            counted_after: swept.counted_after,
            // A sweep that lacks either is an error.
            end_page_seen: Some(true),
            keys_ascending: Some(true),
            complete: true,
        });
        step.outcome = match &self.refused {
            Some(why) if self.version.is_some() => StepOutcome::Incomplete(why.clone()),
            Some(why) => StepOutcome::Failed(why.clone()),
            None if self.version.is_some() => StepOutcome::Written,
            None if self.swept.is_none() => StepOutcome::Skipped,
            None => StepOutcome::Unchanged,
        };
        (step.seconds, step.ended) = (self.seconds, Utc::now());
    }

    pub(super) fn new(entity: &Entity) -> Self {
        Self { entity: entity.name.to_owned(), ..Self::default() }
    }

    /// Says of the entity after which a reconcile stopped why it did.
    pub(crate) fn stopped(&mut self, why: &str) {
        self.refused.get_or_insert_with(|| "the role may not read it".to_owned()).push_str(why);
    }

    /// Of an entity for which nothing was done.
    pub(crate) fn refusing(entity: &Entity, why: String) -> Self {
        Self { refused: Some(why), ..Self::new(entity) }
    }
}
