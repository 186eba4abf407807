//! Many rows of a list written at once: each is answered for itself.

use axum::body::Body;
use axum::http::{Method, Response, StatusCode};
use serde_json::{Map, Value as Json, json};

use super::Ask;
use super::body::{self, Wanted};
use super::write::{done, unchanging};
use crate::answer::{self, Answer};
use crate::document::Role;
use crate::place::Place;
use crate::state::Source;
use crate::table::Table;

/// Items that one request may have.
const MOST: usize = 1_000;

/// What became of an item: its row, or the refusal.
type Outcome = Result<(StatusCode, Json), Box<Answer>>;

pub(super) fn answer(ask: &Ask) -> Answer {
    done(try_answer(ask))
}

fn try_answer(ask: &Ask) -> Result<Answer, Box<Answer>> {
    let base = ask.path.rsplit_once('/').map_or("", |(base, _)| base);
    let found = ask.document.find(base).ok_or_else(|| Box::new(answer::no_such_endpoint()))?;
    let Role::List(resource) = found.path.role else { return Err(Box::new(answer::no_such_endpoint())) };
    let place = ask.place(resource, &found.arguments)?;
    if matches!(ask.state.source().as_ref(), Source::Samples(_)) {
        return Err(unchanging());
    }
    let given: Json = serde_json::from_slice(&ask.body).unwrap_or_default();
    let items = if ask.method == Method::DELETE { given.get("ids").cloned() } else { Some(given) };
    let Some(Json::Array(items)) = items else {
        let wanted = if ask.method == Method::DELETE { "an object with ids" } else { "a JSON array" };
        return Err(body::unreadable(&format!("The body is not {wanted}.")));
    };
    if items.len() > MOST {
        return Err(Box::new(answer::invalid(
            "OutOfRange",
            "body",
            &format!("At most {MOST} items are written at once."),
        )));
    }
    let payload: Vec<Json> = items.into_iter().enumerate().map(|(at, item)| told(at, one(ask, place, item))).collect();
    Ok(answer::json(StatusCode::MULTI_STATUS, json!({ "payload": payload }).to_string()))
}

fn one(ask: &Ask, place: Place, item: Json) -> Outcome {
    let schema = ask.schema(place)?;
    let id = item.get("id").unwrap_or(&item).as_i64();
    let missing =
        |id: Option<i64>| Box::new(answer::not_found(schema.name, &id.map_or_else(String::new, |id| id.to_string())));
    let slot = id.and_then(|id| ask.state.source().table_for(ask.document, place, &ask.role).slot_of(id));
    if ask.method == Method::DELETE {
        let slot = slot.ok_or_else(|| missing(id))?;
        let _ = ask.state.change(|tenant| tenant.delete(place, slot));
        told_others(ask, schema.name, id, "deleted");
        return Ok((StatusCode::NO_CONTENT, Json::Null));
    }
    let Json::Object(mut row) = item else { return Err(body::unreadable("The item is not a JSON object.")) };
    body::check(ask, schema, &row, Wanted::Whole)?;
    if ask.method == Method::POST {
        row.remove("id");
        let made = ask.state.change(|tenant| {
            let id = tenant.insert(place, row, ask.by()).ok()?;
            Some((id, tenant.table(place).slot_of(id).map(|slot| tenant.tree(place, slot))))
        });
        let Some((id, row)) = made.flatten() else {
            let message = "There is no room for more rows below one parent in the simulator.";
            return Err(Box::new(answer::error(StatusCode::CONFLICT, "OutOfRange", message)));
        };
        told_others(ask, schema.name, Some(id), "added");
        return Ok((StatusCode::CREATED, row.unwrap_or_default()));
    }
    let slot = slot.ok_or_else(|| missing(id))?;
    let row = ask.state.change(|tenant| {
        let before = tenant.tree(place, slot);
        if let Some(info) = before.get("_info") {
            row.insert("_info".to_owned(), info.clone());
        }
        tenant.replace(place, slot, row, ask.by());
        tenant.tree(place, slot)
    });
    told_others(ask, schema.name, id, "updated");
    Ok((StatusCode::OK, row.unwrap_or_default()))
}

fn told_others(ask: &Ask, schema: &str, id: Option<i64>, action: &str) {
    if let Some(id) = id {
        ask.state.callbacks.changed(ask.state, schema, id, action);
    }
}

/// `{"originalIndex":0,"success":true,"statusCode":201,"data":{..}}`, or with `error` in the place of `data`.
fn told(at: usize, outcome: Outcome) -> Json {
    let mut told = Map::new();
    let (status, name, value) = match outcome {
        Ok((status, row)) => (status, "data", row),
        Err(refusal) => (refusal.status(), "error", spoken(*refusal)),
    };
    told.insert("originalIndex".to_owned(), at.into());
    told.insert("success".to_owned(), status.is_success().into());
    told.insert("statusCode".to_owned(), status.as_u16().into());
    if !value.is_null() {
        told.insert(name.to_owned(), value);
    }
    Json::Object(told)
}

/// The body of an answer that was made whole.
fn spoken(refusal: Response<Body>) -> Json {
    use futures::FutureExt;
    let read = axum::body::to_bytes(refusal.into_body(), usize::MAX).now_or_never();
    read.and_then(Result::ok).and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}
