//! The columns of a row that its record doesn't have.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::error::ArrowError;

use super::leaf::Texts;

/// In the order of the contract.
pub(super) struct Technical {
    entity: &'static str,
    run_id: String,
    started_micros: i64,
    parents: Vec<i64>,
    rescued: Texts,
    hashes: Vec<i64>,
}

impl Technical {
    pub(super) fn new(entity: &'static str, run_id: &str, started_micros: i64) -> Self {
        let run_id = run_id.to_owned();
        Self { entity, run_id, started_micros, parents: Vec::new(), rescued: Texts::new(), hashes: Vec::new() }
    }

    pub(super) fn rows(&self) -> usize {
        self.hashes.len()
    }

    pub(super) fn push(&mut self, parent: Option<i64>, rescued: Option<&str>, hash: i64) {
        if let Some(rescued) = rescued {
            self.rescued.push(self.rows(), rescued);
        }
        self.parents.extend(parent);
        self.hashes.push(hash);
    }

    /// The arrays, and nothing left here. The first is that of parents, if rows hang on some.
    pub(super) fn finish(&mut self, below: bool) -> Result<Vec<ArrayRef>, ArrowError> {
        let rows = self.rows();
        let parents = std::mem::take(&mut self.parents);
        let started = TimestampMicrosecondArray::from_value(self.started_micros, rows).with_timezone("UTC");
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(6);
        if below {
            arrays.push(Arc::new(Int64Array::from(parents)));
        }
        arrays.push(self.rescued.finish(rows)?);
        arrays.push(Arc::new(started));
        arrays.push(Arc::new(StringArray::from_iter_values(std::iter::repeat_n(self.entity, rows))));
        arrays.push(Arc::new(StringArray::from_iter_values(std::iter::repeat_n(&self.run_id, rows))));
        arrays.push(Arc::new(Int64Array::from(std::mem::take(&mut self.hashes))));
        Ok(arrays)
    }
}
