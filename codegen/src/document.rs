//! The interface document: operations and schemas, read with complaints that name the operation and the place.

use std::path::Path;

use serde_json::Value;

use crate::error::{Error, Kind, Result};
use crate::node::Node;

/// Methods an operation can have, in the order of the facts form.
pub(crate) const METHODS: [&str; 8] = ["delete", "get", "head", "options", "patch", "post", "put", "trace"];

/// An OpenAPI 3.0 document.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub(crate) root: Value,
}

/// One operation of the document.
#[derive(Debug, Clone)]
pub(crate) struct Operation<'a> {
    pub(crate) path: &'a str,
    pub(crate) method: &'a str,
    pub(crate) id: &'a str,
    pub(crate) node: Node<'a>,
}

impl Document {
    /// Reads a document from JSON text; `name` is what errors call it.
    ///
    /// # Errors
    /// When the text is not JSON, or not an OpenAPI 3.0 document.
    pub fn parse(name: &str, text: &[u8]) -> Result<Self> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let root: Value =
            serde_json::from_slice(text).map_err(|source| Kind::NotJson { name: name.to_owned(), source })?;
        let document = Self { root };
        let node = document.node();
        let found = node.require("openapi", "the OpenAPI version")?.text()?;
        if !found.starts_with("3.0") {
            return Err(Kind::NotOpenApi3 { found: found.to_owned() }.into());
        }
        document.version()?;
        Ok(document)
    }

    /// Reads a document from a file.
    ///
    /// # Errors
    /// When the file cannot be read, and as [`Document::parse`].
    pub fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read(file).map_err(|source| Error::read(file, source))?;
        Self::parse(&file.display().to_string(), &text)
    }

    pub(crate) fn node(&self) -> Node<'_> {
        Node::root(&self.root)
    }

    /// Version of the interface, for example `2025.8`.
    ///
    /// # Errors
    /// When `info/version` is missing or could not be part of a file name.
    pub fn version(&self) -> Result<&str> {
        let version = self.node().require("info", "an object")?.require("version", "the interface version")?.text()?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if version.is_empty() || version.starts_with('.') || !version.chars().all(plain) {
            return Err(Kind::Version { version: version.to_owned() }.into());
        }
        Ok(version)
    }

    /// All operations, sorted by path and method.
    pub(crate) fn operations(&self) -> Result<Vec<Operation<'_>>> {
        let mut operations = Vec::new();
        for (path, item) in self.node().require("paths", "an object of paths")?.entries()? {
            for (method, node) in item.entries()? {
                if METHODS.contains(&method) {
                    let id = node.require("operationId", "the operation's id")?.text()?;
                    operations.push(Operation { path, method, id, node: node.of_operation(id) });
                }
            }
        }
        Ok(operations)
    }

    /// Number of operations.
    ///
    /// # Errors
    /// When the paths are not as OpenAPI has them.
    pub fn operation_count(&self) -> Result<usize> {
        Ok(self.operations()?.len())
    }

    /// A named schema.
    pub(crate) fn schema(&self, name: &str) -> Result<Node<'_>> {
        self.schemas()?.require(name, "the schema that others refer to")
    }

    pub(crate) fn schemas(&self) -> Result<Node<'_>> {
        self.node().require("components", "an object")?.require("schemas", "an object of schemas")
    }
}

/// A parameter of an operation's own, not one of the shared ones.
#[derive(Debug, Clone)]
pub(crate) struct Parameter<'a> {
    pub(crate) name: &'a str,
    pub(crate) place: &'a str,
    pub(crate) node: Node<'a>,
}

impl<'a> Operation<'a> {
    /// Parameters that are declared with the operation itself.
    pub(crate) fn parameters(&self) -> Result<Vec<Parameter<'a>>> {
        let mut parameters = Vec::new();
        for node in self.node.get("parameters").map(|node| node.items()).transpose()?.unwrap_or_default() {
            if node.get("$ref").is_none() {
                let name = node.require("name", "the parameter's name")?.text()?;
                let place = node.require("in", "where the parameter goes")?.text()?;
                parameters.push(Parameter { name, place, node });
            }
        }
        Ok(parameters)
    }

    /// Media type and schema of the body, and whether it must be there.
    pub(crate) fn body(&self) -> Result<Option<(&'a str, Option<Node<'a>>, bool)>> {
        let Some(body) = self.node.get("requestBody") else { return Ok(None) };
        let required = body.get("required").map(|node| node.flag()).transpose()?.unwrap_or(false);
        let content = body.require("content", "the media types of the body")?.entries()?;
        let json = content.iter().find(|(media, _)| is_json(media)).or(content.first());
        Ok(json.map(|(media, node)| (*media, node.get("schema"), required)))
    }

    /// Whether success is answered with bytes that are no JSON.
    pub(crate) fn is_download(&self) -> Result<bool> {
        for (status, response) in self.node.require("responses", "an object of responses")?.entries()? {
            if let Some(content) = response.get("content").filter(|_| status.starts_with('2')) {
                return Ok(content.entries()?.iter().all(|(media, _)| !is_json(media)));
            }
        }
        Ok(false)
    }

    /// Schema of the JSON answer to a successful request, if it declares one.
    pub(crate) fn answer(&self) -> Result<Option<Node<'a>>> {
        for (status, response) in self.node.require("responses", "an object of responses")?.entries()? {
            if !status.starts_with('2') {
                continue;
            }
            let Some(content) = response.get("content") else { continue };
            for (media, body) in content.entries()? {
                if is_json(media) {
                    return Ok(body.get("schema"));
                }
            }
        }
        Ok(None)
    }
}

pub(crate) fn is_json(media: &str) -> bool {
    let essence = media.split(';').next().unwrap_or(media).trim();
    essence == "application/json" || essence.ends_with("+json")
}

/// Name of the schema that a `$ref` points to.
pub(crate) fn reference<'a>(node: &Node<'a>) -> Result<Option<&'a str>> {
    let Some(target) = node.get("$ref") else { return Ok(None) };
    match target.text()?.strip_prefix("#/components/schemas/") {
        Some(name) => Ok(Some(name)),
        None => Err(target.expected("a reference into #/components/schemas/")),
    }
}
