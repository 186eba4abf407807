//! `connectwise-etl extract`.

mod address;
mod columns;
mod csv;
mod records;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use connectwise_pipeline::error::{Error, Kind, Result};
use connectwise_sdk::{Client, ListRequest, PagingMode};
use futures::TryStreamExt;

use self::address::{Address, Asked};
use self::columns::entity_of;
use self::records::Records;
use crate::output::{Output, thousands};
use crate::settings::Settings;
use crate::spreadsheet::Cells;
use crate::target::Target;

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
    format: Format,
    /// In CSV: no text is taken for a formula, and none is longer than a cell of Excel
    #[arg(long)]
    spreadsheet_safe: bool,
    /// File to write, or a device or named pipe [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON object a line, as the API sent it
    Ndjson,
    /// Each value as the API wrote it, nested ones as JSON text
    Csv,
    /// Types of the interface document, or as found in the records
    Parquet,
}

/// What came of a list.
#[derive(Debug, Clone, Copy, Default)]
struct Read {
    records: u64,
    /// Records that weren't UTF-8.
    mended: u64,
    /// Whether the limit ended it.
    limited: bool,
    /// Whether its reader had seen enough.
    gone: bool,
}

impl Extract {
    pub(crate) async fn execute(self, settings: &Settings, output: &Output) -> Result<ExitCode> {
        let address = Address::parse(&self.path)?;
        if self.format == Format::Parquet && self.output.is_none() {
            return Err(Error::usage("Parquet can't go to standard output: give a file with --output"));
        }
        if self.spreadsheet_safe && self.format != Format::Csv {
            return Err(Error::usage("--spreadsheet-safe is about CSV: add --format csv, or leave it out"));
        }
        let client = settings.client()?;
        address.check(&client.base_url())?;
        let flags = Asked {
            conditions: self.conditions,
            child_conditions: self.child_conditions,
            custom_field_conditions: self.custom_field_conditions,
            fields: self.fields,
            order_by: self.order_by,
            ..Asked::default()
        };
        let (path, asked) = (address.path, address.asked.and(flags)?);
        let target = Target::open(self.output.as_deref(), output).await?;
        let name = target.name().to_owned();
        let cells = Cells::new(self.spreadsheet_safe);
        let mut records = Records::new(target, self.format, entity_of(&path), asked.fields.as_deref(), cells)?;
        let list = listing(&client, &path, &asked, settings.source.page_size(), self.limit);
        let read = read(list, &path, self.limit, &mut records).await?;
        let cells = records.finish()?;
        cells.tell(output);
        if read.mended > 0 {
            output.note(&format!(
                "{} records of {path} weren't UTF-8: � stands for bytes that are no text",
                thousands(read.mended)
            ));
        }
        // Who closed the pipe knows.
        if read.gone {
            return Ok(ExitCode::SUCCESS);
        }
        if output.is_json() && self.output.is_some() {
            let shown = output.json(&serde_json::json!({
                "path": path, "records": read.records, "complete": !read.limited, "output": name
            }));
            return Ok(output.done(shown, 0));
        }
        let first = if read.limited { "the first " } else { "" };
        output.note(&format!("{first}{} records of {path} are in {name}", thousands(read.records)));
        Ok(ExitCode::SUCCESS)
    }
}

fn listing(client: &Client, path: &str, asked: &Asked, page_size: u32, limit: Option<u64>) -> ListRequest {
    let size = asked.page_size.unwrap_or(page_size);
    let mut list = client
        .list(path)
        .page_size(limit.and_then(|limit| u32::try_from(limit).ok()).map_or(size, |limit| size.min(limit)));
    if let Some(conditions) = &asked.conditions {
        list = list.conditions(conditions.clone());
    }
    if let Some(conditions) = &asked.child_conditions {
        list = list.child_conditions(conditions.clone());
    }
    if let Some(conditions) = &asked.custom_field_conditions {
        list = list.custom_field_conditions(conditions.clone());
    }
    if let Some(fields) = &asked.fields {
        list = list.fields(fields.clone());
    }
    for (name, value) in &asked.parameters {
        list = list.parameter(name.clone(), value.clone());
    }
    match &asked.order_by {
        // The server's own cursor is always in id order.
        Some(order) => list.mode(PagingMode::PageNumber).order_by(ordered(path, order)),
        None => list,
    }
}

/// An order in which no two rows are equal, so that each has its place on one page.
fn ordered(path: &str, order: &str) -> String {
    let order = order.trim().trim_end_matches(',');
    let name = |term: &str| term.split_whitespace().next().unwrap_or_default().to_owned();
    match entity_of(path) {
        Some(entity) if !order.split(',').any(|term| name(term).eq_ignore_ascii_case(entity.key)) => {
            format!("{order}, {} asc", entity.key)
        }
        _ => order.to_owned(),
    }
}

/// Hands every record on, until there is none left, enough were read, or nobody takes them any more.
async fn read(list: ListRequest, path: &str, limit: Option<u64>, records: &mut Records) -> Result<Read> {
    let fault =
        |error: connectwise_sdk::Error| Error::new(Kind::Source, format!("{path} can't be read")).with_source(error);
    let mut pages = Box::pin(list.pages());
    let mut read = Read::default();
    while let Some(page) = pages.try_next().await.map_err(fault)? {
        let found = page.records().map_err(fault)?;
        let room = limit.map_or(u64::MAX, |limit| limit - read.records);
        let taken = found.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        for record in &found[..taken] {
            if record.is_broken() {
                // What stands in it may be a secret.
                let why = format!(
                    "a record of {path} isn't JSON: leave it out by a condition, or have it repaired on the server"
                );
                return Err(Error::new(Kind::Source, why));
            }
            read.mended += u64::from(record.is_mended());
            records.push(record.get())?;
        }
        read.records += taken as u64;
        read.gone = !records.page()?;
        read.limited = limit == Some(read.records) && !(page.is_last() && taken == found.len());
        if read.gone || read.limited {
            break;
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_has_no_equal_rows() {
        assert_eq!(ordered("/service/tickets", "priority/sort desc"), "priority/sort desc, id asc");
        assert_eq!(ordered("/service/tickets", "summary, ID desc"), "summary, ID desc");
        assert_eq!(ordered("/system/reports", "name,"), "name");
    }
}
