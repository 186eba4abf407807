//! Releases before the pinned one, told as what the pinned one has more.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Document, Release};

/// The way back from the pinned document to one before it.
#[derive(Deserialize)]
pub(super) struct WayBack {
    newer: String,
    pub(super) version: String,
    /// Places that have another value there.
    set: BTreeMap<String, Value>,
    /// Places that don't exist there.
    without: Vec<String>,
}

/// The ways back that start from the pinned document; there is none yet behind a bump.
pub(super) fn ways_back() -> impl Iterator<Item = WayBack> {
    let read = |text: &&str| serde_json::from_str::<WayBack>(text).ok();
    connectwise_openapi::OLDER.iter().filter_map(read).filter(|way| way.newer == connectwise_openapi::VERSION)
}

impl WayBack {
    pub(super) fn document(self, release: Release) -> Result<Document, String> {
        let mut document: Value =
            serde_json::from_str(connectwise_openapi::DOCUMENT).map_err(|error| error.to_string())?;
        let mut absent = Vec::new();
        for pointer in &self.without {
            place(&mut document, pointer, |parent, key| drop(parent.remove(key)));
            if let ["", "components", "schemas", schema, "properties", property] = steps(pointer)[..] {
                absent.push((&*String::leak(unescaped(schema)), &*String::leak(unescaped(property))));
            }
        }
        for (pointer, value) in self.set {
            place(&mut document, &pointer, |parent, key| drop(parent.insert(key.to_owned(), value)));
        }
        Document::read(String::leak(document.to_string()), release, absent)
    }
}

fn steps(pointer: &str) -> Vec<&str> {
    pointer.split('/').collect()
}

fn unescaped(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

fn place(document: &mut Value, pointer: &str, change: impl FnOnce(&mut serde_json::Map<String, Value>, &str)) {
    let Some((parent, key)) = pointer.rsplit_once('/') else { return };
    if let Some(Value::Object(parent)) = document.pointer_mut(parent) {
        change(parent, &unescaped(key));
    }
}
