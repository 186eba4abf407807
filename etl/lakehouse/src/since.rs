//! What changed in a table since a version, told by its files, and reads of some files only.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::common::TableReference;
use datafusion::prelude::SessionContext;
use deltalake::kernel::CommitInfo;
use futures::stream::{self, StreamExt, TryStreamExt};

use super::commit::{AT_ONCE, Live, live};
use super::differences::register_batches;
use super::file::File;
use super::patch::{locate, within};
use super::store::{lake_error, sql_error};
use super::{Lake, TableName};
use crate::error::{Error, Kind, Result};

/// Operations after which columns are what they were, so that rows of files that stay have not changed.
const MERGES: [&str; 3] = ["MERGE", "OPTIMIZE", "DELETE"];

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
        if files.is_empty() {
            let state = delta.snapshot().map_err(|error| lake_error(table, "read", error))?;
            return register_batches(session, alias, state.snapshot().arrow_schema(), Vec::new());
        }
        let provider = delta.table_provider().with_file_paths(files).await;
        register(session, alias, table, &delta, provider)
    }

    /// The files of a table's newest version, none when there is no table.
    ///
    /// # Errors
    /// [`Kind::Lake`] when the table can't be opened.
    pub async fn files(&self, table: &TableName) -> Result<BTreeSet<String>> {
        if self.state(table).await?.is_none() {
            return Ok(BTreeSet::new());
        }
        let delta = self.load(table).await?;
        delta.get_file_uris().map(BTreeSet::from_iter).map_err(|error| lake_error(table, "read", error))
    }

    /// Files of a table in which an integer column may have one of some rising values: ranges rule files and row groups out,
    /// and what is left of the one column is read.
    ///
    /// # Errors
    /// [`Kind::Lake`] when the table can't be read.
    pub async fn files_holding(&self, table: &TableName, column: &str, values: &[i64]) -> Result<BTreeSet<String>> {
        let delta = self.load(table).await?;
        let fault = |error| lake_error(table, "read", error);
        let schema = delta.snapshot().map_err(fault)?.snapshot().arrow_schema();
        let mut uris: BTreeMap<String, String> = BTreeMap::new();
        for uri in delta.get_file_uris().map_err(fault)? {
            uris.insert(last(&uri).to_owned(), uri);
        }
        let store = delta.log_store().object_store(None);
        let looked = live(&delta, column).filter_map(|Live { part, .. }| {
            let some = values.get(within(values, part.keys)).filter(|some| !some.is_empty())?;
            let (file, schema) = (File::new(store.clone(), &part.add.path, part.add.size), schema.clone());
            Some(async move {
                let located = locate(file, &schema, column, some).await;
                located.map(|located| (!located.alike || !located.hits.is_empty()).then_some(part.add.path))
            })
        });
        let mut looked = stream::iter(looked.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        let mut files = BTreeSet::new();
        let unread =
            |error| Error::new(Kind::Lake, format!("{table} can't be searched")).about(table).with_source(error);
        while let Some(found) = looked.try_next().await.map_err(unread)? {
            files.extend(found.and_then(|path| uris.get(last(&path)).cloned()));
        }
        Ok(files)
    }
}

/// The name of a file without its folder.
fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn register(
    session: &SessionContext,
    alias: &str,
    table: &TableName,
    delta: &deltalake::DeltaTable,
    provider: datafusion::error::Result<std::sync::Arc<dyn datafusion::catalog::TableProvider>>,
) -> Result<()> {
    let provider = provider
        .map_err(|error| Error::new(Kind::Lake, format!("{table} can't be read")).about(table).with_source(error))?;
    delta.update_datafusion_session(&session.state()).map_err(|error| lake_error(table, "read", error))?;
    session.deregister_table(alias).map_err(sql_error)?;
    session.register_table(TableReference::bare(alias), provider).map_err(sql_error)?;
    Ok(())
}
