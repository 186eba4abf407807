//! Reading: lists, counts, single rows.

use axum::http::StatusCode;
use axum::http::header::LINK;

use super::{Ask, refuse};
use crate::answer::{self, Answer};
use crate::document::Schema;
use crate::faults::{Fault, Wording};
use crate::json::Selection;
use crate::latency::Rows;
use crate::listing::{self, Listing};
use crate::paging::{self, Mode, Paging};
use crate::place::Place;
use crate::query::{self, Grammar, Names};
use crate::state::Source;
use crate::switches::Switch;

/// Lists that answer with everything, whatever page is asked for.
const UNPAGED: [&str; 1] = ["/system/reports"];
/// Lists that know page numbers only.
const NUMBERED: [&str; 1] = ["/system/audittrail"];

/// The words of a query, from wherever they were sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Words<'a> {
    pub(super) conditions: &'a str,
    pub(super) children: &'a str,
    pub(super) custom_fields: &'a str,
    pub(super) order: &'a str,
    pub(super) fields: &'a str,
}

impl<'a> Words<'a> {
    pub(super) fn of(ask: &'a Ask) -> Self {
        Self {
            conditions: ask.parameter("conditions"),
            children: ask.parameter("childConditions"),
            custom_fields: ask.parameter("customFieldConditions"),
            order: ask.parameter("orderBy"),
            fields: ask.parameter("fields"),
        }
    }
}

pub(super) async fn list(ask: &Ask<'_>, place: Place) -> Answer {
    answer_list(ask, place, Words::of(ask)).await
}

/// The answer to a list request, by parameters or by a search.
pub(super) async fn answer_list(ask: &Ask<'_>, place: Place, words: Words<'_>) -> Answer {
    let resource = ask.resource(place);
    let numbered = !resource.keyed || NUMBERED.contains(&resource.template);
    let forward = ask.forward_only() && !numbered;
    let mut listing = match read(ask, place, &words, &ask.parameters, forward) {
        Ok(listing) => listing,
        Err(refusal) => return *refusal,
    };
    if UNPAGED.contains(&resource.template) && ask.switches.is(Switch::Reports, "unpaged") {
        listing.paging = listing.paging.unpaged();
    }
    let paging = listing.paging;
    let shift = match ask.fault {
        Some(Fault::Missing) => 1,
        Some(Fault::Duplicate) => -1,
        _ => 0,
    };
    let made = blocking(ask, place, move |table| listing::page(table, &listing, shift)).await;
    let Some(page) = made else { return answer::fault(500, None, &Wording::Api) };
    let fault = ask.state.faults().answer(ask.path, &page.ids);
    ask.state.requests().bytes += page.body.len() as u64;
    drift(ask, place);
    let mut answer = answer::json(StatusCode::OK, page.body);
    answer.extensions_mut().insert(Rows(page.ids.len() as u64));
    if let Some(fault) = fault {
        return answer::spoil(fault, answer, ask.state.stopping.clone()).await;
    }
    let silent = ask.forward_only() && numbered;
    if let Some(link) = paging.link(ask.path, &ask.parameters, &page.ids, page.total, page.more).filter(|_| !silent) {
        answer::set(&mut answer, LINK, &link);
    }
    answer
}

/// Rows that change while they are read.
fn drift(ask: &Ask, place: Place) {
    let amounts = ask.state.drift().as_mut().and_then(|drift| drift.after(ask.path));
    if let Some(amounts) = amounts {
        // Samples don't change.
        drop(ask.state.change(|tenant| tenant.drift(place, amounts)));
    }
}

/// Runs what may take long where it keeps nobody waiting.
async fn blocking<T: Send + 'static>(
    ask: &Ask<'_>,
    place: Place,
    work: impl FnOnce(&dyn crate::table::Table) -> T + Send + 'static,
) -> Option<T> {
    let (source, document) = (ask.state.source(), ask.document);
    let (role, switches) = (ask.role.clone(), ask.switches.clone());
    let place = shown(ask, place);
    let listed = move || work(source.listed_for(document, place, &role, &switches).as_ref());
    tokio::task::spawn_blocking(listed).await.ok()
}

/// The list whose rows are shown.
fn shown(ask: &Ask, place: Place) -> Place {
    ask.resource(place).shown_of.map_or(place, |base| place.with_resource(base))
}

/// What is shown of a row: what was asked for, of what the schema has, of what the role leaves.
fn selection(ask: &Ask, names: Names, fields: &str, part: Option<&Schema>) -> Result<Option<Selection>, Box<Answer>> {
    let asked = query::select(names, fields).map_err(refuse)?;
    let asked = match (asked, part) {
        (None, Some(schema)) => {
            let mut all = Selection::default();
            schema.members.iter().for_each(|member| all.add(&[member.name]));
            Some(all)
        }
        (asked, _) => asked,
    };
    Ok(ask.role.narrow(asked))
}

pub(super) fn read(
    ask: &Ask,
    place: Place,
    words: &Words,
    parameters: &[(String, String)],
    forward: bool,
) -> Result<Listing, Box<Answer>> {
    let paging = Paging::read(parameters, forward, &ask.switches).map_err(|paging::OutOfRange(message)| {
        Box::new(answer::invalid("OutOfRange", message.split(' ').next().unwrap_or_default(), &message))
    })?;
    let (names, schema) = (ask.names(place)?, ask.schema(place)?);
    let order = query::ordering(names, words.order).map_err(refuse)?;
    if order.is_some() && matches!(paging.mode, Mode::Forward { .. }) {
        let message = "orderBy is not allowed with forward-only pagination.";
        return Err(Box::new(answer::invalid("InvalidField", "orderBy", message)));
    }
    let part = ask.resource(place).shown_of.map(|_| schema);
    Ok(Listing {
        paging,
        condition: query::condition(names, words.conditions).map_err(refuse)?,
        children: query::children(names, words.children, words.custom_fields).map_err(refuse)?,
        selection: selection(ask, names, words.fields, part)?,
        order,
    })
}

pub(super) async fn count(ask: &Ask<'_>, place: Place) -> Answer {
    match counted(ask, place, Words::of(ask)).await {
        Ok(count) => answer::json(StatusCode::OK, format!("{{\"count\":{count}}}")),
        Err(refusal) => *refusal,
    }
}

pub(super) async fn counted(ask: &Ask<'_>, place: Place, words: Words<'_>) -> Result<u64, Box<Answer>> {
    let names = ask.names(place)?;
    let condition = query::condition(names, words.conditions).map_err(refuse)?;
    let children = query::children(names, words.children, words.custom_fields).map_err(refuse)?;
    let counted = blocking(ask, place, move |table| listing::count(table, condition.as_ref(), &children)).await;
    counted.ok_or_else(|| Box::new(answer::fault(500, None, &Wording::Api)))
}

/// A row, or the part of it that a schema has.
pub(super) fn one(ask: &Ask, place: Place, id: &str, part: Option<&'static Schema>) -> Answer {
    match try_one(ask, place, id, part) {
        Ok(answer) | Err(answer) => *answer,
    }
}

fn try_one(ask: &Ask, place: Place, id: &str, part: Option<&'static Schema>) -> Result<Box<Answer>, Box<Answer>> {
    let schema = ask.schema(place)?;
    let part = part.or_else(|| ask.resource(place).shown_of.map(|_| schema));
    let names = Names::of(ask.document, part.unwrap_or(schema), Grammar::of(&ask.switches));
    let selection = selection(ask, names, ask.parameter("fields"), part)?;
    let Ok(number) = id.parse::<i64>() else { return Err(Box::new(answer::no_such_endpoint())) };
    let source = ask.state.source();
    let table = source.table_for(ask.document, shown(ask, place), &ask.role);
    let Some(slot) = table.slot_of(number) else { return Err(Box::new(answer::not_found(schema.name, id))) };
    let mut body = Vec::new();
    table.write(slot, selection.as_ref(), &mut body);
    Ok(Box::new(answer::json(StatusCode::OK, body)))
}

/// An object that there is once: made from its schema like a row.
pub(super) fn single(ask: &Ask, schema: usize) -> Answer {
    let source = ask.state.source();
    let body = match source.as_ref() {
        Source::Generated(tenant) => tenant.single(schema, ask.path),
        Source::Samples(_) => b"{}".to_vec(),
    };
    answer::json(StatusCode::OK, body)
}
