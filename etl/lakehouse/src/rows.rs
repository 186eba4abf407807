//! The rows of a table that are other than they were, told by the files that came and left.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use datafusion::catalog::MemTable;
use datafusion::prelude::SessionContext;

use super::Table;
use crate::error::{self, Result, sql_error};

const NOW: &str = "__now";
const THEN: &str = "__then";

/// Keys of the rows in which two versions of a table differ, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyDiff {
    /// Rows that are new, or have another content.
    pub upserted: Vec<i64>,
    /// Rows that are there no more.
    pub deleted: Vec<i64>,
}

impl KeyDiff {
    /// All keys, ascending.
    pub fn keys(&self) -> Vec<i64> {
        self.upserted.iter().chain(&self.deleted).copied().collect::<BTreeSet<_>>().into_iter().collect()
    }
}

impl Table {
    /// Keys of rows that were inserted, changed or deleted since `version`: those that differ in one of the columns `content`, which
    /// have no NULL, and those that came or left. Of these columns and the key the files are read that were added or removed since.
    ///
    /// `None` when that doesn't tell: the table was replaced, its log doesn't reach back that far, or files that left are gone.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) or [`Kind::Sql`](crate::error::Kind::Sql) when the table can't be read.
    pub async fn key_diff(
        &self,
        session: &SessionContext,
        key: &str,
        content: &[&str],
        version: u64,
    ) -> Result<Option<KeyDiff>> {
        let Ok(older) = self.at(version).await else { return Ok(None) };
        let Some(files) = self.file_diff(&older).await? else { return Ok(None) };
        if files.added.is_empty() && files.removed.is_empty() {
            return Ok(Some(KeyDiff::default()));
        }
        self.register_files(session, NOW, files.added).await?;
        older.register_files(session, THEN, files.removed).await?;
        let same: String = content.iter().map(|column| format!(" and n.`{column}` = t.`{column}`")).collect();
        let upserted = format!("select n.`{key}` from {NOW} n left anti join {THEN} t on n.`{key}` = t.`{key}`{same}");
        let deleted = format!("select t.`{key}` from {THEN} t left anti join {NOW} n on n.`{key}` = t.`{key}`");
        let found = async {
            Ok(KeyDiff { upserted: ascending(session, &upserted).await?, deleted: ascending(session, &deleted).await? })
        };
        let found: Result<KeyDiff> = found.await;
        for alias in [NOW, THEN] {
            session.deregister_table(alias).map_err(sql_error)?;
        }
        match found {
            Ok(found) => Ok(Some(found)),
            Err(error) => {
                tracing::debug!(table = %self.name, error = %error.report(), "what changed can't be read");
                Ok(None)
            }
        }
    }

    /// Makes the rows readable under `alias` whose integer column has one of some ascending values; only files are
    /// read that may have them.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the table can't be read.
    pub async fn register_rows(
        &self,
        session: &SessionContext,
        alias: &str,
        column: &str,
        values: &[i64],
    ) -> Result<()> {
        let files = format!("{alias}__files");
        let wanted = format!("{alias}__wanted");
        self.register_files(session, &files, self.files_holding(column, values).await?).await?;
        let values: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
        let values =
            RecordBatch::try_from_iter([("value", values)]).map_err(|error| error::unheld_keys().with_source(error))?;
        register_batches(session, &wanted, values.schema(), vec![values])?;
        let rows = format!("select t.* from {files} t left semi join {wanted} w on w.value = t.`{column}`");
        let rows = session.sql(&rows).await.map_err(sql_error)?.into_view();
        session.deregister_table(alias).map_err(sql_error)?;
        session.register_table(alias, rows).map_err(sql_error)?;
        Ok(())
    }
}

/// Makes rows readable that are held in memory.
pub(super) fn register_batches(
    session: &SessionContext,
    alias: &str,
    schema: SchemaRef,
    rows: Vec<RecordBatch>,
) -> Result<()> {
    let rows = MemTable::try_new(schema, vec![rows]).map_err(sql_error)?;
    session.deregister_table(alias).map_err(sql_error)?;
    session.register_table(alias, Arc::new(rows)).map_err(sql_error)?;
    Ok(())
}

/// The integers of a query's only column, each once.
async fn ascending(session: &SessionContext, sql: &str) -> Result<Vec<i64>> {
    let mut keys = BTreeSet::new();
    for batch in session.sql(sql).await.map_err(sql_error)?.collect().await.map_err(sql_error)? {
        let name = batch.schema().field(0).name().clone();
        keys.extend(super::integers(&batch, &name)?.iter().flatten());
    }
    Ok(keys.into_iter().collect())
}
