//! What a request has to bring before it is heard: credentials, a client id, a version that is spoken here.

use axum::http::header::{ACCEPT, AUTHORIZATION};
use axum::http::{HeaderMap, StatusCode, Uri};
use base64::Engine;

use crate::answer::{self, Answer};
use crate::document::Release;
use crate::state::Credentials;
use crate::switches::{Switch, Switches};

/// Marks an answer that is never sent: the connection closes instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dropped;

/// The answer to a request that isn't let in.
pub(crate) fn refusal(
    headers: &HeaderMap,
    uri: &Uri,
    path: &str,
    credentials: &Credentials,
    release: Release,
    switches: &Switches,
) -> Option<Answer> {
    let open = path.eq_ignore_ascii_case("/system/info") && switches.is(Switch::SystemInfo, "open");
    if !open && let Some(refusal) = stranger(headers, credentials, switches) {
        return Some(refusal);
    }
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    unsupported(accept, release).map(|version| {
        let message = format!(
            "The HTTP resource that matches the request URI '{uri}' does not support the API version '{version}'."
        );
        answer::error(StatusCode::BAD_REQUEST, "ConnectWiseApi", &message)
    })
}

/// Whether a request carries credentials that are known.
pub(crate) fn is_known(headers: &HeaderMap, credentials: &Credentials) -> bool {
    headers.get(AUTHORIZATION).and_then(|given| given.to_str().ok()).is_some_and(|given| is_right(given, credentials))
}

fn stranger(headers: &HeaderMap, credentials: &Credentials, switches: &Switches) -> Option<Answer> {
    let Some(given) = headers.get(AUTHORIZATION) else {
        return Some(answer::refused(
            StatusCode::UNAUTHORIZED,
            "UserNotAuthenticated",
            "The request carries no credentials.",
        ));
    };
    if !given.to_str().is_ok_and(|given| is_right(given, credentials)) {
        let elsewhere = given.to_str().ok().and_then(company).is_some_and(|company| !is_ours(&company, credentials));
        if elsewhere && switches.is(Switch::Routing, "gateway") {
            return Some(answer::cannot_route());
        }
        if switches.is(Switch::BadCredentials, "404") {
            return Some(answer::no_such_endpoint());
        }
        let mut refusal = answer::refused(StatusCode::UNAUTHORIZED, "Unauthorized", "The credentials are not valid.");
        if switches.is(Switch::BadCredentials, "drop") {
            refusal.extensions_mut().insert(Dropped);
        }
        return Some(refusal);
    }
    if headers.get("clientid").is_none_or(|id| id.as_bytes().trim_ascii().is_empty()) {
        let (status, code) = match switches.is(Switch::MissingClientId, "401") {
            true => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            false => (StatusCode::FORBIDDEN, "Forbidden"),
        };
        return Some(answer::refused(status, code, "The header clientId is missing."));
    }
    None
}

/// The company that credentials are of.
fn company(given: &str) -> Option<String> {
    let decoded = base64::engine::general_purpose::STANDARD.decode(given.split_once(' ')?.1.trim()).ok()?;
    Some(String::from_utf8(decoded).ok()?.split_once('+')?.0.to_owned())
}

fn is_ours(company: &str, credentials: &Credentials) -> bool {
    company.eq_ignore_ascii_case(credentials.company())
}

fn is_right(given: &str, credentials: &Credentials) -> bool {
    let Some((scheme, encoded)) = given.split_once(' ') else { return false };
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.trim());
    let wanted = format!("{}:{}", credentials.username, credentials.password);
    scheme.eq_ignore_ascii_case("basic") && decoded.is_ok_and(|decoded| decoded == wanted.as_bytes())
}

/// The version that an `Accept` header asks for, if it isn't one of 2019.1 to the present one.
fn unsupported(accept: &str, release: Release) -> Option<String> {
    let version = accept.split([';', ',']).find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("version").then(|| value.trim().trim_matches('"'))
    })?;
    match Release::parse(version) {
        Some(asked) if (Release(2019, 1)..=release).contains(&asked) => None,
        Some(asked) => Some(asked.to_string()),
        None => Some("0.0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_from_2019_1_to_the_present_one_are_spoken() {
        for accept in [
            "",
            "*/*",
            "application/json",
            "application/vnd.connectwise.com+json",
            "application/vnd.connectwise.com+json; version=2025.1",
            "application/vnd.connectwise.com+json;version=2025.8",
        ] {
            assert_eq!(unsupported(accept, Release(2025, 8)), None, "{accept}");
        }
        assert_eq!(
            unsupported("application/vnd.connectwise.com+json; version=2031.1", Release(2025, 8)).as_deref(),
            Some("2031.1")
        );
        assert_eq!(
            unsupported("application/vnd.connectwise.com+json; version=next", Release(2025, 8)).as_deref(),
            Some("0.0")
        );
    }
}
