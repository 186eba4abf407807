//! Bundles: many list requests in one.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value as Json, json};

use super::list::{self, Words};
use super::{Ask, body};
use crate::answer::{self, Answer};
use crate::document::Resource;
use crate::faults::Fault;
use crate::latency::Rows;
use crate::place::Place;
use crate::switches::Switch;

/// A member by its name in any case: the guide writes them with capitals, the document without.
fn get<'a>(object: &'a Json, name: &str) -> Option<&'a Json> {
    let found = object.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value).filter(|value| !value.is_null())
}

fn text<'a>(object: Option<&'a Json>, name: &str) -> &'a str {
    object.and_then(|object| get(object, name)).and_then(Json::as_str).unwrap_or_default()
}

fn number(object: Option<&Json>, name: &str) -> i64 {
    object.and_then(|object| get(object, name)).and_then(Json::as_i64).unwrap_or(0)
}

pub(super) async fn answer(ask: &Ask<'_>, counts: bool) -> Answer {
    let given: Json = match body::object(&ask.body) {
        Ok(given) => given.into(),
        Err(refusal) => return *refusal,
    };
    let Some(requests) = get(&given, "requests").and_then(Json::as_array) else {
        let message = "The requests field is required.";
        return answer::invalid("MissingRequiredField", "requests", message);
    };
    // Nobody documents a limit.
    if let Some(most) = ask.switches.number(Switch::BundleLimit).filter(|most| requests.len() as u64 > *most) {
        return answer::invalid("OutOfRange", "requests", &format!("A bundle holds at most {most} requests."));
    }
    let (mut results, mut rows): (Vec<String>, u64) = (Vec::with_capacity(requests.len()), 0);
    let answered = ask.switches.number(Switch::BundleLists).filter(|_| !counts);
    for (at, request) in (0..).zip(requests) {
        let is_empty = answered.is_some_and(|answered| at >= answered);
        let (told, of_one) = if is_empty { (empty(request), 0) } else { result(ask, request, counts).await };
        results.push(told);
        rows += of_one;
    }
    let plain = ask.switches.is(Switch::BundleStatus, "200");
    let mut answer = answer::json(
        if plain { StatusCode::OK } else { StatusCode::MULTI_STATUS },
        format!("{{\"results\":[{}]}}", results.join(",")),
    );
    answer.extensions_mut().insert(Rows(rows));
    answer
}

/// The answer to a list that has no records.
fn empty(request: &Json) -> String {
    let kind = text(Some(request), "resourceType");
    let told = json!({
        "sequenceNumber": number(Some(request), "sequenceNumber"), "resourceType": kind, "success": true, "statusCode": 200,
        "count": 0, "entities": [],
    });
    told.to_string()
}

/// The answer to one request of a bundle, and its number of rows. Records have the same text as outside of bundles.
async fn result(ask: &Ask<'_>, request: &Json, counts: bool) -> (String, u64) {
    let kind = text(Some(request), "resourceType");
    let inner = get(request, "apiRequest");
    let answered = match resource(ask, kind, inner) {
        None => answer::error(StatusCode::NOT_FOUND, "NotFound", &format!("There is no resource type '{kind}'.")),
        Some(resource) => one(ask, resource, inner, counts).await,
    };
    let status = answered.status();
    let rows = answered.extensions().get::<Rows>().map_or(0, |Rows(rows)| *rows);
    let told = read(answered).await;
    let body: Json = serde_json::from_str(&told).unwrap_or_default();
    let mut result = Map::new();
    result.insert("sequenceNumber".to_owned(), number(Some(request), "sequenceNumber").into());
    result.insert("resourceType".to_owned(), kind.into());
    result.insert("version".to_owned(), text(Some(request), "version").into());
    result.insert("success".to_owned(), status.is_success().into());
    result.insert("statusCode".to_owned(), status.as_u16().into());
    if !status.is_success() {
        result.insert("error".to_owned(), body);
    } else if let Some(count) = body.get("count") {
        result.insert("count".to_owned(), count.clone());
    } else {
        let (number, entities) = match body.as_array() {
            Some(records) => (records.len(), told),
            None => (1, format!("[{told}]")),
        };
        result.insert("count".to_owned(), number.into());
        let head = Json::Object(result).to_string();
        return (format!("{},\"entities\":{entities}}}", head.trim_end_matches('}')), rows);
    }
    (Json::Object(result).to_string(), rows)
}

async fn read(answer: Response<Body>) -> String {
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The list of a resource type: the schema's name in lower case, with as many parents as the request names.
fn resource<'a>(ask: &Ask<'a>, kind: &str, inner: Option<&Json>) -> Option<&'a Resource> {
    let parents = parents(inner).len();
    let named = |resource: &&Resource| {
        let schema = ask.document.schema(resource.schema);
        schema.is_some_and(|schema| {
            let name = schema.name.rsplit('.').next().unwrap_or_default();
            name.eq_ignore_ascii_case(kind) || schema.name.eq_ignore_ascii_case(kind)
        })
    };
    let mut found = ask.document.resources.iter().filter(named).peekable();
    let first = found.peek().copied();
    found.find(|resource| resource.parents == parents).or(first)
}

fn parents(inner: Option<&Json>) -> Vec<i64> {
    [number(inner, "grandParentId"), number(inner, "parentId")].into_iter().filter(|id| *id != 0).collect()
}

/// One request of a bundle, as if it had come alone.
async fn one(ask: &Ask<'_>, resource: &Resource, inner: Option<&Json>, counts: bool) -> Answer {
    if let Some(refusal) = ask.role.refusal(resource.template) {
        return refusal;
    }
    let parents = parents(inner);
    if parents.len() != resource.parents {
        let message = "parentId and grandParentId don't name the parents of this resource type.";
        return answer::invalid("InvalidField", "parentId", message);
    }
    let arguments: Vec<String> = parents.iter().map(i64::to_string).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let place: Place = match ask.place(resource.number, &arguments) {
        Ok(place) => place,
        Err(refusal) => return *refusal,
    };
    let (filters, page) = (inner.and_then(|inner| get(inner, "filters")), inner.and_then(|inner| get(inner, "page")));
    let fixed = ask.switches.number(Switch::BundlePage);
    let mut parameters = Vec::new();
    for name in ["page", "pageSize", "pageId"] {
        match (number(page, name), fixed.filter(|_| name == "pageSize")) {
            (_, Some(size)) => parameters.push((name.to_owned(), size.to_string())),
            (0, None) => {}
            (value, None) => parameters.push((name.to_owned(), value.to_string())),
        }
    }
    let mut given = arguments.iter();
    let steps = resource.template.split('/').map(|step| match step.starts_with('{') {
        true => given.next().copied().unwrap_or_default(),
        false => step,
    });
    let path = steps.collect::<Vec<_>>().join("/");
    if parents.is_empty() {
        let counted = format!("{path}/count");
        let fault = ask.state.faults().bundled(if counts { &counted } else { &path });
        if let Some(Fault::Answer { status, wording, .. }) = fault {
            return answer::fault(status, None, &wording);
        }
    }
    let ask = Ask {
        role: ask.role.clone(),
        switches: ask.switches.clone(),
        path: &path,
        parameters,
        body: axum::body::Bytes::new(),
        fault: None,
        ..*ask
    };
    let words = Words {
        conditions: text(filters, "conditions"),
        children: text(filters, "childConditions"),
        custom_fields: text(filters, "customFieldConditions"),
        order: text(filters, "orderBy"),
        fields: text(inner, "fields"),
    };
    match number(inner, "id") {
        0 if counts => match list::counted(&ask, place, words).await {
            Ok(count) => answer::json(StatusCode::OK, format!("{{\"count\":{count}}}")),
            Err(refusal) => *refusal,
        },
        0 => list::answer_list(&ask, place, words).await,
        id => list::one(&ask, place, &id.to_string(), None),
    }
}
