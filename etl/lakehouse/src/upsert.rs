//! Merging changed rows into a table by its key, at a cost that follows the change.
//!
//! Delta's MERGE joins every file whose key range meets that of the change, in memory, and writes all their rows again. Here
//! the change is held against the key columns only, and just the files that hold one of its keys are copied, their untouched
//! row groups as bytes (`patch`). New keys go to the end of the last file while that is small, so that daily runs don't leave
//! a file each. All of it is one commit.

use std::error::Error as StdError;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::prelude::SessionContext;
use deltalake::DeltaTable;
use deltalake::kernel::Action;
use deltalake::kernel::transaction::TableReference;
use deltalake::protocol::DeltaOperation;
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::ObjectStore;
use parquet::errors::ParquetError;
use serde_json::json;

use super::changes::integers;
use super::commit::{AT_ONCE, Live, live, merge_operation};
use super::file::File;
use super::merge::Merge;
use super::part::{GROUP_ROWS, Part, store_part};
use super::patch::{Edit, Place, gather, locate, patch, same_schema, within};
use super::write::{TARGET_FILE_BYTES, version};
use super::{Batches, Commit, Lake, Source, TableName, Written};
use crate::error::{Error, Kind, Result};

impl Lake {
    /// Merges rows into a table by its key: known keys are updated, new ones inserted. Columns that the table lacks are
    /// added. No rows, no commit.
    ///
    /// # Errors
    /// [`Kind::Contract`] when the batches aren't of `schema`, have a key twice or a row without one; [`Kind::Conflict`] when
    /// another run was faster; [`Kind::Lake`] when the merge fails. The table is then as it was.
    pub async fn upsert(
        &self,
        table: &TableName,
        schema: &SchemaRef,
        key: &str,
        rows: impl Into<Batches>,
        session: &SessionContext,
        commit: &Commit,
    ) -> Result<Written> {
        let rows = Arc::new(rows.into());
        let delta = self.load(table).await?;
        if delta.version().is_none() {
            let source = Source::batches(session, rows.iter().collect::<Result<_>>()?)?;
            return self.replace(table, schema, source, session, commit).await;
        }
        if rows.is_empty() {
            return Ok(Written { version: version(&delta), ..Written::default() });
        }
        commit.check(table, delta.version())?;
        self.admits(table, &delta, schema)?;
        let commit = &commit.onto(version(&delta));
        if let Some(written) = self.merge_files(table, schema, key, (&rows, &[]), &delta, commit).await? {
            return Ok(written);
        }
        let rows = rows.iter().collect::<Result<_>>()?;
        let on = format!("target.`{key}` = source.`{key}`");
        self.merge(delta, Merge { table, schema, session, commit, on, rows, deletes: false, widens: true }).await
    }

    /// Brings rows in and takes keys out by copying the files that hold them, in one commit. `None` when the table isn't one
    /// whose files can be copied.
    pub(super) async fn merge_files(
        &self,
        table: &TableName,
        schema: &SchemaRef,
        key: &str,
        (rows, gone): (&Arc<Batches>, &[i64]),
        delta: &DeltaTable,
        commit: &Commit,
    ) -> Result<Option<Written>> {
        if !is_plain(delta, schema, key) || !fits(schema, rows)? {
            return Ok(None);
        }
        let clock = std::time::Instant::now();
        let work = Work { table, schema, key, rows: rows.clone(), store: delta.log_store().object_store(None) };
        let Some(planned) = work.plan(delta, gone).await? else { return Ok(None) };
        let Planned { actions, inserted, updated, deleted, files: before } = planned;
        if actions.is_empty() && rows.is_empty() && commit.marks().is_empty() {
            return Ok(Some(Written { version: version(delta), ..Written::default() }));
        }
        let files = |of: fn(&Action) -> bool| actions.iter().filter(|action| of(action)).count();
        let metrics = json!({
            "numTargetRowsInserted": inserted,
            "numTargetRowsUpdated": updated,
            "numTargetRowsDeleted": deleted,
            "numTargetFilesAdded": files(|action| matches!(action, Action::Add(_))),
            "numTargetFilesBefore": before,
            "executionTimeMs": u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX),
            "numTargetFilesRemoved": files(|action| matches!(action, Action::Remove(_))),
        });
        let operation = match rows.is_empty() {
            true => DeltaOperation::Delete { predicate: None },
            false => merge_operation(key),
        };
        let version = self.commit(table, delta, actions, operation, metrics, commit).await?;
        Ok(Some(Written { inserted, updated, deleted, version, committed: true }))
    }

    /// Replaces rows in files that no commit names yet, by key. `None` when one of the rows is in none of them.
    ///
    /// # Errors
    /// As [`Lake::upsert`].
    pub async fn patch_parts(
        &self,
        table: &TableName,
        schema: &SchemaRef,
        key: &str,
        parts: Vec<Part>,
        rows: Batches,
    ) -> Result<Option<Vec<Part>>> {
        let store = self.load(table).await?.log_store().object_store(None);
        let work = Work { table, schema, key, rows: Arc::new(rows), store };
        let (keys, places) = work.slots(&[])?;
        let files: Vec<&Part> = parts.iter().collect();
        let Some(found) = work.locate(&keys, &places, &files).await? else { return Ok(None) };
        if found.hit.iter().any(|hit| !hit) {
            return Ok(None);
        }
        let mut patched = parts.clone();
        let edits = found.edits.into_iter().map(|(file, edits)| Patch { file, edits, appended: Vec::new() });
        for (file, part) in work.patch(edits.collect(), &files).await? {
            // Only replacements: a file never becomes empty.
            if let (Some(at), Some(part)) = (patched.get_mut(file), part) {
                *at = part;
            }
        }
        Ok(Some(patched))
    }
}

/// Whether rows have the names and types of a schema. What engines say of columns besides may differ.
pub(super) fn fits(schema: &SchemaRef, rows: &Batches) -> Result<bool> {
    for batch in rows.iter() {
        let batch = batch?;
        let found = batch.schema();
        let named = found.fields().iter().zip(schema.fields()).all(|(found, wanted)| found.name() == wanted.name());
        if !named || RecordBatch::try_new(schema.clone(), batch.columns().to_vec()).is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a table's files hold its rows and nothing else has to be kept in step with them.
pub(super) fn is_plain(delta: &DeltaTable, schema: &SchemaRef, key: &str) -> bool {
    let Ok(state) = delta.snapshot() else { return false };
    let stored = state.snapshot().arrow_schema();
    let same = same_schema(&stored, schema);
    let integer =
        schema.field_with_name(key).is_ok_and(|field| matches!(field.data_type(), DataType::Int32 | DataType::Int64));
    let protocol = TableReference::protocol(state);
    let bare = protocol.min_reader_version() == 1 && protocol.min_writer_version() == 2;
    let metadata = state.metadata();
    same && integer && bare && metadata.partition_columns().is_empty() && metadata.configuration().is_empty()
}

/// A merge by copying files.
pub(super) struct Work<'a> {
    pub(super) table: &'a TableName,
    pub(super) schema: &'a SchemaRef,
    /// Integer column that files are looked into by.
    pub(super) key: &'a str,
    pub(super) rows: Arc<Batches>,
    pub(super) store: Arc<dyn ObjectStore>,
}

struct Planned {
    actions: Vec<Action>,
    inserted: u64,
    updated: u64,
    deleted: u64,
    /// Files of the table before.
    files: usize,
}

/// What is to be done to one file.
struct Patch {
    file: usize,
    edits: Vec<Edit>,
    appended: Vec<Place>,
}

struct Found {
    /// Edits of each file that has any.
    edits: Vec<(usize, Vec<Edit>)>,
    /// Which keys are in a file.
    hit: Vec<bool>,
}

impl Work<'_> {
    /// The rising keys of the change, and where their rows are: nowhere for those that go.
    fn slots(&self, gone: &[i64]) -> Result<(Vec<i64>, Vec<Option<Place>>)> {
        let mut slots: Vec<(i64, Option<Place>)> = gone.iter().map(|key| (*key, None)).collect();
        for (index, batch) in self.rows.iter().enumerate() {
            let keys = integers(&batch?, self.key)?;
            if keys.null_count() > 0 {
                return Err(Error::new(Kind::Contract, format!("a row for {} has no {}", self.table, self.key)));
            }
            slots.extend(keys.values().iter().enumerate().map(|(row, key)| (*key, Some((index, row)))));
        }
        slots.sort_unstable();
        if let Some([(twice, _), _]) = slots.array_windows().find(|[(one, _), (other, _)]| one == other) {
            let what = format!("two rows for {} have the {} {twice}", self.table, self.key);
            return Err(Error::new(Kind::Contract, what));
        }
        Ok(slots.into_iter().unzip())
    }

    /// The actions that merge the rows and take out those that go, `None` when a file isn't as this program writes them.
    async fn plan(&self, delta: &DeltaTable, gone: &[i64]) -> Result<Option<Planned>> {
        let (keys, places) = self.slots(gone)?;
        let files: Vec<Live> = live(delta, self.key).collect();
        if files.iter().any(|file| file.remove.deletion_vector.is_some()) {
            return Ok(None);
        }
        let parts: Vec<&Part> = files.iter().map(|file| &file.part).collect();
        let Some(found) = self.locate(&keys, &places, &parts).await? else { return Ok(None) };
        let slots = || keys.iter().zip(&places).zip(&found.hit);
        let fresh: Vec<(i64, Place)> =
            slots().filter(|(_, hit)| !**hit).filter_map(|((key, place), _)| Some((*key, (*place)?))).collect();
        let deleted = slots().filter(|((_, place), hit)| **hit && place.is_none()).count() as u64;
        let inserted = fresh.len() as u64;
        let updated = places.iter().flatten().count() as u64 - inserted;
        let actions = self.actions(&files, found.edits, fresh).await?;
        Ok(Some(Planned { actions, inserted, updated, deleted, files: files.len() }))
    }

    /// The actions that make the edits of each file and bring in the new rows, which are in order of their keys.
    pub(super) async fn actions(
        &self,
        files: &[Live],
        edits: Vec<(usize, Vec<Edit>)>,
        fresh: Vec<(i64, Place)>,
    ) -> Result<Vec<Action>> {
        let parts: Vec<&Part> = files.iter().map(|file| &file.part).collect();
        let (patches, rest) = distribute(edits, fresh, &parts);
        let removed: Vec<usize> = patches.iter().map(|patch| patch.file).collect();
        let mut actions: Vec<Action> = removed
            .iter()
            .filter_map(|file| files.get(*file))
            .map(|file| Action::Remove(file.remove.clone()))
            .collect();
        let patched = self.patch(patches, &parts).await?;
        actions.extend(patched.into_iter().filter_map(|(_, part)| part).map(|part| Action::Add(part.add)));
        actions.extend(self.append(&rest).await?.into_iter().map(|part| Action::Add(part.add)));
        Ok(actions)
    }

    /// Where the keys are, `None` when a file has other columns.
    async fn locate(&self, keys: &[i64], places: &[Option<Place>], files: &[&Part]) -> Result<Option<Found>> {
        let looked = files.iter().enumerate().filter_map(|(file, part)| {
            let wanted = within(keys, part.keys);
            let some = keys.get(wanted.clone()).filter(|some| !some.is_empty())?;
            let looked = self.file(part);
            Some(async move {
                let located = locate(looked, self.schema, self.key, some).await;
                located.map(|located| (file, wanted.start, located))
            })
        });
        let mut looked = stream::iter(looked.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        let mut found = Found { edits: Vec::new(), hit: vec![false; keys.len()] };
        while let Some((file, start, located)) = looked.try_next().await.map_err(|error| self.fault(error))? {
            if !located.alike {
                return Ok(None);
            }
            let mut edits = Vec::with_capacity(located.hits.len());
            for (group, row, which) in located.hits {
                let slot = found.hit.get_mut(start + which).zip(places.get(start + which));
                let (hit, place) = slot.ok_or_else(|| Error::internal("a file has a key that wasn't looked for"))?;
                *hit = true;
                edits.push(Edit { group, row, by: *place });
            }
            if !edits.is_empty() {
                edits.sort_unstable();
                found.edits.push((file, edits));
            }
        }
        Ok(Some(found))
    }

    /// Writes the files anew, each to its own; `None` for one that has no row any more.
    async fn patch(&self, patches: Vec<Patch>, files: &[&Part]) -> Result<Vec<(usize, Option<Part>)>> {
        let work = patches.into_iter().filter_map(|one| {
            let old = self.file(files.get(one.file)?);
            Some(async move {
                let bytes = old.bytes().await.map_err(|error| self.fault(error))?;
                let (schema, rows) = (self.schema.clone(), self.rows.clone());
                let file = one.file;
                let patched =
                    tokio::task::spawn_blocking(move || patch(&bytes, &schema, &one.edits, &one.appended, &rows));
                let patched = patched.await.map_err(|error| self.fault(error))?.map_err(|error| self.fault(error))?;
                let Some((bytes, metadata)) = patched else { return Ok((file, None)) };
                let part = store_part(self.table, &self.store, self.key, bytes, &metadata).await?;
                Ok((file, Some(part)))
            })
        });
        let at_once = std::thread::available_parallelism().map_or(2, usize::from).min(AT_ONCE);
        stream::iter(work.collect::<Vec<_>>()).buffer_unordered(at_once).try_collect().await
    }

    /// Writes new rows, in order of their keys, into files of their own.
    async fn append(&self, places: &[Place]) -> Result<Vec<Part>> {
        let mut writer = super::PartWriter::new(self.table.clone(), self.store.clone(), self.schema.clone(), self.key);
        let mut parts = Vec::new();
        for some in places.chunks(GROUP_ROWS) {
            let needed = self.rows.at(some.iter().map(|(batch, _)| *batch))?;
            let columns = (0..self.schema.fields().len()).map(|column| gather(None, some, &needed, column));
            let columns = columns.collect::<Result<Vec<_>, _>>().map_err(|error| self.fault(error))?;
            let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(|error| self.fault(error))?;
            writer.write(&batch)?;
            if writer.is_full() {
                parts.extend(writer.finish().await?);
            }
        }
        parts.extend(writer.finish().await?);
        Ok(parts)
    }

    pub(super) fn file(&self, part: &Part) -> File {
        File::new(self.store.clone(), &part.add.path, part.add.size)
    }

    pub(super) fn fault(&self, error: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        // A case that can't be comes back as what it is.
        let error: Box<dyn StdError + Send + Sync> = match error.into().downcast().map(|parquet| *parquet) {
            Ok(ParquetError::External(inner)) => match inner.downcast::<Error>() {
                Ok(own) => return *own,
                Err(inner) => ParquetError::External(inner).into(),
            },
            Ok(parquet) => parquet.into(),
            Err(other) => other,
        };
        Error::new(Kind::Lake, format!("{} can't be merged into", self.table)).with_source(error)
    }
}

/// Gives new rows to files: to one that is copied anyway and spans their key, as many as it has, or, behind all keys, to the
/// last file while it is small. The rest gets files of its own.
fn distribute(edits: Vec<(usize, Vec<Edit>)>, fresh: Vec<(i64, Place)>, files: &[&Part]) -> (Vec<Patch>, Vec<Place>) {
    let mut patches: Vec<Patch> =
        edits.into_iter().map(|(file, edits)| Patch { file, edits, appended: Vec::new() }).collect();
    let range = |file: usize| files.get(file).and_then(|part| part.keys);
    let last = (0..files.len()).filter_map(|file| Some((range(file)?.1, file))).max();
    let half = TARGET_FILE_BYTES.map_or(i64::MAX, |limit| limit.get().cast_signed() / 2);
    let tail = last.filter(|(_, file)| files.get(*file).is_some_and(|part| part.add.size < half));
    let mut rest = Vec::new();
    for (key, place) in fresh {
        let spans = |patch: &&mut Patch| {
            let rows = files.get(patch.file).map_or(0, |part| part.rows);
            (patch.appended.len() as u64) < rows
                && range(patch.file).is_some_and(|(low, high)| (low..=high).contains(&key))
        };
        if let Some(patch) = patches.iter_mut().find(spans) {
            patch.appended.push(place);
        } else if let Some((_, file)) = tail.filter(|(highest, _)| key > *highest) {
            match patches.iter_mut().find(|patch| patch.file == file) {
                Some(patch) => patch.appended.push(place),
                None => patches.push(Patch { file, edits: Vec::new(), appended: vec![place] }),
            }
        } else {
            rest.push(place);
        }
    }
    (patches, rest)
}
