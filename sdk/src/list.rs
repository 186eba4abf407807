//! The untyped listing: what to ask for, and the stream of pages.

use futures::{Stream, stream};
use serde::Deserialize;

use crate::{
    Client, Condition, Continuation, Page, PagingMode, Result, body,
    conditions::Split,
    listing::Listing,
    page::Part,
    request::{ADVISED_URL, Method, Request, encoded_length},
};

/// Room in a URL for the key or the number of a page.
const POSITION: usize = 64;

/// A listing of an untyped list route.
#[derive(Debug, Clone)]
#[must_use = "a listing does nothing until its pages are read"]
pub struct ListRequest {
    pub(crate) client: Client,
    pub(crate) path: String,
    pub(crate) conditions: Option<Condition>,
    pub(crate) child_conditions: Option<Condition>,
    pub(crate) custom_field_conditions: Option<Condition>,
    pub(crate) fields: Option<String>,
    pub(crate) order_by: Option<String>,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) page_size: Option<u32>,
    /// As it was asked for.
    pub(crate) mode: Option<PagingMode>,
    pub(crate) version: Option<String>,
    pub(crate) skip_unreadable: bool,
    pub(crate) counted: Option<u64>,
    pub(crate) resume: Option<Continuation>,
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
            parameters: Vec::new(),
            page_size: None,
            mode: None,
            version: None,
            skip_unreadable: false,
            counted: None,
            resume: None,
        }
    }

    /// Only records that meet these conditions: a [`Condition`] or text in the API's query language. Empty text means none.
    ///
    /// An `in` list that makes the URL longer than the 2,000 characters that the API advises is asked for in pieces, one
    /// listing after the other: the records are the same, in id order within each piece. That works where every record
    /// must be on the list, so not below `|`, and not for text. Pieces follow no [order](Self::order_by) of the whole, so that
    /// both together are an error.
    pub fn conditions(mut self, conditions: impl Into<Condition>) -> Self {
        self.conditions = said(conditions);
        self
    }

    /// Conditions on the elements of array properties, as `communicationItems/value like "x*"`. The API allows no `in`
    /// here.
    pub fn child_conditions(mut self, conditions: impl Into<Condition>) -> Self {
        self.child_conditions = said(conditions);
        self
    }

    /// Conditions on custom fields: see [`custom_field`](crate::conditions::custom_field). The API allows no `in` here.
    pub fn custom_field_conditions(mut self, conditions: impl Into<Condition>) -> Self {
        self.custom_field_conditions = said(conditions);
        self
    }

    /// Only these properties: names with commas between them, nested ones as `company/id`.
    pub fn fields(mut self, fields: impl Into<String>) -> Self {
        self.fields = given(fields);
        self
    }

    /// Order, as `priority/sort asc, id`. It is read [by page numbers](PagingMode::PageNumber), which alone allow one: a listing
    /// that is told to go another way is an error.
    pub fn order_by(mut self, order: impl Into<String>) -> Self {
        self.order_by = given(order);
        self
    }

    /// A parameter that only this route has, as the `recordType` of `/system/documents`.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// Records in a page, 1 to 1000. Without it the client's setting counts.
    ///
    /// Where the server fails on a page every time, smaller ones are asked for, down to single records, and larger ones
    /// again afterwards (not with page numbers).
    pub fn page_size(mut self, size: u32) -> Self {
        self.page_size = Some(size);
        self
    }

    /// How to go from page to page (default: forward-only, or page numbers if there is an [order](Self::order_by)).
    pub fn mode(mut self, mode: PagingMode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Asks for another version of the API than the client does, for example `2025.1`: some routes only know some.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Goes on behind a record on which the server fails every time, instead of ending in an error.
    ///
    /// Each such record is [reported by its page](Page::unreadable): the listing isn't complete without it.
    pub fn skip_unreadable(mut self) -> Self {
        self.skip_unreadable = true;
        self
    }

    /// Says how many records the server counts, from [`Client::count`] with the same conditions, for a listing that doesn't end:
    /// more than twice as many, and 10,000, are an error. A listing that isn't told asks by itself when it has come that far,
    /// and goes on if the route can't count, up to [`most_records`](crate::Config::with_most_records).
    pub fn counted(mut self, records: u64) -> Self {
        self.counted = Some(records);
        self
    }

    /// Goes on where an earlier run of the same listing stood.
    pub fn resume(mut self, continuation: Continuation) -> Self {
        self.resume = Some(continuation);
        self
    }

    /// The pages, each asked for when it is polled.
    ///
    /// The listing is complete if and only if the stream yields a page that [is the last](Page::is_last), and no page
    /// reports [unreadable records](Page::unreadable). It ends after the last page, or after an error.
    pub fn pages(self) -> impl Stream<Item = Result<Page>> + Send + 'static {
        stream::unfold(State::Start(Box::new(self)), |state| async move {
            let listing = match state {
                State::Start(request) => match Listing::start(*request) {
                    Ok(listing) => Box::new(listing),
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

    /// How many records meet the conditions, by the route below this one that counts. Not every list has one.
    ///
    /// # Errors
    /// As any request.
    pub async fn count(&self) -> Result<u64> {
        self.count_at(&format!("{}/count", self.path.trim_end_matches('/'))).await
    }

    /// How many records meet the conditions, by the count route at `path`.
    pub(crate) async fn count_at(&self, path: &str) -> Result<u64> {
        self.count_with(path, None).await
    }

    /// The same, but for how often the server may fail on it.
    pub(crate) async fn count_with(&self, path: &str, patience: Option<u32>) -> Result<u64> {
        // What a message calls it.
        #[derive(Deserialize)]
        #[serde(expecting = "struct Count")]
        struct CountAnswer {
            count: u64,
        }
        self.check_conditions()?;
        let split = self.split();
        let mut part = split.as_ref().map(|split| self.part(split, 0));
        let mut sum: u64 = 0;
        loop {
            let piece = split.as_ref().zip(part).map(|(split, part)| split.piece(part.from, part.to));
            let conditions = piece.as_ref().or(self.conditions.as_ref()).map(Condition::to_string);
            let mut request = self.narrowed(Request::new(Method::Get, path), conditions.as_deref());
            (request.largest, request.patience) = (body::LARGEST_COUNT, patience);
            sum = sum.saturating_add(self.client.execute(&request).await?.json::<CountAnswer>()?.count);
            part = match (&split, part) {
                (Some(split), Some(part)) if part.to < split.len() => Some(self.part(split, part.to)),
                _ => return Ok(sum),
            };
        }
    }

    /// How it goes from page to page.
    pub(crate) fn mode_or_default(&self) -> PagingMode {
        let default = if self.order_by.is_some() { PagingMode::PageNumber } else { PagingMode::ForwardOnly };
        self.mode.unwrap_or(default)
    }

    /// Whether all conditions can be said.
    pub(crate) fn check_conditions(&self) -> Result<()> {
        let conditions = [&self.conditions, &self.child_conditions, &self.custom_field_conditions];
        let facts = || Request::new(Method::Get, &self.path).facts(1);
        let check = |condition: &Condition| condition.check().map_err(|error| error.with_request(facts()));
        conditions.into_iter().flatten().try_for_each(check)
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Adds what decides which records there are.
    pub(crate) fn narrowed(&self, mut request: Request, conditions: Option<&str>) -> Request {
        request.version.clone_from(&self.version);
        request.query.extend(self.parameters.iter().cloned());
        let text = |condition: &Option<Condition>| condition.as_ref().map(Condition::to_string);
        request
            .query_opt("conditions", conditions)
            .query_opt("childConditions", text(&self.child_conditions).as_deref())
            .query_opt("customFieldConditions", text(&self.custom_field_conditions).as_deref())
    }

    /// The conditions in pieces, if they are too long for one request and can be split.
    pub(crate) fn split(&self) -> Option<Split> {
        let conditions = self.conditions.as_ref()?;
        let split = Split::of(conditions)?;
        (self.length(conditions) > ADVISED_URL).then_some(split)
    }

    /// The piece that starts with value number `from`.
    pub(crate) fn part(&self, split: &Split, from: usize) -> Part {
        let room = ADVISED_URL.saturating_sub(self.length(&split.piece(from, from)));
        Part { from, to: split.end(from, room, encoded_length) }
    }

    /// Length of the URL of a page with these conditions.
    fn length(&self, conditions: &Condition) -> usize {
        let request = self
            .narrowed(Request::new(Method::Get, &self.path), Some(&conditions.to_string()))
            .query_opt("fields", self.fields.as_deref())
            .query_opt("orderBy", self.order_by.as_deref());
        let query: usize = request.query.iter().map(|(name, value)| name.len() + encoded_length(value) + 2).sum();
        self.client.base_url().len() + self.path.len() + query + POSITION
    }
}

enum State {
    Start(Box<ListRequest>),
    Next(Box<Listing>),
    Done,
}

fn said(conditions: impl Into<Condition>) -> Option<Condition> {
    Some(conditions.into()).filter(|conditions| !conditions.is_blank())
}

fn given(text: impl Into<String>) -> Option<String> {
    Some(text.into()).filter(|text| !text.trim().is_empty())
}
