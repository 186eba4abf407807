//! Changing rows of a Parquet file by copying it: what doesn't change is copied as bytes.
//!
//! A row group without a changed row is spliced as it is. In one with changed rows only the columns that differ are
//! decoded and encoded; a row that leaves makes all columns of its group differ.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::{cast, concat_batches, interleave};
use arrow::datatypes::{FieldRef, SchemaRef};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder, RowSelection};
use parquet::arrow::arrow_writer::{ArrowRowGroupWriterFactory, compute_leaves};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::writer::SerializedFileWriter;

use super::locate::{Edit, RowRef, rows_of};
use crate::data_file::{GROUP_ROWS, file_properties};
use crate::error::Error;
use crate::reader::outside;
use crate::spill_buffer::SpillBuffer;

/// Batches of the change by their place in it, those that are needed.
pub(super) type Needed = BTreeMap<usize, RecordBatch>;

fn fault(what: &str) -> ParquetError {
    outside(Error::internal(what))
}

/// A copy of a file with edits (in order of their place) made and rows appended, `None` when no row is left. Of the change no
/// more is held than one row group needs.
pub(super) fn patch(
    file: &Bytes,
    schema: &SchemaRef,
    edits: &[Edit],
    appended: &[RowRef],
    change: &SpillBuffer,
) -> Result<Option<(Vec<u8>, ParquetMetaData)>> {
    let metadata = ArrowReaderMetadata::load(file, Default::default())?;
    // Room for nearly all copies at once: a buffer that doubles takes three times its content while it does.
    let room = Vec::with_capacity(file.len() + file.len() / 8);
    let writer = ArrowWriter::try_new(room, schema.clone(), Some(file_properties()))?;
    let (mut writer, factory) = writer.into_serialized_writer()?;
    let splices = metadata.parquet_schema().columns() == writer.schema_descr().columns();
    let old = Old { file, schema, metadata: &metadata };
    let groups = metadata.metadata().row_groups();
    let mut rest = edits;
    let mut written = 0;
    for (index, group) in groups.iter().enumerate() {
        let (edits, others) = rest.split_at(rest.partition_point(|edit| edit.group <= index));
        rest = others;
        let rows = rows_of(group)?;
        let tail = index + 1 == groups.len() && !appended.is_empty() && rows + appended.len() <= GROUP_ROWS;
        let appended = if tail { appended } else { &[] };
        let batches = &needed(change, edits.iter().filter_map(|edit| edit.by).chain(appended.iter().copied()))?;
        if tail || !splices || edits.iter().any(|edit| edit.by.is_none()) {
            let columns = old.rebuilt(index, edits, appended, batches)?;
            written += encode(&mut writer, &factory, schema, &columns)?;
            continue;
        }
        let columns = old.changed(index, rows, edits, batches)?;
        old.splice(index, &columns, &mut writer, &factory)?;
        written += rows;
    }
    let tail = groups.last().is_none_or(|group| group.num_rows() as usize + appended.len() > GROUP_ROWS);
    if tail && !appended.is_empty() {
        for some in appended.chunks(GROUP_ROWS) {
            let batches = needed(change, some.iter().copied())?;
            let columns = (0..schema.fields().len()).map(|column| gather(None, some, &batches, column));
            written += encode(&mut writer, &factory, schema, &columns.collect::<Result<Vec<_>>>()?)?;
        }
    }
    if written == 0 {
        return Ok(None);
    }
    let metadata = writer.finish()?;
    Ok(Some((std::mem::take(writer.inner_mut()), metadata)))
}

/// The batches of a change that rows come from.
fn needed(change: &SpillBuffer, places: impl Iterator<Item = RowRef>) -> Result<Needed> {
    change.at(places.map(|(batch, _)| batch)).map_err(outside)
}

/// The file that is copied.
struct Old<'a> {
    file: &'a Bytes,
    schema: &'a SchemaRef,
    metadata: &'a ArrowReaderMetadata,
}

impl Old<'_> {
    /// Columns of a row group, whole or only some rows of it.
    fn columns(&self, group: usize, columns: &[usize], rows: Option<RowSelection>) -> Result<Vec<ArrayRef>> {
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), columns.iter().copied());
        let mut reader = ParquetRecordBatchReaderBuilder::new_with_metadata(self.file.clone(), self.metadata.clone())
            .with_row_groups(vec![group])
            .with_projection(mask)
            .with_batch_size(rows_of(self.metadata.metadata().row_group(group))?);
        if let Some(rows) = rows {
            reader = reader.with_row_selection(rows);
        }
        let reader = reader.build()?;
        let read = arrow::array::RecordBatchReader::schema(&reader);
        let batches = reader.collect::<Result<Vec<_>, _>>()?;
        let batch = concat_batches(&read, &batches)?;
        // Inner names may differ from those of the schema; the values don't.
        let as_declared = |(read, column): (&ArrayRef, &usize)| {
            let field = self.schema.fields().get(*column).ok_or_else(|| fault("a column is none of the schema"))?;
            let wanted = field.data_type();
            if read.data_type() == wanted { Ok(read.clone()) } else { Ok(cast(read, wanted)?) }
        };
        batch.columns().iter().zip(columns).map(as_declared).collect()
    }

    /// The columns of a group that differ after replacements, the others `None`.
    fn changed(&self, group: usize, rows: usize, edits: &[Edit], batches: &Needed) -> Result<Vec<Option<ArrayRef>>> {
        let count = self.schema.fields().len();
        let mut changed = vec![None; count];
        if edits.is_empty() {
            return Ok(changed);
        }
        let places: Vec<RowRef> = edits.iter().filter_map(|edit| edit.by).collect();
        let all: Vec<usize> = (0..count).collect();
        let ranges = edits.iter().map(|edit| edit.row..edit.row + 1);
        let before = self.columns(group, &all, Some(RowSelection::from_consecutive_ranges(ranges, rows)))?;
        let mut differing = Vec::new();
        for (column, before) in before.iter().enumerate() {
            let after = gather(None, &places, batches, column)?;
            if before.to_data() != after.to_data() {
                differing.push(column);
            }
        }
        let mut by: Vec<Option<RowRef>> = vec![None; rows];
        for edit in edits {
            *by.get_mut(edit.row).ok_or_else(|| fault("a changed row is none of its group"))? = edit.by;
        }
        for (column, old) in differing.iter().zip(self.columns(group, &differing, None)?) {
            // Batch 0 stands for the old rows.
            let places: Vec<RowRef> =
                by.iter().enumerate().map(|(row, by)| by.map_or((0, row), |(batch, row)| (batch + 1, row))).collect();
            let changed = changed.get_mut(*column).ok_or_else(|| fault("a changed column is none of the file"))?;
            *changed = Some(gather(Some(&old), &places, batches, *column)?);
        }
        Ok(changed)
    }

    /// All columns of a group after replacements and removals, with rows at its end.
    fn rebuilt(&self, group: usize, edits: &[Edit], appended: &[RowRef], batches: &Needed) -> Result<Vec<ArrayRef>> {
        let rows = rows_of(self.metadata.metadata().row_group(group))?;
        let mut places = Vec::with_capacity(rows + appended.len());
        let mut edits = edits.iter().peekable();
        for row in 0..rows {
            match edits.next_if(|edit| edit.row == row) {
                None => places.push((0, row)),
                Some(edit) => places.extend(edit.by.map(|(batch, row)| (batch + 1, row))),
            }
        }
        places.extend(appended.iter().map(|(batch, row)| (batch + 1, *row)));
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let old = self.columns(group, &all, None)?;
        old.iter().enumerate().map(|(column, old)| gather(Some(old), &places, batches, column)).collect()
    }

    /// Copies a row group as bytes, but for the columns that are given.
    fn splice(
        &self,
        group: usize,
        columns: &[Option<ArrayRef>],
        writer: &mut SerializedFileWriter<Vec<u8>>,
        factory: &ArrowRowGroupWriterFactory,
    ) -> Result<()> {
        let descriptor = writer.schema_descr();
        let leaf_roots = (0..descriptor.num_columns()).map(|leaf| descriptor.get_column_root_idx(leaf));
        let roots: Vec<usize> = leaf_roots.collect();
        let mut chunks = factory.create_column_writers(writer.flushed_row_groups().len())?;
        for (index, (field, column)) in self.schema.fields().iter().zip(columns).enumerate() {
            if let Some(column) = column {
                let mut own = chunks.iter_mut().zip(&roots).filter(|(_, root)| **root == index).map(|(chunk, _)| chunk);
                leaves(&mut own, field, column)?;
            }
        }
        let old = self.metadata.metadata().row_group(group);
        let mut copy = writer.next_row_group()?;
        for ((chunk, root), column) in chunks.into_iter().zip(&roots).zip(old.columns()) {
            if columns.get(*root).is_some_and(Option::is_some) {
                chunk.close()?.append_to_row_group(&mut copy)?;
                continue;
            }
            let close = ColumnCloseResult {
                bytes_written: column.compressed_size().cast_unsigned(),
                rows_written: old.num_rows().cast_unsigned(),
                metadata: column.clone(),
                bloom_filter: None,
                column_index: None,
                offset_index: None,
            };
            copy.append_column(self.file, close)?;
        }
        copy.close()?;
        Ok(())
    }
}

/// Rows of a column by their places. Where there are old rows they are batch 0, and the change's batches follow.
pub(super) fn gather(old: Option<&ArrayRef>, places: &[RowRef], batches: &Needed, column: usize) -> Result<ArrayRef> {
    // Only what is used, as there may be many batches and few of them in one place.
    let mut used: Vec<usize> = places.iter().map(|(batch, _)| *batch).collect();
    used.sort_unstable();
    used.dedup();
    let lead = usize::from(old.is_some());
    let batch = |batch: &usize| match old {
        Some(old) if *batch == 0 => Ok(old.as_ref()),
        _ => {
            let rows = batch.checked_sub(lead).and_then(|place| batches.get(&place));
            let rows = rows.ok_or_else(|| fault("a batch of changed rows is missing"))?;
            Ok(rows.column(column).as_ref())
        }
    };
    let arrays: Vec<&dyn Array> = used.iter().map(batch).collect::<Result<_>>()?;
    let place = |(batch, row): &RowRef| {
        let which = used.binary_search(batch).map_err(|_| fault("a changed row is of an unknown batch"))?;
        Ok((which, *row))
    };
    let places: Vec<RowRef> = places.iter().map(place).collect::<Result<_>>()?;
    if arrays.is_empty() {
        // All rows left: an empty array of the right type.
        return old.map(|old| old.slice(0, 0)).ok_or_else(|| fault("no rows are to be gathered"));
    }
    Ok(interleave(&arrays, &places)?)
}

/// Writes columns as row groups and gives the number of rows.
fn encode(
    writer: &mut SerializedFileWriter<Vec<u8>>,
    factory: &ArrowRowGroupWriterFactory,
    schema: &SchemaRef,
    columns: &[ArrayRef],
) -> Result<usize> {
    let rows = columns.first().map_or(0, |column| column.len());
    for from in (0..rows).step_by(GROUP_ROWS) {
        let length = GROUP_ROWS.min(rows - from);
        let mut chunks = factory.create_column_writers(writer.flushed_row_groups().len())?;
        let mut next = chunks.iter_mut();
        for (field, column) in schema.fields().iter().zip(columns) {
            leaves(&mut next, field, &column.slice(from, length))?;
        }
        let mut group = writer.next_row_group()?;
        for chunk in chunks {
            chunk.close()?.append_to_row_group(&mut group)?;
        }
        group.close()?;
    }
    Ok(rows)
}

fn leaves<'w>(
    writers: &mut impl Iterator<Item = &'w mut parquet::arrow::arrow_writer::ArrowColumnWriter>,
    field: &FieldRef,
    column: &ArrayRef,
) -> Result<()> {
    for leaf in compute_leaves(field, column)? {
        writers.next().ok_or_else(|| fault("a column has more parts than the file"))?.write(&leaf)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Int32Array;

    use super::*;
    use crate::error::Kind;

    fn numbers(values: &[i32]) -> ArrayRef {
        Arc::new(Int32Array::from(values.to_vec()))
    }

    fn batches(places: &[usize]) -> Needed {
        places.iter().map(|at| (*at, RecordBatch::try_from_iter([("n", numbers(&[10, 20]))]).unwrap())).collect()
    }

    #[test]
    fn rows_are_gathered_from_old_and_new() {
        let old = numbers(&[1, 2, 3]);
        let gathered = gather(Some(&old), &[(0, 2), (2, 1), (0, 0)], &batches(&[0, 1]), 0).unwrap();
        assert_eq!(&gathered, &numbers(&[3, 20, 1]));
        assert_eq!(&gather(None, &[(1, 0)], &batches(&[1]), 0).unwrap(), &numbers(&[10]));
    }

    #[test]
    fn a_missing_batch_is_an_error_and_no_other_rows() {
        let old = numbers(&[1, 2, 3]);
        for places in [&[(0, 0), (2, 0)][..], &[(3, 1), (1, 1)]] {
            let error = gather(Some(&old), places, &batches(&[0]), 0).unwrap_err();
            let ParquetError::External(error) = error else { panic!("{error}") };
            let error = error.downcast_ref::<Error>().unwrap();
            assert_eq!(error.kind(), Kind::Internal);
            assert!(
                error.to_string().starts_with("a batch of changed rows is missing, which is a fault of this"),
                "{error}"
            );
        }
    }
}
