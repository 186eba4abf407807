//! Any ConnectWise PSA OpenAPI document becomes the facts form: no prose, sorted, one line a property and one a part of an
//! operation. The same input gives the same bytes, and the facts form is its own import.

mod fact;
mod parameters;
mod pin;
mod schema;

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::api::{Api, document_file};
use crate::document::{Document, METHODS};
use crate::error::{Error, Result};
use crate::json::{entries, items};
use fact::Fact;
use parameters::SharedParameters;

/// A `lake.toml` for a folder that has none.
const NO_TABLES: &str = "# Which resources become tables, and what their values mean: none yet.\n";

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

/// Imports a document into a folder: writes the facts file and pins it in the folder's `api.toml`. A folder that has no
/// configuration yet gets one from which can be generated: modules, secrets, paths that are left out, no tables.
///
/// # Errors
/// When the file cannot be read, is not an OpenAPI 3.0 document, or the folder cannot be written; nothing is written
/// unless the whole document could be read.
pub fn import(file: &Path, folder: &Path) -> Result<Imported> {
    let text = std::fs::read(file).map_err(|source| Error::read(file, source))?;
    let document = Document::parse(&file.display().to_string(), &text)?;
    let version = document.version().to_owned();
    let facts = facts(&document);
    let sha256 = sha256(facts.as_bytes());
    let target = folder.join(document_file(&version));
    let api = folder.join("api.toml");
    let pinned = match std::fs::read_to_string(&api) {
        Ok(text) => pin::pin(&text, &version, &sha256),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => pin::fresh(&document, &version, &sha256),
        Err(source) => return Err(Error::read(&api, source)),
    };
    Api::parse(&api, &pinned)?.check_is_ours(&document)?;
    let lake = folder.join("lake.toml");
    let has_lake = lake.exists();
    std::fs::create_dir_all(folder).map_err(|source| Error::write(folder, source))?;
    std::fs::write(&target, &facts).map_err(|source| Error::write(&target, source))?;
    std::fs::write(&api, &pinned).map_err(|source| Error::write(&api, source))?;
    if !has_lake {
        std::fs::write(&lake, NO_TABLES).map_err(|source| Error::write(&lake, source))?;
    }
    let operations = document.operation_count();
    Ok(Imported { version, file: target, sha256, operations, unchanged: facts.as_bytes() == text })
}

/// SHA-256 in lower-case hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The document in the facts form.
#[must_use]
pub fn facts(document: &Document) -> String {
    let Document { root, api } = document;
    let info = [("title", Fact::text(&api.info.title)), ("version", Fact::text(&api.info.version))];
    let mut top = vec![("openapi", Fact::text(&api.openapi)), ("info", Fact::inline(info))];
    if root.get("servers").is_some() {
        let urls = api.servers.iter().map(|server| Fact::inline([("url", Fact::text(&server.url))]));
        top.push(("servers", Fact::List(urls.collect())));
    }
    let shared = SharedParameters::find(root);
    let paths = entries(&root["paths"]).into_iter().filter(|(path, _)| path.starts_with('/'));
    let paths = paths.map(|(path, item)| (path.to_owned(), path_item(item, &shared)));
    top.push(("paths", Fact::Block(paths.collect())));
    let schemas = entries(&root["components"]["schemas"]);
    let schemas = schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema::component(schema)));
    let components = [("parameters", shared.component()), ("schemas", Fact::Block(schemas.collect()))];
    top.push(("components", Fact::block(components)));
    Fact::block(top).document()
}

fn path_item(item: &Value, shared: &SharedParameters<'_>) -> Fact {
    let methods = entries(item).into_iter().filter(|(method, _)| METHODS.contains(method));
    let common = items(&item["parameters"]);
    Fact::Block(methods.map(|(method, node)| (method.to_owned(), operation(node, common, shared))).collect())
}

fn operation(operation: &Value, common: &[Value], shared: &SharedParameters<'_>) -> Fact {
    let mut parts = vec![("operationId", Fact::Scalar(operation["operationId"].clone()))];
    if let Some(tags) = operation.get("tags") {
        parts.push(("tags", Fact::List(items(tags).iter().cloned().map(Fact::Scalar).collect())));
    }
    if operation.get("parameters").is_some() || !common.is_empty() {
        let all = common.iter().chain(items(&operation["parameters"]));
        parts.push(("parameters", Fact::List(all.map(|parameter| shared.fact(parameter)).collect())));
    }
    if let Some(body) = operation.get("requestBody") {
        let required = (body["required"] == true).then(|| ("required", Fact::truth()));
        parts.push(("requestBody", Fact::inline(required.into_iter().chain([("content", content(&body["content"]))]))));
    }
    let mut responses = Vec::new();
    for (status, response) in
        entries(&operation["responses"]).into_iter().filter(|(status, _)| !status.starts_with("x-"))
    {
        let mut parts = vec![("description", Fact::text(reason_phrase(status)))];
        parts.extend(response.get("content").map(|media| ("content", content(media))));
        responses.push((status.to_owned(), Fact::inline(parts)));
    }
    parts.push(("responses", Fact::Inline(responses)));
    Fact::block(parts)
}

fn content(content: &Value) -> Fact {
    let media = entries(content).into_iter().map(|(name, body)| {
        let schema = body.get("schema").map(|schema| ("schema", schema::inline(schema)));
        (name.to_owned(), Fact::inline(schema))
    });
    Fact::Inline(media.collect())
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
