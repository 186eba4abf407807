//! One collection under paths that are spelled in more than one way.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::object_at;
use crate::document::METHODS;
use crate::error::Result;

/// Extension with the path of an operation as its collection is spelled elsewhere. It is called by its own path.
pub(crate) const SPELLED: &str = "x-spelled";

/// Operations whose path is spelled in another way than that of others get one spelling for all beside their own.
pub(super) fn one_collection(root: &mut Value) -> Result<usize> {
    let Some(paths) = object_at(root, &["paths"]) else { return Ok(0) };
    let mut spellings = Spellings::default();
    for path in paths.keys() {
        spellings.learn(path);
    }
    let mut places = 0;
    for (path, item) in paths.iter_mut() {
        let Some(spelled) = spellings.of(path).filter(|spelled| spelled != path) else { continue };
        let Some(item) = item.as_object_mut() else { continue };
        for (_, operation) in item.iter_mut().filter(|(method, _)| METHODS.contains(&method.as_str())) {
            if let Some(operation) = operation.as_object_mut() {
                places += usize::from(operation.insert(SPELLED.to_owned(), json!(spelled)).is_none());
            }
        }
    }
    Ok(places)
}

/// One spelling of each segment, the one with the later capital: most paths are written in small letters.
#[derive(Default)]
struct Spellings {
    /// Path in lower case, up to and with a segment -> that segment.
    segments: BTreeMap<String, String>,
    /// Paths in lower case that don't end with a slash.
    without_slash: BTreeSet<String>,
}

impl Spellings {
    fn learn(&mut self, path: &str) {
        let mut above = String::new();
        for segment in path.trim_end_matches('/').split('/') {
            above = format!("{above}/{}", folded(segment));
            let known = self.segments.entry(above.clone()).or_default();
            if known.as_str() < segment {
                segment.clone_into(known);
            }
        }
        if !path.ends_with('/') {
            self.without_slash.insert(above);
        }
    }

    /// The one spelling of a path; a slash at the end is part of it where no other path goes without.
    fn of(&self, path: &str) -> Option<String> {
        let mut above = String::new();
        let mut segments = Vec::new();
        for segment in path.trim_end_matches('/').split('/') {
            above = format!("{above}/{}", folded(segment));
            // What a parameter is called is no spelling.
            segments.push(if segment.starts_with('{') { segment } else { self.segments.get(&above)? });
        }
        let slash = if path.ends_with('/') && !self.without_slash.contains(&above) { "/" } else { "" };
        Some(segments.join("/") + slash)
    }
}

fn folded(segment: &str) -> String {
    if segment.starts_with('{') { "{}".to_owned() } else { segment.to_ascii_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::Spellings;

    #[test]
    fn small_letters_count() {
        let mut spellings = Spellings::default();
        let paths = ["/a/Bc", "/a/bC/{id}", "/a/d", "/a/d/", "/a/e/", "/a/{parentId}/F", "/a/{id}/f/{id}"];
        paths.iter().for_each(|path| spellings.learn(path));
        let spelled = paths.map(|path| spellings.of(path).unwrap());
        assert_eq!(spelled, ["/a/bC", "/a/bC/{id}", "/a/d", "/a/d", "/a/e/", "/a/{parentId}/f", "/a/{id}/f/{id}"]);
    }
}
