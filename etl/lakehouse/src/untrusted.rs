//! Rows that aren't to be trusted, until all of them were loaded or built again.

use deltalake::protocol::{DeltaOperation, SaveMode};
use serde_json::json;

use crate::error::Result;
use crate::{Commit, Lake, Table, TableName, retry_on_conflict};

/// Application whose number says that the rows of a table aren't to be trusted: 1 until all of them were loaded or built again.
const UNTRUSTED: &str = "connectwise-etl:untrusted";

/// Fact of a commit that says why the rows of its version aren't to be trusted.
const DOUBT: &str = "etlDoubt";

impl Commit {
    /// Says that the rows of its version aren't to be trusted, and why, as a clause that goes on the name of the table.
    #[must_use]
    pub fn distrusting(self, why: &str) -> Self {
        self.transaction(UNTRUSTED, 1).note(DOUBT, why)
    }
}

impl Lake {
    /// Leaves word with a table why its rows aren't to be trusted, as a clause that goes on its name, so that the next build or
    /// load does all of it. No table, no commit.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when it can't be written.
    pub async fn distrust(&self, name: &TableName, why: &str, run_id: &str) -> Result<()> {
        retry_on_conflict(name, async || {
            let table = self.table(name).await?;
            if !table.exists() {
                return Ok(());
            }
            let commit = Commit::new(run_id).distrusting(why);
            let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
            table.commit(Vec::new(), operation, json!({}), &commit).await.map(drop)
        })
        .await
    }

    /// Takes that back, once all of them were.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when it can't be written.
    pub async fn trust(&self, name: &TableName, run_id: &str) -> Result<()> {
        retry_on_conflict(name, async || {
            let table = self.table(name).await?;
            if !table.is_untrusted().await? {
                return Ok(());
            }
            table.commit_transactions(&Commit::new(run_id).transaction(UNTRUSTED, 0)).await.map(drop)
        })
        .await
    }
}

impl Table {
    /// Whether all rows have to be loaded or built again: the table lost some, or somebody said so ([`Lake::distrust`]).
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when its log can't be read.
    pub async fn is_untrusted(&self) -> Result<bool> {
        let asked = self.memo.untrusted.get_or_try_init(async || Ok(self.transaction(UNTRUSTED).await? == Some(1)));
        asked.await.copied()
    }
}
