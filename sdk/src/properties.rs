//! How records are read and written: one visitor for all record types, each of which only knows its properties.
//!
//! serde's derive would give every type a visitor of its own, one for the names of its fields, and a buffer for what it
//! doesn't know: many times the code, for everybody who compiles it.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::extra::Extra;

/// A record type, seen from outside: names of properties and places for their values.
pub(crate) trait Properties: Default {
    /// What errors call it.
    const TYPE: &'static str;

    /// Reads the value of a property. `false` if there is none of this name; its value is then still to be read.
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error>;

    /// The place for all others.
    fn extra(&mut self) -> &mut Extra;
}

/// Reads a record: null is absence, and what the type doesn't know is kept.
pub(crate) fn read<'de, T: Properties, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(RecordVisitor(PhantomData))
}

struct RecordVisitor<T>(PhantomData<T>);

impl<'de, T: Properties> Visitor<'de> for RecordVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "struct {}", T::TYPE)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut record = T::default();
        while let Some(Name(name)) = map.next_key()? {
            if !record.read(&name, &mut map)? {
                let value = map.next_value()?;
                record.extra().insert(name.into_owned(), value);
            }
        }
        Ok(record)
    }
}

/// The name of a property, borrowed where the input has it in one piece.
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a property")
            }

            fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }

        deserializer.deserialize_identifier(NameVisitor)
    }
}

/// Reads and writes a type whose fields are options, but for `extra`.
#[allow(unused_macros, reason = "not every module has records")]
macro_rules! properties {
    ($ty:ident { $($field:ident = $name:literal,)* }) => {
        impl $crate::properties::Properties for $ty {
            const TYPE: &'static str = stringify!($ty);

            fn read<'de, A: ::serde::de::MapAccess<'de>>(
                &mut self,
                name: &str,
                map: &mut A,
            ) -> ::std::result::Result<bool, A::Error> {
                match name {
                    $($name => self.$field = map.next_value()?,)*
                    _ => return Ok(false),
                }
                Ok(true)
            }

            fn extra(&mut self) -> &mut $crate::extra::Extra {
                &mut self.extra
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $ty {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                $crate::properties::read(deserializer)
            }
        }

        impl ::serde::Serialize for $ty {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                use ::serde::ser::SerializeMap as _;

                let mut map = serializer.serialize_map(None)?;
                $(if let Some(value) = &self.$field {
                    map.serialize_entry($name, value)?;
                })*
                for (name, value) in self.extra.iter() {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    };
}

#[allow(unused_imports, reason = "not every module has records")]
pub(crate) use properties;
