//! Rows that only ever come to a table, such as those of the ledger.

use arrow::array::RecordBatch;
use deltalake::operations::write::SchemaMode;
use deltalake::protocol::SaveMode;

use super::store::lake_error;
use super::write::writer_properties;
use super::{Commit, Lake, TableName};
use crate::error::Result;

impl Lake {
    /// Adds rows to a table in one commit, creating it where needed; columns that it lacks are added. Nothing that is there
    /// is read, so writers at the same time don't hinder each other.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the table can't be written.
    pub async fn append(&self, table: &TableName, rows: RecordBatch, commit: &Commit) -> Result<()> {
        loop {
            let delta = self.load(table).await?;
            let is_new = delta.version().is_none();
            let mut write = delta
                .write(vec![rows.clone()])
                .with_save_mode(SaveMode::Append)
                .with_writer_properties(writer_properties())
                .with_commit_properties(commit.properties());
            if !is_new {
                write = write.with_schema_mode(SchemaMode::Merge);
            }
            match write.await {
                Ok(_) => return Ok(()),
                // Another writer made the table in between: now there is one to add to.
                Err(_) if is_new && self.state(table).await?.is_some() => {}
                Err(error) => return Err(lake_error(table, "added to", error)),
            }
        }
    }
}
