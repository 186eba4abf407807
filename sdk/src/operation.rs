//! Types of the generated [`operations`](crate::operations) that aren't records.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};

use crate::reason::Reason;
use crate::{Error, Result};

/// One value in a path: it isn't empty, has no slash, and doesn't lead to another path.
///
/// ```
/// use connectwise_sdk::operation::Segment;
///
/// assert!(Segment::try_from("jdoe").is_ok());
/// assert!(Segment::try_from("../companies").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment(String);

impl TryFrom<String> for Segment {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let problem = match text.as_str() {
            "" => "would have an empty part: give a value for each part of the path",
            "." | ".." => "leaves the API root",
            text if text.contains(['/', '?', '#', '{', '}']) => {
                "would have a part with `/`, `?`, `#` or braces, which the API can't tell from the path"
            }
            // Addresses leave out tabs and line breaks, so that two dots with one between them would climb.
            text if text.contains(char::is_control) => {
                "would have a part with control characters, which an address can't carry"
            }
            _ => return Ok(Self(text)),
        };
        Err(Error::new(Reason::Path { path: text, problem }))
    }
}

impl TryFrom<&str> for Segment {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        Self::try_from(text.to_owned())
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Records, whether the server sends an array of them or one by itself: what the interface document declares as the one can be
/// the other.
#[derive(Debug, Clone, PartialEq)]
pub struct OneOrMany<T>(Vec<T>);

impl<T> OneOrMany<T> {
    /// The records.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T> Deref for OneOrMany<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> IntoIterator for OneOrMany<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a record or an array of records")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, records: A) -> std::result::Result<Vec<T>, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(records))
            }

            fn visit_map<A: MapAccess<'de>>(self, record: A) -> std::result::Result<Vec<T>, A::Error> {
                Ok(vec![T::deserialize(MapAccessDeserializer::new(record))?])
            }
        }

        deserializer.deserialize_any(Either(PhantomData)).map(Self)
    }
}
