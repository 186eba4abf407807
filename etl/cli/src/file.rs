//! Rows as CSV and Parquet.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::csv;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::json::writer::make_encoder;
use connectwise_pipeline::error::{Error, Result};
use parquet::arrow::ArrowWriter;

use super::spreadsheet::Cells;
use crate::error;

/// Bytes of a Parquet file that are held before they are written.
const ROW_GROUP: usize = 64 << 20;

/// What a Parquet writer asks of its target.
pub(crate) trait WriteSend: Write + Send {}
impl<T: Write + Send> WriteSend for T {}

/// Writes some of the rows as CSV, behind a header or not. Nested values are JSON text.
pub(crate) fn csv_batch(
    target: &mut dyn WriteSend,
    batch: &RecordBatch,
    header: bool,
    cells: &mut Cells,
) -> Result<()> {
    let fault = |error| error::csv().with_source(error);
    let mut writer = csv::WriterBuilder::new().with_header(header).build(target);
    writer.write(&flat(batch, cells).map_err(fault)?).map_err(fault)
}

/// Adds rows to a Parquet file. What waits to be written is bounded by its size, as rows may be of any.
pub(crate) fn write_batch<W: WriteSend>(writer: &mut ArrowWriter<W>, batch: &RecordBatch) -> Result<()> {
    writer.write(batch).map_err(parquet_fault)?;
    if writer.in_progress_size() >= ROW_GROUP {
        writer.flush().map_err(parquet_fault)?;
    }
    Ok(())
}

pub(crate) fn parquet_fault(error: parquet::errors::ParquetError) -> Error {
    error::parquet().with_source(error)
}

/// Nested columns as JSON text, which is all that CSV can hold, and texts as `cells` wants them.
fn flat(batch: &RecordBatch, cells: &mut Cells) -> Result<RecordBatch, arrow::error::ArrowError> {
    let mut fields: Vec<Field> = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let name = cells.text(field.name()).into_owned();
        let texts = if field.data_type().is_nested() {
            Some(json(field, column)?)
        } else if cells.is_safe() && is_text(field.data_type()) {
            Some(cast(column, &DataType::Utf8)?.as_string::<i32>().clone())
        } else {
            None
        };
        match texts {
            Some(texts) => {
                let texts = texts.iter().map(|text| text.map(|text| cells.text(text).into_owned()));
                columns.push(Arc::new(texts.collect::<StringArray>()));
                fields.push(Field::new(name, DataType::Utf8, true));
            }
            None => {
                columns.push(column.clone());
                fields.push(field.as_ref().clone().with_name(name));
            }
        }
    }
    RecordBatch::try_new(SchemaRef::new(Schema::new(fields)), columns)
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, value) => is_text(value),
        _ => false,
    }
}

fn json(field: &FieldRef, column: &ArrayRef) -> Result<StringArray, arrow::error::ArrowError> {
    let options = arrow::json::writer::EncoderOptions::default();
    let mut encoder = make_encoder(field, column.as_ref(), &options)?;
    let texts = (0..column.len()).map(|row| {
        column.is_valid(row).then(|| {
            let mut text = Vec::new();
            encoder.encode(row, &mut text);
            String::from_utf8_lossy(&text).into_owned()
        })
    });
    Ok(texts.collect())
}
