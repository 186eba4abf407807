//! A record as the server sent it.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::value::RawValue;

use crate::split;

/// The JSON text of one record, without white space around it. It was checked to its last byte, and not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordText<'a>(Cow<'a, str>);

impl<'a> RecordText<'a> {
    /// The elements of a JSON array, or `None` if it isn't one, or not all of it is JSON.
    #[must_use]
    pub fn split(array: &'a [u8]) -> Option<Vec<Self>> {
        pieces(array, &split::split(array)?)
    }

    /// The text.
    #[must_use]
    pub fn get(&self) -> &str {
        &self.0
    }

    /// A copy that outlives its page.
    #[must_use]
    pub fn into_owned(self) -> RecordText<'static> {
        RecordText(Cow::Owned(self.0.into_owned()))
    }
}

impl<'a> From<&'a RawValue> for RecordText<'a> {
    fn from(value: &'a RawValue) -> Self {
        Self(Cow::Borrowed(value.get()))
    }
}

impl<'a> From<&'a Box<RawValue>> for RecordText<'a> {
    fn from(value: &'a Box<RawValue>) -> Self {
        Self(Cow::Borrowed(value.get()))
    }
}

impl<'a> From<&'a RecordText<'_>> for RecordText<'a> {
    fn from(value: &'a RecordText<'_>) -> Self {
        Self(Cow::Borrowed(value.get()))
    }
}

/// The pieces that were found in an array, as texts.
pub(crate) fn pieces<'a>(array: &'a [u8], found: &[Range<usize>]) -> Option<Vec<RecordText<'a>>> {
    let array = std::str::from_utf8(array).ok()?;
    found.iter().map(|range| array.get(range.clone()).map(|text| RecordText(Cow::Borrowed(text)))).collect()
}
