//! A document and its configuration, brought together: what is generated from, and what two versions are compared by.

use std::collections::BTreeSet;

use heck::ToSnakeCase;

use crate::api::Api;
use crate::catalog::{self, Table};
use crate::collisions;
use crate::document::Document;
use crate::error::Result;
use crate::fixups::{self, Bite};
use crate::lake::Lake;
use crate::operation::{self, Raw};
use crate::problems::Problems;
use crate::render::docs;
use crate::resource::{self, Resource};
use crate::schema::Schemas;
use crate::secrets::Secrets;

/// What a document means under a configuration.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// The configuration, with a module for every path.
    pub(crate) api: Api,
    pub(crate) repaired: Document,
    pub(crate) bites: Vec<Bite>,
    pub(crate) schemas: Schemas,
    pub(crate) tables: Vec<Table>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) raws: Vec<Raw>,
    pub(crate) secrets: Secrets,
}

impl Resolved {
    /// Resolves everything that can be resolved, and tells what can't.
    pub(crate) fn of(api: &Api, lake: &Lake, document: &Document, problems: &mut Problems) -> Result<Self> {
        let (repaired, bites) = fixups::repair(document, &api.exclusions, problems)?;
        let api = with_all_modules(api, &repaired, problems);
        let schemas = Schemas::all(&repaired, problems);
        collisions::check(&schemas, problems);
        let tables = catalog::resolve(lake, &repaired, &schemas, problems);
        let resources = resource::resolve(&repaired, lake, problems);
        let raws = operation::resolve(&repaired, &api, &resources, problems);
        let secrets = Secrets::resolve(&repaired, &api.models.secrets, lake, problems);
        docs::check(&api.look_alikes, &schemas, problems);
        Ok(Self { api, repaired, bites, schemas, tables, resources, raws, secrets })
    }
}

fn with_all_modules(api: &Api, document: &Document, problems: &mut Problems) -> Api {
    let mut api = api.clone();
    let mut without: BTreeSet<&str> = BTreeSet::new();
    for operation in document.operations() {
        let prefix = operation.path.trim_start_matches('/').split('/').next().unwrap_or_default();
        if let Err(problem) = api.module(operation.path)
            && without.insert(prefix)
        {
            problems.add(problem);
        }
    }
    api.modules.extend(without.into_iter().map(|prefix| (prefix.to_owned(), prefix.to_snake_case())));
    api
}
