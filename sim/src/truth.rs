//! `/_sim/truth/<entity>`: all rows as they are now, without credentials or paging, for tests to hold results against.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State as Extract};
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{Response, StatusCode};

use crate::answer::{self, Answer};
use crate::kind::Kind;
use crate::state::{Source, State};

/// Bytes after which a chunk is sent.
const CHUNK: usize = 256 * 1024;

fn unknown(entity: &str) -> Answer {
    let message = format!("there is no entity {entity}");
    answer::plain_json(StatusCode::NOT_FOUND, serde_json::json!({ "message": message }).to_string())
}

pub(crate) async fn count(Extract(state): Extract<Arc<State>>, Path(entity): Path<String>) -> Answer {
    let Some(kind) = Kind::named(&entity) else { return unknown(&entity) };
    let count = state.source().table(kind).live();
    answer::plain_json(StatusCode::OK, format!("{{\"count\":{count}}}"))
}

pub(crate) async fn rows(Extract(state): Extract<Arc<State>>, Path(entity): Path<String>) -> Answer {
    let Some(kind) = Kind::named(&entity) else { return unknown(&entity) };
    let progress = Progress { source: state.source(), kind, slot: 0, first: true, done: false };
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
    kind: Kind,
    slot: u64,
    first: bool,
    done: bool,
}

impl Progress {
    fn chunk(&mut self) -> Option<Bytes> {
        if self.done {
            return None;
        }
        let table = self.source.table(self.kind);
        let mut out = Vec::with_capacity(CHUNK + 8 * 1024);
        if self.slot == 0 {
            out.push(b'[');
        }
        while out.len() < CHUNK && self.slot < table.slots() {
            if table.is_live(self.slot) {
                if !std::mem::replace(&mut self.first, false) {
                    out.push(b',');
                }
                table.write(self.slot, None, &mut out);
            }
            self.slot += 1;
        }
        if self.slot >= table.slots() {
            out.push(b']');
            self.done = true;
        }
        Some(out.into())
    }
}
