//! Rows that bronze no longer has: kept, marked, and brought under the columns and the policy of today.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use connectwise_extract::contract::{IS_DELETED, RUN_ID, TIMESTAMP};

use super::BuildStep;
use super::layout::Layout;
use crate::error::{Error, Result};

/// Turns stored rows into deleted ones. A row that was deleted before stays as it is.
pub(super) struct Deletion {
    layout: Layout,
    /// The stored table's own schema, whose marks say what its values are.
    old: SchemaRef,
    run_id: String,
    started: DateTime<Utc>,
}

impl Deletion {
    pub(super) fn new(step: &BuildStep<'_>, layout: &Layout, old: &SchemaRef) -> Self {
        let run_id = step.request.run_id.to_owned();
        Self { layout: layout.clone(), old: old.clone(), run_id, started: step.request.started }
    }

    pub(super) fn apply(&self, stored: &RecordBatch) -> Result<RecordBatch> {
        let rows = stored.num_rows();
        let was_deleted =
            stored.column_by_name(IS_DELETED).and_then(|column| column.as_any().downcast_ref::<BooleanArray>());
        let was_deleted = |row: usize| was_deleted.is_some_and(|deleted| deleted.value(row));
        let schema = self.layout.schema();
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
        for (at, field) in schema.fields().iter().enumerate() {
            let kept = self.layout.reshaped(at, &self.old, stored.column_by_name(field.name()), rows)?;
            arrays.push(match field.name().as_str() {
                IS_DELETED => Arc::new(BooleanArray::from(vec![true; rows])),
                TIMESTAMP => self.stamped(&kept, was_deleted),
                RUN_ID => {
                    let texts = kept.as_any().downcast_ref::<StringArray>();
                    let run = |row| match texts.filter(|_| was_deleted(row)) {
                        Some(texts) => texts.value(row),
                        None => self.run_id.as_str(),
                    };
                    Arc::new((0..rows).map(|row| Some(run(row))).collect::<StringArray>())
                }
                _ => kept,
            });
        }
        RecordBatch::try_new(schema.clone(), arrays).map_err(|error| Error::outdated_silver().with_source(error))
    }

    fn stamped(&self, kept: &ArrayRef, was_deleted: impl Fn(usize) -> bool) -> ArrayRef {
        let instants = kept.as_any().downcast_ref::<TimestampMicrosecondArray>();
        let now = self.started.timestamp_micros();
        let instant = |row| instants.filter(|_| was_deleted(row)).map_or(now, |instants| instants.value(row));
        Arc::new(TimestampMicrosecondArray::from_iter_values((0..kept.len()).map(instant)).with_timezone("UTC"))
    }
}
