//! Rows that only ever come to a table, such as those of the ledger.

use arrow::array::RecordBatch;
use deltalake::DeltaTableError;
use deltalake::kernel::transaction::TransactionError;
use deltalake::operations::write::SchemaMode;
use deltalake::protocol::SaveMode;

use crate::active::writer_properties;
use crate::error::{self, Result, lake_error};
use crate::{Commit, Lake, Table, TableName};

/// Tries against writers that change what the table is, which only its first writers and a new version of this program do.
const TRIES: usize = 10;

impl Lake {
    /// Adds rows to a table in one commit, creating it where needed; columns that it lacks are added. Nothing that is there
    /// is read, so writers at the same time don't hinder each other.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the table can't be written.
    pub async fn append(&self, name: &TableName, rows: &RecordBatch, commit: &Commit) -> Result<()> {
        self.table(name).await?.append_behind(rows, commit).await.map(drop)
    }
}

impl Table {
    /// Adds rows to the snapshot in one commit, creating the table where needed; columns that it lacks are added. Of several
    /// writers that append to one snapshot, one does.
    ///
    /// # Errors
    /// [`Kind::Conflict`](crate::error::Kind::Conflict) when the table has moved on, else [`Kind::Lake`](crate::error::Kind::Lake) when it can't be written.
    pub async fn append(&self, rows: &RecordBatch, commit: &Commit) -> Result<()> {
        self.add(rows, commit, true).await.map(drop)
    }

    /// As [`Lake::append`], behind whatever other writers have committed since the snapshot. Gives the table with these rows, so that
    /// whoever appends often needs not open it each time.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the table can't be written.
    pub async fn append_behind(&self, rows: &RecordBatch, commit: &Commit) -> Result<Self> {
        let mut table = self.clone();
        for _ in 1..TRIES {
            match table.add(rows, commit, !table.exists()).await {
                Err(error) if error.is_conflict() => table = table.refresh().await?,
                ended => return ended,
            }
        }
        table.add(rows, commit, !table.exists()).await
    }

    /// Delta rebases an append onto versions that other writers committed meanwhile. With `exact` it conflicts instead.
    /// A commit that creates the table would otherwise be rebased onto another writer's that created it as well.
    async fn add(&self, rows: &RecordBatch, commit: &Commit, exact: bool) -> Result<Self> {
        self.before_write().await?;
        self.begin().await?;
        let commit = commit.changing(self);
        let mut write = self
            .delta
            .clone()
            .write(vec![rows.clone()])
            .with_save_mode(SaveMode::Append)
            .with_writer_properties(writer_properties())
            .with_commit_properties(if exact { commit.exact() } else { commit.movable() });
        // Asking for a merge of equal schemas would conflict with everyone.
        if self.lacks_columns(rows.schema_ref()) {
            write = write.with_schema_mode(SchemaMode::Merge);
        }
        match write.await {
            Ok(delta) => {
                self.begun().await;
                Ok(self.moved_to(delta))
            }
            Err(error) => {
                let is_conflict = is_conflict(&error);
                let error = lake_error(&self.name, "added to", error);
                Err(if is_conflict { error::conflict(&self.name).with_source(error) } else { error })
            }
        }
    }
}

/// Whether nothing was committed because another writer was first.
fn is_conflict(error: &DeltaTableError) -> bool {
    matches!(
        error,
        DeltaTableError::VersionAlreadyExists(_)
            | DeltaTableError::Transaction {
                source: TransactionError::CommitConflict(_) | TransactionError::MaxCommitAttempts(_)
            }
    )
}
