//! A stream of batches as one commit, and back: how a program of one's own stores the records that it reads.
//!
//! The rows are those of one schema, which says every column (the SDK's `arrow_schema()` of a record type, for example). Nothing is
//! cast, dropped or sorted; a batch of other columns, and an error of the stream, end the write, and the table is as it was.

use std::future::ready;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use connectwise_datafiles::{as_of_today, check};
use deltalake::kernel::Action;
use deltalake::protocol::{DeltaOperation, SaveMode};
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt, TryStreamExt};
use serde_json::json;

use crate::active::added;
use crate::error::{Result, sql_error, unread};
use crate::{Changes, Commit, SpillBuffer, Table, Written};

impl Table {
    /// The rows of the snapshot as batches of `schema`, in no order; none where there is no table. Stored columns that `schema` lacks
    /// are left out, and those that the table lacks are NULL.
    ///
    /// # Errors
    /// [`Kind::Sql`](crate::error::Kind::Sql) when the table can't be read; in the stream too, and
    /// [`Kind::Contract`](crate::error::Kind::Contract) for rows that don't fit.
    pub async fn records(&self, schema: &SchemaRef) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let session = self.lake().session()?;
        if !self.register(&session, "stored").await? {
            return Ok(stream::empty().boxed());
        }
        let stored = session.table("stored").await.map_err(sql_error)?;
        let stored = stored.execute_stream().await.map_err(sql_error)?;
        let name = self.name.clone();
        let schema = schema.clone();
        // Readers hand out nested texts in a viewed form.
        let records = stored.map(move |batch| as_of_today(&name, &schema, &batch.map_err(sql_error)?));
        Ok(records.boxed())
    }

    /// Appends the rows of a stream in one commit, creating the table where needed. Rows go to data files as they arrive, so that
    /// memory holds a row group of them; an empty stream creates no table and no version.
    ///
    /// # Errors
    /// [`Kind::Contract`](crate::error::Kind::Contract) when a batch or the stored table has other columns than `schema`,
    /// [`Kind::Conflict`](crate::error::Kind::Conflict) when the table has moved on, else [`Kind::Lake`](crate::error::Kind::Lake),
    /// with the stream's own error as the source where it failed.
    pub async fn append_records<E>(
        &self,
        schema: &SchemaRef,
        records: impl Stream<Item = Result<RecordBatch, E>>,
        commit: &Commit,
    ) -> Result<Written>
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        self.before_write().await?;
        self.admits(schema)?;
        if let Some(stored) = self.schema() {
            check(&self.name, schema, &stored)?;
        }
        let mut records = std::pin::pin!(records.try_filter(|batch| ready(batch.num_rows() > 0)).peekable());
        if records.as_mut().peek().await.is_none() {
            return Ok(self.unchanged());
        }
        let rows = records.map(|batch| {
            let batch = batch.map_err(|error| unread(&self.name, error))?;
            check(&self.name, schema, &batch.schema())?;
            Ok(batch)
        });
        let files = self.file_writer(schema, "").await?.write_all(rows).await?;
        if !self.exists() {
            return self.overwrite_with_files(schema, &files, commit).await;
        }
        let inserted: u64 = files.iter().map(|file| file.rows).sum();
        let metrics = json!({ "numAddedFiles": files.len(), "numOutputRows": inserted });
        let actions = files.into_iter().map(|file| Action::Add(added(file))).collect();
        let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
        let version = self.commit(actions, operation, metrics, &commit.changing(self)).await?;
        Ok(Written { inserted, version, committed: true, ..Written::default() })
    }

    /// Upserts the rows of a stream by a key column in one commit, creating the table where needed; columns that the table lacks
    /// are added. Rows wait until the stream has ended, in memory while they are few and in temporary files when they are many.
    ///
    /// # Errors
    /// As [`Table::append_records`], and [`Kind::Contract`](crate::error::Kind::Contract) when a key comes twice or is NULL.
    pub async fn merge_records<E>(
        &self,
        schema: &SchemaRef,
        key: &str,
        records: impl Stream<Item = Result<RecordBatch, E>>,
        commit: &Commit,
    ) -> Result<Written>
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let mut rows = SpillBuffer::default();
        let mut records = std::pin::pin!(records);
        while let Some(batch) = records.try_next().await.map_err(|error| unread(&self.name, error))? {
            check(&self.name, schema, &batch.schema())?;
            rows.push(batch)?;
        }
        self.merge(schema, Changes::upserts(key, rows), commit).await
    }
}
