//! The facts of a schema.

use serde_json::Value;

use super::fact::Fact;
use crate::error::Result;
use crate::node::Node;

/// Keywords that are facts, in the order in which they are written. A vendor's `false` is the same as absence.
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

/// Words that the vendor's descriptions state a length limit with.
const LENGTH_WORDS: &str = "Max length:";

/// A named schema: one line a property.
pub(super) fn component(node: &Node<'_>) -> Result<Fact> {
    let entries = keywords(node, true)?;
    let block = entries.iter().any(|(key, _)| key == "properties");
    Ok(if block { Fact::Block(entries) } else { Fact::Inline(entries) })
}

/// A schema inside something else: one line.
pub(super) fn inline(node: &Node<'_>) -> Result<Fact> {
    Ok(Fact::Inline(keywords(node, false)?))
}

fn keywords(node: &Node<'_>, block: bool) -> Result<Vec<(String, Fact)>> {
    if let Some(only) = single_part(node)? {
        return keywords(&only, block);
    }
    node.entries()?;
    if let Some(target) = node.get("$ref") {
        return Ok(vec![("$ref".to_owned(), Fact::text(target.text()?))]);
    }
    let mut entries = Vec::new();
    for key in KEYWORDS {
        let fact = match (key, node.get(key)) {
            ("maxLength", None) => stated_length(node).map(|length| Fact::Scalar(Value::from(length))),
            (_, None) => None,
            (_, Some(value)) => keyword(key, &value, block)?,
        };
        entries.extend(fact.map(|fact| (key.to_owned(), fact)));
    }
    Ok(entries)
}

fn keyword(key: &str, node: &Node<'_>, block: bool) -> Result<Option<Fact>> {
    Ok(Some(match key {
        "properties" => {
            let mut properties = Vec::new();
            for (name, property) in node.entries()? {
                properties.push((name.to_owned(), inline(&property)?));
            }
            if block { Fact::Block(properties) } else { Fact::Inline(properties) }
        }
        "required" => {
            let mut names = node.items()?.iter().map(Node::text).collect::<Result<Vec<_>>>()?;
            names.sort_unstable();
            if names.is_empty() {
                return Ok(None);
            }
            Fact::List(names.into_iter().map(Fact::text).collect())
        }
        "items" => inline(node)?,
        "additionalProperties" => match node.flag() {
            Ok(false) => return Ok(None),
            Ok(true) => Fact::truth(),
            Err(_) => inline(node)?,
        },
        "allOf" | "oneOf" | "anyOf" => Fact::List(node.items()?.iter().map(inline).collect::<Result<_>>()?),
        "enum" => {
            // Enumerations don't list null; `nullable` says it.
            let values = node.items()?.into_iter().filter(|value| !value.is_null());
            Fact::List(values.map(|value| value.scalar().cloned().map(Fact::Scalar)).collect::<Result<_>>()?)
        }
        "type" | "format" | "pattern" => Fact::text(node.text()?),
        "maxLength" | "minLength" | "minimum" | "maximum" => Fact::Scalar(node.number()?.clone()),
        _ => match node.flag()? {
            true => Fact::truth(),
            false => return Ok(None),
        },
    }))
}

/// The one part of an `allOf` or `oneOf` that wraps a reference only to put something beside it.
fn single_part<'a>(node: &Node<'a>) -> Result<Option<Node<'a>>> {
    for key in ["allOf", "oneOf", "anyOf"] {
        let Some(parts) = node.get(key) else { continue };
        let mut parts = parts.items()?;
        let reference = parts.len() == 1 && parts.iter().all(|part| part.get("$ref").is_some());
        if reference && node.get("type").is_none() && node.get("properties").is_none() {
            return Ok(parts.pop());
        }
    }
    Ok(None)
}

/// A length limit that the description of a text states in words.
fn stated_length(node: &Node<'_>) -> Option<u64> {
    let text = node.get("type")?.text().is_ok_and(|kind| kind == "string");
    if !text || node.get("enum").is_some() {
        return None;
    }
    let description = node.get("description")?.text().ok()?;
    let (_, rest) = description.split_once(LENGTH_WORDS)?;
    let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
