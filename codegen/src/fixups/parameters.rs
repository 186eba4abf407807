//! Parameters that cannot travel as they are declared.

use serde_json::{Value, json};

use super::each_operation;
use crate::document::is_json;
use crate::error::Result;

/// List parameters that a read of one record or of a number has no use for.
const LIST_ONLY: [&str; 4] = ["orderBy", "page", "pageId", "pageSize"];
const SHARED: &str = "#/components/parameters/";

/// An object that is declared as a part of the path is the body.
pub(super) fn object_in_path_to_body(root: &mut Value) -> Result<usize> {
    let mut places = 0;
    each_operation(root, &mut |_, operation| {
        if operation.contains_key("requestBody") {
            return;
        }
        let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) else { return };
        let object = |parameter: &Value| parameter["in"] == "path" && parameter["schema"].get("$ref").is_some();
        let Some(at) = parameters.iter().position(object) else { return };
        let schema = parameters.remove(at)["schema"].take();
        let body = json!({"required": true, "content": {"application/json": {"schema": schema}}});
        operation.insert("requestBody".to_owned(), body);
        places += 1;
    });
    Ok(places)
}

/// An object in the query becomes a text, which the caller writes.
pub(super) fn object_in_query_to_text(root: &mut Value) -> Result<usize> {
    let mut places = 0;
    each_operation(root, &mut |_, operation| {
        let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) else { return };
        for parameter in parameters {
            if parameter["in"] == "query" && parameter["schema"].get("$ref").is_some() {
                parameter["schema"] = json!({"type": "string"});
                places += 1;
            }
        }
    });
    Ok(places)
}

/// Reads of something that is no list lose the parameters of lists.
pub(super) fn drop_list_parameters(root: &mut Value) -> Result<usize> {
    let mut places = 0;
    each_operation(root, &mut |_, operation| {
        if answers_with_array(operation.get("responses")) {
            return;
        }
        let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) else { return };
        let before = parameters.len();
        parameters.retain(|parameter| {
            let shared = parameter.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix(SHARED));
            shared.is_none_or(|name| !LIST_ONLY.contains(&name))
        });
        places += usize::from(parameters.len() < before);
    });
    Ok(places)
}

fn answers_with_array(responses: Option<&Value>) -> bool {
    let Some(responses) = responses.and_then(Value::as_object) else { return false };
    let bodies = responses.values().filter_map(|response| response.get("content")?.as_object());
    bodies.flatten().any(|(media, body)| is_json(media) && body["schema"]["type"] == "array")
}
