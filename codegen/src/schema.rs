//! Schemas of the repaired document, as the renderers see them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Number;

use crate::document::{Document, reference};
use crate::error::Result;
use crate::fixups::FOR_WRITING;
use crate::node::Node;

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
    /// Every schema of the document.
    pub(crate) fn all(document: &Document) -> Result<Self> {
        let names = document.schemas()?.entries()?;
        Self::reachable(document, names.iter().map(|(name, _)| *name))
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

    /// Everything that can be reached from the roots.
    fn reachable<'n>(document: &Document, roots: impl IntoIterator<Item = &'n str>) -> Result<Self> {
        let mut schemas = Self::default();
        let mut open: Vec<String> = roots.into_iter().map(str::to_owned).collect();
        while let Some(name) = open.pop() {
            if schemas.by_name.contains_key(&name) {
                continue;
            }
            let schema = read(&document.schema(&name)?)?;
            if let Schema::Object(properties) = &schema {
                open.extend(properties.iter().filter_map(|property| property.shape.target().map(str::to_owned)));
            }
            schemas.by_name.insert(name, schema);
        }
        Ok(schemas)
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

fn read(node: &Node<'_>) -> Result<Schema> {
    match node.text_of("type")? {
        Some("object") => match node.get("properties") {
            None => Ok(Schema::FreeForm),
            Some(properties) => {
                let required = match node.get(&format!("{FOR_WRITING}required")) {
                    Some(names) => names.items()?.iter().map(Node::text).collect::<Result<BTreeSet<_>>>()?,
                    None => BTreeSet::new(),
                };
                let read = |(name, node): (&str, Node<'_>)| {
                    let limits = limits(&node, required.contains(name))?;
                    Ok(Property { name: name.to_owned(), shape: shape(&node)?, limits })
                };
                Ok(Schema::Object(properties.entries()?.into_iter().map(read).collect::<Result<_>>()?))
            }
        },
        Some("string") if node.get(OPEN_ENUM).is_some() => {
            let values = node.require("enum", "the known values")?.items()?;
            Ok(Schema::Enum(values.iter().map(|value| value.text().map(str::to_owned)).collect::<Result<_>>()?))
        }
        _ => Err(node.expected("a schema of type object")),
    }
}

fn limits(node: &Node<'_>, required: bool) -> Result<Limits> {
    let flag = |key: &str| node.get(key).map_or(Ok(false), |node| node.flag());
    let number = |key: &str| match node.get(&format!("{FOR_WRITING}{key}")) {
        Some(node) => node.number().map(|number| number.as_number().cloned()),
        None => Ok(None),
    };
    Ok(Limits {
        required,
        required_on_update: flag("x-required-on-update")?,
        create_only: flag("x-create-only")?,
        update_only: flag("x-update-only")?,
        max_length: number("maxLength")?.and_then(|number| number.as_u64()),
        minimum: number("minimum")?,
        maximum: number("maximum")?,
    })
}

/// The shape of the values that a schema describes.
pub(crate) fn shape(node: &Node<'_>) -> Result<Shape> {
    if let Some(name) = reference(node)? {
        return Ok(Shape::Ref(name.to_owned()));
    }
    let format = node.text_of("format")?;
    Ok(match node.text_of("type")? {
        None => Shape::Any,
        Some("integer") if format == Some("int32") => Shape::Int32,
        Some("integer") => Shape::Int64,
        Some("number") => Shape::Double,
        Some("boolean") => Shape::Boolean,
        Some("string") => match format {
            Some("date-time") => Shape::Timestamp,
            Some("uuid") => Shape::Uuid,
            _ => Shape::Text,
        },
        Some("array") => Shape::List(Box::new(shape(&node.require("items", "the schema of the items")?)?)),
        Some("object") => match node.get("additionalProperties") {
            Some(values) if values.text_of("type")? == Some("string") => Shape::TextMap,
            _ => Shape::Any,
        },
        Some(_) => return Err(node.expected("one of the types integer, number, boolean, string, array and object")),
    })
}
