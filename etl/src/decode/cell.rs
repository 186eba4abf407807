//! A value that fits its column, on its way into the column.

use std::borrow::Cow;

use serde::ser::{SerializeMap, SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};

use super::shape::Object;

/// A value that fits its column. `Null` stands for absent, null and rescued alike.
#[derive(Debug)]
pub(super) enum Cell<'de, 's> {
    Null,
    Boolean(bool),
    Int32(i32),
    Int64(i64),
    Double(f64),
    Micros(i64),
    Text(Cow<'de, str>),
    StringMap(Vec<(Cow<'de, str>, Cow<'de, str>)>),
    Object(&'s Object, Vec<Cell<'de, 's>>),
    List(Vec<Cell<'de, 's>>),
}

impl Serialize for Cell<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::Int32(value) => serializer.serialize_i32(*value),
            Self::Int64(value) | Self::Micros(value) => serializer.serialize_i64(*value),
            Self::Double(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::StringMap(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key.as_ref(), value.as_ref())?;
                }
                map.end()
            }
            Self::Object(object, cells) => {
                let mut fields = serializer.serialize_struct("object", cells.len())?;
                for ((name, _), cell) in object.properties.iter().zip(cells) {
                    fields.serialize_field(name, cell)?;
                }
                fields.end()
            }
            Self::List(cells) => {
                let mut list = serializer.serialize_seq(Some(cells.len()))?;
                for cell in cells {
                    list.serialize_element(cell)?;
                }
                list.end()
            }
        }
    }
}
