//! Which verb of which collection an operation is, if it is as regular as verbs are.

use crate::document::{Operation, reference};
use crate::error::Result;
use crate::fixups::SPELLED;
use crate::node::Node;
use crate::resource::{collection_of, is};

/// What a collection or one of its records can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    List,
    Count,
    Get,
    Create,
    Replace,
    Patch,
    Delete,
}

/// An operation as a verb of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) verb: Verb,
    /// Path of the collection.
    pub(crate) collection: String,
    /// Schema of the records, where the operation tells.
    pub(crate) schema: Option<String>,
    /// Whether the record's id stands inside the collection's path: `{id}/info` of the list `info`.
    pub(crate) nested: bool,
}

impl Verb {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Count => "count",
            Self::Get => "get",
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    /// Whether the verb is about one record.
    pub(crate) fn is_of_one(self) -> bool {
        matches!(self, Self::Get | Self::Replace | Self::Patch | Self::Delete)
    }
}

/// The verb that an operation is, if it takes and answers what the verb needs.
pub(crate) fn call(operation: &Operation<'_>) -> Result<Option<Call>> {
    if !has_number_ids(operation)? {
        return Ok(None);
    }
    let path = operation.node.text_of(SPELLED)?.unwrap_or(operation.path).trim_end_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default();
    let of_one = last.starts_with('{') && last.ends_with('}');
    let answer = operation.answer()?;
    let answered = answer.as_ref().map(reference).transpose()?.flatten();
    let body = operation.body()?;
    let taken = body.as_ref().and_then(|(_, schema, _)| schema.as_ref());
    let found = |verb: Verb, schema: Option<&str>| {
        let collection = if verb == Verb::Count || verb.is_of_one() { collection_of(path) } else { path };
        Some(Call { verb, collection: collection.to_owned(), schema: schema.map(str::to_owned), nested: false })
    };
    Ok(match (operation.method, of_one) {
        ("get", false) => match (answered, items(answer.as_ref())?) {
            (_, Some(item)) => found(Verb::List, Some(item)),
            (Some("Count"), None) if last == "count" => found(Verb::Count, None),
            (Some(schema), None) => nested(path, schema),
            (None, None) => None,
        },
        ("get", true) if body.is_none() => answered.and_then(|schema| found(Verb::Get, Some(schema))),
        ("post", false) => match answered {
            Some(schema) if is(schema, taken)? => found(Verb::Create, Some(schema)),
            _ => None,
        },
        ("put", true) => match answered {
            Some(schema) if is(schema, taken)? => found(Verb::Replace, Some(schema)),
            _ => None,
        },
        ("patch", true) if items(taken)? == Some("PatchOperation") => {
            answered.and_then(|schema| found(Verb::Patch, Some(schema)))
        }
        ("delete", true) if body.is_none() => found(Verb::Delete, None),
        _ => None,
    })
}

/// `/x/{id}/info` as a read of one of the records that `/x/info` lists.
fn nested(path: &str, schema: &str) -> Option<Call> {
    let (before, last) = path.rsplit_once('/')?;
    let (collection, id) = before.rsplit_once('/')?;
    let id = id.starts_with('{') && !last.starts_with('{');
    id.then(|| Call {
        verb: Verb::Get,
        collection: format!("{collection}/{last}"),
        schema: Some(schema.to_owned()),
        nested: true,
    })
}

/// Schema of the elements of an array of references.
fn items<'a>(schema: Option<&Node<'a>>) -> Result<Option<&'a str>> {
    match schema.and_then(|schema| schema.get("items")) {
        Some(items) => reference(&items),
        None => Ok(None),
    }
}

/// Whether everything in the path is a number, each in a segment of its own.
fn has_number_ids(operation: &Operation<'_>) -> Result<bool> {
    let mut numbers = 0;
    for parameter in operation.parameters()?.iter().filter(|parameter| parameter.place == "path") {
        let schema = parameter.node.get("schema");
        let kind = schema.as_ref().map(|schema| schema.text_of("type")).transpose()?.flatten();
        if kind != Some("integer") || !operation.path.split('/').any(|part| part == format!("{{{}}}", parameter.name)) {
            return Ok(false);
        }
        numbers += 1;
    }
    Ok(numbers == operation.path.matches('{').count())
}
