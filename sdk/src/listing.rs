//! A listing under way: the next page, and the way around what the server can't give.

use std::sync::Arc;

use crate::{
    Condition, Continuation, Error, ErrorKind, ListRequest, Page, PagingMode, Response, Result, UnreadableRecord,
    conditions::{Split, field},
    config::MAX_PAGE_SIZE,
    link::Link,
    page::{self, Part},
    page_size::PageSize,
    paging::{Position, id},
    reason::Reason,
    request::{Method, Request},
};

/// How often the server fails on a page before a smaller one is asked for. What passes has mostly passed by then.
const PATIENCE: u32 = 3;

/// How many records behind a bad one are asked for, to find one that isn't bad.
const NEIGHBOURS: u32 = 4;

/// Records in a row that may be skipped: a server that fails on more fails on the route.
const MOST_SKIPPED: u32 = 20;

/// How often pages by number go back to their whole size after a smaller one came. By then it is the size that fails.
const RETURNS: u32 = 3;

pub(crate) struct Listing {
    request: ListRequest,
    /// Fingerprint of the request.
    query: String,
    page_size: u32,
    size: PageSize,
    /// The size of pages by number where none fails.
    whole: u32,
    returns: u32,
    position: Position,
    pages: u64,
    split: Option<Split>,
    part: Option<Part>,
    /// Skipped since the last page.
    unreadable: Vec<UnreadableRecord>,
    skipped: u32,
}

/// What became of a page of one record on which the server fails.
enum Alone {
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
    pub(crate) fn start(mut request: ListRequest) -> Result<Self> {
        let page_size = request.page_size.unwrap_or(request.client.config().page_size);
        let facts = Request::new(Method::Get, &request.path).facts(1);
        let refuse = |reason| Err(Error::new(reason).with_request(facts.clone()));
        if !(1..=MAX_PAGE_SIZE).contains(&page_size) {
            return refuse(Reason::PageSize { size: page_size });
        }
        match request.mode {
            PagingMode::ForwardOnly if request.order_by.is_some() => {
                return refuse(Reason::OrderNotAllowed { mode: "forward-only" });
            }
            PagingMode::Keyset if request.order_by.is_some() => {
                return refuse(Reason::OrderNotAllowed { mode: "keyset" });
            }
            _ => {}
        }
        let without_in = [
            ("child conditions", &request.child_conditions),
            ("custom field conditions", &request.custom_field_conditions),
        ];
        for (parameter, conditions) in without_in {
            if conditions.as_ref().is_some_and(Condition::has_in) {
                return refuse(Reason::InNotAllowed { parameter });
            }
        }
        let query = fingerprint(&request);
        let Some(saved) = request.resume.take() else {
            let (split, position) = (request.split(), Position::start(request.mode));
            let part = split.as_ref().map(|split| request.part(split, 0));
            return Ok(Self::at(request, query, page_size, position, 0, split, part));
        };
        // Page numbers mean other records when the page has another size.
        let same_pages = saved.page_size == page_size || !matches!(saved.position, Position::PageNumber { .. });
        // A piece ends where it ended when it was begun, whatever fits into a URL now.
        let split = saved.part.and(request.conditions.as_ref()).and_then(Split::of);
        let same_parts = match (saved.part, &split) {
            (None, _) => true,
            (Some(part), Some(split)) => part.from < part.to && part.to <= split.len(),
            (Some(_), None) => false,
        };
        if saved.path != request.path || saved.query != query || !same_pages || !same_parts {
            return refuse(Reason::ForeignContinuation);
        }
        Ok(Self::at(request, query, page_size, saved.position, saved.pages, split, saved.part))
    }

    fn at(
        request: ListRequest,
        query: String,
        page_size: u32,
        position: Position,
        pages: u64,
        split: Option<Split>,
        part: Option<Part>,
    ) -> Self {
        let whole = match position {
            // What fell back to numbers keeps the size of its first page.
            Position::PageNumber { size: Some(size), .. } if request.mode != PagingMode::PageNumber => size,
            _ => page_size,
        };
        Self {
            request,
            query,
            page_size,
            size: PageSize::new(page_size),
            whole,
            returns: RETURNS,
            position,
            pages,
            split,
            part,
            unreadable: Vec::new(),
            skipped: 0,
        }
    }

    pub(crate) async fn fetch(mut self: Box<Self>) -> Result<(Page, Option<Box<Self>>)> {
        loop {
            let size = self.current_size();
            let error = match self.request.client.execute(&self.render(size)).await {
                Ok(response) => return self.accept(response, size),
                Err(error) => error,
            };
            if !self.may_be_the_page(&error) {
                return Err(error);
            }
            if let Position::PageNumber { .. } = self.position {
                // What is behind a single record can't be told by numbers, so that one is the end.
                let Some(smaller) = self.position.smaller(size) else { return Err(error) };
                if size == self.whole {
                    self.returns = self.returns.saturating_sub(1);
                }
                self.position = smaller;
                tracing::warn!(path = self.request.path, page_size = self.current_size(), "asking for a smaller page");
                continue;
            }
            if !self.size.failed() {
                tracing::warn!(path = self.request.path, page_size = self.size.next(), "asking for a smaller page");
                continue;
            }
            match self.alone(error).await? {
                Alone::Came(response) => return self.accept(response, 1),
                Alone::Skipped => {}
                Alone::WasLast(response) => return Ok(self.turn(response, None)),
            }
        }
    }

    /// Takes in a page of `size` records at most.
    fn accept(mut self: Box<Self>, response: Response, size: u32) -> Result<(Page, Option<Box<Self>>)> {
        let link = Link::parse(response.link().as_deref());
        let (next, count) = {
            let records = page::records(&response)?;
            let next = self.position.after(&records, size, link).map_err(|reason| response.error(reason))?;
            (next, records.len())
        };
        self.size.came(count);
        self.skipped = 0;
        let turned = !matches!(self.position, Position::PageNumber { .. });
        let next = next.map(|next| match next {
            // The first page was the server's page 1 of this size, so page 2 has to have the same.
            Position::PageNumber { page, first, .. } if turned && size != self.page_size => {
                self.whole = size;
                Position::PageNumber { page, first, size: Some(size) }
            }
            next if self.returns > 0 => next.larger(self.whole),
            next => next,
        });
        Ok(self.turn(response, next))
    }

    /// The page of an answer, and what comes after it.
    fn turn(mut self: Box<Self>, response: Response, next: Option<Position>) -> (Page, Option<Box<Self>>) {
        self.pages += 1;
        let number = self.pages;
        let unreadable = std::mem::take(&mut self.unreadable);
        let next = next.or_else(|| self.next_part());
        let Some(position) = next else {
            return (Page { response, number, unreadable, continuation: None }, None);
        };
        self.position = position;
        let continuation = Continuation {
            path: self.request.path.clone(),
            query: self.query.clone(),
            page_size: self.page_size,
            pages: number,
            position,
            part: self.part,
        };
        (Page { response, number, unreadable, continuation: Some(continuation) }, Some(self))
    }

    /// Goes on to the next piece of the conditions.
    fn next_part(&mut self) -> Option<Position> {
        let (split, part) = (self.split.as_ref()?, self.part?);
        if part.to >= split.len() {
            return None;
        }
        self.part = Some(self.request.part(split, part.to));
        Some(Position::start(self.request.mode))
    }

    /// Whether a smaller page may come where this one failed.
    fn may_be_the_page(&self, error: &Error) -> bool {
        match error.kind() {
            ErrorKind::Timeout | ErrorKind::Interrupted => true,
            _ => matches!(error.status(), Some(500 | 502 | 503 | 504)) && error.retry_after().is_none(),
        }
    }

    /// The server fails on one record, or it fails altogether: what comes behind the record tells.
    async fn alone(&mut self, error: Error) -> Result<Alone> {
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
        request
    }

    fn current_size(&self) -> u32 {
        match self.position {
            Position::PageNumber { size, .. } => size.unwrap_or(self.page_size),
            Position::ForwardOnly { .. } | Position::Keyset { .. } => self.size.next(),
        }
    }

    /// The conditions of this piece, and an id above `after`.
    fn behind(&self, after: Option<i64>) -> Option<String> {
        let piece = self.split.as_ref().zip(self.part).map(|(split, part)| split.piece(part.from, part.to));
        let conditions = piece.as_ref().or(self.request.conditions.as_ref());
        match (conditions, after.map(|after| field("id").gt(after))) {
            (Some(conditions), Some(after)) => Some(format!("({conditions}) and {after}")),
            (Some(conditions), None) => Some(conditions.to_string()),
            (None, after) => after.map(String::from),
        }
    }

    fn render(&self, size: u32) -> Request {
        let list = &self.request;
        let conditions = match self.position {
            Position::Keyset { after } => self.behind(after),
            _ => self.behind(None),
        };
        // A listing that fell back to numbers goes on in the order of its first page.
        let order_by = match list.mode {
            PagingMode::ForwardOnly => None,
            PagingMode::PageNumber => Some(list.order_by.as_deref().unwrap_or("id asc")),
            PagingMode::Keyset => Some("id asc"),
        };
        let mut request = list
            .narrowed(Request::new(Method::Get, &list.path), conditions.as_deref())
            .query_opt("fields", list.fields.as_deref())
            .query_opt("orderBy", order_by)
            .query("pageSize", size.to_string());
        request.expects_array = true;
        match self.position {
            Position::ForwardOnly { page_id } => {
                request.headers.push(("pagination-type".to_owned(), "forward-only".to_owned()));
                request.patience = Some(PATIENCE);
                request.query_opt("pageId", page_id.map(|id| id.to_string()).as_deref())
            }
            Position::PageNumber { page, .. } => {
                // A single record gets all attempts: nothing else is tried after it.
                request.patience = (size > 1).then_some(PATIENCE);
                request.query("page", page.to_string())
            }
            Position::Keyset { .. } => {
                request.patience = Some(PATIENCE);
                request
            }
        }
    }
}

/// One failure of the server is enough.
fn impatient(mut request: Request) -> Request {
    request.patience = Some(1);
    request
}

/// The id of the one record of an answer, `None` if there is no record; nothing if it is another answer.
fn only_id(response: &Response) -> Option<Option<i64>> {
    match page::records(response).ok()?.as_slice() {
        [] => Some(None),
        [record] => id(record).map(Some),
        _ => None,
    }
}

/// FNV-1a over what decides which records come in which order: the same in every process and version.
fn fingerprint(request: &ListRequest) -> String {
    let mode = match request.mode {
        PagingMode::ForwardOnly => "forwardOnly",
        PagingMode::PageNumber => "pageNumber",
        PagingMode::Keyset => "keyset",
    };
    let conditions = [&request.conditions, &request.child_conditions, &request.custom_field_conditions];
    let conditions = conditions.map(|condition| condition.as_ref().map(Condition::to_string).unwrap_or_default());
    let rest = [request.order_by.clone().unwrap_or_default(), mode.to_owned()];
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in conditions.iter().chain(&rest) {
        // 0xff never occurs in UTF-8, so that no two lists of parts look alike.
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}
