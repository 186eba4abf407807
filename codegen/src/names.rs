//! Rust names from wire names.

use std::collections::BTreeMap;

use heck::{ToPascalCase, ToSnakeCase};

use crate::error::{Kind, Result};

/// Type name of a schema.
pub(crate) fn type_name(schema: &str) -> String {
    start_with_letter(schema.to_pascal_case(), "Schema")
}

/// Field name of a property, before keywords are escaped.
pub(crate) fn field_name(property: &str) -> String {
    start_with_letter(property.to_snake_case(), "field_")
}

/// Variant name of an enumeration value.
pub(crate) fn variant_name(value: &str) -> String {
    start_with_letter(value.to_pascal_case(), "Value")
}

fn start_with_letter(name: String, prefix: &str) -> String {
    // Only ASCII is taken over, so that no value of the document can become something that is not an identifier.
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    let letter = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if letter && name != "Self" && name != "self" { name } else { format!("{prefix}{name}") }
}

/// Names that are taken in one scope, and by what.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    taken: BTreeMap<String, String>,
}

impl Scope {
    /// Whether a name is taken.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.taken.contains_key(name)
    }

    /// Takes a name; two owners of one name are an error that names both.
    pub(crate) fn take(&mut self, name: &str, owner: &str) -> Result<()> {
        match self.taken.insert(name.to_owned(), owner.to_owned()) {
            None => Ok(()),
            Some(first) => Err(Kind::NameClash { name: name.to_owned(), first, second: owner.to_owned() }.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Scope, field_name, type_name, variant_name};

    #[test]
    fn names_follow_rust_conventions() {
        assert_eq!(type_name("SLAReference"), "SlaReference");
        assert_eq!(type_name("ConnectWise.Apis.v3_0.System"), "ConnectWiseApisV30System");
        assert_eq!(field_name("_info"), "info");
        assert_eq!(field_name("scheduled_End"), "scheduled_end");
        assert_eq!(field_name("customerPO"), "customer_po");
        assert_eq!(variant_name("30Days"), "Value30days");
        assert_eq!(variant_name("Contract2Weeks"), "Contract2Weeks");
        assert_eq!(variant_name(""), "Value");
        assert_eq!(variant_name("größe"), "Gre");
    }

    #[test]
    fn two_owners_of_a_name_are_an_error() {
        let mut scope = Scope::default();
        scope.take("id", "id").unwrap();
        let error = scope.take("id", "ID").unwrap_err().to_string();
        assert_eq!(error, "two things in the document are called `id` in Rust: id and ID");
    }
}
