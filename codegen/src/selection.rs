//! Which part of the interface is generated, and which module each schema belongs to.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::Api;
use crate::document::Document;
use crate::error::{Kind, Result};
use crate::lake::Lake;
use crate::operation::Raw;
use crate::resource::Resource;
use crate::schema::Schemas;

/// Owner of the schemas that more than one module uses, or none.
pub(crate) const SHARED: &str = "shared";

/// What to generate: the entities of `lake.toml`, and whole modules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    lake: bool,
    modules: BTreeSet<String>,
    raw: bool,
}

impl Selection {
    /// The entities of `lake.toml`, or not, and some modules of `api.toml`.
    #[must_use]
    pub fn new(lake: bool, modules: impl IntoIterator<Item = String>) -> Self {
        Self { lake, modules: modules.into_iter().collect(), raw: false }
    }

    /// With verbs of resources as operations by themselves, too.
    #[must_use]
    pub fn with_raw(self, raw: bool) -> Self {
        Self { raw, ..self }
    }

    /// Whether an operation can be called by itself.
    pub(crate) fn has_raw(&self, raw: &Raw) -> bool {
        self.raw || !raw.is_verb
    }

    /// The entities of `lake.toml` alone.
    #[must_use]
    pub fn lake() -> Self {
        Self::new(true, [])
    }

    /// Everything.
    #[must_use]
    pub fn full(api: &Api) -> Self {
        Self::new(true, api.modules.values().cloned())
    }

    pub(crate) fn has(&self, module: &str) -> bool {
        self.modules.contains(module)
    }

    /// A module that `api.toml` doesn't have is an error.
    pub(crate) fn check(&self, api: &Api) -> Result<()> {
        match self.modules.iter().find(|module| !api.modules.values().any(|known| known == *module)) {
            None => Ok(()),
            Some(module) => Err(Kind::ModuleUnknown { module: module.clone() }.into()),
        }
    }

    /// Whether a resource is generated.
    pub(crate) fn has_resource(&self, resource: &Resource, api: &Api, lake: &Lake) -> Result<bool> {
        let table =
            || lake.entities.iter().any(|entity| entity.path == resource.path && entity.schema() == resource.schema);
        Ok(self.has(api.module(&resource.path)?) || (self.lake && table()))
    }
}

/// Feature of the entities of `lake.toml`.
const LAKE: &str = "lake";

/// Which modules use which schemas.
#[derive(Debug)]
pub(crate) struct Owners<'a> {
    by_module: BTreeMap<&'a str, BTreeSet<&'a str>>,
    /// Schemas of the entities of `lake.toml`.
    lake: BTreeSet<&'a str>,
    every: BTreeSet<&'a str>,
}

impl<'a> Owners<'a> {
    pub(crate) fn resolve(
        document: &'a Document,
        api: &'a Api,
        lake: &'a Lake,
        schemas: &'a Schemas,
        (resources, raws): (&'a [Resource], impl Iterator<Item = &'a Raw>),
    ) -> Result<Self> {
        let mut roots: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for module in api.modules.values() {
            roots.entry(module).or_default();
        }
        for resource in resources {
            roots.entry(api.module(&resource.path)?).or_default().insert(&resource.schema);
        }
        for raw in raws {
            roots.entry(api.module(&raw.path)?).or_default().extend(raw.schemas());
        }
        let by_module = roots.into_iter().map(|(module, roots)| (module, schemas.reach(roots))).collect();
        let every = document.schemas().into_iter().map(|(name, _)| name);
        let lake = schemas.reach(lake.entities.iter().map(crate::lake::Entity::schema));
        Ok(Self { by_module, lake, every: schemas.reach(every) })
    }

    /// The module that alone uses a schema.
    pub(crate) fn of(&self, schema: &str) -> &'a str {
        let mut users = self.by_module.iter().filter(|(_, schemas)| schemas.contains(schema));
        match (users.next(), users.next()) {
            (Some((module, _)), None) => module,
            _ => SHARED,
        }
    }

    /// The features that a schema comes with; none where it only comes with all of them.
    pub(crate) fn features(&self, schema: &str) -> BTreeSet<&'a str> {
        let users = self.by_module.iter().filter(|(_, schemas)| schemas.contains(schema));
        let lake = self.lake.contains(schema).then_some(LAKE);
        users.map(|(module, _)| *module).chain(lake).collect()
    }

    /// The schemas that a selection needs.
    pub(crate) fn selected(&self, selection: &Selection) -> BTreeSet<&'a str> {
        // Schemas that no operation uses come with everything.
        if self.by_module.keys().all(|module| selection.has(module)) {
            return self.every.clone();
        }
        let modules = self.by_module.iter().filter(|(module, _)| selection.has(module));
        let mut selected: BTreeSet<&str> = modules.flat_map(|(_, schemas)| schemas.iter().copied()).collect();
        if selection.lake {
            selected.extend(&self.lake);
        }
        selected
    }
}
