//! Whether all of a document can be read, before anything in it is repaired: the places that complaints name are then those
//! of the document as it is.

use crate::document::{Document, is_json};
use crate::error::Result;
use crate::import::facts;
use crate::node::Node;
use crate::schema::shape;

/// Complains about the first place that is not as the generator needs it.
pub(crate) fn check(document: &Document) -> Result<()> {
    facts(document)?;
    let schemas = document.schemas()?;
    for operation in document.operations()? {
        for parameter in operation.parameters()? {
            value(&schemas, parameter.node.get("schema"))?;
        }
        if let Some(body) = operation.node.get("requestBody") {
            contents(&schemas, &body.require("content", "the media types of the body")?)?;
        }
        for (_, response) in operation.node.require("responses", "an object of responses")?.entries()? {
            if let Some(content) = response.get("content") {
                contents(&schemas, &content)?;
            }
        }
    }
    for (_, schema) in schemas.entries()? {
        if schema.text_of("type")? != Some("object") {
            return Err(schema.expected("a schema of type object"));
        }
        for (_, property) in schema.get("properties").map(|node| node.entries()).transpose()?.unwrap_or_default() {
            value(&schemas, Some(property))?;
        }
    }
    Ok(())
}

/// The schemas of bodies that are JSON.
fn contents(schemas: &Node<'_>, content: &Node<'_>) -> Result<()> {
    for (media, body) in content.entries()? {
        value(schemas, body.get("schema").filter(|_| is_json(media)))?;
    }
    Ok(())
}

/// A schema has a shape that is known, and what it refers to is there.
fn value(schemas: &Node<'_>, schema: Option<Node<'_>>) -> Result<()> {
    let Some(schema) = schema else { return Ok(()) };
    match shape(&schema)?.target() {
        Some(target) if schemas.get(target).is_none() => {
            Err(schema.expected("a reference to a schema of the document"))
        }
        _ => Ok(()),
    }
}
