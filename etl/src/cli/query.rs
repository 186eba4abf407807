//! `connectwise-etl query`.

use std::path::PathBuf;
use std::process::ExitCode;

use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use clap::{Args, ValueEnum};

use super::file::{self, WriteSend};
use super::output::{Output, table, thousands};
use super::settings::Settings;
use super::spreadsheet::Cells;
use super::target::Target;
use super::terminal::{escaped, one_line};
use crate::error::{Error, Kind, Result};
use crate::query;

/// Ask the lakehouse a question in SQL
///
/// Tables go by their names in the lakehouse: bronze_cw_timeentry, silver_cw_timeentry, fact_timeentry. Only SELECT is
/// allowed, so that a question can't change the answer.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  connectwise-etl query \"select companyName, sum(actualHours) as hours from fact_timeentry group by companyName\"
  connectwise-etl query \"select count(*) from silver_cw_invoice\" --json
  connectwise-etl query \"select * from dimcompany\" --format csv --output companies.csv")]
pub(super) struct Query {
    /// One SELECT
    sql: String,
    /// Form of the result [default: table, or json with --json]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// In CSV: no text is taken for a formula, and none is longer than a cell of Excel
    #[arg(long)]
    spreadsheet_safe: bool,
    /// File to write, there as a whole or not at all, or a device or named pipe [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Fits the terminal; long texts are cut with …
    Table,
    /// Header and one line a row, nested values as JSON text
    Csv,
    /// An array of objects, absent values left out
    Json,
    /// With the types of the result
    Parquet,
}

impl Format {
    /// What suits the way in which results are asked for.
    fn of(output: &Output) -> Self {
        if output.is_json() { Self::Json } else { Self::Table }
    }
}

impl Query {
    pub(super) async fn execute(self, settings: &Settings, output: &Output) -> Result<ExitCode> {
        let format = self.format.unwrap_or_else(|| Format::of(output));
        if format == Format::Parquet && self.output.is_none() {
            return Err(Error::usage("Parquet can't go to standard output: give a file with --output"));
        }
        if self.spreadsheet_safe && format != Format::Csv {
            return Err(Error::usage("--spreadsheet-safe is about CSV: add --format csv, or leave it out"));
        }
        let lake = settings.lake()?;
        let mut target = Target::open(self.output.as_deref(), output).await?;
        let rows = query::select(&lake, &self.sql).await?;
        let mut cells = Cells::new(self.spreadsheet_safe);
        write(&rows, format, &mut target, &mut cells)?;
        target.finish()?;
        cells.tell(output);
        if let Some(path) = &self.output {
            let count = rows.iter().map(RecordBatch::num_rows).sum::<usize>() as u64;
            output.note(&format!("{} rows are in {}", thousands(count), path.display()));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn write(rows: &[RecordBatch], format: Format, target: &mut dyn WriteSend, cells: &mut Cells) -> Result<()> {
    let fault = |error| Error::new(Kind::Io, "the rows can't be written").with_source(error);
    let batches = rows.iter().cloned().map(Ok);
    match format {
        Format::Table => writeln!(target, "{}", text(rows)?).map_err(fault),
        Format::Json => {
            let text = query::json(rows)?;
            target.write_all(escaped(&String::from_utf8_lossy(&text)).as_bytes()).map_err(fault)?;
            writeln!(target).map_err(fault)
        }
        Format::Csv => file::csv(target, batches, cells),
        Format::Parquet => match rows.first() {
            Some(first) => file::parquet(target, first.schema(), batches),
            None => Ok(()),
        },
    }
}

/// Prints rows as a table or as a JSON array of objects.
pub(super) fn print(rows: &[RecordBatch], output: &Output) -> Result<()> {
    let mut text = Vec::new();
    write(rows, Format::of(output), &mut text, &mut Cells::default())?;
    output.write(&text)
}

fn text(rows: &[RecordBatch]) -> Result<String> {
    let fault = |error: arrow::error::ArrowError| Error::new(Kind::Io, "the rows can't be printed").with_source(error);
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
