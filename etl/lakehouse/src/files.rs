//! What changed in a table since a version, told by its files, and reads of some files only.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use connectwise_datafiles::{AT_ONCE, DataFileReader, Wanted, locate};
use datafusion::prelude::SessionContext;
use deltalake::kernel::CommitInfo;
use futures::stream::{self, StreamExt, TryStreamExt};

use super::Table;
use super::rows::register_batches;
use crate::error::{self, Result, lake_error, sql_error};

/// Operations after which columns are what they were, so that rows of files that stay have not changed.
const MERGES: [&str; 3] = ["MERGE", "OPTIMIZE", "DELETE"];

/// Files that came to a table and left it between two versions. A row that changed is in one of each; a row of a file that
/// is in neither has not changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileDiff {
    /// Files that are there now and were not.
    pub added: BTreeSet<String>,
    /// Files that were there and are not now.
    pub removed: BTreeSet<String>,
}

impl Table {
    /// The files that came and left since `older`. `None` when that doesn't tell what changed: the table was replaced, or
    /// its log doesn't reach back that far.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the log can't be read.
    pub async fn file_diff(&self, older: &Self) -> Result<Option<FileDiff>> {
        let Some((now, then)) = self.version().zip(older.version()) else { return Ok(None) };
        let Some(commits) = now.checked_sub(then) else { return Ok(None) };
        if commits == 0 {
            return Ok(Some(FileDiff::default()));
        }
        let wanted = usize::try_from(commits).unwrap_or(usize::MAX);
        // A log that was cut short is no error: it says that nothing is known.
        let Ok(history) = self.delta.history(Some(wanted)).try_collect::<Vec<_>>().await else { return Ok(None) };
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
        let now = self.files()?;
        let then = older.files()?;
        Ok(Some(FileDiff {
            added: now.difference(&then).cloned().collect(),
            removed: then.difference(&now).cloned().collect(),
        }))
    }

    /// Makes some files of the snapshot readable in a session under `alias`.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the table can't be read.
    pub async fn register_files(&self, session: &SessionContext, alias: &str, files: BTreeSet<String>) -> Result<()> {
        if files.is_empty() {
            let schema = self.schema().ok_or_else(|| self.unreadable())?;
            return register_batches(session, alias, schema, Vec::new());
        }
        session.deregister_table(alias).map_err(sql_error)?;
        self.provide(session, alias, self.delta.table_provider().with_file_paths(files)).await
    }

    /// The files of the snapshot, none when there is no table.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the log can't be read.
    pub fn files(&self) -> Result<BTreeSet<String>> {
        if !self.exists() {
            return Ok(BTreeSet::new());
        }
        self.delta.get_file_uris().map(BTreeSet::from_iter).map_err(|error| lake_error(&self.name, "read", error))
    }

    /// Files that were in the table, and when they left it, as far as the log remembers them.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the log can't be read.
    pub async fn removed_files(&self) -> Result<BTreeMap<String, Option<DateTime<Utc>>>> {
        let Some(snapshot) = self.snapshot() else { return Ok(BTreeMap::new()) };
        let log = self.delta.log_store();
        let removed = snapshot.all_tombstones(log.as_ref()).map_ok(|file| {
            let when = file.deletion_timestamp().and_then(DateTime::from_timestamp_millis);
            (file.path().into_owned(), when)
        });
        removed.try_collect().await.map_err(|error| lake_error(&self.name, "read", error))
    }

    /// Files in which an integer column may have one of some ascending values: ranges rule files and row groups out,
    /// and what is left of the one column is read.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the table can't be read.
    pub async fn files_holding(&self, column: &str, values: &[i64]) -> Result<BTreeSet<String>> {
        let schema = self.schema().ok_or_else(|| self.unreadable())?;
        let uris: BTreeMap<String, String> =
            self.files()?.into_iter().map(|uri| (last(&uri).to_owned(), uri)).collect();
        let wanted = &Wanted::numbers(column, values);
        let store = self.store();
        let looked = self.active_files(column).filter_map(|active| {
            let some = wanted.in_file(active.file.keys);
            if some.is_empty() {
                return None;
            }
            let entry = active.file.entry;
            let schema = schema.clone();
            let file = DataFileReader::new(store.clone(), &entry.path, entry.size);
            // A file with other columns isn't looked into, and may hold any.
            Some(async move {
                let found = locate(file, &schema, wanted, some).await;
                found.map(|found| found.is_none_or(|rows| !rows.is_empty()).then_some(entry.path))
            })
        });
        let mut looked = stream::iter(looked.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        let mut files = BTreeSet::new();
        let unread = |error| error::unsearched(&self.name).with_source(error);
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
