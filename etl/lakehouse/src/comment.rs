//! What people read beside a column's name.

use std::collections::HashMap;

use deltalake::kernel::MetadataValue;

use super::{Commit, Table};
use crate::error::Result;

impl Table {
    /// Changes the comment of a column in a commit without rows. Gives the table with it.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when there is no such table or column, or the commit fails;
    /// [`Kind::Conflict`](crate::error::Kind::Conflict) when the table has moved on.
    pub async fn comment(&self, column: &str, text: &str, commit: &Commit) -> Result<Self> {
        self.before_write().await?;
        let described = self
            .delta
            .clone()
            .update_field_metadata()
            .with_field_name(column)
            .with_metadata(HashMap::from([("comment".to_owned(), MetadataValue::String(text.to_owned()))]))
            .with_commit_properties(commit.exact())
            .await;
        match described {
            Ok(delta) => Ok(self.moved_to(delta)),
            Err(error) => Err(self.failed(error).await),
        }
    }
}
