//! An entity's columns, prepared for walking records: properties are found by name, and what fits is written where it goes.
//!
//! Columns are told the row that a value is for. A value that came twice, and all of a record that turns out to be none, is
//! taken back by cutting the columns off at that row.

use connectwise_sdk::catalog::{Column as Declared, Kind};

use super::leaf::{Ends, Presence, Texts, Values};

/// What a value has to look like, and those that did.
#[derive(Debug)]
pub(super) enum Column {
    Int32(Values<i32>),
    Int64(Values<i64>),
    Boolean(Values<bool>),
    Double(Values<f64>),
    Timestamp(Values<i64>),
    Text(Texts),
    Json(Texts),
    StringMap(StringMap),
    Object(Object),
    List(List),
}

/// Objects with known properties.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) presence: Presence,
    /// In the order of the columns.
    pub(super) properties: Vec<Property>,
    /// What tells the names apart at a glance, in the same order.
    tags: Vec<u64>,
}

#[derive(Debug)]
pub(super) struct Property {
    pub(super) name: &'static str,
    /// The name as nearly every server writes it, with quotes and colon.
    pub(super) written: String,
    pub(super) column: Column,
    /// The property that came behind this one in the last record: it mostly does in the next.
    pub(super) next: usize,
}

/// Arrays. Elements are rows of a column of their own.
#[derive(Debug)]
pub(super) struct List {
    pub(super) ends: Ends,
    pub(super) element: Box<Column>,
}

/// Objects of texts. Entries are rows of two columns.
#[derive(Debug)]
pub(super) struct StringMap {
    pub(super) ends: Ends,
    pub(super) names: Texts,
    pub(super) texts: Texts,
}

impl Column {
    fn new(kind: &Kind) -> Self {
        match kind {
            Kind::Int32 => Self::Int32(Values::new()),
            Kind::Int64 => Self::Int64(Values::new()),
            Kind::Boolean => Self::Boolean(Values::new()),
            Kind::Double => Self::Double(Values::new()),
            Kind::Timestamp => Self::Timestamp(Values::new()),
            Kind::Utf8 => Self::Text(Texts::new()),
            Kind::Json => Self::Json(Texts::new()),
            Kind::StringMap => {
                Self::StringMap(StringMap { ends: Ends::new(), names: Texts::new(), texts: Texts::new() })
            }
            Kind::Struct(columns) => Self::Object(Object::new(columns)),
            Kind::List(element) => Self::List(List { ends: Ends::new(), element: Box::new(Self::new(element)) }),
        }
    }

    /// One behind the last row that has a value.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Int32(values) => values.len(),
            Self::Int64(values) | Self::Timestamp(values) => values.len(),
            Self::Boolean(values) => values.len(),
            Self::Double(values) => values.len(),
            Self::Text(texts) | Self::Json(texts) => texts.len(),
            Self::StringMap(map) => map.ends.len(),
            Self::Object(object) => object.presence.len(),
            Self::List(list) => list.ends.len(),
        }
    }

    /// Takes back what `row` and those behind it have got, down to what was left unfinished.
    pub(super) fn truncate(&mut self, row: usize) {
        match self {
            Self::Int32(values) => values.truncate(row),
            Self::Int64(values) | Self::Timestamp(values) => values.truncate(row),
            Self::Boolean(values) => values.truncate(row),
            Self::Double(values) => values.truncate(row),
            Self::Text(texts) | Self::Json(texts) => texts.truncate(row),
            Self::StringMap(map) => map.truncate(row),
            Self::Object(object) => object.truncate(row),
            Self::List(list) => list.truncate(row),
        }
    }
}

impl Object {
    pub(super) fn new(columns: &[Declared]) -> Self {
        let property = |(at, column): (usize, &Declared)| Property {
            name: column.name,
            written: format!("\"{}\":", column.name),
            column: Column::new(&column.kind),
            next: at + 1,
        };
        let properties: Vec<_> = columns.iter().enumerate().map(property).collect();
        let tags = columns.iter().map(|column| tag(column.name)).collect();
        Self { presence: Presence::new(), properties, tags }
    }

    /// The property that is likely to come behind the one `before`: it did in the record before.
    pub(super) fn expected(&self, before: Option<usize>) -> usize {
        before.map_or(0, |before| self.properties.get(before).map_or(0, |before| before.next))
    }

    /// Where a property is that came behind the one `before`, which is remembered. Records mostly have theirs in the order of
    /// the columns and lack some, so the search begins there.
    pub(super) fn position(&mut self, name: &str, before: Option<usize>) -> Option<usize> {
        let wanted = tag(name);
        let is = |at: &usize| self.tags[*at] == wanted && self.properties[*at].name == name;
        let start = before.map_or(0, |before| before + 1);
        let at = (start..self.tags.len()).find(is).or_else(|| (0..start).find(is))?;
        if let Some(before) = before.and_then(|before| self.properties.get_mut(before)) {
            before.next = at;
        }
        Some(at)
    }

    /// The integer that `row` has in the property at `at`.
    pub(super) fn integer(&self, at: usize, row: usize) -> Option<i64> {
        match &self.properties.get(at)?.column {
            Column::Int32(values) if values.len() == row + 1 => values.last().map(i64::from),
            Column::Int64(values) if values.len() == row + 1 => values.last(),
            _ => None,
        }
    }

    pub(super) fn truncate(&mut self, row: usize) {
        self.presence.truncate(row);
        self.properties.iter_mut().for_each(|property| property.column.truncate(row));
    }
}

/// The last eight bytes of a name: names that begin alike are many, those that end alike few.
fn tag(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let short = || bytes.iter().fold(0, |tag, byte| tag << 8 | u64::from(*byte));
    bytes.last_chunk().map_or_else(short, |last| u64::from_be_bytes(*last))
}

impl List {
    fn truncate(&mut self, row: usize) {
        self.ends.truncate(row);
        self.element.truncate(self.ends.last());
    }
}

impl StringMap {
    /// Adds an entry to the map that isn't ended yet.
    pub(super) fn push(&mut self, name: &str, text: &str) {
        let entry = self.names.len();
        self.names.push(entry, name);
        self.texts.push(entry, text);
    }

    /// Takes the entry with this name out of the map that isn't ended yet.
    pub(super) fn forget(&mut self, name: &str) {
        let mut unfinished = self.ends.last()..self.names.len();
        if let Some(entry) = unfinished.find(|entry| self.names.get(*entry) == name.as_bytes()) {
            self.names.remove(entry);
            self.texts.remove(entry);
        }
    }

    fn truncate(&mut self, row: usize) {
        self.ends.truncate(row);
        self.names.truncate(self.ends.last());
        self.texts.truncate(self.ends.last());
    }
}
