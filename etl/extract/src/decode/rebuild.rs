//! From a bronze row back to the JSON it came from.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use connectwise_sdk::arrow::instant;
use connectwise_sdk::catalog::{Column, Entity, Kind};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::contract::RESCUED;
use crate::error::{Error, Result};

/// JSON that is being put together. Rescued values stay the text that they are, so that no digit is lost.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Json {
    Null,
    Boolean(bool),
    Integer(i64),
    Double(f64),
    Text(String),
    Raw(Box<RawValue>),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

/// The record behind row `row` of a bronze batch, as JSON text with sorted properties.
///
/// Equal to what the API sent, by JSON's own equality of numbers, but for properties that were null: null and absent are
/// one thing to a column.
///
/// # Errors
/// [`Kind::Contract`](crate::error::Kind::Contract) when the batch isn't one of the entity's bronze table.
pub fn rebuild(entity: &Entity, batch: &RecordBatch, row: usize) -> Result<String> {
    let fault = |what: &str| Error::foreign_row(entity, what);
    let column = |name: &str| batch.column_by_name(name).ok_or_else(|| fault(&format!("{name} is missing")));
    let mut record = BTreeMap::new();
    for Column { name, kind, .. } in entity.columns {
        if let Some(value) = value(kind, column(name)?.as_ref(), row).ok_or_else(|| fault(name))? {
            record.insert((*name).to_owned(), value);
        }
    }
    let mut record = Json::Object(record);
    if let Some(rescued) = value(&Kind::Utf8, column(RESCUED)?.as_ref(), row).ok_or_else(|| fault(RESCUED))? {
        let Json::Text(rescued) = rescued else { return Err(fault(RESCUED)) };
        let rescued: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(&rescued).map_err(|error| fault(RESCUED).with_source(error))?;
        for (pointer, value) in rescued {
            put(&mut record, &pointer, value).ok_or_else(|| fault(&pointer))?;
        }
    }
    serde_json::to_string(&record).map_err(|error| fault("its JSON can't be written").with_source(error))
}

/// `Some(None)` is an absent value, `None` an array of another type.
fn value(kind: &Kind, array: &dyn Array, row: usize) -> Option<Option<Json>> {
    if array.is_null(row) {
        return Some(None);
    }
    Some(Some(match kind {
        Kind::Int32 => Json::Integer(array.as_primitive_opt::<Int32Type>()?.value(row).into()),
        Kind::Int64 => Json::Integer(array.as_primitive_opt::<Int64Type>()?.value(row)),
        Kind::Boolean => Json::Boolean(array.as_boolean_opt()?.value(row)),
        Kind::Double => Json::Double(array.as_primitive_opt::<Float64Type>()?.value(row)),
        Kind::Timestamp => {
            Json::Text(instant::format(array.as_primitive_opt::<TimestampMicrosecondType>()?.value(row))?)
        }
        Kind::Utf8 => Json::Text(text(array, row)?.to_owned()),
        Kind::Json => Json::Raw(RawValue::from_string(text(array, row)?.to_owned()).ok()?),
        Kind::StringMap => {
            let entries = array.as_map_opt()?.value(row);
            let names = entries.column(0);
            let texts = entries.column(1);
            let entry = |at| {
                let value = value(&Kind::Utf8, texts.as_ref(), at)?.unwrap_or(Json::Null);
                Some((text(names, at)?.to_owned(), value))
            };
            Json::Object((0..entries.len()).map(entry).collect::<Option<_>>()?)
        }
        Kind::Struct(columns) => {
            let fields = array.as_struct_opt()?;
            let mut object = BTreeMap::new();
            for column in *columns {
                if let Some(value) = value(&column.kind, fields.column_by_name(column.name)?.as_ref(), row)? {
                    object.insert(column.name.to_owned(), value);
                }
            }
            Json::Object(object)
        }
        Kind::List(element) => {
            let items = array.as_list_opt::<i32>()?.value(row);
            let item = |at| Some(value(element, items.as_ref(), at)?.unwrap_or(Json::Null));
            Json::Array((0..items.len()).map(item).collect::<Option<_>>()?)
        }
    }))
}

fn text(array: &dyn Array, row: usize) -> Option<&str> {
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string_opt::<i32>()?.value(row)),
        DataType::Utf8View => Some(array.as_string_view_opt()?.value(row)),
        _ => None,
    }
}

/// Puts a value at a JSON pointer whose parents exist.
fn put(record: &mut Json, pointer: &str, value: Box<RawValue>) -> Option<()> {
    let mut steps =
        pointer.strip_prefix('/')?.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).peekable();
    let mut place = record;
    while let Some(step) = steps.next() {
        let is_last = steps.peek().is_none();
        place = match place {
            // What was rescued has no place of its own yet; what it lies in has.
            Json::Object(object) => {
                if is_last && !object.contains_key(&step) {
                    object.insert(step.clone(), Json::Null);
                }
                object.get_mut(&step)?
            }
            Json::Array(items) => items.get_mut(step.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    *place = Json::Raw(value);
    Some(())
}
