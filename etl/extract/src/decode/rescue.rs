//! What had no place in a record.

use std::collections::BTreeMap;

use connectwise_sdk::arrow::place::{Place, rescued};

/// JSON pointer -> value, as the JSON text that it was.
#[derive(Debug, Default)]
pub(super) struct Rescue<'de> {
    values: BTreeMap<String, &'de str>,
}

impl<'de> Rescue<'de> {
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The rescued values as one JSON object, `None` when there are none.
    pub(super) fn into_text(self) -> Option<String> {
        rescued(&self.values)
    }

    pub(super) fn keep(&mut self, path: &Place<'_>, value: &'de str) {
        self.values.insert(path.pointer(), value);
    }

    /// Drops what is kept at a place and below: the last of several equal keys counts, as everywhere in JSON.
    pub(super) fn forget(&mut self, path: &Place<'_>) {
        let place = path.pointer();
        let below = format!("{place}/");
        self.values.remove(&place);
        let gone = self.values.range(below.clone()..).map(|(pointer, _)| pointer.clone());
        for pointer in gone.take_while(|pointer| pointer.starts_with(&below)).collect::<Vec<_>>() {
            self.values.remove(&pointer);
        }
    }
}
