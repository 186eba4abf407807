//! Rows that only ever come to a table, such as those of the ledger.

use arrow::array::RecordBatch;
use deltalake::kernel::transaction::TransactionError;
use deltalake::operations::write::SchemaMode;
use deltalake::protocol::SaveMode;
use deltalake::{DeltaTable, DeltaTableError};

use super::store::lake_error;
use super::write::{version, writer_properties};
use super::{Commit, Lake, TableName};
use crate::error::Result;

/// Tries against writers that change what the table is, which only its first writers and a new version of this program do.
const TRIES: usize = 10;

impl Lake {
    /// Adds rows to a table in one commit, creating it where needed; columns that it lacks are added. Nothing that is there
    /// is read, so writers at the same time don't hinder each other. Of several that create the table at once, one
    /// does, and of several that append upon one version ([`Commit::upon`]).
    ///
    /// # Errors
    /// [`Kind::Conflict`](crate::error::Kind::Conflict) when the commit is upon another version than the table's, else
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the table can't be written.
    pub async fn append(&self, table: &TableName, rows: RecordBatch, commit: &Commit) -> Result<()> {
        self.before_write(table).await?;
        let mut tries = 0;
        loop {
            let delta = self.load(table).await?;
            commit.check(table, delta.version())?;
            self.begin(table, &delta).await?;
            let before = delta.version();
            let widens = widens(&delta, &rows);
            let properties = commit.onto(version(&delta)).properties();
            // Delta would move a commit that creates the table behind that of another who did so too.
            let properties = if delta.version().is_none() { properties.with_max_retries(0) } else { properties };
            let mut write = delta
                .write(vec![rows.clone()])
                .with_save_mode(SaveMode::Append)
                .with_writer_properties(writer_properties())
                .with_commit_properties(properties);
            if widens {
                write = write.with_schema_mode(SchemaMode::Merge);
            }
            tries += 1;
            match write.await {
                Ok(_) => {
                    self.begun(table, before).await;
                    return Ok(());
                }
                Err(error) if tries < TRIES && lost(&error) => {}
                Err(error) => return Err(lake_error(table, "added to", error)),
            }
        }
    }
}

/// Whether there is a table that lacks a column. Asking for a merge of equal schemas would conflict with everyone.
fn widens(delta: &DeltaTable, rows: &RecordBatch) -> bool {
    let Ok(state) = delta.snapshot() else { return false };
    let stored = state.snapshot().arrow_schema();
    rows.schema_ref().fields().iter().any(|field| stored.field_with_name(field.name()).is_err())
}

/// Whether nothing was committed because another writer was first.
pub(super) fn lost(error: &DeltaTableError) -> bool {
    matches!(
        error,
        DeltaTableError::VersionAlreadyExists(_)
            | DeltaTableError::Transaction {
                source: TransactionError::CommitConflict(_) | TransactionError::MaxCommitAttempts(_)
            }
    )
}
