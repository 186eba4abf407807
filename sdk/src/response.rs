//! An answer as it came.

use std::{fmt, sync::Arc, time::SystemTime};

use bytes::Bytes;
use http::HeaderMap;
use serde::de::DeserializeOwned;
use url::Url;

use crate::{
    ApiError, Error, RequestFacts, Result,
    api_error::{self, shown},
    broken::Broken,
    mismatch,
    nearly_json::{self, Form},
    reason::Reason,
    redact::Redactor,
    split,
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
    pub(crate) asked: Arc<Asked>,
}

/// Where a server was asked, and for whom: what to check when what answers isn't the API.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The root of the API, as it was asked.
    pub(crate) address: String,
    pub(crate) company: String,
}

impl Asked {
    /// `url` without the path of the request.
    pub(crate) fn new(url: &Url, path: &str, company: &str) -> Self {
        let mut root = url.clone();
        root.set_query(None);
        let address = root.as_str().strip_suffix(path).unwrap_or(root.as_str()).trim_end_matches('/').to_owned();
        Self { address, company: company.to_owned() }
    }
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

    /// Names and values of all headers with a text value; repeated headers are repeated.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
    }

    /// The server's time when it answered: its `Date` header, `None` where there is none or it is no date.
    #[must_use]
    pub fn date(&self) -> Option<SystemTime> {
        httpdate::parse_http_date(self.header("date")?.trim()).ok()
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
        let body = nearly_json::without_bom(&self.body);
        let read = mismatch::read(body).or_else(|mismatch| match nearly_json::quoted(body) {
            Some(quoted) if mismatch.is_syntax => mismatch::read(&quoted),
            _ => Err(mismatch),
        });
        read.map_err(|mismatch| {
            if mismatch.is_syntax {
                self.not_json()
            } else if let Some(refusal) = self.refusal() {
                refusal
            } else {
                let json_path = mismatch.place(&self.redactor);
                self.error(Reason::Shape { json_path, expected: mismatch.expected })
            }
        })
    }

    /// Mends a body that nearly is JSON.
    pub(crate) fn mend(&mut self) {
        self.body = nearly_json::bytes_without_bom(std::mem::take(&mut self.body));
        if split::end_of_json(&self.body).is_err()
            && let Some(quoted) = nearly_json::quoted(&self.body)
        {
            self.body = quoted.into();
        }
    }

    /// JSON, and no list of records.
    pub(crate) fn no_list(&self) -> Error {
        self.refusal().unwrap_or_else(|| self.error(Reason::NotArray))
    }

    /// An error in the API's own form, in spite of the status.
    pub(crate) fn refusal(&self) -> Option<Error> {
        let api = ApiError::refusal(nearly_json::without_bom(&self.body), &self.redactor)?;
        Some(self.error(Reason::Refusal { api, asked: self.asked.clone() }))
    }

    pub(crate) fn not_json(&self) -> Error {
        let body = nearly_json::without_bom(&self.body);
        let form = Form::of(body);
        if form != Form::Utf16
            && let Some(broken) = Broken::find(body, &self.redactor)
        {
            return self.error(Reason::BrokenJson { broken });
        }
        // Without its parameters, such as a charset.
        let content_type = self.header("content-type").and_then(|text| text.split(';').next()).map(str::trim);
        let content_type = content_type.map(|text| shown(text, &self.redactor, LONGEST_WORD));
        let content_type = content_type.filter(|text| is_media_type(text));
        let excerpt = api_error::excerpt(body, &self.redactor);
        self.error(Reason::NotJson { form, content_type, excerpt, asked: self.asked.clone() })
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

/// Whether a text is one as `text/plain` is. What is left of an echo of credentials isn't.
fn is_media_type(text: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
    };
    text.split_once('/').is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
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
