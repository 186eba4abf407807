//! Properties that promise more than the live API keeps.

use serde_json::Value;

use super::{each_property, object_at};
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

/// Limits are dropped.
pub(super) fn drop_limits(root: &mut Value) -> Result<usize> {
    let mut places = 0;
    each_property(root, &mut |property| {
        places += LIMITS.iter().filter(|limit| property.remove(**limit).is_some()).count();
    });
    Ok(places)
}

/// Required lists are dropped.
pub(super) fn drop_required(root: &mut Value) -> Result<usize> {
    let Some(schemas) = object_at(root, &["components", "schemas"]) else { return Ok(0) };
    let schemas = schemas.values_mut().filter_map(Value::as_object_mut);
    Ok(schemas.filter_map(|schema| schema.remove("required")).count())
}
