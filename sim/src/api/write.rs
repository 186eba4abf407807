//! Writing: rows that are made, replaced, patched and deleted.

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value as Json};

use super::body::{self, Wanted};
use super::{Ask, body_schema};
use crate::answer::{self, Answer};
use crate::callbacks;
use crate::document::Matched;
use crate::place::Place;
use crate::state::Source;
use crate::switches::Switch;
use crate::table::Table;

pub(super) fn create(ask: &Ask, place: Place, found: &Matched<'_, '_>) -> Answer {
    done(try_create(ask, place, found))
}

pub(super) fn done(made: Result<Answer, Box<Answer>>) -> Answer {
    made.unwrap_or_else(|refusal| *refusal)
}

/// The status that the document gives for success.
pub(super) fn success(found: &Matched<'_, '_>, method: &Method) -> StatusCode {
    let status = found.path.operation(method.as_str()).map_or(200, |operation| operation.status);
    StatusCode::from_u16(status).unwrap_or(StatusCode::OK)
}

fn try_create(ask: &Ask, place: Place, found: &Matched<'_, '_>) -> Result<Answer, Box<Answer>> {
    let schema = ask.schema(place)?;
    let given = body::object(&ask.body)?;
    body::check(ask, schema, &given, Wanted::Whole)?;
    if ask.resource(place).template == "/system/callbacks" && !callbacks::is_loopback(url(&given)) {
        let message = "The simulator delivers to loopback addresses over plain HTTP only.";
        return Err(Box::new(answer::invalid("InvalidField", "url", message)));
    }
    let made = ask.state.change(|tenant| {
        let id = tenant.insert(place, given, ask.by())?;
        Ok::<_, crate::tenant::NoRoom>((id, tenant.table(place).slot_of(id).map(|slot| tenant.tree(place, slot))))
    });
    match made {
        None => Err(unchanging()),
        Some(Err(crate::tenant::NoRoom)) => {
            let message = "There is no room for more rows below one parent in the simulator.";
            Err(Box::new(answer::error(StatusCode::CONFLICT, "OutOfRange", message)))
        }
        Some(Ok((id, row))) => {
            ask.state.callbacks.changed(ask.state, schema.name, id, "added");
            Ok(answer::json(success(found, ask.method), row.unwrap_or_default().to_string()))
        }
    }
}

pub(super) fn unchanging() -> Box<Answer> {
    let message = "Recorded answers can't be written to.";
    Box::new(answer::error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message))
}

fn url(given: &Map<String, Json>) -> &str {
    given.get("url").and_then(Json::as_str).unwrap_or_default()
}

/// PUT, PATCH and DELETE of a row.
pub(super) fn change(ask: &Ask, place: Place, id: &str, found: &Matched<'_, '_>) -> Answer {
    done(try_change(ask, place, id, found))
}

fn try_change(ask: &Ask, place: Place, id: &str, found: &Matched<'_, '_>) -> Result<Answer, Box<Answer>> {
    let schema = ask.schema(place)?;
    let number: i64 = id.parse().map_err(|_| Box::new(answer::no_such_endpoint()))?;
    let missing = || Box::new(answer::not_found(schema.name, id));
    let source = ask.state.source();
    let Source::Generated(tenant) = source.as_ref() else { return Err(unchanging()) };
    let slot = source.table_for(ask.document, place, &ask.role).slot_of(number).ok_or_else(missing)?;
    // Whoever still holds the rows as they are makes a change copy every change before it.
    if ask.method == Method::DELETE {
        drop(source);
        // Someone else may have been quicker.
        let deleted = ask.state.change(|tenant| {
            let there = tenant.table(place).is_live(slot);
            if there {
                tenant.delete(place, slot);
            }
            there
        });
        if deleted != Some(true) {
            return Err(missing());
        }
        ask.state.callbacks.changed(ask.state, schema.name, number, "deleted");
        let mut answer = answer::json(success(found, ask.method), "");
        answer.headers_mut().remove(axum::http::header::CONTENT_TYPE);
        return Ok(answer);
    }
    let before = as_object(tenant.tree(place, slot));
    drop(source);
    let row = if ask.method == Method::PATCH {
        body::patched(ask, schema, before, &ask.body)?
    } else {
        let given = body::object(&ask.body)?;
        body::check(ask, body_schema(ask.document, found, ask.method).unwrap_or(schema), &given, Wanted::Whole)?;
        // Who made a row and when doesn't change with it.
        let mut given = given;
        if let Some(info) = before.get("_info") {
            given.insert("_info".to_owned(), info.clone());
        }
        given
    };
    let changed = ask.state.change(|tenant| {
        if !tenant.table(place).is_live(slot) {
            return None;
        }
        tenant.replace(place, slot, row, ask.by());
        Some(tenant.tree(place, slot))
    });
    let row = changed.flatten().ok_or_else(missing)?;
    ask.state.callbacks.changed(ask.state, schema.name, number, "updated");
    Ok(answer::json(success(found, ask.method), row.to_string()))
}

/// DELETE of a whole list. A changelog is a queue, whose entries are gone once they are taken, or a log.
pub(super) fn clear(ask: &Ask, place: Place, found: &Matched<'_, '_>) -> Answer {
    let log = ask.path.to_ascii_lowercase().ends_with("/changelogs") && ask.switches.is(Switch::Changelogs, "log");
    if !log {
        let cleared = ask.state.change(|tenant| tenant.clear(place));
        if cleared.is_none() {
            return *unchanging();
        }
    }
    let mut answer = answer::json(success(found, ask.method), "");
    answer.headers_mut().remove(axum::http::header::CONTENT_TYPE);
    answer
}

fn as_object(row: Json) -> Map<String, Json> {
    match row {
        Json::Object(row) => row,
        _ => Map::new(),
    }
}
