//! `POST /_sim/advance`: a day passes, or many, and rows change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::{self, Answer};
use crate::calendar;
use crate::calls::Changes;
use crate::control::wrong;
use crate::document::{Document, Role};
use crate::place::Place;
use crate::state::State;
use crate::tenant::{Amounts, Touched};

/// No advance changes more rows of an entity than this, so that a slip of the finger doesn't fill the memory.
const MOST_CHANGES: u64 = 1_000_000;
/// Nor does it take longer.
const MOST_DAYS: u32 = 3_660;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wanted {
    edit: u64,
    insert: u64,
    delete: u64,
    merge: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Days {
    days: u32,
}

/// The list that a person means: by the name of its schema in any case, or by its path.
pub(crate) fn place_named(document: &Document, name: &str) -> Option<Place> {
    if !name.starts_with('/') {
        return document.resource_named(name).filter(|found| found.parents == 0).map(|found| Place::flat(found.number));
    }
    let found = document.find(name)?;
    let Role::List(resource) = found.path.role else { return None };
    let parents: Option<Vec<i64>> = found.arguments.iter().map(|id| id.parse().ok()).collect();
    Place::below(resource, &parents?)
}

/// Takes `{"TimeEntry":{"edit":5,"insert":3,"delete":1},..}` for one day, or `{"days":30}` for ordinary ones. Answers with the
/// new clock and the ids that changed.
pub(crate) async fn advance(Extract(state): Extract<Arc<State>>, body: Bytes) -> Answer {
    let body = if body.trim_ascii().is_empty() { Bytes::from_static(b"{}") } else { body };
    if let Ok(Days { days }) = serde_json::from_slice(&body) {
        return answered(ordinary(&state, days).await);
    }
    match serde_json::from_slice(&body) {
        Ok(wanted) => answered(changed(&state, wanted)),
        Err(error) => wrong(&format!("no such advance: {error}")),
    }
}

fn answered(advanced: Result<Value, String>) -> Answer {
    match advanced {
        Ok(changes) => answer::plain_json(StatusCode::OK, changes.to_string()),
        Err(reason) => wrong(&reason),
    }
}

/// A day on which one list changes.
pub(crate) fn one(state: &State, list: &str, changes: Changes) -> Result<Value, String> {
    let Changes { edit, insert, delete, merge } = changes;
    changed(state, BTreeMap::from([(list.to_owned(), Wanted { edit, insert, delete, merge })]))
}

fn changed(state: &State, wanted: BTreeMap<String, Wanted>) -> Result<Value, String> {
    let mut amounts = Vec::new();
    for (name, Wanted { edit, insert, delete, merge }) in wanted {
        let place = place_named(state.document, &name).ok_or_else(|| format!("there is no entity {name}"))?;
        if amounts.iter().any(|(known, _)| *known == place) {
            return Err(format!("{name} is named twice"));
        }
        if [edit, insert, delete, merge].into_iter().any(|amount| amount > MOST_CHANGES) {
            return Err(format!("an advance changes at most {MOST_CHANGES} rows of {name}"));
        }
        amounts.push((place, Amounts { edit, insert, delete, merge }));
    }
    told(state, state.change(|tenant| tenant.advance(&amounts)))
}

/// Days one after the other, each visible as soon as it is over.
pub(crate) async fn ordinary(state: &State, days: u32) -> Result<Value, String> {
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(format!("an advance takes 1 to {MOST_DAYS} days"));
    }
    let mut all = Vec::new();
    for _ in 0..days {
        let Some(touched) = state.change(|tenant| tenant.day()) else { return told(state, None) };
        all.extend(touched);
        tokio::task::yield_now().await;
    }
    told(state, Some(all))
}

fn told(state: &State, touched: Option<Vec<(Place, Touched)>>) -> Result<Value, String> {
    let touched = touched.ok_or_else(|| "samples don't change".to_owned())?;
    let heard = state.callbacks.anybody(state);
    let mut changed: BTreeMap<String, [BTreeSet<i64>; 4]> = BTreeMap::new();
    for (place, ids) in touched {
        let resource = &state.document.resources[place.resource];
        let schema = state.document.schema(resource.schema).map_or("", |schema| schema.name);
        let name = if place.parents().is_empty() { schema.to_owned() } else { resource.template.to_owned() };
        for (action, ids) in [("updated", &ids.edited), ("added", &ids.inserted), ("deleted", &ids.deleted)] {
            ids.iter().filter(|_| heard).for_each(|id| state.callbacks.changed(state, schema, *id, action));
        }
        let all = changed.entry(name).or_default();
        for (all, ids) in all.iter_mut().zip([ids.edited, ids.inserted, ids.deleted, ids.merged]) {
            all.extend(ids);
        }
    }
    let changed: serde_json::Map<_, _> = changed
        .into_iter()
        .map(|(name, [edited, inserted, deleted, merged])| {
            (name, json!({ "edited": edited, "inserted": inserted, "deleted": deleted, "merged": merged }))
        })
        .collect();
    let advances = (state.now() - crate::data::world::NOW) / calendar::DAY;
    let mut clock = String::new();
    calendar::push(&mut clock, state.now());
    Ok(json!({ "advances": advances, "now": clock, "changed": changed }))
}
