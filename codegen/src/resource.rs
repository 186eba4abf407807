//! Resources: the collections of the document, what their records are, and which verbs they have.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::{Document, Operation};
use crate::lake::Lake;
use crate::names::{Owner, Scope, pascal_name, type_name};
use crate::problems::Problems;
use crate::verb::{Verb, VerbCall, call};

/// A collection, or the part of one that has records of one schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    /// Rust type that stands for it.
    pub(crate) name: String,
    /// Schema of the records.
    pub(crate) schema: String,
    /// Template of the collection's path.
    pub(crate) path: String,
    /// Number of parents in the path.
    pub(crate) parents: usize,
    /// Verb -> the operation and the template of its path.
    pub(crate) verbs: BTreeMap<Verb, Route>,
}

/// An operation and its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) operation: String,
    pub(crate) path: String,
}

impl Resource {
    /// Whether the record's own type stands for the resource.
    pub(crate) fn is_own(&self) -> bool {
        self.name == type_name(&self.schema)
    }
}

/// All resources of the repaired document, sorted by path.
pub(crate) fn resolve(document: &Document, lake: &Lake, problems: &mut Problems) -> Vec<Resource> {
    let mut found = Found::default();
    for operation in document.operations() {
        if let Some(call) = call(&operation) {
            found.add(&operation, call);
        }
    }
    let mut resources = found.resources();
    name(&mut resources, document, lake, problems);
    resources
}

/// What one collection has, by record schema.
#[derive(Default)]
struct Collection {
    typed: BTreeMap<String, BTreeMap<Verb, Route>>,
    untyped: Vec<(Verb, Route)>,
    /// Reads of `{id}/info`, which belong to the list `info` of the same records if there is one.
    nested: Vec<(String, Route)>,
}

#[derive(Default)]
struct Found {
    /// By path, without regard to a slash at the end and to the names of parameters.
    collections: BTreeMap<String, Collection>,
}

impl Found {
    fn add(&mut self, operation: &Operation<'_>, call: VerbCall) {
        let route = Route { operation: operation.id.to_owned(), path: operation.path.to_owned() };
        let collection = self.collections.entry(key(&call.collection)).or_default();
        match call.schema {
            None => collection.untyped.push((call.verb, route)),
            Some(schema) if call.nested => collection.nested.push((schema, route)),
            Some(schema) => drop(collection.typed.entry(schema).or_default().entry(call.verb).or_insert(route)),
        }
    }

    fn resources(self) -> Vec<Resource> {
        let mut resources = Vec::new();
        for (_, mut collection) in self.collections {
            for (schema, route) in collection.nested {
                if let Some(verbs) = collection.typed.get_mut(&schema).filter(|verbs| verbs.contains_key(&Verb::List)) {
                    verbs.entry(Verb::Get).or_insert(route);
                }
            }
            // What only takes records is a command and no resource.
            collection.typed.retain(|_, verbs| verbs.contains_key(&Verb::List) || verbs.contains_key(&Verb::Get));
            for (verb, route) in collection.untyped {
                let like = if verb == Verb::Count { Verb::List } else { Verb::Get };
                let owner = collection.typed.values_mut().find(|verbs| verbs.contains_key(&like));
                let owner = match owner {
                    None if verb == Verb::Delete => collection.typed.values_mut().next(),
                    owner => owner,
                };
                if let Some(verbs) = owner {
                    verbs.entry(verb).or_insert(route);
                }
            }
            for (schema, verbs) in collection.typed {
                let path = match (verbs.get(&Verb::List), verbs.get(&Verb::Get)) {
                    (Some(list), _) => list.path.clone(),
                    (None, get) => collection_of(get.map_or("", |get| get.path.as_str())).to_owned(),
                };
                let parents = path.matches('{').count();
                resources.push(Resource { name: String::new(), schema, path, parents, verbs });
            }
        }
        resources.sort_by(|a, b| (&a.path, &a.schema).cmp(&(&b.path, &b.schema)));
        resources
    }
}

/// Path of the collection of a record's path.
pub(crate) fn collection_of(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit_once('/').map_or(path, |(collection, _)| collection)
}

fn key(path: &str) -> String {
    let segments = path.trim_end_matches('/').split('/');
    segments.map(|segment| if segment.starts_with('{') { "{}" } else { segment }).collect::<Vec<_>>().join("/")
}

/// Names resources: by their records where one collection clearly owns them, by their paths otherwise.
fn name(resources: &mut [Resource], document: &Document, lake: &Lake, problems: &mut Problems) {
    let mut scope = Scope::default();
    for (schema, _) in document.schemas() {
        problems.keep(scope.take(&type_name(schema), Owner::schema(schema)));
    }
    let mut own = BTreeSet::new();
    let mut by_schema: BTreeMap<&str, Vec<&Resource>> = BTreeMap::new();
    for resource in resources.iter() {
        by_schema.entry(&resource.schema).or_default().push(resource);
    }
    for (schema, rivals) in by_schema {
        let table = lake.entities.iter().find(|entity| entity.name == schema);
        let most = rivals.iter().map(|resource| resource.verbs.len()).max().unwrap_or_default();
        let mut first = rivals.iter().filter(|resource| match table {
            Some(table) => resource.path == table.path,
            None => resource.verbs.len() == most,
        });
        if let (Some(only), None) = (first.next(), first.next()) {
            own.insert((only.path.clone(), only.schema.clone()));
        }
    }
    for resource in resources {
        let by_record = own.contains(&(resource.path.clone(), resource.schema.clone()));
        resource.name = type_name(&resource.schema);
        if !by_record {
            resource.name = name_of_path(&resource.path);
            // The other records of a collection that has two kinds of them.
            if scope.has(&resource.name) {
                resource.name.push_str(&type_name(&resource.schema));
            }
            problems.keep(scope.take(&resource.name, Owner::path(&resource.path)));
        }
    }
}

/// `/project/tickets/{parentId}/activities` -> `ProjectTicketsByParentIdActivities`.
fn name_of_path(path: &str) -> String {
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    segments
        .map(|segment| match segment.strip_prefix('{') {
            Some(parameter) => format!("By{}", pascal_name(parameter.trim_end_matches('}'))),
            None => pascal_name(segment),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{collection_of, key, name_of_path};

    #[test]
    fn one_collection_has_one_key_whatever_its_parameters_are_called() {
        assert_eq!(key("/sales/opportunities/{parentId}/forecast/"), "/sales/opportunities/{}/forecast");
        assert_eq!(key("/sales/opportunities/{id}/forecast"), "/sales/opportunities/{}/forecast");
        assert_eq!(collection_of("/time/entries/{id}/"), "/time/entries");
    }

    #[test]
    fn names_of_paths_tell_parents() {
        assert_eq!(name_of_path("/project/tickets/{parentId}/activities"), "ProjectTicketsByParentIdActivities");
        assert_eq!(name_of_path("/system/AllowedFileTypes"), "SystemAllowedFileTypes");
    }
}
