//! Where the rows of a change are in the files of a table.

use std::collections::HashMap;
use std::ops::Range;

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use futures::TryStreamExt;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use parquet::errors::{ParquetError, Result as Read};
use parquet::file::metadata::RowGroupMetaData;

use super::changes::{Changes, Deletes};
use connectwise_storage::TableName;

use crate::conform::same_schema;
use crate::data_file::{GROUP_ROWS, key_range};
use crate::error::{self, Error, Result};
use crate::keys::{integers, keys};
use crate::reader::{DataFileReader, outside, position};

/// A row of the change: which batch, and which row of it.
pub(super) type RowRef = (usize, usize);

/// What happens to one row of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edit {
    /// Row group of the file.
    pub(super) group: usize,
    /// Row of the group.
    pub(super) row: usize,
    /// What takes its place, `None` when it leaves.
    pub(super) by: Option<RowRef>,
}

/// What a change wants of the rows of a table: what becomes of each key, and the numbers by which files are ruled out.
pub struct Wanted<'a> {
    /// Integer column that files are ordered by, at least roughly.
    clustered_by: &'a str,
    /// Its values in the change, ascending, each once.
    numbers: Vec<i64>,
    keys: PlannedKeys<'a>,
    /// The upserts with their numbers, ascending.
    pub(super) upserts: Vec<(i64, RowRef)>,
}

/// What becomes of the row with a key: another takes its place, or none does.
enum PlannedKeys<'a> {
    /// The numbers are the keys.
    Numbers(Vec<Option<RowRef>>),
    Texts(&'a str, HashMap<String, Option<RowRef>>),
}

impl<'a> Wanted<'a> {
    /// The rows that have one of some ascending numbers.
    pub fn numbers(clustered_by: &'a str, numbers: &[i64]) -> Self {
        let keys = PlannedKeys::Numbers(vec![None; numbers.len()]);
        Self { clustered_by, numbers: numbers.to_vec(), keys, upserts: Vec::new() }
    }

    /// The rows that a change updates or deletes.
    ///
    /// # Errors
    /// [`Kind::Contract`](connectwise_storage::error::Kind::Contract) when a key is there twice or NULL.
    pub fn of(table: &TableName, changes: &Changes<'a>) -> Result<Self> {
        if changes.key == changes.clustered_by {
            Self::by_number(table, changes)
        } else {
            Self::by_text(table, changes)
        }
    }

    fn by_number(table: &TableName, changes: &Changes<'a>) -> Result<Self> {
        let key = changes.key;
        let mut slots: Vec<(i64, Option<RowRef>)> = Vec::new();
        match &changes.deletes {
            Deletes::Keys(keys) => slots.extend(keys.iter().map(|key| (*key, None))),
            Deletes::Rows(rows) => {
                for batch in rows {
                    slots.extend(integers(batch, key)?.iter().flatten().map(|key| (key, None)));
                }
            }
        }
        for (index, batch) in changes.upserts.iter().enumerate() {
            let keys = keys(table, &batch?, key)?;
            slots.extend(keys.values().iter().enumerate().map(|(row, key)| (*key, Some((index, row)))));
        }
        slots.sort_unstable();
        if let Some([(twice, _), _]) = slots.array_windows().find(|[(one, _), (other, _)]| one == other) {
            return Err(error::repeated_key(table, key, twice));
        }
        let upserts = slots.iter().filter_map(|(key, row)| Some((*key, (*row)?))).collect();
        let (numbers, rows) = slots.into_iter().unzip();
        Ok(Self { clustered_by: key, numbers, keys: PlannedKeys::Numbers(rows), upserts })
    }

    fn by_text(table: &TableName, changes: &Changes<'a>) -> Result<Self> {
        let Changes { key, clustered_by, .. } = *changes;
        let Deletes::Rows(deletes) = &changes.deletes else {
            return Err(Error::internal("rows with a key of text were to be deleted by a number"));
        };
        let mut keys: HashMap<String, Option<RowRef>> = HashMap::new();
        let mut numbers = Vec::new();
        let mut upserts = Vec::new();
        for batch in deletes {
            keys.extend(texts(batch, key)?.iter().flatten().map(|text| (text.to_owned(), None)));
            numbers.extend(integers(batch, clustered_by)?.iter().flatten());
        }
        for (index, batch) in changes.upserts.iter().enumerate() {
            let batch = &batch?;
            let values = integers(batch, clustered_by)?;
            for (row, text) in texts(batch, key)?.iter().enumerate() {
                let Some(text) = text.filter(|_| values.is_valid(row)) else {
                    return Err(error::null_key(table, key));
                };
                if let Some(Some(_)) = keys.insert(text.to_owned(), Some((index, row))) {
                    return Err(error::repeated_key(table, key, format_args!("{text:?}")));
                }
                upserts.push((values.value(row), (index, row)));
            }
        }
        upserts.sort_unstable();
        numbers.extend(upserts.iter().map(|(number, _)| *number));
        numbers.sort_unstable();
        numbers.dedup();
        Ok(Self { clustered_by, numbers, keys: PlannedKeys::Texts(key, keys), upserts })
    }

    /// Which of the numbers a file may hold, by its range.
    pub fn in_file(&self, range: Option<(i64, i64)>) -> Range<usize> {
        keys_in_range(&self.numbers, range)
    }

    /// The numbers in a range that [`Wanted::in_file`] gave.
    fn some(&self, range: &Range<usize>) -> Result<&[i64]> {
        self.numbers.get(range.clone()).ok_or_else(|| Error::internal("a range of keys is longer than the keys"))
    }

    /// The upserts whose key no file holds, by the edits of all files.
    pub(super) fn new_rows(&self, edits: &[(usize, Vec<Edit>)]) -> Vec<(i64, RowRef)> {
        let mut replacing: Vec<RowRef> = edits.iter().flat_map(|(_, edits)| edits).filter_map(|edit| edit.by).collect();
        replacing.sort_unstable();
        self.upserts.iter().filter(|(_, row)| replacing.binary_search(row).is_err()).copied().collect()
    }

    /// What becomes of the rows of a batch that the change wants, by row. `some` are the numbers that the file may hold.
    fn matches(&self, batch: &RecordBatch, some: &Range<usize>) -> Result<Vec<(usize, Option<RowRef>)>> {
        let found = integers(batch, self.clustered_by)?;
        let rows = match &self.keys {
            PlannedKeys::Numbers(rows) => {
                let hits = positions(&found, self.some(some)?).into_iter();
                let lost = || Error::internal("it isn't known what becomes of a key");
                let planned = |(row, which)| Ok((row, *rows.get(some.start + which).ok_or_else(lost)?));
                hits.map(planned).collect::<Result<_>>()?
            }
            PlannedKeys::Texts(key, rows) => {
                let keys = texts(batch, key)?;
                let numbers = self.some(some)?;
                let may_be = |row: &usize| found.is_valid(*row) && numbers.binary_search(&found.value(*row)).is_ok();
                let hits = (0..batch.num_rows()).filter(may_be);
                hits.filter_map(|row| Some((row, *rows.get(keys.value(row))?))).collect()
            }
        };
        Ok(rows)
    }
}

/// Finds the rows of a file that a change wants: only the columns of the key are read, and only of row groups that may hold one of
/// `some` of its numbers. `None` when the file has other columns than the schema.
///
/// # Errors
/// When the store doesn't give the file, or it can't be read.
pub async fn locate(
    mut file: DataFileReader,
    schema: &SchemaRef,
    wanted: &Wanted<'_>,
    some: Range<usize>,
) -> Read<Option<Vec<Edit>>> {
    let metadata = ArrowReaderMetadata::load_async(&mut file, Default::default()).await?;
    if !same_schema(metadata.schema(), schema) {
        return Ok(None);
    }
    let mut columns = vec![wanted.clustered_by];
    columns.extend(match wanted.keys {
        PlannedKeys::Texts(key, _) => Some(key),
        PlannedKeys::Numbers(_) => None,
    });
    let columns: Option<Vec<usize>> = columns.iter().map(|column| position(&metadata, column)).collect();
    let Some(columns) = columns else { return Ok(None) };
    let mut edits = Vec::new();
    let groups = groups_of(&metadata, wanted, &some)?;
    if groups.is_empty() {
        return Ok(Some(edits));
    }
    let mask = ProjectionMask::roots(metadata.parquet_schema(), columns);
    let mut batches = ParquetRecordBatchStreamBuilder::new_with_metadata(file, metadata)
        .with_row_groups(groups.iter().map(|(group, _)| *group).collect())
        .with_projection(mask)
        .with_batch_size(GROUP_ROWS)
        .build()?;
    // Rows are counted over the groups that are read: a batch may hold the end of one and the start of the next.
    let mut groups = groups.into_iter().peekable();
    let mut group_start = 0;
    let mut batch_start = 0;
    while let Some(batch) = batches.try_next().await? {
        let mut hits = wanted.matches(&batch, &some).map_err(outside)?;
        hits.sort_unstable();
        for (row, by) in hits {
            let at = batch_start + row;
            while groups.peek().is_some_and(|(_, rows)| at >= group_start + rows) {
                group_start += groups.next().map_or(0, |(_, rows)| rows);
            }
            let (group, _) =
                groups.peek().ok_or_else(|| outside(Error::internal("a file has more rows than its groups")))?;
            edits.push(Edit { group: *group, row: at - group_start, by });
        }
        batch_start += batch.num_rows();
    }
    Ok(Some(edits))
}

pub(super) fn rows_of(group: &RowGroupMetaData) -> Read<usize> {
    usize::try_from(group.num_rows())
        .map_err(|_| ParquetError::General(format!("a row group says that it has {} rows", group.num_rows())))
}

/// The row groups of a file that may hold one of some of the numbers, with their rows.
fn groups_of(metadata: &ArrowReaderMetadata, wanted: &Wanted<'_>, some: &Range<usize>) -> Read<Vec<(usize, usize)>> {
    let numbers = wanted.some(some).map_err(outside)?;
    let range = |group: &RowGroupMetaData| {
        let mut columns = group.columns().iter();
        key_range(columns.find(|column| column.column_path().parts() == [wanted.clustered_by])?.statistics()?)
    };
    let groups = metadata.metadata().row_groups().iter().enumerate();
    let groups = groups.filter(|(_, group)| !keys_in_range(numbers, range(group)).is_empty());
    groups.map(|(index, group)| Ok((index, rows_of(group)?))).collect()
}

/// (row, which of the keys) of every value that is one of the ascending keys.
fn positions(values: &Int64Array, keys: &[i64]) -> Vec<(usize, usize)> {
    let sorted = Some(values.values()).filter(|all| values.null_count() == 0 && all.is_sorted());
    let Some((values, (first, last))) = sorted.and_then(|all| Some((all, (*all.first()?, *all.last()?)))) else {
        let found = values.iter().enumerate();
        return found.filter_map(|(row, value)| Some((row, keys.binary_search(&value?).ok()?))).collect();
    };
    let within = keys_in_range(keys, Some((first, last)));
    let some = keys.iter().enumerate().take(within.end).skip(within.start);
    some.filter_map(|(which, key)| Some((values.binary_search(key).ok()?, which))).collect()
}

/// Which of the ascending keys may be in a range; all of them where there is no range.
fn keys_in_range(keys: &[i64], range: Option<(i64, i64)>) -> Range<usize> {
    range.map_or(0..keys.len(), |(low, high)| {
        keys.partition_point(|key| *key < low)..keys.partition_point(|key| *key <= high)
    })
}

fn texts(batch: &RecordBatch, key: &str) -> Result<StringArray> {
    let column = batch.column_by_name(key);
    let texts = column.and_then(|column| cast(column, &DataType::Utf8).ok());
    let texts = texts.ok_or_else(|| error::no_text_key(key))?;
    Ok(texts.as_string::<i32>().clone())
}
