//! A schema where one is wanted: by its name, or written out on the spot.

use std::borrow::Borrow;

use openapiv3::{ReferenceOr, Schema, SchemaKind, Type};
use serde_json::Value;

const SCHEMAS: &str = "#/components/schemas/";

/// What describes a value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Described<'a> {
    /// The schema of this name.
    Named(&'a str),
    Inline(&'a Schema),
}

impl<'a> Described<'a> {
    pub(crate) fn of<T: Borrow<Schema>>(schema: &'a ReferenceOr<T>) -> Self {
        match schema {
            ReferenceOr::Reference { reference } => Self::Named(reference.strip_prefix(SCHEMAS).unwrap_or(reference)),
            ReferenceOr::Item(schema) => Self::Inline(schema.borrow()),
        }
    }

    /// The schema that this refers to, also where something stands beside the reference: OpenAPI 3.0 has `allOf` for that.
    pub(crate) fn reference(self) -> Option<&'a str> {
        match (self, self.kind()) {
            (Self::Named(name), _) => Some(name),
            (_, Some(SchemaKind::AllOf { all_of })) if all_of.len() == 1 => Self::of(&all_of[0]).reference(),
            _ => None,
        }
    }

    pub(crate) fn kind(self) -> Option<&'a SchemaKind> {
        match self {
            Self::Named(_) => None,
            Self::Inline(schema) => Some(&schema.schema_kind),
        }
    }

    /// What describes the items of an array.
    pub(crate) fn items(self) -> Option<Self> {
        match self.kind()? {
            SchemaKind::Type(Type::Array(array)) => array.items.as_ref().map(Self::of),
            _ => None,
        }
    }

    /// Properties of an object.
    pub(crate) fn properties(self) -> impl Iterator<Item = (&'a str, Self)> {
        let properties = match self.kind() {
            Some(SchemaKind::Type(Type::Object(object))) => Some(&object.properties),
            _ => None,
        };
        properties.into_iter().flatten().map(|(name, property)| (name.as_str(), Self::of(property)))
    }

    pub(crate) fn extension(self, key: &str) -> Option<&'a Value> {
        match self {
            Self::Named(_) => None,
            Self::Inline(schema) => schema.schema_data.extensions.get(key),
        }
    }

    pub(crate) fn is_nullable(self) -> bool {
        matches!(self, Self::Inline(schema) if schema.schema_data.nullable)
    }
}
