//! The names that an entity recognises, and where a query finds their values.

use super::Grammar;
use crate::document::{Document, ListOf, Of, Property, Schema, Type};

/// The names of an entity, or of the items of one of its collections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names {
    document: &'static Document,
    schema: &'static Schema,
    pub(super) grammar: Grammar,
}

/// Where a query finds a value. The first two need no walk through the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Id,
    LastUpdated,
    Path(Vec<&'static str>),
}

impl Names {
    pub(crate) fn of(document: &'static Document, schema: &'static Schema, grammar: Grammar) -> Self {
        Self { document, schema, grammar }
    }

    /// Finds a property by its path, whatever its case.
    pub(super) fn property(self, path: &str) -> Option<Property> {
        self.document.property(self.schema, path)
    }

    /// Where a property is that the entity has.
    pub(crate) fn column(self, path: &str) -> Option<Column> {
        self.property(path).map(|property| column(&property))
    }

    /// The items of a collection: its name as rows write it, and their names.
    pub(super) fn items(self, name: &str) -> Option<(&'static str, Self)> {
        let member = self.schema.member(name)?;
        let Of::List(ListOf::Objects(number)) = member.of else { return None };
        Some((member.name, Self { schema: self.document.schemas.get(number)?, ..self }))
    }
}

/// The values of a custom field are of any type; the document calls them objects.
pub(super) fn loosened(property: Property) -> Property {
    if property.path == ["value"] && property.of == Type::Object {
        return Property { of: Type::Anything, ..property };
    }
    property
}

pub(super) fn column(property: &Property) -> Column {
    match property.path.as_slice() {
        ["id"] => Column::Id,
        ["lastUpdated"] | ["_info", "lastUpdated"] => Column::LastUpdated,
        path => Column::Path(path.to_vec()),
    }
}
