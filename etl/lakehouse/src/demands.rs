//! What a table demands of its writers beyond its columns, and how its columns differ from those that it is to have.
//!
//! The one place that decides it for every write: a table of this program has no partitions, no column mapping, no generated
//! columns and no constraints, and a file that is written as if it hadn't would hold other rows than were meant.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field, Schema};
use deltalake::kernel::transaction::PROTOCOL;
use deltalake::kernel::{Metadata, StructType};
use serde_json::json;

use super::Table;
use crate::error::{self, Result};

/// Properties that change what a file has to hold or which rows a table may have. Others, such as retention times, stay when
/// a table is rebuilt.
const BINDING: [&str; 6] = [
    "delta.constraints.",
    "delta.appendOnly",
    "delta.columnMapping.",
    "delta.enableRowTracking",
    "delta.rowTracking.",
    "delta.enableIcebergCompat",
];

/// Facts of a column that say what its values have to be.
const GENERATED: [&str; 3] = ["delta.generationExpression", "delta.identity.", "delta.invariants"];

/// What a table demands that this program's files don't give, as a clause that goes on the table's name.
pub(super) fn demands(table: &Table) -> Option<String> {
    let snapshot = table.snapshot()?;
    let metadata = snapshot.metadata();
    if !metadata.partition_columns().is_empty() {
        return Some(format!("is partitioned by {}", metadata.partition_columns().join(", ")));
    }
    let is_off = |value: &str| matches!(value, "false" | "none");
    let mut bound: Vec<&String> = metadata
        .configuration()
        .iter()
        .filter(|(name, value)| is_binding(name) && !is_off(value) && !name.ends_with(".maxColumnId"))
        .map(|(name, _)| name)
        .collect();
    bound.sort_unstable();
    if let Some(name) = bound.first() {
        return Some(format!("has the property {name}"));
    }
    let schema = snapshot.schema();
    let generated = |field: &deltalake::kernel::StructField| {
        field.metadata().keys().any(|key| GENERATED.iter().any(|name| key.starts_with(name)))
    };
    schema.fields().find(|field| generated(field)).map(|field| format!("has rules for the column {}", field.name()))
}

fn is_binding(property: &str) -> bool {
    BINDING.iter().any(|name| property.starts_with(name))
}

/// The metadata of a table whose whole content is put in place, `None` where they stay as they are.
pub(super) fn reset(table: &Table, declared: &StructType) -> Result<Option<Metadata>, serde_json::Error> {
    let Some(snapshot) = table.snapshot() else { return Ok(None) };
    let metadata = snapshot.metadata();
    if snapshot.schema().as_ref() == declared && demands(table).is_none() {
        return Ok(None);
    }
    let kept: HashMap<&String, &String> =
        metadata.configuration().iter().filter(|(name, _)| !is_binding(name)).collect();
    let metadata = json!({
        "id": metadata.id(),
        "name": metadata.name(),
        "description": metadata.description(),
        "format": { "provider": "parquet", "options": {} },
        "schemaString": serde_json::to_string(declared)?,
        "partitionColumns": [],
        "configuration": kept,
        "createdTime": metadata.created_time(),
    });
    serde_json::from_value(metadata).map(Some)
}

impl Table {
    /// Refuses a table that no commit of this program can be made on, before anything is written.
    pub(super) fn writable(&self) -> Result<()> {
        let Some(snapshot) = self.snapshot() else { return Ok(()) };
        if let Err(error) = PROTOCOL.can_write_to(snapshot) {
            return Err(error::unknown_features(&self.name).with_source(error));
        }
        if snapshot.metadata().configuration().get("delta.appendOnly").is_some_and(|value| value == "true") {
            return Err(error::append_only(&self.name));
        }
        Ok(())
    }

    /// What the table demands that this program's files don't give, as a clause that goes on the table's name.
    pub fn demands(&self) -> Option<String> {
        demands(self)
    }

    /// What the table demands of its writers, or how its columns differ from those that it is to have, whoever wrote its rows.
    pub fn misfit(&self, schema: &Schema) -> Option<String> {
        let stored = self.schema()?;
        demands(self).or_else(|| columns(&stored, schema))
    }

    /// Refuses to change some rows of a table that demands something or has other columns: what rebuilds it has to come first.
    /// Columns that it lacks may be about to be added.
    pub(super) fn admits(&self, schema: &Schema) -> Result<()> {
        self.writable()?;
        let Some(stored) = self.schema() else { return Ok(()) };
        let known: Vec<Field> = schema
            .fields()
            .iter()
            .filter(|field| stored.field_with_name(field.name()).is_ok())
            .map(|field| field.as_ref().clone())
            .collect();
        // A merge goes by names, so that their order is no matter here.
        match demands(self).or_else(|| fields(&stored, &Schema::new(known))) {
            Some(difference) => Err(error::needs_rebuild(&self.name, &difference)),
            None => Ok(()),
        }
    }
}

/// How the columns of a table differ from those that it is to have, as a clause that goes on its name. Columns that are
/// stored as if they could be NULL are no difference.
pub fn columns(stored: &Schema, declared: &Schema) -> Option<String> {
    let order = || {
        let (stored, own) =
            stored.fields().iter().zip(declared.fields()).find(|(stored, own)| stored.name() != own.name())?;
        Some(format!("has its columns in another order: {} is where {} was", stored.name(), own.name()))
    };
    fields(stored, declared).or_else(order)
}

/// How the columns differ apart from their order.
fn fields(stored: &Schema, declared: &Schema) -> Option<String> {
    for field in declared.fields() {
        let Ok(found) = stored.field_with_name(field.name()) else {
            return Some(format!("lacks the column {}", field.name()));
        };
        if !alike(found.data_type(), field.data_type()) {
            let found = found.data_type();
            let wanted = field.data_type();
            return Some(format!("has {} as {found} and not as {wanted}", field.name()));
        }
        if field.is_nullable() && !found.is_nullable() {
            return Some(format!("allows no NULL in {}", field.name()));
        }
    }
    let unknown = stored.fields().iter().find(|field| declared.field_with_name(field.name()).is_err());
    unknown.map(|field| format!("has a column {} that isn't one of its own", field.name()))
}

/// Whether two types are the same for whoever writes rows. What engines call the parts of lists and maps differs.
fn alike(stored: &DataType, declared: &DataType) -> bool {
    match (stored, declared) {
        (DataType::Struct(stored), DataType::Struct(declared)) => {
            stored.len() == declared.len()
                && stored
                    .iter()
                    .zip(declared)
                    .all(|(stored, own)| stored.name() == own.name() && alike(stored.data_type(), own.data_type()))
        }
        (DataType::List(stored), DataType::List(declared)) => alike(stored.data_type(), declared.data_type()),
        (DataType::Map(stored, _), DataType::Map(declared, _)) => match (stored.data_type(), declared.data_type()) {
            (DataType::Struct(stored), DataType::Struct(declared)) => {
                stored.iter().zip(declared).all(|(stored, own)| alike(stored.data_type(), own.data_type()))
            }
            _ => false,
        },
        _ => stored == declared,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn columns_differ_by_name_type_order_and_by_what_may_be_null() {
        let field = |name: &str, nullable| Field::new(name, DataType::Int32, nullable);
        let own = Schema::new(vec![field("id", false), field("status", true)]);
        let differs = |fields: Vec<Field>| columns(&Schema::new(fields), &own);
        assert_eq!(differs(vec![field("id", true), field("status", true)]), None);
        assert_eq!(differs(vec![field("id", false)]).unwrap(), "lacks the column status");
        assert_eq!(differs(vec![field("id", false), field("status", false)]).unwrap(), "allows no NULL in status");
        assert_eq!(
            differs(vec![field("id", false), Field::new("status", DataType::Utf8, true)]).unwrap(),
            "has status as Utf8 and not as Int32"
        );
        assert_eq!(
            differs(vec![field("status", true), field("id", false)]).unwrap(),
            "has its columns in another order: status is where id was"
        );
        assert_eq!(
            differs(vec![field("id", false), field("status", true), field("x", true)]).unwrap(),
            "has a column x that isn't one of its own"
        );
        let inner = |name: &str| DataType::Struct(vec![Field::new(name, DataType::Utf8, true)].into());
        assert!(!alike(&inner("name"), &inner("title")));
        let list = |name: &str| DataType::List(Arc::new(Field::new(name, DataType::Utf8, true)));
        assert!(alike(&list("element"), &list("item")));
    }
}
