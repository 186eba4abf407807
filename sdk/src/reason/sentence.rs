//! The sentence that says what happened, to what, and what to do.

use std::fmt;
use std::time::Duration;

use super::Reason;
use crate::{ApiError, RequestFacts, nearly_json::Form, response::Asked};

impl Reason {
    /// Writes the sentence.
    pub(crate) fn describe(&self, request: Option<&RequestFacts>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = Target(request);
        match self {
            Self::Missing { variable, hint } => write!(f, "{variable} is not set: {hint}"),
            Self::Invalid { variable, problem } => write!(f, "{variable} {problem}"),
            Self::Disagree { one, other } => {
                write!(f, "{one} and {other} are set to different values and mean the same: leave one of them out")
            }
            Self::Transport => f.write_str("the HTTP client can't be set up: check this machine's TLS certificates"),
            Self::NoCrypto => f.write_str(
                "this build of the SDK has no TLS: switch on its feature `ring` or `aws-lc`, or install a rustls::crypto::CryptoProvider for the process first",
            ),
            #[cfg(feature = "blocking")]
            Self::Runtime => f.write_str(
                "the blocking client can't be set up on this machine: check how many files the process may have open",
            ),

            Self::Unsaid(unsaid) => write!(f, "{unsaid}"),
            Self::InNotAllowed { parameter } => write!(
                f,
                "the {parameter} of {on} hold an `in` list, which the API doesn't allow there: join comparisons with or"
            ),

            Self::UnknownCompany { company } => write!(
                f,
                "the server knows no company {company:?}: check CW_COMPANY, or the company before + in CW_AUTH_USERNAME, and CW_SITE"
            ),
            Self::Codebase { codebase } => write!(
                f,
                "the server names {codebase:?} as its codebase, which can't be part of an address: give the whole one as CW_BASE_URL"
            ),

            Self::Violations(violations) => write!(f, "{violations}"),
            Self::Path { path, problem } => write!(f, "the path {path:?} {problem}"),
            Self::UrlTooLong { length, limit } => write!(
                f,
                "the URL of {on} would have {length} characters, and servers take at most {limit}: ask for fewer fields or split the conditions"
            ),
            Self::PageSize { size } => write!(f, "the page size {size} is outside 1 to 1000, which the API allows"),
            Self::OrderNotAllowed { mode } => {
                write!(f, "{mode} paging is always in id order: leave order_by out, or page by number")
            }
            Self::OrderOfPieces => write!(
                f,
                "the `in` list of {on} is too long for one request, and the pieces that it is asked for in don't come in the order of order_by: leave order_by out, or ask for fewer values at once"
            ),
            Self::Header { name } => write!(f, "the header {name} holds characters that HTTP can't carry"),
            Self::Serialize => write!(f, "the body of {on} can't be written as JSON"),
            Self::Argument { problem } => write!(f, "{on} {problem}"),

            Self::Connect { host } => write!(
                f,
                "no connection to {} for {on}{}: check CW_BASE_URL, the network and the server's certificate",
                host.as_deref().unwrap_or("the server"),
                Attempts(request)
            ),
            Self::Timeout => {
                write!(f, "no answer to {on} in time{}{}", Attempts(request), Later { request, when: "" })
            }
            Self::Cut => {
                write!(f, "the answer to {on} broke off{}{}", Attempts(request), Later { request, when: "" })
            }
            Self::Status {
                status: status @ (429 | 503),
                api,
                retry_after: Some(wait),
                longest_wait: Some(longest),
                ..
            } => {
                write!(
                    f,
                    "the server turns {on} away ({}) and asks to be left alone for {}, longer than the {} that a request waits: run again after that",
                    Answered { status: *status, api },
                    Span(*wait),
                    Span(*longest)
                )
            }
            // The gateway's own words, before any of the API's servers is reached.
            Self::Status { status: status @ (400 | 404), api, asked, .. } if api.is_cannot_route() => write!(
                f,
                "there is no way to the API for {on} ({}): {}",
                Answered { status: *status, api },
                Whereabouts(asked)
            ),
            Self::Status { status, api, .. } => status_sentence(*status, api, &on, Attempts(request), f),

            Self::NotJson { form, content_type, excerpt, asked } => {
                match form {
                    Form::Empty => write!(f, "the answer to {on} is empty")?,
                    Form::Html => write!(f, "the answer to {on} is not JSON but an HTML page")?,
                    Form::Xml => write!(f, "the answer to {on} is not JSON but XML")?,
                    Form::Utf16 => write!(f, "the answer to {on} is not JSON in UTF-8 but UTF-16")?,
                    Form::Compressed => {
                        write!(f, "the answer to {on} is not JSON but compressed data that no Content-Encoding names")?;
                    }
                    Form::Text => match content_type {
                        Some(content_type) => write!(f, "the answer to {on} is not JSON but {content_type}")?,
                        None => write!(f, "the answer to {on} is not JSON and doesn't say what else it is")?,
                    },
                }
                if matches!(form, Form::Html | Form::Xml | Form::Text) && !excerpt.is_empty() {
                    write!(f, " ({excerpt})")?;
                }
                write!(f, ": {}", Whereabouts(asked))
            }
            Self::Refusal { api, asked } => {
                write!(f, "the server answers {on} with an error in place of data ({api}): {}", Whereabouts(asked))
            }
            Self::BrokenJson { broken } => write!(
                f,
                "the answer to {on} stops being JSON {broken}: leave that property out of the fields, or have the record repaired on the server; what stands there isn't shown, as it may be a secret"
            ),
            Self::TooLarge { limit } => write!(
                f,
                "the answer to {on} is larger than {}, which no answer of its kind is: check that CW_BASE_URL names the API host and not a proxy, or ask for fewer fields",
                Size(*limit)
            ),
            Self::TooManyRecords { limit } => write!(
                f,
                "the answer to {on} has more than {limit} elements, and a page has 1000 at most: check that CW_BASE_URL names the API host and not a proxy"
            ),
            Self::TooSlow => write!(
                f,
                "the answer to {on} comes with less than 1 KB in a second{}{}",
                Attempts(request),
                if request.is_some_and(|request| request.is_write) { "" } else { ": try again later" }
            ),
            Self::File { path } => {
                write!(f, "{}, into which the answer to {on} was to go, can't be written", path.display())
            }
            Self::NotArray => {
                write!(
                    f,
                    "the answer to {on} is JSON but not an array of records: check the path, and read what isn't a list with a plain get"
                )
            }
            Self::Shape { json_path, expected } => {
                let expected = Expected(expected.as_deref());
                write!(
                    f,
                    "the answer to {on} can't be read at {json_path}{expected}: check that the API version fits the server"
                )
            }
            Self::Record { record } => {
                match record.id {
                    Some(id) => write!(f, "record {id} of {on}")?,
                    None => write!(f, "a record of {on} without id")?,
                }
                let expected = Expected(record.expected.as_deref());
                write!(f, " can't be read at {}{expected}: the other records of its page can", record.json_path)
            }

            Self::NextUnreadable => {
                write!(f, "the Link header of {on} names a next page without a pageId: page by number or by keyset")
            }
            Self::EmptyPages { pages } => write!(
                f,
                "the list {on} doesn't end: {pages} pages in a row are empty, and each names a next one; page by number or by keyset"
            ),
            Self::MoreThanCounted { counted, records } => write!(
                f,
                "the list {on} doesn't end: the server counts {counted} records and has sent {records}; page by number or by keyset, or report it to whoever runs the server"
            ),
            Self::MoreThanAnyList { most } => write!(
                f,
                "the list {on} doesn't end: it has brought more than {most} records, which no list is expected to have; raise most_records if this one has, or report it to whoever runs the server"
            ),
            Self::PageIdBehind { page_id, last } => write!(
                f,
                "the keys of {on} don't advance: the page behind id {last} is to begin behind {page_id}; page by number or by keyset"
            ),
            Self::PageIdStuck { page_id } => {
                write!(
                    f,
                    "the keys of {on} don't advance: the server repeats pageId {page_id}; page by number or by keyset"
                )
            }
            Self::PageRepeats { page } => write!(
                f,
                "the keys of {on} don't advance: page {page} starts as the one before it, so the endpoint seems to ignore paging; read it with a plain get"
            ),
            Self::KeyOutOfOrder { key } => {
                write!(f, "the keys of {on} don't advance: id {key} is out of order; page by number or forward-only")
            }
            Self::KeyMissing => {
                write!(
                    f,
                    "a record of {on} has no whole-number id to continue from: add id to the fields, or page by number"
                )
            }
            Self::ForeignContinuation => {
                write!(
                    f,
                    "the saved continuation belongs to another listing than {on}: use it with the same path, conditions and page size"
                )
            }

            Self::TooMany { limit } => {
                write!(
                    f,
                    "{on} has more than {limit} records: raise the limit, narrow the conditions or read it as a stream"
                )
            }

            #[cfg(feature = "blocking")]
            Self::WithinRuntime => f.write_str(
                "the blocking client was called within an async runtime, whose other tasks would wait with it: use connectwise_sdk::Client and .await there, or call it on a thread of its own (std::thread::spawn)",
            ),

            Self::Unreadable { id, after } => {
                match (id, after) {
                    (Some(id), _) => write!(f, "the server fails on record {id} of {on} every time")?,
                    (None, Some(after)) => {
                        write!(f, "the server fails on the record after id {after} of {on} every time")?
                    }
                    (None, None) => write!(f, "the server fails on the first record of {on} every time")?,
                }
                f.write_str(": repair the record, or skip what can't be read and treat the listing as incomplete")
            }

            #[cfg(feature = "arrow")]
            Self::NoRow { name, record } => {
                match record.id {
                    Some(id) => write!(f, "record {id} of {name}")?,
                    None => write!(f, "a record of {name} without id")?,
                }
                let expected = Expected(record.expected.as_deref());
                write!(
                    f,
                    " can't be a row: it doesn't fit at {}{expected}; correct it, or leave it out",
                    record.json_path
                )
            }
            #[cfg(feature = "arrow")]
            Self::Row { name, number, record } => {
                write!(f, "row {number} of the batch")?;
                if let Some(id) = record.id {
                    write!(f, " (id {id})")?;
                }
                let expected = Expected(record.expected.as_deref());
                write!(
                    f,
                    " is no {name}: it can't be read at {}{expected}; leave the row out, or read its columns",
                    record.json_path
                )
            }
            #[cfg(feature = "arrow")]
            Self::ForeignBatch { record, column, expected, found } => {
                write!(f, "the batch is none of {record}: its column {column} ")?;
                match found {
                    Some(found) => write!(f, "is {found} and not {expected}")?,
                    None => write!(f, "({expected}) is missing")?,
                }
                write!(f, "; read all columns of {record}::arrow_schema() with their types")
            }
            #[cfg(feature = "arrow")]
            Self::Batch { record } => {
                write!(
                    f,
                    "a batch of {record} can't be built or read: use smaller batches, and what they were built with"
                )
            }
        }
    }
}

/// The API's code for conditions that it can't read.
const BAD_CONDITION: &str = "ApiFindCondition";

fn status_sentence(
    status: u16,
    api: &ApiError,
    on: &Target<'_>,
    attempts: Attempts<'_>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let answer = format!("({})", Answered { status, api });
    match status {
        400 if api.code.as_deref() == Some(BAD_CONDITION) => write!(
            f,
            "the server does not take the conditions of {on} {answer}: check names and values, text stands in quotes and a date in brackets"
        ),
        300..=399 => write!(
            f,
            "the server redirects {on} instead of answering {answer}: check the host in CW_BASE_URL, redirects are not followed"
        ),
        401 => write!(
            f,
            "the server refused the credentials for {on} {answer}: check CW_AUTH_USERNAME, CW_AUTH_PASSWORD and CW_CLIENTID"
        ),
        403 => write!(
            f,
            "the server forbids {on} {answer}: check the security role of the API member and CW_CLIENTID, and that the route exists"
        ),
        404 if on.0.is_some_and(|request| api.is_missing_record(&request.path)) => {
            write!(f, "there is no such record for {on} {answer}")
        }
        404 => write!(
            f,
            "the server does not know {on} {answer}: check the path and the id, and whether CW_BASE_URL and the credentials fit this server"
        ),
        408 => write!(
            f,
            "the server gave up waiting for {on}{attempts} {answer}{}",
            Later { request: on.0, when: SAME_PAGE }
        ),
        409 => write!(
            f,
            "the server reports a conflict for {on} {answer}: read the record again before you repeat the change"
        ),
        429 => write!(f, "the server limits the rate of {on}{attempts} {answer}: wait, or send fewer requests at once"),
        500..=599 => {
            write!(f, "the server failed on {on}{attempts} {answer}{}", Later { request: on.0, when: SAME_PAGE })
        }
        _ => write!(f, "the server rejected {on} {answer}: correct the request"),
    }
}

fn name(status: u16) -> Option<&'static str> {
    http::StatusCode::from_u16(status).ok()?.canonical_reason()
}

/// `404 Not Found: the server's own words`.
struct Answered<'a> {
    status: u16,
    api: &'a ApiError,
}

impl fmt::Display for Answered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match name(self.status) {
            Some(name) => write!(f, "{} {name}: {}", self.status, self.api),
            None => write!(f, "{}: {}", self.status, self.api),
        }
    }
}

/// `90 seconds`, `5 minutes`, `2 hours`: rounded up, so that whoever waits so long has waited long enough.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            seconds @ ..=120 => write!(f, "{seconds} seconds"),
            seconds @ ..=7_200 => write!(f, "{} minutes", seconds.div_ceil(60)),
            seconds => write!(f, "{} hours", seconds.div_ceil(3_600)),
        }
    }
}

/// `GET /time/entries`, or words for a request that was never made.
struct Target<'a>(Option<&'a RequestFacts>);

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(request) => request.fmt(f),
            None => f.write_str("the request"),
        }
    }
}

/// Where and for whom the server was asked, and what of it may be wrong.
struct Whereabouts<'a>(&'a Asked);

impl fmt::Display for Whereabouts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Asked { address, company } = self.0;
        write!(
            f,
            "{address} was asked for the company {company:?}; check that CW_BASE_URL names the API host, as https://api-na.myconnectwise.net does, and not the web client or a proxy, and that the company before + in CW_AUTH_USERNAME is right"
        )
    }
}

/// ` after 8 attempts`, or nothing for the first.
struct Attempts<'a>(Option<&'a RequestFacts>);

impl fmt::Display for Attempts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(request) if request.attempt > 1 => write!(f, " after {} attempts", request.attempt),
            _ => Ok(()),
        }
    }
}

/// When a smaller page helps.
const SAME_PAGE: &str = " if it is always the same page";

/// What to do about a server that may do better later. Nothing for a write, which must not be sent again blindly.
struct Later<'a> {
    request: Option<&'a RequestFacts>,
    when: &'static str,
}

impl fmt::Display for Later<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.request {
            Some(request) if request.is_write => Ok(()),
            _ => write!(f, ": try again later, or with a smaller page size{}", self.when),
        }
    }
}

/// ` (expected i64)`, or nothing.
struct Expected<'a>(Option<&'a str>);

impl fmt::Display for Expected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |expected| write!(f, " ({expected})"))
    }
}

/// Bytes in the largest unit that divides them.
struct Size(usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(usize, &str); 2] = [(1024 * 1024, "MB"), (1024, "KB")];
        match UNITS.iter().find(|(unit, _)| self.0 >= *unit && self.0.is_multiple_of(*unit)) {
            Some((unit, name)) => write!(f, "{} {name}", self.0 / unit),
            None => write!(f, "{} bytes", self.0),
        }
    }
}
