//! Any ConnectWise PSA OpenAPI document becomes the facts form: no prose, sorted, one line a property and one a part of an
//! operation. The same input gives the same bytes, and the facts form is its own import.

mod fact;
mod parameters;
mod pin;
mod schema;

use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::api::{Api, document_file};
use crate::document::{Document, METHODS};
use crate::error::{Error, Result};
use crate::node::Node;
use fact::Fact;
use parameters::Shared;

/// What an import wrote.
#[derive(Debug, Clone, Serialize)]
pub struct Imported {
    /// Interface version.
    pub version: String,
    /// Facts file.
    pub file: PathBuf,
    /// SHA-256 of the facts file, now pinned in `api.toml`.
    pub sha256: String,
    /// Operations of the document.
    pub operations: usize,
    /// Whether the input was in the facts form already, to the byte.
    pub unchanged: bool,
}

/// Imports a document into a folder: writes the facts file and pins it in the folder's `api.toml`.
///
/// # Errors
/// When the file cannot be read, is not an OpenAPI 3.0 document, or the folder cannot be written; nothing is written
/// unless the whole document could be read.
pub fn import(file: &Path, folder: &Path) -> Result<Imported> {
    let text = std::fs::read(file).map_err(|source| Error::read(file, source))?;
    let document = Document::parse(&file.display().to_string(), &text)?;
    let version = document.version()?.to_owned();
    let facts = facts(&document)?;
    let sha256 = sha256(facts.as_bytes());
    let target = folder.join(document_file(&version));
    let api = folder.join("api.toml");
    let pinned = match std::fs::read_to_string(&api) {
        Ok(text) => pin::pin(&text, &version, &sha256),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => pin::fresh(&document, &version, &sha256)?,
        Err(source) => return Err(Error::read(&api, source)),
    };
    Api::parse(&api, &pinned)?;
    std::fs::create_dir_all(folder).map_err(|source| Error::write(folder, source))?;
    std::fs::write(&target, &facts).map_err(|source| Error::write(&target, source))?;
    std::fs::write(&api, &pinned).map_err(|source| Error::write(&api, source))?;
    let operations = document.operation_count()?;
    Ok(Imported { version, file: target, sha256, operations, unchanged: facts.as_bytes() == text })
}

/// SHA-256 in lower-case hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The document in the facts form.
///
/// # Errors
/// When a part of the document is not as OpenAPI 3.0 has it; the error names the operation and the JSON pointer.
pub fn facts(document: &Document) -> Result<String> {
    let root = document.node();
    let info = root.require("info", "an object")?;
    let mut top = vec![("openapi", Fact::text(root.require("openapi", "the OpenAPI version")?.text()?))];
    let title = info.require("title", "the title of the interface")?.text()?;
    top.push(("info", Fact::inline([("title", Fact::text(title)), ("version", Fact::text(document.version()?))])));
    if let Some(servers) = root.get("servers") {
        let urls = servers.items()?.into_iter().map(|server| {
            let url = server.require("url", "the address of the server")?.text()?;
            Ok(Fact::inline([("url", Fact::text(url))]))
        });
        top.push(("servers", Fact::List(urls.collect::<Result<_>>()?)));
    }
    let shared = Shared::find(document)?;
    let mut paths = Vec::new();
    for (path, item) in root.require("paths", "an object of paths")?.entries()? {
        paths.push((path.to_owned(), path_item(&item, &shared)?));
    }
    top.push(("paths", Fact::Block(paths)));
    let mut schemas = Vec::new();
    for (name, node) in document.schemas()?.entries()? {
        schemas.push((name.to_owned(), schema::component(&node)?));
    }
    let components = [("parameters", shared.component()), ("schemas", Fact::Block(schemas))];
    top.push(("components", Fact::block(components)));
    Ok(Fact::block(top).document())
}

fn path_item(item: &Node<'_>, shared: &Shared<'_>) -> Result<Fact> {
    let common = item.get("parameters").map(|node| node.items()).transpose()?.unwrap_or_default();
    let mut methods = Vec::new();
    for (method, node) in item.entries()? {
        if METHODS.contains(&method) {
            let id = node.require("operationId", "the operation's id")?.text()?;
            methods.push((method.to_owned(), operation(&node.of_operation(id), id, &common, shared)?));
        }
    }
    Ok(Fact::Block(methods))
}

fn operation(node: &Node<'_>, id: &str, common: &[Node<'_>], shared: &Shared<'_>) -> Result<Fact> {
    let mut parts = vec![("operationId", Fact::text(id))];
    if let Some(tags) = node.get("tags") {
        let tags = tags.items()?.into_iter().map(|tag| tag.text().map(Fact::text));
        parts.push(("tags", Fact::List(tags.collect::<Result<_>>()?)));
    }
    let own = node.get("parameters").map(|node| node.items()).transpose()?;
    if own.is_some() || !common.is_empty() {
        let all = common.iter().cloned().chain(own.unwrap_or_default());
        let facts = all.map(|parameter| shared.fact(&parameter));
        parts.push(("parameters", Fact::List(facts.collect::<Result<_>>()?)));
    }
    if let Some(body) = node.get("requestBody") {
        let mut entries = Vec::new();
        if body.get("required").map(|node| node.flag()).transpose()? == Some(true) {
            entries.push(("required", Fact::truth()));
        }
        entries.push(("content", content(&body.require("content", "the media types of the body")?)?));
        parts.push(("requestBody", Fact::inline(entries)));
    }
    let mut responses = Vec::new();
    for (status, response) in node.require("responses", "an object of responses")?.entries()? {
        let mut entries = vec![("description", Fact::text(reason_phrase(status)))];
        if let Some(media) = response.get("content") {
            entries.push(("content", content(&media)?));
        }
        responses.push((status.to_owned(), Fact::inline(entries)));
    }
    parts.push(("responses", Fact::Inline(responses)));
    Ok(Fact::block(parts))
}

fn content(node: &Node<'_>) -> Result<Fact> {
    let mut media = Vec::new();
    for (name, body) in node.entries()? {
        let schema = match body.get("schema") {
            Some(schema) => vec![("schema", schema::inline(&schema)?)],
            None => Vec::new(),
        };
        media.push((name.to_owned(), Fact::inline(schema)));
    }
    Ok(Fact::Inline(media))
}

/// A response's description is prose; OpenAPI requires one, so it becomes the reason phrase of its status.
fn reason_phrase(status: &str) -> &'static str {
    match status {
        "200" => "OK",
        "201" => "Created",
        "202" => "Accepted",
        "204" => "No Content",
        "207" => "Multi-Status",
        "301" => "Moved Permanently",
        "302" => "Found",
        "304" => "Not Modified",
        "400" => "Bad Request",
        "401" => "Unauthorized",
        "403" => "Forbidden",
        "404" => "Not Found",
        "405" => "Method Not Allowed",
        "409" => "Conflict",
        "415" => "Unsupported Media Type",
        "429" => "Too Many Requests",
        "500" => "Internal Server Error",
        "503" => "Service Unavailable",
        "default" => "Default",
        _ => "Response",
    }
}
