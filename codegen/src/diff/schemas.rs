//! Changes of schemas, their properties and enumerations.

use std::collections::BTreeMap;

use super::view::{ColumnPlace, View};
use super::{Change, Severity};
use crate::lake::{Entity, Lake};
use crate::names::{field_name, type_name, variant_name};
use crate::pattern::{matches, plain};
use crate::render::rust_type;
use crate::schema::{Limits, Property, Schema};

pub(super) fn compare(old: &View, new: &View, lake: &Lake, changes: &mut Vec<Change>) {
    let compare = Compare { old, new, lake };
    for (name, schema) in old.schemas.iter() {
        match (schema, new.schemas.get(name)) {
            // An enumeration belongs to its property, which tells.
            (Schema::Enum(_), None) => {}
            (Schema::Enum(before), Some(Schema::Enum(after))) => values(name, before, after, changes),
            (_, None) => {
                let change = Change::new(Severity::Breaking, name, "is gone");
                changes.push(change.sdk(format!("type `models::{}` is gone", type_name(name))));
            }
            (before, Some(after)) => compare.properties(name, own(before), own(after), changes),
        }
    }
    for (name, schema) in new.schemas.iter() {
        if old.schemas.get(name).is_none() && !matches!(schema, Schema::Enum(_)) {
            let change =
                Change::new(Severity::Additive, name, &format!("is new, with {} properties", own(schema).len()));
            changes.push(change.sdk(format!("type `models::{}` is new", type_name(name))));
        }
    }
}

fn own(schema: &Schema) -> &[Property] {
    match schema {
        Schema::Object(properties) => properties,
        _ => &[],
    }
}

fn values(name: &str, old: &[String], new: &[String], changes: &mut Vec<Change>) {
    let ty = type_name(name);
    for value in old.iter().filter(|value| !new.contains(value)) {
        let change = Change::new(Severity::Breaking, name, &format!("loses the value {value:?}"));
        let effect = format!("`{ty}::{}` is gone; the text reads as `{ty}::Unknown`", variant_name(value));
        changes.push(change.sdk(effect));
    }
    for value in new.iter().filter(|value| !old.contains(value)) {
        let change = Change::new(Severity::Tolerant, name, &format!("gets the value {value:?}"));
        let effect = format!("`{ty}::{}` is new; so far the text read as `{ty}::Unknown`", variant_name(value));
        changes.push(change.sdk(effect));
    }
}

fn by_name(properties: &[Property]) -> BTreeMap<&str, &Property> {
    properties.iter().map(|property| (property.name.as_str(), property)).collect()
}

struct Compare<'a> {
    old: &'a View,
    new: &'a View,
    lake: &'a Lake,
}

impl Compare<'_> {
    fn properties(&self, schema: &str, old: &[Property], new: &[Property], changes: &mut Vec<Change>) {
        let before = by_name(old);
        let after = by_name(new);
        for (name, property) in &before {
            let subject = format!("{schema}.{name}");
            match after.get(name) {
                None => changes.push(self.gone(schema, property, &subject)),
                Some(other) => changes.extend(self.property(schema, property, other, &subject)),
            }
        }
        for (name, property) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
            changes.push(self.added(schema, property, &format!("{schema}.{name}")));
        }
    }

    fn places<'v>(view: &'v View, schema: &str, property: &str) -> &'v [ColumnPlace] {
        view.columns.get(&(schema.to_owned(), property.to_owned())).map_or(&[], Vec::as_slice)
    }

    fn gone(&self, schema: &str, property: &Property, subject: &str) -> Change {
        let mut change = Change::new(Severity::Breaking, subject, "is gone")
            .sdk(format!("field `{}` is gone; a value that still comes is kept in `extra`", field(schema, property)));
        for place in Self::places(self.old, schema, &property.name) {
            change.tables.push(format!("column `{}` is no longer filled", place.path));
            change.lake.extend(self.named_in_lake(place).map(|list| format!("remove `{}` from {list}", place.path)));
        }
        change
    }

    fn added(&self, schema: &str, property: &Property, subject: &str) -> Change {
        let ty = rust_type(&property.shape);
        let mut change = Change::new(Severity::Additive, subject, "is new").sdk(format!(
            "field `{}: Option<{ty}>` is new; so far the value was kept in `extra`",
            field(schema, property)
        ));
        if property.limits.required || property.limits.required_on_update {
            change.severity = Severity::Breaking;
            change.sdk.push(format!("`{}::validate` demands it", type_name(schema)));
        }
        for place in Self::places(self.new, schema, &property.name) {
            change.tables.push(format!("column `{}` ({}) is new", place.path, place.kind));
            change.lake.push(match place.meaning {
                "Plain" => format!("`{}` has no meaning beyond its type: declare one if it has", place.path),
                meaning => format!("`{}` is taken as {}", place.path, meaning.to_lowercase()),
            });
        }
        change
    }

    fn property(&self, schema: &str, old: &Property, new: &Property, subject: &str) -> Vec<Change> {
        let mut changes = Vec::new();
        let before = rust_type(&old.shape);
        let after = rust_type(&new.shape);
        if old.shape != new.shape {
            let mut change = Change::new(Severity::Breaking, subject, &format!("is {after} instead of {before}"))
                .sdk(format!("field `{}` becomes `Option<{after}>`", field(schema, new)));
            let kinds = Self::places(self.new, schema, &new.name);
            for place in Self::places(self.old, schema, &old.name) {
                let kind = kinds.iter().find(|other| other.path == place.path).map_or("nothing", |other| &other.kind);
                let stays = kind == place.kind;
                change.tables.push(match stays {
                    true => format!("column `{}` stays {kind}", place.path),
                    false => format!("column `{}` becomes {kind} instead of {}", place.path, place.kind),
                });
                change.lake.extend(self.named_in_lake(place).map(|list| format!("look at `{}` in {list}", place.path)));
            }
            changes.push(change);
        }
        let key = (schema.to_owned(), old.name.clone());
        match (self.old.nullable.contains(&key), self.new.nullable.contains(&key)) {
            (false, true) => changes.push(Change::new(Severity::Tolerant, subject, "may be null")),
            (true, false) => changes.push(Change::new(Severity::Tolerant, subject, "is no longer null")),
            _ => {}
        }
        for (severity, what) in limits(&old.limits, &new.limits) {
            let effect = format!("`{}::validate` changes", type_name(schema));
            changes.push(Change::new(severity, subject, &what).sdk(effect));
        }
        changes
    }

    /// Lists of `lake.toml` that name a column without a wildcard.
    fn named_in_lake<'p>(&'p self, place: &'p ColumnPlace) -> impl Iterator<Item = String> + 'p {
        let (table, path) = place.path.split_once('.').unwrap_or_default();
        let entities = self.lake.entities.iter().filter(move |entity| entity.name.to_lowercase() == table);
        entities.flat_map(move |entity| {
            let named = |pattern: &String| !pattern.contains('*') && matches(plain(pattern), path);
            let lists = lists(entity).into_iter().filter(move |(_, patterns)| patterns.iter().any(named));
            lists.map(|(list, _)| format!("{list} of {}", entity.name))
        })
    }
}

fn lists(entity: &Entity) -> Vec<(&'static str, Vec<String>)> {
    vec![
        ("key", vec![entity.key.clone()]),
        ("windows", entity.windows.keys().cloned().collect()),
        ("dates", entity.dates.clone()),
        ("instants", entity.instants.clone()),
        ("decimals", entity.decimals.clone()),
        ("secrets", entity.secrets.clone()),
        ("personal", entity.personal.clone()),
    ]
}

fn field(schema: &str, property: &Property) -> String {
    format!("{}::{}", type_name(schema), field_name(&property.name))
}

/// What changes for those who write: demands that rise break them.
fn limits(old: &Limits, new: &Limits) -> Vec<(Severity, String)> {
    let mut found = Vec::new();
    let mut flag = |before: bool, after: bool, what: &str| match (before, after) {
        (false, true) => found.push((Severity::Breaking, format!("is {what} now"))),
        (true, false) => found.push((Severity::Tolerant, format!("is no longer {what}"))),
        _ => {}
    };
    flag(old.required, new.required, "required");
    flag(old.required_on_update, new.required_on_update, "required in updates");
    flag(old.create_only, new.create_only, "taken by a create only");
    flag(old.update_only, new.update_only, "taken by an update only");
    let longest = |limits: &Limits| limits.max_length.unwrap_or(u64::MAX);
    let told = |limit: Option<u64>| limit.map_or("any length".to_owned(), |limit| format!("{limit} characters"));
    let what = format!("may have {} instead of {}", told(new.max_length), told(old.max_length));
    match longest(new).cmp(&longest(old)) {
        std::cmp::Ordering::Less => found.push((Severity::Breaking, what)),
        std::cmp::Ordering::Greater => found.push((Severity::Tolerant, what)),
        std::cmp::Ordering::Equal => {}
    }
    if (&old.minimum, &old.maximum) != (&new.minimum, &new.maximum) {
        found.push((Severity::Breaking, "has another range".to_owned()));
    }
    found
}
