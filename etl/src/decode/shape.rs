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

/// Properties that are looked at before all are searched.
const AHEAD: usize = 12;

impl Object {
    pub(super) fn new(columns: &[Column]) -> Self {
        let properties: Vec<_> = columns.iter().map(|column| (column.name, Shape::new(&column.kind))).collect();
        let mut sorted: Vec<_> = properties.iter().enumerate().map(|(at, (name, _))| (*name, at)).collect();
        sorted.sort_unstable();
        Self { properties, sorted }
    }

    /// Where a property is. Records mostly have theirs in the order of the columns and lack some, so the search begins at
    /// `expected`.
    pub(super) fn position(&self, name: &str, expected: usize) -> Option<usize> {
        let ahead = self.properties.iter().enumerate().skip(expected).take(AHEAD);
        if let Some((at, _)) = ahead.into_iter().find(|(_, (known, _))| *known == name) {
            return Some(at);
        }
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
