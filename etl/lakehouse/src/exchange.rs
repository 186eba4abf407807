//! Rows that come and rows that go, in one commit.

use arrow::array::RecordBatch;
use arrow::compute::{max, min};
use arrow::datatypes::SchemaRef;
use datafusion::prelude::SessionContext;

use super::changes::integers;
use super::merge::{Merge, marked, with_deleted};
use super::write::version;
use super::{Commit, Lake, TableName, Written};
use crate::error::Result;

/// Rows for a table whose key says nothing of where a row is, with an integer column that does.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// Column that rows are merged by, of any type.
    pub key: &'a str,
    /// Integer column whose range limits the files that are looked into: a row that has a key has this value too.
    pub near: &'a str,
    /// Rows that are new or have changed.
    pub come: Vec<RecordBatch>,
    /// Rows that leave the table.
    pub go: Vec<RecordBatch>,
}

impl Lake {
    /// Merges rows into a table and takes others out, in one commit. No rows, no commit.
    ///
    /// # Errors
    /// [`Kind::Contract`](crate::error::Kind::Contract) when the batches aren't of `schema`, [`Kind::Conflict`](crate::error::Kind::Conflict) when another run was faster, [`Kind::Lake`](crate::error::Kind::Lake)
    /// when the merge fails; the table is then as it was.
    pub async fn trade(
        &self,
        table: &TableName,
        schema: &SchemaRef,
        exchange: Exchange<'_>,
        session: &SessionContext,
        commit: &Commit,
    ) -> Result<Written> {
        let delta = self.load(table).await?;
        commit.check(table, delta.version())?;
        self.admits(table, &delta, schema)?;
        let commit = &commit.onto(version(&delta));
        if let Some(written) = self.copy_files(table, schema, &delta, &exchange, commit).await? {
            return Ok(written);
        }
        let Exchange { key, near, come, go } = exchange;
        let source = with_deleted(schema);
        let mut rows = Vec::new();
        let mut range: Option<(i64, i64)> = None;
        let all = come.iter().map(|batch| (batch, false)).chain(go.iter().map(|batch| (batch, true)));
        for (batch, deleted) in all.filter(|(batch, _)| batch.num_rows() > 0) {
            let places = integers(batch, near)?;
            if let (Some(low), Some(high)) = (min(&places), max(&places)) {
                range = Some(range.map_or((low, high), |(least, most)| (least.min(low), most.max(high))));
            }
            rows.push(marked(table, &source, batch, deleted)?);
        }
        let Some((low, high)) = range else { return Ok(Written { version: version(&delta), ..Written::default() }) };
        let on = format!("target.`{near}` >= {low} and target.`{near}` <= {high} and target.`{key}` = source.`{key}`");
        self.merge(delta, Merge { table, schema, session, commit, on, rows, deletes: true, widens: false }).await
    }
}
