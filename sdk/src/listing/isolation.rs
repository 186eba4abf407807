//! A record on which the server fails: whether it is the record or the server, and where the listing goes on behind it.

use std::sync::Arc;

use super::{Listing, PATIENCE};
use crate::{
    Error, ErrorKind, RecordText, Response, Result, UnreadableRecord, body,
    paging::id,
    request::{Method, Request},
    retry::is_passing,
};

/// How many records behind a bad one are asked for, to find one that isn't bad.
const NEIGHBOURS: u32 = 4;

/// Records in a row that may be skipped: a server that fails on more fails on the route.
const MOST_SKIPPED: u32 = 20;

/// What became of a page of one record on which the server fails.
pub(super) enum Alone {
    /// It came after all.
    Came(Response),
    /// It is skipped.
    Skipped,
    /// It is skipped, and nothing comes after it, as this empty answer says.
    WasLast(Response),
}

/// What surrounds a record on which the server fails.
struct Surroundings {
    id: Option<i64>,
    before: Option<i64>,
    /// The id to continue from, or the empty answer that says that there is nothing.
    next: Result<i64, Response>,
}

impl Listing {
    /// Whether a smaller page may come where this one failed. A body that trickles in does so at any size.
    pub(super) fn may_be_the_page(&self, error: &Error) -> bool {
        match error.kind() {
            ErrorKind::Timeout if error.is_too_slow() => false,
            ErrorKind::Timeout | ErrorKind::Interrupted | ErrorKind::TooLarge => true,
            _ => error.status().is_some_and(is_passing) && error.retry_after().is_none(),
        }
    }

    /// The server fails on one record, or it fails altogether: what comes behind the record tells.
    pub(super) async fn alone(&mut self, error: Error) -> Result<Alone> {
        let after = self.position.after_id();
        let Some(found) = self.surroundings(after).await else { return Err(error) };
        // The trouble may have passed while the others were asked for.
        let error = match self.request.client.execute(&impatient(self.render(1))).await {
            Ok(response) => return Ok(Alone::Came(response)),
            Err(error) if self.may_be_the_page(&error) => error,
            Err(error) => return Err(error),
        };
        if self.skipped >= MOST_SKIPPED {
            return Err(error);
        }
        let facts = error.request().cloned();
        let record = UnreadableRecord { id: found.id, after, before: found.before, error: Arc::new(error) };
        if !self.request.skip_unreadable {
            return Err(record.to_error(facts.as_ref()));
        }
        tracing::warn!(path = self.request.path, id = found.id, after, "skipping a record on which the server fails");
        self.unreadable.push(record);
        self.skipped += 1;
        self.size.passed();
        match found.next {
            Ok(next) => {
                self.position = self.position.at_id(next);
                Ok(Alone::Skipped)
            }
            Err(empty) => Ok(Alone::WasLast(empty)),
        }
    }

    /// Looks past the record behind `after`: by its id alone, which even a record that can't be written as a whole may
    /// have, or else by the first record behind it that comes. `None` if the server doesn't even answer that.
    async fn surroundings(&self, after: Option<i64>) -> Option<Surroundings> {
        let client = &self.request.client;
        let advances = |id: &i64| after.is_none_or(|after| *id > after);
        if let Ok(response) = client.execute(&impatient(self.probe(after, 1))).await
            && let Some(id) = only_id(&response)?.filter(advances)
        {
            return Some(Surroundings { id: Some(id), before: None, next: Ok(id) });
        }
        // Bad rows like company. A server that is only busy for a while gets all its time in the end.
        let mut probes: Vec<Request> = (2..=NEIGHBOURS + 1).map(|page| self.probe(after, page)).collect();
        for probe in &mut probes {
            probe.patience = Some(PATIENCE);
        }
        probes.push(self.probe(after, 2));
        for probe in &probes {
            let Ok(response) = client.execute(probe).await else { continue };
            return match only_id(&response)? {
                None => Some(Surroundings { id: None, before: None, next: Err(response) }),
                Some(before) if advances(&before) => {
                    Some(Surroundings { id: None, before: Some(before), next: Ok(before.checked_sub(1)?) })
                }
                Some(_) => None,
            };
        }
        None
    }

    /// Asks for the id of a record behind `after`: the first one is on page 1.
    fn probe(&self, after: Option<i64>, page: u32) -> Request {
        let conditions = self.behind(after);
        let mut request = self
            .request
            .narrowed(Request::new(Method::Get, &self.request.path), conditions.as_deref())
            .query("fields", "id")
            .query("orderBy", "id asc")
            .query("pageSize", "1")
            .query("page", page.to_string());
        request.expects_array = true;
        request.largest = body::LARGEST_PROBE;
        request
    }
}

/// One failure of the server is enough.
fn impatient(mut request: Request) -> Request {
    request.patience = Some(1);
    request
}

/// The id of the one record of an answer, `None` if there is no record; nothing if it is another answer.
fn only_id(response: &Response) -> Option<Option<i64>> {
    match RecordText::split(&response.body)?.as_slice() {
        [] => Some(None),
        [record] => id(record).map(Some),
        _ => None,
    }
}
