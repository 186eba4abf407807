//! Schemas of the repaired document, as the renderers see them.

use std::collections::{BTreeMap, BTreeSet};

use openapiv3::{
    AdditionalProperties, IntegerFormat, ReferenceOr, SchemaKind, StringFormat, Type, VariantOrUnknownOrEmpty as Format,
};
use serde_json::{Number, Value};

use crate::described::Described;
use crate::document::Document;
use crate::error::{Kind, Result};
use crate::fixups::FOR_WRITING;
use crate::json::{items, pointer};
use crate::problems::Problems;

/// Extension that the fixup `open-enums` leaves on a hoisted enumeration.
pub(crate) const OPEN_ENUM: &str = "x-open-enum";

/// Extension that the fixup `record-by-id-as-array` leaves on an array that may be a record by itself.
pub(crate) const ONE_OR_MANY: &str = "x-one-or-many";

/// The shape of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    Int32,
    Int64,
    Double,
    Boolean,
    Timestamp,
    Uuid,
    Text,
    /// An object of texts.
    TextMap,
    /// Anything: the document doesn't say.
    Any,
    /// A named schema.
    Ref(String),
    List(Box<Shape>),
}

/// One property of an object schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) limits: Limits,
}

/// What a property must be when it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) required: bool,
    pub(crate) required_on_update: bool,
    pub(crate) create_only: bool,
    pub(crate) update_only: bool,
    pub(crate) max_length: Option<u64>,
    pub(crate) minimum: Option<Number>,
    pub(crate) maximum: Option<Number>,
}

/// A named schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Schema {
    /// An object with known properties, sorted by name.
    Object(Vec<Property>),
    /// An object that the document says nothing about.
    FreeForm,
    /// An open enumeration and its known values, in the order of the API.
    Enum(Vec<String>),
}

/// The schemas that some roots reach, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Schemas {
    by_name: BTreeMap<String, Schema>,
}

impl Schemas {
    /// Every schema of the document that can be read; what can't is told.
    pub(crate) fn all(document: &Document, problems: &mut Problems) -> Self {
        let mut read =
            |(name, schema): (&str, Described<'_>)| Some((name.to_owned(), problems.keep(read(name, schema))?));
        Self { by_name: document.schemas().into_iter().filter_map(&mut read).collect() }
    }

    /// The schemas with these names.
    pub(crate) fn only(&self, names: &BTreeSet<&str>) -> Self {
        let kept = self.by_name.iter().filter(|(name, _)| names.contains(name.as_str()));
        Self { by_name: kept.map(|(name, schema)| (name.clone(), schema.clone())).collect() }
    }

    /// Names of everything that can be reached from the roots, themselves among it.
    pub(crate) fn reach<'a>(&'a self, roots: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&str> = roots.into_iter().collect();
        while let Some(name) = open.pop() {
            let Some((name, schema)) = self.by_name.get_key_value(name) else { continue };
            if !reached.insert(name.as_str()) {
                continue;
            }
            if let Schema::Object(properties) = schema {
                open.extend(properties.iter().filter_map(|property| property.shape.target()));
            }
        }
        reached
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Schema> {
        self.by_name.get(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Schema)> {
        self.by_name.iter().map(|(name, schema)| (name.as_str(), schema))
    }
}

impl Shape {
    /// The named schema that this is or holds.
    pub(crate) fn target(&self) -> Option<&str> {
        match self {
            Self::Ref(name) => Some(name),
            Self::List(item) => item.target(),
            _ => None,
        }
    }

    /// How errors call it.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Int32 | Self::Int64 => "integer",
            Self::Double => "number",
            Self::Boolean => "boolean",
            Self::Timestamp => "date-time",
            Self::Uuid => "uuid",
            Self::Text => "text",
            Self::TextMap => "map of texts",
            Self::Any => "anything",
            Self::Ref(_) => "reference",
            Self::List(_) => "array",
        }
    }
}

fn read(name: &str, schema: Described<'_>) -> Result<Schema> {
    match schema.kind() {
        Some(SchemaKind::Type(Type::Object(object))) if object.properties.is_empty() => Ok(Schema::FreeForm),
        Some(SchemaKind::Type(Type::Object(_))) => {
            let required = schema.extension(&format!("{FOR_WRITING}required")).map(items).unwrap_or_default();
            let property = |(name, property): (&str, Described<'_>)| {
                let limits = limits(property, required.iter().any(|other| other == name));
                Property { name: name.to_owned(), shape: shape(property), limits }
            };
            let mut properties: Vec<Property> = schema.properties().map(property).collect();
            properties.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(Schema::Object(properties))
        }
        Some(SchemaKind::Type(Type::String(text))) if schema.extension(OPEN_ENUM).is_some() => {
            Ok(Schema::Enum(text.enumeration.iter().flatten().cloned().collect()))
        }
        _ => {
            let pointer = pointer(&["components", "schemas", name]);
            Err(Kind::Shape { operation: None, pointer, expected: "a schema of type object" }.into())
        }
    }
}

fn limits(schema: Described<'_>, required: bool) -> Limits {
    let flag = |key: &str| schema.extension(key).and_then(Value::as_bool).unwrap_or_default();
    let number = |key: &str| schema.extension(&format!("{FOR_WRITING}{key}")).and_then(Value::as_number).cloned();
    Limits {
        required,
        required_on_update: flag("x-required-on-update"),
        create_only: flag("x-create-only"),
        update_only: flag("x-update-only"),
        max_length: number("maxLength").and_then(|number| number.as_u64()),
        minimum: number("minimum"),
        maximum: number("maximum"),
    }
}

/// The shape of the values that a schema describes.
pub(crate) fn shape(schema: Described<'_>) -> Shape {
    if let Some(name) = schema.reference() {
        return Shape::Ref(name.to_owned());
    }
    let is_text = |schema: &ReferenceOr<_>| matches!(shape(Described::of(schema)), Shape::Text);
    match schema.kind() {
        Some(SchemaKind::Type(kind)) => match kind {
            Type::Integer(integer) if integer.format == Format::Item(IntegerFormat::Int32) => Shape::Int32,
            Type::Integer(_) => Shape::Int64,
            Type::Number(_) => Shape::Double,
            Type::Boolean(_) => Shape::Boolean,
            Type::String(text) => match &text.format {
                Format::Item(StringFormat::DateTime) => Shape::Timestamp,
                Format::Unknown(word) if word == "uuid" => Shape::Uuid,
                _ => Shape::Text,
            },
            Type::Array(_) => Shape::List(Box::new(schema.items().map_or(Shape::Any, shape))),
            Type::Object(object) => match &object.additional_properties {
                Some(AdditionalProperties::Schema(values)) if is_text(values) => Shape::TextMap,
                _ => Shape::Any,
            },
        },
        // With a keyword that doesn't go with its type.
        Some(SchemaKind::Any(any)) => match any.typ.as_deref() {
            Some("integer") => Shape::Int64,
            Some("number") => Shape::Double,
            Some("boolean") => Shape::Boolean,
            Some("string") => Shape::Text,
            _ => Shape::Any,
        },
        _ => Shape::Any,
    }
}
