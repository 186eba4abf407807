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

/// The document, if all of it can be read; everything that can't is told at once.
pub(crate) fn read(root: &Value) -> Result<OpenAPI> {
    let mut reading = Reading { root, found: Vec::new() };
    if let Some(paths) = root["paths"].as_object() {
        for (path, item) in paths.iter().filter(|(path, _)| !path.starts_with("x-")) {
            reading.path(path, item);
        }
    }
    reading.value(root, &mut Vec::new());
    if let Some(error) = Error::of(std::mem::take(&mut reading.found)) {
        return Err(error);
    }
    OpenAPI::deserialize(root).map_err(|source| reading.unread(&source))
}

struct Reading<'a> {
    root: &'a Value,
    found: Vec<Error>,
}

impl<'a> Reading<'a> {
    /// A path without a slash in front, an operation without an id and a status that is none are dropped by `openapiv3`.
    fn path(&mut self, path: &'a str, item: &'a Value) {
        if !path.starts_with('/') {
            self.refuse(&["paths", path], "a path that starts with a slash");
        }
        if path.contains(char::is_control) {
            self.refuse(&["paths", path], "a path without line breaks and other control characters");
        }
        for (method, operation) in entries(item).into_iter().filter(|(method, _)| METHODS.contains(method)) {
            if !operation.is_object() {
                self.refuse(&["paths", path, method], "an object");
                continue;
            }
            match operation.get("operationId") {
                Some(Value::String(_)) => {}
                Some(_) => self.refuse(&["paths", path, method, "operationId"], "a text"),
                None => self.refuse(&["paths", path, method, "operationId"], "the operation's id"),
            }
            let is_status =
                |key: &str| key == "default" || key.starts_with("x-") || StatusCode::deserialize(json!(key)).is_ok();
            for (key, _) in entries(&operation["responses"]).into_iter().filter(|(key, _)| !is_status(key)) {
                self.refuse(&["paths", path, method, "responses", key], "a status of HTTP");
            }
        }
    }

    /// References that are no texts or lead nowhere, types that are none, and numbers that aren't the ones that were written.
    fn value(&mut self, value: &'a Value, at: &mut Vec<String>) {
        if let Some(target) = value.get("$ref") {
            self.reference(target, at);
        }
        match value.get("type") {
            Some(Value::String(word)) if !TYPES.contains(&word.as_str()) => {
                self.refuse(at, "one of the types integer, number, boolean, string, array and object");
            }
            Some(Value::String(word)) if word == "array" && value.get("items").is_none() => {
                self.refuse_below(at, "items", "the schema of the items");
            }
            _ => {}
        }
        match value {
            Value::Object(object) => {
                let named = at.last().is_some_and(|key| key == "properties");
                for (key, value) in object.iter().filter(|(key, _)| named || !UNREAD.contains(&key.as_str())) {
                    at.push(key.clone());
                    if FLAGS.contains(&key.as_str()) && !value.is_boolean() && !value.is_object() {
                        self.refuse(at, "true or false");
                    }
                    self.value(value, at);
                    at.pop();
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    at.push(index.to_string());
                    self.value(item, at);
                    at.pop();
                }
            }
            // With more digits than a float holds it would be another number when it is written and read again.
            Value::Number(number) if number.is_f64() => {
                let again = serde_json::from_str::<Value>(&number.to_string());
                if again.is_ok_and(|again| again != *value) {
                    self.refuse(at, "a number of at most 15 digits");
                }
            }
            _ => {}
        }
    }

    fn reference(&mut self, target: &Value, at: &[String]) {
        let Some(text) = target.as_str() else { return self.refuse_below(at, "$ref", "a text") };
        let is_parameter = at.len() > 1 && at[at.len() - 2] == "parameters";
        let (home, expected) = match is_parameter {
            true => ("#/components/parameters/", "a reference to a parameter below #/components/parameters/"),
            false => ("#/components/schemas/", "a reference to a schema of the document"),
        };
        if !text.starts_with(home) || self.root.pointer(&text[1..]).is_none() {
            self.refuse(at, expected);
        }
    }

    /// Where `openapiv3` can't read on: the deepest values without which it could.
    fn unread(&self, source: &serde_json::Error) -> Error {
        let mut found = Vec::new();
        for (path, item) in entries(&self.root["paths"]) {
            if let Err(source) = PathItem::deserialize(item) {
                let at = vec!["paths".to_owned(), path.to_owned()];
                found.push(self.narrow(item, at, &source, |item| PathItem::deserialize(item).is_ok()));
            }
        }
        for (name, schema) in entries(&self.root["components"]["schemas"]) {
            if let Err(source) = openapiv3::Schema::deserialize(schema) {
                let at = vec!["components".to_owned(), "schemas".to_owned(), name.to_owned()];
                let reads = |schema: &Value| openapiv3::Schema::deserialize(schema).is_ok();
                found.push(self.narrow(schema, at, &source, reads));
            }
        }
        if let Some(error) = Error::of(found) {
            return error;
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
        // Its words for a parameter without one are those of its implementation.
        let told = source.to_string().replace(WITHOUT_SCHEMA, "missing field `schema`");
        let problem = told.chars().take(LONGEST).collect();
        Kind::Unread { operation: self.operation(&at), pointer: steps(&at), problem }.into()
    }

    fn refuse_below(&mut self, at: &[String], key: &str, expected: &'static str) {
        let steps: Vec<&str> = at.iter().map(String::as_str).chain([key]).collect();
        self.refuse(&steps, expected);
    }

    fn refuse<T: AsRef<str>>(&mut self, at: &[T], expected: &'static str) {
        let problem = Kind::Shape { operation: self.operation(at), pointer: steps(at), expected };
        self.found.push(problem.into());
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
