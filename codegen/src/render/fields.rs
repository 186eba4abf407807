//! Renders the properties of each schema as typed paths for conditions.

use std::fmt::Write as _;

use heck::{ToShoutySnakeCase, ToSnakeCase};

use super::rust_type;
use crate::names::{field_name, type_name};
use crate::schema::{Property, Schema, Schemas, Shape};

/// Types that a module of the same name would hide.
const PRIMITIVE: [&str; 17] = [
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "str", "u8", "u16", "u32", "u64", "u128",
    "usize",
];

/// The text of one schema, for `connectwise_sdk::fields`; nothing for what has no properties.
pub(crate) fn render(name: &str, schemas: &Schemas) -> String {
    let mut out = String::new();
    let Some(Schema::Object(properties)) = schemas.get(name) else { return out };
    let ty = type_name(name);
    let module = module_name(&ty);
    let mut constants = String::new();
    for property in properties {
        let constant = field_name(&property.name).to_shouty_snake_case();
        let value = value(property);
        let wire = &property.name;
        // Writing to a String cannot fail.
        let _ = writeln!(constants, "    pub const {constant}: Path<{ty}, {value}> = Path::new({wire:?});");
    }
    let _ = write!(
        out,
        "\n/// Properties of [`{ty}`](crate::models::{ty}).\npub mod {module} {{\n    use super::*;\n{constants}}}\n"
    );
    out
}

/// Name of the module with the properties of a type.
pub(crate) fn module_name(ty: &str) -> String {
    let name = ty.to_snake_case();
    let is_type = PRIMITIVE.contains(&name.as_str());
    if !is_type && syn::parse_str::<syn::Ident>(&name).is_ok() { name } else { format!("{name}_") }
}

/// What a property is compared with; an array's path leads to its elements.
fn value(property: &Property) -> String {
    match &property.shape {
        Shape::TextMap if property.name == "_info" => "RecordInfo".to_owned(),
        Shape::List(item) => element(item),
        shape => rust_type(shape),
    }
}

fn element(shape: &Shape) -> String {
    match shape {
        Shape::List(item) => element(item),
        shape => rust_type(shape),
    }
}
