//! Enumerations.

use std::collections::BTreeSet;

use heck::ToPascalCase;
use serde_json::{Map, Value, json};

use super::object_at;
use crate::error::{Error, Kind, Result};
use crate::json::pointer;
use crate::names::{Owner, Scope, variant_name};
use crate::schema::OPEN_ENUM;

/// Enumerations inside properties become named schemas of their own, `<Schema><Property>`, marked as open.
pub(super) fn open(root: &mut Value) -> Result<usize> {
    let Some(schemas) = object_at(root, &["components", "schemas"]) else { return Ok(0) };
    let mut hoisted = Map::new();
    let mut taken = Scope::default();
    let mut refused = Vec::new();
    for name in schemas.keys() {
        refused.extend(taken.take(name, Owner::schema(name)).err());
    }
    for (schema, body) in schemas.iter_mut() {
        let Some(properties) = object_at(body, &["properties"]) else { continue };
        for (name, property) in properties.iter_mut() {
            let mut value = Some(property);
            while let Some(place) = value {
                if let Some(values) = place.get("enum").and_then(Value::as_array) {
                    if let Some(at) = values.iter().position(|value| !value.is_string()) {
                        let steps = ["components", "schemas", schema, "properties", name, "enum", &at.to_string()];
                        let pointer = pointer(&steps);
                        refused.push(Kind::Shape { operation: None, pointer, expected: "a text" }.into());
                        break;
                    }
                    let target = format!("{schema}{}", name.to_pascal_case());
                    let owner = Owner::property(schema, name);
                    refused.extend(taken.take(&target, owner).err());
                    refused.extend(variants(values, schema, name));
                    hoist(place, target, &mut hoisted);
                    break;
                }
                value = place.get_mut("items");
            }
        }
    }
    let places = hoisted.len();
    schemas.extend(hoisted);
    Error::of(refused).map_or(Ok(places), Err)
}

/// No two values have one name; what they are called once they stand for themselves can't be told to the document's reader.
fn variants(values: &[Value], schema: &str, property: &str) -> Vec<Error> {
    let mut refused = Vec::new();
    let mut scope = Scope::default();
    let mut seen = BTreeSet::new();
    for (index, value) in values.iter().enumerate() {
        let Some(value) = value.as_str().filter(|value| seen.insert(*value)) else { continue };
        let steps = ["components", "schemas", schema, "properties", property, "enum", &index.to_string()];
        let owner = Owner::at(format!("the value {value:?}"), pointer(&steps));
        refused.extend(scope.take(&variant_name(value), owner).err());
    }
    refused
}

/// What the document says of the property, and not of its values, stays with the property.
fn hoist(place: &mut Value, target: String, hoisted: &mut Map<String, Value>) {
    let Some(property) = place.as_object_mut() else { return };
    let (mut stays, mut schema): (Map<_, _>, Map<_, _>) =
        std::mem::take(property).into_iter().partition(|(key, _)| key.starts_with("x-"));
    let reference = json!({ "$ref": format!("#/components/schemas/{target}") });
    schema.insert(OPEN_ENUM.to_owned(), json!(true));
    // Nothing may stand beside a reference: OpenAPI 3.0 has `allOf` for that.
    if stays.is_empty() {
        *place = reference;
    } else {
        stays.insert("allOf".to_owned(), json!([reference]));
        *property = stays;
    }
    hoisted.insert(target, schema.into());
}
