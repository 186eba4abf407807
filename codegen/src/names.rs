//! Rust names from wire names.

use std::collections::BTreeMap;

use heck::{ToPascalCase, ToSnakeCase};

use crate::error::{Kind, Place, Result};
use crate::json::pointer;

/// Names that generated text uses for something else: what the SDK brings into its scope, and what Rust does.
const TAKEN: [&str; 73] = [
    "AsMut",
    "AsRef",
    "Box",
    "Bulk",
    "Client",
    "Clone",
    "Copy",
    "Debug",
    "Decimal",
    "Default",
    "Deserialize",
    "Display",
    "DoubleEndedIterator",
    "Download",
    "Drop",
    "Eq",
    "Err",
    "Error",
    "ExactSizeIterator",
    "Extend",
    "Extra",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "FromIterator",
    "Future",
    "Hash",
    "Hidden",
    "Into",
    "IntoFuture",
    "IntoIterator",
    "Iterator",
    "Json",
    "Method",
    "Multipart",
    "None",
    "Nothing",
    "Ok",
    "OneOrMany",
    "Operation",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Patch",
    "Path",
    "Placed",
    "Properties",
    "Record",
    "RecordInfo",
    "Records",
    "Reference",
    "Resource",
    "Result",
    "Rule",
    "Segment",
    "Send",
    "Sender",
    "Serialize",
    "Sized",
    "Some",
    "String",
    "Sync",
    "Timestamp",
    "ToOwned",
    "ToString",
    "TryFrom",
    "TryInto",
    "Under",
    "Unpin",
    "Value",
    "Vec",
];
/// What is put behind the name of a schema that is taken.
const SCHEMA: &str = "Schema";

/// Type name of a schema.
pub(crate) fn type_name(schema: &str) -> String {
    let name = pascal_name(schema);
    if TAKEN.contains(&name.as_str()) { name + SCHEMA } else { name }
}

/// A part of a name, in the case of types.
pub(crate) fn pascal_name(text: &str) -> String {
    start_with_letter(ascii(text).to_pascal_case(), SCHEMA)
}

/// Field name of a property, before keywords are escaped.
pub(crate) fn field_name(property: &str) -> String {
    // A renderer that puts names into snake case must find nothing to change.
    match ascii(property).to_snake_case().as_str() {
        "" => "field_unnamed".to_owned(),
        name => start_with_letter(name.to_owned(), "field_"),
    }
}

/// Variant name of an enumeration value.
pub(crate) fn variant_name(value: &str) -> String {
    start_with_letter(ascii(value).to_pascal_case(), "Value")
}

/// Only ASCII is taken over, so that no value of the document can become something that is not an identifier.
fn ascii(name: &str) -> String {
    name.chars().filter(char::is_ascii).collect()
}

fn start_with_letter(name: String, prefix: &str) -> String {
    let letter = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if letter && name != "Self" && name != "self" { name } else { format!("{prefix}{name}") }
}

/// What takes a name, and where it stands in the document.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    what: String,
    place: Place,
}

impl Owner {
    /// Something that doesn't stand in the document.
    pub(crate) fn own(what: &str) -> Self {
        Self { what: what.to_owned(), place: Place::default() }
    }

    pub(crate) fn schema(name: &str) -> Self {
        Self::at(name.to_owned(), pointer(&["components", "schemas", name]))
    }

    pub(crate) fn property(schema: &str, property: &str) -> Self {
        let pointer = pointer(&["components", "schemas", schema, "properties", property]);
        Self::at(format!("{schema}.{property}"), pointer)
    }

    pub(crate) fn path(path: &str) -> Self {
        Self::at(path.to_owned(), pointer(&["paths", path]))
    }

    /// Something of an operation.
    pub(crate) fn operation(what: &str, id: &str, method: &str, path: &str) -> Self {
        let mut owner = Self::at(what.to_owned(), pointer(&["paths", path, method]));
        owner.place.operation = Some(id.to_owned());
        owner
    }

    pub(crate) fn at(what: String, pointer: String) -> Self {
        Self { what, place: Place { operation: None, pointer: Some(pointer) } }
    }
}

/// Names that are taken in one scope, and by what.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    taken: BTreeMap<String, Owner>,
}

impl Scope {
    /// Whether a name is taken.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.taken.contains_key(name)
    }

    /// Takes a name; two owners of one name are an error that names both, and the place of the second.
    pub(crate) fn take(&mut self, name: &str, owner: Owner) -> Result<()> {
        match self.taken.get(name) {
            None => drop(self.taken.insert(name.to_owned(), owner)),
            Some(first) => {
                let place = if owner.place.pointer.is_some() { owner.place } else { first.place.clone() };
                let name = name.to_owned();
                let first = first.what.clone();
                let second = owner.what;
                return Err(Kind::NameClash { name, first, second, place }.into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Owner, Scope, field_name, pascal_name, type_name, variant_name};

    #[test]
    fn names_follow_rust_conventions() {
        assert_eq!(type_name("SLAReference"), "SlaReference");
        assert_eq!(type_name("ConnectWise.Apis.v3_0.System"), "ConnectWiseApisV30System");
        assert_eq!([type_name("Option"), type_name("vec")], ["OptionSchema", "VecSchema"]);
        assert_eq!(pascal_name("download"), "Download");
        assert_eq!(field_name("_info"), "info");
        assert_eq!(field_name("scheduled_End"), "scheduled_end");
        assert_eq!(field_name("customerPO"), "customer_po");
        assert_eq!(field_name("{"), "field_unnamed");
        assert_eq!(field_name("1st"), "field_1st");
        assert_eq!(field_name("a_ö_b_ß"), "a_b");
        assert_eq!(variant_name("30Days"), "Value30days");
        assert_eq!(variant_name("Contract2Weeks"), "Contract2Weeks");
        assert_eq!(variant_name(""), "Value");
        assert_eq!(variant_name("größe"), "Gre");
    }

    #[test]
    fn two_owners_of_a_name_are_an_error() {
        let mut scope = Scope::default();
        scope.take("id", Owner::property("Widget", "id")).unwrap();
        let error = scope.take("id", Owner::property("Widget", "ID")).unwrap_err();
        let place = "/components/schemas/Widget/properties/ID";
        assert_eq!(
            error.to_string(),
            format!("two things are called `id` in Rust: Widget.id and Widget.ID at {place}")
        );
        assert_eq!(error.pointer(), Some(place));
    }
}
