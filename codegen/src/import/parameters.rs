//! Parameters: those that nearly every operation has are written once, all others where they belong.

use std::collections::BTreeMap;

use super::fact::Fact;
use super::schema;
use crate::document::Document;
use crate::error::Result;
use crate::node::Node;

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
pub(super) struct Shared<'a> {
    /// Shared parameters as they are written once.
    facts: BTreeMap<&'a str, Fact>,
    /// Every parameter below `components`, for the references to those that are not shared.
    components: BTreeMap<&'a str, Node<'a>>,
}

impl<'a> Shared<'a> {
    /// Finds the shared parameters, whether the document has them below `components` or repeats them everywhere.
    pub(super) fn find(document: &'a Document) -> Result<Self> {
        let declared = document.node().get("components").and_then(|node| node.get("parameters"));
        let mut components = BTreeMap::new();
        let mut facts = BTreeMap::new();
        for (key, node) in declared.map(|node| node.entries()).transpose()?.unwrap_or_default() {
            let name = node.require("name", "the parameter's name")?.text()?;
            if SHARED.contains(&name) {
                facts.insert(name, parameter(&node)?);
            }
            components.insert(key, node);
        }
        for operation in document.operations()? {
            let parameters = operation.node.get("parameters").map(|node| node.items()).transpose()?;
            for node in parameters.unwrap_or_default() {
                let Some(name) = node.text_of("name")? else { continue };
                if SHARED.contains(&name) && !facts.contains_key(name) {
                    facts.insert(name, parameter(&node)?);
                }
            }
        }
        Ok(Self { facts, components })
    }

    /// What stands below `components`.
    pub(super) fn component(&self) -> Fact {
        Fact::block(self.facts.iter().map(|(name, fact)| (*name, fact.clone())))
    }

    /// What stands in an operation's list.
    pub(super) fn fact(&self, node: &Node<'_>) -> Result<Fact> {
        let fact = match node.text_of("$ref")? {
            None => parameter(node)?,
            Some(target) => match target.strip_prefix(REFERENCE).and_then(|key| self.components.get(key)) {
                Some(component) => parameter(component)?,
                None => return Err(node.expected("a reference to a parameter below #/components/parameters/")),
            },
        };
        let shared = self.facts.iter().find(|(_, shared)| **shared == fact);
        Ok(match shared {
            Some((name, _)) => Fact::inline([("$ref", Fact::text(&format!("{REFERENCE}{name}")))]),
            None => fact,
        })
    }
}

fn parameter(node: &Node<'_>) -> Result<Fact> {
    let mut entries = Vec::new();
    entries.push(("name", Fact::text(node.require("name", "the parameter's name")?.text()?)));
    entries.push(("in", Fact::text(node.require("in", "where the parameter goes")?.text()?)));
    if node.get("required").map(|node| node.flag()).transpose()? == Some(true) {
        entries.push(("required", Fact::truth()));
    }
    if let Some(schema) = node.get("schema") {
        entries.push(("schema", schema::inline(&schema)?));
    }
    Ok(Fact::inline(entries))
}
