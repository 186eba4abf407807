//! A request before it is sent: method, path below the API root, query, headers, body.

use std::fmt;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use url::Url;

use crate::{Client, Download, Error, Multipart, RequestFacts, Response, Result, body, reason::Reason};

/// Longest URL that the vendor's documentation advises.
pub(crate) const ADVISED_URL: usize = 2_000;
/// Longest URL that is sent at all.
const LONGEST_URL: usize = 10_000;

/// What stays readable in a query: everything else, `& " ' * % + [ ] #` and spaces among it, is encoded.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/')
    .remove(b',')
    .remove(b':')
    .remove(b'(')
    .remove(b')');

/// HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates, or searches.
    Post,
    /// Replaces.
    Put,
    /// Changes parts.
    Patch,
    /// Deletes.
    Delete,
}

impl Method {
    /// Whether a repetition can't change anything on the server.
    #[must_use]
    pub fn is_read(self) -> bool {
        self == Self::Get
    }

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    pub(crate) fn to_http(self) -> http::Method {
        match self {
            Self::Get => http::Method::GET,
            Self::Post => http::Method::POST,
            Self::Put => http::Method::PUT,
            Self::Patch => http::Method::PATCH,
            Self::Delete => http::Method::DELETE,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is sent.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Body>,
    /// Whether the answer must be a JSON array, so that one without its closing bracket was cut.
    pub(crate) expects_array: bool,
    /// Version of the API instead of the client's.
    pub(crate) version: Option<String>,
    /// Whether it only reads, whatever its method says, and can be repeated as a read can.
    pub(crate) only_reads: bool,
    /// How often the server may fail on it before the sender tries something else, if less than the policy says.
    pub(crate) patience: Option<u32>,
    /// Bytes of the largest answer that is taken.
    pub(crate) largest: usize,
}

impl fmt::Debug for Request {
    /// Headers, query and body aren't shown: they may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).field("path", &self.path).finish_non_exhaustive()
    }
}

/// What is sent with a request.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    pub(crate) content_type: String,
    pub(crate) bytes: Bytes,
}

impl Request {
    pub(crate) fn new(method: Method, path: &str) -> Self {
        Self {
            method,
            path: format!("/{}", path.strip_prefix('/').unwrap_or(path)),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            expects_array: false,
            version: None,
            only_reads: false,
            patience: None,
            largest: body::LARGEST,
        }
    }

    pub(crate) fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// A parameter that is left out when there is no value.
    pub(crate) fn query_opt(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    pub(crate) fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Result<Self> {
        let text = serde_json::to_vec(body)
            .map_err(|error| Error::new(Reason::Serialize).with_request(self.facts(1)).with_source(error))?;
        self.body = Some(Body { content_type: "application/json".to_owned(), bytes: text.into() });
        Ok(self)
    }

    /// The method by which it is decided whether it may be repeated.
    pub(crate) fn may_repeat_as(&self) -> Method {
        if self.only_reads { Method::Get } else { self.method }
    }

    pub(crate) fn facts(&self, attempt: u32) -> RequestFacts {
        let is_write = !self.may_repeat_as().is_read();
        RequestFacts { method: self.method, path: self.path.clone(), attempt, request_id: None, is_write }
    }

    /// The URL below `base`. The path can't leave it.
    pub(crate) fn url(&self, base: &Url) -> Result<Url> {
        let bad = |problem| Error::new(Reason::Path { path: self.path.clone(), problem });
        if self.path.contains("://") || self.path.starts_with("//") {
            return Err(bad("is a whole URL: give the path below the API root, for example /time/entries"));
        }
        if self.path.contains(['?', '#']) {
            return Err(bad("holds a query: give conditions and other parameters apart from it"));
        }
        // Addresses leave out tabs and line breaks, so that two dots with one between them would climb.
        if self.path.contains(char::is_control) {
            return Err(bad("holds control characters, which an address can't carry"));
        }
        let segments: Vec<&str> = self.path.trim_start_matches('/').split('/').collect();
        if segments == [""] {
            return Err(bad("is empty: give a path below the API root, for example /time/entries"));
        }
        if segments.iter().any(|segment| matches!(*segment, "." | "..")) {
            return Err(bad("leaves the API root"));
        }
        let mut url = base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(segments);
        }
        if !self.query.is_empty() {
            let pairs: Vec<String> = self
                .query
                .iter()
                .map(|(name, value)| {
                    format!("{}={}", utf8_percent_encode(name, QUERY), utf8_percent_encode(value, QUERY))
                })
                .collect();
            url.set_query(Some(&pairs.join("&")));
        }
        let length = url.as_str().len();
        if length > LONGEST_URL {
            return Err(Error::new(Reason::UrlTooLong { length, limit: LONGEST_URL }).with_request(self.facts(1)));
        }
        if length > ADVISED_URL {
            tracing::warn!(
                path = self.path,
                length,
                "the URL is longer than the {ADVISED_URL} characters that the API advises"
            );
        }
        Ok(url)
    }
}

/// How many characters a value takes in a query.
pub(crate) fn encoded_length(value: &str) -> usize {
    utf8_percent_encode(value, QUERY).map(str::len).sum()
}

/// An untyped request: the way out for what the crate has no types for.
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct RequestBuilder {
    client: Client,
    request: Request,
}

impl RequestBuilder {
    pub(crate) fn new(client: Client, request: Request) -> Self {
        Self { client, request }
    }

    /// Adds a query parameter; it is percent-encoded here.
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.request = self.request.query(name, value);
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.request.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sets the body.
    ///
    /// # Errors
    /// When `body` can't be written as JSON.
    pub fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Result<Self> {
        self.request = self.request.json(body)?;
        Ok(self)
    }

    /// Sets the body to the parts of a form, as uploads want it.
    ///
    /// # Errors
    /// When a media type holds characters that a form can't carry.
    pub fn multipart(mut self, form: &Multipart) -> Result<Self> {
        self.request.body = Some(form.body().map_err(|error| error.with_request(self.request.facts(1)))?);
        Ok(self)
    }

    /// Gives up after so many failures that may be those of what is asked for: time-outs, answers that break off, and errors of
    /// the server that name no time to come back. The policy's attempts are the limit of all others.
    pub fn patience(mut self, failures: u32) -> Self {
        self.request.patience = Some(failures);
        self
    }

    /// Says that the answer is a JSON array. One without its end was cut on its way, and is asked for again.
    pub fn expects_array(mut self) -> Self {
        self.request.expects_array = true;
        self
    }

    /// Asks for another version of the API than the client does, for example `2025.1`: some routes only know some.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.request.version = Some(version.into());
        self
    }

    /// Takes an answer of so many bytes at most, after decompression (default 32 MB). A larger one is an error.
    /// [`download`](Self::download) has no limit: it hands out what comes.
    pub fn largest_answer(mut self, bytes: usize) -> Self {
        self.request.largest = bytes;
        self
    }

    /// Sends it, and repeats it as the retry policy allows.
    ///
    /// # Errors
    /// When there is no answer, or one with an error status.
    pub async fn send(self) -> Result<Response> {
        self.client.execute(&self.request).await
    }

    /// Sends it as [`send`](Self::send) does and hands out the body piece by piece, for what is too large for memory.
    ///
    /// # Errors
    /// As [`send`](Self::send). What happens within the body is an error of the stream: nothing is repeated then.
    pub async fn download(self) -> Result<Download> {
        self.client.download(&self.request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        Url::parse("https://api-na.myconnectwise.net/v4_6_release/apis/3.0").unwrap()
    }

    #[test]
    fn reserved_characters_are_encoded() {
        let request = Request::new(Method::Get, "/time/entries")
            .query("conditions", "name = \"a&b'c*d%e+f[g]#h\" and x/y >= [2016-08-20T18:04:26Z]")
            .query("fields", "id,_info/lastUpdated,\u{e9}");
        assert_eq!(
            request.url(&base()).unwrap().as_str(),
            "https://api-na.myconnectwise.net/v4_6_release/apis/3.0/time/entries\
             ?conditions=name%20%3D%20%22a%26b%27c%2Ad%25e%2Bf%5Bg%5D%23h%22%20and%20x/y%20%3E%3D%20%5B2016-08-20T18:04:26Z%5D\
             &fields=id,_info/lastUpdated,%C3%A9"
        );
    }

    #[test]
    fn a_path_stays_below_the_root() {
        let url = |path: &str| Request::new(Method::Get, path).url(&base());
        let root = base().to_string();
        assert_eq!(url("time/entries").unwrap().as_str(), format!("{root}/time/entries"));
        // Some routes of the interface document end with a slash.
        assert_eq!(url("/sales/orders/1/lineitems/").unwrap().as_str(), format!("{root}/sales/orders/1/lineitems/"));
        assert_eq!(url("/system/a b%2F..").unwrap().as_str(), format!("{root}/system/a%20b%252F.."));
        let table = [
            (
                "https://evil.example/x",
                "the path \"/https://evil.example/x\" is a whole URL: give the path below the API root, for example /time/entries",
            ),
            (
                "//evil.example/x",
                "the path \"//evil.example/x\" is a whole URL: give the path below the API root, for example /time/entries",
            ),
            ("/time/../../x", "the path \"/time/../../x\" leaves the API root"),
            ("/time/.\t./x", "the path \"/time/.\\t./x\" holds control characters, which an address can't carry"),
            (
                "/time/entries?page=2",
                "the path \"/time/entries?page=2\" holds a query: give conditions and other parameters apart from it",
            ),
            ("", "the path \"/\" is empty: give a path below the API root, for example /time/entries"),
        ];
        for (path, expected) in table {
            assert_eq!(url(path).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn a_url_has_a_longest_length() {
        let long = |length: usize| Request::new(Method::Get, "/x").query("conditions", "a".repeat(length)).url(&base());
        let fixed = long(0).unwrap().as_str().len();
        assert!(long(10_000 - fixed).is_ok());
        assert_eq!(
            long(10_001 - fixed).unwrap_err().to_string(),
            "the URL of GET /x would have 10001 characters, and servers take at most 10000: ask for fewer fields or split the conditions"
        );
    }
}
