//! Exchanging rows by a text key: files are copied as a merge copies them, and found by a number that stands beside the key.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use deltalake::DeltaTable;
use futures::stream::{self, StreamExt, TryStreamExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use parquet::errors::{ParquetError, Result as Read};
use serde_json::json;

use super::changes::integers;
use super::commit::{AT_ONCE, Live, live, merge_operation};
use super::file::File;
use super::part::GROUP_ROWS;
use super::patch::{Edit, Place, groups_of, position, same_schema, within};
use super::upsert::{Work, fits, is_plain};
use super::write::version;
use super::{Batches, Commit, Exchange, Lake, TableName, Written};
use crate::error::{Error, Kind, Result};

/// What becomes of the row with a key: another takes its place, or none does.
type Wanted = HashMap<String, Option<Place>>;

impl Lake {
    /// The exchange by copying the files that hold its rows, in one commit. `None` when the table isn't one whose files can
    /// be copied.
    pub(super) async fn copy_files(
        &self,
        table: &TableName,
        schema: &SchemaRef,
        delta: &DeltaTable,
        exchange: &Exchange<'_>,
        commit: &Commit,
    ) -> Result<Option<Written>> {
        let Exchange { key, near, come, go } = exchange;
        let text = schema.field_with_name(key).is_ok_and(|field| *field.data_type() == DataType::Utf8);
        let rows = Batches::from(come.clone());
        if !text || !is_plain(delta, schema, near) || !fits(schema, &rows)? {
            return Ok(None);
        }
        let store = delta.log_store().object_store(None);
        let work = Work { table, schema, key: near, rows: Arc::new(rows), store };
        let (wanted, places) = sought(&work, key, go)?;
        if wanted.is_empty() {
            return Ok(Some(Written { version: version(delta), ..Written::default() }));
        }
        let mut nears: Vec<i64> = places.iter().map(|(near, _)| *near).collect();
        for batch in go {
            nears.extend(integers(batch, near)?.iter().flatten());
        }
        nears.sort_unstable();
        nears.dedup();
        let files: Vec<Live> = live(delta, near).collect();
        if files.iter().any(|file| file.remove.deletion_vector.is_some()) {
            return Ok(None);
        }
        let looked = files.iter().enumerate().filter_map(|(at, file)| {
            let some = nears.get(within(&nears, file.part.keys)).filter(|some| !some.is_empty())?;
            let (looked, wanted) = (work.file(&file.part), &wanted);
            Some(async move { seek(looked, schema, (near, some), key, wanted).await.map(|found| (at, found)) })
        });
        let mut looked = stream::iter(looked.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        let mut edits: Vec<(usize, Vec<Edit>)> = Vec::new();
        let mut replaced: Vec<Place> = Vec::new();
        while let Some((file, found)) = looked.try_next().await.map_err(|error| work.fault(error))? {
            let Some(mut found) = found else { return Ok(None) };
            if !found.is_empty() {
                found.sort_unstable();
                replaced.extend(found.iter().filter_map(|edit| edit.by));
                edits.push((file, found));
            }
        }
        let hits: usize = edits.iter().map(|(_, edits)| edits.len()).sum();
        replaced.sort_unstable();
        let fresh: Vec<(i64, Place)> =
            places.into_iter().filter(|(_, place)| replaced.binary_search(place).is_err()).collect();
        let (inserted, updated) = (fresh.len() as u64, replaced.len() as u64);
        let deleted = hits as u64 - updated;
        if inserted + updated + deleted == 0 {
            return Ok(Some(Written { version: version(delta), ..Written::default() }));
        }
        let actions = work.actions(&files, edits, fresh).await?;
        let metrics = json!({
            "numTargetRowsInserted": inserted,
            "numTargetRowsUpdated": updated,
            "numTargetRowsDeleted": deleted,
            "numTargetFilesBefore": files.len(),
        });
        let version = self.commit(table, delta, actions, merge_operation(key), metrics, commit).await?;
        Ok(Some(Written { inserted, updated, deleted, version, committed: true }))
    }
}

/// What becomes of each key, and the rows that come in order of the number beside their key.
fn sought(work: &Work<'_>, key: &str, go: &[RecordBatch]) -> Result<(Wanted, Vec<(i64, Place)>)> {
    let (mut wanted, mut places) = (Wanted::new(), Vec::new());
    for batch in go {
        wanted.extend(texts(batch, key)?.iter().flatten().map(|text| (text.to_owned(), None)));
    }
    for (index, batch) in work.rows.iter().enumerate() {
        let batch = &batch?;
        let nears = integers(batch, work.key)?;
        for (row, text) in texts(batch, key)?.iter().enumerate() {
            let (Some(text), true) = (text, nears.is_valid(row)) else {
                return Err(Error::new(Kind::Contract, format!("a row for {} has no {key}", work.table)));
            };
            if let Some(Some(_)) = wanted.insert(text.to_owned(), Some((index, row))) {
                let what = format!("two rows for {} have the {key} {text:?}", work.table);
                return Err(Error::new(Kind::Contract, what));
            }
            places.push((nears.value(row), (index, row)));
        }
    }
    places.sort_unstable();
    Ok((wanted, places))
}

fn texts(batch: &RecordBatch, key: &str) -> Result<StringArray> {
    let column = batch.column_by_name(key);
    let texts = column.and_then(|column| cast(column, &DataType::Utf8).ok());
    let texts = texts.ok_or_else(|| Error::new(Kind::Contract, format!("rows have no texts {key}")))?;
    Ok(texts.as_string::<i32>().clone())
}

/// Finds the rows of a file that have one of the keys: only the two columns are read, and only of row groups that may hold
/// one of the numbers. `None` when the file has other columns.
async fn seek(
    mut file: File,
    schema: &SchemaRef,
    (near, nears): (&str, &[i64]),
    key: &str,
    wanted: &Wanted,
) -> Read<Option<Vec<Edit>>> {
    let metadata = ArrowReaderMetadata::load_async(&mut file, Default::default()).await?;
    let (Some(near_at), Some(key_at)) = (position(&metadata, near), position(&metadata, key)) else { return Ok(None) };
    if !same_schema(metadata.schema(), schema) {
        return Ok(None);
    }
    let mut edits = Vec::new();
    let groups = groups_of(&metadata, near, nears)?;
    if groups.is_empty() {
        return Ok(Some(edits));
    }
    let mask = ProjectionMask::roots(metadata.parquet_schema(), [near_at, key_at]);
    let mut batches = ParquetRecordBatchStreamBuilder::new_with_metadata(file, metadata)
        .with_row_groups(groups.iter().map(|(index, _)| *index).collect())
        .with_projection(mask)
        .with_batch_size(GROUP_ROWS)
        .build()?;
    // A batch may hold the end of a group and the start of the next.
    let mut rows = groups.into_iter().flat_map(|(group, rows)| (0..rows).map(move |row| (group, row)));
    while let Some(batch) = batches.try_next().await? {
        let outside = |error: Error| ParquetError::External(Box::new(error));
        let numbers = integers(&batch, near).map_err(outside)?;
        let keys = texts(&batch, key).map_err(outside)?;
        for (at, (group, row)) in (0..batch.num_rows()).zip(rows.by_ref()) {
            if numbers.is_valid(at) && nears.binary_search(&numbers.value(at)).is_ok() {
                let by = wanted.get(keys.value(at));
                edits.extend(by.map(|by| Edit { group, row, by: *by }));
            }
        }
    }
    Ok(Some(edits))
}
