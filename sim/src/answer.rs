//! Answers in the shapes that the API gives them.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use axum::http::{Response, StatusCode};

use futures::StreamExt;
use tokio::sync::watch;

use crate::faults::{Fault, Wording};
use crate::json::push_text;

pub(crate) type Answer = Response<Body>;

/// A JSON answer of the API. The release that it is of is added when it leaves.
pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    typed(status, API_JSON, body)
}

/// The media type of the API.
pub(crate) const API_JSON: &str = "application/vnd.connectwise.com+json";

/// Bytes of a type of their own.
pub(crate) fn bytes(content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    typed(StatusCode::OK, content_type, body)
}

/// No such route, or no such row's route.
pub(crate) fn no_such_endpoint() -> Answer {
    error(StatusCode::NOT_FOUND, "NotFound", "The endpoint does not exist.")
}

/// What a gateway says that finds no server for a request.
pub(crate) fn cannot_route() -> Answer {
    typed(StatusCode::BAD_REQUEST, "text/plain", "Cannot route. Codebase/company is invalid")
}

/// A row that isn't there.
pub(crate) fn not_found(entity: &str, id: &str) -> Answer {
    // `Company.Configuration` is a configuration.
    let entity = entity.rsplit('.').next().unwrap_or_default();
    error(StatusCode::NOT_FOUND, "NotFound", &format!("{entity} {id} not found"))
}

/// A JSON answer of the simulator's own routes.
pub(crate) fn plain_json(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    typed(status, "application/json", body)
}

fn typed(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Body::from(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// Sets a header; a value that no header can have is left out.
pub(crate) fn set(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

/// `{"code":..,"message":..}`
pub(crate) fn error(status: StatusCode, code: &str, message: &str) -> Answer {
    json(status, object(&[("code", code), ("message", message)], ""))
}

/// `{"code":..,"message":..,"errors":null}`, as the gatekeepers write it.
pub(crate) fn refused(status: StatusCode, code: &str, message: &str) -> Answer {
    json(status, object(&[("code", code), ("message", message)], ",\"errors\":null"))
}

/// `{"code":"InvalidObject",..,"errors":[{..}]}` for a query parameter.
pub(crate) fn invalid(code: &str, field: &str, message: &str) -> Answer {
    let inner = object(&[("code", code), ("message", message), ("resource", "query"), ("field", field)], "");
    let mut tail = ",\"errors\":[".to_owned();
    tail.push_str(&String::from_utf8_lossy(&inner));
    tail.push(']');
    json(StatusCode::BAD_REQUEST, object(&[("code", "InvalidObject"), ("message", message)], &tail))
}

fn object(members: &[(&str, &str)], tail: &str) -> Vec<u8> {
    let mut out = vec![b'{'];
    for (at, (key, value)) in members.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        push_text(&mut out, key);
        out.push(b':');
        push_text(&mut out, value);
    }
    out.extend_from_slice(tail.as_bytes());
    out.push(b'}');
    out
}

/// The answer of a fault that answers; a cut needs the answer that it cuts.
pub(crate) fn fault(status: u16, retry_after: Option<&str>, wording: &Wording) -> Answer {
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = match (wording, status) {
        (Wording::Html, _) => {
            let body = format!("<html><head><title>{code}</title></head><body><h1>{code}</h1></body></html>");
            typed(code, "text/html", body)
        }
        (Wording::Text(body), _) => json(code, body.clone()),
        // Another shape than every other error.
        (Wording::Api, 429) => {
            let wait = retry_after.unwrap_or("30");
            let message = format!("Too many requests. Please try again in {wait} seconds.");
            json(code, object(&[("error", "ConnectWiseAPI"), ("message", &message)], ""))
        }
        (Wording::Api, 401) => refused(code, "Unauthorized", "The credentials are not valid."),
        (Wording::Api, 403) => refused(code, "Forbidden", "The security role does not allow this request."),
        (Wording::Api, 404) => no_such_endpoint(),
        (Wording::Api, _) => error(code, "ConnectWiseApi", "A timeout has occured. Please try again."),
    };
    if let Some(after) = retry_after {
        set(&mut answer, RETRY_AFTER, after);
    }
    answer
}

/// What a fault makes of an answer whose body is made: another one, or one that doesn't arrive as it should.
pub(crate) async fn spoil(fault_: Fault, answer: Answer, stopping: watch::Receiver<bool>) -> Answer {
    match fault_ {
        Fault::Answer { status, retry_after, wording } => fault(status, retry_after.as_deref(), &wording),
        Fault::ContentType(claimed) => {
            let mut answer = answer;
            set(&mut answer, CONTENT_TYPE, &claimed);
            answer
        }
        Fault::Cut => {
            let reset = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "cut by a fault rule");
            half(answer, async move { Err(reset) }).await
        }
        Fault::Stall => half(answer, stopped(stopping)).await,
        Fault::Slow(rate) => slowly(answer, rate, stopping).await,
        // These two are done where pages are made, and the third where connections are.
        Fault::Missing | Fault::Duplicate | Fault::Close => answer,
    }
}

/// The half of an answer that is sent before it happens.
async fn half(answer: Answer, end: impl Future<Output = std::io::Result<Bytes>> + Send + 'static) -> Answer {
    let (mut parts, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    let half = bytes.slice(..bytes.len() / 2);
    let end = async move {
        // The server has to send the first half before it hears of the end.
        tokio::task::yield_now().await;
        end.await
    };
    let pieces = futures::stream::once(std::future::ready(Ok(half))).chain(futures::stream::once(end));
    Response::from_parts(parts, Body::from_stream(pieces))
}

/// Never, until the simulator stops.
async fn stopped(mut stopping: watch::Receiver<bool>) -> std::io::Result<Bytes> {
    // An error says that the simulator is gone already.
    drop(stopping.wait_for(|stopping| *stopping).await);
    Err(std::io::Error::new(std::io::ErrorKind::ConnectionAborted, "the simulator stops"))
}

/// Tenths of a second's worth of bytes, a tenth of a second apart.
async fn slowly(answer: Answer, rate: u64, stopping: watch::Receiver<bool>) -> Answer {
    let (mut parts, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    let step = usize::try_from(rate.div_ceil(10)).unwrap_or(usize::MAX).max(1);
    let pieces = futures::stream::unfold((bytes, true), move |(mut rest, first)| {
        let stopping = stopping.clone();
        async move {
            if rest.is_empty() {
                return None;
            }
            if !first && !*stopping.borrow() {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
            let piece = rest.split_to(step.min(rest.len()));
            Some((Ok::<_, std::io::Error>(piece), (rest, false)))
        }
    });
    Response::from_parts(parts, Body::from_stream(pieces))
}
