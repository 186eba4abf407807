//! The document that progenitor is given, and what it makes of it.

use std::collections::BTreeMap;

use openapiv3::OpenAPI;
use progenitor_impl::{GenerationSettings, Generator, HooksMode, InterfaceStyle};
use quote::quote;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::rust_type;
use crate::error::{Kind, Result};
use crate::names::type_name;
use crate::operation::{Answer, Argument, Body, Raw};
use crate::schema::Shape;

/// The SDK's own types, by the names that progenitor knows them under.
const OWN: [(&str, &str); 3] = [
    ("SdkTimestamp", "crate::timestamp::Timestamp"),
    ("SdkPatch", "crate::patch::Patch"),
    ("SdkSegment", "crate::operation::Segment"),
];
const ONE_OR_MANY: &str = "SdkOneOrMany";

/// The document that progenitor is given: nothing but what the calls are made of.
#[derive(Default)]
pub(crate) struct Prepared {
    paths: Map<String, Value>,
    /// Rust type of each schema by its name.
    types: BTreeMap<String, String>,
}

impl Prepared {
    pub(crate) fn add(&mut self, raw: &Raw) {
        let mut parameters = Vec::new();
        for Argument { name, shape, .. } in &raw.arguments {
            let schema = match shape {
                Shape::Int32 | Shape::Int64 => json!({"type": "integer", "format": "int64"}),
                Shape::Boolean => json!({"type": "boolean"}),
                _ => self.own("SdkSegment"),
            };
            parameters.push(json!({"name": name, "in": "path", "required": true, "schema": schema}));
        }
        for Argument { name, shape, known, .. } in &raw.query {
            let schema = match shape {
                Shape::Int32 | Shape::Int64 | Shape::Double | Shape::Boolean => self.schema(shape),
                _ => json!({"type": "string"}),
            };
            let mut parameter = json!({"name": name, "in": "query", "schema": schema});
            if !known.is_empty() {
                parameter["description"] = json!(format!("one of {}", known.join(", ")));
            }
            parameters.push(parameter);
        }
        let content = |media: &str, schema: Value| json!({ media: {"schema": schema} });
        let bytes = || content("application/octet-stream", json!({"type": "string", "format": "binary"}));
        let body = match &raw.body {
            Body::Nothing => None,
            Body::Json(shape) => Some(content("application/json", self.schema(shape))),
            Body::Patch => Some(content("application/json", self.own("SdkPatch"))),
            // The form is written by the SDK, which also says what it is.
            Body::Form => Some(bytes()),
        };
        let answer = match &raw.answer {
            Answer::Nothing => None,
            Answer::Json(shape) => Some(content("application/json", self.schema(shape))),
            Answer::Records(shape) => Some(content("application/json", self.one_or_many(shape))),
            Answer::Download => Some(bytes()),
        };
        // Servers succeed with another status than the one that is declared.
        let mut success = json!({"description": ""});
        if let Some(answer) = answer {
            success["content"] = answer;
        }
        let mut operation = json!({"operationId": raw.name, "parameters": parameters, "responses": {"2XX": success}});
        if let Some(body) = body {
            operation["requestBody"] = json!({"required": true, "content": body});
        }
        let item = self.paths.entry(raw.path.clone()).or_insert_with(|| json!({}));
        item[raw.method.as_str()] = operation;
    }

    fn reference(&mut self, name: String, ty: String) -> Value {
        let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
        self.types.insert(name, ty);
        reference
    }

    fn own(&mut self, name: &'static str) -> Value {
        let ty = OWN.iter().find(|(own, _)| *own == name).map_or(name, |(_, ty)| ty);
        self.reference(name.to_owned(), ty.to_owned())
    }

    fn one_or_many(&mut self, item: &Shape) -> Value {
        let ty = rust_type(item);
        self.reference(format!("{ONE_OR_MANY}{ty}"), format!("crate::operation::OneOrMany<crate::models::{ty}>"))
    }

    fn schema(&mut self, shape: &Shape) -> Value {
        match shape {
            Shape::Int32 => json!({"type": "integer", "format": "int32"}),
            Shape::Int64 => json!({"type": "integer", "format": "int64"}),
            Shape::Double => json!({"type": "number", "format": "double"}),
            Shape::Boolean => json!({"type": "boolean"}),
            Shape::Timestamp => self.own("SdkTimestamp"),
            Shape::Uuid | Shape::Text => json!({"type": "string"}),
            Shape::TextMap | Shape::Any => json!({}),
            Shape::Ref(name) => {
                let ty = type_name(name);
                let model = format!("crate::models::{ty}");
                self.reference(ty, model)
            }
            Shape::List(item) => json!({"type": "array", "items": self.schema(item)}),
        }
    }

    /// What progenitor makes of it.
    pub(crate) fn generate(self) -> Result<syn::File> {
        let schemas: Map<String, Value> =
            self.types.keys().map(|name| (name.clone(), json!({"type": "object"}))).collect();
        let document = json!({
            "openapi": "3.0.3",
            "info": {"title": "", "version": ""},
            "paths": self.paths,
            "components": {"schemas": schemas},
        });
        let document = OpenAPI::deserialize(document).map_err(|source| Kind::SchemaForm { source })?;
        let mut settings = GenerationSettings::new();
        settings.with_interface(InterfaceStyle::Builder).with_hooks(HooksMode::Expected);
        settings.with_inner_type(quote!(crate::Client));
        for (name, ty) in &self.types {
            settings.with_replacement(name, ty, std::iter::empty());
        }
        let text = Generator::new(&settings)
            .generate_tokens(&document)
            .map_err(|source| Kind::Progenitor { problem: source.to_string() })?;
        Ok(syn::parse2(text).map_err(|source| Kind::NotRust { file: "operations.rs".to_owned(), source })?)
    }
}
