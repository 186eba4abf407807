//! A record as the server sent it.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::value::RawValue;

use crate::{nearly_json, split};

/// The JSON text of one record, without white space around it. It was checked to its last byte, and not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordText<'a> {
    text: Cow<'a, str>,
    /// Whether bytes that are no text were replaced.
    mended: bool,
    /// Whether it isn't JSON, although its neighbours are.
    broken: bool,
}

impl<'a> RecordText<'a> {
    /// The elements of a JSON array, or `None` if it isn't one, or not all of it is JSON.
    #[must_use]
    pub fn split(array: &'a [u8]) -> Option<Vec<Self>> {
        let array = nearly_json::without_bom(array);
        pieces(array, &split::split(array).ok()?, &[])
    }

    /// The text.
    #[must_use]
    pub fn get(&self) -> &str {
        &self.text
    }

    /// Whether the server sent bytes that aren't UTF-8. The text then has U+FFFD in their place: good enough to show, and
    /// not what was sent.
    #[must_use]
    pub fn is_mended(&self) -> bool {
        self.mended
    }

    /// Whether it isn't JSON, while the records around it are. The text is what was sent.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    fn of(text: &'a str) -> Self {
        Self { text: Cow::Borrowed(text), mended: false, broken: false }
    }

    /// A copy that outlives its page.
    #[must_use]
    pub fn into_owned(self) -> RecordText<'static> {
        RecordText { text: Cow::Owned(self.text.into_owned()), mended: self.mended, broken: self.broken }
    }
}

impl<'a> From<&'a RawValue> for RecordText<'a> {
    fn from(value: &'a RawValue) -> Self {
        Self::of(value.get())
    }
}

impl<'a> From<&'a Box<RawValue>> for RecordText<'a> {
    fn from(value: &'a Box<RawValue>) -> Self {
        Self::of(value.get())
    }
}

impl<'a> From<&'a RecordText<'_>> for RecordText<'a> {
    fn from(value: &'a RecordText<'_>) -> Self {
        Self { text: Cow::Borrowed(value.get()), mended: value.mended, broken: value.broken }
    }
}

/// The pieces that were found in an array, as texts; those with the numbers of `broken` aren't JSON.
pub(crate) fn pieces<'a>(array: &'a [u8], found: &[Range<usize>], broken: &[usize]) -> Option<Vec<RecordText<'a>>> {
    let mut pieces: Vec<RecordText<'a>> = match std::str::from_utf8(array) {
        // One look at all of it, as hardly any page has such bytes.
        Ok(text) => found.iter().map(|range| text.get(range.clone()).map(RecordText::of)).collect::<Option<_>>()?,
        Err(_) => {
            let mend = |range: &Range<usize>| {
                let text = String::from_utf8_lossy(array.get(range.clone())?);
                let mended = matches!(text, Cow::Owned(_));
                Some(RecordText { text, mended, broken: false })
            };
            found.iter().map(mend).collect::<Option<_>>()?
        }
    };
    for at in broken {
        pieces.get_mut(*at)?.broken = true;
    }
    Some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_that_is_no_text_is_its_own_records_trouble() {
        let array = b"[{\"id\":1,\"name\":\"\xff\"}, {\"id\":2,\"name\":\"\xc3\xa9\"}]";
        let records = RecordText::split(array).unwrap();
        let found: Vec<_> = records.iter().map(|record| (record.get(), record.is_mended())).collect();
        assert_eq!(found, [("{\"id\":1,\"name\":\"\u{fffd}\"}", true), ("{\"id\":2,\"name\":\"é\"}", false)]);
        assert_eq!(RecordText::split(b"[\xff]"), None);
    }
}
