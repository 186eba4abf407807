//! Renders which resources exist and which verbs they have.

use std::fmt::Write as _;

use quote::ToTokens as _;

use super::docs::{alias, code};
use crate::names::type_name;
use crate::resource::Resource;
use crate::verb::Verb;

/// The text of one resource, for `connectwise_sdk::resources`.
pub(crate) fn render(resource: &Resource) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut out, resource);
    out
}

fn write(out: &mut String, resource: &Resource) -> std::fmt::Result {
    let Resource { name, schema, path, parents, verbs } = resource;
    let record = type_name(schema);
    if !resource.is_own() {
        writeln!(out, "\n/// {}: records of type [`{record}`].", code(path))?;
        if let Some(alias) = alias(path) {
            writeln!(out, "{}", alias.to_token_stream())?;
        }
        writeln!(out, "#[derive(Debug, Clone, Copy, PartialEq, Eq)]\npub enum {name} {{}}")?;
    }
    let place = (0..*parents).fold("Placed".to_owned(), |place, _| format!("Under<{place}>"));
    writeln!(out, "\nimpl Resource for {name} {{")?;
    writeln!(out, "    type Record = {record};")?;
    writeln!(out, "    type Place = {place};")?;
    writeln!(out, "    const PATH: &'static str = {path:?};\n}}")?;
    for (verb, route) in verbs {
        let constant = match verb {
            Verb::Count => Some("COUNT_PATH: &'static str"),
            verb if route.path == usual_path(*verb, path) => None,
            Verb::List => None,
            Verb::Get => Some("GET_PATH: Option<&'static str>"),
            Verb::Create => Some("CREATE_PATH: Option<&'static str>"),
            Verb::Replace => Some("REPLACE_PATH: Option<&'static str>"),
            Verb::Patch => Some("PATCH_PATH: Option<&'static str>"),
            Verb::Delete => Some("DELETE_PATH: Option<&'static str>"),
        };
        match constant {
            None => writeln!(out, "impl resource::{verb:?} for {name} {{}}")?,
            Some(constant) if *verb == Verb::Count => {
                writeln!(out, "impl resource::{verb:?} for {name} {{\n    const {constant} = {:?};\n}}", route.path)?;
            }
            Some(constant) => {
                let value = Some(&route.path);
                writeln!(out, "impl resource::{verb:?} for {name} {{\n    const {constant} = {value:?};\n}}")?;
            }
        }
    }
    Ok(())
}

/// Where a verb is expected: at the collection, or at the id below it.
fn usual_path(verb: Verb, collection: &str) -> String {
    if verb.is_of_one() { format!("{}/{{id}}", collection.trim_end_matches('/')) } else { collection.to_owned() }
}
