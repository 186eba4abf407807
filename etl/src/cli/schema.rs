//! `connectwise-etl schema`.

use std::process::ExitCode;

use arrow::datatypes::{DataType, SchemaRef};
use clap::Args;

use super::output::{Output, table};
use crate::catalog;
use crate::contract;
use crate::error::{Error, Result};
use crate::gold;
use crate::lake::Layer;
use crate::ledger;
use crate::silver;

/// Show the columns of a table
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  connectwise-etl schema TimeEntry --layer bronze
  connectwise-etl schema fact_timeentry --layer gold --json")]
pub(super) struct Schema {
    /// Entity, or the name of a gold table or one of the ledger
    entity: String,
    /// Layer: bronze, silver, gold, or etl for the ledger
    #[arg(long, default_value = "silver")]
    layer: String,
}

impl Schema {
    pub(super) fn execute(self, output: &Output) -> Result<ExitCode> {
        let columns = columns(&self.layer, &self.entity)?;
        if output.is_json() {
            let columns: Vec<_> = columns
                .fields()
                .iter()
                .map(|field| serde_json::json!({ "name": field.name(), "type": type_name(field.data_type()), "nullable": field.is_nullable() }))
                .collect();
            output.json(&columns)?;
        } else {
            let rows = columns.fields().iter().map(|field| {
                let nullable = if field.is_nullable() { "" } else { "not null" };
                vec![field.name().clone(), type_name(field.data_type()), nullable.to_owned()]
            });
            output.line(&table(&["column", "type", ""], &[], rows))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn columns(layer: &str, name: &str) -> Result<SchemaRef> {
    let layer = if layer == Layer::Ledger.name() { Layer::Ledger } else { layer.parse()? };
    Ok(match layer {
        Layer::Bronze => contract::bronze(catalog::entity(name)?),
        Layer::Silver => silver::schema(catalog::entity(name)?),
        Layer::Gold => {
            let wanted = name.trim().to_ascii_lowercase();
            gold::schema(&wanted).ok_or_else(|| {
                Error::usage(format!("there is no gold table {name:?}: the tables are {}", gold::tables().join(", ")))
            })?
        }
        Layer::Ledger => ledger::schema(name.trim()).ok_or_else(|| {
            let names = ledger::tables().map(|table| table.name).join(", ");
            Error::usage(format!("there is no table {name:?} of the ledger: the tables are {names}"))
        })?,
    })
}

/// A type as people write it: `timestamp`, `decimal(19,4)`, `struct<id: int, name: string>`.
fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Int32 => "int".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Utf8 => "string".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::List(element) => format!("array<{}>", type_name(element.data_type())),
        DataType::Map(..) => "map<string, string>".to_owned(),
        DataType::Struct(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|field| format!("{}: {}", field.name(), type_name(field.data_type()))).collect();
            format!("struct<{}>", fields.join(", "))
        }
        other => other.to_string(),
    }
}
