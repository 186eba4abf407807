//! Renders setters of the records that a program sends: one line for each property, the behaviour once, in the SDK's `setters!`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{escape, rust_type};
use crate::names::{field_name, type_name};
use crate::operation::{Body, Raw};
use crate::schema::{Property, Schema, Shape};

/// What the server gives a record, and no program sets.
const OF_THE_SERVER: [&str; 2] = ["id", "_info"];

/// Schemas that creating and replacing take, each by itself or in an array.
pub(crate) fn sent(raws: &[Raw]) -> BTreeSet<&str> {
    let sending = raws.iter().filter(|raw| matches!(raw.method.as_str(), "post" | "put"));
    let bodies = sending.filter_map(|raw| match &raw.body {
        Body::Json(shape) => shape.target(),
        Body::Nothing | Body::Patch | Body::Form => None,
    });
    bodies.collect()
}

/// The `setters!` of one record; nothing for what has no properties.
pub(crate) fn render(name: &str, schema: &Schema) -> String {
    let Schema::Object(properties) = schema else { return String::new() };
    let is_set = |property: &&Property| !OF_THE_SERVER.contains(&property.name.as_str());
    let mut lines = String::new();
    for property in properties.iter().filter(is_set) {
        if property.shape == Shape::TextMap {
            continue;
        }
        let value = value_type(&property.shape);
        let field = field_name(&property.name);
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "        with_{field}({}: {value}),", escape(&field));
    }
    if lines.is_empty() { lines } else { format!("setters! {{\n    {} {{\n{lines}    }}\n}}\n", type_name(name)) }
}

/// Type of the field as the models have it.
fn value_type(shape: &Shape) -> String {
    match shape {
        Shape::Any => "::serde_json::Value".to_owned(),
        Shape::List(item) => format!("Vec<{}>", value_type(item)),
        shape => rust_type(shape),
    }
}
