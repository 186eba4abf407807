//! The table catalogue: each entity of `lake.toml`, resolved against the document.

use std::collections::{BTreeMap, BTreeSet};

use crate::described::Described;
use crate::document::{Document, Operation};
use crate::error::{Kind, Result};
use crate::lake::{Drain, Entity, Lake, Load};
use crate::meaning::{Meaning, Rules};
use crate::parent::{self, Hanging};
use crate::problems::Problems;
use crate::schema::{Property, Schema, Schemas, Shape};

/// Objects nested deeper than this become JSON text.
const MAX_DEPTH: usize = 6;

/// A resource that becomes a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) schema: String,
    pub(crate) table: String,
    pub(crate) path: String,
    pub(crate) count_path: Option<String>,
    /// What bundles call a list that hangs on nothing, where they call no other so.
    pub(crate) bundle: Option<String>,
    pub(crate) key: String,
    pub(crate) drains: Option<Drain>,
    pub(crate) freshness: Freshness,
    pub(crate) columns: Vec<Column>,
    /// Whether silver keeps every version of a record.
    pub(crate) history: bool,
    /// Whether it is loaded only where somebody asks for it.
    pub(crate) on_request: bool,
}

/// How a table is kept fresh, with what that takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Freshness {
    Snapshot,
    /// Change time and windows.
    Incremental(String, Vec<(String, u32)>),
    Children(Hanging),
}

/// One property of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: ColumnKind,
    pub(crate) meaning: Meaning,
}

/// The shape of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    Int32,
    Int64,
    Boolean,
    Double,
    Timestamp,
    Utf8,
    Json,
    StringMap,
    /// Schema name and columns.
    Struct(String, Vec<Column>),
    List(Box<ColumnKind>),
}

/// Resolves every entity that can be resolved, and tells what can't.
pub(crate) fn resolve(lake: &Lake, document: &Document, schemas: &Schemas, problems: &mut Problems) -> Vec<Table> {
    let operations = document.operations();
    let shared = Rules::shared(&lake.shared);
    let source = Source { operations: &operations, schemas, shared: &shared };
    let mut tables: Vec<Table> = Vec::new();
    for entity in &lake.entities {
        if source.get(&entity.path).is_none() {
            problems.add(Kind::EntityGone { entity: entity.name.clone(), path: entity.path.clone() });
            continue;
        }
        match source.table(entity, problems) {
            Ok(table) if tables.iter().any(|other| other.table == table.table) => {
                problems.add(Kind::EntityTwice { table: table.table });
            }
            Ok(table) => tables.push(table),
            Err(problem) => {
                problems.add(problem);
                // Its columns are compared with another document's all the same; what they mean is open.
                let name = entity.name.clone();
                let schema = entity.schema.clone();
                let bare = Entity { name, schema, ..Entity::bare(&entity.path) };
                tables.extend(source.table(&bare, &mut Problems::default()));
            }
        }
    }
    shared.unused().into_iter().for_each(|rule| problems.add(rule));
    problems.keep(parent::check(lake));
    without_relatives(tables, lake, problems)
}

/// The tables whose parent is one, each drained into one that is there.
fn without_relatives(tables: Vec<Table>, lake: &Lake, problems: &mut Problems) -> Vec<Table> {
    let names: BTreeSet<String> = tables.iter().map(|table| table.name.clone()).collect();
    let mut gone = |table: &Table, other: &str| {
        let is_gone = lake.entities.iter().any(|entity| entity.name == other) && !names.contains(other);
        if is_gone {
            problems.add(Kind::RelativeGone { entity: table.name.clone(), other: other.to_owned() });
        }
        is_gone
    };
    let mut kept = Vec::new();
    for mut table in tables {
        if table.drains.as_ref().is_some_and(|drain| gone(&table, &drain.into)) {
            table.drains = None;
        }
        match &table.freshness {
            Freshness::Children(hanging) if gone(&table, &hanging.entity) => {}
            _ => kept.push(table),
        }
    }
    kept
}

/// What entities are resolved against.
struct Source<'a> {
    operations: &'a [Operation<'a>],
    schemas: &'a Schemas,
    shared: &'a Rules<'a>,
}

impl<'a> Source<'a> {
    fn get(&self, path: &str) -> Option<&'a Operation<'a>> {
        self.operations.iter().find(|operation| operation.path == path && operation.method == "get")
    }

    fn table(&self, entity: &Entity, problems: &mut Problems) -> Result<Table> {
        let Self { operations, schemas, shared } = *self;
        let refuse =
            |path: &str, problem| Kind::EntityPath { entity: entity.name.clone(), path: path.to_owned(), problem };
        let listed = self
            .get(&entity.path)
            .and_then(Operation::answer)
            .and_then(Described::items)
            .and_then(Described::reference);
        if listed != Some(entity.schema()) {
            return Err(refuse(&entity.path, "does not answer with an array of that schema").into());
        }
        let Some(Schema::Object(properties)) = schemas.get(entity.schema()) else {
            return Err(refuse(&entity.path, "lists a schema without properties").into());
        };
        let has = |name: &str| properties.iter().any(|property| property.name == name);
        if !has(&entity.key) {
            return Err(refuse(&entity.path, "lists a schema without the key property").into());
        }
        let rules = Rules::of(entity);
        let walk = Walk { schemas, rules: &rules, shared };
        let columns = walk.columns(properties, "", &mut vec![entity.schema()])?;
        rules.unused().into_iter().for_each(|rule| problems.add(rule));
        let mut unused = |list, pattern: &str| {
            problems.add(Kind::RuleDead { owner: entity.name.clone(), list, pattern: pattern.to_owned() });
        };
        let drains = entity.drains.clone().filter(|drain| has(&drain.by));
        if let Some(Drain { by, .. }) = entity.drains.as_ref().filter(|_| drains.is_none()) {
            unused("drains.by", by);
        }
        let freshness = match entity.load {
            Load::Snapshot => Freshness::Snapshot,
            Load::Children => Freshness::Children(Hanging::resolve(entity, properties, &mut unused)?),
            Load::Incremental => {
                if !has(entity.watermark.split('/').next().unwrap_or_default()) {
                    return Err(refuse(&entity.path, "lists a schema without the watermark property").into());
                }
                let (windows, missing): (Vec<_>, Vec<_>) =
                    entity.windows.clone().into_iter().partition(|(field, _)| has(field));
                missing.iter().for_each(|(field, _)| unused("windows", field));
                Freshness::Incremental(entity.watermark.clone(), windows)
            }
        };
        // Some lists have a slash at the end of their path, and their counts have none.
        let count = format!("{}/count", entity.path.trim_end_matches('/'));
        let counts = self.get(&count).and_then(Operation::answer).and_then(Described::reference) == Some("Count");
        let bundle = bundle_name(entity.schema());
        let alone = !entity.path.contains('{') && is_only_list(operations, &entity.path, &bundle);
        Ok(Table {
            name: entity.name.clone(),
            schema: entity.schema().to_owned(),
            table: entity.name.to_lowercase(),
            path: entity.path.clone(),
            count_path: counts.then_some(count),
            bundle: alone.then_some(bundle),
            key: entity.key.clone(),
            drains,
            freshness,
            columns,
            history: entity.history,
            on_request: entity.on_request,
        })
    }
}

/// The columns of each of these record types, as the table of one has them; what they mean as far as it is said for all.
pub(crate) fn columns_of(
    names: &BTreeSet<&str>,
    lake: &Lake,
    schemas: &Schemas,
) -> Result<BTreeMap<String, Vec<Column>>> {
    let bare = Entity::bare("");
    let rules = Rules::of(&bare);
    let shared = Rules::shared(&lake.shared);
    let walk = Walk { schemas, rules: &rules, shared: &shared };
    let mut columns = BTreeMap::new();
    for (name, schema) in schemas.iter().filter(|(name, _)| names.contains(name)) {
        let properties = if let Schema::Object(properties) = schema { properties.as_slice() } else { &[] };
        columns.insert(name.to_owned(), walk.columns(properties, "", &mut vec![name])?);
    }
    Ok(columns)
}

/// What bundles call the lists of a schema.
pub(crate) fn bundle_name(schema: &str) -> String {
    schema.rsplit('.').next().unwrap_or(schema).to_lowercase()
}

/// Whether no other list that hangs on nothing has this name in bundles.
fn is_only_list(operations: &[Operation<'_>], path: &str, name: &str) -> bool {
    let is_flat = |other: &&Operation<'_>| other.method == "get" && other.path != path && !other.path.contains('{');
    operations.iter().filter(is_flat).all(|other| {
        let listed = other.answer().and_then(Described::items).and_then(Described::reference);
        listed.is_none_or(|schema| bundle_name(schema) != name)
    })
}

struct Walk<'a> {
    schemas: &'a Schemas,
    rules: &'a Rules<'a>,
    shared: &'a Rules<'a>,
}

impl<'a> Walk<'a> {
    fn columns(&self, properties: &'a [Property], prefix: &str, above: &mut Vec<&'a str>) -> Result<Vec<Column>> {
        let column = |property: &'a Property| {
            let path = format!("{prefix}{}", property.name);
            let kind = self.kind(&property.shape, &path, above)?;
            let meaning = match self.rules.declared(&path, &property.shape)? {
                Some(meaning) => meaning,
                None => self.shared.at_any_depth(&path, &property.shape).unwrap_or(Meaning::Plain),
            };
            Ok(Column { name: property.name.clone(), kind, meaning })
        };
        properties.iter().map(column).collect()
    }

    fn kind(&self, shape: &'a Shape, path: &str, above: &mut Vec<&'a str>) -> Result<ColumnKind> {
        Ok(match shape {
            Shape::Int32 => ColumnKind::Int32,
            Shape::Int64 => ColumnKind::Int64,
            Shape::Double => ColumnKind::Double,
            Shape::Boolean => ColumnKind::Boolean,
            Shape::Timestamp => ColumnKind::Timestamp,
            Shape::Uuid | Shape::Text => ColumnKind::Utf8,
            Shape::TextMap => ColumnKind::StringMap,
            Shape::Any => ColumnKind::Json,
            Shape::List(item) => ColumnKind::List(Box::new(self.kind(item, path, above)?)),
            Shape::Ref(name) => match self.schemas.get(name) {
                Some(Schema::Enum(_)) => ColumnKind::Utf8,
                Some(Schema::Object(properties)) if !above.contains(&name.as_str()) && above.len() <= MAX_DEPTH => {
                    above.push(name);
                    let columns = self.columns(properties, &format!("{path}/"), above)?;
                    above.pop();
                    ColumnKind::Struct(name.clone(), columns)
                }
                _ => ColumnKind::Json,
            },
        })
    }
}
