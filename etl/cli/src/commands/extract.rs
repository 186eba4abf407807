//! `connectwise-etl extract`.

mod csv;
mod records;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use connectwise_pipeline::error::Result;

use self::records::Records;
use crate::error;
use crate::output::{Output, thousands};
use crate::settings::Settings;
use crate::spreadsheet::Cells;
use crate::target::Target;
use crate::tasks::extract::{Address, Asked, List, entity_of};

/// Read one list of the API into a file, without a lakehouse
///
/// The file appears only when the list was read to its end. Without --output the records go to standard output as they
/// arrive, and only the exit code tells whether they are all.
///
/// CSV and Parquet have the columns of the interface document, and in _rescued what has no place there, so that a list always
/// gives the same columns. For lists that `connectwise-etl schema` doesn't know they are those of the records; values of different
/// types in one property become JSON text.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  connectwise-etl extract service/boards
  connectwise-etl extract time/entries --conditions \"timeStart >= [2026-01-01T00:00:00Z]\" --fields id,actualHours,member/name --format csv --output time.csv
  connectwise-etl extract company/companies --format parquet --output companies.parquet
  connectwise-etl extract company/contacts --child-conditions \"communicationItems/value like '*@example.com'\"
  connectwise-etl extract \"service/tickets?conditions=closedFlag%3Dfalse&orderBy=priority/sort\" --limit 20")]
pub(crate) struct Extract {
    /// List, for example time/entries; a URL of the API and a query behind ? are understood, too
    path: String,
    /// Which records, in the API's query language
    #[arg(long)]
    conditions: Option<String>,
    /// Which records, by the elements of an array property
    #[arg(long)]
    child_conditions: Option<String>,
    /// Which records, by their custom fields
    #[arg(long)]
    custom_field_conditions: Option<String>,
    /// Which properties, comma-separated, nested with /
    #[arg(long)]
    fields: Option<String>,
    /// Order, for example "priority/sort desc, id". Pages then go by number: rows that are deleted meanwhile can hide others
    #[arg(long)]
    order_by: Option<String>,
    /// Most records to read
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Form of the result
    #[arg(long, value_enum, default_value = "ndjson")]
    format: ExtractFormat,
    /// In CSV: no text is taken for a formula, and none is longer than a cell of Excel
    #[arg(long)]
    spreadsheet_safe: bool,
    /// File to write, or a device or named pipe [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExtractFormat {
    /// One JSON object a line, as the API sent it
    Ndjson,
    /// Each value as the API wrote it, nested ones as JSON text
    Csv,
    /// Types of the interface document, or as found in the records
    Parquet,
}

impl Extract {
    pub(crate) async fn execute(self, settings: &Settings, output: &Output) -> Result<u8> {
        let address = Address::parse(&self.path)?;
        if self.format == ExtractFormat::Parquet && self.output.is_none() {
            return Err(error::parquet_to_stdout());
        }
        if self.spreadsheet_safe && self.format != ExtractFormat::Csv {
            return Err(error::spreadsheet_without_csv());
        }
        let asked = Asked {
            conditions: self.conditions,
            child_conditions: self.child_conditions,
            custom_field_conditions: self.custom_field_conditions,
            fields: self.fields,
            order_by: self.order_by,
            ..Asked::default()
        };
        let list = List::at(settings.client()?, address, asked, settings.source.page_size(), self.limit)?;
        let target = Target::open(self.output.as_deref(), output).await?;
        let name = target.name().to_owned();
        let path = list.path();
        let cells = Cells::new(self.spreadsheet_safe);
        let mut records = Records::new(target, self.format, entity_of(path), list.fields(), cells)?;
        let read = list.read(&mut records).await?;
        let cells = records.finish()?;
        cells.tell(output);
        let unknown = list.unknown_fields();
        if !unknown.is_empty() {
            output.note(&format!(
                "{path} has no {} in version {} of the interface: `schema` lists what it has, and a server may leave the rest out \
                 without a word",
                unknown.join(", "),
                connectwise_sdk::API_VERSION
            ));
        }
        if read.mended > 0 {
            output.note(&format!(
                "{} records of {path} weren't UTF-8: � stands for bytes that are no text",
                thousands(read.mended)
            ));
        }
        // Who closed the pipe knows.
        if read.gone {
            return Ok(0);
        }
        if output.is_json() && self.output.is_some() {
            let shown = output.json(&serde_json::json!({
                "path": path, "records": read.records, "complete": !read.limited, "output": name
            }));
            return Ok(output.done(shown, 0));
        }
        let first = if read.limited { "the first " } else { "" };
        output.note(&format!("{first}{} records of {path} are in {name}", thousands(read.records)));
        Ok(0)
    }
}
