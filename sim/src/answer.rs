//! Answers in the shapes that the API gives them.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use axum::http::{Response, StatusCode};

use crate::faults::Fault;
use crate::json::push_text;

/// The version of the API that the simulator speaks.
pub(crate) const VERSION: (u32, u32) = (2025, 8);

pub(crate) type Answer = Response<Body>;

/// A JSON answer of the API.
pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    typed(status, "application/vnd.connectwise.com+json; version=2025.8", body)
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
pub(crate) fn fault(status: u16, retry_after: Option<&str>, html: bool) -> Answer {
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = if html {
        let body = format!("<html><head><title>{code}</title></head><body><h1>{code}</h1></body></html>");
        typed(code, "text/html", body)
    } else {
        match status {
            // Another shape than every other error.
            429 => {
                let wait = retry_after.unwrap_or("30");
                let message = format!("Too many requests. Please try again in {wait} seconds.");
                json(code, object(&[("error", "ConnectWiseAPI"), ("message", &message)], ""))
            }
            401 => refused(code, "Unauthorized", "The credentials are not valid."),
            403 => refused(code, "Forbidden", "The security role does not allow this request."),
            404 => error(code, "NotFound", "The endpoint does not exist."),
            _ => error(code, "ConnectWiseApi", "A timeout has occured. Please try again."),
        }
    };
    if let Some(after) = retry_after {
        set(&mut answer, RETRY_AFTER, after);
    }
    answer
}

/// What a fault makes of an answer: another one, or one whose connection ends after half of its bytes.
pub(crate) async fn spoil(fault_: Fault, answer: Answer) -> Answer {
    match fault_ {
        Fault::Answer { status, retry_after, html } => fault(status, retry_after.as_deref(), html),
        Fault::Cut => {
            let (mut parts, body) = answer.into_parts();
            let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
            parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
            let half = bytes.slice(..bytes.len() / 2);
            let pieces = futures::stream::unfold(Some(half), |half| async move {
                match half {
                    Some(half) => Some((Ok(half), None)),
                    None => {
                        // The server has to send the first half before it hears of the end.
                        tokio::task::yield_now().await;
                        let reset = std::io::ErrorKind::ConnectionReset;
                        Some((Err(std::io::Error::new(reset, "cut by a fault rule")), None))
                    }
                }
            });
            Response::from_parts(parts, Body::from_stream(pieces))
        }
    }
}
