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
use crate::place::Place;
use crate::state::{Source, State};
use crate::table::Table;
use crate::tenant::Generated;

/// Bytes after which a chunk is sent.
const CHUNK: usize = 256 * 1024;

/// What of the truth is wanted.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    /// The list, where it hangs on rows: `/finance/agreements/7/additions`.
    path: Option<String>,
    /// The moment; now without it. With it, deleted rows are shown too, with `_deletedAt`.
    at: Option<String>,
}

fn unknown(entity: &str) -> Answer {
    let message = format!("there is no entity {entity}");
    answer::plain_json(StatusCode::NOT_FOUND, serde_json::json!({ "message": message }).to_string())
}

pub(crate) async fn count(Extract(state): Extract<Arc<State>>, Path(entity): Path<String>) -> Answer {
    let Some(place) = place_named(state.document, &entity) else { return unknown(&entity) };
    let count = state.source().table(state.document, place).live();
    answer::plain_json(StatusCode::OK, format!("{{\"count\":{count}}}"))
}

pub(crate) async fn rows(
    Extract(state): Extract<Arc<State>>,
    Path(entity): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Answer {
    told(state, &entity, wanted.at.as_deref())
}

/// The same for a list named by its path.
pub(crate) async fn rows_at_path(Extract(state): Extract<Arc<State>>, Query(wanted): Query<Wanted>) -> Answer {
    let Some(path) = wanted.path else { return wrong("name an entity or a path") };
    told(state, &path, wanted.at.as_deref())
}

fn told(state: Arc<State>, entity: &str, at: Option<&str>) -> Answer {
    let Some(place) = place_named(state.document, entity) else { return unknown(entity) };
    let at = match at.map(calendar::parse) {
        None => None,
        Some(Some(at)) => Some(at),
        Some(None) => return wrong("at is no instant"),
    };
    let source = state.source();
    if at.is_some() && matches!(source.as_ref(), Source::Samples(_)) {
        return wrong("samples have no history");
    }
    let progress = Progress { source, state, place, at, slot: 0, first: true, done: false };
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
    place: Place,
    at: Option<i64>,
    slot: u64,
    first: bool,
    done: bool,
}

impl Progress {
    fn chunk(&mut self) -> Option<Bytes> {
        if self.done {
            return None;
        }
        let source = Arc::clone(&self.source);
        let mut out = Vec::with_capacity(CHUNK + 8 * 1024);
        if self.slot == 0 {
            out.push(b'[');
        }
        let slots = match (source.as_ref(), self.at) {
            (Source::Generated(tenant), Some(at)) => {
                let table = tenant.table_at(self.place, at);
                self.past(&table, &mut out);
                table.slots()
            }
            _ => {
                let table = source.table(self.state.document, self.place);
                self.present(table.as_ref(), &mut out);
                table.slots()
            }
        };
        if self.slot >= slots {
            out.push(b']');
            self.done = true;
        }
        Some(out.into())
    }

    fn comma(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.first, false) {
            out.push(b',');
        }
    }

    fn present(&mut self, table: &dyn Table, out: &mut Vec<u8>) {
        while out.len() < CHUNK && self.slot < table.slots() {
            if table.is_live(self.slot) {
                self.comma(out);
                table.write(self.slot, None, out);
            }
            self.slot += 1;
        }
    }

    /// All rows that there had been by then; of those that were gone, when they went.
    fn past(&mut self, table: &Generated<'_>, out: &mut Vec<u8>) {
        while out.len() < CHUNK && self.slot < table.slots() {
            self.comma(out);
            table.write(self.slot, None, out);
            if let Some(deleted) = table.deleted(self.slot) {
                out.pop();
                out.extend_from_slice(b",\"_deletedAt\":\"");
                out.extend_from_slice(&calendar::text(deleted));
                out.extend_from_slice(b"\"}");
            }
            self.slot += 1;
        }
    }
}
