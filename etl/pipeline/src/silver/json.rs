//! Arrays and maps as JSON text, without links and without what a [`ValueGuard`] withholds.

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, SecondsFormat};
use connectwise_sdk::catalog::Kind;
use serde_json::{Map, Number, Value};

use super::guard::ValueGuard;

/// One JSON text for each row, null where the value is null.
pub(crate) fn column(kind: &Kind, values: &ArrayRef, guard: &ValueGuard) -> ArrayRef {
    let mut texts = StringBuilder::new();
    for row in 0..values.len() {
        if values.is_null(row) {
            texts.append_null();
        } else {
            texts.append_value(value(kind, values, row, guard).to_string());
        }
    }
    std::sync::Arc::new(texts.finish())
}

fn value(kind: &Kind, values: &ArrayRef, row: usize, guard: &ValueGuard) -> Value {
    if values.is_null(row) {
        return Value::Null;
    }
    let found = match kind {
        Kind::Int32 => values.as_primitive_opt::<Int32Type>().map(|values| values.value(row).into()),
        Kind::Int64 => values.as_primitive_opt::<Int64Type>().map(|values| values.value(row).into()),
        Kind::Boolean => values.as_boolean_opt().map(|values| values.value(row).into()),
        Kind::Double => values.as_primitive_opt::<Float64Type>().map(|values| number(values.value(row))),
        Kind::Timestamp => {
            values.as_primitive_opt::<TimestampMicrosecondType>().map(|values| instant(values.value(row)))
        }
        Kind::Utf8 => values.as_string_opt::<i32>().map(|values| values.value(row).trim().into()),
        Kind::Json => values.as_string_opt::<i32>().map(|values| ValueGuard::free(values.value(row))),
        Kind::StringMap => values.as_map_opt().map(|values| {
            let entries = values.value(row);
            let names = entries.column(0).as_string_opt::<i32>();
            let texts = entries.column(1).as_string_opt::<i32>();
            let mut object = Map::new();
            if let (Some(names), Some(texts)) = (names, texts) {
                for (name, text) in names.iter().zip(texts) {
                    object.insert(name.unwrap_or_default().to_owned(), text.into());
                }
            }
            Value::Object(object)
        }),
        Kind::Struct(columns) => values.as_struct_opt().map(|values| {
            let mut object = Map::new();
            for column in columns.iter().filter(|column| guard.keeps(column)) {
                let inner = values.column_by_name(column.name).map(|inner| value(&column.kind, inner, row, guard));
                if let Some(inner) = inner.filter(|inner| !inner.is_null()) {
                    object.insert(column.name.to_owned(), inner);
                }
            }
            Value::Object(guard.object(object))
        }),
        Kind::List(element) => values.as_list_opt::<i32>().map(|values| {
            let elements = values.value(row);
            (0..elements.len()).map(|row| value(element, &elements, row, guard)).collect()
        }),
    };
    found.unwrap_or_default()
}

fn number(value: f64) -> Value {
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

fn instant(micros: i64) -> Value {
    DateTime::from_timestamp_micros(micros)
        .map_or(Value::Null, |instant| instant.to_rfc3339_opts(SecondsFormat::AutoSi, true).into())
}
