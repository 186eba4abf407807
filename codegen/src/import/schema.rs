//! The facts of a schema.

use serde_json::Value;

use super::fact::Fact;
use crate::document::LENGTH_WORDS;
use crate::json::{entries, items};

/// Keywords that are facts, in the order in which they are written.
const KEYWORDS: [&str; 24] = [
    "$ref",
    "type",
    "format",
    "maxLength",
    "minLength",
    "pattern",
    "required",
    "properties",
    "items",
    "additionalProperties",
    "allOf",
    "oneOf",
    "anyOf",
    "nullable",
    "enum",
    "minimum",
    "maximum",
    "readOnly",
    "writeOnly",
    "deprecated",
    "x-required-on-update",
    "x-create-only",
    "x-update-only",
    "x-write-only",
];

/// A named schema: one line a property.
pub(super) fn component(schema: &Value) -> Fact {
    let entries = keywords(schema, true);
    let block = entries.iter().any(|(key, _)| key == "properties");
    if block { Fact::Block(entries) } else { Fact::Inline(entries) }
}

/// A schema inside something else: one line.
pub(super) fn inline(schema: &Value) -> Fact {
    Fact::Inline(keywords(schema, false))
}

fn keywords(schema: &Value, block: bool) -> Vec<(String, Fact)> {
    if let Some(only) = single_part(schema) {
        return keywords(only, block);
    }
    if let Some(target) = schema.get("$ref") {
        return vec![("$ref".to_owned(), Fact::Scalar(target.clone()))];
    }
    let mut facts = Vec::new();
    for key in KEYWORDS {
        let fact = match (key, schema.get(key)) {
            ("maxLength", None) => stated_length(schema).map(|length| Fact::Scalar(Value::from(length))),
            (_, None) => None,
            (_, Some(value)) => keyword(key, value, block),
        };
        facts.extend(fact.map(|fact| (key.to_owned(), fact)));
    }
    facts
}

fn keyword(key: &str, value: &Value, block: bool) -> Option<Fact> {
    let scalars = |values: Vec<Value>| Fact::List(values.into_iter().map(Fact::Scalar).collect());
    Some(match (key, value) {
        // A flag that is false says what its absence says.
        (_, Value::Bool(false)) => return None,
        (_, Value::Bool(true)) => Fact::truth(),
        ("properties", _) => {
            let properties = entries(value).into_iter().map(|(name, property)| (name.to_owned(), inline(property)));
            if block { Fact::Block(properties.collect()) } else { Fact::Inline(properties.collect()) }
        }
        ("required", _) => {
            let mut names = items(value).to_vec();
            names.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            return Some(scalars(names)).filter(|_| !items(value).is_empty());
        }
        ("items" | "additionalProperties", _) => inline(value),
        ("allOf" | "oneOf" | "anyOf", _) => Fact::List(items(value).iter().map(inline).collect()),
        // Enumerations don't list null; `nullable` says it.
        ("enum", _) => scalars(items(value).iter().filter(|value| !value.is_null()).cloned().collect()),
        _ => Fact::Scalar(value.clone()),
    })
}

/// The one part of an `allOf` or `oneOf` that wraps a reference only to put something beside it.
fn single_part(schema: &Value) -> Option<&Value> {
    let alone = schema.get("type").is_none() && schema.get("properties").is_none();
    let parts = ["allOf", "oneOf", "anyOf"].iter().filter_map(|key| schema.get(*key));
    parts.filter(|_| alone).find_map(|parts| match items(parts) {
        [only] if only.get("$ref").is_some() => Some(only),
        _ => None,
    })
}

/// A length limit that the description of a text states in words.
fn stated_length(schema: &Value) -> Option<u64> {
    if schema["type"] != "string" || schema.get("enum").is_some() {
        return None;
    }
    let (_, rest) = schema["description"].as_str()?.split_once(LENGTH_WORDS)?;
    let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
