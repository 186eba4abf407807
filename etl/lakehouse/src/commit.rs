//! Commits of files that are there: nothing is written but the log.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::transaction::{CommitBuilder, TableReference};
use deltalake::kernel::{Action, Protocol, Remove, StructType, new_metadata};
use deltalake::protocol::{DeltaOperation, MergePredicate, SaveMode};
use deltalake::{DeltaTable, DeltaTableError};
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::ObjectStore;
use roaring::RoaringTreemap;
use serde_json::{Value, json};

use super::demands::reset;
use super::file::File;
use super::part::{Part, PartWriter, add};
use super::patch;
use super::store::lake_error;
use super::{Commit, Lake, TableName, Written};
use crate::error::{Error, Kind, Result};

/// Files that are looked into at a time.
pub(super) const AT_ONCE: usize = 4;

/// A file of the table's newest version.
pub(super) struct Live {
    pub(super) part: Part,
    pub(super) remove: Remove,
}

/// A set of keys.
pub type Keys = RoaringTreemap;

impl Lake {
    /// A writer of files for a table, which need not exist.
    ///
    /// # Errors
    /// [`Kind::Lake`] when the place can't be opened.
    pub async fn part_writer(&self, table: &TableName, schema: &SchemaRef, key: &str) -> Result<PartWriter> {
        let delta = self.load(table).await?;
        self.begin(table, &delta).await?;
        let store = delta.log_store().object_store(None);
        Ok(PartWriter::new(table.clone(), store, schema.clone(), key))
    }

    /// Makes written files the whole content of a table, creating it where needed, in one commit. Its schema becomes
    /// `schema`, and partitions, mappings and constraints that somebody gave it are gone.
    ///
    /// # Errors
    /// [`Kind::Conflict`] when another run was faster, else [`Kind::Lake`]; the table is then as it was.
    pub async fn swap(
        &self,
        table: &TableName,
        schema: &SchemaRef,
        parts: &[Part],
        commit: &Commit,
    ) -> Result<Written> {
        let delta = self.load(table).await?;
        commit.check(table, delta.version())?;
        self.writable(table, &delta)?;
        let commit = &commit.anew();
        let fault = |error: DeltaTableError| lake_error(table, "written", error);
        let declared: StructType =
            schema.as_ref().try_into_kernel().map_err(|error| fault(DeltaTableError::Arrow { source: error }))?;
        let mut actions = Vec::new();
        let mut left = 0;
        match delta.snapshot() {
            Err(_) => {
                let protocol = json!({ "minReaderVersion": 1, "minWriterVersion": 2 });
                let protocol: Protocol = serde_json::from_value(protocol).map_err(|error| fault(error.into()))?;
                let none: [(String, String); 0] = [];
                let metadata = new_metadata(&declared, Vec::<String>::new(), none);
                actions.push(Action::Protocol(protocol));
                actions.push(Action::Metadata(metadata.map_err(|error| fault(error.into()))?));
            }
            Ok(_) => {
                let metadata = reset(&delta, &declared).map_err(|error| fault(error.into()))?;
                actions.extend(metadata.map(Action::Metadata));
                for file in live(&delta, "") {
                    left += file.part.rows;
                    actions.push(Action::Remove(file.remove));
                }
            }
        }
        actions.extend(parts.iter().map(|part| Action::Add(part.add.clone())));
        let operation = DeltaOperation::Write { mode: SaveMode::Overwrite, partition_by: None, predicate: None };
        let rows: u64 = parts.iter().map(|part| part.rows).sum();
        let metrics = json!({ "numAddedFiles": parts.len(), "numOutputRows": rows, "numDeletedRows": left });
        let version = self.commit(table, &delta, actions, operation, metrics, commit).await?;
        self.begun(table, delta.version()).await;
        Ok(Written { inserted: rows, version, committed: true, ..Written::default() })
    }

    /// Keys of files of a table.
    ///
    /// # Errors
    /// [`Kind::Lake`] when a file can't be read.
    pub async fn part_keys(&self, table: &TableName, key: &str, parts: &[Part]) -> Result<Keys> {
        let store = self.load(table).await?.log_store().object_store(None);
        keys(table, store, key, parts.iter()).await
    }

    /// Keys of the newest version of a table, none when there is no table.
    ///
    /// # Errors
    /// [`Kind::Lake`] when a file can't be read.
    pub async fn key_set(&self, table: &TableName, key: &str) -> Result<Keys> {
        let delta = self.load(table).await?;
        let files: Vec<Part> = live(&delta, key).map(|file| file.part).collect();
        keys(table, delta.log_store().object_store(None), key, files.iter()).await
    }

    /// Keys of an older version of a table.
    ///
    /// # Errors
    /// [`Kind::Lake`] when a file can't be read.
    pub async fn key_set_at(&self, table: &TableName, key: &str, version: u64) -> Result<Keys> {
        let mut delta = self.load(table).await?;
        delta.load_version(version).await.map_err(|error| lake_error(table, "read", error))?;
        let files: Vec<Part> = live(&delta, key).map(|file| file.part).collect();
        keys(table, delta.log_store().object_store(None), key, files.iter()).await
    }

    /// Commits actions upon the version that was read.
    pub(super) async fn commit(
        &self,
        table: &TableName,
        delta: &DeltaTable,
        actions: Vec<Action>,
        operation: DeltaOperation,
        metrics: Value,
        commit: &Commit,
    ) -> Result<u64> {
        self.before_write(table).await?;
        let properties = commit.clone().note("operationMetrics", metrics).properties();
        let state = delta.snapshot().ok();
        let written = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(state.map(|state| state as &dyn TableReference), delta.log_store(), operation)
            .await;
        match written {
            Ok(done) => Ok(done.version()),
            Err(error) => Err(self.failed(table, commit, error).await),
        }
    }
}

/// Merge as the log names it.
pub(super) fn merge_operation(key: &str) -> DeltaOperation {
    let predicate = |action: &str| vec![MergePredicate { action_type: action.to_owned(), predicate: None }];
    DeltaOperation::Merge {
        predicate: None,
        merge_predicate: Some(format!("target.`{key}` = source.`{key}`")),
        matched_predicates: predicate("update"),
        not_matched_predicates: predicate("insert"),
        not_matched_by_source_predicates: Vec::new(),
    }
}

/// The files of a table's newest version, with the range of their keys where the log knows it.
pub(super) fn live<'a>(delta: &'a DeltaTable, key: &'a str) -> impl Iterator<Item = Live> + 'a {
    delta.snapshot().ok().into_iter().flat_map(|state| state.log_data().into_iter()).map(move |file| {
        let remove = file.remove_action(true);
        let stats: Value = file.stats().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let end = |of: &str| stats.get(of).and_then(|values| values.get(key)).and_then(Value::as_i64);
        let add = add(remove.path.clone(), file.size(), file.modification_time(), None);
        let rows = file.num_records().unwrap_or_default() as u64;
        let keys = end("minValues").zip(end("maxValues"));
        Live { part: Part { add, rows, keys }, remove }
    })
}

async fn keys<'p>(
    table: &TableName,
    store: Arc<dyn ObjectStore>,
    key: &str,
    files: impl Iterator<Item = &'p Part>,
) -> Result<Keys> {
    let read = files.map(|part| patch::keys(File::new(store.clone(), &part.add.path, part.add.size), key));
    let mut read = stream::iter(read.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
    let mut all = Keys::new();
    let fault =
        |error| Error::new(Kind::Lake, format!("the keys of {table} can't be read")).about(table).with_source(error);
    while let Some(some) = read.try_next().await.map_err(fault)? {
        all.extend(some.into_iter().map(i64::cast_unsigned));
    }
    Ok(all)
}
