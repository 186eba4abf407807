//! A document of forty lines that has one of everything.

#![allow(dead_code, reason = "every test file takes what it needs")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use connectwise_codegen::{Api, Document, Generated, Lake, Result, Selection, Sources};

pub(crate) const DOCUMENT: &[u8] = include_bytes!("connectwise-psa-1.0.json");
pub(crate) const API: &str = include_str!("api.toml");
pub(crate) const LAKE: &str = include_str!("lake.toml");

pub(crate) fn document() -> Document {
    Document::parse("tiny.json", DOCUMENT).unwrap()
}

pub(crate) fn sources(api: &str, lake: &str, document: &[u8]) -> Result<Sources> {
    let api = Api::parse(Path::new("api.toml"), api)?;
    let lake = Lake::parse(Path::new("lake.toml"), lake)?;
    Sources::new(api, lake, "tiny.json", document.to_vec())
}

/// Everything that is generated.
pub(crate) fn generate(sources: &Sources) -> Result<Generated> {
    connectwise_codegen::generate(sources, &Selection::full(&sources.api))
}

/// What generating from changed sources complains about first; what is only left over is told beside what is generated.
pub(crate) fn complaint(api: &str, lake: &str, document: &[u8]) -> String {
    match sources(api, lake, document).and_then(|sources| generate(&sources)) {
        Err(error) => error.to_string(),
        Ok(generated) => format!("left over: {}", generated.left_over[0]),
    }
}

/// The document with one text replaced by another.
pub(crate) fn with(old: &str, new: &str) -> Vec<u8> {
    let text = String::from_utf8(DOCUMENT.to_vec()).unwrap();
    assert!(text.contains(old), "the tiny document has no {old}");
    text.replacen(old, new, 1).into_bytes()
}
