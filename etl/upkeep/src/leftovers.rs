//! What writers leave behind that failed: files that no commit names.
//!
//! A store that takes no more, as a full disk, ends a write between its files and its commit. `maintain` finds such files by their
//! age alone; a run that knows which runs failed and which are at work can remove them at once.

use std::collections::HashSet;
use std::path::Path as Folder;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use connectwise_lakehouse::{BEGUN, Lake, remove_empty_folders};
use connectwise_storage::TableName;
use connectwise_storage::objects::{EXCHANGE, delete, kept_until, listed};
use object_store::{ObjectMeta, ObjectStore};

use crate::damage::damage;
use crate::error::{self, Result};

/// When those wrote who left files behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Files that were written before aren't theirs.
    pub since: DateTime<Utc>,
    /// Files that were written after may be those of a run that is at work.
    pub until: DateTime<Utc>,
}

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Removes files of a table that were written in a window and that no version of it and no staged load
/// names.
///
/// # Errors
/// [`Kind::Lake`](connectwise_lakehouse::error::Kind::Lake) when the store refuses, or the table's log can't be read: what it names isn't known then.
pub async fn clear_leftovers(lake: &Lake, table: &TableName, window: &Window) -> Result<Cleared> {
    let mut cleared = Cleared::default();
    let url = lake.url(table)?;
    let local = url.to_file_path().ok();
    if let Some(folder) = &local {
        if !folder.is_dir() {
            return Ok(cleared);
        }
        unfinished(folder, window.until, &mut cleared);
    }
    let store = lake.objects(table)?;
    let fault = |error: object_store::Error| error::leftovers(table).with_source(error);
    // Listed before the log is read: what a commit names meanwhile was written before, and is in the log then.
    let found = listed(table, &store).await?;
    for object in found.iter().filter(|object| exchange(object).is_some()) {
        if object.last_modified > window.since && object.last_modified < window.until {
            clear(&store, object, &mut cleared).await.map_err(fault)?;
        }
    }
    if let Some(folder) = &local {
        prune_exchanges(folder, &found);
    }
    let kept = kept_until(&found).map_or(window.since, |until| until.max(window.since));
    let left: Vec<_> = found
        .iter()
        .filter(|object| object.last_modified > kept && object.last_modified < window.until)
        .filter(|object| object.location.parts().count() == 1 && object.location.as_ref().ends_with(".parquet"))
        .collect();
    if left.is_empty() {
        return Ok(cleared);
    }
    // A commit that can't be read names files too.
    if damage(lake, table).await?.is_some() {
        return Ok(cleared);
    }
    let opened = lake.load(table).await?;
    let mut named: HashSet<String> = opened.active_files("").map(|active| active.file.entry.path).collect();
    named.extend(opened.removed_files().await?.into_keys());
    for staged in opened.staged().await? {
        // The next load says what becomes of them.
        named.extend(staged.chunks.into_iter().map(|chunk| chunk.file.entry.path));
    }
    for object in left.into_iter().filter(|object| !named.contains(object.location.as_ref())) {
        clear(&store, object, &mut cleared).await.map_err(fault)?;
    }
    Ok(cleared)
}

async fn clear(store: &Arc<dyn ObjectStore>, object: &ObjectMeta, cleared: &mut Cleared) -> object_store::Result<()> {
    if delete(store, &object.location).await? {
        cleared.files += 1;
        cleared.bytes += object.size;
    }
    Ok(())
}

/// Name of the exchange folder that an object of a table is in, if it is in one. No commit ever names such an object.
pub(crate) fn exchange(object: &ObjectMeta) -> Option<String> {
    let first = object.location.parts().next()?;
    first.as_ref().starts_with(EXCHANGE).then(|| first.as_ref().to_owned())
}

/// Removes the folders of a local table, through which another engine got and gave rows, that have no files any more.
pub(crate) fn prune_exchanges(folder: &Folder, objects: &[ObjectMeta]) {
    let names: HashSet<String> = objects.iter().filter_map(exchange).collect();
    for name in names {
        remove_empty_folders(&folder.join(name));
    }
}

/// Removes files of a local folder that were being written when their writer was killed. A local store writes under another
/// name (`part-x.parquet#1`) and renames at the end, and lists no such names.
pub(crate) fn unfinished(folder: &Folder, until: DateTime<Utc>, cleared: &mut Cleared) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let Ok(about) = entry.metadata() else { continue };
        if about.is_dir() {
            unfinished(&path, until, cleared);
            continue;
        }
        let is_unfinished = name.to_str().and_then(|name| name.rsplit_once('#')).is_some_and(|(of, number)| {
            let known =
                of.ends_with(".parquet") || of.ends_with(".json") || of.ends_with("_last_checkpoint") || of == BEGUN;
            known && !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
        });
        let is_old = about.modified().is_ok_and(|time| DateTime::<Utc>::from(time) < until);
        if is_unfinished && is_old && std::fs::remove_file(&path).is_ok() {
            cleared.files += 1;
            cleared.bytes += about.len();
        }
    }
}
