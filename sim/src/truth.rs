//! `/_sim/truth/<entity>`: all rows as they are now or were at a moment, without credentials or paging, for tests to hold
//! results against.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State as Extract};
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{Response, StatusCode};
use serde::Deserialize;

use crate::advance::place_named;
use crate::answer::{self, Answer};
use crate::calendar;
use crate::control::wrong;
use crate::document::Document;
use crate::place::Place;
use crate::state::{Source, State};
use crate::switches::Switches;
use crate::table::Table;
use crate::tenant::Tenant;

/// Bytes after which a chunk is sent.
const CHUNK: usize = 256 * 1024;
/// What a row of a list below all rows says of where it hangs, innermost last.
const PARENTS: [&str; 3] = ["_greatGrandParentId", "_grandParentId", "_parentId"];

/// What of the truth is wanted.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    /// The list by its path: `/finance/agreements/7/additions`, or `/finance/agreements/*/additions` for those of all.
    path: Option<String>,
    /// The moment; now without it. With it, deleted rows are shown too, with `_deletedAt`.
    at: Option<String>,
}

/// The lists that a person means.
#[derive(Clone, Copy)]
enum Named {
    One(Place),
    /// A resource below all rows that it hangs on.
    All(usize),
}

fn unknown(entity: &str) -> Answer {
    let message = format!("there is no entity {entity}");
    answer::plain_json(StatusCode::NOT_FOUND, serde_json::json!({ "message": message }).to_string())
}

fn named(document: &Document, name: &str) -> Option<Named> {
    let path = if name.contains('/') && !name.starts_with('/') { format!("/{name}") } else { name.to_owned() };
    if path.split('/').any(|step| step == "*" || step.starts_with('{')) {
        let path = path.replace('*', "{id}");
        let found = document.resource_at(&path)?;
        return (found.parents > 0).then_some(Named::All(found.number));
    }
    if let Some(place) = place_named(document, &path) {
        return Some(Named::One(place));
    }
    // Of what only hangs on rows the name alone means all of it.
    document.resource_named(&path).filter(|found| found.parents > 0).map(|found| Named::All(found.number))
}

/// `/_sim/truth/{entity or path}`, also with `/count` behind it.
pub(crate) async fn rows(
    Extract(state): Extract<Arc<State>>,
    Path(name): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Answer {
    match name.trim_end_matches('/').strip_suffix("/count") {
        Some(name) => count(&state, name),
        None => told(state, name.trim_end_matches('/'), wanted.at.as_deref()),
    }
}

/// The same for a list named by a parameter.
pub(crate) async fn rows_at_path(Extract(state): Extract<Arc<State>>, Query(wanted): Query<Wanted>) -> Answer {
    let Some(path) = wanted.path else { return wrong("name an entity or a path") };
    told(state, path.trim_end_matches('/'), wanted.at.as_deref())
}

fn count(state: &State, name: &str) -> Answer {
    let Some(named) = named(state.document, name) else { return unknown(name) };
    let source = state.source();
    let count: u64 = match lists(&source, state.document, named, None) {
        None => return unknown(name),
        Some(lists) => {
            let switches = state.switches();
            lists.iter().map(|list| source.listed(state.document, list.place, &switches, None).live()).sum()
        }
    };
    answer::plain_json(StatusCode::OK, format!("{{\"count\":{count}}}"))
}

/// A list, and when the row that it hangs on was deleted, if it was.
#[derive(Clone, Copy)]
struct List {
    place: Place,
    gone: Option<i64>,
}

/// `None` where a row that is named isn't there, or where nobody knows which rows a list hangs on.
fn lists(source: &Source, document: &Document, named: Named, at: Option<i64>) -> Option<Vec<List>> {
    match (source, named) {
        (Source::Samples(_), Named::One(place)) => Some(vec![List { place, gone: None }]),
        (Source::Samples(_), Named::All(_)) => None,
        (Source::Generated(tenant), Named::One(place)) => {
            let gone = tenant.gone(place, at)?;
            (gone.is_none() || at.is_some()).then(|| vec![List { place, gone }])
        }
        (Source::Generated(tenant), Named::All(resource)) => below_all(tenant, document, resource, at),
    }
}

fn below_all(tenant: &Tenant, document: &Document, resource: usize, at: Option<i64>) -> Option<Vec<List>> {
    let parent = document.resources.get(document.resources[resource].parent?)?;
    let above = match parent.parents {
        0 => vec![List { place: Place::flat(parent.number), gone: None }],
        _ => below_all(tenant, document, parent.number, at)?,
    };
    if !parent.keyed {
        return None;
    }
    let mut lists = Vec::new();
    for List { place, gone } in above {
        let table = match at {
            None => tenant.table(place),
            Some(at) => tenant.table_at(place, at),
        };
        for slot in (0..table.slots()).filter(|slot| at.is_some() || table.is_live(*slot)) {
            let mut ids = place.parents().to_vec();
            ids.push(table.id(slot));
            let gone = earlier(gone, table.deleted(slot));
            lists.extend(Place::below(resource, &ids).map(|place| List { place, gone }));
        }
    }
    Some(lists)
}

fn earlier(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Why there is no truth to tell.
enum Untold {
    Unknown,
    Wrong(&'static str),
}

/// The truth as text, for a program that has started the simulator.
pub(crate) fn text(state: &Arc<State>, entity: &str, at: Option<&str>) -> Result<Vec<u8>, String> {
    let entity = entity.trim_end_matches('/');
    let mut progress = Progress::of(Arc::clone(state), entity, at).map_err(|untold| match untold {
        Untold::Unknown => format!("there is no entity {entity}"),
        Untold::Wrong(reason) => reason.to_owned(),
    })?;
    let mut text = Vec::new();
    while let Some(chunk) = progress.chunk() {
        text.extend_from_slice(&chunk);
    }
    Ok(text)
}

fn told(state: Arc<State>, entity: &str, at: Option<&str>) -> Answer {
    let progress = match Progress::of(state, entity, at) {
        Ok(progress) => progress,
        Err(Untold::Unknown) => return unknown(entity),
        Err(Untold::Wrong(reason)) => return wrong(reason),
    };
    let chunks = futures::stream::unfold(progress, |mut progress| async move {
        let chunk = progress.chunk()?;
        // A long stream leaves room for other requests of the same runtime.
        tokio::task::yield_now().await;
        Some((Ok::<_, Infallible>(chunk), progress))
    });
    let mut answer = Response::new(Body::from_stream(chunks));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

struct Progress {
    source: Arc<Source>,
    state: Arc<State>,
    switches: Switches,
    at: Option<i64>,
    lists: Vec<List>,
    with_parents: bool,
    list: usize,
    slot: u64,
    started: bool,
    first: bool,
    done: bool,
}

impl Progress {
    fn of(state: Arc<State>, entity: &str, at: Option<&str>) -> Result<Self, Untold> {
        let named = named(state.document, entity).ok_or(Untold::Unknown)?;
        let at = match at.map(calendar::parse) {
            None => None,
            Some(Some(at)) => Some(at),
            Some(None) => return Err(Untold::Wrong("at is no instant")),
        };
        let source = state.source();
        if at.is_some() && matches!(source.as_ref(), Source::Samples(_)) {
            return Err(Untold::Wrong("samples have no history"));
        }
        let lists = lists(&source, state.document, named, at).ok_or(Untold::Unknown)?;
        Ok(Self {
            source,
            switches: state.switches(),
            state,
            at,
            lists,
            with_parents: matches!(named, Named::All(_)),
            list: 0,
            slot: 0,
            started: false,
            first: true,
            done: false,
        })
    }

    fn chunk(&mut self) -> Option<Bytes> {
        if self.done {
            return None;
        }
        let source = Arc::clone(&self.source);
        let mut out = Vec::with_capacity(CHUNK + 8 * 1024);
        if !std::mem::replace(&mut self.started, true) {
            out.push(b'[');
        }
        while out.len() < CHUNK {
            let Some(list) = self.lists.get(self.list).copied() else {
                out.push(b']');
                self.done = true;
                break;
            };
            let table = source.listed(self.state.document, list.place, &self.switches, self.at);
            match self.at {
                Some(_) => self.past(list, table.as_ref(), &mut out),
                None => self.present(list, table.as_ref(), &mut out),
            }
            let slots = table.slots();
            if self.slot >= slots {
                (self.list, self.slot) = (self.list + 1, 0);
            }
        }
        Some(out.into())
    }

    /// Writes a row, and before its own properties where it hangs.
    fn row(&mut self, list: List, table: &dyn Table, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.first, false) {
            out.push(b',');
        }
        let start = out.len();
        table.write(self.slot, None, out);
        if !self.with_parents {
            return;
        }
        let parents = list.place.parents();
        let names = &PARENTS[PARENTS.len() - parents.len()..];
        let mut before: String = names.iter().zip(parents).map(|(name, id)| format!("\"{name}\":{id},")).collect();
        if out.get(start + 1) == Some(&b'}') {
            before.pop();
        }
        out.splice(start + 1..start + 1, before.bytes());
    }

    fn present(&mut self, list: List, table: &dyn Table, out: &mut Vec<u8>) {
        while out.len() < CHUNK && self.slot < table.slots() {
            if table.is_live(self.slot) {
                self.row(list, table, out);
            }
            self.slot += 1;
        }
    }

    /// All rows that there had been by then; of those that were gone, when they went.
    fn past(&mut self, list: List, table: &dyn Table, out: &mut Vec<u8>) {
        while out.len() < CHUNK && self.slot < table.slots() {
            if !table.existed(self.slot) {
                self.slot += 1;
                continue;
            }
            self.row(list, table, out);
            if let Some(deleted) = earlier(table.deleted(self.slot), list.gone) {
                out.pop();
                out.extend_from_slice(b",\"_deletedAt\":\"");
                out.extend_from_slice(&calendar::text(deleted));
                out.extend_from_slice(b"\"}");
            }
            self.slot += 1;
        }
    }
}
