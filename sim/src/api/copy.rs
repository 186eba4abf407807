//! Rows made of others: copies, and what an opportunity or an order becomes. What hangs on a row stays where it is.

use axum::http::Method;
use serde_json::{Map, Value as Json};

use super::body::{self, Wanted};
use super::write::{done, success, unchanging};
use super::{Ask, id_of};
use crate::answer::{self, Answer};
use crate::document::{Matched, Role};
use crate::place::Place;
use crate::state::Source;
use crate::table::Table;

/// What a row that is made of another one doesn't take along.
const OWN: [&str; 2] = ["id", "_info"];

/// `POST /{list}/{id}/copy`
pub(super) fn row(ask: &Ask, found: &Matched<'_, '_>) -> Answer {
    done((|| {
        let Some((id, parents)) = found.arguments.split_last() else {
            return Err(Box::new(answer::no_such_endpoint()));
        };
        let base = ask.path.rsplit_once('/').map_or("", |(base, _)| base);
        let Some(Role::One(resource)) = ask.document.find(base).map(|found| found.path.role) else {
            return Err(Box::new(answer::no_such_endpoint()));
        };
        let place = ask.place(resource, parents)?;
        let row = source_row(ask, place, id)?;
        insert(ask, place, row, found)
    })())
}

/// `POST /{list}/copy` with `{"id":..,"name":..}`
pub(super) fn named(ask: &Ask, found: &Matched<'_, '_>) -> Answer {
    done((|| {
        let base = ask.path.rsplit_once('/').map_or("", |(base, _)| base);
        let Some(Role::List(resource)) = ask.document.find(base).map(|found| found.path.role) else {
            return Err(Box::new(answer::no_such_endpoint()));
        };
        let given = body::object(&ask.body)?;
        let Some(id) = given.get("id").and_then(Json::as_i64) else {
            return Err(Box::new(answer::invalid("MissingRequiredField", "id", "The id field is required.")));
        };
        let place = Place::flat(resource);
        let mut row = source_row(ask, place, &id.to_string())?;
        if let Some(name) = given.get("name").filter(|name| name.is_string()) {
            row.insert("name".to_owned(), name.clone());
        }
        insert(ask, place, row, found)
    })())
}

/// A new row of another list: what the body says of it, and of the rest the name and whose it is.
pub(super) fn convert(ask: &Ask, found: &Matched<'_, '_>, to: &str) -> Answer {
    done((|| {
        let missing = || Box::new(answer::no_such_endpoint());
        let base = ask.path.rsplit_once('/').map_or("", |(base, _)| base);
        let Some(Role::One(from)) = ask.document.find(base).map(|found| found.path.role) else { return Err(missing()) };
        let to = Place::flat(ask.document.resource_at(to).ok_or_else(missing)?.number);
        let id = found.arguments.first().copied().unwrap_or_default();
        let source = source_row(ask, Place::flat(from), id)?;
        let schema = ask.schema(to)?;
        let given = if ask.body.trim_ascii().is_empty() { Map::new() } else { body::object(&ask.body)? };
        let mut row = Map::new();
        for (name, value) in given {
            if let Some(member) = schema.member(&name).filter(|member| !OWN.contains(&member.name)) {
                row.insert(member.name.to_owned(), value);
            }
        }
        for name in ["company", "contact", "site", "locationId", "businessUnitId"] {
            if schema.member(name).is_some() && !row.contains_key(name) {
                row.extend(source.get(name).map(|value| (name.to_owned(), value.clone())));
            }
        }
        for name in ["name", "summary"] {
            if schema.member(name).is_some() && !row.contains_key(name) {
                let text = source.get("name").or_else(|| source.get("summary")).cloned();
                row.insert(name.to_owned(), text.unwrap_or_else(|| Json::from(id)));
            }
        }
        body::check(ask, schema, &row, Wanted::Part)?;
        insert(ask, to, row, found)
    })())
}

/// A row without what is its own.
fn source_row(ask: &Ask, place: Place, id: &str) -> Result<Map<String, Json>, Box<Answer>> {
    let schema = ask.schema(place)?;
    let source = ask.state.source();
    let Source::Generated(tenant) = source.as_ref() else { return Err(unchanging()) };
    let table = source.table_for(ask.document, place, &ask.role);
    let slot = id_of(id).and_then(|id| table.slot_of(id));
    let slot = slot.ok_or_else(|| Box::new(answer::not_found(schema.name, id)))?;
    let Json::Object(mut row) = tenant.tree(place, slot) else { return Ok(Map::new()) };
    OWN.iter().for_each(|own| drop(row.remove(*own)));
    Ok(row)
}

fn insert(ask: &Ask, place: Place, row: Map<String, Json>, found: &Matched<'_, '_>) -> Result<Answer, Box<Answer>> {
    let schema = ask.schema(place)?;
    let made = ask.state.change(|tenant| {
        let id = tenant.insert(place, row, ask.by()).ok()?;
        Some((id, tenant.table(place).slot_of(id).map(|slot| tenant.tree(place, slot))))
    });
    let Some((id, row)) = made.flatten() else { return Err(unchanging()) };
    ask.state.callbacks.changed(ask.state, schema.name, id, "added");
    Ok(answer::json(success(found, &Method::POST), row.unwrap_or_default().to_string()))
}
