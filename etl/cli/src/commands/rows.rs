//! Rows as a table, CSV, JSON or Parquet, on standard output or in a file.

use std::io::Write;
use std::path::PathBuf;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use clap::{Args, ValueEnum};
use connectwise_pipeline::error::{Error, Result};
use connectwise_pipeline::query;
use parquet::arrow::ArrowWriter;

use crate::error;
use crate::file;
use crate::output::{Output, table};
use crate::spreadsheet::Cells;
use crate::target::Target;
use crate::terminal::{escaped, one_line};

/// Rows that a table shows at most: nobody reads more, and all of them are held for it.
pub(super) const SHOWN: usize = 10_000;

/// In which form rows are wanted, and where.
#[derive(Debug, Args)]
pub(super) struct FormArgs {
    /// Form of the result [default: table, or json with --json]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// In CSV: no text is taken for a formula, and none is longer than a cell of Excel
    #[arg(long)]
    spreadsheet_safe: bool,
    /// File to write, there as a whole or not at all, or a device or named pipe [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

impl FormArgs {
    /// The form, where that and the place fit.
    pub(super) fn form(&self, output: &Output) -> Result<Format> {
        let format = self.format.unwrap_or(if output.is_json() { Format::Json } else { Format::Table });
        if format == Format::Parquet && self.output.is_none() {
            return Err(error::parquet_to_stdout());
        }
        if self.spreadsheet_safe && format != Format::Csv {
            return Err(error::spreadsheet_without_csv());
        }
        Ok(format)
    }

    /// How the texts of CSV are wanted.
    pub(super) fn cells(&self) -> Cells {
        Cells::new(self.spreadsheet_safe)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Fits the terminal; long texts are cut with …
    Table,
    /// Header and one line a row, nested values as JSON text
    Csv,
    /// An array of objects, absent values left out
    Json,
    /// With the types of the result
    Parquet,
}

/// Rows on their way into a target. No more of them is held than one batch, or a table that somebody can read.
pub(super) struct Sheet {
    form: Form,
    cells: Cells,
    /// Rows so far.
    pub(super) count: u64,
    /// Whether there are more than a table shows.
    pub(super) cut: bool,
}

enum Form {
    /// Columns are as wide as their widest text, so that all rows are needed.
    Table(Target, Vec<RecordBatch>),
    Csv(Target),
    Json(Target),
    Parquet(Box<ArrowWriter<Target>>),
}

impl Sheet {
    pub(super) fn new(mut target: Target, format: Format, schema: &SchemaRef, mut cells: Cells) -> Result<Self> {
        let form = match format {
            Format::Table => Form::Table(target, Vec::new()),
            Format::Csv => {
                // The columns are told without a row, too.
                file::csv_batch(&mut target, &RecordBatch::new_empty(schema.clone()), true, &mut cells)?;
                Form::Csv(target)
            }
            Format::Json => {
                target.write_all(b"[").map_err(fault)?;
                Form::Json(target)
            }
            Format::Parquet => {
                let writer = ArrowWriter::try_new(target, schema.clone(), None).map_err(file::parquet_fault)?;
                Form::Parquet(Box::new(writer))
            }
        };
        Ok(Self { form, cells, count: 0, cut: false })
    }

    /// Takes some rows. False when no more are wanted.
    pub(super) fn push(&mut self, batch: RecordBatch) -> Result<bool> {
        let first = self.count == 0;
        let room = SHOWN.saturating_sub(usize::try_from(self.count).unwrap_or(SHOWN));
        self.cut = matches!(self.form, Form::Table(..)) && batch.num_rows() > room;
        let batch = if self.cut { batch.slice(0, room) } else { batch };
        if batch.num_rows() == 0 {
            return Ok(!self.cut);
        }
        self.count += batch.num_rows() as u64;
        match &mut self.form {
            Form::Table(_, rows) => rows.push(batch),
            Form::Csv(target) => {
                file::csv_batch(target, &batch, false, &mut self.cells)?;
                return Ok(target.is_read());
            }
            Form::Json(target) => {
                let text = query::json(&[batch])?;
                let text = escaped(&String::from_utf8_lossy(&text)).into_owned();
                let objects = text.trim_start_matches('[').trim_end_matches(']');
                let before = if first { "" } else { "," };
                target.write_all(format!("{before}{objects}").as_bytes()).map_err(fault)?;
                return Ok(target.is_read());
            }
            Form::Parquet(writer) => file::write_batch(writer, &batch)?,
        }
        Ok(!self.cut)
    }

    pub(super) fn finish(self) -> Result<Cells> {
        match self.form {
            Form::Table(mut target, rows) => {
                writeln!(target, "{}", text(&rows)?).map_err(fault)?;
                target.finish()?;
            }
            Form::Csv(target) => target.finish()?,
            Form::Json(mut target) => {
                target.write_all(b"]\n").map_err(fault)?;
                target.finish()?;
            }
            Form::Parquet(writer) => writer.into_inner().map_err(file::parquet_fault)?.finish()?,
        }
        Ok(self.cells)
    }
}

pub(super) fn fault(error: std::io::Error) -> Error {
    error::unwritten_rows().with_source(error)
}

fn text(rows: &[RecordBatch]) -> Result<String> {
    let fault = |error: arrow::error::ArrowError| error::unprinted_rows().with_source(error);
    let Some(first) = rows.iter().find(|batch| batch.num_rows() > 0) else { return Ok("no rows".to_owned()) };
    let schema = first.schema();
    let header: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let numbers: Vec<usize> = schema
        .fields()
        .iter()
        .enumerate()
        .filter(|(_, field)| field.data_type().is_numeric())
        .map(|(at, _)| at)
        .collect();
    let options = FormatOptions::default().with_display_error(true);
    let mut cells = Vec::new();
    for batch in rows {
        let columns: Vec<ArrayFormatter<'_>> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref() as &dyn Array, &options))
            .collect::<Result<_, _>>()
            .map_err(fault)?;
        cells.extend(
            (0..batch.num_rows())
                .map(|row| columns.iter().map(|column| one_line(&column.value(row).to_string())).collect::<Vec<_>>()),
        );
    }
    Ok(table(&header, &numbers, cells))
}
