//! Paths that are more than a list of rows: searches, merges, tokens, facts about the server.

use axum::http::{Method, StatusCode};
use serde_json::{Value as Json, json};

use super::list::{self, Words};
use super::{Ask, body, bundle, document};
use crate::answer::{self, Answer};
use crate::document::Matched;
use crate::place::Place;
use crate::table::Table;

/// The answer of a path that is special; `None` where it is like any other.
pub(super) async fn special(ask: &Ask<'_>, found: &Matched<'_, '_>) -> Option<Answer> {
    let post = ask.method == Method::POST;
    Some(match found.path.template.to_ascii_lowercase().as_str() {
        "/system/info" => info(ask),
        "/service/tickets/search" if post => search(ask, "/service/tickets").await,
        "/project/tickets/search" if post => search(ask, "/project/tickets").await,
        "/system/bundles" if post => bundle::answer(ask, false).await,
        "/system/bundles/count" if post => bundle::answer(ask, true).await,
        "/company/companies/{id}/merge" if post => merge(ask, found.arguments.first().copied().unwrap_or_default()),
        "/system/members/{memberidentifier}/tokens" if post => token(ask),
        _ => return document::special(ask, found),
    })
}

fn info(ask: &Ask) -> Answer {
    let release = ask.state.release();
    answer::json(
        StatusCode::OK,
        format!(
            r#"{{"version":"v{release}.104210","isCloud":true,"serverTimeZone":"GMT Standard Time","licenseBits":[],"cloudRegion":"EU","maxWorkFlowRecordsAllowed":1000}}"#
        ),
    )
}

/// A search: a list whose words come in the body, where a URL would be too long. Page and fields stay in the query string.
async fn search(ask: &Ask<'_>, path: &str) -> Answer {
    let Some(resource) = ask.document.resource_at(path) else { return answer::no_such_endpoint() };
    let given = if ask.body.trim_ascii().is_empty() { Ok(serde_json::Map::new()) } else { body::object(&ask.body) };
    let given = match given {
        Ok(given) => given,
        Err(refusal) => return *refusal,
    };
    let mut words = Words { fields: ask.parameter("fields"), ..Words::default() };
    for (name, value) in &given {
        let word = match name.to_ascii_lowercase().as_str() {
            "conditions" => &mut words.conditions,
            "childconditions" => &mut words.children,
            "customfieldconditions" => &mut words.custom_fields,
            "orderby" => &mut words.order,
            _ => return *body::no_member("FilterValues", name),
        };
        match value {
            Json::Null => {}
            Json::String(text) => *word = text,
            _ => return *body::unreadable(&format!("The {name} field must be a string.")),
        }
    }
    list::answer_list(ask, Place::flat(resource.number), words).await
}

/// Merges a company into another one: it is marked deleted, and its `lastUpdated` stays.
fn merge(ask: &Ask, id: &str) -> Answer {
    match try_merge(ask, id) {
        Ok(answer) | Err(answer) => *answer,
    }
}

fn try_merge(ask: &Ask, id: &str) -> Result<Box<Answer>, Box<Answer>> {
    let Some(resource) = ask.document.resource_at("/company/companies") else {
        return Err(Box::new(answer::no_such_endpoint()));
    };
    let companies = Place::flat(resource.number);
    let given = body::object(&ask.body)?;
    let Some(to) = given.get("toCompanyId").and_then(Json::as_i64) else {
        let message = "The toCompanyId field is required.";
        return Err(Box::new(answer::invalid("MissingRequiredField", "toCompanyId", message)));
    };
    let merged = ask.state.change(|tenant| {
        let table = tenant.table(companies);
        let slots = (id.parse().ok().and_then(|id: i64| table.slot_of(id)), table.slot_of(to));
        if let (Some(from), Some(into)) = slots
            && from != into
        {
            tenant.merge(companies, from);
            return true;
        }
        false
    });
    match merged {
        Some(true) => {
            Ok(Box::new(answer::json(StatusCode::OK, json!({ "success": true, "message": "Success" }).to_string())))
        }
        _ => Err(Box::new(answer::not_found("Company", id))),
    }
}

/// A token to act as a member. Ordinary keys don't get one; the integrator login does.
fn token(ask: &Ask) -> Answer {
    let integrator = ask.headers.get("x-cw-usertype").is_some_and(|kind| kind.as_bytes() == b"integrator");
    if !integrator {
        return answer::refused(StatusCode::FORBIDDEN, "Forbidden", "The security role does not allow this request.");
    }
    let mut expiration = String::new();
    let now = ask.state.now();
    crate::calendar::push(&mut expiration, now + 4 * 3600);
    let token = json!({ "publicKey": "simulatedpublic", "privateKey": "simulatedprivate", "expiration": expiration });
    answer::json(StatusCode::OK, token.to_string())
}
