//! One request on its way: let through by the limiter, watched, repeated as the policy says, and read to its end.

use std::{
    error::Error as StdError,
    fmt,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use tracing::{Instrument as _, Span, field::Empty};
use url::Url;

use crate::{
    ApiError, Attempt, AttemptResult, Client, Error, RequestFacts, Response, Result,
    api_error::shown,
    body::{self, Pace, Stopped},
    client::{accept, bad_header, value},
    limiter::Sign,
    nearly_json,
    observer::Watch,
    reason::Reason,
    redact::Redactor,
    request::Request,
    response::{Asked, LONGEST_WORD},
    retry::{Decision, FailedAttempt, Outcome, RetryAfter, decide},
    transport::{TransportBody, TransportError, TransportFailure},
};

const REQUEST_ID: &str = "x-cw-request-id";

/// Attempts to connect to a server that was never reached: a wrong address is told within seconds.
const FIRST_ATTEMPTS: u32 = 4;

/// Time after which no such attempt is begun.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// Time without an answer after which that is told, or half of the read time-out: answers take seconds, a time-out a minute.
const SILENCE: Duration = Duration::from_secs(10);

/// How a request is sent and read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Take {
    /// With the credentials and the API's headers.
    api: bool,
    /// The body isn't read here.
    stream: bool,
}

impl Take {
    pub(crate) const WHOLE: Self = Self { api: true, stream: false };
    pub(crate) const STREAM: Self = Self { api: true, stream: true };
    /// To a route that needs no credentials, so that it gets none.
    pub(crate) const OPEN: Self = Self { api: false, stream: false };
}

/// A successful answer.
pub(crate) struct Answer {
    /// Without body if that is still to come.
    pub(crate) response: Response,
    pub(crate) rest: Option<TransportBody>,
}

/// One attempt at a request.
#[derive(Clone, Copy)]
struct Try<'a> {
    request: &'a Request,
    url: &'a Url,
    headers: &'a HeaderMap,
    /// From 1.
    number: u32,
    take: Take,
    redactor: &'a Arc<Redactor>,
}

impl Try<'_> {
    fn facts(&self) -> RequestFacts {
        self.request.facts(self.number)
    }

    /// What the transport is given.
    fn message(&self) -> Result<http::Request<Bytes>> {
        let body = self.request.body.as_ref().map(|body| body.bytes.clone()).unwrap_or_default();
        let mut message = http::Request::new(body);
        *message.method_mut() = self.request.method.to_http();
        *message.uri_mut() = self.url.as_str().parse().map_err(|error: http::uri::InvalidUri| {
            let problem = "holds characters that an address can't carry";
            let path = self.request.path.clone();
            Error::new(Reason::Path { path, problem }).with_request(self.facts()).with_source(error)
        })?;
        *message.headers_mut() = self.headers.clone();
        Ok(message)
    }
}

impl Client {
    /// Sends a request to `url`, as often as the retry policy allows.
    pub(crate) async fn send(&self, request: &Request, url: &Url, take: Take) -> Result<Answer> {
        let clock = &*self.inner.clock;
        let policy = &self.retry;
        let headers = self.headers(request, take).map_err(|error| error.with_request(request.facts(1)))?;
        let redactor = self.redactor(request);
        let mut failed = 0;
        let mut number = 1;
        let began = clock.monotonic();
        loop {
            let one = Try { request, url, headers: &headers, number, take, redactor: &redactor };
            let message = one.message()?;
            let result = self.attempt(one, message).await;
            if !matches!(&result, Err(Failure { outcome: Outcome::NotSent, .. })) {
                self.inner.reached.store(true, Ordering::Relaxed);
            }
            let failure = match result {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let enough = number >= FIRST_ATTEMPTS || clock.monotonic().saturating_sub(began) >= FIRST_WAIT;
            if enough && !self.inner.reached.load(Ordering::Relaxed) {
                return Err(failure.error);
            }
            let ended = FailedAttempt { number, outcome: failure.outcome, method: request.may_repeat_as() };
            let decision = decide(ended, policy, clock.now(), clock.random());
            let pause = match decision {
                Decision::Retry { after } => after,
                Decision::GiveUp => Duration::ZERO,
            };
            if failure.error.is_rate_limited() {
                self.inner.limiter.slow_down(clock, pause);
            }
            failed += u32::from(failure.outcome.may_be_the_request());
            let patient = request.patience.is_none_or(|patience| failed < patience);
            if decision == Decision::GiveUp || !patient {
                return Err(failure.error);
            }
            let method = request.method.as_str();
            let wait_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
            let request_id = failure.error.request().and_then(|request| request.request_id.as_deref());
            tracing::warn!(method, path = request.path, number, wait_ms, request_id, "{}", failure.error);
            if let Some(observer) = &self.inner.config.observer {
                observer.retried(&attempt(request, number), pause);
            }
            clock.sleep(pause).await;
            number += 1;
        }
    }

    /// What takes out of the answer what the request was sent with.
    fn redactor(&self, request: &Request) -> Arc<Redactor> {
        let own = request.headers.iter().filter(|(name, _)| is_secret(name));
        let known = |known: Option<Redactor>, (_, value): &(String, String)| {
            Some(known.unwrap_or_else(|| Redactor::clone(&self.inner.redactor)).with_header(value))
        };
        own.fold(None, known).map_or_else(|| self.inner.redactor.clone(), Arc::new)
    }

    /// The headers of this request.
    fn headers(&self, request: &Request, take: Take) -> Result<HeaderMap> {
        let mut headers = if take.api { self.inner.headers.clone() } else { HeaderMap::new() };
        if !take.api {
            headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        }
        headers.insert(USER_AGENT, value("user-agent", &self.inner.config.user_agent)?);
        let usual = || self.inner.config.version_for(&request.path).filter(|_| take.api);
        if let Some(version) = request.version.as_deref().or_else(usual) {
            headers.insert(ACCEPT, accept(version)?);
        }
        if let Some(body) = &request.body {
            headers.insert(CONTENT_TYPE, value("content-type", &body.content_type)?);
        }
        for (name, text) in &request.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| bad_header(name).with_source(error))?;
            let value = value(name.as_str(), text)?;
            headers.insert(name, value);
        }
        Ok(headers)
    }

    /// One attempt, from the limiter to the end of the body.
    async fn attempt(&self, one: Try<'_>, message: http::Request<Bytes>) -> std::result::Result<Answer, Failure> {
        let Try { request, number, .. } = one;
        let clock = &*self.inner.clock;
        let _under_way = self.inner.limiter.admit(clock).await;
        self.counters.request(number);
        let observer = self.inner.config.observer.as_deref();
        let watch = observer.map(|observer| Watch::start(observer, attempt(request, number), clock));
        let span = tracing::debug_span!(
            "request",
            method = request.method.as_str(),
            path = request.path,
            attempt = number,
            status = Empty,
            request_id = Empty
        );
        let started = clock.monotonic();
        let mut exchange = pin!(self.exchange(one, message, &span).instrument(span.clone()));
        let silence = SILENCE.min(self.inner.config.read_timeout / 2);
        let result = match tokio::time::timeout(silence, exchange.as_mut()).await {
            Ok(result) => result,
            Err(_) => {
                self.tell_of_silence(&attempt(request, number), silence);
                exchange.await
            }
        };
        let bytes = match &result {
            Ok(answer) => answer.response.body.len(),
            Err(failure) => failure.bytes,
        };
        self.counters.body(bytes);
        if let Some(sign) = sign(&result, clock.monotonic().saturating_sub(started)) {
            self.inner.limiter.saw(clock, &alike(request), sign);
        }
        if let Some(watch) = watch {
            let facts = match &result {
                Ok(answer) => Some(&answer.response.facts),
                Err(failure) => failure.error.request(),
            };
            watch.finish(AttemptResult {
                status: match &result {
                    Ok(answer) => Some(answer.response.status),
                    Err(failure) => failure.status,
                },
                error: result.as_ref().err().map(|failure| failure.error.kind()),
                bytes: bytes as u64,
                request_id: facts.and_then(|facts| facts.request_id.as_deref()),
                ..AttemptResult::default()
            });
        }
        result
    }

    fn tell_of_silence(&self, attempt: &Attempt<'_>, waited: Duration) {
        let longest = self.inner.config.read_timeout.as_secs();
        tracing::warn!(
            method = attempt.method.as_str(),
            path = attempt.path,
            "no whole answer after {} s; it is waited for as long as the server isn't silent for {longest} s",
            waited.as_secs()
        );
        if let Some(observer) = &self.inner.config.observer {
            observer.waiting(attempt, waited);
        }
    }

    async fn exchange(
        &self,
        one: Try<'_>,
        message: http::Request<Bytes>,
        span: &Span,
    ) -> std::result::Result<Answer, Failure> {
        let Try { request, url, take, redactor, .. } = one;
        let mut facts = one.facts();
        let carried = self.inner.transport.carry(message).await;
        let carried = carried.map_err(|error| Failure::before_an_answer(error, host(url), &facts, redactor));
        let (http::response::Parts { status, headers, .. }, mut body) = carried?.into_parts();
        let id = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
        facts.request_id = id.map(|id| shown(id, redactor, LONGEST_WORD));
        span.record("status", status.as_u16());
        if let Some(id) = &facts.request_id {
            span.record("request_id", id);
        }
        let asked = Arc::new(Asked::new(url, &request.path, self.inner.config.credentials.company()));
        let head = |body| Response {
            status: status.as_u16(),
            headers: headers.clone(),
            body,
            facts: facts.clone(),
            redactor: redactor.clone(),
            asked: asked.clone(),
        };
        if take.stream && status.is_success() {
            return Ok(Answer { response: head(Bytes::new()), rest: Some(body) });
        }
        let largest = if status.is_success() { request.largest } else { body::LARGEST_ERROR };
        let mut pace = Pace::new(self.inner.config.read_timeout);
        let read = body::read(&mut body, largest, &mut pace, &*self.inner.clock).await;
        if !status.is_success() {
            // What the rest of an error's body would have said matters less than its status.
            return Err(self.status_failure(&head(read.into_bytes())));
        }
        if let Some(stopped) = read.stopped {
            let bytes = if matches!(stopped, Stopped::Broken(_)) { 0 } else { read.length };
            let (outcome, error) = unread(stopped, &facts, redactor, largest);
            return Err(Failure { outcome, error, status: Some(status.as_u16()), bytes });
        }
        let response = head(read.into_bytes());
        if request.expects_array && is_cut_array(&response.body) {
            let (status, bytes) = (Some(response.status), response.body.len());
            return Err(Failure { outcome: Outcome::Cut, error: response.error(Reason::Cut), status, bytes });
        }
        tracing::debug!(bytes = response.body.len(), "answered");
        Ok(Answer { response, rest: None })
    }

    fn status_failure(&self, answer: &Response) -> Failure {
        let Response { status, headers, body, facts, redactor, asked } = answer;
        let status = *status;
        let api = ApiError::parse(body, redactor);
        let now = self.inner.clock.now();
        let header = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let wish = RetryAfter::of(status, header, api.message.as_deref(), now);
        let retry_after = wish.map(|wish| wish.wait(now));
        let longest = self.retry.max_retry_after;
        let longest_wait = retry_after.filter(|wait| *wait > longest).map(|_| longest);
        let asked = asked.clone();
        let error =
            Error::new(Reason::Status { status, api, retry_after, longest_wait, asked }).with_request(facts.clone());
        let outcome = Outcome::Status { status, retry_after: wish };
        Failure { outcome, error, status: Some(status), bytes: body.len() }
    }
}

fn attempt(request: &Request, number: u32) -> Attempt<'_> {
    Attempt { method: request.method, path: &request.path, number }
}

/// Key of requests with a similar latency: path, page size, and the order of magnitude of the body.
fn alike(request: &Request) -> String {
    let page = request.query.iter().find(|(name, _)| name == "pageSize").map_or("", |(_, size)| size);
    let asked = request.body.as_ref().map_or(0, |body| body.bytes.len().checked_ilog2().unwrap_or_default());
    format!("{} {page} {asked}", request.path)
}

/// What an attempt says about the server's load: `None` for a failure that is no sign of overload, as a broken connection.
fn sign(result: &std::result::Result<Answer, Failure>, took: Duration) -> Option<Sign> {
    match result {
        Ok(_) => Some(Sign::Answered(took)),
        Err(Failure { outcome: Outcome::Timeout, .. }) => Some(Sign::TurnedAway),
        Err(Failure { status: Some(429 | 503), .. }) => Some(Sign::TurnedAway),
        Err(_) => None,
    }
}

/// A failed attempt: what the retry decision needs, and the error if it is the last.
struct Failure {
    outcome: Outcome,
    error: Error,
    status: Option<u16>,
    bytes: usize,
}

impl Failure {
    fn before_an_answer(
        error: TransportError,
        host: Option<String>,
        facts: &RequestFacts,
        redactor: &Redactor,
    ) -> Self {
        let (outcome, error) = unsent_or_cut(error, host, facts, redactor);
        Self { outcome, error, status: None, bytes: 0 }
    }
}

/// What a body means that wasn't read to its end.
pub(crate) fn unread(stopped: Stopped, facts: &RequestFacts, redactor: &Redactor, largest: usize) -> (Outcome, Error) {
    let (outcome, reason) = match stopped {
        Stopped::TooLarge => (Outcome::TooLarge, Reason::TooLarge { limit: largest }),
        Stopped::TooSlow => (Outcome::Timeout, Reason::TooSlow),
        Stopped::Broken(error) => return unsent_or_cut(error, None, facts, redactor),
    };
    (outcome, Error::new(reason).with_request(facts.clone()))
}

/// What a failure of the connection means.
fn unsent_or_cut(
    error: TransportError,
    host: Option<String>,
    facts: &RequestFacts,
    redactor: &Redactor,
) -> (Outcome, Error) {
    let (outcome, reason) = match error.failure {
        TransportFailure::NotSent => (Outcome::NotSent, Reason::Connect { host }),
        TransportFailure::TimedOut => (Outcome::Timeout, Reason::Timeout),
        TransportFailure::Interrupted => (Outcome::Cut, Reason::Cut),
    };
    let cause = Cause::of(&*error.source, redactor);
    (outcome, Error::new(reason).with_request(facts.clone()).with_source(cause))
}

/// Whether a header of this name says who asks.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["authorization", "cookie", "token", "key", "secret", "clientid"].iter().any(|part| name.contains(part))
}

/// What a library says about a broken connection, without credentials: certificates and HTTP/2 carry texts of the server.
struct Cause {
    text: String,
    below: Option<Box<Cause>>,
}

impl Cause {
    fn of(error: &(dyn StdError + 'static), redactor: &Redactor) -> Self {
        let below = error.source().map(|error| Box::new(Self::of(error, redactor)));
        Self { text: shown(&error.to_string(), redactor, LONGEST_CAUSE), below }
    }
}

/// Longest text of a cause.
const LONGEST_CAUSE: usize = 500;

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        self.below.as_ref().map_or(Ok(()), |below| write!(f, ": {below:?}"))
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.below.as_deref().map(|below| below as _)
    }
}

/// Host and port, as an address names them.
fn host(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// A body that opens an array and doesn't close it: it was cut where the transport didn't notice.
fn is_cut_array(body: &[u8]) -> bool {
    let body = nearly_json::without_bom(body).trim_ascii();
    // In UTF-16 the end looks different.
    body.starts_with(b"[") && !body.ends_with(b"]") && body.get(1) != Some(&0)
}
