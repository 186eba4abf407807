//! The typed listing: records one by one, of which a bad one fails alone.

use std::{fmt, marker::PhantomData, pin::pin};

use futures::{Stream, StreamExt, TryStreamExt, stream};
use serde::de::DeserializeOwned;

use crate::{
    ConditionsOf, Continuation, Error, FieldsOf, ListRequest, MAX_PAGE_SIZE, OrderOf, Page, PagingMode, RecordFacts,
    RecordText, Result,
    conditions::Untyped,
    mismatch,
    paging::id,
    reason::Reason,
    request::{Method, Request},
    resource::{Count, List, fill},
};

/// A listing of a resource.
#[must_use = "a listing does nothing until it is read"]
pub struct ItemList<R> {
    list: ListRequest,
    /// Parents of the collection, for the path that counts.
    parents: Vec<i64>,
    limit: Option<u32>,
    resource: PhantomData<fn() -> R>,
}

// A derive would ask for more of the resource, which is but a name.
impl<R> Clone for ItemList<R> {
    fn clone(&self) -> Self {
        let Self { list, parents, limit, resource } = self;
        Self { list: list.clone(), parents: parents.clone(), limit: *limit, resource: *resource }
    }
}

impl<R> fmt::Debug for ItemList<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemList").field("list", &self.list).finish_non_exhaustive()
    }
}

impl<R: List> ItemList<R> {
    pub(crate) fn new(list: ListRequest, parents: Vec<i64>) -> Self {
        Self { list, parents, limit: None, resource: PhantomData }
    }

    fn map(self, change: impl FnOnce(ListRequest) -> ListRequest) -> Self {
        Self { list: change(self.list), ..self }
    }

    /// As [`ListRequest::conditions`], but for conditions on records of another type.
    pub fn conditions(self, conditions: impl ConditionsOf<R::Record>) -> Self {
        self.map(|list| list.conditions(conditions))
    }

    /// As [`ListRequest::child_conditions`], but for conditions on records of another type.
    pub fn child_conditions(self, conditions: impl ConditionsOf<R::Record>) -> Self {
        self.map(|list| list.child_conditions(conditions))
    }

    /// As [`ListRequest::custom_field_conditions`].
    pub fn custom_field_conditions(self, conditions: impl ConditionsOf<Untyped>) -> Self {
        self.map(|list| list.custom_field_conditions(conditions))
    }

    /// As [`ListRequest::fields`], or paths to them: `fields((ticket::ID, ticket::SUMMARY))`. What isn't asked for is absent in
    /// the records.
    pub fn fields(self, fields: impl FieldsOf<R::Record>) -> Self {
        self.map(|list| list.fields(fields.into_fields()))
    }

    /// As [`ListRequest::order_by`], or orders by paths: `order_by([ticket::SUMMARY.asc(), ticket::ID.desc()])`.
    pub fn order_by(self, order: impl OrderOf<R::Record>) -> Self {
        self.map(|list| list.order_by(order.into_order()))
    }

    /// As [`ListRequest::parameter`].
    pub fn parameter(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.map(|list| list.parameter(name, value))
    }

    /// As [`ListRequest::page_size`].
    pub fn page_size(self, size: u32) -> Self {
        self.map(|list| list.page_size(size))
    }

    /// As [`ListRequest::mode`].
    pub fn mode(self, mode: PagingMode) -> Self {
        self.map(|list| list.mode(mode))
    }

    /// As [`ListRequest::version`].
    pub fn version(self, version: impl Into<String>) -> Self {
        self.map(|list| list.version(version))
    }

    /// As [`ListRequest::skip_unreadable`].
    pub fn skip_unreadable(self) -> Self {
        self.map(ListRequest::skip_unreadable)
    }

    /// As [`ListRequest::resume`].
    pub fn resume(self, continuation: Continuation) -> Self {
        self.map(|list| list.resume(continuation))
    }

    /// The first `records` and no more, in the order of the list: what comes behind them isn't asked for. Records that can't be read
    /// count, too.
    ///
    /// ```
    /// # #[cfg(feature = "time")]
    /// # async fn example(client: connectwise_sdk::Client) -> connectwise_sdk::Result<()> {
    /// use connectwise_sdk::models::TimeEntry;
    ///
    /// let newest = client.resource::<TimeEntry>().list().order_by("timeStart desc").limit(5).collect(5).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn limit(self, records: u32) -> Self {
        Self { limit: Some(records), ..self }
    }

    /// The first record in the order of the list, `None` if there is none. One record is asked for.
    ///
    /// # Errors
    /// As any request, and when the record can't be read.
    pub async fn first(self) -> Result<Option<R::Record>> {
        pin!(self.limit(1).stream()).try_next().await
    }

    /// The pages, of which a [`limit`](Self::limit) says how many records they have and not where they end. [`Page::items`] reads
    /// their records.
    pub fn pages(self) -> impl Stream<Item = Result<Page>> + Send + 'static {
        let list = match (self.limit, self.list.page_size) {
            (Some(limit), None) => self.list.page_size(limit.clamp(1, MAX_PAGE_SIZE)),
            (Some(limit), Some(size)) => self.list.page_size(limit.clamp(1, size.max(1))),
            (None, _) => self.list,
        };
        list.pages()
    }

    /// The records.
    ///
    /// A record that can't be read is an error which [names it](Error::record), and the stream goes on; so it does behind
    /// one that the server can't give, if that [is to be skipped](Self::skip_unreadable). Any other error ends it: the
    /// listing is then incomplete.
    pub fn stream(self) -> impl Stream<Item = Result<R::Record>> + Send + 'static {
        let limit = self.limit.map_or(usize::MAX, |limit| limit as usize);
        let records = self.pages().flat_map(|page| {
            let page = match page {
                Ok(page) => page,
                Err(error) => return stream::iter(vec![Err(error)]),
            };
            let request = Some(page.request());
            let mut items: Vec<Result<R::Record>> =
                page.unreadable().iter().map(|record| Err(record.to_error(request))).collect();
            match page.items::<R::Record>() {
                Ok(records) => items.extend(records),
                Err(error) => items.push(Err(error)),
            }
            stream::iter(items)
        });
        records.take(limit)
    }

    /// All records, of which there may be `limit` at most.
    ///
    /// # Errors
    /// When there are more, when one can't be read, or when the listing can't be completed: there is no partial result.
    pub async fn collect(self, limit: usize) -> Result<Vec<R::Record>> {
        let facts = Request::new(Method::Get, self.list.path()).facts(1);
        let mut records = Vec::new();
        let mut stream = pin!(self.stream());
        while let Some(record) = stream.try_next().await? {
            if records.len() == limit {
                return Err(Error::new(Reason::TooMany { limit }).with_request(facts));
            }
            records.push(record);
        }
        Ok(records)
    }
}

impl<R: List + Count> ItemList<R> {
    /// How many records meet the conditions.
    ///
    /// # Errors
    /// As any request.
    pub async fn count(&self) -> Result<u64> {
        self.list.count_at(&fill(R::COUNT_PATH, &self.parents, None)).await
    }
}

impl Page {
    /// The records as `T`, each with its own result: a bad one fails alone, with its id and the place.
    ///
    /// # Errors
    /// When the body isn't a JSON array.
    pub fn items<T: DeserializeOwned>(&self) -> Result<Vec<Result<T>>> {
        let read = |record: &RecordText<'_>| {
            let bad = |json_path, expected| {
                let facts = RecordFacts { id: id(record), json_path, expected };
                Error::new(Reason::Record { record: facts }).with_request(self.request().clone())
            };
            if record.is_broken() {
                return Err(bad(".".to_owned(), Some("expected JSON".to_owned())));
            }
            if record.is_mended() {
                return Err(bad(".".to_owned(), Some("expected UTF-8".to_owned())));
            }
            mismatch::read(record.get().as_bytes())
                .map_err(|mismatch| bad(mismatch.place(&self.response.redactor), mismatch.expected))
        };
        Ok(self.records()?.iter().map(read).collect())
    }
}
