//! Reading an entity from the API: every record of it, or an error.
//!
//! A read is complete only when all of this holds: the server said that the last page was the last, the keys only ever
//! grew, and there were at least as many records as the server counts before and after; where it can't count, or refuses to,
//! the last page and the keys have to do. Anything else is [`Kind::Incomplete`](crate::error::Kind::Incomplete), and whoever writes the rows gets the error
//! before the end of the stream.

mod bundles;
mod count;
pub mod dates;
mod measured;
mod place;
mod reader;
mod unreadable;
mod window;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use connectwise_sdk::catalog::{Entity, Load};
use connectwise_sdk::conditions::Condition;
use connectwise_sdk::{Client, Method};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::decode::{Decoder, Rejected};
use crate::error::Result;
pub use crate::error::{Gap, incomplete, source_error};
pub use bundles::{Bundles, Confirmed, Listed, Part, Unproven};
pub use count::{Count, count, count_at, uncounted};
pub use dates::{DateForm, DateProbe, Dates, Known, Reading};
pub use measured::{Ahead, Measured, Newest, ReadFrom, ServerClock, newest};
pub use place::Place;
use reader::Reader;
pub use unreadable::leave_out;
pub use unreadable::{MOST_UNREADABLE, Unreadable, left_out};
pub use window::RESCAN;
pub use window::Window;

/// Batches between the reader and the writer: enough to keep both busy, few enough to bound memory.
const AHEAD: usize = 3;

/// Bytes of the largest answer to a question about a record or a few: some routes send all of their properties.
pub const FEW_RECORDS: usize = 4 * 1024 * 1024;

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

/// A read that goes on: its rows, and at the end the proof that they are all there are.
#[derive(Debug)]
pub struct Extraction {
    entity: &'static Entity,
    schema: SchemaRef,
    seen: Seen,
    messages: mpsc::Receiver<Message>,
}

/// What the reader tells whoever takes the rows.
#[derive(Debug)]
enum Message {
    Page(Decoded),
    /// The last message. Without it the read isn't whole, whatever came before.
    End(End, Result<()>),
}

/// A page as rows.
#[derive(Debug)]
struct Decoded {
    rows: RecordBatch,
    records: u64,
    /// Rows up to here with something in `_rescued`.
    rescued: u64,
    first_key: Option<i64>,
    rejected: Vec<Rejected>,
    unreadable: Vec<Unreadable>,
    is_last: Option<bool>,
}

/// How a read ended.
#[derive(Debug, Default)]
struct End {
    /// Whether the last page was seen; `None` for reads without pages.
    is_last: Option<bool>,
    out_of_order: bool,
    counted: Option<u64>,
    uncounted: Option<String>,
}

impl Extraction {
    /// Schema of the batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What was seen up to now. It is [`complete`](Seen::complete) once [`next`](Self::next) has given `None`.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// The rows of the next page that has some, `None` when all of the list was read.
    ///
    /// # Errors
    /// [`Kind::Source`](crate::error::Kind::Source) when the server fails, and [`Kind::Incomplete`](crate::error::Kind::Incomplete) when nothing proves that the rows are all of the list.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        while !self.seen.complete {
            match self.messages.recv().await {
                Some(Message::Page(page)) => {
                    let rows = self.seen.take(page);
                    if rows.num_rows() > 0 {
                        return Ok(Some(rows));
                    }
                }
                Some(Message::End(end, whole)) => {
                    self.seen.end(end);
                    whole?;
                    self.seen.complete = true;
                }
                // Its task was lost.
                None => return Err(incomplete(self.entity, Gap::ReaderStopped)),
            }
        }
        Ok(None)
    }
}

impl Seen {
    fn take(&mut self, page: Decoded) -> RecordBatch {
        self.ended = page.is_last;
        self.records += page.records;
        self.rescued = page.rescued;
        if let Some(key) = page.first_key {
            before(&mut self.rejected, key);
        }
        self.rejected.extend(page.rejected);
        self.unreadable.extend(page.unreadable);
        page.rows
    }

    fn end(&mut self, end: End) {
        self.ended = end.is_last;
        if end.out_of_order {
            self.ascending = Some(false);
        }
        self.counted_after = end.counted;
        self.uncounted = self.uncounted.take().or(end.uncounted);
    }
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

/// Page size of a read, and its counts.
#[derive(Debug, Clone)]
pub struct Pages {
    /// Records per page, 1 to 1000.
    pub size: u32,
    /// Which counts the read asks for.
    pub counting: Counting,
}

/// Which counts of the server prove a read complete.
#[derive(Debug, Clone, Default)]
pub enum Counting {
    /// Asked before the read and after it.
    #[default]
    Asked,
    /// This count was asked before; the one after the read is still asked.
    Known(Count),
    /// None: this is a range of a larger read, which counts the whole list itself.
    Elsewhere,
}

/// Starts to read. Pages are fetched and decoded ahead of whoever takes the rows.
///
/// # Errors
/// [`Kind::Source`](crate::error::Kind::Source) when the server can't count the records, else errors come through the stream.
pub async fn extract(
    client: &Client,
    entity: &'static Entity,
    scope: &Scope,
    pages: Pages,
    decoder: Decoder,
) -> Result<Extraction> {
    let condition = condition(entity, scope).map(|condition| condition.to_string());
    let counts_after = !matches!(pages.counting, Counting::Elsewhere);
    let count = match pages.counting {
        Counting::Asked => {
            count(client, entity, condition.as_deref()).await.map_err(|error| source_error(entity, error))?
        }
        Counting::Known(count) => count,
        Counting::Elsewhere => Count::default(),
    };
    let counted = count.records;
    let uncounted = count.refused;
    let seen = Seen { counted, uncounted, ended: Some(false), ascending: Some(true), ..Seen::default() };
    let (sender, messages) = mpsc::channel(AHEAD);
    let schema = decoder.schema().clone();
    let reader =
        Reader { condition, page_size: pages.size, counted, counts_after, ..Reader::new(client, entity, decoder) };
    tokio::spawn(reader.run(sender));
    Ok(Extraction { entity, schema, seen, messages })
}

/// Like [`extract`], from records that a bundle returned. There is no last page to see: counts and rising keys prove them
/// complete.
pub fn extract_listed(client: &Client, entity: &'static Entity, listed: Listed, decoder: Decoder) -> Extraction {
    let counted = listed.counted;
    let seen = Seen { counted, ascending: Some(true), ..Seen::default() };
    let (sender, messages) = mpsc::channel(AHEAD);
    let schema = decoder.schema().clone();
    let end = End { counted: Some(listed.counted_after), ..End::default() };
    let reader = Reader { counted, end, ..Reader::new(client, entity, decoder) };
    tokio::spawn(reader.give(listed.records, sender));
    Extraction { entity, schema, seen, messages }
}

/// Key ranges of a list, contiguous and in rising order.
#[derive(Debug, Clone)]
pub struct Ranges {
    /// The list within each of them.
    pub parts: Vec<Part>,
    /// What they are together, which is counted at the end. `None` if they are a piece of a larger read, which counts all of it.
    pub whole: Option<Whole>,
    /// Records per page, 1 to 1000, where a range is read in pages.
    pub page_size: u32,
}

/// What contiguous ranges are together.
#[derive(Debug, Clone, Default)]
pub struct Whole {
    /// Condition of its records; `None` if it is the whole list.
    pub condition: Option<String>,
    /// The server's count before the read, where somebody asked.
    pub counted: Option<u64>,
}

/// Like [`extract`] in key ranges that are requested several per bundle. A range that a bundle doesn't return whole is read in
/// pages.
pub fn extract_ranges(client: &Client, entity: &'static Entity, ranges: Ranges, decoder: Decoder) -> Extraction {
    let Ranges { parts, whole, page_size } = ranges;
    let counts_after = whole.is_some();
    let Whole { condition, counted } = whole.unwrap_or_default();
    let seen = Seen { counted, ascending: Some(true), ..Seen::default() };
    let (sender, messages) = mpsc::channel(AHEAD);
    let schema = decoder.schema().clone();
    let reader = Reader { condition, page_size, counted, counts_after, ..Reader::new(client, entity, decoder) };
    tokio::spawn(reader.gather(parts, sender));
    Extraction { entity, schema, seen, messages }
}

/// Lowest and highest key of a part of a list, but for records that the server can't give; `None` where it is empty.
///
/// # Errors
/// [`Kind::Source`](crate::error::Kind::Source) when the server refuses the request.
pub async fn key_bounds(client: &Client, part: &Part) -> Result<Option<(i64, i64)>> {
    let Part { entity, condition } = part;
    let mut ends = Vec::new();
    for order in ["asc", "desc"] {
        let record =
            first(client, entity, condition.as_deref(), &format!("{} {order}", entity.key), entity.key).await?;
        ends.extend(record.and_then(|record| record.get(entity.key)?.as_i64()));
    }
    Ok(ends.first().copied().zip(ends.get(1).copied()))
}

/// Some fields of the first record in an order. One that the server can't give is passed over, as a read does: else it would
/// keep all others back.
async fn first(
    client: &Client,
    entity: &Entity,
    condition: Option<&str>,
    order: &str,
    fields: &str,
) -> Result<Option<Value>> {
    let mut page = 1;
    loop {
        let request = client.request(Method::Get, entity.path).expects_array().largest_answer(FEW_RECORDS);
        let request = request.query("fields", fields).query("orderBy", order);
        let request = match condition {
            Some(condition) => request.query("conditions", condition),
            None => request,
        };
        let request = if page > 1 { request.patience(1) } else { request };
        let answer = request.query("pageSize", "1").query("page", page.to_string()).send().await;
        match answer.and_then(|answer| answer.json::<Vec<Value>>()) {
            Ok(records) => return Ok(records.into_iter().next()),
            Err(error) if page <= MOST_UNREADABLE && error.status() == Some(500) => page += 1,
            Err(error) => return Err(source_error(entity, error)),
        }
    }
}

/// Notes the key behind records that can't be rows.
fn before(rejected: &mut [Rejected], key: i64) {
    rejected.iter_mut().rev().take_while(|record| record.before.is_none()).for_each(|record| record.before = Some(key));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::error::Kind;

    #[tokio::test]
    async fn a_reader_that_is_lost_is_no_end_of_the_list() {
        let read = async |end: Option<Message>| {
            let (sender, messages) = mpsc::channel(1);
            if let Some(end) = end {
                sender.send(end).await.unwrap();
            }
            drop(sender);
            let entity = crate::catalog::entity("Member").unwrap();
            let schema = Arc::new(crate::contract::bronze(entity).as_ref().clone());
            Extraction { entity, schema, seen: Seen::default(), messages }
        };
        let mut lost = read(None).await;
        assert_eq!(lost.next().await.unwrap_err().kind(), Kind::Incomplete);
        assert!(!lost.seen().complete);

        let mut whole = read(Some(Message::End(End::default(), Ok(())))).await;
        assert!(whole.next().await.unwrap().is_none() && whole.seen().complete);
        assert!(whole.next().await.unwrap().is_none(), "the end stays the end");
    }
}
