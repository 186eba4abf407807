//! Known faults of the interface document. Each is one named repair with its reason, applied to the document in memory;
//! a repair that changes nothing is an error, so that none outlives its fault.

mod content;
mod enums;
mod paths;
mod properties;

use serde_json::{Map, Value};

use crate::api::Exclusion;
use crate::document::Document;
use crate::error::{Kind, Result};

/// A named repair.
#[derive(Clone, Copy)]
pub struct Fixup {
    /// What errors and reports call it.
    pub name: &'static str,
    /// Why the document needs it.
    pub reason: &'static str,
    /// Repairs the document and says how many places changed.
    apply: fn(&mut Value) -> Result<usize>,
}

/// All repairs, in the order in which they are applied.
pub const FIXUPS: [Fixup; 6] = [
    Fixup {
        name: "path-parameter-not-in-template",
        reason: "parameters declared `in: path` that the path has no place for can only travel in the query",
        apply: paths::move_parameters_to_query,
    },
    Fixup {
        name: "vendor-media-type",
        reason: "answers are JSON, but their media type is the vendor's with a version, which renderers don't take for JSON",
        apply: content::plain_json,
    },
    Fixup {
        name: "scalar-declared-as-object",
        reason: "properties declared as an object without properties hold whatever scalar the live API sends",
        apply: properties::free_scalars,
    },
    Fixup {
        name: "limits-on-reading",
        reason: "length and number limits hold for writing only, and would make a type of its own of every limited text",
        apply: properties::drop_limits,
    },
    Fixup {
        name: "required-on-reading",
        reason: "required lists hold for writing only: the live API leaves out required properties, and `fields` does so by intent",
        apply: properties::drop_required,
    },
    Fixup {
        name: "open-enums",
        reason: "the vendor adds enumeration values without a new version, so that a closed list would refuse tomorrow's records",
        apply: enums::open,
    },
];

/// How often a repair changed the document.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Bite {
    /// Name of the repair.
    pub name: &'static str,
    /// Places it changed.
    pub places: usize,
    /// Why the document needs it.
    pub reason: &'static str,
}

/// The document without the excluded paths and with every fixup applied, and how often each bit.
///
/// # Errors
/// When an exclusion or a fixup matches nothing, or a path template is left that cannot be filled.
pub fn repair(document: &Document, exclusions: &[Exclusion]) -> Result<(Document, Vec<Bite>)> {
    let mut repaired = document.clone();
    paths::exclude(&mut repaired.root, exclusions)?;
    paths::check_templates(&repaired)?;
    let mut bites = Vec::with_capacity(FIXUPS.len());
    for fixup in &FIXUPS {
        bites.push(fixup.bite(&mut repaired)?);
    }
    Ok((repaired, bites))
}

impl Fixup {
    fn bite(&self, document: &mut Document) -> Result<Bite> {
        match (self.apply)(&mut document.root)? {
            0 => Err(Kind::FixupDead { name: self.name }.into()),
            places => Ok(Bite { name: self.name, places, reason: self.reason }),
        }
    }

    /// Applies this repair alone, for tests of its effect.
    ///
    /// # Errors
    /// When it changes nothing.
    pub fn apply_alone(&self, document: &Document) -> Result<Document> {
        let mut repaired = document.clone();
        self.bite(&mut repaired)?;
        Ok(repaired)
    }
}

impl std::fmt::Debug for Fixup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fixup").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The object below some keys, if there is one.
fn object_at<'a>(root: &'a mut Value, keys: &[&str]) -> Option<&'a mut Map<String, Value>> {
    let mut value = root;
    for key in keys {
        value = value.get_mut(*key)?;
    }
    value.as_object_mut()
}

/// Property schemas of all object schemas, nested array items included.
fn each_property(root: &mut Value, change: &mut dyn FnMut(&mut Map<String, Value>)) {
    let Some(schemas) = object_at(root, &["components", "schemas"]) else { return };
    for schema in schemas.values_mut() {
        let Some(properties) = object_at(schema, &["properties"]) else { continue };
        for property in properties.values_mut() {
            let mut value = Some(property);
            while let Some(Value::Object(object)) = value {
                change(object);
                value = object.get_mut("items");
            }
        }
    }
}

/// Operations of all paths with their path.
fn each_operation(root: &mut Value, change: &mut dyn FnMut(&str, &mut Map<String, Value>)) {
    let Some(paths) = object_at(root, &["paths"]) else { return };
    for (path, item) in paths.iter_mut() {
        let Some(item) = item.as_object_mut() else { continue };
        for operation in item.values_mut().filter_map(Value::as_object_mut) {
            change(path, operation);
        }
    }
}
