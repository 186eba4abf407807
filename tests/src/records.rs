//! Records as JSON, ready to be compared.

use std::collections::BTreeMap;

use connectwise_sdk::catalog::Entity;
use serde_json::Value;

/// JSON doesn't tell 1 from 1.0.
pub fn as_numbers(value: &Value) -> Value {
    match value {
        Value::Object(entries) => entries.iter().map(|(name, value)| (name.clone(), as_numbers(value))).collect(),
        Value::Array(items) => items.iter().map(as_numbers).collect(),
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        other => other.clone(),
    }
}

/// Records of an entity by their key, with numbers that can be compared.
///
/// # Errors
/// When a record has no key, or a key is there twice.
pub fn by_key(entity: &Entity, records: &[Value]) -> Result<BTreeMap<i64, Value>, String> {
    let mut rows = BTreeMap::new();
    for record in records {
        let key = record[entity.key].as_i64().ok_or_else(|| format!("a {} has no key: {record}", entity.name))?;
        if rows.insert(key, as_numbers(record)).is_some() {
            return Err(format!("{} {key} is there twice", entity.name));
        }
    }
    Ok(rows)
}
