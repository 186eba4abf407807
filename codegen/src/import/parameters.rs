//! Parameters: those that nearly every operation has are written once, all others where they belong.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fact::Fact;
use super::schema;
use crate::document::METHODS;
use crate::json::{entries, items};

const REFERENCE: &str = "#/components/parameters/";

/// Names of the parameters that the facts form shares.
const SHARED: [&str; 9] = [
    "childConditions",
    "clientId",
    "conditions",
    "customFieldConditions",
    "fields",
    "orderBy",
    "page",
    "pageId",
    "pageSize",
];

/// The shared parameters of a document.
#[derive(Debug)]
pub(super) struct SharedParameters<'a> {
    /// Shared parameters as they are written once.
    facts: BTreeMap<&'a str, Fact>,
    /// Every parameter below `components`, for the references to those that are not shared.
    components: &'a Value,
}

impl<'a> SharedParameters<'a> {
    /// Finds the shared parameters, whether the document has them below `components` or repeats them everywhere.
    pub(super) fn find(root: &'a Value) -> Self {
        let components = &root["components"]["parameters"];
        let mut facts = BTreeMap::new();
        let paths = entries(&root["paths"]).into_iter();
        let operations = paths.flat_map(|(_, item)| entries(item)).filter(|(method, _)| METHODS.contains(method));
        let inline = operations.flat_map(|(_, operation)| items(&operation["parameters"]));
        for node in entries(components).into_iter().map(|(_, node)| node).chain(inline) {
            if let Some(name) = node["name"].as_str().filter(|name| SHARED.contains(name)) {
                facts.entry(name).or_insert_with(|| parameter(node));
            }
        }
        Self { facts, components }
    }

    /// What stands below `components`.
    pub(super) fn component(&self) -> Fact {
        Fact::block(self.facts.iter().map(|(name, fact)| (*name, fact.clone())))
    }

    /// What stands in an operation's list.
    pub(super) fn fact(&self, node: &Value) -> Fact {
        let target = node["$ref"].as_str().and_then(|target| target.strip_prefix(REFERENCE));
        let fact = parameter(target.map_or(node, |key| &self.components[key]));
        match self.facts.iter().find(|(_, shared)| **shared == fact) {
            Some((name, _)) => Fact::inline([("$ref", Fact::text(&format!("{REFERENCE}{name}")))]),
            None => fact,
        }
    }
}

fn parameter(node: &Value) -> Fact {
    let mut parts = vec![("name", Fact::Scalar(node["name"].clone())), ("in", Fact::Scalar(node["in"].clone()))];
    if node["required"] == true {
        parts.push(("required", Fact::truth()));
    }
    parts.extend(node.get("schema").map(|schema| ("schema", schema::inline(schema))));
    Fact::inline(parts)
}
