//! Reads a document as `openapiv3` has it. Where it can't, the smallest value that is in the way is named, and the operation that
//! it belongs to; what it drops without a word is refused here.

use openapiv3::{OpenAPI, PathItem, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::document::METHODS;
use crate::error::{Error, Kind, Result};
use crate::json::{entries, pointer};

/// What `openapiv3` says of a parameter that has no schema.
const WITHOUT_SCHEMA: &str = "no variant of enum ParameterSchemaOrContent found in flattened data";
/// Longest text of a complaint that isn't ours.
const LONGEST: usize = 200;
/// Types that a value can have.
const TYPES: [&str; 6] = ["integer", "number", "boolean", "string", "array", "object"];
/// Keys whose values are looked at by nobody.
const UNREAD: [&str; 4] = ["example", "examples", "default", "securitySchemes"];
/// Keywords of this generator that are true or false.
const FLAGS: [&str; 4] = ["x-required-on-update", "x-create-only", "x-update-only", "x-write-only"];

/// The document, if all of it can be read.
pub(crate) fn read(root: &Value) -> Result<OpenAPI> {
    let reading = Reading { root };
    if let Some(paths) = root["paths"].as_object() {
        for (path, item) in paths.iter().filter(|(path, _)| !path.starts_with("x-")) {
            reading.path(path, item)?;
        }
    }
    reading.value(root, &mut Vec::new())?;
    OpenAPI::deserialize(root).map_err(|source| reading.unread(&source))
}

struct Reading<'a> {
    root: &'a Value,
}

impl<'a> Reading<'a> {
    /// A path without a slash in front, an operation without an id and a status that is none are dropped by `openapiv3`.
    fn path(&self, path: &'a str, item: &'a Value) -> Result<()> {
        if !path.starts_with('/') {
            return Err(self.expected(&["paths", path], "a path that starts with a slash"));
        }
        for (method, operation) in entries(item).into_iter().filter(|(method, _)| METHODS.contains(method)) {
            if !operation.is_object() {
                return Err(self.expected(&["paths", path, method], "an object"));
            }
            match operation.get("operationId") {
                Some(Value::String(_)) => {}
                Some(_) => return Err(self.expected(&["paths", path, method, "operationId"], "a text")),
                None => return Err(self.expected(&["paths", path, method, "operationId"], "the operation's id")),
            }
            let is_status =
                |key: &str| key == "default" || key.starts_with("x-") || StatusCode::deserialize(json!(key)).is_ok();
            if let Some((key, _)) = entries(&operation["responses"]).into_iter().find(|(key, _)| !is_status(key)) {
                return Err(self.expected(&["paths", path, method, "responses", key], "a status of HTTP"));
            }
        }
        Ok(())
    }

    /// References that are no texts or lead nowhere, types that are none, and numbers that aren't the ones that were written.
    fn value(&self, value: &'a Value, at: &mut Vec<String>) -> Result<()> {
        if let Some(target) = value.get("$ref") {
            self.reference(target, at)?;
        }
        match value.get("type") {
            Some(Value::String(word)) if !TYPES.contains(&word.as_str()) => {
                return Err(self.expected(at, "one of the types integer, number, boolean, string, array and object"));
            }
            Some(Value::String(word)) if word == "array" && value.get("items").is_none() => {
                return Err(self.below(at, "items", "the schema of the items"));
            }
            _ => {}
        }
        match value {
            Value::Object(object) => {
                let named = at.last().is_some_and(|key| key == "properties");
                for (key, value) in object.iter().filter(|(key, _)| named || !UNREAD.contains(&key.as_str())) {
                    at.push(key.clone());
                    if FLAGS.contains(&key.as_str()) && !value.is_boolean() && !value.is_object() {
                        return Err(self.expected(at, "true or false"));
                    }
                    self.value(value, at)?;
                    at.pop();
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    at.push(index.to_string());
                    self.value(item, at)?;
                    at.pop();
                }
            }
            // With more digits than a float holds it would be another number when it is written and read again.
            Value::Number(number) if number.is_f64() => {
                let again = serde_json::from_str::<Value>(&number.to_string());
                if again.is_ok_and(|again| again != *value) {
                    return Err(self.expected(at, "a number of at most 15 digits"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn reference(&self, target: &Value, at: &[String]) -> Result<()> {
        let Some(text) = target.as_str() else { return Err(self.below(at, "$ref", "a text")) };
        let is_parameter = at.len() > 1 && at[at.len() - 2] == "parameters";
        let (home, expected) = match is_parameter {
            true => ("#/components/parameters/", "a reference to a parameter below #/components/parameters/"),
            false => ("#/components/schemas/", "a reference to a schema of the document"),
        };
        let there = text.starts_with(home) && self.root.pointer(&text[1..]).is_some();
        if there { Ok(()) } else { Err(self.expected(at, expected)) }
    }

    /// Where `openapiv3` can't read on: the deepest value without which it could.
    fn unread(&self, source: &serde_json::Error) -> Error {
        for (path, item) in entries(&self.root["paths"]) {
            if let Err(source) = PathItem::deserialize(item) {
                let at = vec!["paths".to_owned(), path.to_owned()];
                return self.narrow(item, at, &source, |item| PathItem::deserialize(item).is_ok());
            }
        }
        for (name, schema) in entries(&self.root["components"]["schemas"]) {
            if let Err(source) = openapiv3::Schema::deserialize(schema) {
                let at = vec!["components".to_owned(), "schemas".to_owned(), name.to_owned()];
                return self.narrow(schema, at, &source, |schema| openapiv3::Schema::deserialize(schema).is_ok());
            }
        }
        let mut rest = self.root.clone();
        if rest["paths"].is_object() {
            rest["paths"] = json!({});
        }
        if rest["components"]["schemas"].is_object() {
            rest["components"]["schemas"] = json!({});
        }
        self.narrow(&rest, Vec::new(), source, |rest| OpenAPI::deserialize(rest).is_ok())
    }

    fn narrow(
        &self,
        value: &Value,
        mut at: Vec<String>,
        source: &serde_json::Error,
        reads: fn(&Value) -> bool,
    ) -> Error {
        let mut inner: Vec<String> = Vec::new();
        while let Some(key) = keys(value.pointer(&steps(&inner)).unwrap_or(&Value::Null)).into_iter().find(|key| {
            let mut without = value.clone();
            remove(without.pointer_mut(&steps(&inner)), key);
            reads(&without)
        }) {
            inner.push(key);
        }
        at.extend(inner);
        let plain = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
        // Its words for a parameter without one are those of its implementation.
        let told = source.to_string().replace(WITHOUT_SCHEMA, "missing field `schema`");
        let problem = told.chars().take(LONGEST).map(plain).collect();
        Kind::Unread { operation: self.operation(&at), pointer: steps(&at), problem }.into()
    }

    fn below(&self, at: &[String], key: &str, expected: &'static str) -> Error {
        let steps: Vec<&str> = at.iter().map(String::as_str).chain([key]).collect();
        self.expected(&steps, expected)
    }

    fn expected<T: AsRef<str>>(&self, at: &[T], expected: &'static str) -> Error {
        Kind::Shape { operation: self.operation(at), pointer: steps(at), expected }.into()
    }

    /// The operation that a place is within.
    fn operation<T: AsRef<str>>(&self, at: &[T]) -> Option<String> {
        let [paths, path, method, ..] = at else { return None };
        let operation =
            (paths.as_ref() == "paths").then(|| self.root["paths"].get(path.as_ref()))??.get(method.as_ref())?;
        operation.get("operationId")?.as_str().map(str::to_owned)
    }
}

fn steps<T: AsRef<str>>(at: &[T]) -> String {
    pointer(&at.iter().map(AsRef::as_ref).collect::<Vec<_>>())
}

fn keys(value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => object.keys().cloned().collect(),
        Value::Array(items) => (0..items.len()).map(|index| index.to_string()).collect(),
        _ => Vec::new(),
    }
}

fn remove(value: Option<&mut Value>, key: &str) {
    match value {
        Some(Value::Object(object)) => drop(object.remove(key)),
        Some(Value::Array(items)) => drop(key.parse().map(|index: usize| items.remove(index))),
        _ => {}
    }
}
