//! Changed rows in and lost rows out, in one commit; and marks, when there is nothing else to say.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, SchemaRef, TimeUnit};
use datafusion::prelude::SessionContext;
use deltalake::protocol::SaveMode;

use super::merge::{DELETED, Merge, marked, with_deleted};
use super::store::lake_error;
use super::write::{version, writer_properties};
use super::{Batches, Commit, Lake, TableName, Written, integers};
use crate::error::{Error, Kind, Result};

/// What comes into a table, and what leaves it.
#[derive(Debug, Default)]
pub struct Change {
    /// Rows that are new or changed.
    pub rows: Batches,
    /// Keys of the rows that go.
    pub gone: Vec<i64>,
}

impl Lake {
    /// The numbers that earlier commits left under these names (see [`Commit::mark`]), without those that there are none of.
    ///
    /// # Errors
    /// [`Kind::Lake`] when the log can't be read.
    pub async fn marks(&self, table: &TableName, names: &[String]) -> Result<BTreeMap<String, i64>> {
        let mut marks = BTreeMap::new();
        if self.state(table).await?.is_none() {
            return Ok(marks);
        }
        let delta = self.load(table).await?;
        let Ok(state) = delta.snapshot() else { return Ok(marks) };
        let log = delta.log_store();
        for name in names {
            let found = state.transaction_version(log.as_ref(), name).await;
            if let Some(value) = found.map_err(|error| lake_error(table, "read", error))? {
                marks.insert(name.clone(), value);
            }
        }
        Ok(marks)
    }

    /// Merges changed rows into a table by its key and takes out those that are gone, all in one commit. Without either,
    /// a commit is made for marks that differ from the stored ones, and none if they don't; such a commit holds no rows and
    /// doesn't count as one ([`Written::committed`]).
    ///
    /// # Errors
    /// [`Kind::Contract`] when the batches aren't of `schema`, [`Kind::Conflict`] when the table moved on from what the commit
    /// builds upon, [`Kind::Lake`] when the merge fails; the table is then as it was.
    pub async fn sync(
        &self,
        table: &TableName,
        schema: &SchemaRef,
        key: &str,
        change: Change,
        session: &SessionContext,
        commit: &Commit,
    ) -> Result<Written> {
        let Change { rows, gone } = change;
        match (rows.is_empty(), gone.is_empty()) {
            (true, true) => self.remark(table, commit).await,
            (false, true) => self.upsert(table, schema, key, rows, session, commit).await,
            _ => self.exchange(table, schema, key, Change { rows, gone }, session, commit).await,
        }
    }

    /// Leaves marks where they differ from the stored ones.
    async fn remark(&self, table: &TableName, commit: &Commit) -> Result<Written> {
        let delta = self.load(table).await?;
        let stored = self.marks(table, &commit.marks().keys().cloned().collect::<Vec<_>>()).await?;
        let Some(state) = self.state(table).await?.filter(|_| stored != *commit.marks()) else {
            return Ok(Written { version: version(&delta), ..Written::default() });
        };
        self.before_write(table).await?;
        commit.check(table, delta.version())?;
        let commit = &commit.onto(version(&delta));
        let write = delta
            .write(vec![RecordBatch::new_empty(state.schema)])
            .with_save_mode(SaveMode::Append)
            .with_writer_properties(writer_properties())
            .with_commit_properties(commit.properties());
        match write.await {
            Ok(delta) => Ok(Written { version: version(&delta), ..Written::default() }),
            Err(error) => Err(self.failed(table, commit, error).await),
        }
    }

    async fn exchange(
        &self,
        table: &TableName,
        schema: &SchemaRef,
        key: &str,
        change: Change,
        session: &SessionContext,
        commit: &Commit,
    ) -> Result<Written> {
        let (rows, gone) = (Arc::new(change.rows), change.gone);
        let delta = self.load(table).await?;
        commit.check(table, delta.version())?;
        self.admits(table, &delta, schema)?;
        let commit = &commit.onto(version(&delta));
        if let Some(written) = self.merge_files(table, schema, key, (&rows, &gone), &delta, commit).await? {
            return Ok(written);
        }
        let (mut low, mut high) = (i64::MAX, i64::MIN);
        let mut seen = |id: i64| (low, high) = (low.min(id), high.max(id));
        gone.iter().for_each(|id| seen(*id));
        for batch in rows.iter() {
            integers(&batch?, key)?.iter().flatten().for_each(&mut seen);
        }
        let stored = self.state(table).await?.map(|state| state.schema);
        let widens = stored
            .is_some_and(|stored| schema.fields().iter().any(|field| stored.field_with_name(field.name()).is_err()));
        let source = with_deleted(schema);
        let mut rows = rows.iter().map(|batch| marked(table, &source, &batch?, false)).collect::<Result<Vec<_>>>()?;
        rows.push(tombstones(&source, key, &gone)?);
        // The range lets files be passed over that can't hold any of the keys.
        let on = format!("target.`{key}` = source.`{key}` and target.`{key}` >= {low} and target.`{key}` <= {high}");
        self.merge(delta, Merge { table, schema, session, commit, on, rows, deletes: true, widens }).await
    }
}

/// A row for each key that goes. What it holds besides the key is never looked at.
fn tombstones(source: &SchemaRef, key: &str, gone: &[i64]) -> Result<RecordBatch> {
    let keys = Int64Array::from(gone.to_vec());
    let column = |field: &Arc<Field>| -> Result<ArrayRef> {
        if field.name() == key {
            return cast(&keys, field.data_type()).map_err(fault);
        }
        if field.name() == DELETED {
            return Ok(Arc::new(BooleanArray::from(vec![true; gone.len()])));
        }
        Ok(match field.data_type() {
            _ if field.is_nullable() => new_null_array(field.data_type(), gone.len()),
            DataType::Int32 => Arc::new(Int32Array::from(vec![0; gone.len()])),
            DataType::Int64 => Arc::new(Int64Array::from(vec![0; gone.len()])),
            DataType::Utf8 => Arc::new(StringArray::from(vec![""; gone.len()])),
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                Arc::new(TimestampMicrosecondArray::from(vec![0; gone.len()]).with_timezone_opt(zone.clone()))
            }
            other => {
                let why = format!("{} of type {other} can't be left open in a row that goes", field.name());
                return Err(Error::new(Kind::Contract, why));
            }
        })
    };
    let columns = source.fields().iter().map(column).collect::<Result<_>>()?;
    RecordBatch::try_new(source.clone(), columns).map_err(fault)
}

fn fault(error: arrow::error::ArrowError) -> Error {
    Error::new(Kind::Contract, "upserts and deletes can't be put together").with_source(error)
}
