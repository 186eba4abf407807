//! Paths that no client can call as they are written.

use serde_json::{Value, json};

use super::{each_operation, object_at};
use crate::api::Exclusion;
use crate::document::Document;
use crate::error::{Error, Kind, Place, Result};
use crate::json::pointer;
use crate::problems::Problems;

/// Removes the paths that `api.toml` leaves out, and refuses those whose braces don't enclose plain names.
pub(super) fn exclude(root: &mut Value, document: &Document, exclusions: &[Exclusion], problems: &mut Problems) {
    let mut remove = |path: &str| object_at(root, &["paths"]).and_then(|paths| paths.remove(path)).is_some();
    for Exclusion { path, .. } in exclusions {
        if !remove(path) {
            problems.add(Kind::ExclusionDead { path: path.clone() });
        }
    }
    for operation in document.operations().iter().filter(|operation| !is_template(operation.path)) {
        let path = operation.path.to_owned();
        if exclusions.iter().all(|exclusion| exclusion.path != path) {
            remove(&path);
            let pointer = pointer(&["paths", &path]);
            problems.add(Kind::PathTemplate { operation: operation.id.to_owned(), path, pointer });
        }
    }
}

/// Whether braces enclose plain names.
pub(crate) fn is_template(path: &str) -> bool {
    let mut rest = path;
    while let Some(at) = rest.find(['{', '}']) {
        let Some(inner) = rest[at..].strip_prefix('{') else { return false };
        let Some((name, after)) = inner.split_once('}') else { return false };
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return false;
        }
        rest = after;
    }
    path.starts_with('/')
}

/// Path parameters that the template has no place for become optional query parameters.
pub(super) fn move_parameters_to_query(root: &mut Value) -> Result<usize> {
    let mut places = 0;
    each_operation(root, &mut |path, operation| {
        let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) else { return };
        for parameter in parameters.iter_mut().filter_map(Value::as_object_mut) {
            let Some(name) = parameter.get("name").and_then(Value::as_str) else { continue };
            let in_path = parameter.get("in").and_then(Value::as_str) == Some("path");
            if in_path && !path.contains(&format!("{{{name}}}")) {
                parameter.insert("in".to_owned(), json!("query"));
                parameter.remove("required");
                places += 1;
            }
        }
    });
    Ok(places)
}

/// A parameter that is glued to the segment before it gets its own segment.
pub(super) fn separate_parameters(root: &mut Value) -> Result<usize> {
    rename(root, |path| {
        let mut fixed = String::with_capacity(path.len() + 1);
        for c in path.chars() {
            if c == '{' && !fixed.ends_with(['/', '}']) {
                fixed.push('/');
            }
            fixed.push(c);
        }
        fixed
    })
}

/// A parameter that stands twice in a row stands once.
pub(super) fn single_parameters(root: &mut Value) -> Result<usize> {
    rename(root, |path| {
        let segments = path.split('/').map(|segment| match segment.split_at_checked(segment.len() / 2) {
            Some((first, second)) if first == second && first.starts_with('{') && first.ends_with('}') => first,
            _ => segment,
        });
        segments.collect::<Vec<_>>().join("/")
    })
}

/// Renames paths; operations join those that the path has already.
fn rename(root: &mut Value, fix: fn(&str) -> String) -> Result<usize> {
    let Some(paths) = object_at(root, &["paths"]) else { return Ok(0) };
    let wrong: Vec<(String, String)> =
        paths.keys().map(|path| (path.clone(), fix(path))).filter(|(path, fixed)| path != fixed).collect();
    let mut places = 0;
    let mut twice = Vec::new();
    for (path, fixed) in wrong {
        let Some(item) = paths.remove(&path) else { continue };
        match (paths.get_mut(&fixed).and_then(Value::as_object_mut), item) {
            (Some(known), Value::Object(item)) => {
                if let Some((method, _)) = item.iter().find(|(method, _)| known.contains_key(*method)) {
                    let name = format!("{method} {fixed}");
                    let place = Place { operation: None, pointer: Some(pointer(&["paths", &path])) };
                    twice.push(Kind::NameClash { name, first: fixed, second: path, place }.into());
                    continue;
                }
                known.extend(item);
            }
            (_, item) => drop(paths.insert(fixed, item)),
        }
        places += 1;
    }
    Error::of(twice).map_or(Ok(places), Err)
}

#[cfg(test)]
mod tests {
    use super::is_template;

    #[test]
    fn templates_have_names_in_closed_braces() {
        assert!(is_template("/time/entries/{id}"));
        assert!(is_template("/procurement/catalog/{parentId}/vendors/{id}{id}"));
        assert!(!is_template("/system/members/{memberIdentifier:regex(^(types. |("));
        assert!(!is_template("/a/{b"));
        assert!(!is_template("/a/b}"));
        assert!(!is_template("/a/{}"));
        assert!(!is_template("a"));
    }
}
