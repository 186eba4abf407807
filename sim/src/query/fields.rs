//! Reads the `fields` parameter.

use super::Refusal;
use super::names::Names;
use crate::document::{Property, Type};
use crate::json::Selection;

/// What `fields=a,b/c` selects; nothing but blanks selects everything. A path that goes into a collection or into `_info`
/// needs only its first name to be known. Other names select nothing, or are refused.
pub(crate) fn select(names: Names, fields: &str) -> Result<Option<Selection>, Refusal> {
    let mut selection = Selection::default();
    let mut any = false;
    for field in fields.split(',').map(str::trim).filter(|field| !field.is_empty()) {
        any = true;
        if field.eq_ignore_ascii_case("lastUpdated") {
            selection.add(&["_info", "lastUpdated"]);
            continue;
        }
        if let Some(property) = names.property(field) {
            selection.add(&property.path);
            continue;
        }
        let (parent, rest) = field.rsplit_once('/').unwrap_or((field, ""));
        match names.property(parent) {
            Some(property) if !rest.is_empty() && open_ended(&property) => {
                let mut path: Vec<&str> = property.path.clone();
                path.push(rest);
                selection.add(&path);
            }
            _ if !names.grammar.known_fields => {}
            _ => return Err(Refusal { code: "InvalidField", message: format!("{field} is not a recognized name.") }),
        }
    }
    Ok(any.then_some(selection))
}

/// `_info` is a map, and the table of names stops at collections.
fn open_ended(property: &Property) -> bool {
    property.of == Type::Array || property.path.last() == Some(&"_info")
}
