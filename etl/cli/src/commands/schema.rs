//! `connectwise-etl schema`.

use std::process::ExitCode;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, SchemaRef};
use clap::Args;
use connectwise_extract::catalog;
use connectwise_extract::closest::advice;
use connectwise_extract::contract;
use connectwise_lakehouse::{Layer, TableName};
use connectwise_pipeline::error::{Error, Result};
use connectwise_pipeline::gold;
use connectwise_pipeline::ledger;
use connectwise_pipeline::silver::{self, CustomField};
use connectwise_pipeline::tables::known_tables;
use connectwise_sdk::catalog::Entity;

use crate::output::{Output, table};
use crate::settings::Settings;

/// Show the columns of a table, or without a name all tables
///
/// Columns of custom fields are those that the tables of the lakehouse have.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  connectwise-etl schema
  connectwise-etl schema Contact --layer silver     with what the privacy policy makes of each column
  connectwise-etl schema silver_cw_agreement_history
  connectwise-etl schema TimeEntry --layer bronze
  connectwise-etl schema fact_timeentry --layer gold --json")]
pub(crate) struct Schema {
    /// Entity, or the name of a gold table or one of the ledger; all tables if left out
    entity: Option<String>,
    /// Layer: bronze, silver, gold, or etl for the ledger [default: silver for columns, all for the list]
    #[arg(long)]
    layer: Option<String>,
}

impl Schema {
    pub(crate) async fn execute(self, settings: &Settings, output: &Output) -> Result<ExitCode> {
        let layer = self.layer.as_deref().map(named_layer).transpose()?;
        let Some(entity) = self.entity else { return list(layer, settings, output) };
        let layer = layer.unwrap_or(Layer::Silver);
        let of_history = history_of(&entity).filter(|_| layer == Layer::Silver);
        if layer == Layer::Silver && of_history.is_none() {
            let entity = catalog::entity(entity.strip_prefix("silver_cw_").unwrap_or(&entity))?;
            let custom = custom_fields(settings, &TableName::silver(entity.table)).await;
            return silver(entity, custom, settings, output);
        }
        let columns: Vec<FieldRef> = match of_history {
            Some(entity) => {
                let declared = silver::history::schema(entity, &settings.keyed_privacy()?)?;
                let custom = custom_fields(settings, &silver::history::table(entity)).await;
                let custom = custom.into_iter().map(|custom| Arc::new(custom.field));
                declared.fields().iter().cloned().chain(custom).collect()
            }
            None => columns(layer, &entity)?.fields().to_vec(),
        };
        if output.is_json() {
            let columns: Vec<_> = columns.iter().map(|field| json(field)).collect();
            output.json(&columns)?;
        } else {
            let rows = columns.iter().map(|field| text(field));
            output.line(&table(&["column", "type", ""], &[], rows))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The columns that custom fields brought to a table, as it is in the lakehouse; none where there is no table yet.
pub(crate) async fn custom_fields(settings: &Settings, table: &TableName) -> Vec<CustomField> {
    let stored = match settings.lake() {
        Ok(lake) => lake.table(table).await.map_err(Error::from),
        Err(error) => Err(error),
    };
    match stored {
        Ok(table) => table.schema().map(|schema| silver::custom_fields(&schema)).unwrap_or_default(),
        Err(error) => {
            tracing::warn!(table = %table, error = %error.report(), "columns of custom fields aren't shown");
            Vec::new()
        }
    }
}

/// The entity of a history table.
pub(crate) fn history_of(name: &str) -> Option<&'static Entity> {
    let mut entities = catalog::entities().iter().filter(|entity| entity.history);
    entities.find(|entity| silver::history::table(entity).name.eq_ignore_ascii_case(name.trim()))
}

fn json(field: &Field) -> serde_json::Value {
    serde_json::json!({ "name": field.name(), "type": type_name(field.data_type()), "nullable": field.is_nullable() })
}

fn text(field: &Field) -> Vec<String> {
    let nullable = if field.is_nullable() { "" } else { "not null" };
    vec![field.name().clone(), type_name(field.data_type()), nullable.to_owned()]
}

/// Columns of silver, with what the privacy policy makes of each; those that it leaves out have no type.
fn silver(entity: &Entity, custom: Vec<CustomField>, settings: &Settings, output: &Output) -> Result<ExitCode> {
    let policy = silver::policy(entity, &settings.privacy);
    let treatment = |custom: &CustomField| if custom.hashed { "hash" } else { "keep" };
    if output.is_json() {
        let own = custom.iter().map(|custom| {
            let mut shown = json(&custom.field);
            shown["policy"] = treatment(custom).into();
            shown["customField"] = serde_json::json!({ "id": custom.id, "caption": custom.caption });
            shown
        });
        let columns = policy.iter().map(|column| {
            let mut shown = column
                .field
                .as_ref()
                .map_or_else(|| serde_json::json!({ "name": column.name, "type": null, "nullable": null }), json);
            shown["policy"] = column.treatment.into();
            shown["personal"] = column.personal.into();
            shown
        });
        output.json(&columns.chain(own).collect::<Vec<_>>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let own = custom.iter().map(|custom| {
        let mut row = text(&custom.field);
        row.push(format!("{}, custom field {} {:?}", treatment(custom), custom.id, custom.caption));
        row
    });
    let rows = policy.iter().map(|column| {
        let mut row =
            column.field.as_ref().map_or_else(|| vec![column.name.clone(), "-".to_owned(), String::new()], text);
        let personal = if column.personal { "personal: " } else { "" };
        row.push(format!("{personal}{}", column.treatment));
        row
    });
    output.line(&table(&["column", "type", "", "policy"], &[], rows.chain(own)))?;
    Ok(ExitCode::SUCCESS)
}

/// What the policy makes of a table, in a few words, or nothing where every column is kept.
fn summary(entity: &Entity, settings: &Settings) -> String {
    let policy = silver::policy(entity, &settings.privacy);
    let named = |treatment: &str| {
        let names = policy.iter().filter(|column| column.treatment == treatment);
        names.map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let parts = ["secret", "drop", "hash"].map(|treatment| (treatment, named(treatment)));
    let parts = parts.iter().filter(|(_, names)| !names.is_empty());
    parts.map(|(treatment, names)| format!("{treatment}: {names}")).collect::<Vec<_>>().join("; ")
}

/// The layer that a user means: the ledger goes by the name of its folder.
fn named_layer(name: &str) -> Result<Layer> {
    if name == Layer::Ledger.name() { Ok(Layer::Ledger) } else { Ok(name.parse()?) }
}

/// Every table that the layers can have, and the entity it is made from.
fn list(layer: Option<Layer>, settings: &Settings, output: &Output) -> Result<ExitCode> {
    let tables = known_tables().into_iter().filter(|table| layer.is_none_or(|layer| table.layer == layer));
    let entity = |name: &str| {
        let made = name.split_once("_cw_").map(|(_, entity)| entity.strip_suffix("_history").unwrap_or(entity));
        catalog::entities().iter().find(|entity| made == Some(entity.table))
    };
    let privacy = |table: &TableName| match (table.layer, entity(&table.name)) {
        (Layer::Silver, Some(entity)) => summary(entity, settings),
        _ => String::new(),
    };
    if output.is_json() {
        let tables: Vec<_> = tables
            .map(|table| {
                let entity = entity(&table.name).map(|entity| entity.name);
                serde_json::json!({
                    "table": table.name, "layer": table.layer.to_string(), "entity": entity, "privacy": privacy(&table)
                })
            })
            .collect();
        output.json(&tables)?;
    } else {
        let rows = tables.map(|table| {
            let name = entity(&table.name).map_or("", |entity| entity.name).to_owned();
            let mut row = vec![table.name.clone(), table.layer.to_string(), name];
            if layer == Some(Layer::Silver) {
                row.push(privacy(&table));
            }
            row
        });
        let headers: &[&str] = match layer {
            Some(Layer::Silver) => &["table", "layer", "entity", "privacy policy"],
            _ => &["table", "layer", "entity"],
        };
        output.line(&table(headers, &[], rows))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn columns(layer: Layer, name: &str) -> Result<SchemaRef> {
    Ok(match layer {
        Layer::Bronze => contract::bronze(catalog::entity(name)?),
        Layer::Silver => contract::silver(catalog::entity(name)?),
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
