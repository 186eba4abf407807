//! One walk over a record: what fits its column becomes a cell, the rest is rescued.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq, SerializeStruct};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::shape::{Object, Shape};
use super::time::{self, Instant};

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

/// What had no place in a record: JSON pointer -> value.
#[derive(Debug, Default)]
pub(super) struct Rescue {
    pub(super) values: Map<String, Value>,
    path: String,
}

impl Rescue {
    fn keep(&mut self, value: Value) {
        self.values.insert(self.path.clone(), value);
    }

    /// Runs `walk` one step deeper, with the step escaped as JSON pointers are.
    fn at<T>(&mut self, step: &str, walk: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        self.path.push('/');
        if step.contains(['~', '/']) {
            self.path.push_str(&step.replace('~', "~0").replace('/', "~1"));
        } else {
            self.path.push_str(step);
        }
        let result = walk(self);
        self.path.truncate(length);
        result
    }

    /// Drops what is kept at the current place and below: the last of several equal keys counts, as everywhere in JSON.
    fn forget(&mut self) {
        let below = format!("{}/", self.path);
        self.values.retain(|path, _| *path != self.path && !path.starts_with(&below));
    }
}

/// Walks one value along its shape.
pub(super) struct Walk<'s, 'r> {
    pub(super) shape: &'s Shape,
    pub(super) rescue: &'r mut Rescue,
}

impl<'de, 's> DeserializeSeed<'de> for Walk<'s, '_> {
    type Value = Cell<'de, 's>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if matches!(self.shape, Shape::Json) {
            let raw = <&'de RawValue>::deserialize(deserializer)?.get();
            return Ok(if raw == "null" { Cell::Null } else { Cell::Text(Cow::Borrowed(raw)) });
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de, 's> Walk<'s, '_> {
    fn misfit(self, value: impl Into<Value>) -> Cell<'de, 's> {
        self.rescue.keep(value.into());
        Cell::Null
    }

    fn text(self, text: Cow<'de, str>) -> Cell<'de, 's> {
        match self.shape {
            Shape::Text => Cell::Text(text),
            Shape::Timestamp => match time::parse(&text) {
                Instant::Canonical(micros) => Cell::Micros(micros),
                Instant::Other(micros) => {
                    self.rescue.keep(text.into_owned().into());
                    Cell::Micros(micros)
                }
                Instant::None => self.misfit(text.into_owned()),
            },
            _ => self.misfit(text.into_owned()),
        }
    }
}

/// Integers up to this size are exact in a double.
const EXACT: i64 = 1 << 53;

impl<'de, 's> Visitor<'de> for Walk<'s, '_> {
    type Value = Cell<'de, 's>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(Cell::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(if matches!(self.shape, Shape::Boolean) { Cell::Boolean(value) } else { self.misfit(value) })
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(match self.shape {
            Shape::Int32 => match i32::try_from(value) {
                Ok(value) => Cell::Int32(value),
                Err(_) => self.misfit(value),
            },
            Shape::Int64 => Cell::Int64(value),
            Shape::Double if (-EXACT..=EXACT).contains(&value) => Cell::Double(value as f64),
            _ => self.misfit(value),
        })
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Self::Value, E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => Ok(self.misfit(value)),
        }
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(match self.shape {
            Shape::Double => Cell::Double(value),
            // `5.0` is the integer 5; `5.5` and what is too large for a float to be exact are not.
            Shape::Int32 | Shape::Int64 if value.fract() == 0.0 && value.abs() <= EXACT as f64 => {
                return self.visit_i64(value as i64);
            }
            _ => self.misfit(value),
        })
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(self.text(Cow::Borrowed(value)))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(self.text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let Shape::List(element) = self.shape else {
            let mut values = Vec::new();
            while let Some(value) = seq.next_element::<Value>()? {
                values.push(value);
            }
            return Ok(self.misfit(values));
        };
        let mut cells = Vec::with_capacity(seq.size_hint().unwrap_or_default());
        loop {
            let step = cells.len().to_string();
            let cell = self.rescue.at(&step, |rescue| seq.next_element_seed(Walk { shape: element, rescue }))?;
            match cell {
                // A null in a list is an element, unlike a null property.
                Some(cell) => cells.push(cell),
                None => return Ok(Cell::List(cells)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        match self.shape {
            Shape::Object(object) => {
                let mut cells: Vec<Option<Cell<'de, 's>>> = Vec::new();
                cells.resize_with(object.properties.len(), || None);
                while let Some(Key(name)) = map.next_key()? {
                    match object.position(&name).and_then(|at| Some((cells.get_mut(at)?, object.properties.get(at)?))) {
                        Some((cell, (_, shape))) => {
                            let again = cell.is_some();
                            *cell = Some(self.rescue.at(&name, |rescue| {
                                if again {
                                    rescue.forget();
                                }
                                map.next_value_seed(Walk { shape, rescue })
                            })?);
                        }
                        None => self.rescue.at(&name, |rescue| map.next_value().map(|value| rescue.keep(value)))?,
                    }
                }
                Ok(Cell::Object(object, cells.into_iter().map(|cell| cell.unwrap_or(Cell::Null)).collect()))
            }
            Shape::StringMap => {
                let mut entries: Vec<(Cow<'de, str>, Cow<'de, str>)> = Vec::new();
                while let Some(Key(name)) = map.next_key()? {
                    let value = self.rescue.at(&name, |rescue| {
                        rescue.forget();
                        map.next_value_seed(Walk { shape: &Shape::Text, rescue })
                    })?;
                    entries.retain(|(known, _)| *known != name);
                    if let Cell::Text(text) = value {
                        entries.push((name, text));
                    }
                }
                Ok(Cell::StringMap(entries))
            }
            _ => {
                let mut values = Map::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    values.insert(name, value);
                }
                Ok(self.misfit(values))
            }
        }
    }
}

/// A property name, borrowed where JSON allows.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl<'de> Visitor<'de> for Name {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a property name")
            }

            fn visit_borrowed_str<E: serde::de::Error>(self, value: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(value)))
            }

            fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(value.to_owned())))
            }
        }
        deserializer.deserialize_str(Name)
    }
}
