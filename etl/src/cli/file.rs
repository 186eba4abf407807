//! Rows as files: CSV and Parquet, there as a whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::csv;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::json::writer::make_encoder;
use parquet::arrow::ArrowWriter;

use crate::error::{Error, Kind, Result};

/// What a Parquet writer asks of its target.
pub(super) trait WriteSend: Write + Send {}
impl<T: Write + Send> WriteSend for T {}

/// Writes rows as CSV with a header. Nested values are JSON text.
pub(super) fn csv(target: &mut dyn WriteSend, rows: impl Iterator<Item = Result<RecordBatch>>) -> Result<()> {
    let fault = |error| Error::new(Kind::Io, "the rows can't be written as CSV").with_source(error);
    let mut writer = csv::Writer::new(target);
    for batch in rows {
        writer.write(&flat(&batch?).map_err(fault)?).map_err(fault)?;
    }
    Ok(())
}

/// Writes rows as a Parquet file, with their types.
pub(super) fn parquet(
    target: &mut dyn WriteSend,
    schema: SchemaRef,
    rows: impl Iterator<Item = Result<RecordBatch>>,
) -> Result<()> {
    let fault = |error| Error::new(Kind::Io, "the Parquet file can't be written").with_source(error);
    let mut writer = ArrowWriter::try_new(target, schema, None).map_err(fault)?;
    for batch in rows {
        writer.write(&batch?).map_err(fault)?;
    }
    writer.close().map_err(fault)?;
    Ok(())
}

/// Nested columns as JSON text, which is all that CSV can hold.
fn flat(batch: &RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError> {
    let (mut fields, mut columns): (Vec<Field>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if !field.data_type().is_nested() {
            fields.push(field.as_ref().clone());
            columns.push(column.clone());
            continue;
        }
        let options = arrow::json::writer::EncoderOptions::default();
        let mut encoder = make_encoder(field, column.as_ref(), &options)?;
        let texts = (0..column.len()).map(|row| {
            column.is_valid(row).then(|| {
                let mut text = Vec::new();
                encoder.encode(row, &mut text);
                String::from_utf8_lossy(&text).into_owned()
            })
        });
        columns.push(Arc::new(texts.collect::<StringArray>()));
        fields.push(Field::new(field.name(), DataType::Utf8, true));
    }
    RecordBatch::try_new(SchemaRef::new(Schema::new(fields)), columns)
}

/// Writes a file under another name first, so that its own name never stands for half a result.
pub(super) fn whole(path: &Path, write: impl FnOnce(&mut dyn WriteSend) -> Result<()>) -> Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let mut file = BufWriter::new(File::create(&part).map_err(|error| disk(path, error))?);
    let written = write(&mut file).and_then(|()| file.flush().map_err(|error| disk(path, error)));
    let placed = written.and_then(|()| std::fs::rename(&part, path).map_err(|error| disk(path, error)));
    if placed.is_err() {
        std::fs::remove_file(&part).ok();
    }
    placed
}

pub(super) fn disk(path: &Path, error: std::io::Error) -> Error {
    Error::new(Kind::Io, format!("{} can't be written", path.display())).with_source(error)
}
