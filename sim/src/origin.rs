//! Who may use the simulator's own routes: programs on this machine, and no page in a browser.

use axum::extract::Request;
use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::answer;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses requests that a page of another site makes a browser send. The routes below `/_sim` ask for no credentials, and
/// whatever page is open in a browser on this machine could otherwise move the clock, add faults and read the rows.
pub(crate) async fn only_local_programs(request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/_sim/") && is_foreign(request.headers()) {
        let body = serde_json::json!({ "message": "a page of another site may not use the simulator's own routes" });
        return answer::plain_json(StatusCode::FORBIDDEN, body.to_string()).into_response();
    }
    next.run(request).await
}

/// Whether a browser says that another site sent the request, or the host's name is one that a page could have pointed at
/// this machine (DNS rebinding).
fn is_foreign(headers: &HeaderMap) -> bool {
    let value = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let host = value(&HOST);
    if host.is_none_or(|host| !is_loopback(host)) {
        return true;
    }
    if value(&SEC_FETCH_SITE).is_some_and(|site| site != "same-origin" && site != "none") {
        return true;
    }
    value(&ORIGIN).is_some_and(|origin| origin.strip_prefix("http://") != host)
}

/// Whether an authority, `127.0.0.1:8080`, names this machine by itself.
fn is_loopback(authority: &str) -> bool {
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => authority,
    };
    name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1" || name == "[::1]"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_only_this_machine_has_are_loopback() {
        for host in ["127.0.0.1", "127.0.0.1:8080", "localhost:1", "LOCALHOST", "[::1]:80", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", ":80", "127.0.0.1.evil.example:80", "sim.localhost:80", "10.0.0.1:80", "localhost.:80x"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
