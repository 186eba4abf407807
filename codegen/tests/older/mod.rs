//! An interface version before the pinned one, told as what the pinned one has more: a few kilobytes instead of three
//! megabytes, and checked to the byte.

#![allow(dead_code, reason = "every test file takes what it needs")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The way back from the pinned document.
#[derive(Deserialize, Serialize)]
pub(crate) struct Older {
    /// Version that it starts from.
    pub(crate) newer: String,
    /// Version that it ends at.
    pub(crate) version: String,
    /// SHA-256 of that version's facts.
    pub(crate) sha256: String,
    /// Places that have another value there.
    pub(crate) set: BTreeMap<String, Value>,
    /// Places that don't exist there.
    pub(crate) without: BTreeSet<String>,
}

/// Where the interface of the SDK is.
pub(crate) fn openapi() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi")
}

impl Older {
    pub(crate) fn read() -> Self {
        let file = openapi().join("older/2025.1.json");
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
    }

    /// What leads from `newer` back to `older`, both in the facts form.
    pub(crate) fn between(newer: &[u8], older: &[u8], sha256: String) -> Self {
        let older: Value = serde_json::from_slice(older).unwrap();
        let version = older["info"]["version"].as_str().unwrap().to_owned();
        let named: Value = serde_json::from_slice(newer).unwrap();
        let mut back = Self {
            newer: named["info"]["version"].as_str().unwrap().to_owned(),
            version,
            sha256,
            set: BTreeMap::new(),
            without: BTreeSet::new(),
        };
        let newer = back.renamed(newer);
        back.compare(&newer, &older, "");
        back
    }

    fn compare(&mut self, newer: &Value, older: &Value, pointer: &str) {
        let (Value::Object(new), Value::Object(old)) = (newer, older) else {
            if newer != older {
                self.set.insert(pointer.to_owned(), older.clone());
            }
            return;
        };
        let at = |key: &str| format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
        for (key, value) in old {
            match new.get(key) {
                Some(other) => self.compare(other, value, &at(key)),
                None => drop(self.set.insert(at(key), value.clone())),
            }
        }
        self.without.extend(new.keys().filter(|key| !old.contains_key(*key)).map(|key| at(key)));
    }

    /// The older document, not yet in the facts form.
    pub(crate) fn document(&self, newer: &[u8]) -> Vec<u8> {
        let mut document = self.renamed(newer);
        let found = document["info"]["version"].clone();
        assert_eq!(
            found, self.version,
            "the pinned document is not {}: docs/bump.md says how to follow it",
            self.newer
        );
        for pointer in &self.without {
            let (parent, key) = split(pointer);
            let parent = document.pointer_mut(parent).and_then(Value::as_object_mut);
            parent.and_then(|parent| parent.remove(&key)).unwrap_or_else(|| panic!("there is no {pointer}"));
        }
        for (pointer, value) in &self.set {
            let (parent, key) = split(pointer);
            document.pointer_mut(parent).and_then(Value::as_object_mut).unwrap().insert(key, value.clone());
        }
        serde_json::to_vec(&document).unwrap()
    }

    /// The newer document under the older one's name: the media types of thousands of answers hold the version.
    fn renamed(&self, newer: &[u8]) -> Value {
        let text = std::str::from_utf8(newer).unwrap();
        let (from, to) = (&self.newer, &self.version);
        let text = text.replace(&format!("version={from}\""), &format!("version={to}\""));
        let text = text.replacen(&format!("\"version\": \"{from}\""), &format!("\"version\": \"{to}\""), 1);
        serde_json::from_str(&text).unwrap()
    }
}

/// The pointer of an object, and the key in it.
fn split(pointer: &str) -> (&str, String) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    (parent, key.replace("~1", "/").replace("~0", "~"))
}
