//! Upserts and deletes in one commit, at a cost that follows the change.
//!
//! Delta's MERGE joins every file whose key range meets that of the change, in memory, and writes all their rows again. Here
//! just the files that hold one of its keys are copied ([`Work`]). Tables that hold more than files of this program's are left to
//! Delta's own ([`delta`]).

mod delta;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use connectwise_datafiles::{Changes, Plan, Wanted, Work, same_schema};
use deltalake::kernel::Action;
use deltalake::kernel::transaction::TableReference;
use deltalake::protocol::{DeltaOperation, MergePredicate, SaveMode};
use serde_json::json;

use crate::active::{ActiveFile, added, writer_properties};
use crate::error::{Error, Result};
use crate::{Commit, DataFile, Source, SpillBuffer, Table, Written};

impl Table {
    /// Merges changes into the table, all in one commit: rows whose key is there are updated or deleted, others inserted. A table
    /// that isn't there yet is created, and columns that it lacks are added. Without any change a commit is made for transactions
    /// that differ from the stored ones, and none if they don't; such a commit holds no rows and doesn't count as one
    /// ([`Written::committed`]).
    ///
    /// # Errors
    /// [`Kind::Contract`](crate::error::Kind::Contract) when the rows aren't of `schema`, have a key twice or a row without one; [`Kind::Conflict`](crate::error::Kind::Conflict) when the
    /// table has moved on; [`Kind::Lake`](crate::error::Kind::Lake) when the merge fails. The table is then as it was.
    pub async fn merge(&self, schema: &SchemaRef, changes: Changes<'_>, commit: &Commit) -> Result<Written> {
        if changes.is_empty() || (!self.exists() && changes.upserts.is_empty()) {
            return self.commit_transactions(commit).await;
        }
        if !self.exists() {
            let source = Source::batches(&self.lake.session()?, changes.upserts.iter().collect::<Result<_>>()?)?;
            return self.overwrite(schema, source, commit).await;
        }
        self.admits(schema)?;
        let commit = &commit.changing(self);
        match self.splice(schema, &changes, commit).await? {
            Some(written) => Ok(written),
            None => self.merge_by_delta(schema, &changes, commit).await,
        }
    }

    /// Leaves the numbers of a commit where they differ from the stored ones.
    ///
    /// # Errors
    /// [`Kind::Conflict`](crate::error::Kind::Conflict) when the table has moved on, else [`Kind::Lake`](crate::error::Kind::Lake) when it can't be written.
    pub async fn commit_transactions(&self, commit: &Commit) -> Result<Written> {
        let names: Vec<String> = commit.transactions().keys().cloned().collect();
        let stored = self.transactions(&names).await?;
        let Some(schema) = self.schema().filter(|_| stored != *commit.transactions()) else {
            return Ok(self.unchanged());
        };
        self.before_write().await?;
        let write = self
            .delta
            .clone()
            .write(vec![RecordBatch::new_empty(schema)])
            .with_save_mode(SaveMode::Append)
            .with_writer_properties(writer_properties())
            .with_commit_properties(commit.changing(self).exact());
        match write.await {
            Ok(delta) => Ok(self.moved_to(delta).unchanged()),
            Err(error) => Err(self.failed(error).await),
        }
    }

    /// Merges by copying the files that hold rows of the change. `None` where the table isn't one whose files can be copied.
    async fn splice(&self, schema: &SchemaRef, changes: &Changes<'_>, commit: &Commit) -> Result<Option<Written>> {
        if !self.is_rewritable(schema, changes)? {
            return Ok(None);
        }
        let clock = std::time::Instant::now();
        let files: Vec<ActiveFile> = self.active_files(changes.clustered_by).collect();
        if files.iter().any(|active| active.remove.deletion_vector.is_some()) {
            return Ok(None);
        }
        let wanted = Wanted::of(&self.name, changes)?;
        let work = Work::new(&self.name, self.store(), schema, changes.clustered_by, changes.upserts.clone());
        let data: Vec<&DataFile> = files.iter().map(|active| &active.file).collect();
        let Some(plan) = work.plan(&data, &wanted).await? else { return Ok(None) };
        let Plan { removed, added: new, inserted, updated, deleted } = plan;
        if inserted + updated + deleted == 0 && commit.transactions().is_empty() {
            return Ok(Some(self.unchanged()));
        }
        let metrics = json!({
            "numTargetRowsInserted": inserted,
            "numTargetRowsUpdated": updated,
            "numTargetRowsDeleted": deleted,
            "numTargetFilesAdded": new.len(),
            "numTargetFilesBefore": files.len(),
            "numTargetFilesRemoved": removed.len(),
            "executionTimeMs": u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
        let operation = match changes.upserts.is_empty() {
            true => DeltaOperation::Delete { predicate: None },
            false => operation(changes.key),
        };
        let lost = || Error::internal("a file that leaves is none of the table");
        let removed =
            removed.into_iter().map(|file| Ok(Action::Remove(files.get(file).ok_or_else(lost)?.remove.clone())));
        let added = new.into_iter().map(|file| Ok(Action::Add(added(file))));
        let actions = removed.chain(added).collect::<Result<_>>()?;
        let version = self.commit(actions, operation, metrics, commit).await?;
        Ok(Some(Written { inserted, updated, deleted, version, committed: true }))
    }

    /// Replaces rows in files that no commit names yet, by an integer key. `None` when one of the rows is in none of them.
    ///
    /// # Errors
    /// As [`Table::merge`].
    pub async fn patch_files(
        &self,
        schema: &SchemaRef,
        files: Vec<DataFile>,
        changes: Changes<'_>,
    ) -> Result<Option<Vec<DataFile>>> {
        let wanted = Wanted::of(&self.name, &changes)?;
        let work = Work::new(&self.name, self.store(), schema, changes.clustered_by, changes.upserts.clone());
        work.patch_files(files, &wanted).await
    }

    /// Whether the files of the table hold its rows and nothing else has to be kept in step with them, and the change has its
    /// columns.
    fn is_rewritable(&self, schema: &SchemaRef, changes: &Changes<'_>) -> Result<bool> {
        let Some(snapshot) = self.snapshot() else { return Ok(false) };
        let of_type = |column: &str, types: &[DataType]| {
            schema.field_with_name(column).is_ok_and(|field| types.contains(field.data_type()))
        };
        let integers = [DataType::Int32, DataType::Int64];
        let has_keys = changes.key == changes.clustered_by || of_type(changes.key, &[DataType::Utf8]);
        let protocol = TableReference::protocol(snapshot);
        let metadata = snapshot.metadata();
        let is_plain = same_schema(&snapshot.snapshot().arrow_schema(), schema)
            && of_type(changes.clustered_by, &integers)
            && has_keys
            && protocol.min_reader_version() == 1
            && protocol.min_writer_version() == 2
            && metadata.partition_columns().is_empty()
            && metadata.configuration().is_empty();
        Ok(is_plain && matches_schema(schema, &changes.upserts)?)
    }
}

/// Whether rows have the names and types of a schema. What engines say of columns besides may differ.
fn matches_schema(schema: &SchemaRef, rows: &SpillBuffer) -> Result<bool> {
    for batch in rows.iter() {
        let batch = batch?;
        let found = batch.schema();
        let named = found.fields().iter().zip(schema.fields()).all(|(found, wanted)| found.name() == wanted.name());
        if !named || RecordBatch::try_new(schema.clone(), batch.columns().to_vec()).is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Merge as the log names it.
fn operation(key: &str) -> DeltaOperation {
    let predicate = |action: &str| vec![MergePredicate { action_type: action.to_owned(), predicate: None }];
    DeltaOperation::Merge {
        predicate: None,
        merge_predicate: Some(format!("target.`{key}` = source.`{key}`")),
        matched_predicates: predicate("update"),
        not_matched_predicates: predicate("insert"),
        not_matched_by_source_predicates: Vec::new(),
    }
}
