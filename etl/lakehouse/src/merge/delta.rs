//! Delta's own MERGE, for tables that hold more than files of this program's: other protocols, deletion vectors, columns that
//! the table lacks.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use connectwise_datafiles::{Changes, Deletes, check, integers, range, refused};

use crate::active::writer_properties;
use crate::error::{self, Result, lake_error};
use crate::{Commit, Source, Table, TableName, Written};

/// Column of the source that says of a row whether the one with its key is deleted.
const DELETED: &str = "__deleted";

impl Table {
    /// One MERGE: rows that are there are updated or deleted, and others inserted.
    pub(super) async fn merge_by_delta(
        &self,
        schema: &SchemaRef,
        changes: &Changes<'_>,
        commit: &Commit,
    ) -> Result<Written> {
        let session = self.lake.session()?;
        let rows = source_rows(&self.name, schema, changes)?;
        let on = condition(schema, changes, &rows)?;
        let frame = Source::batches(&session, rows)?.into_frame();
        self.before_write().await?;
        let columns: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
        let failed = |error| lake_error(&self.name, "merged into", error);
        let stays = format!("not source.`{DELETED}`");
        let merge = self
            .delta
            .clone()
            .merge(frame, on)
            .with_source_alias("source")
            .with_target_alias("target")
            .with_merge_schema(self.lacks_columns(schema))
            .with_session_state(Arc::new(session.state()))
            .with_writer_properties(writer_properties())
            .with_commit_properties(commit.exact())
            .when_matched_delete(|delete| delete.predicate(format!("source.`{DELETED}`")))
            .and_then(|merge| {
                merge.when_matched_update(|update| {
                    let update = update.predicate(stays.as_str());
                    columns
                        .iter()
                        .fold(update, |update, name| update.update(format!("`{name}`"), format!("source.`{name}`")))
                })
            })
            .and_then(|merge| {
                merge.when_not_matched_insert(|insert| {
                    let insert = insert.predicate(stays.as_str());
                    columns
                        .iter()
                        .fold(insert, |insert, name| insert.set(format!("`{name}`"), format!("source.`{name}`")))
                })
            })
            .map_err(failed)?;
        let (delta, metrics) = match merge.await {
            Ok(merged) => merged,
            Err(error) => return Err(self.failed(error).await),
        };
        Ok(Written {
            inserted: metrics.num_target_rows_inserted as u64,
            updated: metrics.num_target_rows_updated as u64,
            deleted: metrics.num_target_rows_deleted as u64,
            committed: true,
            ..self.moved_to(delta).unchanged()
        })
    }
}

/// Which rows of `source` and `target` are the same. The range of the clustering column lets files be passed over that can't
/// hold any of them.
fn condition(schema: &SchemaRef, changes: &Changes<'_>, rows: &[RecordBatch]) -> Result<String> {
    let Changes { key, clustered_by: near, .. } = changes;
    let same = format!("target.`{key}` = source.`{key}`");
    if !schema.field_with_name(near).is_ok_and(|field| field.data_type().is_integer()) {
        return Ok(same);
    }
    let numbers = rows.iter().map(|batch| integers(batch, near)).collect::<Result<Vec<_>>>()?;
    Ok(range(&numbers).map_or(same.clone(), |(low, high)| {
        format!("{same} and target.`{near}` >= {low} and target.`{near}` <= {high}")
    }))
}

/// A schema with the column that says which rows are deleted.
fn source_schema(schema: &SchemaRef) -> SchemaRef {
    let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(DELETED, DataType::Boolean, false)));
    Arc::new(Schema::new(fields))
}

/// The rows of a change, and which of them are deleted.
fn source_rows(table: &TableName, schema: &SchemaRef, changes: &Changes<'_>) -> Result<Vec<RecordBatch>> {
    let source = source_schema(schema);
    let mut rows = Vec::new();
    for batch in changes.upserts.iter() {
        let batch = batch?;
        check(table, schema, batch.schema_ref())?;
        rows.push(marked(table, &source, &batch, false)?);
    }
    match &changes.deletes {
        Deletes::Keys(keys) if keys.is_empty() => {}
        Deletes::Keys(keys) => rows.push(tombstones(table, &source, changes.key, keys)?),
        Deletes::Rows(deleted) => {
            for batch in deleted {
                rows.push(marked(table, &source, batch, true)?);
            }
        }
    }
    Ok(rows)
}

/// Rows with that column. A stored row comes in the types that the engine reads it as, and is cast to those of the schema.
fn marked(table: &TableName, source: &SchemaRef, rows: &RecordBatch, deleted: bool) -> Result<RecordBatch> {
    let declared = rows.columns().iter().zip(source.fields());
    let columns = declared.map(|(column, field)| cast(column, field.data_type())).collect::<Result<Vec<_>, _>>();
    let mut columns: Vec<ArrayRef> = columns.map_err(|error| refused(table, error))?;
    columns.push(Arc::new(BooleanArray::from(vec![deleted; rows.num_rows()])));
    RecordBatch::try_new(source.clone(), columns).map_err(|error| refused(table, error))
}

/// A row for each key that is deleted. What it holds besides the key is never looked at.
fn tombstones(table: &TableName, source: &SchemaRef, key: &str, deleted: &[i64]) -> Result<RecordBatch> {
    let count = deleted.len();
    let keys = Int64Array::from(deleted.to_vec());
    let column = |field: &Arc<Field>| -> Result<ArrayRef> {
        if field.name() == key {
            return cast(&keys, field.data_type()).map_err(|error| refused(table, error));
        }
        if field.name() == DELETED {
            return Ok(Arc::new(BooleanArray::from(vec![true; count])));
        }
        Ok(match field.data_type() {
            _ if field.is_nullable() => new_null_array(field.data_type(), count),
            DataType::Int32 => Arc::new(Int32Array::from(vec![0; count])),
            DataType::Int64 => Arc::new(Int64Array::from(vec![0; count])),
            DataType::Utf8 => Arc::new(StringArray::from(vec![""; count])),
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                Arc::new(TimestampMicrosecondArray::from(vec![0; count]).with_timezone_opt(zone.clone()))
            }
            other => return Err(error::no_filler(table, field.name(), other)),
        })
    };
    let columns = source.fields().iter().map(column).collect::<Result<_>>()?;
    RecordBatch::try_new(source.clone(), columns).map_err(|error| refused(table, error))
}
