//! Properties that promise more than the live API keeps.

use serde_json::Value;

use super::{FOR_WRITING, each_property, object_at};
use crate::error::Result;

const LIMITS: [&str; 5] = ["maxLength", "minLength", "pattern", "minimum", "maximum"];

/// Objects without properties become values of any type.
pub(super) fn free_scalars(root: &mut Value) -> Result<usize> {
    let mut places = 0;
    each_property(root, &mut |property| {
        let object = property.get("type").and_then(Value::as_str) == Some("object");
        if object && !property.contains_key("properties") && !property.contains_key("additionalProperties") {
            property.remove("type");
            places += 1;
        }
    });
    Ok(places)
}

/// Limits are put aside for writing.
pub(super) fn put_limits_aside(root: &mut Value) -> Result<usize> {
    let mut places = 0;
    each_property(root, &mut |property| {
        for limit in LIMITS {
            if let Some(value) = property.remove(limit) {
                property.insert(format!("{FOR_WRITING}{limit}"), value);
                places += 1;
            }
        }
    });
    Ok(places)
}

/// Required lists are put aside for writing.
pub(super) fn put_required_aside(root: &mut Value) -> Result<usize> {
    let Some(schemas) = object_at(root, &["components", "schemas"]) else { return Ok(0) };
    let mut places = 0;
    for schema in schemas.values_mut().filter_map(Value::as_object_mut) {
        if let Some(names) = schema.remove("required") {
            schema.insert(format!("{FOR_WRITING}required"), names);
            places += 1;
        }
    }
    Ok(places)
}

/// A required name that the schema has in another case only becomes the property's name.
pub(super) fn required_as_spelled(root: &mut Value) -> Result<usize> {
    let Some(schemas) = object_at(root, &["components", "schemas"]) else { return Ok(0) };
    let mut places = 0;
    for schema in schemas.values_mut() {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else { continue };
        let names: Vec<String> = properties.keys().cloned().collect();
        let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) else { continue };
        for entry in required {
            let Some(name) = entry.as_str() else { continue };
            if names.iter().any(|known| known == name) {
                continue;
            }
            if let Some(spelled) = names.iter().find(|known| known.eq_ignore_ascii_case(name)) {
                *entry = Value::from(spelled.as_str());
                places += 1;
            }
        }
    }
    Ok(places)
}
