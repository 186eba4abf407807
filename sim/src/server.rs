//! The server's routes: the API below its roots, the simulator's own below `/_sim`, and what lies beside both.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, State as Extract};
use axum::http::header::{CONTENT_TYPE, DATE, HeaderName};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use axum::middleware;
use axum::routing::{get, post};

use crate::answer::{self, Answer};
use crate::data::names;
use crate::data::rng::Draw;
use crate::document::Release;
use crate::faults::Fault;
use crate::gate::{self, Dropped};
use crate::latency::Rows;
use crate::paging;
use crate::state::{Asked, State};
use crate::switches::Switch;
use crate::traffic::UnderWay;
use crate::wire::Severer;
use crate::{advance, api, calendar, control, origin, plant, truth};

/// The API's root below the server's: through the router codebase, which never changes.
pub(crate) const ROOT: &str = "/v4_6_release/apis/3.0";
/// Bodies may be as large as an upload is.
const LARGEST_BODY: usize = 32 * 1024 * 1024;

pub(crate) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/_sim/faults", get(control::list_faults).post(control::add_fault).delete(control::clear_faults))
        .route("/_sim/advance", post(advance::advance))
        .route("/_sim/clock", get(control::clock).post(control::set_clock))
        .route("/_sim/plant", post(plant::plant))
        .route("/_sim/drift", post(control::set_drift).delete(control::stop_drift))
        .route("/_sim/switches", get(control::switches).post(control::set_switches))
        .route("/_sim/unsupported", get(control::unsupported))
        .route("/_sim/role", post(control::set_role))
        .route("/_sim/latency", get(control::latency).post(control::set_latency))
        .route("/_sim/requests", get(control::requests).delete(control::forget_requests))
        .route("/_sim/metrics", get(control::metrics))
        .route("/_sim/callbacks", get(control::callbacks))
        .route("/_sim/truth", get(truth::rows_at_path))
        .route("/_sim/truth/{*entity}", get(truth::rows))
        .fallback(serve)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn(origin::only_local_programs))
        .with_state(state)
}

/// The API's root through the codebase of this release, which `companyinfo` names.
fn release_root(Release(year, part): Release) -> String {
    format!("/v{year}_{part}/apis/3.0")
}

/// Everything that isn't the simulator's own.
async fn serve(
    Extract(state): Extract<Arc<State>>,
    ConnectInfo(connection): ConnectInfo<Severer>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let _under_way = UnderWay::begin(&state);
    let below = strip(uri.path(), ROOT).or_else(|| strip(uri.path(), &release_root(state.release())));
    let path = single(below.unwrap_or(uri.path()).trim_end_matches('/')).to_owned();
    let fault = below.and_then(|_| {
        let limited = state.switches().number(Switch::RequestsPerMinute);
        let scripted = state.faults().request(method.as_str(), &path);
        scripted.or_else(|| limited.and_then(|most| state.minute().request(most)))
    });
    let mut answer = match (&fault, below) {
        // A gateway answers before the server hears of the request.
        (Some(Fault::Answer { status, retry_after, wording }), _) => {
            answer::fault(*status, retry_after.as_deref(), wording)
        }
        (Some(Fault::Close), _) => {
            connection.sever();
            Response::new(Body::empty())
        }
        (_, _) if !is_routed(below, uri.path()) && state.switches().is(Switch::Routing, "gateway") => {
            answer::cannot_route()
        }
        (_, Some(_)) => api::answer(&state, (&method, &uri, &headers), &path, body, fault.as_ref()).await,
        (_, None) => outside(&state, &uri, &headers, &path),
    };
    if answer.extensions().get::<Dropped>().is_some() {
        connection.sever();
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
    finish(&mut answer, state.release(), number);
    let rows = answer.extensions_mut().remove::<Rows>().map_or(0, |Rows(rows)| rows);
    let on_its_way = state.latency().of(state.seed(), number, rows);
    if !on_its_way.is_zero() {
        tokio::time::sleep(on_its_way).await;
    }
    answer::set(&mut answer, DATE, &date(&state));
    match fault {
        Some(Fault::Answer { .. }) | None => answer,
        Some(fault) => answer::spoil(fault, answer, state.stopping.clone()).await,
    }
}

/// The headers that every answer has.
fn finish(answer: &mut Answer, release: Release, number: u64) {
    let mut id = String::new();
    names::guid(&mut id, Draw::of(0, 99, number), 0);
    answer::set(answer, HeaderName::from_static("x-cw-request-id"), &id);
    answer::set(answer, HeaderName::from_static("api-current-version"), &release.to_string());
    if answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == answer::API_JSON) {
        answer::set(answer, CONTENT_TYPE, &format!("{}; version={release}", answer::API_JSON));
    }
}

/// The `Date` header: what the simulated clock shows.
fn date(state: &State) -> String {
    let switches = state.switches();
    if switches.is(Switch::DateHeader, "nonsense") {
        return "soon".to_owned();
    }
    let behind = switches.number(Switch::DateHeader).and_then(|behind| i64::try_from(behind).ok());
    calendar::http_date(state.now() - behind.unwrap_or_default())
}

/// A path without the second of two slashes at its start.
fn single(path: &str) -> &str {
    path.strip_prefix('/').filter(|rest| rest.starts_with('/')).unwrap_or(path)
}

/// Whether a gateway knows where a request goes: not below the API's root of another codebase, nor below two roots.
fn is_routed(below: Option<&str>, path: &str) -> bool {
    let is_root = |path: &str| path.to_ascii_lowercase().contains("/apis/3.0");
    !is_root(below.unwrap_or(path))
}

/// The rest of a path below a root, without regard to case.
fn strip<'a>(path: &'a str, root: &str) -> Option<&'a str> {
    let rest = path.get(root.len()..)?;
    (path[..root.len()].eq_ignore_ascii_case(root) && (rest.is_empty() || rest.starts_with('/'))).then_some(rest)
}

/// What is asked without the API's root: which codebase a company is on, and the key of callbacks. Unknown companies are
/// answered with null.
fn outside(state: &State, uri: &Uri, headers: &HeaderMap, path: &str) -> Answer {
    let switches = state.switches();
    let Release(year, part) = state.release();
    let codebases = ["/v4_6_release".to_owned(), format!("/v{year}_{part}")];
    let key = codebases.iter().any(|codebase| {
        strip(path, codebase).is_some_and(|rest| rest.eq_ignore_ascii_case("/system/callbackkey/index.rails"))
    });
    if key {
        if switches.is(Switch::CallbackKey, "signed") && !gate::is_known(headers, &state.credentials) {
            let message = "The request carries no credentials.";
            return answer::refused(StatusCode::UNAUTHORIZED, "UserNotAuthenticated", message);
        }
        let parameters = paging::parameters(uri.query());
        let id = parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case("id")).map_or("", |(_, id)| id);
        return match state.callbacks.key(id) {
            Some(key) => answer::plain_json(StatusCode::OK, key.to_string()),
            None => answer::no_such_endpoint(),
        };
    }
    let Some(company) = strip(path, "/login/companyinfo").and_then(|rest| rest.strip_prefix('/')) else {
        return answer::no_such_endpoint();
    };
    if !company.eq_ignore_ascii_case(state.credentials.company()) {
        return answer::plain_json(StatusCode::OK, "null");
    }
    let is_cloud = if switches.is(Switch::IsCloud, "flag") { true.into() } else { serde_json::Value::from("True") };
    let info = serde_json::json!({
        "CompanyName": "Simulated company", "Codebase": format!("v{year}_{part}/"), "VersionCode": format!("v{year}.{part}"),
        "VersionNumber": format!("v{year}.{part}.104210"), "CompanyID": state.credentials.company(), "IsCloud": is_cloud,
        "SiteUrl": "psa.example.com",
    });
    answer::plain_json(StatusCode::OK, info.to_string())
}
