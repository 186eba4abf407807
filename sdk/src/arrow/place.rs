//! Where in a record a value stands, and what the column [`_rescued`](super::RESCUED) holds of it: for whoever fills that column in
//! another way.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// A place, known by the steps that lead to it. It is only written out when there is something to say about it.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// The record itself.
    Record,
    /// A property of an object.
    Property(&'a Place<'a>, &'a str),
    /// An element of an array, from 0.
    Element(&'a Place<'a>, usize),
}

/// The text of the column [`_rescued`](super::RESCUED), from JSON pointers and the JSON texts of the values there; `None` where
/// nothing is rescued.
#[must_use]
pub fn rescued<T: AsRef<str>>(values: &BTreeMap<String, T>) -> Option<String> {
    let mut text = String::from("{");
    for (pointer, value) in values {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&serde_json::Value::from(pointer.as_str()).to_string());
        text.push(':');
        text.push_str(value.as_ref());
    }
    text.push('}');
    (!values.is_empty()).then_some(text)
}

impl Place<'_> {
    /// As a JSON pointer: `/company/id`.
    #[must_use]
    pub fn pointer(&self) -> String {
        let (mut pointer, step) = match self {
            Self::Record => return String::new(),
            Self::Property(above, name) if name.contains(['~', '/']) => {
                (above.pointer(), Cow::Owned(name.replace('~', "~0").replace('/', "~1")))
            }
            Self::Property(above, name) => (above.pointer(), Cow::Borrowed(*name)),
            Self::Element(above, index) => (above.pointer(), Cow::Owned(index.to_string())),
        };
        pointer.push('/');
        pointer.push_str(&step);
        pointer
    }

    /// As errors name it: `company.id`, and `.` for the record itself.
    pub(super) fn path(&self) -> String {
        match self {
            Self::Record => ".".to_owned(),
            Self::Property(Self::Record, name) => (*name).to_owned(),
            Self::Property(above, name) => format!("{}.{name}", above.path()),
            Self::Element(Self::Record, index) => format!("[{index}]"),
            Self::Element(above, index) => format!("{}[{index}]", above.path()),
        }
    }
}

/// Why a value can be neither stored nor given back, and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    pub(super) path: String,
    pub(super) expected: String,
}

impl Misfit {
    pub(super) fn at(place: &Place<'_>, expected: &str) -> Self {
        Self { path: place.path(), expected: format!("expected {expected}") }
    }
}
