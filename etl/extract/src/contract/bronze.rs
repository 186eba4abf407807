//! Bronze: the record as the API sends it, plus where and when it came from.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use connectwise_sdk::catalog::{Column, Entity, Kind};

/// The id of the row that a record hangs on, where its entity is a list below another one.
pub const PARENT_ID: &str = "_etl_parent_id";
/// What the schema has no place for: JSON text, JSON pointer -> value.
pub const RESCUED: &str = "_rescued";
/// When the row was written, server-independent: the run's start.
pub const TIMESTAMP: &str = "etlTimestamp";
/// Schema name of the record, for example `TimeEntry`.
pub const ENTITY: &str = "etlEntity";
/// The run that wrote the row.
pub const RUN_ID: &str = "_etl_run_id";
/// Hash of the record's text, and of what it hangs on: two answers with the same hash are the same record.
pub const CONTENT_HASH: &str = "_etl_content_hash";

/// The Arrow schema of an entity's bronze table: its columns as in the interface document, then the technical ones;
/// before those, where a record hangs on a row of another entity, the id of that.
///
/// | interface | Arrow |
/// |---|---|
/// | int32, int64, boolean, double | `Int32`, `Int64`, `Boolean`, `Float64` |
/// | date-time | `Timestamp(us, UTC)` |
/// | text, enum, uuid, free-form (as JSON text) | `Utf8` |
/// | `_info` | `Map<Utf8, Utf8>` |
/// | object | `Struct`, array: `List` |
pub fn bronze(entity: &Entity) -> SchemaRef {
    let mut fields: Vec<Field> = entity
        .columns
        .iter()
        .map(|column| Field::new(column.name, data_type(&column.kind), column.name != entity.key))
        .collect();
    if entity.parent().is_some() {
        fields.push(Field::new(PARENT_ID, DataType::Int64, false));
    }
    fields.push(Field::new(RESCUED, DataType::Utf8, true));
    fields.push(Field::new(TIMESTAMP, utc(), false));
    fields.push(Field::new(ENTITY, DataType::Utf8, false));
    fields.push(Field::new(RUN_ID, DataType::Utf8, false));
    fields.push(Field::new(CONTENT_HASH, DataType::Int64, false));
    Arc::new(Schema::new(fields))
}

/// The Arrow type of a wire shape. Inner names are the ones that Delta gives, so that what is read back compares equal.
pub fn data_type(kind: &Kind) -> DataType {
    match kind {
        Kind::Int32 => DataType::Int32,
        Kind::Int64 => DataType::Int64,
        Kind::Boolean => DataType::Boolean,
        Kind::Double => DataType::Float64,
        Kind::Timestamp => utc(),
        Kind::Utf8 | Kind::Json => DataType::Utf8,
        Kind::StringMap => {
            let entry =
                Fields::from(vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Utf8, true)]);
            DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(entry), false)), false)
        }
        Kind::Struct(columns) => DataType::Struct(struct_fields(columns)),
        Kind::List(element) => DataType::List(Arc::new(Field::new("element", data_type(element), true))),
    }
}

fn struct_fields(columns: &[Column]) -> Fields {
    columns.iter().map(|column| Field::new(column.name, data_type(&column.kind), true)).collect()
}

fn utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}
