//! What changed in a table since a version, told by its files, and reads of some files only.

use std::collections::BTreeSet;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::TableReference;
use datafusion::prelude::SessionContext;
use deltalake::kernel::CommitInfo;
use futures::stream::TryStreamExt;

use super::store::{lake_error, sql_error};
use super::{Lake, TableName};
use crate::error::{Error, Kind, Result};

/// Operations that leave every row in place, unless they say of a key what it is now.
const MERGES: [&str; 2] = ["MERGE", "OPTIMIZE"];
/// Column that says which file a row is in.
const FILE: &str = "__file";
/// Table whose files are looked for.
const SEARCHED: &str = "__searched";

/// Files that came to a table and left it between two versions. A row that changed is in one of each; a row of a file that
/// is in neither has not changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turnover {
    /// Files that are there now and were not.
    pub came: BTreeSet<String>,
    /// Files that were there and are not now.
    pub left: BTreeSet<String>,
}

impl Lake {
    /// The files that came and left since `version`. `None` when that doesn't tell what changed: the table was replaced, or
    /// its log doesn't reach back that far.
    ///
    /// # Errors
    /// [`Kind::Lake`] when the table can't be opened.
    pub async fn turnover(&self, table: &TableName, version: u64) -> Result<Option<Turnover>> {
        if self.state(table).await?.is_none() {
            return Ok(None);
        }
        let delta = self.load(table).await?;
        let Some(commits) = delta.version().and_then(|now| now.checked_sub(version)) else { return Ok(None) };
        if commits == 0 {
            return Ok(Some(Turnover::default()));
        }
        let wanted = usize::try_from(commits).unwrap_or(usize::MAX);
        // A log that was cut short is no error: it says that nothing is known.
        let Ok(history) = delta.history(Some(wanted)).try_collect::<Vec<_>>().await else { return Ok(None) };
        let adds = |commit: &CommitInfo| {
            let mode = commit.operation_parameters.as_ref().and_then(|parameters| parameters.get("mode"));
            mode.and_then(serde_json::Value::as_str).is_some_and(|mode| mode.eq_ignore_ascii_case("append"))
        };
        let tells = |commit: &CommitInfo| match commit.operation.as_deref() {
            Some("WRITE") => adds(commit),
            Some(operation) => MERGES.contains(&operation),
            None => false,
        };
        if history.len() < wanted || !history.iter().take(wanted).all(tells) {
            return Ok(None);
        }
        let mut before = delta.clone();
        if before.load_version(version).await.is_err() {
            return Ok(None);
        }
        let files = |delta: &deltalake::DeltaTable| {
            delta.get_file_uris().map(BTreeSet::from_iter).map_err(|error| lake_error(table, "read", error))
        };
        let (now, then) = (files(&delta)?, files(&before)?);
        Ok(Some(Turnover {
            came: now.difference(&then).cloned().collect(),
            left: then.difference(&now).cloned().collect(),
        }))
    }

    /// Makes some files of a table, as it is or as it was at a version, readable in a session under `alias`.
    ///
    /// # Errors
    /// [`Kind::Lake`] when the table can't be read.
    pub async fn register_files(
        &self,
        session: &SessionContext,
        alias: &str,
        table: &TableName,
        version: Option<u64>,
        files: BTreeSet<String>,
    ) -> Result<()> {
        let mut delta = self.load(table).await?;
        if let Some(version) = version {
            delta.load_version(version).await.map_err(|error| lake_error(table, "read", error))?;
        }
        let provider = delta.table_provider().with_file_paths(files).await;
        register(session, alias, table, &delta, provider)
    }

    /// Files of a table in which an integer column has one of the values of `ids`, a table of the session with the column
    /// `id`. Only the one column is read.
    ///
    /// # Errors
    /// [`Kind::Lake`] or [`Kind::Sql`] when the table can't be read.
    pub async fn files_with(
        &self,
        session: &SessionContext,
        table: &TableName,
        column: &str,
        ids: &str,
    ) -> Result<BTreeSet<String>> {
        let delta = self.load(table).await?;
        let provider = delta.table_provider().with_file_column(FILE).await;
        register(session, SEARCHED, table, &delta, provider)?;
        let found = async {
            let sql =
                format!("select distinct s.`{FILE}` from {SEARCHED} s left semi join {ids} i on i.id = s.`{column}`");
            session.sql(&sql).await?.collect().await
        }
        .await;
        session.deregister_table(SEARCHED).map_err(sql_error)?;
        let mut files = BTreeSet::new();
        for batch in found.map_err(sql_error)? {
            let names = cast(batch.column(0), &DataType::Utf8).map_err(|error| {
                Error::new(Kind::Lake, format!("the files of {table} have no names")).with_source(error)
            })?;
            files.extend(names.as_string::<i32>().iter().flatten().map(str::to_owned));
        }
        Ok(files)
    }
}

fn register(
    session: &SessionContext,
    alias: &str,
    table: &TableName,
    delta: &deltalake::DeltaTable,
    provider: datafusion::error::Result<std::sync::Arc<dyn datafusion::catalog::TableProvider>>,
) -> Result<()> {
    let provider =
        provider.map_err(|error| Error::new(Kind::Lake, format!("{table} can't be read")).with_source(error))?;
    delta.update_datafusion_session(&session.state()).map_err(|error| lake_error(table, "read", error))?;
    session.deregister_table(alias).map_err(sql_error)?;
    session.register_table(TableReference::bare(alias), provider).map_err(sql_error)?;
    Ok(())
}
