//! What a merge does to the files of a table: which are copied with which edits, and where new rows go.

use std::error::Error as StdError;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use connectwise_storage::TableName;
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::ObjectStore;
use parquet::errors::ParquetError;

use super::locate::{Edit, RowRef, Wanted, locate};
use super::splice::{gather, patch};
use crate::data_file::{DataFile, DataFileWriter, GROUP_ROWS, TARGET_FILE_BYTES, store_file};
use crate::error::{self, Error, Result};
use crate::reader::{AT_ONCE, DataFileReader};
use crate::spill_buffer::SpillBuffer;

/// A merge by copying files.
pub struct Work<'a> {
    table: &'a TableName,
    schema: &'a SchemaRef,
    /// Integer column that files are looked into by.
    clustered_by: &'a str,
    rows: Arc<SpillBuffer>,
    store: Arc<dyn ObjectStore>,
}

/// What a merge did to the files of a table, once a commit says so.
pub struct Plan {
    /// Files that leave, by their places among those that were given.
    pub removed: Vec<usize>,
    /// Files that come.
    pub added: Vec<DataFile>,
    /// Rows that are new.
    pub inserted: u64,
    /// Rows that have another content.
    pub updated: u64,
    /// Rows that leave.
    pub deleted: u64,
}

/// What is to be done to one file.
struct Patch {
    file: usize,
    edits: Vec<Edit>,
    appended: Vec<RowRef>,
}

impl<'a> Work<'a> {
    /// A merge of these rows into files of one schema.
    pub fn new(
        table: &'a TableName,
        store: Arc<dyn ObjectStore>,
        schema: &'a SchemaRef,
        clustered_by: &'a str,
        rows: Arc<SpillBuffer>,
    ) -> Self {
        Self { table, schema, clustered_by, rows, store }
    }

    /// Makes a change in copies of the files that it is about. `None` when one of the files isn't as this program writes them.
    ///
    /// # Errors
    /// [`Kind::Lake`](connectwise_storage::error::Kind::Lake) when a file can't be read or written.
    pub async fn plan(&self, files: &[&DataFile], wanted: &Wanted<'_>) -> Result<Option<Plan>> {
        let Some(edits) = self.locate(files, wanted).await? else { return Ok(None) };
        let new = wanted.new_rows(&edits);
        let inserted = new.len() as u64;
        let updated = wanted.upserts.len() as u64 - inserted;
        let deleted = edits.iter().flat_map(|(_, edits)| edits).filter(|edit| edit.by.is_none()).count() as u64;
        let (patches, rest) = distribute(edits, new, files);
        let removed = patches.iter().map(|patch| patch.file).collect();
        let patched = self.patch(patches, files).await?;
        let mut added: Vec<DataFile> = patched.into_iter().filter_map(|(_, file)| file).collect();
        added.extend(self.append(&rest).await?);
        Ok(Some(Plan { removed, added, inserted, updated, deleted }))
    }

    /// The files with the upserts in place of the rows that they hold. `None` when one of the upserts is in none of them.
    ///
    /// # Errors
    /// As [`Self::plan`].
    pub async fn patch_files(&self, files: Vec<DataFile>, wanted: &Wanted<'_>) -> Result<Option<Vec<DataFile>>> {
        let all: Vec<&DataFile> = files.iter().collect();
        let Some(edits) = self.locate(&all, wanted).await? else { return Ok(None) };
        if !wanted.new_rows(&edits).is_empty() {
            return Ok(None);
        }
        let patches = edits.into_iter().map(|(file, edits)| Patch { file, edits, appended: Vec::new() });
        let patched = self.patch(patches.collect(), &all).await?;
        let mut files = files.clone();
        for (file, by) in patched {
            // Only replacements: a file never becomes empty.
            let (Some(at), Some(by)) = (files.get_mut(file), by) else {
                return Err(Error::internal("a file was emptied by rows that take the places of others"));
            };
            *at = by;
        }
        Ok(Some(files))
    }

    /// The edits of each file that has any, in the order of its rows. `None` when a file has other columns.
    async fn locate(&self, files: &[&DataFile], wanted: &Wanted<'_>) -> Result<Option<Vec<(usize, Vec<Edit>)>>> {
        let looked = files.iter().enumerate().filter_map(|(at, data)| {
            let some = wanted.in_file(data.keys);
            let file = self.file(data);
            let found = async move { locate(file, self.schema, wanted, some).await.map(|found| (at, found)) };
            Some(found).filter(|_| !wanted.in_file(data.keys).is_empty())
        });
        let mut looked = stream::iter(looked.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        let mut edits = Vec::new();
        while let Some((file, found)) = looked.try_next().await.map_err(|error| self.fault(error))? {
            let Some(found) = found else { return Ok(None) };
            if !found.is_empty() {
                edits.push((file, found));
            }
        }
        Ok(Some(edits))
    }

    /// Writes the files anew, each to its own; `None` for one that has no row any more.
    async fn patch(&self, patches: Vec<Patch>, files: &[&DataFile]) -> Result<Vec<(usize, Option<DataFile>)>> {
        let work = patches.into_iter().map(|one| async move {
            let lost = || Error::internal("a file that is to be changed is none of the table");
            let old = self.file(files.get(one.file).ok_or_else(lost)?);
            let bytes = old.bytes().await.map_err(|error| self.fault(error))?;
            let schema = self.schema.clone();
            let rows = self.rows.clone();
            let file = one.file;
            let patched = tokio::task::spawn_blocking(move || patch(&bytes, &schema, &one.edits, &one.appended, &rows));
            let patched = patched.await.map_err(|error| self.fault(error))?.map_err(|error| self.fault(error))?;
            let Some((bytes, metadata)) = patched else { return Ok((file, None)) };
            let stored = store_file(self.table, &self.store, self.clustered_by, bytes, &metadata).await?;
            Ok((file, Some(stored)))
        });
        let at_once = std::thread::available_parallelism().map_or(2, usize::from).min(AT_ONCE);
        stream::iter(work.collect::<Vec<_>>()).buffer_unordered(at_once).try_collect().await
    }

    /// Writes new rows, in order of their keys, into files of their own.
    async fn append(&self, rows: &[RowRef]) -> Result<Vec<DataFile>> {
        let schema = self.schema.clone();
        let store = self.store.clone();
        let writer = DataFileWriter::new(self.table.clone(), store, schema, self.clustered_by);
        let batches = rows.chunks(GROUP_ROWS).map(|some| {
            let needed = self.rows.at(some.iter().map(|(batch, _)| *batch))?;
            let columns = (0..self.schema.fields().len()).map(|column| gather(None, some, &needed, column));
            let columns = columns.collect::<Result<Vec<_>, _>>().map_err(|error| self.fault(error))?;
            RecordBatch::try_new(self.schema.clone(), columns).map_err(|error| self.fault(error))
        });
        writer.write_all(stream::iter(batches)).await
    }

    fn file(&self, data: &DataFile) -> DataFileReader {
        DataFileReader::new(self.store.clone(), &data.entry.path, data.entry.size)
    }

    fn fault(&self, error: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        // A case that can't be comes back as what it is.
        let error: Box<dyn StdError + Send + Sync> = match error.into().downcast().map(|parquet| *parquet) {
            Ok(ParquetError::External(inner)) => match inner.downcast::<Error>() {
                Ok(own) => return *own,
                Err(inner) => ParquetError::External(inner).into(),
            },
            Ok(parquet) => parquet.into(),
            Err(other) => other,
        };
        error::unmerged(self.table).with_source(error)
    }
}

/// Assigns new rows to files: to one that is copied anyway and whose key range holds their key, as many as it has; behind all
/// keys, to the last file while it is less than half full; else to new files.
fn distribute(
    edits: Vec<(usize, Vec<Edit>)>,
    new: Vec<(i64, RowRef)>,
    files: &[&DataFile],
) -> (Vec<Patch>, Vec<RowRef>) {
    let mut patches: Vec<Patch> =
        edits.into_iter().map(|(file, edits)| Patch { file, edits, appended: Vec::new() }).collect();
    let range = |file: usize| files.get(file).and_then(|data| data.keys);
    let last = (0..files.len()).filter_map(|file| Some((range(file)?.1, file))).max();
    let half = TARGET_FILE_BYTES.map_or(i64::MAX, |limit| limit.get().cast_signed() / 2);
    let tail = last.filter(|(_, file)| files.get(*file).is_some_and(|data| data.entry.size < half));
    let mut rest = Vec::new();
    for (key, row) in new {
        let holds = |patch: &&mut Patch| {
            let rows = files.get(patch.file).map_or(0, |data| data.rows);
            (patch.appended.len() as u64) < rows
                && range(patch.file).is_some_and(|(low, high)| (low..=high).contains(&key))
        };
        if let Some(patch) = patches.iter_mut().find(holds) {
            patch.appended.push(row);
        } else if let Some((_, file)) = tail.filter(|(highest, _)| key > *highest) {
            match patches.iter_mut().find(|patch| patch.file == file) {
                Some(patch) => patch.appended.push(row),
                None => patches.push(Patch { file, edits: Vec::new(), appended: vec![row] }),
            }
        } else {
            rest.push(row);
        }
    }
    (patches, rest)
}
