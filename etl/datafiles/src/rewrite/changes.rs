//! What a merge is given.

use std::sync::Arc;

use arrow::array::RecordBatch;

use crate::spill_buffer::SpillBuffer;

/// Rows that come into a table, and rows that leave it.
#[derive(Debug)]
pub struct Changes<'a> {
    /// Column that rows are matched by.
    pub key: &'a str,
    /// Integer column whose range limits the files that are looked into.
    pub clustered_by: &'a str,
    /// Rows that are new or have changed.
    pub upserts: Arc<SpillBuffer>,
    /// Rows that leave.
    pub deletes: Deletes,
}

/// Rows that leave a table.
#[derive(Debug)]
pub enum Deletes {
    /// Those with these keys, which are integers.
    Keys(Vec<i64>),
    /// These rows, of which key and clustering column are looked at.
    Rows(Vec<RecordBatch>),
}

impl<'a> Changes<'a> {
    /// Rows that are new or have changed, matched by the column `key`.
    pub fn upserts(key: &'a str, rows: impl Into<SpillBuffer>) -> Self {
        Self { key, clustered_by: key, upserts: Arc::new(rows.into()), deletes: Deletes::Keys(Vec::new()) }
    }

    /// The same for a key of texts, which says nothing of where a row is: an integer column whose range limits the files that are
    /// looked into. A row that has a key always has this value too.
    #[must_use]
    pub fn clustered_by(self, column: &'a str) -> Self {
        Self { clustered_by: column, ..self }
    }

    /// The same, and the integer keys of rows that leave.
    #[must_use]
    pub fn deleting(self, keys: Vec<i64>) -> Self {
        Self { deletes: Deletes::Keys(keys), ..self }
    }

    /// The same, and rows that leave.
    #[must_use]
    pub fn deleting_rows(self, rows: Vec<RecordBatch>) -> Self {
        Self { deletes: Deletes::Rows(rows), ..self }
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.upserts.is_empty() && !self.has_deletes()
    }

    pub(super) fn has_deletes(&self) -> bool {
        match &self.deletes {
            Deletes::Keys(keys) => !keys.is_empty(),
            Deletes::Rows(rows) => rows.iter().any(|batch| batch.num_rows() > 0),
        }
    }
}
