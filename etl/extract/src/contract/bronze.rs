//! Bronze: the record as the API sends it, plus where and when it came from.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use connectwise_sdk::arrow::data_type;
use connectwise_sdk::catalog::{Entity, Kind};

/// The id of the row that a record hangs on, where its entity is a list below another one.
pub const PARENT_ID: &str = "_etl_parent_id";
/// What the schema has no place for: JSON text, JSON pointer -> value.
pub const RESCUED: &str = connectwise_sdk::arrow::RESCUED;
/// When the row was written, server-independent: the run's start.
pub const TIMESTAMP: &str = "etlTimestamp";
/// Schema name of the record, for example `TimeEntry`.
pub const ENTITY: &str = "etlEntity";
/// The run that wrote the row.
pub const RUN_ID: &str = "_etl_run_id";
/// Hash of the record's text, and of what it hangs on: two answers with the same hash are the same record.
pub const CONTENT_HASH: &str = "_etl_content_hash";

/// The Arrow schema of an entity's bronze table: its columns as in the interface document, then the technical ones;
/// before those, where a record hangs on a row of another entity, the id of that. [`data_type`] says which type a column has.
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

fn utc() -> DataType {
    data_type(&Kind::Timestamp)
}
