//! The client: one connection pool, the headers that every request carries, and the loop that repeats failed attempts.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    ApiError, Clock, Config, Error, ListRequest, RequestFacts, Response, Result, SystemClock, base_url,
    reason::Reason,
    request::{Method, Request, RequestBuilder},
    retry::{Decision, Outcome, RetryAfter, decide},
    stats::{ClientStats, Counters},
};

const REQUEST_ID: &str = "x-cw-request-id";

/// A client of one server. Clones are cheap and share connections and counters.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    counters: Arc<Counters>,
}

struct Inner {
    http: reqwest::Client,
    config: Config,
    clock: Arc<dyn Clock>,
}

impl Client {
    /// A client with these settings. Nothing is sent yet.
    ///
    /// # Errors
    /// When this machine's TLS can't be set up.
    pub fn new(config: Config) -> Result<Self> {
        Self::with_clock(config, Arc::new(SystemClock))
    }

    /// A client whose pauses, dates and random numbers come from `clock`.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_clock(config: Config, clock: Arc<dyn Clock>) -> Result<Self> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("connectwise-sdk/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers(&config)?)
            // A redirect would carry the credentials to wherever the answer says.
            .redirect(reqwest::redirect::Policy::none())
            // Every repetition is counted and decided in `execute`.
            .retry(reqwest::retry::never())
            .connect_timeout(config.connect_timeout)
            .read_timeout(config.read_timeout)
            .gzip(true);
        if base_url::is_loopback(&config.base_url) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| Error::new(Reason::Transport).with_source(error.without_url()))?;
        Ok(Self { inner: Arc::new(Inner { http, config, clock }), counters: Arc::default() })
    }

    /// The same client with counters of its own, which start at zero: for the numbers of one entity or one run.
    #[must_use]
    pub fn with_own_stats(&self) -> Self {
        Self { inner: self.inner.clone(), counters: Arc::default() }
    }

    /// What this client and its clones have done so far.
    #[must_use]
    pub fn stats(&self) -> ClientStats {
        self.counters.snapshot()
    }

    /// The settings that it was made with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// An untyped request to a path below the API root: the way out for what the crate has no types for.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        RequestBuilder::new(self.clone(), Request::new(method, path))
    }

    /// The untyped records of a list route, page by page.
    pub fn list(&self, path: &str) -> ListRequest {
        ListRequest::new(self.clone(), path)
    }

    /// How many records of the list route `path` meet the conditions.
    ///
    /// # Errors
    /// As any request; not every list route can count.
    pub async fn count(&self, path: &str, conditions: Option<&str>) -> Result<u64> {
        let list = self.list(path).conditions(conditions.unwrap_or_default());
        list.count_at(&format!("{}/count", path.trim_end_matches('/'))).await
    }

    /// The body of a GET as it came.
    ///
    /// # Errors
    /// As any request.
    pub async fn get_raw(&self, path: &str) -> Result<Bytes> {
        Ok(self.execute(&Request::new(Method::Get, path)).await?.into_body())
    }

    /// Sends a request, as often as the retry policy allows, until there is an answer with a status of success.
    pub(crate) async fn execute(&self, request: &Request) -> Result<Response> {
        let config = &self.inner.config;
        let url = request.url(&config.base_url)?;
        let headers = own_headers(request)?;
        let mut attempt = 1;
        loop {
            let mut builder =
                self.inner.http.request(request.method.to_reqwest(), url.clone()).headers(headers.clone());
            if let Some(json) = &request.json {
                builder = builder.body(json.clone());
            }
            self.counters.request(attempt);
            let failure = match self.attempt(request, builder, attempt).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            let clock = &self.inner.clock;
            let decision = decide(attempt, failure.outcome, request.method, &config.retry, clock.now(), clock.random());
            match decision {
                Decision::GiveUp => return Err(failure.error),
                Decision::Retry { after } => {
                    tracing::warn!(
                        method = request.method.as_str(),
                        path = request.path,
                        attempt,
                        wait_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
                        "{}",
                        failure.error
                    );
                    clock.sleep(after).await;
                }
            }
            attempt += 1;
        }
    }

    async fn attempt(
        &self,
        request: &Request,
        builder: reqwest::RequestBuilder,
        attempt: u32,
    ) -> std::result::Result<Response, Failure> {
        let mut facts = request.facts(attempt);
        let response = builder.send().await.map_err(|error| Failure::transport(error, &facts))?;
        let status = response.status();
        let headers = response.headers().clone();
        facts.request_id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
        let body = match response.bytes().await {
            Ok(body) => body,
            // What an error's body would have said matters less than its status.
            Err(_) if !status.is_success() => Bytes::new(),
            Err(error) => return Err(Failure::transport(error, &facts)),
        };
        self.counters.body(body.len());
        if !status.is_success() {
            return Err(self.status_failure(status.as_u16(), &headers, &body, facts));
        }
        let response = Response { status: status.as_u16(), headers, body, facts };
        if request.expects_array && is_cut_array(&response.body) {
            return Err(Failure { outcome: Outcome::Cut, error: response.error(Reason::Cut) });
        }
        tracing::debug!(
            method = request.method.as_str(),
            path = request.path,
            attempt,
            status = response.status,
            bytes = response.body.len(),
            request_id = response.facts.request_id,
            "answered"
        );
        Ok(response)
    }

    fn status_failure(&self, status: u16, headers: &HeaderMap, body: &[u8], facts: RequestFacts) -> Failure {
        let wish = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(RetryAfter::parse);
        let retry_after = wish.map(|wish| wish.wait(self.inner.clock.now()));
        let api = ApiError::parse(body, |text| self.inner.config.credentials.redact(text));
        let error = Error::new(Reason::Status { status, api, retry_after }).with_request(facts);
        Failure { outcome: Outcome::Status { status, retry_after: wish }, error }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.inner.config.base_url()).finish_non_exhaustive()
    }
}

/// A failed attempt: what the retry decision needs, and the error if it is the last.
struct Failure {
    outcome: Outcome,
    error: Error,
}

impl Failure {
    fn transport(error: reqwest::Error, facts: &RequestFacts) -> Self {
        let (outcome, reason) = if error.is_connect() {
            (Outcome::NotSent, if error.is_timeout() { Reason::Timeout } else { Reason::Connect })
        } else if error.is_timeout() {
            (Outcome::Timeout, Reason::Timeout)
        } else {
            (Outcome::Cut, Reason::Cut)
        };
        // The URL holds the conditions, and the error names the request already.
        let error = Error::new(reason).with_request(facts.clone()).with_source(error.without_url());
        Self { outcome, error }
    }
}

/// A body that opens an array and doesn't close it: it was cut where the transport didn't notice.
fn is_cut_array(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    body.starts_with(b"[") && !body.ends_with(b"]")
}

/// The headers of every request.
fn headers(config: &Config) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let accept = format!("application/vnd.connectwise.com+json; version={}", config.version);
    headers.insert(ACCEPT, value("accept", &accept)?);
    let mut authorization = secret_value("authorization", &config.credentials.authorization())?;
    authorization.set_sensitive(true);
    headers.insert(AUTHORIZATION, authorization);
    let mut client_id = value("clientId", config.credentials.client_id())?;
    client_id.set_sensitive(true);
    headers.insert(HeaderName::from_static("clientid"), client_id);
    Ok(headers)
}

/// The headers of this request alone.
fn own_headers(request: &Request) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    if request.json.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    for (name, text) in &request.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| bad_header(name).with_source(error))?;
        let value = value(name.as_str(), text)?;
        headers.insert(name, value);
    }
    Ok(headers)
}

fn value(name: &str, text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(|error| bad_header(name).with_source(error))
}

fn secret_value(name: &str, text: &SecretString) -> Result<HeaderValue> {
    value(name, text.expose_secret())
}

fn bad_header(name: &str) -> Error {
    Error::new(Reason::Header { name: name.to_owned() })
}
