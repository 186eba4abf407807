//! Raw operations: everything that is no verb of a resource, one function each.

use std::collections::BTreeSet;

use heck::ToSnakeCase;

use crate::api::Api;
use crate::described::Described;
use crate::document::{self, Document, Operation};
use crate::error::Result;
use crate::names::{Owner, Scope, field_name};
use crate::resource::Resource;
use crate::schema::{ONE_OR_MANY, Shape, shape};

/// An operation that is called by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Raw {
    pub(crate) id: String,
    /// Name of the function, unique within the module.
    pub(crate) name: String,
    pub(crate) module: String,
    pub(crate) method: String,
    pub(crate) path: String,
    /// What the path is filled with, in its order.
    pub(crate) arguments: Vec<Argument>,
    /// Names of the parameters that travel in the query.
    pub(crate) query: Vec<String>,
    pub(crate) body: Body,
    pub(crate) answer: Answer,
}

/// A value in the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Argument {
    pub(crate) name: String,
    pub(crate) field: String,
    pub(crate) ty: &'static str,
}

/// What an operation takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    Nothing,
    Json {
        shape: Shape,
        required: bool,
    },
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
    /// Schemas that the function's types name.
    pub(crate) fn schemas(&self) -> impl Iterator<Item = &str> {
        let body = match &self.body {
            Body::Json { shape, .. } => shape.target(),
            _ => None,
        };
        let answer = match &self.answer {
            Answer::Json(shape) | Answer::Records(shape) => shape.target(),
            _ => None,
        };
        body.into_iter().chain(answer)
    }
}

/// Every operation of the repaired document that no resource has.
pub(crate) fn resolve(document: &Document, api: &Api, resources: &[Resource]) -> Result<Vec<Raw>> {
    let routes = resources.iter().flat_map(|resource| resource.verbs.values());
    let taken: BTreeSet<&str> = routes.map(|route| route.operation.as_str()).collect();
    let mut scope = Scope::default();
    let mut raws = Vec::new();
    for operation in document.operations().iter().filter(|operation| !taken.contains(operation.id)) {
        let raw = raw(operation, api.module(operation.path)?)?;
        let owner = Owner::operation(operation.id, operation.id, operation.method, operation.path);
        scope.take(&format!("operations::{}::{}", raw.module, raw.name), owner)?;
        raws.push(raw);
    }
    Ok(raws)
}

fn raw(operation: &Operation<'_>, module: &str) -> Result<Raw> {
    let parameters = operation.parameters();
    let mut arguments = Vec::new();
    let mut fields = Scope::default();
    fields.take("body", Owner::own("the body"))?;
    fields.take("form", Owner::own("the form"))?;
    for part in operation.path.split('{').skip(1) {
        let name = part.split('}').next().unwrap_or_default();
        let declared = parameters.iter().find(|parameter| parameter.in_path && parameter.name == name);
        let field = field_name(name);
        fields.take(&field, Owner::operation(name, operation.id, operation.method, operation.path))?;
        let ty = match declared.and_then(|parameter| parameter.schema).map(shape) {
            Some(Shape::Int32 | Shape::Int64) => "i64",
            Some(Shape::Boolean) => "bool",
            _ => "&str",
        };
        arguments.push(Argument { name: name.to_owned(), field, ty });
    }
    let query = parameters.iter().filter(|parameter| parameter.in_query);
    Ok(Raw {
        id: operation.id.to_owned(),
        name: function_name(operation.id, operation.method, module),
        module: module.to_owned(),
        method: operation.method.to_owned(),
        path: operation.path.to_owned(),
        arguments,
        query: query.map(|parameter| parameter.name.to_owned()).collect(),
        body: body(operation),
        answer: answer(operation),
    })
}

/// `postServiceTicketsByIdCopy` of the module `service` -> `post_tickets_by_id_copy`.
fn function_name(id: &str, method: &str, module: &str) -> String {
    let whole = id.to_snake_case();
    let rest = whole.strip_prefix(method).and_then(|rest| rest.strip_prefix('_')).unwrap_or(&whole);
    let rest = rest.strip_prefix(module).and_then(|rest| rest.strip_prefix('_')).unwrap_or(rest);
    field_name(&format!("{method}_{rest}"))
}

fn body(operation: &Operation<'_>) -> Body {
    let Some(document::Body { media, schema, required }) = operation.body() else { return Body::Nothing };
    match schema {
        _ if media.starts_with("multipart/") => Body::Form,
        None => Body::Json { shape: Shape::Any, required },
        Some(schema) if schema.items().and_then(Described::reference) == Some("PatchOperation") => Body::Patch,
        Some(schema) => Body::Json { shape: shape(schema), required },
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
    use super::function_name;

    #[test]
    fn functions_are_called_after_their_operation_without_the_module() {
        assert_eq!(function_name("postServiceTicketsByIdCopy", "post", "service"), "post_tickets_by_id_copy");
        assert_eq!(function_name("getSystemInfo", "get", "system"), "get_info");
        assert_eq!(function_name("Service_Copy", "post", "service"), "post_copy");
    }
}
