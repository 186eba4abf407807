//! From what is checked in to the text that the SDK includes.

use std::collections::BTreeMap;
use std::path::Path;

use crate::api::Api;
use crate::catalog;
use crate::document::Document;
use crate::error::{Error, Kind, Result};
use crate::fixups::{self, Bite};
use crate::lake::Lake;
use crate::render;
use crate::schema::Schemas;

/// Longest generated file.
pub const MAX_LINES: usize = 5_000;

/// What is checked in under `openapi/`.
#[derive(Debug, Clone)]
pub struct Sources {
    /// `api.toml`.
    pub api: Api,
    /// `lake.toml`.
    pub lake: Lake,
    /// The pinned document, as it is.
    pub document: Document,
    pub(crate) document_text: Vec<u8>,
}

/// Generated text by file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// File name -> Rust text.
    pub files: BTreeMap<String, String>,
    /// What each fixup changed.
    pub bites: Vec<Bite>,
}

impl Sources {
    /// Reads a folder with `api.toml`, `lake.toml` and the pinned document.
    ///
    /// # Errors
    /// When one of them cannot be read or is not valid.
    pub fn read(folder: &Path) -> Result<Self> {
        let api = Api::read(&folder.join("api.toml"))?;
        let lake = Lake::read(&folder.join("lake.toml"))?;
        let file = folder.join(api.document_file());
        let document_text = std::fs::read(&file).map_err(|source| Error::read(&file, source))?;
        let document = Document::parse(&file.display().to_string(), &document_text)?;
        Ok(Self { api, lake, document, document_text })
    }
}

/// Generates everything for the feature `lake`.
///
/// # Errors
/// When the document or the configuration does not allow it; the error says where.
pub fn generate(sources: &Sources) -> Result<Generated> {
    let (document, bites) = fixups::repair(&sources.document, &sources.api.exclusions)?;
    for operation in document.operations()? {
        sources.api.module(operation.path)?;
    }
    let schemas = Schemas::reachable(&document, sources.lake.entities.iter().map(|entity| entity.name.as_str()))?;
    let tables = catalog::resolve(&sources.lake, &document, &schemas)?;
    let mut files = BTreeMap::new();
    files.insert("version.rs".to_owned(), render::version(sources.document.version()?));
    files.insert("lake.rs".to_owned(), render::catalog::render(&tables));
    for (file, text) in &files {
        let lines = text.lines().count();
        if lines > MAX_LINES {
            return Err(Kind::TooLong { file: file.clone(), lines, limit: MAX_LINES }.into());
        }
    }
    Ok(Generated { files, bites })
}
