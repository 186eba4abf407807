//! Reads the `fields` parameter.

use super::Refusal;
use super::properties::property;
use crate::json::Selection;
use crate::kind::Kind;

/// What `fields=a,b/c` selects; nothing but blanks selects everything. A path that goes into a collection or into `_info`
/// needs only its first name to be known.
pub(crate) fn select(kind: Kind, fields: &str) -> Result<Option<Selection>, Refusal> {
    let mut selection = Selection::default();
    let mut any = false;
    for field in fields.split(',').map(str::trim).filter(|field| !field.is_empty()) {
        any = true;
        if field.eq_ignore_ascii_case("lastUpdated") {
            selection.add(&["_info", "lastUpdated"]);
            continue;
        }
        if let Some(property) = property(kind, field) {
            selection.add(&property.path);
            continue;
        }
        let (parent, rest) = field.rsplit_once('/').unwrap_or((field, ""));
        match property(kind, parent) {
            Some(property) if !rest.is_empty() && open_ended(property) => {
                let mut path = property.path.clone();
                path.push(rest);
                selection.add(&path);
            }
            _ => return Err(Refusal { code: "InvalidField", message: format!("{field} is not a recognized name.") }),
        }
    }
    Ok(any.then_some(selection))
}

/// `_info` is a map, and the table of names stops at collections.
fn open_ended(property: &super::properties::Property) -> bool {
    property.of == super::properties::Type::Array || property.path.last() == Some(&"_info")
}
