//! What becomes of rows in the course of business: sheets that are approved, tickets that are merged, invoices that are batched.

use axum::http::StatusCode;
use serde_json::{Map, Value as Json, json};

use super::write::{self, done, unchanging};
use super::{Ask, body};
use crate::answer::{self, Answer};
use crate::document::Matched;
use crate::place::Place;
use crate::state::Source;
use crate::table::Table;

fn success() -> Answer {
    answer::json(StatusCode::OK, json!({ "success": true, "message": "Success" }).to_string())
}

/// The list that a path starts with, up to its first argument.
fn list_of(ask: &Ask) -> Result<Place, Box<Answer>> {
    let steps: Vec<&str> = ask.path.split('/').take(3).collect();
    let resource = ask.document.resource_at(&steps.join("/")).ok_or_else(|| Box::new(answer::no_such_endpoint()))?;
    Ok(Place::flat(resource.number))
}

/// Sets properties of a row.
fn set(ask: &Ask, place: Place, id: &str, values: &[(&str, Json)]) -> Result<(), Box<Answer>> {
    let schema = ask.schema(place)?;
    let missing = || Box::new(answer::not_found(schema.name, id));
    let source = ask.state.source();
    if matches!(source.as_ref(), Source::Samples(_)) {
        return Err(unchanging());
    }
    let number: i64 = id.parse().map_err(|_| missing())?;
    let slot = source.table_for(ask.document, place, &ask.role).slot_of(number).ok_or_else(missing)?;
    drop(source);
    let set = ask.state.change(|tenant| {
        if !tenant.table(place).is_live(slot) {
            return false;
        }
        let Json::Object(mut row) = tenant.tree(place, slot) else { return false };
        row.extend(values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        tenant.replace(place, slot, row, ask.by());
        true
    });
    if set != Some(true) {
        return Err(missing());
    }
    ask.state.callbacks.changed(ask.state, schema.name, number, "updated");
    Ok(())
}

/// A sheet or report that is submitted, approved, rejected or taken back.
pub(super) fn status(ask: &Ask, id: &str, status: &str) -> Answer {
    done(list_of(ask).and_then(|place| {
        set(ask, place, id, &[("status", status.into())])?;
        Ok(success())
    }))
}

/// The ids that a body names.
fn ids(given: &Map<String, Json>, name: &'static str) -> Result<Vec<i64>, Box<Answer>> {
    let ids = given.get(name).and_then(Json::as_array).map(|ids| ids.iter().filter_map(Json::as_i64).collect());
    ids.ok_or_else(|| {
        Box::new(answer::invalid("MissingRequiredField", name, &format!("The {name} field is required.")))
    })
}

/// A row of a list that has to be there.
fn there(ask: &Ask, place: Place, id: &str) -> Result<Json, Box<Answer>> {
    let schema = ask.schema(place)?;
    let source = ask.state.source();
    let Source::Generated(tenant) = source.as_ref() else { return Err(unchanging()) };
    let slot = id.parse().ok().and_then(|id| source.table_for(ask.document, place, &ask.role).slot_of(id));
    slot.map(|slot| tenant.tree(place, slot)).ok_or_else(|| Box::new(answer::not_found(schema.name, id)))
}

/// Tickets that are merged into another one are closed and name it.
pub(super) fn merge_tickets(ask: &Ask, id: &str) -> Answer {
    done(list_of(ask).and_then(|place| {
        let given = body::object(&ask.body)?;
        let merged = ids(&given, "mergeTicketIds")?;
        let Some(status) = given.get("status").filter(|status| status.is_object()) else {
            let message = "The status field is required.";
            return Err(Box::new(answer::invalid("MissingRequiredField", "status", message)));
        };
        let parent = there(ask, place, id)?;
        for id in &merged {
            there(ask, place, &id.to_string())?;
        }
        let parent = json!({ "id": parent["id"], "summary": parent["summary"] });
        let values = [("mergedParentTicket", parent), ("closedFlag", true.into()), ("status", status.clone())];
        merged.iter().try_for_each(|id| set(ask, place, &id.to_string(), &values))?;
        Ok(success())
    }))
}

/// Tickets that are bundled name their parent.
pub(super) fn attach_tickets(ask: &Ask, id: &str) -> Answer {
    done(list_of(ask).and_then(|place| {
        let children = ids(&body::object(&ask.body)?, "childTicketIds")?;
        let parent = there(ask, place, id)?;
        for id in &children {
            there(ask, place, &id.to_string())?;
        }
        let values = [("parentTicketId", parent["id"].clone())];
        children.iter().try_for_each(|id| set(ask, place, &id.to_string(), &values))?;
        Ok(success())
    }))
}

pub(super) fn deactivate(ask: &Ask, id: &str) -> Answer {
    done(list_of(ask).and_then(|place| {
        let given = if ask.body.trim_ascii().is_empty() { Map::new() } else { body::object(&ask.body)? };
        let mut now = String::new();
        crate::calendar::push(&mut now, ask.state.now());
        set(ask, place, id, &[("inactiveFlag", true.into()), ("inactiveDate", now.into())])?;
        Ok(answer::json(StatusCode::OK, Json::Object(given).to_string()))
    }))
}

/// Posts the unposted invoices that are named: they leave their list, and the created ones show the batch. What an accounting
/// package would be told isn't: the answer is empty.
pub(super) fn batch(ask: &Ask) -> Answer {
    done((|| {
        let wanted = ids(&body::object(&ask.body)?, "processedRecordIds")?;
        let unposted = ask.document.resource_at("/finance/accounting/unpostedinvoices");
        let place = Place::flat(unposted.ok_or_else(|| Box::new(answer::no_such_endpoint()))?.number);
        let source = ask.state.source();
        let table = source.table_for(ask.document, place, &ask.role);
        let mut slots = Vec::new();
        for id in wanted {
            let message = format!("processedRecordIds {id} not found");
            let slot = table.slot_of(id);
            slots.push(slot.ok_or_else(|| Box::new(answer::invalid("InvalidField", "processedRecordIds", &message)))?);
        }
        drop(table);
        drop(source);
        let posted = ask.state.change(|tenant| slots.iter().for_each(|slot| tenant.delete(place, *slot)));
        if posted.is_none() {
            return Err(unchanging());
        }
        Ok(answer::json(StatusCode::CREATED, "{}"))
    })())
}

/// A patch of a row at a path of its own.
pub(super) fn patch(ask: &Ask, found: &Matched<'_, '_>) -> Answer {
    let id = found.arguments.first().copied().unwrap_or_default();
    match list_of(ask) {
        Ok(place) => write::change(ask, place, id, found),
        Err(refusal) => *refusal,
    }
}
