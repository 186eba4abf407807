//! What had no place in a record.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// A place in a record, known by the steps that lead to it. It is only written out when something is kept there.
#[derive(Debug, Clone, Copy)]
pub(super) enum Path<'p> {
    Root,
    Property(&'p Path<'p>, &'p str),
    Element(&'p Path<'p>, usize),
}

impl Path<'_> {
    /// As JSON pointer.
    fn pointer(&self) -> String {
        let (mut pointer, step) = match self {
            Self::Root => return String::new(),
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
}

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
        let mut text = String::from("{");
        for (pointer, value) in &self.values {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(&serde_json::Value::from(pointer.as_str()).to_string());
            text.push(':');
            text.push_str(value);
        }
        text.push('}');
        (!self.values.is_empty()).then_some(text)
    }

    pub(super) fn keep(&mut self, path: &Path<'_>, value: &'de str) {
        self.values.insert(path.pointer(), value);
    }

    /// Drops what is kept at a place and below: the last of several equal keys counts, as everywhere in JSON.
    pub(super) fn forget(&mut self, path: &Path<'_>) {
        let place = path.pointer();
        let below = format!("{place}/");
        self.values.remove(&place);
        let gone = self.values.range(below.clone()..).map(|(pointer, _)| pointer.clone());
        for pointer in gone.take_while(|pointer| pointer.starts_with(&below)).collect::<Vec<_>>() {
            self.values.remove(&pointer);
        }
    }
}
