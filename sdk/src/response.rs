//! An answer as it came.

use bytes::Bytes;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;

use crate::{Error, RequestFacts, Result, api_error, mismatch, reason::Reason};

/// A successful answer, body and all.
#[derive(Debug, Clone)]
pub struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) facts: RequestFacts,
}

impl Response {
    /// HTTP status, 200 to 299.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// A header's value, where it is text. Names count without regard to case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, decompressed.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body alone.
    #[must_use]
    pub fn into_body(self) -> Bytes {
        self.body
    }

    /// The request that it answers.
    #[must_use]
    pub fn request(&self) -> &RequestFacts {
        &self.facts
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// When it isn't JSON, or not of this shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        mismatch::read(&self.body).map_err(|mismatch| {
            if mismatch.is_syntax {
                self.not_json()
            } else {
                self.error(Reason::Shape { json_path: mismatch.json_path, expected: mismatch.expected })
            }
        })
    }

    pub(crate) fn not_json(&self) -> Error {
        let content_type = self.header("content-type").map(str::to_owned);
        self.error(Reason::NotJson { content_type, excerpt: api_error::excerpt(&self.body) })
    }

    pub(crate) fn error(&self, reason: Reason) -> Error {
        Error::new(reason).with_request(self.facts.clone())
    }

    /// All `Link` headers as one, or `None` without any.
    pub(crate) fn link(&self) -> Option<String> {
        let values: Vec<_> =
            self.headers.get_all("link").iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }
}
