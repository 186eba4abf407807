//! `connectwise-etl query`.

use std::process::ExitCode;

use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use clap::Args;

use super::output::{Output, table};
use super::settings::Settings;
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
  connectwise-etl query \"select count(*) from silver_cw_ticket\" --json")]
pub(super) struct Query {
    /// One SELECT
    sql: String,
}

impl Query {
    pub(super) async fn execute(self, settings: &Settings, output: &Output) -> Result<ExitCode> {
        let rows = query::select(&settings.lake()?, &self.sql).await?;
        print(&rows, output)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints rows as a table or as a JSON array of objects.
pub(super) fn print(rows: &[RecordBatch], output: &Output) -> Result<()> {
    let fault = |error: arrow::error::ArrowError| Error::new(Kind::Io, "the rows can't be printed").with_source(error);
    if output.is_json() {
        let mut bytes = query::json(rows)?;
        bytes.push(b'\n');
        return output.write(&bytes);
    }
    let Some(first) = rows.first() else { return output.line("no rows") };
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
                .map(|row| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>()),
        );
    }
    output.line(&table(&header, &numbers, cells))
}
