//! Media types.

use serde_json::Value;

use super::{each_operation, object_at};
use crate::document::is_json;
use crate::error::Result;

const JSON: &str = "application/json";

/// The vendor's JSON media types become plain JSON.
pub(super) fn plain_json(root: &mut Value) -> Result<usize> {
    let mut places = 0;
    each_operation(root, &mut |_, operation| {
        let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
        for response in responses.values_mut() {
            let Some(content) = object_at(response, &["content"]) else { continue };
            let vendor: Vec<String> = content.keys().filter(|key| is_json(key) && *key != JSON).cloned().collect();
            for key in vendor {
                if let Some(body) = content.remove(&key) {
                    content.insert(JSON.to_owned(), body);
                    places += 1;
                }
            }
        }
    });
    Ok(places)
}
