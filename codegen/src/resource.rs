//! Resources: which verbs the document has for an entity.

use crate::catalog::Table;
use crate::document::{Document, Operation, reference};
use crate::error::Result;
use crate::node::Node;

/// What a collection or one of its records can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    List,
    Count,
    Get,
    Create,
    Replace,
    Patch,
    Delete,
}

/// A resource and its verbs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) schema: String,
    pub(crate) path: String,
    pub(crate) count_path: Option<String>,
    pub(crate) key: String,
    /// Verb and `operationId`, sorted by verb.
    pub(crate) verbs: Vec<(Verb, String)>,
}

/// Resources of the lake entities.
pub(crate) fn resolve(document: &Document, tables: &[Table]) -> Result<Vec<Resource>> {
    let operations = document.operations()?;
    tables.iter().map(|table| resource(table, &operations)).collect()
}

fn resource(table: &Table, operations: &[Operation<'_>]) -> Result<Resource> {
    let mut verbs = Vec::new();
    for operation in operations {
        if let Some(verb) = verb(table, operation)? {
            verbs.push((verb, operation.id.to_owned()));
        }
    }
    verbs.sort();
    Ok(Resource {
        schema: table.name.clone(),
        path: table.path.clone(),
        count_path: table.count_path.clone(),
        key: table.key.clone(),
        verbs,
    })
}

/// The verb that an operation is for a table, if it answers and takes what the verb needs.
fn verb(table: &Table, operation: &Operation<'_>) -> Result<Option<Verb>> {
    let name = table.name.as_str();
    if Some(operation.path) == table.count_path.as_deref() {
        return Ok((operation.method == "get").then_some(Verb::Count));
    }
    if operation.path == table.path {
        return Ok(match operation.method {
            "get" => Some(Verb::List),
            "post" if is(name, body(operation)?)? => Some(Verb::Create),
            _ => None,
        });
    }
    let Some(parameter) = operation.path.strip_prefix(&table.path).and_then(|rest| rest.strip_prefix("/{")) else {
        return Ok(None);
    };
    if parameter.strip_suffix('}').is_none_or(|parameter| parameter.contains(['{', '}', '/'])) {
        return Ok(None);
    }
    Ok(match operation.method {
        "get" if is(name, operation.answer()?)? => Some(Verb::Get),
        "put" if is(name, body(operation)?)? => Some(Verb::Replace),
        "patch" if body(operation)?.is_some() => Some(Verb::Patch),
        "delete" => Some(Verb::Delete),
        _ => None,
    })
}

fn is(name: &str, schema: Option<Node<'_>>) -> Result<bool> {
    match schema {
        Some(schema) => Ok(reference(&schema)? == Some(name)),
        None => Ok(false),
    }
}

fn body<'a>(operation: &Operation<'a>) -> Result<Option<Node<'a>>> {
    let Some(body) = operation.node.get("requestBody") else { return Ok(None) };
    let content = body.require("content", "the media types of the body")?;
    let media = content.entries()?.into_iter().find(|(media, _)| *media == "application/json");
    Ok(media.and_then(|(_, media)| media.get("schema")))
}
