//! What the live API has and the interface document doesn't: properties, types and values; and which of the document's
//! properties have never had a value. Found in passing, in the rows that runs read, and kept with the run that saw it first.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use connectwise_extract::catalog;
use connectwise_extract::contract::{ExtraType, Origin};
use connectwise_extract::extra::{self, ExtraColumns};
use connectwise_lakehouse::Lake;
use connectwise_sdk::catalog::Entity;
use serde::{Deserialize, Serialize};

use super::opened::OpenedTables;
use crate::error::Result;
use crate::telemetry::drift::properties;
use crate::telemetry::{Deviation, DriftKind, Tally};

/// A deviation as the lakehouse knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownDeviation {
    /// Entity.
    pub entity: String,
    /// What it is about.
    pub kind: DriftKind,
    /// Path of the property.
    pub path: String,
    /// The JSON type that was found, or the value of the enumeration.
    pub found: String,
    /// How many rows or values of the first run that saw it showed it.
    pub count: u64,
    /// Start of that run.
    pub first_seen: DateTime<Utc>,
    /// Its name.
    pub run_id: String,
}

/// The lines of a configuration that make columns of silver of the properties that the document lacks (`[silver.extra]`), but for
/// those that have one. What is an object or a list has none; what was of several types is text.
pub fn extra_lines(deviations: &[KnownDeviation], extra: &ExtraColumns) -> Vec<String> {
    let mut types: BTreeMap<(&str, &str), Option<ExtraType>> = BTreeMap::new();
    let unknown = deviations.iter().filter(|known| known.kind == DriftKind::Property && known.found != "null");
    for known in unknown {
        let found = match known.found.as_str() {
            "text" => Some(ExtraType::String),
            "integer" => Some(ExtraType::Integer),
            "number" => Some(ExtraType::Decimal),
            "boolean" => Some(ExtraType::Boolean),
            _ => None,
        };
        let is_number = |kind| matches!(kind, ExtraType::Integer | ExtraType::Decimal);
        let both = |before: Option<ExtraType>| match (before?, found?) {
            (before, found) if before == found => Some(found),
            (before, found) if is_number(before) && is_number(found) => Some(ExtraType::Decimal),
            _ => Some(ExtraType::String),
        };
        let property = (known.entity.as_str(), known.path.as_str());
        types.entry(property).and_modify(|before| *before = both(*before)).or_insert(found);
    }
    let has = |entity: &str, path: &str| {
        let own = extra.all().iter().filter(|(of, _)| of.name == entity);
        own.into_iter().any(|(_, column)| matches!(&column.origin, Origin::Rescued(own, _) if own.join("/") == path))
    };
    let wanted = types.into_iter().filter(|((entity, path), _)| !has(entity, path));
    wanted.filter_map(|((entity, path), kind)| extra::line(entity, path, kind?)).collect()
}

/// Properties of the document that no row has ever had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unseen {
    /// Entity.
    pub entity: &'static str,
    /// How many properties it has, those within objects included.
    pub properties: usize,
    /// Those never seen; what lies within one of them isn't listed.
    pub never_seen: Vec<String>,
}

/// What a lakehouse knows of the drift between API and document.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// Version of the document.
    pub api_version: &'static str,
    /// What the document doesn't have, by entity.
    pub deviations: Vec<KnownDeviation>,
    /// What only the document has, for entities of which rows were read.
    pub unseen: Vec<Unseen>,
}

/// What the ledger knows already, so that a run adds only what is new.
#[derive(Debug, Default)]
pub struct Memory {
    deviations: BTreeSet<(String, Deviation)>,
    fields: BTreeSet<(String, String)>,
}

/// What is new in a load.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) deviations: Vec<(&'static str, Deviation, u64)>,
    pub(crate) fields: Vec<(&'static str, String)>,
}

#[derive(Debug, Deserialize)]
struct Field {
    entity: String,
    path: String,
}

impl Memory {
    /// Reads what the ledger knows.
    ///
    /// # Errors
    /// When it can't be read.
    pub(super) async fn read(tables: &mut OpenedTables<'_>) -> Result<Self> {
        let deviations = deviations(tables).await?.into_iter();
        let fields = fields(tables).await?.into_iter();
        Ok(Self {
            deviations: deviations
                .map(|known| (known.entity, Deviation { kind: known.kind, path: known.path, found: known.found }))
                .collect(),
            fields: fields.map(|field| (field.entity, field.path)).collect(),
        })
    }

    /// What a load saw for the first time. It is known from now on.
    pub(crate) fn news(&mut self, entity: &'static Entity, tally: &Tally, news: &mut News) {
        for (deviation, count) in tally.deviations() {
            if self.deviations.insert((entity.name.to_owned(), deviation.clone())) {
                news.deviations.push((entity.name, deviation.clone(), *count));
            }
        }
        for path in tally.seen() {
            if self.fields.insert((entity.name.to_owned(), path.clone())) {
                news.fields.push((entity.name, path.clone()));
            }
        }
    }
}

/// What the lakehouse knows of drift.
///
/// # Errors
/// When the ledger can't be read.
pub async fn read(lake: &Lake) -> Result<Drift> {
    let mut tables = OpenedTables::new(lake, Vec::new());
    let seen: BTreeSet<(String, String)> =
        fields(&mut tables).await?.into_iter().map(|field| (field.entity, field.path)).collect();
    let unseen = catalog::entities().iter().filter(|entity| seen.iter().any(|(name, _)| name == entity.name));
    Ok(Drift {
        api_version: connectwise_sdk::API_VERSION,
        deviations: deviations(&mut tables).await?,
        unseen: unseen.map(|entity| never_seen(entity, &seen)).collect(),
    })
}

fn never_seen(entity: &'static Entity, seen: &BTreeSet<(String, String)>) -> Unseen {
    let has = |path: &str| seen.contains(&(entity.name.to_owned(), path.to_owned()));
    let all = properties(entity.columns);
    // What lies within an object that was never there says nothing more.
    let above_seen = |path: &str| {
        let above = path.rsplit_once('/').map(|(above, _)| above.trim_end_matches("/*"));
        above.is_none_or(has)
    };
    let never_seen = all.iter().filter(|path| !has(path) && above_seen(path)).cloned().collect();
    Unseen { entity: entity.name, properties: all.len(), never_seen }
}

async fn deviations(tables: &mut OpenedTables<'_>) -> Result<Vec<KnownDeviation>> {
    // Two runs at once may both have been the first.
    let sql = "select entity, kind, path, found, occurrences as \"count\", started as \"firstSeen\", \"runId\" from \
         (select *, row_number() over (partition by entity, kind, path, found order by started, \"runId\") as n \
          from etl_drift) d where n = 1 order by entity, kind, path, found";
    tables.rows(sql).await
}

async fn fields(tables: &mut OpenedTables<'_>) -> Result<Vec<Field>> {
    tables.rows("select distinct entity, path from etl_fields").await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(kind: DriftKind, path: &str, found: &str) -> KnownDeviation {
        KnownDeviation {
            entity: "TimeEntry".to_owned(),
            kind,
            path: path.to_owned(),
            found: found.to_owned(),
            count: 1,
            first_seen: DateTime::UNIX_EPOCH,
            run_id: "run".to_owned(),
        }
    }

    #[test]
    fn only_properties_that_can_have_a_column_have_a_line() {
        let found = [
            known(DriftKind::Property, "grade", "text"),
            known(DriftKind::Property, "grade", "null"),
            known(DriftKind::Property, "points", "integer"),
            known(DriftKind::Property, "points", "number"),
            known(DriftKind::Property, "mixed", "boolean"),
            known(DriftKind::Property, "mixed", "integer"),
            known(DriftKind::Property, "ever", "null"),
            known(DriftKind::Property, "nested", "object"),
            known(DriftKind::Property, "customFields/*/extra", "text"),
            known(DriftKind::Property, "apiKey", "text"),
            known(DriftKind::Property, "known", "text"),
            known(DriftKind::Type, "notes", "integer"),
            known(DriftKind::Value, "billableOption", "Other"),
        ];
        let configured = [("TimeEntry.known".to_owned(), ExtraType::String)].into();
        assert_eq!(
            extra_lines(&found, &ExtraColumns::new(&configured).unwrap()),
            [
                "\"TimeEntry.grade\" = \"string\"",
                "\"TimeEntry.mixed\" = \"string\"",
                "\"TimeEntry.points\" = \"decimal\""
            ]
        );
    }
}
