//! A whole new content for a table: rows of a query, or files that were written before.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use connectwise_datafiles::{TARGET_FILE_BYTES, refused};
use datafusion::error::DataFusionError;
use datafusion::prelude::DataFrame;
use deltalake::DeltaTableError;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::{Action, Protocol, StructType, new_metadata};
use deltalake::operations::write::SchemaMode;
use deltalake::protocol::{DeltaOperation, SaveMode};
use futures::StreamExt;
use serde_json::json;

use crate::active::{added, writer_properties};
use crate::commit::own_error;
use crate::demands::{demands, reset};
use crate::error::{Result, lake_error};
use crate::{Commit, DataFile, DataFileWriter, Layer, Source, Table, Written};

impl Table {
    /// Puts `source` in place of all rows, creating the table where needed. When the source fails, nothing changes.
    ///
    /// The table's schema becomes `schema`, and partitions, mappings and constraints that somebody gave it are gone; names and
    /// order of the source's columns have to be the same.
    ///
    /// # Errors
    /// [`Kind::Contract`](crate::error::Kind::Contract) when the source's columns aren't those of `schema`, the source's own error
    /// when its stream fails, [`Kind::Conflict`](crate::error::Kind::Conflict) when the table has moved on, else
    /// [`Kind::Lake`](crate::error::Kind::Lake).
    pub async fn overwrite(&self, schema: &SchemaRef, source: Source, commit: &Commit) -> Result<Written> {
        let frame = source.conforming(&self.name, schema)?;
        self.before_write().await?;
        self.writable()?;
        // Bronze is what nothing else can be held against, so its files carry checksums.
        if demands(self).is_some() || self.name.layer == Layer::Bronze {
            return self.overwrite_through_files(schema, frame, commit).await;
        }
        self.begin().await?;
        let (state, plan) = frame.into_parts();
        let mut write = self
            .delta
            .clone()
            .write(Vec::new())
            .with_input_plan(plan)
            .with_session_state(Arc::new(state))
            .with_save_mode(SaveMode::Overwrite)
            .with_target_file_size(TARGET_FILE_BYTES)
            .with_writer_properties(writer_properties())
            .with_commit_properties(commit.replacing().exact());
        if self.exists() {
            write = write.with_schema_mode(SchemaMode::Overwrite);
        }
        let delta = match write.await {
            Ok(delta) => delta,
            Err(error) => return Err(self.failed(error).await),
        };
        self.begun().await;
        let written = self.moved_to(delta);
        let inserted = written.row_count().await?;
        let committed = written.version() != self.version();
        Ok(Written { inserted, committed, ..written.unchanged() })
    }

    /// Writes the rows into files first: Delta's own overwrite keeps partitions, mappings and constraints, and knows no
    /// checksums.
    async fn overwrite_through_files(&self, schema: &SchemaRef, frame: DataFrame, commit: &Commit) -> Result<Written> {
        let failed = |error: DataFusionError| own_error(&self.name, error.into());
        let writer = self.file_writer(schema, "").await?;
        let rows = frame.execute_stream().await.map_err(failed)?.map(|batch| {
            let batch = batch.map_err(failed)?;
            let columns = batch.columns().iter().zip(schema.fields());
            let columns = columns.map(|(column, field)| cast(column, field.data_type())).collect::<Result<_, _>>();
            let batch = columns.and_then(|columns| RecordBatch::try_new(schema.clone(), columns));
            batch.map_err(|error| refused(&self.name, error))
        });
        let files = writer.write_all(rows).await?;
        self.overwrite_with_files(schema, &files, commit).await
    }

    /// A writer of files for the table, which need not exist.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the store refuses.
    pub async fn file_writer(&self, schema: &SchemaRef, key: &str) -> Result<DataFileWriter> {
        self.begin().await?;
        Ok(DataFileWriter::new(self.name.clone(), self.store(), schema.clone(), key))
    }

    /// Makes written files the whole content, creating the table where needed, in one commit: nothing is written but the log. The
    /// schema becomes `schema`, and partitions, mappings and constraints that somebody gave the table are gone.
    ///
    /// # Errors
    /// [`Kind::Conflict`](crate::error::Kind::Conflict) when the table has moved on, else
    /// [`Kind::Lake`](crate::error::Kind::Lake); the table is then as it was.
    pub async fn overwrite_with_files(
        &self,
        schema: &SchemaRef,
        files: &[DataFile],
        commit: &Commit,
    ) -> Result<Written> {
        self.writable()?;
        let fault = |error: DeltaTableError| lake_error(&self.name, "written", error);
        let declared: StructType =
            schema.as_ref().try_into_kernel().map_err(|error| fault(DeltaTableError::Arrow { source: error }))?;
        let mut actions = Vec::new();
        let mut deleted = Some(0);
        if self.exists() {
            let metadata = reset(self, &declared).map_err(|error| fault(error.into()))?;
            actions.extend(metadata.map(Action::Metadata));
            for active in self.active_files("") {
                deleted = deleted.zip(active.rows).map(|(before, rows)| before + rows);
                actions.push(Action::Remove(active.remove));
            }
        } else {
            let protocol = json!({ "minReaderVersion": 1, "minWriterVersion": 2 });
            let protocol: Protocol = serde_json::from_value(protocol).map_err(|error| fault(error.into()))?;
            let none: [(String, String); 0] = [];
            let metadata = new_metadata(&declared, Vec::<String>::new(), none);
            actions.push(Action::Protocol(protocol));
            actions.push(Action::Metadata(metadata.map_err(|error| fault(error.into()))?));
        }
        actions.extend(files.iter().map(|file| Action::Add(added(file.clone()))));
        let operation = DeltaOperation::Write { mode: SaveMode::Overwrite, partition_by: None, predicate: None };
        let inserted: u64 = files.iter().map(|file| file.rows).sum();
        let metrics = json!({ "numAddedFiles": files.len(), "numOutputRows": inserted, "numDeletedRows": deleted });
        let version = self.commit(actions, operation, metrics, &commit.replacing()).await?;
        self.begun().await;
        Ok(Written { inserted, version, committed: true, ..Written::default() })
    }
}
