//! Reading an entity from the API: every record of it, or an error.
//!
//! A read is complete only when all of this holds: the server said that the last page was the last, the keys only ever
//! grew, and there were at least as many records as the server counts before and after; where it can't count, or refuses to,
//! the last page and the keys have to do. Anything else is [`Kind::Incomplete`], and whoever writes the rows gets the error
//! before the end of the stream.

mod count;
pub(crate) mod dates;
mod measured;
mod place;
mod unreadable;
mod window;

use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use connectwise_sdk::catalog::{Entity, Load};
use connectwise_sdk::conditions::Condition;
use connectwise_sdk::{Client, ListRequest, Method, Page};
use futures::stream::{self, BoxStream, Stream, StreamExt};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::decode::{Decoder, Rejected};
use crate::error::{Error, Kind, Result};
pub(crate) use count::{count, count_at, uncounted};
pub use dates::{DateForm, DateProbe, Dates, Known, Reading};
pub use measured::{Ahead, Measured, Newest, ReadFrom, ServerClock, newest};
pub(crate) use place::Place;
pub(crate) use unreadable::leave_out;
pub use unreadable::{MOST_UNREADABLE, Unreadable, left_out};
pub(crate) use window::RESCAN;
pub use window::Window;

/// Batches between the reader and the writer: enough to keep both busy, few enough to bound memory.
const AHEAD: usize = 3;

/// Bytes of the largest answer to a question about a record or a few: some routes send all of their properties.
pub(crate) const FEW_RECORDS: usize = 4 * 1024 * 1024;

/// Pages that wait to be decoded, beside the one that is under way.
const PAGES_AHEAD: usize = 1;

/// What a read has seen, complete once the stream has ended without an error.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Records that the API sent.
    pub records: u64,
    /// Rows with something in `_rescued`.
    pub rescued: u64,
    /// Records that can't be rows.
    pub rejected: Vec<Rejected>,
    /// Records that the server can't give.
    pub unreadable: Vec<Unreadable>,
    /// What the server counted before the read, where it can count.
    pub counted: Option<u64>,
    /// What it counted after the read.
    pub counted_after: Option<u64>,
    /// Why it didn't count, where it should be able to: the read has to do without.
    pub uncounted: Option<String>,
    /// Whether the server said which page is the last, `None` where it has no pages to say so of.
    pub ended: Option<bool>,
    /// Whether every key so far was greater than the one before it, `None` where their order proves nothing.
    pub ascending: Option<bool>,
    /// Whether the read proved that it is whole, but for what is unreadable.
    pub complete: bool,
}

/// The rows of a read, one batch a page.
pub struct Extraction {
    /// Schema of the batches.
    pub schema: SchemaRef,
    /// The batches. An error means that the read isn't whole.
    pub rows: BoxStream<'static, Result<RecordBatch>>,
    /// What was seen, up to now.
    pub seen: Arc<Mutex<Seen>>,
}

/// The part of an entity to read.
#[derive(Debug, Clone)]
pub enum Scope {
    /// Every record.
    All,
    /// Records changed since the watermark, widened by the entity's business-date windows.
    Since {
        /// Highest change time stored so far.
        watermark: DateTime<Utc>,
        /// How far back of it the read goes.
        window: Window,
        /// How the server reads dates.
        dates: Dates,
    },
    /// Records that meet a condition.
    Where(Condition),
}

/// The condition that selects a scope, `None` for all records.
pub fn condition(entity: &Entity, scope: &Scope) -> Option<Condition> {
    if let Scope::Where(condition) = scope {
        return Some(condition.clone());
    }
    let (Scope::Since { watermark, window, dates }, Load::Incremental { watermark: path, windows }) =
        (scope, entity.load)
    else {
        return None;
    };
    let changed = dates.since(path, window.from(*watermark));
    Some(windows.iter().fold(changed, |condition, business| {
        condition | dates.since(business.field, window.business(*watermark, business.days))
    }))
}

/// Starts to read. Pages are fetched and decoded ahead of whoever takes the rows.
///
/// # Errors
/// [`Kind::Source`] when the server can't count the records, else errors come through the stream.
pub async fn extract(
    client: &Client,
    entity: &'static Entity,
    scope: &Scope,
    page_size: u32,
    decoder: Decoder,
) -> Result<Extraction> {
    let condition = condition(entity, scope).map(|condition| condition.to_string());
    let count = count(client, entity, condition.as_deref()).await.map_err(|error| source_error(entity, error))?;
    let (counted, uncounted) = (count.records, count.refused);
    let (ended, ascending) = (Some(false), Some(true));
    let seen = Arc::new(Mutex::new(Seen { counted, uncounted, ended, ascending, ..Seen::default() }));
    let (sender, receiver) = mpsc::channel(AHEAD);
    let schema = decoder.schema().clone();
    let reader =
        Reader { client: client.clone(), entity, condition, page_size, decoder, seen: seen.clone(), last_key: None };
    tokio::spawn(async move {
        if let Err(error) = reader.read(&sender).await {
            // The receiver is gone when the writer failed first; its error is the one to tell.
            sender.send(Err(error)).await.ok();
        }
    });
    let rows = until_complete(receiver, entity, seen.clone()).boxed();
    Ok(Extraction { schema, rows, seen })
}

/// Lowest and highest key of the list, but for records that the server can't give; `None` where it is empty.
///
/// # Errors
/// [`Kind::Source`] when the server refuses the request.
pub(crate) async fn key_bounds(client: &Client, entity: &Entity) -> Result<Option<(i64, i64)>> {
    let mut ends = Vec::new();
    for order in ["asc", "desc"] {
        let record = first(client, entity, &format!("{} {order}", entity.key), entity.key).await?;
        ends.extend(record.and_then(|record| record.get(entity.key)?.as_i64()));
    }
    Ok(ends.first().copied().zip(ends.get(1).copied()))
}

/// Some fields of the first record in an order. One that the server can't give is passed over, as a read does: else it would
/// keep all others back.
async fn first(client: &Client, entity: &Entity, order: &str, fields: &str) -> Result<Option<Value>> {
    let mut page = 1;
    loop {
        let request = client.request(Method::Get, entity.path).expects_array().largest_answer(FEW_RECORDS);
        let request = request.query("fields", fields).query("orderBy", order);
        let request = if page > 1 { request.patience(1) } else { request };
        let answer = request.query("pageSize", "1").query("page", page.to_string()).send().await;
        match answer.and_then(|answer| answer.json::<Vec<Value>>()) {
            Ok(records) => return Ok(records.into_iter().next()),
            Err(error) if page <= MOST_UNREADABLE && error.status() == Some(500) => page += 1,
            Err(error) => return Err(source_error(entity, error)),
        }
    }
}

/// What the reader sends. When it falls silent without having proved that it is through, because its task was lost, that is
/// an error too: the end of a channel must not pass for the end of the list.
fn until_complete(
    receiver: mpsc::Receiver<Result<RecordBatch>>,
    entity: &'static Entity,
    seen: Arc<Mutex<Seen>>,
) -> impl Stream<Item = Result<RecordBatch>> + Send {
    stream::unfold(Some(receiver), move |receiver| {
        let seen = seen.clone();
        async move {
            let mut receiver = receiver?;
            match receiver.recv().await {
                Some(Ok(batch)) => Some((Ok(batch), Some(receiver))),
                Some(Err(error)) => Some((Err(error), None)),
                None if seen.lock().is_ok_and(|seen| seen.complete) => None,
                None => Some((Err(incomplete(entity, "the reader stopped before the last page")), None)),
            }
        }
    })
}

pub(crate) fn source_error(entity: &Entity, error: connectwise_sdk::Error) -> Error {
    Error::new(Kind::Source, format!("{} can't be read", entity.name)).with_source(error)
}

/// Fetches pages while the last ones are decoded and written. The end of the channel proves nothing: a page says that it is the
/// last.
fn ahead(list: ListRequest) -> mpsc::Receiver<connectwise_sdk::Result<Page>> {
    let (sender, receiver) = mpsc::channel(PAGES_AHEAD);
    tokio::spawn(async move {
        let mut pages = Box::pin(list.pages());
        while let Some(page) = pages.next().await {
            // Nobody waits for it any more when whoever reads gave up.
            if sender.send(page).await.is_err() {
                return;
            }
        }
    });
    receiver
}

struct Reader {
    client: Client,
    entity: &'static Entity,
    condition: Option<String>,
    page_size: u32,
    decoder: Decoder,
    seen: Arc<Mutex<Seen>>,
    last_key: Option<i64>,
}

impl Reader {
    async fn read(mut self, sender: &mpsc::Sender<Result<RecordBatch>>) -> Result<()> {
        let mut list = self.client.list(self.entity.path).page_size(self.page_size).skip_unreadable();
        if let Some(counted) = self.seen.lock().ok().and_then(|seen| seen.counted) {
            list = list.counted(counted);
        }
        if let Some(condition) = &self.condition {
            list = list.conditions(condition.clone());
        }
        let mut pages = ahead(list);
        let mut ended = false;
        while let Some(page) = pages.recv().await.transpose().map_err(|error| source_error(self.entity, error))? {
            ended = page.is_last();
            if let Ok(mut seen) = self.seen.lock() {
                seen.ended = Some(ended);
            }
            self.leave_out(&page)?;
            let batch = self.decode(&page)?;
            if batch.num_rows() > 0 && sender.send(Ok(batch)).await.is_err() {
                return Ok(());
            }
        }
        if !ended {
            return Err(incomplete(self.entity, "the server never said which page is the last"));
        }
        self.prove().await
    }

    /// Notes what the server couldn't give before this page.
    fn leave_out(&self, page: &Page) -> Result<()> {
        let Ok(mut seen) = self.seen.lock() else { return Ok(()) };
        leave_out(&mut seen.unreadable, page).map_err(|why| incomplete(self.entity, &why))
    }

    fn decode(&mut self, page: &Page) -> Result<RecordBatch> {
        let records = page.records().map_err(|error| source_error(self.entity, error))?;
        let mut rejected: Vec<Rejected> = Vec::new();
        let mut first_key = None;
        for record in &records {
            match self.decoder.push(record)? {
                Ok(key) if self.last_key.is_none_or(|last| key > last) => {
                    self.last_key = Some(key);
                    first_key.get_or_insert(key);
                    before(&mut rejected, key);
                }
                Ok(key) => {
                    let last = self.last_key.unwrap_or_default();
                    if let Ok(mut seen) = self.seen.lock() {
                        seen.ascending = Some(false);
                    }
                    return Err(incomplete(
                        self.entity,
                        &format!("{} {key} came after {last}, so pages may overlap or leave gaps", self.entity.key),
                    ));
                }
                Err(record) => rejected.push(Rejected { after: self.last_key, ..record }),
            }
        }
        if let Ok(mut seen) = self.seen.lock() {
            seen.records += records.len() as u64;
            seen.rescued = self.decoder.rescued();
            if let Some(key) = first_key {
                before(&mut seen.rejected, key);
            }
            seen.rejected.append(&mut rejected);
        }
        self.decoder.batch()
    }

    async fn prove(self) -> Result<()> {
        let after = count(&self.client, self.entity, self.condition.as_deref())
            .await
            .map_err(|error| source_error(self.entity, error))?;
        let Ok(mut seen) = self.seen.lock() else { return Ok(()) };
        seen.counted_after = after.records;
        seen.uncounted = seen.uncounted.take().or(after.refused);
        // A server that counted once is held to that.
        if let Some(least) = [seen.counted, seen.counted_after].into_iter().flatten().min()
            && seen.records + (seen.unreadable.len() as u64) < least
        {
            let records = seen.records;
            drop(seen);
            return Err(incomplete(self.entity, &format!("the server counts {least} records and sent {records}")));
        }
        seen.complete = true;
        Ok(())
    }
}

/// Notes the key behind records that can't be rows.
fn before(rejected: &mut [Rejected], key: i64) {
    rejected.iter_mut().rev().take_while(|record| record.before.is_none()).for_each(|record| record.before = Some(key));
}

pub(crate) fn incomplete(entity: &Entity, why: &str) -> Error {
    Error::new(
        Kind::Incomplete,
        format!("the read of {} isn't whole: {why}; its tables are left as they were, run again", entity.name),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(complete: bool) -> Arc<Mutex<Seen>> {
        Arc::new(Mutex::new(Seen { complete, ..Seen::default() }))
    }

    #[tokio::test]
    async fn a_reader_that_is_lost_is_no_end_of_the_list() {
        let entity = crate::catalog::entity("Member").unwrap();
        let (sender, receiver) = mpsc::channel(1);
        drop(sender);
        let rows: Vec<_> = until_complete(receiver, entity, whole(false)).collect().await;
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].as_ref().unwrap_err().kind(), Kind::Incomplete);

        let (sender, receiver) = mpsc::channel(1);
        drop(sender);
        assert!(until_complete(receiver, entity, whole(true)).collect::<Vec<_>>().await.is_empty());
    }
}
