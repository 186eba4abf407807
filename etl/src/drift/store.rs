//! The drift in the ledger: rows are added when something is seen for the first time.

use std::collections::BTreeSet;

use connectwise_sdk::catalog::Entity;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::tally::properties;
use super::{Deviation, Drift, Known, Tally, Unseen};
use crate::catalog;
use crate::error::{Error, Kind, Result};
use crate::lake::{Lake, TableName};
use crate::ledger::{DRIFT, FIELDS};
use crate::query;

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
    pub async fn read(lake: &Lake) -> Result<Self> {
        let deviations = deviations(lake).await?.into_iter();
        let fields = fields(lake).await?.into_iter();
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
    let seen: BTreeSet<(String, String)> =
        fields(lake).await?.into_iter().map(|field| (field.entity, field.path)).collect();
    let unseen = catalog::entities().iter().filter(|entity| seen.iter().any(|(name, _)| name == entity.name));
    Ok(Drift {
        api_version: connectwise_sdk::API_VERSION,
        deviations: deviations(lake).await?,
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

async fn deviations(lake: &Lake) -> Result<Vec<Known>> {
    // Two runs at once may both have been the first.
    let sql = "select entity, kind, path, found, occurrences as \"count\", started as \"firstSeen\", \"runId\" from \
         (select *, row_number() over (partition by entity, kind, path, found order by started, \"runId\") as n \
          from etl_drift) d where n = 1 order by entity, kind, path, found";
    rows(lake, DRIFT, sql).await
}

async fn fields(lake: &Lake) -> Result<Vec<Field>> {
    rows(lake, FIELDS, "select distinct entity, path from etl_fields").await
}

async fn rows<T: DeserializeOwned>(lake: &Lake, table: &str, sql: &str) -> Result<Vec<T>> {
    if lake.state(&TableName::ledger(table)).await?.is_none() {
        return Ok(Vec::new());
    }
    let json = query::json(&query::select(lake, sql).await?)?;
    serde_json::from_slice(&json).map_err(|error| {
        Error::new(Kind::Contract, "the ledger has other columns than this version reads").with_source(error)
    })
}
