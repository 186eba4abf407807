//! One page of a listing, its records still text.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    RecordText, RequestFacts, Response, Result, UnreadableRecord, nearly_json,
    paging::Position,
    reason::Reason,
    record_text,
    split::{self, Unsplit},
};

/// One page of a listing.
#[derive(Clone)]
pub struct Page {
    pub(crate) response: Response,
    /// Where the records lie in the body.
    pub(crate) records: Vec<Range<usize>>,
    /// Numbers of those that aren't JSON.
    pub(crate) broken: Vec<usize>,
    pub(crate) number: u64,
    pub(crate) unreadable: Vec<UnreadableRecord>,
    pub(crate) continuation: Option<Continuation>,
}

impl Page {
    /// The answer's body: a JSON array, but for records that [aren't JSON](RecordText::is_broken). A byte order mark is left out,
    /// and `NaN` and `Infinity` stand in quotes.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.response.body
    }

    /// Number of the page in its listing, from 1. A resumed listing counts on.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Where the listing goes on after this page, or `None` if this is provably the last one.
    ///
    /// It stays good when a later page fails: hand it to `resume` of the same listing.
    #[must_use]
    pub fn continuation(&self) -> Option<&Continuation> {
        self.continuation.as_ref()
    }

    /// Whether this is provably the last page. A stream that ends without one has ended in an error.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.continuation.is_none()
    }

    /// Records that the server couldn't give, between the page before and this one. The listing isn't complete without
    /// them. There are some only after [`skip_unreadable`](crate::ListRequest::skip_unreadable).
    #[must_use]
    pub fn unreadable(&self) -> &[UnreadableRecord] {
        &self.unreadable
    }

    /// The request that it answers.
    #[must_use]
    pub fn request(&self) -> &RequestFacts {
        &self.response.facts
    }

    /// The server's id of the request, which its support asks for.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.response.facts.request_id.as_deref()
    }

    /// The records, split but not read: each is the text of one element of the array. The page was checked and split when it
    /// came, so this costs next to nothing.
    ///
    /// # Errors
    /// None for pages from a stream.
    pub fn records(&self) -> Result<Vec<RecordText<'_>>> {
        record_text::pieces(&self.response.body, &self.records, &self.broken).ok_or_else(|| self.response.not_json())
    }
}

impl fmt::Debug for Page {
    /// The records aren't shown: they are somebody's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("number", &self.number)
            .field("records", &self.records.len())
            .field("unreadable", &self.unreadable)
            .field("response", &self.response)
            .field("continuation", &self.continuation)
            .finish()
    }
}

/// Where the records of an answer lie, and the numbers of those that aren't JSON. Its body is mended where it nearly is.
///
/// # Errors
/// What the answer is, if it is no list of records.
pub(crate) fn records(response: &mut Response) -> Result<(Vec<Range<usize>>, Vec<usize>)> {
    response.body = nearly_json::bytes_without_bom(std::mem::take(&mut response.body));
    match split::split(&response.body) {
        Ok(records) => return Ok((records, Vec::new())),
        Err(Unsplit::TooMany) => return Err(response.error(Reason::TooManyRecords { limit: split::MOST })),
        Err(_) => {}
    }
    if let Some(quoted) = nearly_json::quoted(&response.body).map(Bytes::from) {
        if let Ok(records) = split::split(&quoted) {
            response.body = quoted;
            return Ok((records, Vec::new()));
        }
        if let Some(found) = nearly_json::pieces(&quoted) {
            response.body = quoted;
            return Ok(found);
        }
    }
    nearly_json::pieces(&response.body).ok_or_else(|| {
        let other_json = split::end_of_json(&response.body).is_ok();
        if other_json { response.no_list() } else { response.not_json() }
    })
}

/// Where a listing goes on. It can be saved as JSON and used by a later process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Continuation {
    pub(crate) path: String,
    /// Fingerprint of what decides which records come in which order.
    pub(crate) query: String,
    pub(crate) page_size: u32,
    /// Pages that came before.
    pub(crate) pages: u64,
    pub(crate) position: Position,
    /// Which values of a long `in` list it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) part: Option<Part>,
}

/// A piece of an `in` list, by the numbers of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) from: usize,
    /// One behind the last.
    pub(crate) to: usize,
}
