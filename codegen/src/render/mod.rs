//! Rust text from resolved schemas, tables, resources and operations.

pub(crate) mod catalog;
pub(crate) mod columns;
pub(crate) mod docs;
pub(crate) mod enums;
pub(crate) mod fields;
pub(crate) mod files;
pub(crate) mod gates;
pub(crate) mod models;
pub(crate) mod operations;
mod prepared;
pub(crate) mod records;
pub(crate) mod resources;
pub(crate) mod setters;
pub(crate) mod values;

use crate::names::type_name;
use crate::schema::Shape;

/// The text that names the interface version.
pub(crate) fn version(version: &str) -> String {
    format!(
        "/// Version of the interface that this SDK was generated from, as the `Accept` header names it.\n\
         pub const API_VERSION: &str = {version:?};\n"
    )
}

/// A name that may be a keyword.
pub(crate) fn escape(name: &str) -> String {
    if syn::parse_str::<syn::Ident>(name).is_ok() { name.to_owned() } else { format!("{name}_") }
}

/// Rust type of a value that is read whole.
pub(crate) fn rust_type(shape: &Shape) -> String {
    match shape {
        Shape::Int32 => "i32".to_owned(),
        Shape::Int64 => "i64".to_owned(),
        Shape::Double => "f64".to_owned(),
        Shape::Boolean => "bool".to_owned(),
        Shape::Timestamp => "Timestamp".to_owned(),
        Shape::Uuid | Shape::Text => "String".to_owned(),
        Shape::TextMap | Shape::Any => "Value".to_owned(),
        Shape::Ref(name) => type_name(name),
        Shape::List(item) => format!("Vec<{}>", rust_type(item)),
    }
}
