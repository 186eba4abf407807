//! Known faults of the interface document. Each is one named repair with its reason, applied to the document in memory;
//! a repair that changes nothing is told, and `check` of the pinned document refuses it, so that none outlives its fault.

mod answers;
mod content;
mod enums;
mod parameters;
mod paths;
mod properties;
mod spelling;

use serde_json::{Map, Value};

use crate::api::Exclusion;
use crate::document::Document;
use crate::error::{Kind, Result};
use crate::problems::Problems;

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

pub(crate) use paths::is_template;
pub(crate) use spelling::SPELLED;

/// Prefix of the keywords that hold for writing only: the repairs put them aside under it.
pub(crate) const FOR_WRITING: &str = "x-writing-";

/// All repairs, in the order in which they are applied.
pub const FIXUPS: [Fixup; 22] = [
    Fixup {
        name: "object-in-path",
        reason: "an object cannot be a part of a path, and the operation takes no other body",
        apply: parameters::object_in_path_to_body,
    },
    Fixup {
        name: "parameter-without-segment",
        reason: "a parameter stands glued to the segment before it, which no route of the API looks like",
        apply: paths::separate_parameters,
    },
    Fixup {
        name: "parameter-twice",
        reason: "one parameter stands twice in a row, and the same value twice is no id",
        apply: paths::single_parameters,
    },
    Fixup {
        name: "collection-in-two-spellings",
        reason: "one collection is spelled in two ways, by case or by a slash at the end, which share out its operations",
        apply: spelling::one_collection,
    },
    Fixup {
        name: "path-parameter-not-in-template",
        reason: "parameters declared `in: path` that the path has no place for can only travel in the query",
        apply: paths::move_parameters_to_query,
    },
    Fixup {
        name: "object-in-query",
        reason: "how an object travels in the query is not declared, so that the caller has to write the text",
        apply: parameters::object_in_query_to_text,
    },
    Fixup {
        name: "list-parameters-on-one-record",
        reason: "every GET declares all list parameters, also those that answer with one record, a number or a file",
        apply: parameters::drop_list_parameters,
    },
    Fixup {
        name: "default-answer",
        reason: "an operation declares only its default answer, which says nothing about success",
        apply: answers::default_to_success,
    },
    Fixup {
        name: "body-of-no-content",
        reason: "answers with status 204 have no body, whatever they declare",
        apply: answers::empty_no_content,
    },
    Fixup {
        name: "download-without-content",
        reason: "images and downloads declare success without a body",
        apply: answers::undeclared_to_download,
    },
    Fixup {
        name: "count-answer",
        reason: "some counts declare records as their answer, where all others declare a number",
        apply: answers::counts,
    },
    Fixup {
        name: "framework-type-as-answer",
        reason: "`HttpResponseMessage` is a type of the server's framework and never its answer",
        apply: answers::message_to_anything,
    },
    Fixup {
        name: "bulk-answer",
        reason: "some bulk changes declare a record as their answer, where all others declare what became of each item",
        apply: answers::bulk,
    },
    Fixup {
        name: "bulk-delete-without-body",
        reason: "a bulk deletion without a body doesn't say what to delete; all others take a list of ids",
        apply: answers::bulk_delete_with_ids,
    },
    Fixup {
        name: "record-by-id-as-array",
        reason: "some reads of one record by its id declare an array, so that what comes is read either way",
        apply: answers::one_or_many,
    },
    Fixup {
        name: "patch-without-body",
        reason: "a PATCH without a body could change nothing; all others take a list of changes",
        apply: answers::patch_with_body,
    },
    Fixup {
        name: "required-in-other-case",
        reason: "a required list names a property in another case than the schema",
        apply: properties::required_as_spelled,
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
        apply: properties::put_limits_aside,
    },
    Fixup {
        name: "required-on-reading",
        reason: "required lists hold for writing only: the live API leaves out required properties, and `fields` does so by intent",
        apply: properties::put_required_aside,
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

/// The document without the excluded paths and with every fixup applied, and how often each bit. What can't be repaired is left as
/// it is, and told.
pub(crate) fn repair(
    document: &Document,
    exclusions: &[Exclusion],
    problems: &mut Problems,
) -> Result<(Document, Vec<Bite>)> {
    let mut root = document.root.clone();
    paths::exclude(&mut root, document, exclusions, problems);
    let bites = FIXUPS.iter().filter_map(|fixup| problems.keep(fixup.bite(&mut root))).collect();
    Ok((Document::of(root)?, bites))
}

impl Fixup {
    fn bite(&self, root: &mut Value) -> Result<Bite> {
        match (self.apply)(root)? {
            0 => Err(Kind::FixupDead { name: self.name }.into()),
            places => Ok(Bite { name: self.name, places, reason: self.reason }),
        }
    }

    /// Applies this repair alone, for tests of its effect.
    ///
    /// # Errors
    /// When it changes nothing.
    pub fn apply_alone(&self, document: &Document) -> Result<Document> {
        let mut root = document.root.clone();
        self.bite(&mut root)?;
        Document::of(root)
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
