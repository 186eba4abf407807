//! Whether a table can be read: its log, and the data files that its newest version names.
//!
//! The files are not opened. One listing tells which of them are missing and which have another size than the log says. Only of a table
//! that is marked ([`Lake::distrust`](connectwise_lakehouse::Lake::distrust)) all files are read before it is mended: somebody may have been unable to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use connectwise_datafiles::{AT_ONCE, DataFileReader};
use connectwise_lakehouse::{Lake, Table, lost};
use connectwise_storage::TableName;
use connectwise_storage::objects::{HINT, LOG, commit_path, listed};
use deltalake::kernel::Remove;
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use serde_json::Value;

use crate::error::Result;

/// Why a table can't be read, or not all of it.
#[derive(Debug, Clone)]
pub struct Damage {
    /// What is wrong with the log, where it can't be read.
    pub(crate) log: Option<String>,
    /// Whether there is no log at all, only data files.
    pub(crate) is_lost: bool,
    /// Data files of the newest version that can't be read, and why.
    pub(crate) files: Vec<BadFile>,
}

/// A data file that can't be read.
#[derive(Debug, Clone)]
pub(crate) struct BadFile {
    pub(crate) remove: Remove,
    pub(crate) why: String,
    /// Rows in it, where the log says how many.
    pub(crate) rows: Option<u64>,
    /// Where what is left of it is.
    pub(crate) place: Option<Path>,
}

impl Damage {
    fn of_files(files: Vec<BadFile>) -> Option<Self> {
        (!files.is_empty()).then_some(Self { log: None, is_lost: false, files })
    }

    /// Whether the table has lost its log, which any run mends.
    pub fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Data files that can't be read.
    pub fn files(&self) -> u64 {
        self.files.len() as u64
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

/// A table that was looked at.
#[derive(Debug)]
pub enum Checked {
    /// It can be read, or isn't there.
    Sound(Table),
    /// It can't be read, or not all of it.
    Damaged(Damage),
}

/// What is wrong with a table, `None` when its log can be read and its data files are there in the size that the log says,
/// or when there is no such table.
///
/// # Errors
/// [`Kind::Lake`](connectwise_lakehouse::error::Kind::Lake) when the store can't be listed, which says nothing of the table.
pub async fn damage(lake: &Lake, name: &TableName) -> Result<Option<Damage>> {
    match checked(lake, name).await? {
        Checked::Sound(_) => Ok(None),
        Checked::Damaged(damage) => Ok(Some(damage)),
    }
}

/// As [`damage`], where also the files of the table were read.
///
/// # Errors
/// [`Kind::Lake`](connectwise_lakehouse::error::Kind::Lake) when the store refuses, which says nothing of the table.
pub async fn damage_in_files(lake: &Lake, name: &TableName) -> Result<Option<Damage>> {
    match checked(lake, name).await? {
        Checked::Sound(table) => Ok(Damage::of_files(unreadable_files(&table).await?)),
        Checked::Damaged(damage) => Ok(Some(damage)),
    }
}

/// As [`checked`], and of a table that is marked the files are read, too.
pub(crate) async fn checked_closely(lake: &Lake, name: &TableName) -> Result<Checked> {
    let checked = checked(lake, name).await?;
    let Checked::Sound(table) = &checked else { return Ok(checked) };
    if !table.is_untrusted().await? {
        return Ok(checked);
    }
    Ok(Damage::of_files(unreadable_files(table).await?).map_or(checked, Checked::Damaged))
}

/// As [`damage`], with the table where nothing is wrong with it.
///
/// # Errors
/// [`Kind::Lake`](connectwise_lakehouse::error::Kind::Lake) when the store can't be listed, which says nothing of the table.
pub async fn checked(lake: &Lake, name: &TableName) -> Result<Checked> {
    if !lake.has_folder(name)? {
        return Ok(Checked::Sound(lake.unopened(name)?));
    }
    let store = lake.objects(name)?;
    // Listed before the log is read, which then has to reach what was there.
    let objects = listed(name, &store).await?;
    let log = Log::of(&objects);
    if log.is_empty() {
        return Ok(match lake.orphaned(name, &objects).await? {
            0 => Checked::Sound(lake.unopened(name)?),
            files => Checked::Damaged(Damage { log: Some(lost(files)), is_lost: true, files: Vec::new() }),
        });
    }
    if let Some(version) = log.empty() {
        return Ok(broken(format!("commit {version} of its log is empty")));
    }
    let why = match lake.load(name).await {
        Ok(table) if table.exists() && table.version() >= log.newest() => {
            let mut files = bad_files(&table, &objects);
            if !files.is_empty() {
                // A commit that came meanwhile names files that the listing has not.
                files = bad_files(&table, &listed(name, &store).await?);
            }
            return Ok(Damage::of_files(files).map_or(Checked::Sound(table), Checked::Damaged));
        }
        Ok(_) => None,
        Err(error) => Some(error.report()),
    };
    let found = log.fault(store.as_ref()).await.or(why);
    Ok(broken(found.unwrap_or_else(|| "its log can't be read".to_owned())))
}

/// Data files of the snapshot whose rows can't be read, whatever their size. Reads all of them.
async fn unreadable_files(table: &Table) -> Result<Vec<BadFile>> {
    let store = table.store();
    let checks = table.active_files("").map(|active| {
        let path = active.file.entry.path.clone();
        let size = active.file.entry.size;
        let file = DataFileReader::new(store.clone(), &path, size);
        async move {
            let fault = file.fault().await.map_err(|error| table.unreadable().with_source(error))?;
            let bad = |why| BadFile {
                why: format!("the data file {path} can't be read ({why})"),
                rows: active.rows,
                place: Some(Path::parse(&path).unwrap_or_else(|_| Path::from(path.as_str()))),
                remove: active.remove,
            };
            Ok(fault.map(bad))
        }
    });
    let checks: Vec<_> = checks.collect();
    stream::iter(checks).buffered(AT_ONCE).try_filter_map(async |bad| Ok(bad)).try_collect().await
}

fn broken(log: String) -> Checked {
    Checked::Damaged(Damage { log: Some(log), is_lost: false, files: Vec::new() })
}

/// Files of the newest version that aren't as the log says.
fn bad_files(table: &Table, objects: &[ObjectMeta]) -> Vec<BadFile> {
    let sizes: BTreeMap<&str, u64> = objects.iter().map(|object| (object.location.as_ref(), object.size)).collect();
    let wrong = table.active_files("").filter_map(|file| {
        let path = file.file.entry.path.clone();
        // A file of another folder, as a shallow clone has them, isn't listed here.
        if path.contains("://") || path.starts_with('/') {
            return None;
        }
        let names = [Some(Path::from(path.as_str())), Path::parse(&path).ok(), Path::from_url_path(&path).ok()];
        let found = names.iter().flatten().find_map(|name| sizes.get_key_value(name.as_ref()));
        let size = file.file.entry.size.cast_unsigned();
        let why = match found {
            None => format!("the data file {path} is missing"),
            Some((_, found)) if *found != size => {
                format!("the data file {path} has {found} bytes, and {size} in the log")
            }
            Some(_) => return None,
        };
        let place = found.map(|(name, _)| Path::from(*name));
        Some(BadFile { rows: file.rows, remove: file.remove, why, place })
    });
    wrong.collect()
}

/// The objects of a log.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// Size of each commit.
    commits: BTreeMap<u64, u64>,
    /// Versions of checkpoints.
    checkpoints: BTreeSet<u64>,
    has_hint: bool,
}

impl Log {
    pub(crate) fn of(objects: &[ObjectMeta]) -> Self {
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
    pub(crate) fn newest(&self) -> Option<u64> {
        self.commits.keys().chain(&self.checkpoints).max().copied()
    }

    /// The newest commit.
    pub(crate) fn newest_commit(&self) -> Option<u64> {
        self.commits.keys().next_back().copied()
    }

    /// Versions of checkpoints, rising.
    pub(crate) fn checkpoints(&self) -> &BTreeSet<u64> {
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
            match hinted(store).await {
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

/// The version of which a log says that it is that of its newest checkpoint, `None` where it doesn't or what says so can't be read.
pub(crate) async fn hinted(store: &dyn ObjectStore) -> Option<u64> {
    let text = store.get(&Path::from(HINT)).await.ok()?.bytes().await.ok()?;
    serde_json::from_slice::<Value>(&text).ok()?.get("version")?.as_u64()
}

/// Whether a commit is what commits are: an action as JSON on each line.
async fn is_commit(store: &dyn ObjectStore, version: u64) -> bool {
    let Ok(found) = store.get(&commit_path(version)).await else { return false };
    let Ok(bytes) = found.bytes().await else { return false };
    let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.all(|line| serde_json::from_slice::<serde_json::Map<String, Value>>(line).is_ok())
}
