//! Tables of all layers, and their columns.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Field, SchemaRef};
use connectwise_extract::catalog;
use connectwise_extract::closest::advice;
use connectwise_extract::contract;
use connectwise_extract::privacy::Privacy;
use connectwise_lakehouse::{Layer, TableName};
use connectwise_pipeline::error::{Error, Result};
use connectwise_pipeline::gold;
use connectwise_pipeline::ledger;
use connectwise_pipeline::silver::{self, CustomField};
use connectwise_pipeline::tables::known_tables;
use connectwise_sdk::catalog::Entity;
use serde::Serialize;

use crate::error;
use crate::settings::Settings;

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, as `decimal(19,4)`; `None` for a secret, which has no column.
    #[serde(rename = "type")]
    pub data_type: Option<String>,
    /// Whether values may be NULL; `None` for a secret.
    pub nullable: Option<bool>,
    /// What it is, for people; gold only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Treatment by the privacy policy: `keep`, `hash`, `drop` (NULL in every row) or `secret`; silver only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<&'static str>,
    /// Whether it holds personal data; silver only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub personal: Option<bool>,
    /// The custom field that it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_field: Option<Custom>,
}

/// A custom field of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Custom {
    /// Its id.
    pub id: i64,
    /// Its current caption.
    pub caption: String,
}

impl From<&Field> for Column {
    fn from(field: &Field) -> Self {
        let data_type = Some(type_name(field.data_type()));
        let nullable = Some(field.is_nullable());
        let name = field.name().clone();
        Self { name, data_type, nullable, description: None, policy: None, personal: None, custom_field: None }
    }
}

impl Column {
    /// The column of a custom field, with what the privacy policy makes of it.
    fn of_custom(entity: &Entity, custom: CustomField, privacy: &Privacy) -> Self {
        let policy = Some(privacy.of_custom_field(entity, custom.id).name());
        let custom_field = Some(Custom { id: custom.id, caption: custom.caption });
        Self { policy, custom_field, ..Self::from(&custom.field) }
    }
}

/// The columns of a table, by the name of the table or of an entity. Without a layer it is that of the table with this name,
/// else silver. Columns of custom fields come from the table in the lakehouse.
///
/// # Errors
/// [`Kind::Usage`](connectwise_pipeline::error::Kind::Usage) for a name that no table has.
pub async fn columns(settings: &Settings, name: &str, layer: Option<Layer>) -> Result<Vec<Column>> {
    let name = name.trim();
    let layer = match layer {
        Some(layer) => layer,
        None => {
            let known = known_tables()?.into_iter().find(|table| table.name.eq_ignore_ascii_case(name));
            known.map_or(Layer::Silver, |table| table.layer)
        }
    };
    if layer != Layer::Silver {
        let mut described = match layer {
            Layer::Gold => gold::descriptions(&name.to_ascii_lowercase())?,
            _ => BTreeMap::new(),
        };
        let fields = declared(layer, name)?;
        let columns = fields
            .fields()
            .iter()
            .map(|field| Column { description: described.remove(field.name()), ..Column::from(field.as_ref()) });
        return Ok(columns.collect());
    }
    if let Some(entity) = history_of(name) {
        let declared = silver::history::schema(entity, &settings.keyed_privacy()?, &settings.extra)?;
        let custom = custom_fields(settings, &silver::history::table(entity)).await;
        let custom = custom.into_iter().map(|custom| Column::from(&custom.field));
        return Ok(declared.fields().iter().map(|field| Column::from(field.as_ref())).chain(custom).collect());
    }
    let entity = entity_of(name, "silver_cw_")?;
    let custom = custom_fields(settings, &TableName::silver(entity.table)).await;
    let policy = silver::policy(entity, &settings.privacy, &settings.extra);
    let columns = policy.into_iter().map(|column| {
        let known = column.field.as_ref().map(Column::from);
        let none = Column {
            name: column.name,
            data_type: None,
            nullable: None,
            description: None,
            policy: None,
            personal: None,
            custom_field: None,
        };
        Column { policy: Some(column.treatment), personal: Some(column.personal.is_some()), ..known.unwrap_or(none) }
    });
    let custom = custom.into_iter().map(|custom| Column::of_custom(entity, custom, &settings.privacy));
    Ok(columns.chain(custom).collect())
}

/// The entity with this name, or whose table has this name.
fn entity_of(name: &str, prefix: &str) -> Result<&'static Entity> {
    let own = name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    Ok(catalog::entity(if own { &name[prefix.len()..] } else { name })?)
}

/// The columns of custom fields that a table in the lakehouse has; none if there is no table or it can't be read.
pub async fn custom_fields(settings: &Settings, table: &TableName) -> Vec<CustomField> {
    let stored = match settings.lake() {
        Ok(lake) => lake.table(table).await.map_err(Error::from),
        Err(error) => Err(error),
    };
    match stored {
        Ok(table) => table.schema().map_or_else(Vec::new, |schema| silver::custom_fields(&schema)),
        Err(error) => {
            tracing::warn!(table = %table, error = %error.report(), "columns of custom fields aren't shown");
            Vec::new()
        }
    }
}

/// The entity of a history table.
pub fn history_of(name: &str) -> Option<&'static Entity> {
    let mut entities = catalog::entities().iter().filter(|entity| entity.history);
    entities.find(|entity| silver::history::table(entity).name.eq_ignore_ascii_case(name.trim()))
}

/// A table that a layer can have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    /// Its name.
    pub table: String,
    /// Its layer.
    pub layer: String,
    /// The entity that it is made from; `None` for gold and the ledger.
    pub entity: Option<&'static str>,
    /// The columns that the privacy policy treats, as a short text; silver only, else empty.
    pub privacy: String,
}

/// Every table that the layers can have.
///
/// # Errors
/// [`Kind::Contract`](connectwise_pipeline::error::Kind::Contract) when the metadata of gold's models can't be read.
pub fn tables(settings: &Settings, layer: Option<Layer>) -> Result<Vec<Table>> {
    let entity = |name: &str| {
        let made = name.split_once("_cw_").map(|(_, entity)| entity.strip_suffix("_history").unwrap_or(entity));
        catalog::entities().iter().find(|entity| made == Some(entity.table))
    };
    let tables = known_tables()?.into_iter().filter(|table| layer.is_none_or(|layer| table.layer == layer));
    let described = tables.map(|table| {
        let entity = entity(&table.name);
        let privacy = match (table.layer, entity) {
            (Layer::Silver, Some(entity)) => summary(entity, settings),
            _ => String::new(),
        };
        Table { layer: table.layer.to_string(), entity: entity.map(|entity| entity.name), privacy, table: table.name }
    });
    Ok(described.collect())
}

/// The columns of a table that the policy treats, by treatment; empty if it keeps all.
fn summary(entity: &Entity, settings: &Settings) -> String {
    let policy = silver::policy(entity, &settings.privacy, &settings.extra);
    let named = |treatment: &str| {
        let names = policy.iter().filter(|column| column.treatment == treatment);
        names.map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let parts = ["secret", "drop", "hash"].map(|treatment| (treatment, named(treatment)));
    let parts = parts.iter().filter(|(_, names)| !names.is_empty());
    parts.map(|(treatment, names)| format!("{treatment}: {names}")).collect::<Vec<_>>().join("; ")
}

/// A layer by its name; that of the ledger is `etl`.
///
/// # Errors
/// [`Kind::Usage`](connectwise_pipeline::error::Kind::Usage) for a name that no layer has.
pub fn named_layer(name: &str) -> Result<Layer> {
    if name == Layer::Ledger.name() { Ok(Layer::Ledger) } else { Ok(name.parse()?) }
}

fn declared(layer: Layer, name: &str) -> Result<SchemaRef> {
    Ok(match layer {
        Layer::Bronze => contract::bronze(entity_of(name, "bronze_cw_")?),
        Layer::Silver => contract::silver(entity_of(name, "silver_cw_")?),
        Layer::Gold => {
            let wanted = name.to_ascii_lowercase();
            let tables = gold::tables()?;
            gold::schema(&wanted)?.ok_or_else(|| {
                let advice = advice(name, tables, "connectwise-etl schema --layer gold lists all");
                error::unknown_gold_table(name, &advice)
            })?
        }
        Layer::Ledger => ledger::schema(name).ok_or_else(|| {
            let names = ledger::tables().map(|table| table.name).join(", ");
            error::unknown_ledger_table(name, &names)
        })?,
    })
}

/// A type in Spark's notation: `timestamp`, `decimal(19,4)`, `struct<id: int, name: string>`.
pub fn type_name(data_type: &DataType) -> String {
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
