//! `connectwise-etl extract`.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use arrow::json::ReaderBuilder;
use arrow::json::reader::infer_json_schema_from_seekable;
use clap::{Args, ValueEnum};
use connectwise_sdk::Client;
use futures::TryStreamExt;

use super::file::{self, WriteSend, disk, whole};
use super::output::{Output, thousands};
use super::settings::Settings;
use crate::error::{Error, Kind, Result};

/// Read one list of the API into a file, without a lakehouse
///
/// The file appears only when the list was read to its end. Without --output the records go to standard output as they
/// arrive, and only the exit code tells whether they are all.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  connectwise-etl extract /service/boards
  connectwise-etl extract /time/entries --conditions \"timeStart >= [2026-01-01T00:00:00Z]\" --fields id,actualHours,member/name --format csv --output time.csv
  connectwise-etl extract /company/companies --format parquet --output companies.parquet")]
pub(super) struct Extract {
    /// List path below the API root, for example /time/entries
    path: String,
    /// Which records, in the API's query language
    #[arg(long)]
    conditions: Option<String>,
    /// Which properties, comma-separated, nested with /
    #[arg(long)]
    fields: Option<String>,
    /// Form of the result
    #[arg(long, value_enum, default_value = "ndjson")]
    format: Format,
    /// File to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON object a line, as the API sent it
    Ndjson,
    /// Nested values as JSON text
    Csv,
    /// Types as found in the records
    Parquet,
}

impl Extract {
    pub(super) async fn execute(self, settings: &Settings, output: &Output) -> Result<ExitCode> {
        if !self.path.starts_with('/') {
            return Err(Error::usage(format!(
                "{:?} is no list path: it starts with /, for example /time/entries",
                self.path
            )));
        }
        if self.format == Format::Parquet && self.output.is_none() {
            return Err(Error::usage("Parquet can't go to standard output: give a file with --output"));
        }
        let client = settings.client()?;
        let records = match (&self.output, self.format) {
            (None, Format::Ndjson) => self.read(&client, |line| output.write(line)).await?,
            (target, format) => {
                // Columns are known once every record is seen, so the records wait in an unnamed file.
                let mut spool = BufWriter::new(unnamed()?);
                let records = self
                    .read(&client, |line| {
                        spool.write_all(line).map_err(|error| disk(Path::new("a temporary file"), error))
                    })
                    .await?;
                let spool =
                    spool.into_inner().map_err(|error| disk(Path::new("a temporary file"), error.into_error()))?;
                match target {
                    Some(path) => whole(path, |file| convert(spool, format, file))?,
                    None => {
                        let mut text = Vec::new();
                        convert(spool, format, &mut text)?;
                        output.write(&text)?;
                    }
                }
                records
            }
        };
        let target =
            self.output.as_ref().map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
        if output.is_json() && self.output.is_some() {
            output.json(&serde_json::json!({ "path": self.path, "records": records, "output": target }))?;
        } else {
            output.note(&format!("{} records of {} are in {target}", thousands(records), self.path));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Hands every record on as one line of JSON.
    async fn read(&self, client: &Client, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<u64> {
        let mut list = client.list(&self.path);
        if let Some(conditions) = &self.conditions {
            list = list.conditions(conditions.clone());
        }
        if let Some(fields) = &self.fields {
            list = list.fields(fields.clone());
        }
        let fault = |error: connectwise_sdk::Error| {
            Error::new(Kind::Source, format!("{} can't be read", self.path)).with_source(error)
        };
        let mut pages = Box::pin(list.pages());
        let mut records = 0;
        let mut line = Vec::new();
        while let Some(page) = pages.try_next().await.map_err(fault)? {
            for record in page.records().map_err(fault)? {
                line.clear();
                // Line breaks in JSON are white space between values: inside texts they are escaped.
                line.extend(record.get().bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')));
                line.push(b'\n');
                take(&line)?;
                records += 1;
            }
        }
        Ok(records)
    }
}

fn convert(mut records: File, format: Format, target: &mut dyn WriteSend) -> Result<()> {
    let spool = |error: std::io::Error| disk(Path::new("a temporary file"), error);
    records.rewind().map_err(spool)?;
    if format == Format::Ndjson {
        std::io::copy(&mut records, target).map_err(|error| disk(Path::new("the output"), error))?;
        return Ok(());
    }
    let fault = |error: arrow::error::ArrowError| {
        Error::new(Kind::Contract, "the records have no common columns, extract them as ndjson").with_source(error)
    };
    let mut reader = BufReader::new(records);
    let (schema, _) = infer_json_schema_from_seekable(&mut reader, None).map_err(fault)?;
    let schema = Arc::new(without_void(&schema));
    let batches = ReaderBuilder::new(schema.clone()).build(reader).map_err(fault)?;
    let batches = batches.map(|batch| batch.map_err(fault));
    if format == Format::Csv { file::csv(target, batches) } else { file::parquet(target, schema, batches) }
}

/// A property that is never anything but null or empty has no type; text is the one that most readers take.
fn without_void(schema: &Schema) -> Schema {
    fn field(of: &Field) -> Field {
        let data_type = match of.data_type() {
            DataType::Null => DataType::Utf8,
            DataType::Struct(fields) if fields.is_empty() => DataType::Utf8,
            DataType::Struct(fields) => DataType::Struct(fields.iter().map(|inner| field(inner)).collect()),
            DataType::List(element) => DataType::List(Arc::new(field(element))),
            other => other.clone(),
        };
        of.clone().with_data_type(data_type)
    }
    Schema::new(schema.fields().iter().map(|of| field(of)).collect::<Vec<_>>())
}

fn unnamed() -> Result<File> {
    tempfile::tempfile().map_err(|error| disk(Path::new("a temporary file"), error))
}
