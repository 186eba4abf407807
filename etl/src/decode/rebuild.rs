//! From a bronze row back to the JSON it came from.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use connectwise_sdk::catalog::{Entity, Kind};
use serde_json::{Map, Value};

use super::time;
use crate::contract::RESCUED;
use crate::error::{Error, Kind as ErrorKind, Result};

/// The record behind row `row` of a bronze batch.
///
/// Equal to what the API sent, by JSON's own equality of numbers, but for properties that were null: null and absent are
/// one thing to a column.
///
/// # Errors
/// [`Kind::Contract`](ErrorKind::Contract) when the batch isn't one of the entity's bronze table.
pub fn rebuild(entity: &Entity, batch: &RecordBatch, row: usize) -> Result<Value> {
    let fault = |what: &str| Error::new(ErrorKind::Contract, format!("this is no row of bronze {}: {what}", entity.table));
    let mut record = Map::new();
    for column in entity.columns {
        let array = batch.column_by_name(column.name).ok_or_else(|| fault(&format!("{} is missing", column.name)))?;
        if let Some(value) = value(&column.kind, array.as_ref(), row).ok_or_else(|| fault(column.name))? {
            record.insert(column.name.to_owned(), value);
        }
    }
    let mut record = Value::Object(record);
    let rescued = batch.column_by_name(RESCUED).ok_or_else(|| fault("_rescued is missing"))?;
    if let Some(text) = rescued.as_string_opt::<i32>().filter(|rescued| rescued.is_valid(row)).map(|texts| texts.value(row)) {
        let rescued: Map<String, Value> = serde_json::from_str(text).map_err(|error| fault("_rescued").with_source(error))?;
        for (pointer, value) in rescued {
            put(&mut record, &pointer, value).ok_or_else(|| fault(&pointer))?;
        }
    }
    Ok(record)
}

/// `Some(None)` is an absent value, `None` an array of another type.
fn value(kind: &Kind, array: &dyn Array, row: usize) -> Option<Option<Value>> {
    if array.is_null(row) {
        return Some(None);
    }
    Some(Some(match kind {
        Kind::Int32 => array.as_primitive_opt::<Int32Type>()?.value(row).into(),
        Kind::Int64 => array.as_primitive_opt::<Int64Type>()?.value(row).into(),
        Kind::Boolean => array.as_boolean_opt()?.value(row).into(),
        Kind::Double => array.as_primitive_opt::<Float64Type>()?.value(row).into(),
        Kind::Timestamp => time::format(array.as_primitive_opt::<TimestampMicrosecondType>()?.value(row))?.into(),
        Kind::Utf8 => text(array, row)?.into(),
        Kind::Json => serde_json::from_str(text(array, row)?).ok()?,
        Kind::StringMap => {
            let entries = array.as_map_opt()?.value(row);
            let (names, texts) = (entries.column(0), entries.column(1));
            let mut map = Map::new();
            for at in 0..entries.len() {
                map.insert(text(names, at)?.to_owned(), text(texts, at)?.into());
            }
            Value::Object(map)
        }
        Kind::Struct(columns) => {
            let fields = array.as_struct_opt()?;
            let mut object = Map::new();
            for column in *columns {
                if let Some(value) = value(&column.kind, fields.column_by_name(column.name)?.as_ref(), row)? {
                    object.insert(column.name.to_owned(), value);
                }
            }
            Value::Object(object)
        }
        Kind::List(element) => {
            let items = array.as_list_opt::<i32>()?.value(row);
            let values = (0..items.len()).map(|at| Some(value(element, items.as_ref(), at)?.unwrap_or(Value::Null)));
            Value::Array(values.collect::<Option<_>>()?)
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
fn put(record: &mut Value, pointer: &str, value: Value) -> Option<()> {
    let (parent, step) = pointer.rsplit_once('/')?;
    let step = step.replace("~1", "/").replace("~0", "~");
    match record.pointer_mut(parent)? {
        Value::Object(object) => {
            object.insert(step, value);
        }
        Value::Array(items) => *items.get_mut(step.parse::<usize>().ok()?)? = value,
        _ => return None,
    }
    Some(())
}
