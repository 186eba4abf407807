//! Answers and bodies that are declared as what they cannot be.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{each_operation, object_at};
use crate::document::is_json;
use crate::error::Result;
use crate::schema::ONE_OR_MANY;

const PATCH_OPERATION: &str = "#/components/schemas/PatchOperation";
const COUNT: &str = "#/components/schemas/Count";
const BULK: &str = "#/components/schemas/BulkResult";
const IDS: &str = "#/components/schemas/IdCollection";
const MESSAGE: &str = "#/components/schemas/HttpResponseMessage";

/// An operation whose only answer is the default one succeeds with 200.
pub(super) fn default_to_success(root: &mut Value) -> Result<usize> {
    let mut places = 0;
    each_operation(root, &mut |_, operation| {
        let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
        if responses.len() == 1
            && let Some(only) = responses.remove("default")
        {
            responses.insert("200".to_owned(), only);
            places += 1;
        }
    });
    Ok(places)
}

/// An answer without content has none.
pub(super) fn empty_no_content(root: &mut Value) -> Result<usize> {
    let mut places = 0;
    each_operation(root, &mut |_, operation| {
        let content = operation.get_mut("responses").and_then(|responses| object_at(responses, &["204"]));
        places += usize::from(content.is_some_and(|response| response.remove("content").is_some()));
    });
    Ok(places)
}

/// A read that succeeds without declaring what it answers with is a download.
pub(super) fn undeclared_to_download(root: &mut Value) -> Result<usize> {
    let mut places = 0;
    each_read(root, &mut |_, operation| {
        let answer = operation.get_mut("responses").and_then(|responses| object_at(responses, &["200"]));
        let Some(answer) = answer.filter(|answer| !answer.contains_key("content")) else { return };
        let bytes = json!({"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}});
        answer.insert("content".to_owned(), bytes);
        places += 1;
    });
    Ok(places)
}

/// The number of records of a list is a count, whatever is declared.
pub(super) fn counts(root: &mut Value) -> Result<usize> {
    if !knows(root, COUNT) {
        return Ok(0);
    }
    let mut lists = BTreeSet::new();
    each_read(root, &mut |path, _| {
        lists.insert(path.trim_end_matches('/').to_owned());
    });
    let mut places = 0;
    each_read(root, &mut |path, operation| {
        if !path.strip_suffix("/count").is_some_and(|list| lists.contains(list)) {
            return;
        }
        for schema in json_schemas(operation) {
            if schema["$ref"] != COUNT {
                *schema = json!({ "$ref": COUNT });
                places += 1;
            }
        }
    });
    Ok(places)
}

/// A change in bulk is answered with what became of each item, whatever is declared.
pub(super) fn bulk(root: &mut Value) -> Result<usize> {
    let mut places = 0;
    if !knows(root, BULK) {
        return Ok(places);
    }
    each_operation(root, &mut |_, operation| {
        let answer = operation.get_mut("responses").and_then(|responses| object_at(responses, &["207", "content"]));
        for (_, body) in answer.into_iter().flatten().filter(|(media, _)| is_json(media)) {
            let Some(body) = body.as_object_mut() else { continue };
            if body.get("schema").is_none_or(|schema| schema["$ref"] != BULK) {
                body.insert("schema".to_owned(), json!({ "$ref": BULK }));
                places += 1;
            }
        }
    });
    Ok(places)
}

/// A deletion in bulk takes the ids of what is deleted.
pub(super) fn bulk_delete_with_ids(root: &mut Value) -> Result<usize> {
    let mut places = 0;
    if !knows(root, IDS) {
        return Ok(places);
    }
    let Some(paths) = object_at(root, &["paths"]) else { return Ok(places) };
    for (path, item) in paths.iter_mut() {
        let Some(operation) = item.get_mut("delete").and_then(Value::as_object_mut) else { continue };
        let in_bulk = path.trim_end_matches('/').ends_with("/bulk");
        if in_bulk && !operation.contains_key("requestBody") {
            let body = json!({"required": true, "content": {"application/json": {"schema": {"$ref": IDS}}}});
            operation.insert("requestBody".to_owned(), body);
            places += 1;
        }
    }
    Ok(places)
}

/// An array that answers the read of one record by its id may be the record itself.
pub(super) fn one_or_many(root: &mut Value) -> Result<usize> {
    let mut places = 0;
    each_read(root, &mut |path, operation| {
        if !path.trim_end_matches('/').ends_with("/{id}") {
            return;
        }
        for schema in json_schemas(operation).into_iter().filter_map(Value::as_object_mut) {
            if schema.get("type").and_then(Value::as_str) == Some("array") {
                places += usize::from(schema.insert(ONE_OR_MANY.to_owned(), json!(true)).is_none());
            }
        }
    });
    Ok(places)
}

/// A type of the server's own framework is no answer: its shape is unknown.
pub(super) fn message_to_anything(root: &mut Value) -> Result<usize> {
    let mut places = 0;
    each_operation(root, &mut |_, operation| {
        for schema in json_schemas(operation) {
            if schema["$ref"] == MESSAGE {
                *schema = json!({});
                places += 1;
            }
        }
    });
    Ok(places)
}

/// A change of single properties takes a list of them.
pub(super) fn patch_with_body(root: &mut Value) -> Result<usize> {
    let mut places = 0;
    if !knows(root, PATCH_OPERATION) {
        return Ok(places);
    }
    let Some(paths) = object_at(root, &["paths"]) else { return Ok(0) };
    for item in paths.values_mut() {
        let Some(operation) = item.get_mut("patch").and_then(Value::as_object_mut) else { continue };
        if !operation.contains_key("requestBody") {
            let schema = json!({"type": "array", "items": {"$ref": PATCH_OPERATION}});
            let body = json!({"required": true, "content": {"application/json": {"schema": schema}}});
            operation.insert("requestBody".to_owned(), body);
            places += 1;
        }
    }
    Ok(places)
}

/// Whether the document has a schema, by the reference to it.
fn knows(root: &Value, reference: &str) -> bool {
    root.pointer(reference.trim_start_matches('#')).is_some()
}

/// Schemas of the JSON answers of an operation.
fn json_schemas(operation: &mut Map<String, Value>) -> Vec<&mut Value> {
    let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
    let contents = responses.into_iter().flat_map(|responses| responses.values_mut());
    let media = contents.filter_map(|response| response.get_mut("content")?.as_object_mut()).flatten();
    media.filter(|(media, _)| is_json(media)).filter_map(|(_, body)| body.get_mut("schema")).collect()
}

/// GET operations of all paths with their path.
fn each_read(root: &mut Value, change: &mut dyn FnMut(&str, &mut Map<String, Value>)) {
    let Some(paths) = object_at(root, &["paths"]) else { return };
    for (path, item) in paths.iter_mut() {
        if let Some(operation) = item.get_mut("get").and_then(Value::as_object_mut) {
            change(path, operation);
        }
    }
}
