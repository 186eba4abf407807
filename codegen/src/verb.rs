//! Which verb of which collection an operation is, if it is as regular as verbs are.

use serde_json::Value;

use crate::described::Described;
use crate::document::Operation;
use crate::fixups::SPELLED;
use crate::resource::collection_of;
use crate::schema::{Shape, shape};

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
pub(crate) struct VerbCall {
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
pub(crate) fn call(operation: &Operation<'_>) -> Option<VerbCall> {
    if !has_number_ids(operation) {
        return None;
    }
    let spelled = operation.api.extensions.get(SPELLED).and_then(Value::as_str);
    let path = spelled.unwrap_or(operation.path).trim_end_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default();
    let of_one = last.starts_with('{') && last.ends_with('}');
    let answer = operation.answer();
    let answered = answer.and_then(Described::reference);
    let body = operation.body();
    let taken = body.and_then(|body| body.schema);
    let found = |verb: Verb, schema: Option<&str>| {
        let collection = if verb == Verb::Count || verb.is_of_one() { collection_of(path) } else { path };
        Some(VerbCall { verb, collection: collection.to_owned(), schema: schema.map(str::to_owned), nested: false })
    };
    match (operation.method, of_one) {
        ("get", false) => match (answered, items(answer)) {
            (_, Some(item)) => found(Verb::List, Some(item)),
            (Some("Count"), None) if last == "count" => found(Verb::Count, None),
            (Some(schema), None) => nested(path, schema),
            (None, None) => None,
        },
        ("get", true) if body.is_none() => answered.and_then(|schema| found(Verb::Get, Some(schema))),
        ("post", false) => match answered {
            Some(schema) if is(schema, taken) => found(Verb::Create, Some(schema)),
            _ => None,
        },
        ("put", true) => match answered {
            Some(schema) if is(schema, taken) => found(Verb::Replace, Some(schema)),
            _ => None,
        },
        ("patch", true) if items(taken) == Some("PatchOperation") => {
            answered.and_then(|schema| found(Verb::Patch, Some(schema)))
        }
        ("delete", true) if body.is_none() => found(Verb::Delete, None),
        _ => None,
    }
}

/// `/x/{id}/info` as a read of one of the records that `/x/info` lists.
fn nested(path: &str, schema: &str) -> Option<VerbCall> {
    let (before, last) = path.rsplit_once('/')?;
    let (collection, id) = before.rsplit_once('/')?;
    let id = id.starts_with('{') && !last.starts_with('{');
    id.then(|| VerbCall {
        verb: Verb::Get,
        collection: format!("{collection}/{last}"),
        schema: Some(schema.to_owned()),
        nested: true,
    })
}

/// Schema of the elements of an array of references.
fn items(schema: Option<Described<'_>>) -> Option<&str> {
    schema?.items()?.reference()
}

/// Whether a schema is a reference to this one.
fn is(name: &str, schema: Option<Described<'_>>) -> bool {
    schema.and_then(Described::reference) == Some(name)
}

/// Whether everything in the path is a number, each in a segment of its own.
fn has_number_ids(operation: &Operation<'_>) -> bool {
    let parameters = operation.parameters();
    let in_path: Vec<_> = parameters.iter().filter(|parameter| parameter.in_path).collect();
    let is_number = |schema: Option<Described<'_>>| matches!(schema.map(shape), Some(Shape::Int32 | Shape::Int64));
    let own_segment = |name: &str| operation.path.split('/').any(|part| part == format!("{{{name}}}"));
    in_path.iter().all(|parameter| is_number(parameter.schema) && own_segment(parameter.name))
        && in_path.len() == operation.path.matches('{').count()
}
