//! Whether a table can be read: its log, and the data files that its newest version names.
//!
//! The files are not opened. One listing tells which of them are missing and which have another size than the log says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use deltalake::kernel::Remove;
use deltalake::{DeltaTable, DeltaTableBuilder};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use serde_json::Value;

use super::begun::lost;
use super::commit::live;
use super::store::lake_error;
use super::{Lake, TableName};
use crate::error::{Error, Kind, Result};

/// Folder of a table's log.
pub(super) const LOG: &str = "_delta_log";
/// The object that names the newest checkpoint.
pub(super) const HINT: &str = "_delta_log/_last_checkpoint";

/// Why a table can't be read, or not all of it.
#[derive(Debug, Clone)]
pub struct Damage {
    /// What is wrong with the log, where it can't be read.
    pub(super) log: Option<String>,
    /// Whether there is no log at all, only data files.
    pub(super) is_lost: bool,
    /// Data files of the newest version that can't be read, and why.
    pub(super) files: Vec<BadFile>,
}

/// A data file that can't be read.
#[derive(Debug, Clone)]
pub(super) struct BadFile {
    pub(super) remove: Remove,
    pub(super) why: String,
    /// Rows in it, as the log says.
    pub(super) rows: u64,
    /// Where what is left of it is.
    pub(super) place: Option<Path>,
}

impl Damage {
    /// Whether the table has lost its log, which any run mends.
    pub fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Data files that can't be read.
    pub fn files(&self) -> u64 {
        self.files.len() as u64
    }

    /// Rows in files that can't be read, as the log says.
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(log) = &self.log {
            return f.write_str(log);
        }
        let Some(first) = self.files.first() else { return f.write_str("nothing") };
        f.write_str(&first.why)?;
        match self.files.len() {
            1 => Ok(()),
            2 => f.write_str(", and one more can't be read either"),
            all => write!(f, ", and {} more can't be read either", all - 1),
        }
    }
}

impl Lake {
    /// What is wrong with a table, `None` when its log can be read and its data files are there in the size that the log says,
    /// or when there is no such table.
    ///
    /// # Errors
    /// [`Kind::Lake`] when the store can't be listed, which says nothing of the table.
    pub async fn damage(&self, table: &TableName) -> Result<Option<Damage>> {
        if !self.has_folder(table)? {
            return Ok(None);
        }
        let store = self.store(table)?;
        // Listed before the log is read, which then has to reach what was there.
        let objects = listed(table, &store).await?;
        let log = Log::of(&objects);
        if log.is_empty() {
            return Ok(match self.orphaned(table, &objects).await? {
                0 => None,
                files => Some(Damage { log: Some(lost(files)), is_lost: true, files: Vec::new() }),
            });
        }
        if let Some(version) = log.empty() {
            return broken(format!("commit {version} of its log is empty"));
        }
        let why = match self.load(table).await {
            Ok(delta) if delta.version().is_some() && delta.version() >= log.newest() => {
                let mut files = bad_files(&delta, &objects);
                if !files.is_empty() {
                    // A commit that came meanwhile names files that the listing has not.
                    files = bad_files(&delta, &listed(table, &store).await?);
                }
                return Ok((!files.is_empty()).then_some(Damage { log: None, is_lost: false, files }));
            }
            Ok(_) => None,
            Err(error) => Some(error.report()),
        };
        let found = log.fault(store.as_ref()).await.or(why);
        broken(found.unwrap_or_else(|| "its log can't be read".to_owned()))
    }

    /// Where a table's objects are, whether its log can be read or not.
    pub(super) fn store(&self, table: &TableName) -> Result<Arc<dyn ObjectStore>> {
        let url = self.url(table)?;
        let log = DeltaTableBuilder::from_url(url).and_then(|builder| builder.build_storage());
        Ok(log.map_err(|error| lake_error(table, "opened", error))?.object_store(None))
    }
}

/// All objects of a table.
pub(super) async fn listed(table: &TableName, store: &Arc<dyn ObjectStore>) -> Result<Vec<ObjectMeta>> {
    let unlisted = |error: object_store::Error| {
        Error::new(Kind::Lake, format!("the files of {table} can't be listed")).about(table).with_source(error)
    };
    store.list(None).try_collect().await.map_err(unlisted)
}

fn broken(log: String) -> Result<Option<Damage>> {
    Ok(Some(Damage { log: Some(log), is_lost: false, files: Vec::new() }))
}

/// Files of the newest version that aren't as the log says.
fn bad_files(delta: &DeltaTable, objects: &[ObjectMeta]) -> Vec<BadFile> {
    let sizes: BTreeMap<&str, u64> = objects.iter().map(|object| (object.location.as_ref(), object.size)).collect();
    let wrong = live(delta, "").filter_map(|file| {
        let path = file.part.add.path.clone();
        // A file of another folder, as a shallow clone has them, isn't listed here.
        if path.contains("://") || path.starts_with('/') {
            return None;
        }
        let names = [Some(Path::from(path.as_str())), Path::parse(&path).ok(), Path::from_url_path(&path).ok()];
        let found = names.iter().flatten().find_map(|name| sizes.get_key_value(name.as_ref()));
        let size = file.part.add.size.cast_unsigned();
        let why = match found {
            None => format!("the data file {path} is missing"),
            Some((_, found)) if *found != size => {
                format!("the data file {path} has {found} bytes, and {size} in the log")
            }
            Some(_) => return None,
        };
        let place = found.map(|(name, _)| Path::from(*name));
        Some(BadFile { rows: file.part.rows, remove: file.remove, why, place })
    });
    wrong.collect()
}

/// The objects of a log.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Size of each commit.
    commits: BTreeMap<u64, u64>,
    /// Versions of checkpoints.
    checkpoints: BTreeSet<u64>,
    has_hint: bool,
}

impl Log {
    pub(super) fn of(objects: &[ObjectMeta]) -> Self {
        let mut log = Self::default();
        for object in objects {
            let path = object.location.as_ref();
            let Some(name) = path.strip_prefix(LOG).and_then(|rest| rest.strip_prefix('/')) else { continue };
            log.has_hint |= path == HINT;
            let Some(version) = name.get(..20).and_then(|digits| digits.parse().ok()) else { continue };
            match name.get(20..) {
                Some(".json") => drop(log.commits.insert(version, object.size)),
                Some(rest) if rest.starts_with(".checkpoint.") => drop(log.checkpoints.insert(version)),
                _ => {}
            }
        }
        log
    }

    fn is_empty(&self) -> bool {
        self.commits.is_empty() && self.checkpoints.is_empty()
    }

    /// The newest version that something in the log is of.
    pub(super) fn newest(&self) -> Option<u64> {
        self.commits.keys().chain(&self.checkpoints).max().copied()
    }

    /// The newest commit.
    pub(super) fn newest_commit(&self) -> Option<u64> {
        self.commits.keys().next_back().copied()
    }

    /// Versions of checkpoints, rising.
    pub(super) fn checkpoints(&self) -> &BTreeSet<u64> {
        &self.checkpoints
    }

    /// A commit without any content: readers take it for one that changed nothing.
    fn empty(&self) -> Option<u64> {
        self.commits.iter().find(|(_, size)| **size == 0).map(|(version, _)| *version)
    }

    /// The first commit that is missing behind the newest checkpoint.
    fn gap(&self) -> Option<u64> {
        let first = self.checkpoints.last().map_or(0, |version| version + 1);
        (first..=self.newest()?).find(|version| !self.commits.contains_key(version))
    }

    /// What is wrong with it, in words.
    async fn fault(&self, store: &dyn ObjectStore) -> Option<String> {
        if let Some(version) = self.gap() {
            return Some(format!("commit {version} of its log is missing"));
        }
        let first = self.checkpoints.last().map_or(0, |version| version + 1);
        for version in self.commits.keys().filter(|version| **version >= first) {
            if !is_commit(store, *version).await {
                return Some(format!("commit {version} of its log can't be read"));
            }
        }
        if self.has_hint {
            let named = match store.get(&Path::from(HINT)).await {
                Ok(found) => found.bytes().await.ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok()),
                Err(_) => None,
            };
            match named.as_ref().and_then(|named| named.get("version")).and_then(Value::as_u64) {
                None => return Some(format!("{HINT} can't be read")),
                Some(version) if !self.checkpoints.contains(&version) => {
                    return Some(format!("{HINT} names version {version}, of which there is no checkpoint"));
                }
                Some(_) => {}
            }
        }
        self.checkpoints.last().map(|version| format!("the checkpoint of version {version} can't be read"))
    }
}

/// Whether a commit is what commits are: an action as JSON on each line.
async fn is_commit(store: &dyn ObjectStore, version: u64) -> bool {
    let Ok(found) = store.get(&commit_path(version)).await else { return false };
    let Ok(bytes) = found.bytes().await else { return false };
    let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.all(|line| serde_json::from_slice::<serde_json::Map<String, Value>>(line).is_ok())
}

pub(super) fn commit_path(version: u64) -> Path {
    Path::from(format!("{LOG}/{version:020}.json"))
}
