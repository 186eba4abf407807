//! An entity's columns, prepared for walking records: properties are found by name.

use connectwise_sdk::catalog::{Column, Kind};

/// What a value has to look like.
#[derive(Debug)]
pub(super) enum Shape {
    Int32,
    Int64,
    Boolean,
    Double,
    Timestamp,
    Text,
    Json,
    StringMap,
    Object(Object),
    List(Box<Shape>),
}

/// The properties of an object, in the order of its columns.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) properties: Vec<(&'static str, Shape)>,
    /// Positions of the properties, sorted by name.
    sorted: Vec<(&'static str, usize)>,
}

impl Object {
    pub(super) fn new(columns: &[Column]) -> Self {
        let properties: Vec<_> = columns.iter().map(|column| (column.name, Shape::new(&column.kind))).collect();
        let mut sorted: Vec<_> = properties.iter().enumerate().map(|(at, (name, _))| (*name, at)).collect();
        sorted.sort_unstable();
        Self { properties, sorted }
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        let at = self.sorted.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
        self.sorted.get(at).map(|(_, position)| *position)
    }
}

impl Shape {
    fn new(kind: &Kind) -> Self {
        match kind {
            Kind::Int32 => Self::Int32,
            Kind::Int64 => Self::Int64,
            Kind::Boolean => Self::Boolean,
            Kind::Double => Self::Double,
            Kind::Timestamp => Self::Timestamp,
            Kind::Utf8 => Self::Text,
            Kind::Json => Self::Json,
            Kind::StringMap => Self::StringMap,
            Kind::Struct(columns) => Self::Object(Object::new(columns)),
            Kind::List(element) => Self::List(Box::new(Self::new(element))),
        }
    }
}
