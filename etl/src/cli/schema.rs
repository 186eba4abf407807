//! `connectwise-etl schema`.

use std::process::ExitCode;

use arrow::datatypes::{DataType, SchemaRef};
use clap::Args;

use super::output::{Output, table};
use crate::catalog;
use crate::closest::advice;
use crate::contract;
use crate::error::{Error, Result};
use crate::gold;
use crate::lake::Layer;
use crate::ledger;
use crate::query::known_tables;
use crate::silver;

/// Show the columns of a table, or without a name all tables
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  connectwise-etl schema
  connectwise-etl schema TimeEntry --layer bronze
  connectwise-etl schema fact_timeentry --layer gold --json")]
pub(super) struct Schema {
    /// Entity, or the name of a gold table or one of the ledger; all tables if left out
    entity: Option<String>,
    /// Layer: bronze, silver, gold, or etl for the ledger [default: silver for columns, all for the list]
    #[arg(long)]
    layer: Option<String>,
}

impl Schema {
    pub(super) fn execute(self, output: &Output) -> Result<ExitCode> {
        let layer = self.layer.as_deref().map(named_layer).transpose()?;
        let Some(entity) = self.entity else { return list(layer, output) };
        let columns = columns(layer.unwrap_or(Layer::Silver), &entity)?;
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

/// The layer that a user means: the ledger goes by the name of its folder.
fn named_layer(name: &str) -> Result<Layer> {
    if name == Layer::Ledger.name() { Ok(Layer::Ledger) } else { name.parse() }
}

/// Every table that the layers can have, and the entity it is made from.
fn list(layer: Option<Layer>, output: &Output) -> Result<ExitCode> {
    let tables = known_tables().into_iter().filter(|table| layer.is_none_or(|layer| table.layer == layer));
    let entity = |name: &str| {
        let made = name.split_once("_cw_").map(|(_, entity)| entity);
        catalog::entities().iter().find(|entity| made == Some(entity.table)).map(|entity| entity.name)
    };
    if output.is_json() {
        let tables: Vec<_> = tables
            .map(|table| {
                let entity = entity(&table.name);
                serde_json::json!({ "table": table.name, "layer": table.layer.to_string(), "entity": entity })
            })
            .collect();
        output.json(&tables)?;
    } else {
        let rows = tables.map(|table| {
            let entity = entity(&table.name).unwrap_or_default().to_owned();
            vec![table.name, table.layer.to_string(), entity]
        });
        output.line(&table(&["table", "layer", "entity"], &[], rows))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn columns(layer: Layer, name: &str) -> Result<SchemaRef> {
    Ok(match layer {
        Layer::Bronze => contract::bronze(catalog::entity(name)?),
        Layer::Silver => silver::schema(catalog::entity(name)?),
        Layer::Gold => {
            let wanted = name.trim().to_ascii_lowercase();
            gold::schema(&wanted).ok_or_else(|| {
                let advice = advice(name, gold::tables(), "connectwise-etl schema --layer gold lists all");
                Error::usage(format!("there is no gold table {name:?}: {advice}"))
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
