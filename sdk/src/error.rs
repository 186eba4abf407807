//! The crate's one error: what happened, to which request, and what to do.

use std::{error::Error as StdError, fmt, time::Duration};

use crate::{ApiError, Violations, reason::Reason, request::Method, retry::is_passing};

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, sorted by who can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is missing or wrong; nothing was sent.
    Config,
    /// A condition can't be written in the API's query language; nothing was sent.
    Condition,
    /// The request can't be sent as it is asked for; nothing was sent.
    Request,
    /// No connection to the server.
    Connect,
    /// No answer in time.
    Timeout,
    /// The connection broke, or the answer ended too early.
    Interrupted,
    /// The server answered with an error status.
    Status,
    /// The server still limits the rate after all attempts.
    RateLimited,
    /// The answer isn't what the API promises.
    Decode,
    /// A listing can't be continued without losing or repeating records.
    Paging,
    /// A list is longer than the bound that the caller set.
    Limit,
    /// An answer is larger than the bound for answers of its kind.
    TooLarge,
    /// A file can't be written on this machine.
    File,
    /// The server fails on one record every time, while it gives the others.
    Unreadable,
    /// A record and the columns of a table don't fit together.
    Table,
}

/// Which request an error belongs to. Query parameters are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFacts {
    /// Method.
    pub method: Method,
    /// Path below the API root, for example `/time/entries`.
    pub path: String,
    /// Number of the attempt that failed, from 1.
    pub attempt: u32,
    /// The server's `x-cw-request-id`, which its support asks for.
    pub request_id: Option<String>,
    /// Whether carrying it out can change something on the server.
    pub is_write: bool,
}

impl fmt::Display for RequestFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// Which record of a page an error belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordFacts {
    /// The record's `id`, where it has one.
    pub id: Option<i64>,
    /// Where in the record, for example `company.id`; `.` is the record itself.
    pub json_path: String,
    /// What should stand there.
    pub expected: Option<String>,
}

/// An error of the SDK.
///
/// [`Display`](fmt::Display) is one sentence that says what to do; the cause below it is [`source`](StdError::source).
/// Neither holds a secret.
pub struct Error(Box<Inner>);

struct Inner {
    reason: Reason,
    request: Option<RequestFacts>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(reason: Reason) -> Self {
        Self(Box::new(Inner { reason, request: None, source: None }))
    }

    pub(crate) fn with_request(mut self, request: RequestFacts) -> Self {
        self.0.request = Some(request);
        self
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.reason.kind()
    }

    /// HTTP status, if the server answered with an error.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match &self.0.reason {
            Reason::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// What the server said about it.
    #[must_use]
    pub fn api(&self) -> Option<&ApiError> {
        match &self.0.reason {
            Reason::Status { api, .. } => Some(api),
            _ => None,
        }
    }

    /// The request that failed.
    #[must_use]
    pub fn request(&self) -> Option<&RequestFacts> {
        self.0.request.as_ref()
    }

    /// The one record that couldn't be read, while the others of its page can; or that can't be a row, or isn't one of a batch.
    #[must_use]
    pub fn record(&self) -> Option<&RecordFacts> {
        match &self.0.reason {
            Reason::Record { record } => Some(record),
            #[cfg(feature = "arrow")]
            Reason::NoRow { record, .. } | Reason::Row { record, .. } => Some(record),
            _ => None,
        }
    }

    /// How long the server asked to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match &self.0.reason {
            Reason::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether a setting is missing or wrong.
    #[must_use]
    pub fn is_config(&self) -> bool {
        self.kind() == ErrorKind::Config
    }

    /// Whether the server knows no such thing (404). On cloud hosts bad credentials can look the same.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether the gateway in front of the API's servers knows none for the codebase and the company (`Cannot route`).
    #[must_use]
    pub fn is_unroutable(&self) -> bool {
        matches!(self.status(), Some(400 | 404)) && self.api().is_some_and(ApiError::is_cannot_route)
    }

    /// Whether the server refused the credentials (401).
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        self.status() == Some(401)
    }

    /// Whether the credentials lack a right (403), which is also the answer to some routes that don't exist.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.status() == Some(403)
    }

    /// Whether the rate limit turned the request away (429).
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.kind() == ErrorKind::RateLimited
    }

    /// Whether no answer came in time.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout
    }

    /// Whether the answer came, and slower than any that is worth waiting for.
    pub(crate) fn is_too_slow(&self) -> bool {
        matches!(self.0.reason, Reason::TooSlow)
    }

    /// Whether no connection was made.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.kind() == ErrorKind::Connect
    }

    /// Whether a listing couldn't prove that it is complete.
    #[must_use]
    pub fn is_paging(&self) -> bool {
        self.kind() == ErrorKind::Paging
    }

    /// Whether it was a write that the server may have carried out all the same: no answer came, or one that doesn't say.
    /// Look at the server before you send it again.
    #[must_use]
    pub fn may_have_been_carried_out(&self) -> bool {
        self.request().is_some_and(|request| request.is_write) && self.0.reason.leaves_writes_open()
    }

    /// Whether the same request may succeed later, and do no harm. The client has repeated it already as its policy allows.
    ///
    /// Never for a write that [may have been carried out](Self::may_have_been_carried_out).
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        if self.may_have_been_carried_out() {
            return false;
        }
        match self.kind() {
            ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::Interrupted | ErrorKind::RateLimited => true,
            _ => self.status().is_some_and(is_passing),
        }
    }
}

impl From<Violations> for Error {
    fn from(violations: Violations) -> Self {
        Self::new(Reason::Violations(violations))
    }
}

/// Stands behind the sentence of a write that failed when it may have been carried out.
const CARRIED_OUT: &str = "; it may have been carried out: look before sending it again";

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.reason.describe(self.0.request.as_ref(), f)?;
        if self.may_have_been_carried_out() { f.write_str(CARRIED_OUT) } else { Ok(()) }
    }
}

/// What a `main` that ends in an error shows: the sentence and its causes. `{:#?}` shows the parts.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            fmt::Display::fmt(self, f)?;
            let mut cause = self.source();
            while let Some(error) = cause {
                write!(f, "\n  caused by: {error}")?;
                cause = error.source();
            }
            return Ok(());
        }
        f.debug_struct("Error")
            .field("kind", &self.kind())
            .field("message", &self.to_string())
            .field("request", &self.0.request)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
