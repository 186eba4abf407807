//! An answer as it came.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;

use crate::{
    Error, RequestFacts, Result,
    api_error::{self, shown},
    broken::Broken,
    mismatch,
    reason::Reason,
    redact::Redactor,
};

/// Longest text of a header, or of a place in a record, that is shown.
pub(crate) const LONGEST_WORD: usize = 100;

/// A successful answer, body and all.
#[derive(Clone)]
pub struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) facts: RequestFacts,
    /// Takes the credentials out of what is shown of it.
    pub(crate) redactor: Arc<Redactor>,
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
                let json_path = shown(&mismatch.json_path, &self.redactor, LONGEST_WORD);
                self.error(Reason::Shape { json_path, expected: mismatch.expected })
            }
        })
    }

    pub(crate) fn not_json(&self) -> Error {
        if let Some(broken) = Broken::find(&self.body, &self.redactor) {
            return self.error(Reason::BrokenJson { broken });
        }
        let content_type = self.header("content-type").map(|text| shown(text, &self.redactor, LONGEST_WORD));
        self.error(Reason::NotJson { content_type, excerpt: api_error::excerpt(&self.body, &self.redactor) })
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

impl fmt::Debug for Response {
    /// The headers and the body aren't shown: a server can write into them what it was sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .field("request", &self.facts)
            .finish_non_exhaustive()
    }
}
