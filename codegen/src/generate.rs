//! From what is checked in to the text that the SDK includes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::api::Api;
use crate::catalog;
use crate::document::Document;
use crate::error::{Error, Result};
use crate::fixups::Bite;
use crate::lake::Lake;
use crate::names::type_name;
use crate::operation::Raw;
use crate::problems::Problems;
use crate::render;
use crate::render::docs::{Docs, Item};
use crate::render::files::Files;
use crate::render::gates;
use crate::render::records::Records;
use crate::resolved::Resolved;
use crate::resource::Resource;
use crate::schema::{Schema, Schemas};
use crate::selection::{Owners, SHARED, Selection};
use crate::verb::Verb;

/// Longest generated file.
pub const MAX_LINES: usize = 5_000;

/// What is checked in under `openapi/`.
#[derive(Debug, Clone)]
pub struct Sources {
    /// `api.toml`.
    pub api: Api,
    /// `lake.toml`.
    pub lake: Lake,
    /// The pinned document, as it is.
    pub document: Document,
    pub(crate) document_text: Vec<u8>,
}

/// Generated text by file name.
#[derive(Debug)]
pub struct Generated {
    /// File name -> Rust text.
    pub files: BTreeMap<String, String>,
    /// What each fixup changed.
    pub bites: Vec<Bite>,
    /// What the configuration says about an interface of another version than this, each told in a sentence.
    pub left_over: Vec<Error>,
    /// All resources, also those that are not selected.
    pub(crate) resources: Vec<Resource>,
    /// All operations as calls by themselves.
    pub(crate) raws: Vec<Raw>,
    /// All schemas.
    pub(crate) schemas: Schemas,
}

impl Sources {
    /// Reads a folder with `api.toml`, `lake.toml` and the pinned document.
    ///
    /// # Errors
    /// When one of them cannot be read or is not valid.
    pub fn read(folder: &Path) -> Result<Self> {
        let api = Api::read(&folder.join("api.toml"))?;
        let lake = Lake::read(&folder.join("lake.toml"))?;
        let file = folder.join(api.document_file());
        let text = std::fs::read(&file).map_err(|source| Error::read(&file, source))?;
        Self::new(api, lake, &file.display().to_string(), text)
    }

    /// Sources from memory; `name` is what errors call the document.
    ///
    /// # Errors
    /// When the text is not an OpenAPI 3.0 document.
    pub fn new(api: Api, lake: Lake, name: &str, document_text: Vec<u8>) -> Result<Self> {
        let document = Document::parse(name, &document_text)?;
        Ok(Self { api, lake, document, document_text })
    }
}

/// Generates what a selection needs.
///
/// # Errors
/// When the document or the configuration does not allow it; the error says where.
pub fn generate(sources: &Sources, selection: &Selection) -> Result<Generated> {
    let Sources { lake, document, .. } = sources;
    selection.check(&sources.api)?;
    let mut problems = Problems::default();
    let resolved = Resolved::of(&sources.api, lake, document, &mut problems)?;
    let left_over = problems.finish()?;
    let Resolved { api, repaired, bites, schemas, tables, resources, raws, secrets } = resolved;
    let called = || raws.iter().filter(|raw| selection.has_raw(raw));
    let owners = Owners::resolve(&repaired, &api, lake, &schemas, (resources.as_slice(), called()))?;
    let names = owners.selected(selection);
    let selected = schemas.only(&names);

    let is_listed = |resource: &Resource| selection.has_resource(resource, &api, lake).unwrap_or_default();
    let generated = |item: Item<'_>| match item {
        Item::Record(schema) => names.contains(schema),
        Item::Resource(resource) => is_listed(resource),
        Item::Call(raw) => selection.has(&raw.module) && selection.has_raw(raw),
    };
    let docs = Docs::new(&api.look_alikes, (&schemas, &owners), &resources, &raws, &generated);
    let sent = render::setters::sent(&raws);
    let mut models = render::models::render(&selected, &secrets, &docs)?;
    for (name, schema) in selected.iter().filter(|(name, _)| sent.contains(name)) {
        models.entry(type_name(name)).or_default().push_str(&render::setters::render(name, schema));
    }
    let mut files = render_schemas(&selected, models, &owners, &lake.shared.decimals)?;
    let elsewhere = schemas.iter().filter(|(name, _)| !names.contains(name));
    let mut gated_models = String::new();
    let mut gated_fields = String::new();
    let mut gated_resources = String::new();
    for (name, schema) in elsewhere {
        let features = owners.features(name);
        let ty = type_name(name);
        gated_models.push_str(&gates::item(&features, &ty));
        if matches!(schema, Schema::Object(_)) {
            gated_fields.push_str(&gates::module(&features, &render::fields::module_name(&ty)));
        }
    }
    let mut resource_files = Files::new("resources");
    let mut operation_files = Files::new("operations");
    let mut calls = String::new();
    let mut tested = Vec::new();
    let mut listed = BTreeSet::new();
    for module in api.modules.values().collect::<BTreeSet<_>>() {
        let mut texts = Vec::new();
        for resource in &resources {
            if api.module(&resource.path)? != module {
                continue;
            }
            if selection.has_resource(resource, &api, lake)? {
                texts.push(render::resources::render(resource));
                if resource.verbs.contains_key(&Verb::List) {
                    listed.insert(resource.schema.as_str());
                }
            } else if !resource.is_own() {
                gated_resources.push_str(&gates::item(&BTreeSet::from([module.as_str()]), &resource.name));
            }
        }
        resource_files.add(module, texts);
        if selection.has(module) {
            let own: Vec<&Raw> = called().filter(|raw| raw.module == *module).collect();
            operation_files.add(module, render::operations::render(&own)?);
            tested.extend(own);
            let head = format!("/// Operations of the module `{module}`.\n");
            calls.push_str(&operation_files.take_module(&head, module));
        } else {
            calls.push_str(&gates::module(&BTreeSet::from([module.as_str()]), module));
        }
    }
    files.extend(resource_files.finish());
    files.extend(render::columns::render(&catalog::columns_of(&listed, lake, &schemas)?));
    files.extend(operation_files.finish());
    files.insert("operations.rs".to_owned(), calls);
    files.insert("gated_models.rs".to_owned(), gated_models);
    files.insert("gated_fields.rs".to_owned(), gated_fields);
    files.insert("gated_resources.rs".to_owned(), gated_resources);
    files.insert("operation_calls.rs".to_owned(), render::operations::calls(&tested));
    files.insert("record_types.rs".to_owned(), render::records::types(&selected));
    files.insert("version.rs".to_owned(), render::version(document.version()));
    files.insert("lake.rs".to_owned(), render::catalog::render(&tables));
    files.insert("values.rs".to_owned(), render::values::render(&tables, &schemas));
    Ok(Generated { files, bites, left_over, resources, raws, schemas })
}

fn render_schemas(
    schemas: &Schemas,
    mut models: BTreeMap<String, String>,
    owners: &Owners<'_>,
    decimals: &[String],
) -> Result<BTreeMap<String, String>> {
    let records = Records::new(schemas, decimals);
    let mut model_texts: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut field_texts: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, _) in schemas.iter() {
        let ty = type_name(name);
        let mut text = models.remove(&ty).unwrap_or_default();
        text.push_str(&render::enums::render(name, schemas)?);
        text.push_str(&records.render(name));
        let owner = owners.of(name);
        model_texts.entry(owner).or_default().push(text);
        field_texts.entry(owner).or_default().push(render::fields::render(name, schemas));
    }
    let mut files = Files::new("models");
    let (mut modules, mut all_models) = (String::new(), String::new());
    for (owner, texts) in model_texts {
        files.add(owner, texts);
        let head = match owner {
            SHARED => "/// Record types that more than one module uses, or none.\n".to_owned(),
            module => format!("/// Record types that the module `{module}` alone uses.\n"),
        };
        modules.push_str(&files.take_module(&head, owner));
        all_models.push_str(&format!("pub use crate::modules::{owner}::*;\n"));
    }
    let mut all = files.finish();
    all.insert("models.rs".to_owned(), all_models);
    all.insert("modules.rs".to_owned(), modules);
    let mut files = Files::new("fields");
    for (owner, texts) in field_texts {
        files.add(owner, texts);
    }
    all.extend(files.finish());
    Ok(all)
}
