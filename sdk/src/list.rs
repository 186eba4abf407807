//! The untyped listing: what to ask for, and the stream of pages.

use futures::{Stream, stream};
use serde::Deserialize;

use crate::{
    Client, Continuation, Error, Page, PagingMode, Result,
    config::MAX_PAGE_SIZE,
    link::Link,
    page,
    paging::Position,
    reason::Reason,
    request::{Method, Request},
};

/// A listing of an untyped list route.
#[derive(Debug, Clone)]
#[must_use = "a listing does nothing until its pages are read"]
pub struct ListRequest {
    client: Client,
    path: String,
    conditions: Option<String>,
    child_conditions: Option<String>,
    custom_field_conditions: Option<String>,
    fields: Option<String>,
    order_by: Option<String>,
    page_size: Option<u32>,
    mode: PagingMode,
    resume: Option<Continuation>,
}

impl ListRequest {
    pub(crate) fn new(client: Client, path: &str) -> Self {
        Self {
            client,
            path: path.to_owned(),
            conditions: None,
            child_conditions: None,
            custom_field_conditions: None,
            fields: None,
            order_by: None,
            page_size: None,
            mode: PagingMode::default(),
            resume: None,
        }
    }

    /// Only records that meet these conditions: a [`Condition`](crate::Condition) or text in the API's query language.
    /// Empty text means none.
    pub fn conditions(mut self, conditions: impl Into<String>) -> Self {
        self.conditions = given(conditions);
        self
    }

    /// Conditions on the elements of array properties.
    pub fn child_conditions(mut self, conditions: impl Into<String>) -> Self {
        self.child_conditions = given(conditions);
        self
    }

    /// Conditions on custom fields, as `caption="Name" AND value != null`.
    pub fn custom_field_conditions(mut self, conditions: impl Into<String>) -> Self {
        self.custom_field_conditions = given(conditions);
        self
    }

    /// Only these properties: names with commas between them, nested ones as `company/id`.
    pub fn fields(mut self, fields: impl Into<String>) -> Self {
        self.fields = given(fields);
        self
    }

    /// Order, as `priority/sort asc, id`. Only page numbers allow one.
    pub fn order_by(mut self, order: impl Into<String>) -> Self {
        self.order_by = given(order);
        self
    }

    /// Records in a page, 1 to 1000. Without it the client's setting counts.
    pub fn page_size(mut self, size: u32) -> Self {
        self.page_size = Some(size);
        self
    }

    /// How to go from page to page (default: forward-only).
    pub fn mode(mut self, mode: PagingMode) -> Self {
        self.mode = mode;
        self
    }

    /// Goes on where an earlier run of the same listing stood.
    pub fn resume(mut self, continuation: Continuation) -> Self {
        self.resume = Some(continuation);
        self
    }

    /// The pages, each asked for when it is polled.
    ///
    /// The listing is complete if and only if the stream yields a page that [is the last](Page::is_last). It ends after
    /// that page, or after an error.
    pub fn pages(self) -> impl Stream<Item = Result<Page>> + Send + 'static {
        stream::unfold(State::Start(Box::new(self)), |state| async move {
            let listing = match state {
                State::Start(request) => match request.start() {
                    Ok(listing) => listing,
                    Err(error) => return Some((Err(error), State::Done)),
                },
                State::Next(listing) => listing,
                State::Done => return None,
            };
            match listing.fetch().await {
                Ok((page, Some(next))) => Some((Ok(page), State::Next(next))),
                Ok((page, None)) => Some((Ok(page), State::Done)),
                Err(error) => Some((Err(error), State::Done)),
            }
        })
    }

    /// How many records meet the conditions, by the count route at `path`.
    pub(crate) async fn count_at(&self, path: &str) -> Result<u64> {
        #[derive(Deserialize)]
        struct Count {
            count: u64,
        }
        let request = self.narrowed(Request::new(Method::Get, path), self.conditions.as_deref());
        Ok(self.client.execute(&request).await?.json::<Count>()?.count)
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Adds what decides which records there are.
    fn narrowed(&self, request: Request, conditions: Option<&str>) -> Request {
        request
            .query_opt("conditions", conditions)
            .query_opt("childConditions", self.child_conditions.as_deref())
            .query_opt("customFieldConditions", self.custom_field_conditions.as_deref())
    }

    fn start(self) -> Result<Box<Listing>> {
        let page_size = self.page_size.unwrap_or(self.client.config().page_size);
        let facts = Request::new(Method::Get, &self.path).facts(1);
        let refuse = |reason| Err(Error::new(reason).with_request(facts.clone()));
        if !(1..=MAX_PAGE_SIZE).contains(&page_size) {
            return refuse(Reason::PageSize { size: page_size });
        }
        match self.mode {
            PagingMode::ForwardOnly if self.order_by.is_some() => {
                return refuse(Reason::OrderNotAllowed { mode: "forward-only" });
            }
            PagingMode::Keyset if self.order_by.is_some() => return refuse(Reason::OrderNotAllowed { mode: "keyset" }),
            _ => {}
        }
        let query = self.fingerprint();
        let (position, pages) = match &self.resume {
            None => (Position::start(self.mode), 0),
            Some(saved) => {
                // Page numbers mean other records when the page has another size.
                let same_pages = saved.page_size == page_size || !matches!(saved.position, Position::PageNumber { .. });
                if saved.path != self.path || saved.query != query || !same_pages {
                    return refuse(Reason::ForeignContinuation);
                }
                (saved.position, saved.pages)
            }
        };
        Ok(Box::new(Listing { request: self, query, page_size, position, pages }))
    }

    /// FNV-1a over what decides which records come in which order: the same in every process and version.
    fn fingerprint(&self) -> String {
        let mode = match self.mode {
            PagingMode::ForwardOnly => "forwardOnly",
            PagingMode::PageNumber => "pageNumber",
            PagingMode::Keyset => "keyset",
        };
        let parts = [&self.conditions, &self.child_conditions, &self.custom_field_conditions, &self.order_by]
            .map(Option::as_deref);
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for part in parts.into_iter().chain([Some(mode)]) {
            // 0xff never occurs in UTF-8, so that no two lists of parts look alike.
            for byte in part.unwrap_or_default().bytes().chain([0xff]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        format!("{hash:016x}")
    }
}

enum State {
    Start(Box<ListRequest>),
    Next(Box<Listing>),
    Done,
}

/// A listing under way.
struct Listing {
    request: ListRequest,
    query: String,
    page_size: u32,
    position: Position,
    pages: u64,
}

impl Listing {
    async fn fetch(mut self: Box<Self>) -> Result<(Page, Option<Box<Self>>)> {
        let response = self.request.client.execute(&self.render()).await?;
        let link = Link::parse(response.link().as_deref());
        let next = {
            let records = page::records(&response)?;
            self.position.after(&records, self.page_size, link).map_err(|reason| response.error(reason))?
        };
        self.pages += 1;
        let number = self.pages;
        let Some(position) = next else {
            return Ok((Page { response, number, continuation: None }, None));
        };
        self.position = position;
        let continuation = Continuation {
            path: self.request.path.clone(),
            query: self.query.clone(),
            page_size: self.page_size,
            pages: number,
            position,
        };
        Ok((Page { response, number, continuation: Some(continuation) }, Some(self)))
    }

    fn render(&self) -> Request {
        let list = &self.request;
        let conditions = match self.position {
            Position::Keyset { after: Some(key) } => Some(match &list.conditions {
                Some(conditions) => format!("({conditions}) and id > {key}"),
                None => format!("id > {key}"),
            }),
            _ => list.conditions.clone(),
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
            .query("pageSize", self.page_size.to_string());
        request.expects_array = true;
        match self.position {
            Position::ForwardOnly { page_id } => {
                request.headers.push(("pagination-type".to_owned(), "forward-only".to_owned()));
                request.query_opt("pageId", page_id.map(|id| id.to_string()).as_deref())
            }
            Position::PageNumber { page, .. } => request.query("page", page.to_string()),
            Position::Keyset { .. } => request,
        }
    }
}

fn given(text: impl Into<String>) -> Option<String> {
    Some(text.into()).filter(|text| !text.trim().is_empty())
}
