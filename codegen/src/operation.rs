//! Operations that are called by themselves: everything that is no verb of a resource, and, with the feature `raw`, all others.

use std::collections::{BTreeMap, BTreeSet};

use openapiv3::{SchemaKind, Type};

use crate::api::Api;
use crate::described::Described;
use crate::document::{Document, Operation, Parameter, RequestBody};
use crate::error::{Kind, Result};
use crate::json::pointer;
use crate::names::{Owner, Scope, field_name};
use crate::problems::Problems;
use crate::resource::Resource;
use crate::schema::{ONE_OR_MANY, Shape, shape};

/// Methods that the SDK's transport knows.
const METHODS: [&str; 5] = ["delete", "get", "patch", "post", "put"];
/// What a call has beside its parameters.
const OWN: [&str; 6] = ["ask", "client", "new", "send", "with_query", "with_version"];

/// An operation that is called by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Raw {
    pub(crate) id: String,
    /// Name of the method of the client.
    pub(crate) name: String,
    pub(crate) module: String,
    pub(crate) method: String,
    pub(crate) path: String,
    /// Whether a resource has it as a verb.
    pub(crate) is_verb: bool,
    /// What the path is filled with, in its order.
    pub(crate) arguments: Vec<Argument>,
    /// What travels in the query.
    pub(crate) query: Vec<Argument>,
    pub(crate) body: Body,
    pub(crate) answer: Answer,
}

/// A value in the path or in the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Argument {
    pub(crate) name: String,
    /// Name in Rust, before keywords are escaped.
    pub(crate) field: String,
    pub(crate) shape: Shape,
    /// Values that the document lists.
    pub(crate) known: Vec<String>,
}

/// What an operation takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    Nothing,
    Json(Shape),
    /// A list of changes.
    Patch,
    /// A form with files.
    Form,
}

/// What an operation answers with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Nothing,
    Json(Shape),
    /// Records in an array, or one by itself.
    Records(Shape),
    /// Bytes.
    Download,
}

impl Raw {
    /// Schemas that the call's types name.
    pub(crate) fn schemas(&self) -> impl Iterator<Item = &str> {
        let body = match &self.body {
            Body::Json(shape) => shape.target(),
            _ => None,
        };
        let answer = match &self.answer {
            Answer::Json(shape) | Answer::Records(shape) => shape.target(),
            _ => None,
        };
        body.into_iter().chain(answer)
    }
}

/// Every operation of the repaired document, sorted by path and method.
pub(crate) fn resolve(document: &Document, api: &Api, resources: &[Resource], problems: &mut Problems) -> Vec<Raw> {
    let routes = resources.iter().flat_map(|resource| resource.verbs.values());
    let verbs: BTreeSet<&str> = routes.map(|route| route.operation.as_str()).collect();
    let operations = document.operations();
    let mut scope = Scope::default();
    let mut raws = Vec::new();
    for (operation, name) in operations.iter().zip(names(&operations)) {
        let owner = Owner::operation(operation.id, operation.id, operation.method, operation.path);
        problems.keep(scope.take(&format!("Client::{name}"), owner));
        let is_verb = verbs.contains(operation.id);
        let module = problems.keep(api.module(operation.path));
        let raw = module.and_then(|module| problems.keep(raw(document, operation, module, name)));
        raws.extend(raw.map(|raw| Raw { is_verb, ..raw }));
    }
    raws
}

/// Names from method and path: `POST /service/tickets/{parentId}/merge` -> `post_service_tickets_merge`. An id in the middle is
/// named only where another operation with fewer of them, or as many, would be called the same.
fn names(operations: &[Operation<'_>]) -> Vec<String> {
    let mut alike: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for operation in operations {
        alike.entry(name(operation, false)).or_default().push(operation.path.matches('{').count());
    }
    let named = |operation: &Operation<'_>| {
        let short = name(operation, false);
        let ids = operation.path.matches('{').count();
        let rivals = alike.get(&short).map_or(&[][..], Vec::as_slice);
        let first = rivals.iter().filter(|other| **other <= ids).count() == 1;
        if first { short } else { name(operation, true) }
    };
    operations.iter().map(named).collect()
}

fn name(operation: &Operation<'_>, whole: bool) -> String {
    let segments: Vec<&str> = operation.path.split('/').filter(|segment| !segment.is_empty()).collect();
    let mut words = vec![operation.method.to_owned()];
    for (index, segment) in segments.iter().enumerate() {
        match segment.strip_prefix('{') {
            Some(_) if !whole && index + 1 < segments.len() => {}
            Some(parameter) => words.push(format!("by_{}", field_name(parameter))),
            None => words.push(field_name(segment)),
        }
    }
    field_name(&words.join("_"))
}

fn raw(document: &Document, operation: &Operation<'_>, module: &str, name: String) -> Result<Raw> {
    if !METHODS.contains(&operation.method) {
        let pointer = pointer(&["paths", operation.path, operation.method]);
        let expected = "one of the methods get, post, put, patch and delete";
        return Err(Kind::Shape { operation: Some(operation.id.to_owned()), pointer, expected }.into());
    }
    let declared = document.parameters(operation);
    let mut fields = Scope::default();
    for own in OWN.iter().chain(&["body"]) {
        fields.take(own, Owner::own("a part of every call"))?;
    }
    let mut argument = |name: &str, parameter: Option<&Parameter<'_>>| -> Result<Argument> {
        let field = field_name(name);
        fields.take(&field, Owner::operation(name, operation.id, operation.method, operation.path))?;
        let schema = parameter.and_then(|parameter| parameter.schema);
        let known = schema.map(known).unwrap_or_default();
        Ok(Argument { name: name.to_owned(), field, shape: schema.map_or(Shape::Text, shape), known })
    };
    let mut arguments = Vec::new();
    for part in operation.path.split('{').skip(1) {
        let name = part.split('}').next().unwrap_or_default();
        let parameter = declared.iter().find(|parameter| parameter.in_path && parameter.name == name);
        arguments.push(argument(name, parameter)?);
    }
    let mut query = Vec::new();
    for parameter in declared.iter().filter(|parameter| parameter.in_query) {
        query.push(argument(parameter.name, Some(parameter))?);
    }
    Ok(Raw {
        id: operation.id.to_owned(),
        name,
        module: module.to_owned(),
        method: operation.method.to_owned(),
        path: operation.path.to_owned(),
        is_verb: false,
        arguments,
        query,
        body: body(operation),
        answer: answer(operation),
    })
}

/// Texts that an enumeration lists.
fn known(schema: Described<'_>) -> Vec<String> {
    match schema {
        Described::Inline(openapiv3::Schema { schema_kind: SchemaKind::Type(Type::String(text)), .. }) => {
            text.enumeration.iter().flatten().cloned().collect()
        }
        _ => Vec::new(),
    }
}

fn body(operation: &Operation<'_>) -> Body {
    let Some(RequestBody { media, schema }) = operation.body() else { return Body::Nothing };
    match schema {
        _ if media.starts_with("multipart/") => Body::Form,
        None => Body::Json(Shape::Any),
        Some(schema) if schema.items().and_then(Described::reference) == Some("PatchOperation") => Body::Patch,
        Some(schema) => Body::Json(shape(schema)),
    }
}

fn answer(operation: &Operation<'_>) -> Answer {
    match operation.answer() {
        Some(schema) => match (shape(schema), schema.extension(ONE_OR_MANY)) {
            (Shape::List(item), Some(_)) => Answer::Records(*item),
            (shape, _) => Answer::Json(shape),
        },
        None if operation.is_download() => Answer::Download,
        None => Answer::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::{Operation, names};

    #[test]
    fn calls_are_named_after_method_and_path() {
        let api = openapiv3::Operation::default();
        let operation = |(method, path)| Operation { method, path, id: "x", api: &api };
        let operations = [
            ("post", "/service/tickets/{parentId}/merge"),
            ("post", "/finance/agreements/{id}/copy"),
            ("post", "/finance/agreements/types/{id}/copy"),
            ("get", "/company/contacts"),
            ("get", "/company/contacts/{id}"),
            ("get", "/company/contacts/info"),
            ("get", "/company/contacts/{id}/info"),
            ("get", "/company/addressFormats/{a}/x/{b}"),
            ("get", "/company/addressFormats/x/{b}"),
            ("get", "/system/{a}/x"),
            ("get", "/system/{b}/x"),
        ];
        assert_eq!(
            names(&operations.map(operation)),
            [
                "post_service_tickets_merge",
                "post_finance_agreements_copy",
                "post_finance_agreements_types_copy",
                "get_company_contacts",
                "get_company_contacts_by_id",
                "get_company_contacts_info",
                "get_company_contacts_by_id_info",
                "get_company_address_formats_by_a_x_by_b",
                "get_company_address_formats_x_by_b",
                "get_system_by_a_x",
                "get_system_by_b_x",
            ]
        );
    }
}
