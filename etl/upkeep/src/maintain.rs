//! Maintenance of a table: small files put together, files that nothing needs removed, the log summed up.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use connectwise_datafiles::{TARGET_FILE_BYTES, as_of_today};
use connectwise_lakehouse::{ActiveFile, BEGUN, Commit, Lake, Table, added, retry_on_conflict, writer_properties};
use connectwise_storage::TableName;
use connectwise_storage::objects::{delete, kept_until};
use deltalake::checkpoints;
use deltalake::kernel::{Action, Add};
use deltalake::protocol::DeltaOperation;
use futures::TryStreamExt;
use object_store::ObjectMeta;
use serde::Serialize;
use serde_json::json;

use crate::damage::{damage, hinted};
use crate::error::{self, Result, lake_error};
use crate::leftovers::{Cleared, exchange, prune_exchanges, unfinished};

/// Commits behind the last checkpoint that are worth a new one: each is a file that every reader opens.
const COMMITS: u64 = 20;

/// So many small files side by side are worth a commit.
const SMALL_FILES: usize = 4;

/// How tables are maintained.
#[derive(Debug, Clone)]
pub struct MaintenanceOptions {
    /// Name of the run, for the commits.
    pub run_id: String,
    /// Finds out everything and changes nothing.
    pub dry_run: bool,
    /// How long files stay that the table had and has no more: so far back its older versions can be read.
    pub retention: TimeDelta,
    /// How old files have to be that no commit names: a run that is at work writes such.
    pub orphan_age: TimeDelta,
}

/// What maintenance did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MaintenanceMetrics {
    /// Files of the table.
    pub files: u64,
    /// Small files that were put together.
    pub compacted: u64,
    /// Files that they became.
    pub compacted_into: u64,
    /// Files of older versions that were removed.
    pub expired: u64,
    /// Files that no commit names and that were removed.
    pub orphans: u64,
    /// Bytes of removed files.
    pub removed_bytes: u64,
    /// Staged loads that were given up for their age.
    pub staged: u64,
    /// Version of a new checkpoint.
    pub checkpoint: Option<u64>,
}

/// Keeps a table in order. `key` is the column that its files are ordered by, where they are. `None` when there is no
/// such table.
///
/// # Errors
/// [`Kind::Conflict`](connectwise_lakehouse::error::Kind::Conflict) when runs changed the table again and again meanwhile, [`Kind::Lake`](connectwise_lakehouse::error::Kind::Lake) when the store refuses. No row is
/// lost either way.
pub async fn maintain(
    lake: &Lake,
    name: &TableName,
    key: Option<&str>,
    options: &MaintenanceOptions,
) -> Result<Option<MaintenanceMetrics>> {
    // A commit that can't be read names files too, which would look as if nothing needed them.
    if let Some(found) = damage(lake, name).await? {
        return Err(error::damaged(name, found));
    }
    let table = lake.table(name).await?;
    if !table.exists() && !lake.has_folder(name)? {
        return Ok(None);
    }
    let mut metrics = MaintenanceMetrics::default();
    if !table.exists() {
        // A first load that was cut off leaves files and no table.
        expire_staging(&table, options, &mut metrics).await?;
        vacuum(&table, options, &mut metrics).await?;
        return Ok((metrics != MaintenanceMetrics::default()).then_some(metrics));
    }
    retry_on_conflict(name, async || {
        metrics = MaintenanceMetrics::default();
        compact(&lake.table(name).await?, key, options, &mut metrics).await
    })
    .await?;
    expire_staging(&table, options, &mut metrics).await?;
    let table = vacuum(&table, options, &mut metrics).await?;
    checkpoint(&table, options, &mut metrics).await?;
    Ok(Some(metrics))
}

/// Puts small files together.
async fn compact(
    table: &Table,
    key: Option<&str>,
    options: &MaintenanceOptions,
    metrics: &mut MaintenanceMetrics,
) -> Result<()> {
    let Some(schema) = table.schema() else { return Ok(()) };
    let key = key.unwrap_or("");
    let files: Vec<ActiveFile> = table.active_files(key).collect();
    metrics.files = files.len() as u64;
    let groups = groups(files);
    // Files are copied as they are only where they are all that there is: no partitions, no deletion vectors.
    let plain = table.demands().is_none() && !groups.iter().flatten().any(|file| file.remove.deletion_vector.is_some());
    if !plain {
        return optimize(table, &groups, options, metrics).await;
    }
    metrics.compacted = groups.iter().map(|group| group.len() as u64).sum();
    metrics.compacted_into = groups.len() as u64;
    if groups.is_empty() || options.dry_run {
        return Ok(());
    }
    let mut actions = Vec::new();
    for group in groups {
        let mut writer = table.file_writer(&schema, key).await?;
        for mut active in group {
            let mut rows = table.rows_of(&active.file).await?;
            while let Some(batch) = rows.try_next().await? {
                // A file from before a column came to the table lacks it.
                writer.write(&as_of_today(table.name(), &schema, &batch)?)?;
            }
            active.remove.data_change = false;
            actions.push(Action::Remove(active.remove));
        }
        if let Some(file) = writer.finish().await? {
            actions.push(Action::Add(Add { data_change: false, ..added(file) }));
        }
    }
    let target = TARGET_FILE_BYTES.map_or(0, |bytes| bytes.get().cast_signed());
    let operation = DeltaOperation::Optimize { predicate: None, target_size: target };
    let counts = json!({ "numFilesRemoved": metrics.compacted, "numFilesAdded": metrics.compacted_into });
    table.commit(actions, operation, counts, &Commit::new(&options.run_id)).await.map(drop)
}

/// Tables that others gave partitions or deletion vectors. Only these: of two that put the same files together at once,
/// Delta's own OPTIMIZE lets both, and the rows are there twice.
async fn optimize(
    table: &Table,
    groups: &[Vec<ActiveFile>],
    options: &MaintenanceOptions,
    metrics: &mut MaintenanceMetrics,
) -> Result<()> {
    metrics.compacted = groups.iter().map(|group| group.len() as u64).sum();
    metrics.compacted_into = groups.len() as u64;
    let Some(target) = TARGET_FILE_BYTES.filter(|_| !groups.is_empty() && !options.dry_run) else { return Ok(()) };
    let optimized = table
        .delta()
        .clone()
        .optimize()
        .with_session_state(Arc::new(table.lake().session()?.state()))
        .with_target_size(target)
        .with_writer_properties(writer_properties())
        .with_commit_properties(Commit::new(&options.run_id).movable())
        .await;
    let (_, told) = match optimized {
        Ok(optimized) => optimized,
        Err(error) => return Err(table.failed(error).await),
    };
    metrics.compacted = told.num_files_removed;
    metrics.compacted_into = told.num_files_added;
    Ok(())
}

/// Gives up staged loads that are too old to go on with.
async fn expire_staging(table: &Table, options: &MaintenanceOptions, metrics: &mut MaintenanceMetrics) -> Result<()> {
    for staged in table.staged().await? {
        if staged.is_older_than(options.orphan_age) {
            metrics.staged += 1;
            if !options.dry_run {
                table.unstage(&staged.name).await?;
            }
        }
    }
    Ok(())
}

/// Removes data files that no reader can ask for any more. Gives the table as it was then.
async fn vacuum(table: &Table, options: &MaintenanceOptions, metrics: &mut MaintenanceMetrics) -> Result<Table> {
    let now = Utc::now();
    let store = table.store();
    let fault = |error: object_store::Error| error::unremoved(table.name()).with_source(error);
    // Listed before the log is read: what a commit names meanwhile was written before, and is in the log then.
    let objects: Vec<ObjectMeta> = store.list(None).try_collect().await.map_err(fault)?;
    let table = table.refresh().await?;
    if table.exists() && objects.iter().any(|object| object.location.as_ref() == BEGUN) && !options.dry_run {
        table.clear_begun().await;
    }
    // What was there before something of the table was set aside may be what that is about.
    let kept_until = kept_until(&objects);
    let mut needed: HashSet<String> = table.active_files("").map(|active| active.file.entry.path).collect();
    let mut expired: HashSet<String> = HashSet::new();
    for (path, removed) in table.removed_files().await? {
        let is_old = removed.is_none_or(|removed| now - removed >= options.retention);
        let files = if is_old { &mut expired } else { &mut needed };
        files.insert(path);
    }
    for staged in table.staged().await? {
        let old = staged.is_older_than(options.orphan_age);
        needed.extend(staged.chunks.into_iter().filter(|_| !old).map(|chunk| chunk.file.entry.path));
    }
    if let (Ok(folder), false) = (table.lake().url(table.name())?.to_file_path(), options.dry_run) {
        let mut cleared = Cleared::default();
        unfinished(&folder, now - options.orphan_age, &mut cleared);
        metrics.orphans += cleared.files;
        metrics.removed_bytes += cleared.bytes;
    }
    let is_orphan_age = |object: &ObjectMeta| now - object.last_modified >= options.orphan_age;
    for object in &objects {
        let path = object.location.as_ref();
        let is_exchange = exchange(object).is_some();
        // Folders with these signs are not data, and not all of them are ours.
        let foreign = object.location.parts().any(|part| part.as_ref().starts_with(['_', '.']));
        if !is_exchange && (foreign || !path.ends_with(".parquet") || needed.contains(path)) {
            continue;
        }
        if expired.contains(path) {
            metrics.expired += 1;
        } else if is_orphan_age(object) && (is_exchange || kept_until.is_none_or(|until| object.last_modified > until))
        {
            metrics.orphans += 1;
        } else {
            continue;
        }
        metrics.removed_bytes += object.size;
        if !options.dry_run {
            delete(&store, &object.location).await.map_err(fault)?;
        }
    }
    if let (Ok(folder), false) = (table.lake().url(table.name())?.to_file_path(), options.dry_run) {
        prune_exchanges(&folder, &objects);
    }
    Ok(table)
}

/// Sums up a log of many commits.
async fn checkpoint(table: &Table, options: &MaintenanceOptions, metrics: &mut MaintenanceMetrics) -> Result<()> {
    let Some(version) = table.version() else { return Ok(()) };
    // Where the newest checkpoint isn't known, one too many does no harm.
    let last = hinted(table.store().as_ref()).await.unwrap_or(0);
    if version.saturating_sub(last) < COMMITS {
        return Ok(());
    }
    metrics.checkpoint = Some(version);
    if options.dry_run {
        return Ok(());
    }
    let fault = |error| lake_error(table.name(), "summed up", error);
    checkpoints::create_checkpoint(table.delta(), None).await.map_err(fault)?;
    checkpoints::cleanup_metadata(table.delta(), None).await.map_err(fault)?;
    Ok(())
}

/// Small files that lie side by side in the order of their keys, as many as make one of the right size.
fn groups(mut files: Vec<ActiveFile>) -> Vec<Vec<ActiveFile>> {
    let target = TARGET_FILE_BYTES.map_or(i64::MAX, |bytes| bytes.get().cast_signed());
    files.sort_by_key(|file| (file.file.keys, file.file.entry.modification_time));
    let mut groups = Vec::new();
    let mut group = Vec::new();
    let mut bytes = 0;
    for file in files {
        let size = file.file.entry.size;
        let plain = file.remove.deletion_vector.is_none();
        if !plain || size > target / 2 || bytes + size > target {
            groups.push(std::mem::take(&mut group));
            bytes = 0;
        }
        if plain && size <= target / 2 {
            bytes += size;
            group.push(file);
        }
    }
    groups.push(group);
    groups.retain(|group| group.len() >= SMALL_FILES);
    groups
}
