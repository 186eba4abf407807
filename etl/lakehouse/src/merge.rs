//! Delta's own MERGE, for tables that hold more than files of this program's: other protocols, deletion vectors, columns that
//! the table lacks.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use datafusion::prelude::SessionContext;
use deltalake::DeltaTable;

use super::store::lake_error;
use super::write::{conform, version, writer_properties};
use super::{Commit, Lake, Source, TableName, Written};
use crate::error::{Error, Kind, Result};

/// Column of the source that says of a row whether the one with its key is deleted.
pub(super) const DELETED: &str = "__deleted";

/// What is merged, and into what.
pub(super) struct Merge<'a> {
    pub(super) table: &'a TableName,
    /// Columns of the table.
    pub(super) schema: &'a SchemaRef,
    pub(super) session: &'a SessionContext,
    pub(super) commit: &'a Commit,
    /// Which rows of `source` and `target` are the same.
    pub(super) on: String,
    /// Rows of the schema; of [`with_deleted`] where some of them are deleted.
    pub(super) rows: Vec<RecordBatch>,
    pub(super) deletes: bool,
    /// Whether the rows may have columns that the table lacks.
    pub(super) widens: bool,
}

impl Lake {
    /// One MERGE: rows that are there are updated or deleted, and others inserted.
    pub(super) async fn merge(&self, delta: DeltaTable, merge: Merge<'_>) -> Result<Written> {
        let Merge { table, schema, session, commit, on, rows, deletes, widens } = merge;
        let source = if deletes { &with_deleted(schema) } else { schema };
        let frame = conform(table, source, Source::batches(session, rows)?)?;
        self.before_write(table).await?;
        let columns: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let mut merge = delta
            .merge(frame, on)
            .with_source_alias("source")
            .with_target_alias("target")
            .with_merge_schema(widens)
            .with_session_state(Arc::new(session.state()))
            .with_writer_properties(writer_properties())
            .with_commit_properties(commit.properties());
        let failed = |error| lake_error(table, "merged into", error);
        if deletes {
            let deleted = format!("source.`{DELETED}`");
            merge = merge.when_matched_delete(|delete| delete.predicate(deleted)).map_err(failed)?;
        }
        let stays = deletes.then(|| format!("not source.`{DELETED}`"));
        let merge = merge
            .when_matched_update(|mut update| {
                if let Some(stays) = &stays {
                    update = update.predicate(stays.as_str());
                }
                columns
                    .iter()
                    .fold(update, |update, name| update.update(format!("`{name}`"), format!("source.`{name}`")))
            })
            .and_then(|merge| {
                merge.when_not_matched_insert(|mut insert| {
                    if let Some(stays) = &stays {
                        insert = insert.predicate(stays.as_str());
                    }
                    columns
                        .iter()
                        .fold(insert, |insert, name| insert.set(format!("`{name}`"), format!("source.`{name}`")))
                })
            })
            .map_err(failed)?;
        let (delta, metrics) = match merge.await {
            Ok(merged) => merged,
            Err(error) => return Err(self.failed(table, commit, error).await),
        };
        Ok(Written {
            inserted: metrics.num_target_rows_inserted as u64,
            updated: metrics.num_target_rows_updated as u64,
            deleted: metrics.num_target_rows_deleted as u64,
            version: version(&delta),
            committed: true,
        })
    }
}

/// A schema with the column that says which rows are deleted.
pub(super) fn with_deleted(schema: &SchemaRef) -> SchemaRef {
    let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(DELETED, DataType::Boolean, false)));
    Arc::new(Schema::new(fields))
}

/// Rows with that column. A stored row comes in the types that the engine reads it as, and is cast to those of the schema.
pub(super) fn marked(table: &TableName, source: &SchemaRef, rows: &RecordBatch, deleted: bool) -> Result<RecordBatch> {
    let unfit = |error: ArrowError| {
        let why = format!("the rows for {table} are not what its contract declares");
        Error::new(Kind::Contract, why).with_source(error)
    };
    let declared = rows.columns().iter().zip(source.fields());
    let columns = declared.map(|(column, field)| cast(column, field.data_type())).collect::<Result<Vec<_>, _>>();
    let mut columns: Vec<ArrayRef> = columns.map_err(unfit)?;
    columns.push(Arc::new(BooleanArray::from(vec![deleted; rows.num_rows()])));
    RecordBatch::try_new(source.clone(), columns).map_err(unfit)
}
