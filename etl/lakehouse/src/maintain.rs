//! Upkeep of a table: small files put together, files that nothing needs removed, the log summed up.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use deltalake::kernel::Action;
use deltalake::protocol::DeltaOperation;
use deltalake::{DeltaTable, checkpoints};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use serde::Serialize;
use serde_json::{Value, json};

use super::begun::BEGUN;
use super::commit::{Live, live};
use super::demands::demands;
use super::leftovers::{Cleared, unfinished};
use super::mend::kept_until;
use super::store::lake_error;
use super::write::{TARGET_FILE_BYTES, writer_properties};
use super::{Commit, Lake, PartWriter, TableName, as_of_today, retry_on_conflict};
use crate::error::{Error, Kind, Result};

/// Commits behind the last checkpoint that are worth a new one: each is a file that every reader opens.
const COMMITS: u64 = 20;

/// So many small files side by side are worth a commit.
const SMALL_FILES: usize = 4;

/// What upkeep is told.
#[derive(Debug, Clone)]
pub struct Upkeep {
    /// Name of the run, for the commits.
    pub run_id: String,
    /// Finds out everything and changes nothing.
    pub dry_run: bool,
    /// How long files stay that the table had and has no more: so far back its older versions can be read.
    pub retention: TimeDelta,
    /// How old files have to be that no commit names: a run that is at work writes such.
    pub orphan_age: TimeDelta,
}

/// What upkeep did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
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

impl Lake {
    /// Keeps a table in order. `key` is the column that its files are ordered by, where they are. `None` when there is no
    /// such table.
    ///
    /// # Errors
    /// [`Kind::Conflict`] when runs changed the table again and again meanwhile, [`Kind::Lake`] when the store refuses. No row is
    /// lost either way.
    pub async fn maintain(&self, table: &TableName, key: Option<&str>, upkeep: &Upkeep) -> Result<Option<Kept>> {
        // A commit that can't be read names files too, which would look as if nothing needed them.
        if let Some(damage) = self.damage(table).await? {
            return Err(Error::new(Kind::Lake, format!("{table} can't be read: {damage}")).about(table));
        }
        if self.state(table).await?.is_none() {
            return self.maintain_nothing(table, upkeep).await;
        }
        let mut kept = retry_on_conflict(table, async || {
            let mut kept = Kept::default();
            self.compact(table, key, upkeep, &mut kept).await.map(|()| kept)
        })
        .await?;
        self.forget_staged(table, upkeep, &mut kept).await?;
        let delta = self.load(table).await?;
        self.sweep(table, &delta, upkeep, &mut kept).await?;
        self.checkpoint(table, &delta, upkeep, &mut kept).await?;
        Ok(Some(kept))
    }

    /// A first load that was cut off leaves files and no table.
    async fn maintain_nothing(&self, table: &TableName, upkeep: &Upkeep) -> Result<Option<Kept>> {
        if self.url(table)?.to_file_path().is_ok_and(|path| matches!(path.try_exists(), Ok(false))) {
            return Ok(None);
        }
        let mut kept = Kept::default();
        self.forget_staged(table, upkeep, &mut kept).await?;
        let delta = self.load(table).await?;
        self.sweep(table, &delta, upkeep, &mut kept).await?;
        Ok((kept != Kept::default()).then_some(kept))
    }

    async fn compact(&self, table: &TableName, key: Option<&str>, upkeep: &Upkeep, kept: &mut Kept) -> Result<()> {
        let delta = self.load(table).await?;
        let files: Vec<Live> = live(&delta, key.unwrap_or_default()).collect();
        kept.files = files.len() as u64;
        let groups = groups(files);
        // Files are copied as they are only where they are all that there is: no partitions, no deletion vectors.
        let plain =
            demands(&delta).is_none() && !groups.iter().flatten().any(|file| file.remove.deletion_vector.is_some());
        if !plain {
            return self.optimize(table, delta, &groups, upkeep, kept).await;
        }
        let commit = Commit::new(&upkeep.run_id).upon(delta.version());
        let schema = delta.snapshot().map_err(|error| lake_error(table, "read", error))?.snapshot().arrow_schema();
        let mut actions = Vec::new();
        for group in groups {
            kept.compacted += group.len() as u64;
            kept.compacted_into += 1;
            if upkeep.dry_run {
                continue;
            }
            let store = delta.log_store().object_store(None);
            let mut writer = PartWriter::new(table.clone(), store, schema.clone(), key.unwrap_or_default());
            for mut file in group {
                let mut rows = self.part_rows(table, &file.part).await?;
                while let Some(batch) = rows.try_next().await? {
                    // A file from before a column came to the table lacks it.
                    writer.write(&as_of_today(table, &schema, &batch)?)?;
                }
                file.remove.data_change = false;
                actions.push(Action::Remove(file.remove));
            }
            if let Some(mut part) = writer.finish().await? {
                part.add.data_change = false;
                actions.push(Action::Add(part.add));
            }
        }
        if actions.is_empty() {
            return Ok(());
        }
        let target = TARGET_FILE_BYTES.map_or(0, |bytes| bytes.get().cast_signed());
        let operation = DeltaOperation::Optimize { predicate: None, target_size: target };
        let metrics = json!({ "numFilesRemoved": kept.compacted, "numFilesAdded": kept.compacted_into });
        self.commit(table, &delta, actions, operation, metrics, &commit).await?;
        Ok(())
    }

    /// Tables that others gave partitions or deletion vectors. Only these: of two that put the same files together at once,
    /// Delta's own OPTIMIZE lets both, and the rows are there twice.
    async fn optimize(
        &self,
        table: &TableName,
        delta: DeltaTable,
        groups: &[Vec<Live>],
        upkeep: &Upkeep,
        kept: &mut Kept,
    ) -> Result<()> {
        (kept.compacted, kept.compacted_into) =
            (groups.iter().map(|group| group.len() as u64).sum(), groups.len() as u64);
        let before = delta.version();
        let Some(target) = TARGET_FILE_BYTES.filter(|_| !groups.is_empty() && !upkeep.dry_run) else { return Ok(()) };
        let optimized = delta
            .optimize()
            .with_session_state(Arc::new(self.session()?.state()))
            .with_target_size(target)
            .with_writer_properties(writer_properties())
            .with_commit_properties(Commit::new(&upkeep.run_id).properties())
            .await;
        let (_, metrics) = match optimized {
            Ok(optimized) => optimized,
            Err(error) => return Err(self.failed(table, &Commit::new(&upkeep.run_id).upon(before), error).await),
        };
        (kept.compacted, kept.compacted_into) = (metrics.num_files_removed, metrics.num_files_added);
        Ok(())
    }

    async fn forget_staged(&self, table: &TableName, upkeep: &Upkeep, kept: &mut Kept) -> Result<()> {
        for staged in self.staged(table).await? {
            let old = staged.head.as_ref().is_none_or(|head| Utc::now() - head.started >= upkeep.orphan_age);
            if old {
                kept.staged += 1;
                if !upkeep.dry_run {
                    self.unstage(table, &staged.name).await?;
                }
            }
        }
        Ok(())
    }

    /// Removes data files that no reader can ask for any more.
    async fn sweep(&self, table: &TableName, delta: &DeltaTable, upkeep: &Upkeep, kept: &mut Kept) -> Result<()> {
        let now = Utc::now();
        let store = delta.log_store().object_store(None);
        let fault = |error: object_store::Error| {
            Error::new(Kind::Lake, format!("the files of {table} can't be swept")).with_source(error)
        };
        // Listed before the log is read: what a commit names meanwhile was written before, and is in the log then.
        let objects: Vec<ObjectMeta> = store.list(None).try_collect().await.map_err(fault)?;
        let delta = self.load(table).await?;
        if delta.version().is_some()
            && objects.iter().any(|object| object.location.as_ref() == BEGUN)
            && !upkeep.dry_run
        {
            self.begun(table, None).await;
        }
        // What was there before something of the table was set aside may be what that is about.
        let kept_until = kept_until(&objects);
        let mut needed: HashSet<String> = live(&delta, "").map(|file| file.part.add.path).collect();
        let mut expired: HashSet<String> = HashSet::new();
        if let Ok(state) = delta.snapshot() {
            let log = delta.log_store();
            let mut tombstones = state.all_tombstones(log.as_ref());
            let unread = |error| lake_error(table, "read", error);
            while let Some(tombstone) = tombstones.try_next().await.map_err(unread)? {
                let gone = tombstone.deletion_timestamp().and_then(DateTime::from_timestamp_millis);
                let old = gone.is_none_or(|gone| now - gone >= upkeep.retention);
                let path = tombstone.path().into_owned();
                if old {
                    expired.insert(path)
                } else {
                    needed.insert(path)
                };
            }
        }
        for staged in self.staged(table).await? {
            let old = staged.head.as_ref().is_none_or(|head| now - head.started >= upkeep.orphan_age);
            needed.extend(staged.chunks.into_iter().filter(|_| !old).map(|chunk| chunk.part.add.path));
        }
        if let (Ok(folder), false) = (self.url(table)?.to_file_path(), upkeep.dry_run) {
            let mut cleared = Cleared::default();
            unfinished(&folder, now - upkeep.orphan_age, &mut cleared);
            kept.orphans += cleared.files;
            kept.removed_bytes += cleared.bytes;
        }
        for object in objects {
            let path = object.location.as_ref();
            // Folders with these signs are not data, and not all of them are ours.
            let foreign = object.location.parts().any(|part| part.as_ref().starts_with(['_', '.']));
            if foreign || !path.ends_with(".parquet") || needed.contains(path) {
                continue;
            }
            if expired.contains(path) {
                kept.expired += 1;
            } else if now - object.last_modified >= upkeep.orphan_age
                && kept_until.is_none_or(|until| object.last_modified > until)
            {
                kept.orphans += 1;
            } else {
                continue;
            }
            kept.removed_bytes += object.size;
            if !upkeep.dry_run {
                match store.delete(&object.location).await {
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(fault(error)),
                }
            }
        }
        Ok(())
    }

    async fn checkpoint(&self, table: &TableName, delta: &DeltaTable, upkeep: &Upkeep, kept: &mut Kept) -> Result<()> {
        let Some(version) = delta.version() else { return Ok(()) };
        let store: Arc<dyn ObjectStore> = delta.log_store().object_store(None);
        let last = match store.get(&Path::from("_delta_log/_last_checkpoint")).await {
            Ok(found) => found.bytes().await.ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok()),
            Err(_) => None,
        };
        let last = last.and_then(|last| last.get("version")?.as_u64()).unwrap_or_default();
        if version.saturating_sub(last) < COMMITS {
            return Ok(());
        }
        kept.checkpoint = Some(version);
        if upkeep.dry_run {
            return Ok(());
        }
        let fault = |error| lake_error(table, "summed up", error);
        checkpoints::create_checkpoint(delta, None).await.map_err(fault)?;
        checkpoints::cleanup_metadata(delta, None).await.map_err(fault)?;
        Ok(())
    }
}

/// Small files that lie side by side in the order of their keys, as many as make one of the right size.
fn groups(mut files: Vec<Live>) -> Vec<Vec<Live>> {
    let target = TARGET_FILE_BYTES.map_or(i64::MAX, |bytes| bytes.get().cast_signed());
    files.sort_by_key(|file| (file.part.keys, file.part.add.modification_time));
    let (mut groups, mut group, mut bytes) = (Vec::new(), Vec::new(), 0);
    for file in files {
        let size = file.part.add.size;
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
