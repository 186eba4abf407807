//! The simulator's own switches below `/_sim`: faults, time, the log of requests.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::answer::{self, Answer};
use crate::calendar;
use crate::faults::Rule;
use crate::kind::Kind;
use crate::overlay::Amounts;
use crate::state::State;

/// No advance changes more rows of an entity than this, so that a slip of the finger doesn't fill the memory.
const MOST_CHANGES: u64 = 1_000_000;

fn wrong(message: &str) -> Answer {
    answer::plain_json(StatusCode::BAD_REQUEST, json!({ "message": message }).to_string())
}

pub(crate) async fn add_fault(Extract(state): Extract<Arc<State>>, body: Bytes) -> Answer {
    match Rule::read(&body) {
        Ok(rule) => {
            state.faults().add(rule);
            list_faults(Extract(state)).await
        }
        Err(reason) => wrong(&format!("no such fault: {reason}")),
    }
}

pub(crate) async fn list_faults(Extract(state): Extract<Arc<State>>) -> Answer {
    let rules = state.faults().count();
    answer::plain_json(StatusCode::OK, json!({ "rules": rules }).to_string())
}

pub(crate) async fn clear_faults(Extract(state): Extract<Arc<State>>) -> Answer {
    state.faults().clear();
    list_faults(Extract(state)).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wanted {
    edit: u64,
    insert: u64,
    delete: u64,
}

/// Takes `{"TimeEntry":{"edit":5,"insert":3,"delete":1},..}`, answers with the new clock and the ids that changed.
pub(crate) async fn advance(Extract(state): Extract<Arc<State>>, body: Bytes) -> Answer {
    let body = if body.trim_ascii().is_empty() { Bytes::from_static(b"{}") } else { body };
    let wanted: BTreeMap<String, Wanted> = match serde_json::from_slice(&body) {
        Ok(wanted) => wanted,
        Err(error) => return wrong(&format!("no such advance: {error}")),
    };
    let mut amounts = Vec::new();
    for (name, Wanted { edit, insert, delete }) in wanted {
        let Some(kind) = Kind::named(&name) else { return wrong(&format!("there is no entity {name}")) };
        if amounts.iter().any(|(known, _)| *known == kind) {
            return wrong(&format!("{name} is named twice"));
        }
        if [edit, insert, delete].into_iter().any(|amount| amount > MOST_CHANGES) {
            return wrong(&format!("an advance changes at most {MOST_CHANGES} rows of {name}"));
        }
        amounts.push((kind, Amounts { edit, insert, delete }));
    }
    let changed = state.change(|tenant| {
        let touched = tenant.advance(&amounts);
        (tenant.advances(), tenant.now(), touched)
    });
    let Some((advances, now, touched)) = changed else { return wrong("samples don't change") };
    let changed: serde_json::Map<_, _> = touched
        .into_iter()
        .map(|(kind, ids)| {
            let ids = json!({ "edited": ids.edited, "inserted": ids.inserted, "deleted": ids.deleted });
            (kind.name().to_owned(), ids)
        })
        .collect();
    let mut clock = String::new();
    calendar::push(&mut clock, now);
    answer::plain_json(StatusCode::OK, json!({ "advances": advances, "now": clock, "changed": changed }).to_string())
}

/// `{"total":..,"counts":[{path,status,count}],"recent":[{method,path,query,status}]}`
pub(crate) async fn requests(Extract(state): Extract<Arc<State>>) -> Answer {
    let requests = state.requests();
    let counts: Vec<_> = requests
        .counts
        .iter()
        .map(|((path, status), count)| json!({ "path": path, "status": status, "count": count }))
        .collect();
    let recent: Vec<_> = requests
        .recent
        .iter()
        .map(
            |asked| json!({ "method": asked.method, "path": asked.path, "query": asked.query, "status": asked.status }),
        )
        .collect();
    let body = json!({ "total": requests.total, "counts": counts, "recent": recent });
    answer::plain_json(StatusCode::OK, body.to_string())
}

pub(crate) async fn forget_requests(Extract(state): Extract<Arc<State>>) -> Answer {
    *state.requests() = crate::state::Requests::default();
    answer::plain_json(StatusCode::OK, "{}")
}
