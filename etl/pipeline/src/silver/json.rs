//! Arrays and maps as JSON text, without links and without what a [`ValueGuard`] withholds.

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, SecondsFormat};
use connectwise_sdk::catalog::Kind;
use serde_json::{Map, Number, Value};

use super::guard::ValueGuard;
use crate::error::{Error, Result};

/// One JSON text for each row, null where the value is null.
///
/// # Errors
/// [`Kind::Internal`](crate::error::Kind::Internal) when the values are of another type than the kind's.
pub(crate) fn column(kind: &Kind, values: &ArrayRef, guard: &ValueGuard) -> Result<ArrayRef> {
    let mut texts = StringBuilder::new();
    for row in 0..values.len() {
        if values.is_null(row) {
            texts.append_null();
        } else {
            texts.append_value(value(kind, values, row, guard)?.to_string());
        }
    }
    Ok(std::sync::Arc::new(texts.finish()))
}

fn value(kind: &Kind, values: &ArrayRef, row: usize, guard: &ValueGuard) -> Result<Value> {
    if values.is_null(row) {
        return Ok(Value::Null);
    }
    let misshapen = || Error::misshapen("a nested value of bronze", values.data_type());
    Ok(match kind {
        Kind::Int32 => values.as_primitive_opt::<Int32Type>().ok_or_else(misshapen)?.value(row).into(),
        Kind::Int64 => values.as_primitive_opt::<Int64Type>().ok_or_else(misshapen)?.value(row).into(),
        Kind::Boolean => values.as_boolean_opt().ok_or_else(misshapen)?.value(row).into(),
        Kind::Double => number(values.as_primitive_opt::<Float64Type>().ok_or_else(misshapen)?.value(row)),
        Kind::Timestamp => {
            instant(values.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(misshapen)?.value(row))
        }
        Kind::Utf8 => values.as_string_opt::<i32>().ok_or_else(misshapen)?.value(row).trim().into(),
        Kind::Json => ValueGuard::free(values.as_string_opt::<i32>().ok_or_else(misshapen)?.value(row)),
        Kind::StringMap => {
            let entries = values.as_map_opt().ok_or_else(misshapen)?.value(row);
            let names = entries.column(0).as_string_opt::<i32>().ok_or_else(misshapen)?;
            let texts = entries.column(1).as_string_opt::<i32>().ok_or_else(misshapen)?;
            let mut object = Map::new();
            for (name, text) in names.iter().zip(texts) {
                object.insert(name.ok_or_else(misshapen)?.to_owned(), text.into());
            }
            Value::Object(object)
        }
        Kind::Struct(columns) => {
            let values = values.as_struct_opt().ok_or_else(misshapen)?;
            let mut object = Map::new();
            for column in columns.iter().filter(|column| guard.keeps(column)) {
                // A column that the document has now and bronze hasn't yet.
                let Some(inner) = values.column_by_name(column.name) else { continue };
                let inner = value(&column.kind, inner, row, guard)?;
                if !inner.is_null() {
                    object.insert(column.name.to_owned(), inner);
                }
            }
            Value::Object(guard.object(object))
        }
        Kind::List(element) => {
            let elements = values.as_list_opt::<i32>().ok_or_else(misshapen)?.value(row);
            (0..elements.len()).map(|row| value(element, &elements, row, guard)).collect::<Result<_>>()?
        }
    })
}

fn number(value: f64) -> Value {
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

fn instant(micros: i64) -> Value {
    DateTime::from_timestamp_micros(micros)
        .map_or(Value::Null, |instant| instant.to_rfc3339_opts(SecondsFormat::AutoSi, true).into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int32Array, Int64Array};
    use connectwise_extract::catalog;
    use connectwise_extract::privacy::Privacy;

    use super::*;

    #[test]
    fn values_of_another_type_are_refused_and_not_taken_for_none() {
        let guard = ValueGuard::new(catalog::entity("TimeEntry").unwrap(), &Privacy::default());
        let texts = |values: ArrayRef| column(&Kind::Int32, &values, &guard);
        let found = texts(Arc::new(Int32Array::from(vec![Some(7), None]))).unwrap();
        assert_eq!(found.as_string::<i32>().iter().collect::<Vec<_>>(), [Some("7"), None]);
        let error = texts(Arc::new(Int64Array::from(vec![7]))).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Internal, "{error:?}");
    }
}
