//! A look at every row of a table: whether its files can be read, hold what the log says, and have each key once.

use std::collections::BTreeSet;

use connectwise_datafiles::{DataFileReader, FileEntry, integers};
use connectwise_lakehouse::{ActiveFile, Keys, Table};
use connectwise_storage::objects::{commit_path, listed};
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use parquet::errors::ParquetError;
use serde_json::Value;

use crate::damage::Log;
use crate::error::Result;

/// Things that something was found of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found<T> {
    /// How many.
    pub count: u64,
    /// Some of them.
    pub examples: Vec<T>,
}

/// How many examples are told.
const EXAMPLES: usize = 5;

impl<T> Found<T> {
    /// Adds what one more file tells.
    pub fn add(&mut self, one: T) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(one);
        }
    }
}

/// What a look at every row of a table showed.
#[derive(Debug, Clone, Default)]
pub struct Inspected {
    /// Files of the newest version.
    pub files: u64,
    /// Rows in those that can be read.
    pub rows: u64,
    /// Files that can't be read, and why.
    pub unreadable: Found<String>,
    /// Files that hold another number of rows than the log says.
    pub miscounted: Found<String>,
    /// Files with keys outside of the range that the log says.
    pub outside: Found<String>,
    /// Keys that are there more than once.
    pub twice: Found<i64>,
    /// Files whose bytes aren't those that this program wrote.
    pub altered: Found<String>,
    /// Files that don't say what their bytes were: another program wrote them, or Delta's own writer.
    pub unproved: u64,
    /// Files that the log's checkpoint and its commits don't agree on.
    pub disputed: Found<String>,
}

/// Reads all of the snapshot, batch by batch. `key` is its key, where that is an integer; the keys are held, a bit each.
///
/// # Errors
/// [`Kind::Lake`](connectwise_lakehouse::error::Kind::Lake) when its log can't be read: see [`damage`](crate::damage).
pub async fn inspect(table: &Table, key: Option<&str>) -> Result<Inspected> {
    let mut seen = Inspected::default();
    let store = table.store();
    let mut keys = Keys::new();
    let files: Vec<ActiveFile> = table.active_files(key.unwrap_or("")).collect();
    for ActiveFile { file, rows: logged, remove } in files {
        let FileEntry { path, size, .. } = file.entry;
        seen.files += 1;
        let (mut rows, mut range): (u64, Option<(i64, i64)>) = (0, None);
        let mut is_as_written = None;
        let read = async {
            let (told, mut batches) = DataFileReader::new(store.clone(), &path, size).rows().await?;
            is_as_written = told;
            while let Some(batch) = batches.try_next().await? {
                rows += batch.num_rows() as u64;
                let Some(key) = key else { continue };
                let values = integers(&batch, key).map_err(|error| ParquetError::External(Box::new(error)))?;
                for value in values.iter().flatten() {
                    range = Some(range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))));
                    // A row that a deletion vector hides may have a key that another row has.
                    if !keys.insert(value.cast_unsigned()) && remove.deletion_vector.is_none() {
                        seen.twice.add(value);
                    }
                }
            }
            Ok::<_, ParquetError>(())
        };
        if let Err(error) = read.await {
            seen.unreadable.add(format!("{path}: {error}"));
            continue;
        }
        match is_as_written {
            Some(true) => {}
            Some(false) => seen.altered.add(path.clone()),
            None => seen.unproved += 1,
        }
        seen.rows += rows;
        if let Some(told) = logged.filter(|told| *told != rows) {
            seen.miscounted.add(format!("{path} holds {rows} rows, and {told} in the log"));
        }
        if let (Some((low, high)), Some((least, most))) = (range, file.keys)
            && (low < least || high > most)
        {
            seen.outside.add(format!("{path} holds the keys {low} to {high}, and {least} to {most} in the log"));
        }
    }
    dispute(table, &mut seen).await?;
    Ok(seen)
}

/// Compares what the log's checkpoint says with its commits, where all of them are there.
async fn dispute(table: &Table, seen: &mut Inspected) -> Result<()> {
    let store = table.store();
    let log = Log::of(&listed(table.name(), &store).await?);
    let (Some(state), Some(version)) = (table.snapshot(), table.version()) else { return Ok(()) };
    if log.checkpoints().is_empty() {
        return Ok(());
    }
    let mut files = BTreeSet::new();
    for version in 0..=version {
        // Logs are cut behind checkpoints, and nothing can be said then.
        let Ok(found) = store.get(&commit_path(version)).await else { return Ok(()) };
        let Ok(bytes) = found.bytes().await else { return Ok(()) };
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let Ok(action) = serde_json::from_slice::<Value>(line) else { return Ok(()) };
            let path = |of: &str| action.get(of)?.get("path")?.as_str().map(str::to_owned);
            files.extend(path("add"));
            if let Some(gone) = path("remove") {
                files.remove(&gone);
            }
        }
    }
    let told: BTreeSet<String> = state.log_data().into_iter().map(|file| file.remove_action(true).path).collect();
    for path in files.symmetric_difference(&told) {
        seen.disputed.add(path.clone());
    }
    Ok(())
}
