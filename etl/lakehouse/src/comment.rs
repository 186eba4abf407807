//! What people read beside a column's name.

use std::collections::HashMap;

use deltalake::kernel::MetadataValue;

use super::write::version;
use super::{Commit, Lake, TableName};
use crate::error::Result;

impl Lake {
    /// Changes the comment of a column in a commit without rows, and gives the version.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when there is no such table or column, or the commit fails;
    /// [`Kind::Conflict`](crate::error::Kind::Conflict) when another run was faster.
    pub async fn comment(&self, table: &TableName, column: &str, text: &str, commit: &Commit) -> Result<u64> {
        let delta = self.load(table).await?;
        commit.check(table, delta.version())?;
        let described = delta
            .update_field_metadata()
            .with_field_name(column)
            .with_metadata(HashMap::from([("comment".to_owned(), MetadataValue::String(text.to_owned()))]))
            .with_commit_properties(commit.properties())
            .await;
        match described {
            Ok(delta) => Ok(version(&delta)),
            Err(error) => Err(self.failed(table, commit, error).await),
        }
    }
}
