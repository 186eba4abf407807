//! Bodies of requests: what they have to be, and what is said of those that aren't.

use axum::http::StatusCode;
use serde_json::{Map, Value as Json, json};

use super::Ask;
use crate::answer::{self, Answer};
use crate::document::{Member, Of, Schema};

/// How much of an object a body has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// With everything that is required.
    Whole,
    /// Whatever of it.
    Part,
}

/// `{"code":"InvalidObject",..,"errors":[..]}`
fn invalid(schema: &str, errors: &[(&'static str, String, String)]) -> Box<Answer> {
    let resource = schema.to_ascii_lowercase();
    let errors: Vec<Json> = errors
        .iter()
        .map(|(code, message, field)| json!({ "code": code, "message": message, "resource": resource, "field": field }))
        .collect();
    let body = json!({ "code": "InvalidObject", "message": format!("{resource} object is invalid"), "errors": errors });
    Box::new(answer::json(StatusCode::BAD_REQUEST, body.to_string()))
}

/// A body that is an object.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Json>, Box<Answer>> {
    match serde_json::from_slice(body) {
        Ok(Json::Object(object)) => Ok(object),
        _ => Err(unreadable("The body is not a JSON object.")),
    }
}

pub(super) fn unreadable(message: &str) -> Box<Answer> {
    Box::new(answer::error(StatusCode::BAD_REQUEST, "InvalidObject", message))
}

/// A member that the schema doesn't have, in the words of the live server.
pub(super) fn no_member(schema: &str, name: &str) -> Box<Answer> {
    let message = format!("Could not find member '{name}' on object of type '{schema}'.");
    invalid(schema, &[("InvalidField", message, name.to_owned())])
}

/// Holds an object against a schema.
pub(super) fn check(ask: &Ask, schema: &Schema, given: &Map<String, Json>, wanted: Wanted) -> Result<(), Box<Answer>> {
    let mut errors = Vec::new();
    for (name, value) in given {
        let Some(member) = schema.members.iter().find(|member| member.name.eq_ignore_ascii_case(name)) else {
            return Err(no_member(schema.name, name));
        };
        if let Some((code, message)) = wrong(ask, member, value) {
            errors.push((code, message, name.clone()));
        }
    }
    if wanted == Wanted::Whole {
        for name in &schema.required {
            let missing = given.iter().all(|(given, value)| !given.eq_ignore_ascii_case(name) || value.is_null());
            if missing && *name != "id" {
                let message = format!("The {name} field is required.");
                errors.push(("MissingRequiredField", message, (*name).to_owned()));
            }
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(invalid(schema.name, &errors)) }
}

/// What is wrong with a value.
fn wrong(ask: &Ask, member: &Member, value: &Json) -> Option<(&'static str, String)> {
    if value.is_null() {
        return None;
    }
    let name = member.name;
    let (fits, wanted) = match member.of {
        Of::Whole => (value.is_i64() || value.is_u64(), "a whole number"),
        Of::Decimal => (value.is_number(), "a number"),
        Of::Flag => (value.is_boolean(), "a boolean"),
        Of::Text | Of::Guid | Of::Member(_) => (value.is_string(), "a string"),
        Of::Time => (value.as_str().is_some_and(|text| crate::calendar::parse(text).is_some()), "a DateTime"),
        Of::Object(_) | Of::Map => (value.is_object() || value.is_array(), "an object"),
        Of::List(_) => (value.is_array(), "an array"),
    };
    if !fits {
        return Some(("InvalidField", format!("The {name} field must be {wanted}.")));
    }
    if let (Some(longest), Some(text)) = (member.longest, value.as_str())
        && text.chars().count() > longest
    {
        let message = format!("The field {name} must be a string with a maximum length of {longest}.");
        return Some(("OutOfRange", message));
    }
    if let (Of::Object(schema), Some(id)) = (member.of, value.get("id").and_then(Json::as_i64)) {
        let place =
            ask.document.schema(schema).and_then(|schema| crate::data::reference_target(ask.document, schema.name));
        if let Some(place) = place
            && ask.state.source().table(ask.document, place).slot_of(id).is_none()
        {
            return Some(("InvalidField", format!("{name}/id {id} not found")));
        }
    }
    None
}

/// A row after the operations of a JSON Patch: `[{"op":"replace","path":"board/id","value":2}]`, with or without a slash in
/// front of the path.
pub(super) fn patched(
    ask: &Ask,
    schema: &Schema,
    mut row: Map<String, Json>,
    body: &[u8],
) -> Result<Map<String, Json>, Box<Answer>> {
    let Ok(Json::Array(operations)) = serde_json::from_slice(body) else {
        return Err(unreadable("The body is not a JSON array of patch operations."));
    };
    let mut touched = Vec::new();
    for operation in &operations {
        let text = |key: &str| operation.get(key).and_then(Json::as_str).unwrap_or_default();
        let steps: Vec<&str> = text("path").trim_matches('/').split('/').collect();
        let Some((first, rest)) = steps.split_first().filter(|(first, _)| !first.is_empty()) else {
            return Err(unreadable("A patch operation has no path."));
        };
        let Some(member) = schema.members.iter().find(|member| member.name.eq_ignore_ascii_case(first)) else {
            return Err(no_member(schema.name, first));
        };
        touched.push(member.name);
        let value = operation.get("value").cloned().unwrap_or(Json::Null);
        match text("op").to_ascii_lowercase().as_str() {
            "add" | "replace" => put(row.entry(member.name).or_insert(Json::Null), rest, value),
            "remove" => put(row.entry(member.name).or_insert(Json::Null), rest, Json::Null),
            "test" if *row.get(member.name).unwrap_or(&Json::Null) == value => {}
            "test" => return Err(unreadable("A test of the patch failed.")),
            other => return Err(unreadable(&format!("'{other}' is no operation of a patch."))),
        }
    }
    let touched: Map<String, Json> =
        row.iter().filter(|(name, _)| touched.contains(&name.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect();
    check(ask, schema, &touched, Wanted::Part)?;
    Ok(row)
}

/// Sets a value below another one. A reference that gets another id is another reference.
fn put(target: &mut Json, steps: &[&str], value: Json) {
    let Some((step, rest)) = steps.split_first() else {
        *target = value;
        return;
    };
    if let (Json::Array(items), Ok(at)) = (&mut *target, step.parse::<usize>()) {
        if let Some(item) = items.get_mut(at) {
            put(item, rest, value);
        }
        return;
    }
    if !target.is_object() || (*step == "id" && rest.is_empty()) {
        *target = json!({});
    }
    if let Some(object) = target.as_object_mut() {
        put(object.entry(*step).or_insert(Json::Null), rest, value);
    }
}
