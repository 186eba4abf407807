//! What a file is that is no OpenAPI 3.0 document in JSON, as far as its first bytes or its keys tell.

use serde_json::Value;

/// How files begin that aren't text.
const MAGIC: [(&[u8], &str); 5] = [
    (b"\xff\xfe", "text in UTF-16"),
    (b"\xfe\xff", "text in UTF-16"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"%PDF", "a PDF"),
];
/// As much of a text as tells what it is.
const BEGINNING: usize = 4_096;

/// What bytes are that aren't JSON, if that can be told.
pub(crate) fn bytes(text: &[u8]) -> Option<&'static str> {
    if let Some((_, is)) = MAGIC.iter().find(|(magic, _)| text.starts_with(magic)) {
        return Some(is);
    }
    // Without a mark at its start: every other byte of plain letters is zero.
    if matches!(text, [0, letter, ..] | [letter, 0, ..] if *letter > 0) {
        return Some("text in UTF-16");
    }
    let beginning = String::from_utf8_lossy(text.get(..BEGINNING).unwrap_or(text)).to_lowercase();
    let beginning = beginning.trim_start();
    let is_key = |key: &str| beginning.lines().any(|line| line.starts_with(key));
    Some(match beginning {
        _ if beginning.starts_with("<!doctype html") || beginning.starts_with("<html") => {
            "an HTML page, such as one to sign in"
        }
        _ if beginning.starts_with('<') => "XML",
        _ if beginning.starts_with("#%raml") => "RAML",
        _ if is_key("openapi:") => "an OpenAPI document in YAML",
        _ if is_key("swagger:") => "a Swagger document in YAML",
        _ if beginning.starts_with("---") || is_key("info:") || is_key("paths:") => "YAML",
        _ => return None,
    })
}

/// What JSON is that isn't an OpenAPI 3.0 document.
pub(crate) fn json(root: &Value) -> Option<String> {
    let Value::Object(object) = root else { return Some("JSON, and no object".to_owned()) };
    let version = |key: &str| match object.get(key) {
        Some(Value::String(version)) => format!(" {version}"),
        Some(Value::Number(version)) => format!(" {version}"),
        _ => String::new(),
    };
    let has = |pointer: &str| root.pointer(pointer).is_some();
    let is = match object.get("openapi") {
        Some(Value::String(found)) if found.starts_with("3.0") => return None,
        Some(Value::String(_)) => format!("an OpenAPI{} document", version("openapi")),
        // What stands there is told with its place.
        Some(_) => return None,
        None if object.contains_key("swagger") => format!("a Swagger{} document", version("swagger")),
        None if object.contains_key("asyncapi") => format!("an AsyncAPI{} document", version("asyncapi")),
        None if has("/info/_postman_id") || has("/collection/info/_postman_id") => "a Postman collection".to_owned(),
        None if has("/log/entries") => "a recording of requests (HAR)".to_owned(),
        None if object.contains_key("$schema") => "a JSON Schema".to_owned(),
        None => "JSON without `openapi`, which says of which version of OpenAPI it is".to_owned(),
    };
    Some(is)
}
