//! Enumerations.

use heck::ToPascalCase;
use serde_json::{Map, Value, json};

use super::object_at;
use crate::error::{Kind, Result};
use crate::node::escape;
use crate::schema::OPEN_ENUM;

/// Enumerations inside properties become named schemas of their own, `<Schema><Property>`, marked as open.
pub(super) fn open(root: &mut Value) -> Result<usize> {
    let Some(schemas) = object_at(root, &["components", "schemas"]) else { return Ok(0) };
    let mut hoisted = Map::new();
    for (schema, body) in schemas.iter_mut() {
        let Some(properties) = object_at(body, &["properties"]) else { continue };
        for (name, property) in properties.iter_mut() {
            let mut value = Some(property);
            while let Some(place) = value {
                if let Some(values) = place.get("enum").and_then(Value::as_array) {
                    if let Some(at) = values.iter().position(|value| !value.is_string()) {
                        let steps = ["components", "schemas", schema, "properties", name].map(escape).join("/");
                        let pointer = format!("/{steps}/enum/{at}");
                        return Err(Kind::Shape { operation: None, pointer, expected: "a text" }.into());
                    }
                    let target = format!("{schema}{}", name.to_pascal_case());
                    if hoisted.contains_key(&target) {
                        let (first, second) = ("an enumeration".to_owned(), format!("{schema}.{name}"));
                        return Err(Kind::NameClash { name: target, first, second }.into());
                    }
                    hoist(place, target, &mut hoisted);
                    break;
                }
                value = place.get_mut("items");
            }
        }
    }
    let places = hoisted.len();
    for (name, schema) in hoisted {
        if schemas.contains_key(&name) {
            let (first, second) = ("a schema".to_owned(), "an enumeration".to_owned());
            return Err(Kind::NameClash { name, first, second }.into());
        }
        schemas.insert(name, schema);
    }
    Ok(places)
}

fn hoist(place: &mut Value, target: String, hoisted: &mut Map<String, Value>) {
    let reference = json!({ "$ref": format!("#/components/schemas/{target}") });
    let mut schema = std::mem::replace(place, reference);
    if let Some(object) = schema.as_object_mut() {
        object.insert(OPEN_ENUM.to_owned(), json!(true));
    }
    hoisted.insert(target, schema);
}
