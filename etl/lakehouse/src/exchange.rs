//! Rows that come and rows that go, in one commit.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::{cast, max, min};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::prelude::SessionContext;

use super::changes::integers;
use super::store::lake_error;
use super::write::{version, writer_properties};
use super::{Commit, Lake, TableName, Written};
use crate::error::{Error, Kind, Result};

/// Column of the source that marks rows which go.
const GOES: &str = "__goes";

/// Rows for a table whose key says nothing of where a row is, with an integer column that does.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// Column that rows are merged by, of any type.
    pub key: &'a str,
    /// Integer column whose range limits the files that are looked into: a row that has a key has this value too.
    pub near: &'a str,
    /// Rows that are new or have changed.
    pub come: Vec<RecordBatch>,
    /// Rows that leave the table.
    pub go: Vec<RecordBatch>,
}

impl Lake {
    /// Merges rows into a table and takes others out, in one commit. No rows, no commit.
    ///
    /// # Errors
    /// [`Kind::Contract`] when the batches aren't of `schema`, [`Kind::Conflict`] when another run was faster, [`Kind::Lake`]
    /// when the merge fails; the table is then as it was.
    pub async fn trade(
        &self,
        table: &TableName,
        schema: &SchemaRef,
        exchange: Exchange<'_>,
        session: &SessionContext,
        commit: &Commit,
    ) -> Result<Written> {
        let delta = self.load(table).await?;
        commit.check(table, delta.version())?;
        self.admits(table, &delta, schema)?;
        let commit = &commit.onto(version(&delta));
        if let Some(written) = self.copy_files(table, schema, &delta, &exchange, commit).await? {
            return Ok(written);
        }
        let Exchange { key, near, come, go } = exchange;
        let mut fields: Vec<Field> = schema.fields().iter().map(|field| field.as_ref().clone()).collect();
        fields.push(Field::new(GOES, DataType::Boolean, false));
        let marked_schema = Arc::new(Schema::new(fields));
        let mut marked = Vec::new();
        let mut range: Option<(i64, i64)> = None;
        let all = come.iter().map(|batch| (batch, false)).chain(go.iter().map(|batch| (batch, true)));
        for (batch, goes) in all.filter(|(batch, _)| batch.num_rows() > 0) {
            let places = integers(batch, near)?;
            if let (Some(low), Some(high)) = (min(&places), max(&places)) {
                range = Some(range.map_or((low, high), |(least, most)| (least.min(low), most.max(high))));
            }
            // A stored row comes in the types that the engine reads it as.
            let unfit = |error| {
                Error::new(Kind::Contract, format!("the rows for {table} are not what its contract declares"))
                    .with_source(error)
            };
            let declared = batch.columns().iter().zip(schema.fields());
            let mut columns: Vec<ArrayRef> = declared
                .map(|(column, field)| cast(column, field.data_type()))
                .collect::<Result<_, _>>()
                .map_err(unfit)?;
            columns.push(Arc::new(BooleanArray::from(vec![goes; batch.num_rows()])));
            marked.push(RecordBatch::try_new(marked_schema.clone(), columns).map_err(unfit)?);
        }
        let Some((low, high)) = range else { return Ok(Written { version: version(&delta), ..Written::default() }) };
        let source = session.read_batches(marked).map_err(super::sql_error)?;
        let by = format!("target.`{near}` >= {low} and target.`{near}` <= {high} and target.`{key}` = source.`{key}`");
        let columns: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let (goes, comes) = (format!("source.`{GOES}`"), format!("not source.`{GOES}`"));
        let failed = |error| lake_error(table, "merged into", error);
        let merge = delta
            .merge(source, by)
            .with_source_alias("source")
            .with_target_alias("target")
            .with_session_state(Arc::new(session.state()))
            .with_writer_properties(writer_properties())
            .with_commit_properties(commit.properties())
            .when_matched_delete(|delete| delete.predicate(goes))
            .and_then(|merge| {
                merge.when_matched_update(|update| {
                    columns.iter().fold(update.predicate(comes.clone()), |update, name| {
                        update.update(format!("`{name}`"), format!("source.`{name}`"))
                    })
                })
            })
            .and_then(|merge| {
                merge.when_not_matched_insert(|insert| {
                    columns.iter().fold(insert.predicate(comes.clone()), |insert, name| {
                        insert.set(format!("`{name}`"), format!("source.`{name}`"))
                    })
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
