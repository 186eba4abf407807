//! One document as the generator would see it, whether or not it would accept it.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::Api;
use crate::catalog::{Column, ColumnKind};
use crate::document::Document;
use crate::error::{Error, Result};
use crate::lake::Lake;
use crate::problems::Problems;
use crate::render;
use crate::resolved::Resolved;
use crate::schema::Schemas;

/// What one document means.
pub(super) struct View {
    pub(super) version: String,
    /// What stops the generator.
    pub(super) problems: BTreeSet<String>,
    /// What stops `check` alone.
    pub(super) left_over: BTreeSet<String>,
    pub(super) schemas: Schemas,
    /// Method and path -> what calls it.
    pub(super) calls: BTreeMap<(String, String), Callable>,
    /// Schema and property -> the columns that it is.
    pub(super) columns: BTreeMap<(String, String), Vec<ColumnPlace>>,
    /// Schema and property of what may be null.
    pub(super) nullable: BTreeSet<(String, String)>,
}

/// What the SDK has for an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Callable {
    pub(super) id: String,
    /// `TimeEntry: list`, `Client::post_time_entries_detach`, or nothing for what is excluded.
    pub(super) name: String,
    /// Types that are taken and given.
    pub(super) signature: String,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ColumnPlace {
    /// `agreement.company/id`.
    pub(super) path: String,
    pub(super) kind: String,
    pub(super) meaning: &'static str,
}

impl View {
    pub(super) fn of(api: &Api, lake: &Lake, document: &Document) -> Result<Self> {
        let mut problems = Problems::default();
        let resolved = Resolved::of(api, lake, document, &mut problems)?;
        let told = |problems: Vec<Error>| problems.iter().map(Error::to_string).collect();
        let (stopping, left_over) = problems.split();
        let mut by_id: BTreeMap<String, (String, String)> = BTreeMap::new();
        for resource in &resolved.resources {
            for (verb, route) in &resource.verbs {
                let call = (format!("{}: {}", resource.name, verb.label()), resource.schema.clone());
                by_id.insert(route.operation.clone(), call);
            }
        }
        for raw in resolved.raws.iter().filter(|raw| !raw.is_verb) {
            let call = (format!("Client::{}", raw.name), render::operations::signature(raw));
            by_id.insert(raw.id.clone(), call);
        }
        let mut calls = BTreeMap::new();
        for operation in document.operations() {
            let (name, signature) = by_id.get(operation.id).cloned().unwrap_or_default();
            let call = Callable { id: operation.id.to_owned(), name, signature };
            calls.insert((operation.method.to_uppercase(), operation.path.to_owned()), call);
        }
        let mut columns = BTreeMap::new();
        for table in &resolved.tables {
            place(&table.schema, &table.columns, &format!("{}.", table.table), &mut columns);
        }
        let version = document.version().to_owned();
        let (problems, left_over) = (told(stopping), told(left_over));
        let schemas = resolved.schemas;
        Ok(Self { version, problems, left_over, schemas, calls, columns, nullable: nullable(document) })
    }
}

fn place(schema: &str, columns: &[Column], prefix: &str, places: &mut BTreeMap<(String, String), Vec<ColumnPlace>>) {
    for column in columns {
        let path = format!("{prefix}{}", column.name);
        let (kind, nested) = describe(&column.kind);
        let place_of = ColumnPlace { path: path.clone(), kind, meaning: column.meaning.variant() };
        places.entry((schema.to_owned(), column.name.clone())).or_default().push(place_of);
        if let Some((schema, columns)) = nested {
            place(schema, columns, &format!("{path}/"), places);
        }
    }
}

fn describe(kind: &ColumnKind) -> (String, Option<(&str, &[Column])>) {
    match kind {
        ColumnKind::Struct(schema, columns) => ("Struct".to_owned(), Some((schema, columns))),
        ColumnKind::List(item) => {
            let (inner, nested) = describe(item);
            (format!("List<{inner}>"), nested)
        }
        ColumnKind::StringMap => ("Map".to_owned(), None),
        kind => (format!("{kind:?}"), None),
    }
}

fn nullable(document: &Document) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (schema, described) in document.schemas() {
        let nullable = described.properties().filter(|(_, property)| property.is_nullable());
        found.extend(nullable.map(|(property, _)| (schema.to_owned(), property.to_owned())));
    }
    found
}
