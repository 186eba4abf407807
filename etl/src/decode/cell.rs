//! One walk over a record: what fits its column becomes a cell, the rest is rescued.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq, SerializeStruct};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::number::{self, Double};
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

/// What had no place in a record: JSON pointer -> value, as the JSON text that it was.
#[derive(Debug, Default)]
pub(super) struct Rescue<'de> {
    values: BTreeMap<String, Cow<'de, str>>,
    path: String,
}

impl<'de> Rescue<'de> {
    /// The rescued values as one JSON object, `None` when there are none.
    pub(super) fn into_text(self) -> Option<String> {
        let mut text = String::from("{");
        for (pointer, value) in &self.values {
            if text.len() > 1 {
                text.push(',');
            }
            push_json_string(&mut text, pointer);
            text.push(':');
            text.push_str(value);
        }
        text.push('}');
        (!self.values.is_empty()).then_some(text)
    }

    fn keep(&mut self, value: impl Into<Cow<'de, str>>) {
        self.values.insert(self.path.clone(), value.into());
    }

    /// Runs `walk` one step deeper, with the step escaped as JSON pointers are.
    fn at<T>(&mut self, step: &str, walk: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        self.path.push('/');
        if step.bytes().any(|byte| matches!(byte, b'~' | b'/')) {
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

fn push_json_string(text: &mut String, value: &str) {
    text.push_str(&serde_json::Value::from(value).to_string());
}

/// Walks one value along its shape.
///
/// Scalars are taken as the text that they are, so that no digit is lost on the way. Objects and arrays are walked as
/// they are parsed; `exact` takes them as text first, which costs another pass and is only needed to rescue a number that
/// stands where one of them should.
pub(super) struct Walk<'s, 'r, 'de> {
    pub(super) shape: &'s Shape,
    pub(super) rescue: &'r mut Rescue<'de>,
    pub(super) exact: bool,
}

/// The parser has read a number that is to be rescued, and its text is gone: walk again, exactly.
pub(super) const INEXACT: &str = "a number has to be rescued as text";

impl<'de, 's> DeserializeSeed<'de> for Walk<'s, '_, 'de> {
    type Value = Cell<'de, 's>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let is_nested = matches!(self.shape, Shape::Object(_) | Shape::StringMap | Shape::List(_));
        if is_nested && !self.exact {
            return deserializer.deserialize_any(self);
        }
        let raw = <&'de RawValue>::deserialize(deserializer)?.get();
        if is_nested && raw.starts_with(['{', '[']) {
            return serde_json::Deserializer::from_str(raw).deserialize_any(self).map_err(D::Error::custom);
        }
        self.scalar(raw).map_err(D::Error::custom)
    }
}

impl<'de, 's> Walk<'s, '_, 'de> {
    fn misfit(self, json: impl Into<Cow<'de, str>>) -> Cell<'de, 's> {
        self.rescue.keep(json);
        Cell::Null
    }

    fn scalar(self, raw: &'de str) -> Result<Cell<'de, 's>, serde_json::Error> {
        if raw == "null" {
            return Ok(Cell::Null);
        }
        Ok(match self.shape {
            Shape::Json => Cell::Text(Cow::Borrowed(raw)),
            Shape::Text if raw.starts_with('"') => Cell::Text(unquote(raw)?),
            Shape::Timestamp if raw.starts_with('"') => match time::parse(&unquote(raw)?) {
                Instant::Canonical(micros) => Cell::Micros(micros),
                Instant::Other(micros) => {
                    self.rescue.keep(raw);
                    Cell::Micros(micros)
                }
                Instant::None => self.misfit(raw),
            },
            Shape::Boolean if raw == "true" => Cell::Boolean(true),
            Shape::Boolean if raw == "false" => Cell::Boolean(false),
            Shape::Int32 | Shape::Int64 | Shape::Double
                if raw.starts_with(|first: char| first == '-' || first.is_ascii_digit()) =>
            {
                self.number(raw)
            }
            _ => self.misfit(raw),
        })
    }

    fn number(self, raw: &'de str) -> Cell<'de, 's> {
        match self.shape {
            Shape::Int32 => match number::integer(raw).and_then(|value| i32::try_from(value).ok()) {
                Some(value) => Cell::Int32(value),
                None => self.misfit(raw),
            },
            Shape::Int64 => match number::integer(raw) {
                Some(value) => Cell::Int64(value),
                None => self.misfit(raw),
            },
            _ => match number::double(raw) {
                Double::Exact(value) => Cell::Double(value),
                Double::Near(value) => {
                    self.rescue.keep(raw);
                    Cell::Double(value)
                }
                Double::None => self.misfit(raw),
            },
        }
    }

    /// A property of the object that is walked.
    fn property<A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        name: &str,
        shape: &'s Shape,
        again: bool,
    ) -> Result<Cell<'de, 's>, A::Error> {
        let exact = self.exact;
        self.rescue.at(name, |rescue| {
            if again {
                rescue.forget();
            }
            map.next_value_seed(Walk { shape, rescue, exact })
        })
    }
}

/// The text of a JSON string.
fn unquote(raw: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    match raw.get(1..raw.len().saturating_sub(1)) {
        // Without escapes the text is what stands between the quotes.
        Some(inner) if !inner.contains('\\') => Ok(Cow::Borrowed(inner)),
        _ => serde_json::from_str(raw).map(Cow::Owned),
    }
}

/// Sees what the parser finds where an object or an array should be.
impl<'de, 's> Visitor<'de> for Walk<'s, '_, 'de> {
    type Value = Cell<'de, 's>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Cell::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(self.misfit(if value { "true" } else { "false" }))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(self.misfit(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(self.misfit(value.to_string()))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Err(E::custom(INEXACT))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        let mut json = String::new();
        push_json_string(&mut json, value);
        Ok(self.misfit(json))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let Shape::List(element) = self.shape else {
            let mut json = String::from("[");
            while let Some(item) = seq.next_element::<&'de RawValue>()? {
                if json.len() > 1 {
                    json.push(',');
                }
                json.push_str(item.get());
            }
            json.push(']');
            return Ok(self.misfit(json));
        };
        let mut cells = Vec::with_capacity(seq.size_hint().unwrap_or_default());
        loop {
            let (step, exact) = (cells.len().to_string(), self.exact);
            let cell = self.rescue.at(&step, |rescue| seq.next_element_seed(Walk { shape: element, rescue, exact }))?;
            match cell {
                // A null in a list is an element, unlike a null property.
                Some(cell) => cells.push(cell),
                None => return Ok(Cell::List(cells)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        match self.shape {
            Shape::Object(object) => {
                let mut cells: Vec<Option<Cell<'de, 's>>> = Vec::new();
                cells.resize_with(object.properties.len(), || None);
                while let Some(Key(name)) = map.next_key()? {
                    match object.position(&name).and_then(|at| Some((cells.get_mut(at)?, object.properties.get(at)?))) {
                        Some((cell, (_, shape))) => {
                            *cell = Some(self.property(&mut map, &name, shape, cell.is_some())?)
                        }
                        None => {
                            let value = map.next_value::<&'de RawValue>()?.get();
                            self.rescue.at(&name, |rescue| rescue.keep(value));
                        }
                    }
                }
                Ok(Cell::Object(object, cells.into_iter().map(|cell| cell.unwrap_or(Cell::Null)).collect()))
            }
            Shape::StringMap => {
                let mut entries: Vec<(Cow<'de, str>, Cow<'de, str>)> = Vec::new();
                while let Some(Key(name)) = map.next_key()? {
                    let again = entries.iter().position(|(known, _)| *known == name);
                    if let Some(at) = again {
                        entries.remove(at);
                    }
                    // A value that was rescued left no entry, so a second one is only known by what is rescued.
                    let again = again.is_some() || !self.rescue.values.is_empty();
                    if let Cell::Text(text) = self.property(&mut map, &name, &Shape::Text, again)? {
                        entries.push((name, text));
                    }
                }
                Ok(Cell::StringMap(entries))
            }
            _ => {
                let mut json = String::from("{");
                while let Some((Key(name), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    if json.len() > 1 {
                        json.push(',');
                    }
                    push_json_string(&mut json, &name);
                    json.push(':');
                    json.push_str(value.get());
                }
                json.push('}');
                Ok(self.misfit(json))
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

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(value.to_owned())))
            }
        }
        deserializer.deserialize_str(Name)
    }
}
