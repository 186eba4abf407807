//! The API's routes.

use std::sync::Arc;

use axum::Router;
use axum::extract::State as Extract;
use axum::http::header::{HeaderName, LINK};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::routing::get;

use crate::answer::{self, Answer};
use crate::data::names;
use crate::data::rng::Draw;
use crate::kind::Kind;
use crate::listing::{self, Listing};
use crate::paging::{self, Mode, Paging};
use crate::query::{self, Refusal};
use crate::state::{Asked, Source, State};
use crate::{control, gate, truth};

/// The API's root below the server's: through the router codebase, which never changes.
pub(crate) const ROOT: &str = "/v4_6_release/apis/3.0";
/// The same through the codebase of this release, which `companyinfo` names.
const RELEASE_ROOT: &str = "/v2025_8/apis/3.0";

pub(crate) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/_sim/faults", get(control::list_faults).post(control::add_fault).delete(control::clear_faults))
        .route("/_sim/advance", axum::routing::post(control::advance))
        .route("/_sim/requests", get(control::requests).delete(control::forget_requests))
        .route("/_sim/truth/{entity}", get(truth::rows))
        .route("/_sim/truth/{entity}/count", get(truth::count))
        .fallback(serve)
        .with_state(state)
}

/// Everything that isn't the simulator's own.
async fn serve(Extract(state): Extract<Arc<State>>, method: Method, uri: Uri, headers: HeaderMap) -> Answer {
    let below = [ROOT, RELEASE_ROOT].into_iter().find_map(|root| strip(uri.path(), root));
    let path = below.unwrap_or(uri.path()).trim_end_matches('/').to_owned();
    let fault = if below.is_some() { state.faults().request(&path) } else { None };
    let mut answer = match (&fault, below) {
        // A gateway answers before the server hears of the request.
        (Some(crate::faults::Fault::Answer { status, retry_after, html }), _) => {
            answer::fault(*status, retry_after.as_deref(), *html)
        }
        (_, Some(_)) => api(&state, &method, &uri, &headers, &path).await,
        (_, None) => outside(&state, &path),
    };
    if fault == Some(crate::faults::Fault::Cut) {
        answer = answer::spoil(crate::faults::Fault::Cut, answer).await;
    }
    let number = {
        let mut requests = state.requests();
        requests.add(Asked {
            method: method.to_string(),
            path,
            query: uri.query().unwrap_or_default().to_owned(),
            status: answer.status().as_u16(),
        });
        requests.total
    };
    let mut id = String::new();
    names::guid(&mut id, Draw::of(0, 99, number), 0);
    answer::set(&mut answer, HeaderName::from_static("x-cw-request-id"), &id);
    answer::set(&mut answer, HeaderName::from_static("api-current-version"), "2025.8");
    answer
}

/// The rest of a path below a root, without regard to case.
fn strip<'a>(path: &'a str, root: &str) -> Option<&'a str> {
    let rest = path.get(root.len()..)?;
    (path[..root.len()].eq_ignore_ascii_case(root) && (rest.is_empty() || rest.starts_with('/'))).then_some(rest)
}

/// What is asked without the API's root: which codebase a company is on. Unknown companies are answered with null.
fn outside(state: &State, path: &str) -> Answer {
    let Some(company) = strip(path, "/login/companyinfo").and_then(|rest| rest.strip_prefix('/')) else {
        return no_such_endpoint();
    };
    if !company.eq_ignore_ascii_case(state.credentials.company()) {
        return answer::plain_json(StatusCode::OK, "null");
    }
    let info = serde_json::json!({
        "CompanyName": "Simulated company", "Codebase": "v2025_8/", "VersionCode": "v2025.8", "VersionNumber": "v2025.8.104210",
        "CompanyID": state.credentials.company(), "IsCloud": "True", "SiteUrl": "psa.example.com",
    });
    answer::plain_json(StatusCode::OK, info.to_string())
}

fn no_such_endpoint() -> Answer {
    answer::error(StatusCode::NOT_FOUND, "NotFound", "The endpoint does not exist.")
}

async fn api(state: &State, method: &Method, uri: &Uri, headers: &HeaderMap, path: &str) -> Answer {
    if let Some(refusal) = gate::refusal(headers, uri, &state.credentials) {
        return refusal;
    }
    let parameters = paging::parameters(uri.query());
    let route = Route::of(path);
    if *method != Method::GET && !matches!(route, Route::None | Route::Forbidden) {
        let message = format!("The requested resource does not support http method '{method}'.");
        return answer::error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", &message);
    }
    match route {
        Route::List(kind) => {
            let forward = headers
                .get("pagination-type")
                .is_some_and(|mode| mode.as_bytes().eq_ignore_ascii_case(b"forward-only"));
            list(state, kind, &parameters, forward).await
        }
        Route::Count(kind) => count(state, kind, &parameters).await,
        Route::One(kind, id) => one(&state.source(), kind, id, &parameters),
        Route::Info => answer::json(
            StatusCode::OK,
            r#"{"version":"v2025.8.104210","isCloud":true,"serverTimeZone":"GMT Standard Time","licenseBits":[],"cloudRegion":"EU","maxWorkFlowRecordsAllowed":1000}"#,
        ),
        Route::Forbidden => {
            answer::refused(StatusCode::FORBIDDEN, "Forbidden", "You do not have permission to this endpoint.")
        }
        Route::None => no_such_endpoint(),
    }
}

/// Where a path below the API's root leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    List(Kind),
    Count(Kind),
    One(Kind, i64),
    Info,
    /// Routes that don't exist, and for which the server blames the role.
    Forbidden,
    None,
}

impl Route {
    fn of(path: &str) -> Self {
        if path.eq_ignore_ascii_case("/system/info") {
            return Self::Info;
        }
        let below = Kind::ALL.into_iter().find_map(|kind| Some((kind, strip(path, kind.path())?)));
        let Some((kind, rest)) = below else { return Self::None };
        let mut parts = rest.split('/').skip(1);
        match (parts.next(), parts.next(), parts.next()) {
            (None, ..) => Self::List(kind),
            (Some(count), None, _) if count.eq_ignore_ascii_case("count") => Self::Count(kind),
            (Some(id), None, _) => id.parse().map_or(Self::None, |id| Self::One(kind, id)),
            (Some(_), Some("timeentries" | "expenses" | "products"), None) if kind == Kind::Invoice => Self::Forbidden,
            _ => Self::None,
        }
    }
}

fn parameter<'a>(parameters: &'a [(String, String)], name: &str) -> &'a str {
    parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
}

fn bad(refusal: &Refusal) -> Answer {
    answer::error(StatusCode::BAD_REQUEST, refusal.code, &refusal.message)
}

/// The parameters that narrow a list down by what hangs on its rows are not simulated; ignoring them would give too many.
fn unsimulated(parameters: &[(String, String)]) -> Option<Answer> {
    ["childConditions", "customFieldConditions"].into_iter().find(|name| !parameter(parameters, name).is_empty()).map(
        |name| {
            let message = format!("{name} is not simulated.");
            answer::error(StatusCode::NOT_IMPLEMENTED, "NotImplemented", &message)
        },
    )
}

async fn list(state: &State, kind: Kind, parameters: &[(String, String)], forward: bool) -> Answer {
    if let Some(answer) = unsimulated(parameters) {
        return answer;
    }
    let listing = match read(kind, parameters, forward) {
        Ok(listing) => listing,
        Err(answer) => return *answer,
    };
    let source = state.source();
    let paging = listing.paging;
    let made = tokio::task::spawn_blocking(move || listing::page(source.table(kind).as_ref(), &listing)).await;
    let Ok(page) = made else { return answer::fault(500, None, false) };
    let fault = state.faults().answer(kind.path(), &page.ids);
    if let Some(fault) = fault {
        return answer::spoil(fault, answer::json(StatusCode::OK, page.body)).await;
    }
    let mut answer = answer::json(StatusCode::OK, page.body);
    if let Some(link) = paging.link(kind.path(), parameters, &page.ids, page.total) {
        answer::set(&mut answer, LINK, &link);
    }
    answer
}

fn read(kind: Kind, parameters: &[(String, String)], forward: bool) -> Result<Listing, Box<Answer>> {
    let refuse = |refusal: Refusal| Box::new(bad(&refusal));
    let paging = Paging::read(parameters, forward).map_err(|paging::OutOfRange(message)| {
        Box::new(answer::invalid("OutOfRange", message.split(' ').next().unwrap_or_default(), &message))
    })?;
    let order = query::ordering(kind, parameter(parameters, "orderBy")).map_err(refuse)?;
    if order.is_some() && matches!(paging.mode, Mode::Forward { .. }) {
        let message = "orderBy is not allowed with forward-only pagination.";
        return Err(Box::new(answer::invalid("InvalidField", "orderBy", message)));
    }
    Ok(Listing {
        paging,
        condition: query::condition(kind, parameter(parameters, "conditions")).map_err(refuse)?,
        selection: query::select(kind, parameter(parameters, "fields")).map_err(refuse)?,
        order,
    })
}

async fn count(state: &State, kind: Kind, parameters: &[(String, String)]) -> Answer {
    if let Some(answer) = unsimulated(parameters) {
        return answer;
    }
    let condition = match query::condition(kind, parameter(parameters, "conditions")) {
        Ok(condition) => condition,
        Err(refusal) => return bad(&refusal),
    };
    let source = state.source();
    let counted =
        tokio::task::spawn_blocking(move || listing::count(source.table(kind).as_ref(), condition.as_ref())).await;
    match counted {
        Ok(count) => answer::json(StatusCode::OK, format!("{{\"count\":{count}}}")),
        Err(_) => answer::fault(500, None, false),
    }
}

fn one(source: &Source, kind: Kind, id: i64, parameters: &[(String, String)]) -> Answer {
    let selection = match query::select(kind, parameter(parameters, "fields")) {
        Ok(selection) => selection,
        Err(refusal) => return bad(&refusal),
    };
    let table = source.table(kind);
    let Some(slot) = table.slot_of(id) else {
        return answer::error(StatusCode::NOT_FOUND, "NotFound", &format!("{} {id} not found", kind.name()));
    };
    let mut body = Vec::new();
    table.write(slot, selection.as_ref(), &mut body);
    answer::json(StatusCode::OK, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_their_routes_whatever_their_case() {
        for (path, route) in [
            ("/time/entries", Route::List(Kind::TimeEntry)),
            ("/Time/Entries/COUNT", Route::Count(Kind::TimeEntry)),
            ("/finance/accounting/unpostedinvoices", Route::List(Kind::UnpostedInvoice)),
            ("/company/companies/250", Route::One(Kind::Company, 250)),
            ("/company/companies/count/1", Route::None),
            ("/company/companies/x", Route::None),
            ("/finance/invoices/2/timeentries", Route::Forbidden),
            ("/finance/invoices/posted", Route::None),
            ("/system/info", Route::Info),
            ("/time/entriesx", Route::None),
            ("", Route::None),
            ("/þ", Route::None),
        ] {
            assert_eq!(Route::of(path), route, "{path}");
        }
    }
}
