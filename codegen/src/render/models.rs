//! Renders models: typify turns the schemas into structs, and what it cannot express (secrets that `Debug` hides, kept
//! unknown properties that `Debug` doesn't print) is changed on its syntax tree. How they are read and written is the
//! SDK's `properties!`, which asks for their wire names: serde's derive is many times the text and the work of compilers.

use std::collections::BTreeMap;

use quote::{ToTokens, format_ident, quote};
use serde_json::{Map, Value, json};
use syn::parse_quote;
use typify::{TypeSpace, TypeSpaceSettings};

use super::docs::Docs;
use crate::error::{Kind, Result};
use crate::names::{field_name, type_name};
use crate::schema::{Property, Schema, Schemas, Shape};
use crate::secrets::Secrets;

/// Type of the SDK that holds a `date-time`.
const TIMESTAMP: &str = "Timestamp";
/// Field with the properties that the document doesn't list.
pub(crate) const EXTRA: &str = "extra";

/// Texts of all models by type name, each with the impls that belong to it.
pub(crate) fn render(schemas: &Schemas, secrets: &Secrets, docs: &Docs<'_>) -> Result<BTreeMap<String, String>> {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    let (items, properties) = items(schemas, secrets, docs)?;
    for item in items {
        let name = match &item {
            syn::Item::Struct(item) => item.ident.to_string(),
            syn::Item::Impl(item) => item.self_ty.to_token_stream().to_string(),
            _ => continue,
        };
        let file = syn::File { shebang: None, attrs: Vec::new(), items: vec![item] };
        texts.entry(name).or_default().push_str(&prettyplease::unparse(&file));
    }
    for (name, text) in properties {
        texts.entry(name).or_default().push_str(&text);
    }
    Ok(texts)
}

/// The items of all models, and by type name the texts that list their properties.
fn items(schemas: &Schemas, secrets: &Secrets, docs: &Docs<'_>) -> Result<(Vec<syn::Item>, BTreeMap<String, String>)> {
    let mut settings = TypeSpaceSettings::default();
    settings.with_derive("PartialEq".to_owned());
    settings.with_replacement(TIMESTAMP, TIMESTAMP, std::iter::empty());
    settings.with_map_type("::std::collections::BTreeMap".to_owned());
    let mut free_form = Vec::new();
    let mut definitions = Map::new();
    definitions.insert(TIMESTAMP.to_owned(), json!({"type": "string"}));
    for (name, schema) in schemas.iter() {
        let ty = type_name(name);
        definitions.insert(ty.clone(), definition(schema));
        // The SDK's own kind of enumeration, and objects that are nothing but unknown properties, are rendered here.
        if !matches!(schema, Schema::Object(_)) {
            settings.with_replacement(&ty, &ty, std::iter::empty());
        }
        if matches!(schema, Schema::FreeForm) {
            free_form.push(free_form_item(name, docs));
        }
    }
    let mut types = TypeSpace::new(&settings);
    let mut typed = Vec::with_capacity(definitions.len());
    for (name, definition) in definitions {
        typed.push((name, serde_json::from_value(definition).map_err(|source| Kind::SchemaForm { source })?));
    }
    types.add_ref_types(typed).map_err(|source| Kind::Typify { source })?;
    let text = types.to_stream();
    let file: syn::File = syn::parse2(text).map_err(|source| Kind::NotRust { file: "models.rs".to_owned(), source })?;
    let mut finish = Finish::new(schemas, secrets, docs);
    let rendered = file.items.into_iter().filter(|item| !matches!(item, syn::Item::Mod(_)));
    let mut items: Vec<syn::Item> = rendered.flat_map(|item| finish.apply(item)).collect();
    let properties = finish.all_seen()?;
    items.extend(free_form);
    Ok((items, properties))
}

/// A schema as typify takes it: nothing required, unknown properties kept.
fn definition(schema: &Schema) -> Value {
    let extra = json!({});
    match schema {
        Schema::Enum(_) => json!({"type": "string"}),
        Schema::FreeForm => json!({"type": "object"}),
        Schema::Object(properties) => {
            let entry = |property: &Property| (field_name(&property.name), nullable(&property.shape));
            let entries: Map<String, Value> = properties.iter().map(entry).collect();
            json!({"type": "object", "properties": entries, "additionalProperties": extra})
        }
    }
}

fn free_form_item(name: &str, docs: &Docs<'_>) -> syn::Item {
    let ty = format_ident!("{}", type_name(name));
    let docs = docs.of(name);
    parse_quote! {
        #(#docs)*
        #[derive(::serde::Deserialize, ::serde::Serialize, Clone, Debug, Default, PartialEq)]
        pub struct #ty {
            /// Properties that the interface document doesn't list.
            #[serde(flatten)]
            pub extra: Extra,
        }
    }
}

/// typify makes an option of everything that is not required, except of lists and maps, which have a default.
fn nullable(shape: &Shape) -> Value {
    let mut value = json_schema(shape);
    if let Some(kind @ ("array" | "object")) = value.get("type").and_then(Value::as_str) {
        let kinds = json!([kind, "null"]);
        value["type"] = kinds;
    }
    value
}

fn json_schema(shape: &Shape) -> Value {
    match shape {
        Shape::Int32 => json!({"type": "integer", "format": "int32"}),
        Shape::Int64 => json!({"type": "integer", "format": "int64"}),
        Shape::Double => json!({"type": "number", "format": "double"}),
        Shape::Boolean => json!({"type": "boolean"}),
        Shape::Uuid | Shape::Text => json!({"type": "string"}),
        Shape::Timestamp => json!({"$ref": format!("#/definitions/{TIMESTAMP}")}),
        Shape::TextMap => json!({"type": "object", "additionalProperties": {"type": ["string", "null"]}}),
        Shape::Any => json!({}),
        Shape::Ref(name) => json!({"$ref": format!("#/definitions/{}", type_name(name))}),
        Shape::List(item) => json!({"type": "array", "items": json_schema(item)}),
    }
}

/// What typify's structs are finished with.
struct Finish {
    /// Type and field -> what is known of it; fields that have been finished are taken out.
    fields: BTreeMap<(String, String), Field>,
    /// Type -> its documentation.
    docs: BTreeMap<String, Vec<syn::Attribute>>,
    /// Type -> the text that lists its properties.
    properties: BTreeMap<String, String>,
}

/// What is known of a field.
struct Field {
    wire: String,
    /// Whether `Debug` must not show it.
    is_secret: bool,
    docs: syn::Attribute,
}

impl Finish {
    fn new(schemas: &Schemas, secrets: &Secrets, docs: &Docs<'_>) -> Self {
        let (mut fields, mut docs_of_types) = (BTreeMap::new(), BTreeMap::new());
        for (name, schema) in schemas.iter() {
            let Schema::Object(properties) = schema else { continue };
            docs_of_types.insert(type_name(name), docs.of(name));
            for property in properties {
                let key = (type_name(name), field_name(&property.name));
                let is_secret = secrets.contains(name, &property.name);
                let docs = docs.property(property, is_secret);
                fields.insert(key, Field { wire: property.name.clone(), is_secret, docs });
            }
        }
        Self { fields, docs: docs_of_types, properties: BTreeMap::new() }
    }

    /// typify saw field names that need no change; here they get their wire names, and what it cannot express.
    fn apply(&mut self, item: syn::Item) -> Vec<syn::Item> {
        let syn::Item::Struct(mut item) = item else { return vec![item] };
        let ty = item.ident.to_string();
        let mut shown = Vec::new();
        let mut hides = false;
        let mut properties = format!("properties! {{\n    {ty} {{\n");
        for field in &mut item.fields {
            let Some(ident) = field.ident.clone() else { continue };
            let label = ident.to_string();
            // A keyword has got an underscore.
            let plain = label.trim_end_matches('_').to_owned();
            let known = self.fields.remove(&(ty.clone(), label.clone()));
            let known = known.or_else(|| self.fields.remove(&(ty.clone(), plain)));
            let mut value = quote!(&self.#ident);
            match known {
                Some(Field { wire, is_secret, docs }) => {
                    field.attrs = vec![docs];
                    properties.push_str(&format!("        {ident} = {wire:?},\n"));
                    if is_secret {
                        hides = true;
                        value = quote!(&self.#ident.as_ref().map(|_| crate::models::Hidden));
                    }
                }
                None => {
                    field.ty = parse_quote!(Extra);
                    field.attrs = vec![parse_quote!(#[doc = " Properties that the interface document doesn't list."])];
                }
            }
            shown.push(quote!(.field(#label, #value)));
        }
        self.properties.insert(ty.clone(), properties + "    }\n}\n");
        let mut attributes = self.docs.remove(&ty).unwrap_or_default();
        for mut attribute in std::mem::take(&mut item.attrs) {
            if attribute.path().is_ident("derive") {
                derive(&mut attribute, !hides);
            }
            // typify documents with the schema.
            if !attribute.path().is_ident("doc") {
                attributes.push(attribute);
            }
        }
        item.attrs = attributes;
        if !hides {
            return vec![item.into()];
        }
        let name = &item.ident;
        let debug = parse_quote! {
            impl ::std::fmt::Debug for #name {
                fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                    f.debug_struct(#ty) #(#shown)* .finish()
                }
            }
        };
        vec![item.into(), debug]
    }
}

impl Finish {
    /// A field without its wire name would read nothing, and a secret one would be shown.
    fn all_seen(self) -> Result<BTreeMap<String, String>> {
        match self.fields.into_keys().next() {
            None => Ok(self.properties),
            Some((ty, field)) => Err(Kind::FieldLost { ty, field }.into()),
        }
    }
}

/// Adds `Default`, since every field is optional, and removes what is written out: reading and writing, and `Debug` where
/// something is hidden.
fn derive(attribute: &mut syn::Attribute, debug: bool) {
    let syn::Meta::List(list) = &attribute.meta else { return };
    let parse = syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated;
    let Ok(derives) = list.parse_args_with(parse) else { return };
    let is = |path: &syn::Path, name: &str| path.segments.last().is_some_and(|last| last.ident == name);
    let own = |path: &syn::Path| is(path, "Serialize") || is(path, "Deserialize") || (!debug && is(path, "Debug"));
    let mut kept: Vec<_> = derives.iter().filter(|path| !own(path)).map(ToTokens::to_token_stream).collect();
    if !derives.iter().any(|path| is(path, "Default")) {
        kept.push(quote!(Default));
    }
    *attribute = parse_quote!(#[derive(#(#kept),*)]);
}
