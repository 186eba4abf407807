//! An entity's columns, prepared for walking records: properties are found by name in constant time.

use std::collections::HashMap;

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

/// The properties of an object.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) properties: Vec<(&'static str, Shape)>,
    index: HashMap<&'static str, usize>,
}

impl Object {
    pub(super) fn new(columns: &[Column]) -> Self {
        let properties: Vec<_> = columns.iter().map(|column| (column.name, Shape::new(&column.kind))).collect();
        let index = properties.iter().enumerate().map(|(at, (name, _))| (*name, at)).collect();
        Self { properties, index }
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
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
