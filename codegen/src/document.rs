//! The interface document: as JSON, which fixups change and the facts form is written from, and as `openapiv3` has it, which
//! everything else reads.

use std::path::Path;

use openapiv3::{Content, OpenAPI, ParameterSchemaOrContent, ReferenceOr, Response, StatusCode};
use serde_json::Value;

use crate::described::Described;
use crate::error::{Error, Kind, Result};
use crate::foreign;
use crate::json;
use crate::reading;

/// Methods an operation can have, in the order of the facts form.
pub(crate) const METHODS: [&str; 8] = ["delete", "get", "head", "options", "patch", "post", "put", "trace"];

/// Most values of a document that is read: seven times as many as the interface has. Each takes most of a kilobyte of memory, and a
/// document of more is no interface of ConnectWise PSA.
const MOST_VALUES: usize = 1_000_000;
/// Words that the vendor's descriptions state a length limit with.
pub(crate) const LENGTH_WORDS: &str = "Max length:";
/// As much of a description as tells a length behind these words.
const LONGEST_LENGTH: usize = 24;

/// An OpenAPI 3.0 document.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub(crate) root: Value,
    pub(crate) api: OpenAPI,
}

/// One operation of the document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation<'a> {
    pub(crate) path: &'a str,
    pub(crate) method: &'a str,
    pub(crate) id: &'a str,
    pub(crate) api: &'a openapiv3::Operation,
}

impl Document {
    /// Reads a document from JSON text; `name` is what errors call it.
    ///
    /// # Errors
    /// When the text is not JSON, or not an OpenAPI 3.0 document; the error names the operation and the JSON pointer.
    pub fn parse(name: &str, text: &[u8]) -> Result<Self> {
        Self::of(read_json(name, text)?)
    }

    /// Reads a document from a file.
    ///
    /// # Errors
    /// When the file cannot be read, and as [`Document::parse`].
    pub fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read(file).map_err(|source| Error::read(file, source))?;
        let root = read_json(&file.display().to_string(), &text)?;
        // It can be much larger than what is left of it.
        drop(text);
        Self::of(root)
    }

    /// The document that this is in JSON.
    pub(crate) fn of(root: Value) -> Result<Self> {
        let api = reading::read(&root)?;
        let version = &api.info.version;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if version.is_empty() || version.starts_with('.') || !version.chars().all(plain) {
            return Err(Kind::Version { version: version.clone() }.into());
        }
        Ok(Self { root, api })
    }

    /// Version of the interface, for example `2025.8`. It can be part of a file name.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.api.info.version
    }

    /// All operations, sorted by path and method.
    pub(crate) fn operations(&self) -> Vec<Operation<'_>> {
        let operations = self.api.operations();
        let mut operations: Vec<_> = operations
            .map(|(path, method, api)| {
                let id = api.operation_id.as_deref().unwrap_or_default();
                Operation { path, method, id, api }
            })
            .collect();
        operations.sort_by_key(|operation| (operation.path, operation.method));
        operations
    }

    /// Number of operations.
    #[must_use]
    pub fn operation_count(&self) -> usize {
        self.api.operations().count()
    }

    /// Parameters of an operation, its own and those that it shares with others.
    pub(crate) fn parameters<'a>(&'a self, operation: &Operation<'a>) -> Vec<Parameter<'a>> {
        let shared = self.api.components.as_ref().map(|components| &components.parameters);
        let find = |parameter: &'a ReferenceOr<openapiv3::Parameter>| match parameter {
            ReferenceOr::Item(own) => Some(own),
            ReferenceOr::Reference { reference } => shared?.get(reference.rsplit('/').next()?)?.as_item(),
        };
        operation.api.parameters.iter().filter_map(find).map(Parameter::of).collect()
    }

    /// The named schemas, sorted by name.
    pub(crate) fn schemas(&self) -> Vec<(&str, Described<'_>)> {
        let schemas = self.api.components.iter().flat_map(|components| &components.schemas);
        let mut schemas: Vec<_> = schemas.map(|(name, schema)| (name.as_str(), Described::of(schema))).collect();
        schemas.sort_by_key(|(name, _)| *name);
        schemas
    }
}

/// The JSON of a document, without its prose.
fn read_json(name: &str, text: &[u8]) -> Result<Value> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let name = name.to_owned();
    let values = json::count(text);
    if values > MOST_VALUES {
        return Err(Kind::TooLarge { name, values, most: MOST_VALUES }.into());
    }
    let mut root: Value = serde_json::from_slice(text).map_err(|source| match foreign::bytes(text) {
        Some(found) => Kind::NotOpenApi3 { name: name.clone(), found: found.to_owned() },
        None => Kind::NotJson { name: name.clone(), source },
    })?;
    if let Some(found) = foreign::json(&root) {
        return Err(Kind::NotOpenApi3 { name, found }.into());
    }
    without_prose(&mut root, false);
    Ok(root)
}

/// Drops descriptions, but for what they say of lengths; without them most documents are small.
fn without_prose(value: &mut Value, named: bool) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(text)) = object.get_mut("description").filter(|_| !named) {
                *text = text.split_once(LENGTH_WORDS).map_or_else(String::new, |(_, rest)| {
                    format!("{LENGTH_WORDS}{}", rest.chars().take(LONGEST_LENGTH).collect::<String>())
                });
            }
            object.iter_mut().for_each(|(key, value)| without_prose(value, key == "properties"));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| without_prose(item, false)),
        _ => {}
    }
}

/// A parameter of an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter<'a> {
    pub(crate) name: &'a str,
    pub(crate) in_path: bool,
    pub(crate) in_query: bool,
    pub(crate) schema: Option<Described<'a>>,
}

/// What an operation takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestBody<'a> {
    pub(crate) media: &'a str,
    pub(crate) schema: Option<Described<'a>>,
}

impl<'a> Parameter<'a> {
    fn of(parameter: &'a openapiv3::Parameter) -> Self {
        let data = parameter.parameter_data_ref();
        let schema = match &data.format {
            ParameterSchemaOrContent::Schema(schema) => Some(Described::of(schema)),
            ParameterSchemaOrContent::Content(_) => None,
        };
        let in_path = matches!(parameter, openapiv3::Parameter::Path { .. });
        let in_query = matches!(parameter, openapiv3::Parameter::Query { .. });
        Self { name: &data.name, in_path, in_query, schema }
    }
}

impl<'a> Operation<'a> {
    /// Parameters that are declared with the operation itself.
    pub(crate) fn parameters(&self) -> Vec<Parameter<'a>> {
        self.api.parameters.iter().filter_map(ReferenceOr::as_item).map(Parameter::of).collect()
    }

    /// The body, the one in JSON where there are several.
    pub(crate) fn body(&self) -> Option<RequestBody<'a>> {
        let body = self.api.request_body.as_ref()?.as_item()?;
        let (media, content) = body.content.iter().min_by_key(|(media, _)| (!is_json(media), *media))?;
        Some(RequestBody { media, schema: content.schema.as_ref().map(Described::of) })
    }

    /// Whether success is answered with bytes that are no JSON.
    pub(crate) fn is_download(&self) -> bool {
        self.contents().next().is_some_and(|content| content.keys().all(|media| !is_json(media)))
    }

    /// Schema of the JSON answer to a successful request, if it declares one.
    pub(crate) fn answer(&self) -> Option<Described<'a>> {
        let json =
            |content: &'a Content| content.iter().filter(|(media, _)| is_json(media)).min_by_key(|(media, _)| *media);
        self.contents().find_map(json)?.1.schema.as_ref().map(Described::of)
    }

    /// What answers to successful requests hold, where they hold something, in the order of their statuses.
    fn contents(&self) -> impl Iterator<Item = &'a Content> {
        let mut found: Vec<(&StatusCode, &Response)> = self
            .api
            .responses
            .responses
            .iter()
            .filter(|(status, _)| matches!(status, StatusCode::Code(200..=299) | StatusCode::Range(2)))
            .filter_map(|(status, response)| Some((status, response.as_item()?)))
            .collect();
        found.sort_by_key(|(status, _)| *status);
        found.into_iter().map(|(_, response)| &response.content).filter(|content| !content.is_empty())
    }
}

pub(crate) fn is_json(media: &str) -> bool {
    let essence = media.split(';').next().unwrap_or(media).trim();
    essence == "application/json" || essence.ends_with("+json")
}
