//! From what is checked in to the text that the SDK includes.

use std::collections::BTreeMap;
use std::path::Path;

use crate::api::Api;
use crate::catalog;
use crate::document::Document;
use crate::error::{Error, Result};
use crate::fixups::{self, Bite};
use crate::lake::Lake;
use crate::render;
use crate::resource::{self, Resource};
use crate::schema::Schemas;
use crate::secrets::Secrets;

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
    pub(crate) resources: Vec<Resource>,
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
        let text = std::fs::read(&file).map_err(|source| Error::read(&file, source))?;
        Self::new(api, lake, &file.display().to_string(), text)
    }

    /// Sources from memory; `name` is what errors call the document.
    ///
    /// # Errors
    /// When the text is not an OpenAPI 3.0 document.
    pub fn new(api: Api, lake: Lake, name: &str, document_text: Vec<u8>) -> Result<Self> {
        let document = Document::parse(name, &document_text)?;
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
    let resources = resource::resolve(&document, &tables)?;
    let secrets = Secrets::resolve(&document, &sources.api.models.secrets, &sources.lake)?;

    let mut files = BTreeMap::new();
    let mut parts = Vec::new();
    for (index, text) in render::split::split(render::models::render(&schemas, &secrets)?).into_iter().enumerate() {
        let part = format!("models_{}.rs", index + 1);
        files.insert(part.clone(), text);
        parts.push(part);
    }
    files.insert("enums.rs".to_owned(), render::enums::render(&schemas)?);
    parts.push("enums.rs".to_owned());
    files.insert("models.rs".to_owned(), render::index(&parts));
    let impls = render::resources::render(&resources, &schemas);
    files.insert("resources.rs".to_owned(), render::pretty("resources.rs", impls)?);
    files.insert("version.rs".to_owned(), render::version(sources.document.version()?));
    files.insert("lake.rs".to_owned(), render::catalog::render(&tables));
    Ok(Generated { files, bites, resources })
}
