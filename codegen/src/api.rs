//! `api.toml`: which document is pinned, which module a path belongs to, what is left out and why.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::document::Document;
use crate::error::{Error, Kind, Result};
use crate::json::pointer;

/// The contents of `api.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// The pinned document.
    pub document: Pin,
    /// First path segment -> name of the SDK module and Cargo feature.
    pub modules: BTreeMap<String, String>,
    /// What models must not show.
    #[serde(default)]
    pub models: Models,
    /// Records that are taken for each other.
    #[serde(default, rename = "look_alike")]
    pub look_alikes: Vec<LookAlikes>,
    /// Paths that are not generated.
    #[serde(default, rename = "exclude")]
    pub exclusions: Vec<Exclusion>,
}

/// Schemas with names that mislead, and what the records of each are.
pub type LookAlikes = BTreeMap<String, String>;

/// Which document the checked-in facts are, to the byte.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// Interface version, for example `2025.8`.
    pub version: String,
    /// SHA-256 of the facts file, in lower-case hex.
    pub sha256: String,
}

/// What models must not show.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Models {
    /// Property names (`*` patterns) of texts that `Debug` must not show.
    #[serde(default)]
    pub secrets: Vec<String>,
}

/// A path that is not generated.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// The path as the document writes it.
    pub path: String,
    /// Why it is left out.
    pub reason: String,
}

impl Api {
    /// Reads `api.toml`.
    ///
    /// # Errors
    /// When the file cannot be read or is not as described here.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::read(path, source))?;
        Self::parse(path, &text)
    }

    /// Reads the text of the file; `path` is what errors call it.
    ///
    /// # Errors
    /// When the text is not as described here.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|source| Error::config(path, text, source))
    }

    /// Name of the facts file of the pinned version.
    #[must_use]
    pub fn document_file(&self) -> String {
        document_file(&self.document.version)
    }

    /// Refuses a document none of whose paths belongs to a module.
    ///
    /// # Errors
    /// When the document describes another API.
    pub fn check_is_ours(&self, document: &Document) -> Result<()> {
        let operations = document.operations();
        let is_ours = operations.is_empty() || operations.iter().any(|operation| self.module(operation.path).is_ok());
        if is_ours { Ok(()) } else { Err(Kind::OtherApi { title: document.api.info.title.clone() }.into()) }
    }

    /// Module of a path.
    pub(crate) fn module(&self, path: &str) -> Result<&str> {
        let prefix = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        match self.modules.get(prefix) {
            Some(module) => Ok(module),
            None => {
                let prefix = prefix.to_owned();
                let pointer = pointer(&["paths", path]);
                Err(Kind::NoModule { prefix, path: path.to_owned(), pointer }.into())
            }
        }
    }
}

pub(crate) fn document_file(version: &str) -> String {
    format!("connectwise-psa-{version}.json")
}
