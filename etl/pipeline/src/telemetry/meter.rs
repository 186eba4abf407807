//! How far a step is and what it has seen, for whoever shows it, keeps it, or has to say how a failed read got on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};
use connectwise_extract::read::Seen;
use connectwise_lakehouse::TableName;
use connectwise_sdk::catalog::Entity;
use connectwise_sdk::{Client, ClientStats};
use connectwise_storage::locked;
use tokio::sync::Notify;

use super::{ReadProof, Step, Tally};

/// A part of a load that is safe: a load that is cut off goes on behind it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Chunk {
    /// Its number within the load, from 1.
    pub number: u64,
    /// Rows in it.
    pub rows: u64,
    /// Highest key in it.
    pub last_key: Option<i64>,
    /// Rows with something in `_rescued`.
    pub rescued: u64,
    /// Records that went to quarantine.
    pub quarantined: u64,
    /// Requests sent since the chunk before, repeats included.
    pub requests: u64,
    /// Those that were repeats.
    pub retries: u64,
    /// Bytes received since the chunk before.
    pub bytes: u64,
    /// When it was safe, by this machine's clock.
    pub ended: DateTime<Utc>,
}

/// A step's counter: clones share it.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    rows: Arc<AtomicU64>,
    expected: Arc<AtomicU64>,
    noted: Arc<Mutex<Noted>>,
    safe: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Noted {
    watermark: Option<DateTime<Utc>>,
    reads: Vec<ReadState>,
    chunks: Vec<Chunk>,
    /// What the chunks so far took.
    spent: ClientStats,
    tally: Tally,
}

/// How far one of the reads of a step is.
#[derive(Debug, Clone, Copy, Default)]
struct ReadState {
    counted: Option<u64>,
    counted_after: Option<u64>,
    ended: Option<bool>,
    ascending: Option<bool>,
    complete: bool,
}

impl Meter {
    /// Says that reading begins, from this watermark on: what an earlier attempt read doesn't count.
    pub fn begin(&self, watermark: Option<DateTime<Utc>>) {
        self.rows.store(0, Ordering::Relaxed);
        let mut noted = self.noted();
        noted.watermark = watermark;
        noted.tally = Tally::default();
        noted.reads.clear();
    }

    /// Begins again from the same watermark, after a read that failed.
    pub fn begin_again(&self) {
        let watermark = self.noted().watermark;
        self.begin(watermark);
    }

    /// Says that a read of the step begins, and gives its number.
    pub fn begin_read(&self, seen: &Seen) -> usize {
        let mut noted = self.noted();
        noted.reads.push(ReadState::default());
        let number = noted.reads.len() - 1;
        drop(noted);
        self.saw(number, seen);
        number
    }

    /// Says what a read has seen up to now.
    pub fn saw(&self, number: usize, seen: &Seen) {
        let Seen { counted, counted_after, ended, ascending, complete, .. } = *seen;
        if let Some(read) = self.noted().reads.get_mut(number) {
            *read = ReadState { counted, counted_after, ended, ascending, complete };
        }
    }

    /// Says how many rows there will be, where that is known.
    pub fn expect(&self, rows: Option<u64>) {
        // 0 stands for a number that isn't known.
        self.expected.store(rows.unwrap_or(0), Ordering::Relaxed);
    }

    /// Counts rows that went by.
    pub fn advance(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// Counts rows of an entity that went by, and looks at them for what the interface document doesn't say.
    pub fn batch(&self, entity: &Entity, batch: &RecordBatch) {
        self.advance(batch.num_rows() as u64);
        self.noted().tally.take(entity, batch);
    }

    /// Takes the credentials out of what is told of the rows: a server may echo them even as the name of a property.
    pub fn redact(&self, client: &Client) {
        self.noted().tally.rewrite(|text| client.redact(text));
    }

    /// Says that a part of the load is safe, and what the load has taken until then.
    pub fn chunk(&self, chunk: Chunk, total: ClientStats) {
        let mut noted = self.noted();
        let spent = std::mem::replace(&mut noted.spent, total);
        noted.chunks.push(Chunk {
            requests: total.requests.saturating_sub(spent.requests),
            retries: total.retries.saturating_sub(spent.retries),
            bytes: total.bytes.saturating_sub(spent.bytes),
            ..chunk
        });
        self.safe.notify_one();
    }

    /// Waits until a part of the load is safe that nobody was told of.
    pub(crate) async fn chunked(&self) {
        while self.noted().chunks.is_empty() {
            self.safe.notified().await;
        }
    }

    /// Takes the chunks that are safe by now.
    pub(crate) fn take_chunks(&self) -> Vec<Chunk> {
        std::mem::take(&mut self.noted().chunks)
    }

    /// Rows that went by.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Rows that there will be, 0 when unknown.
    pub fn expected(&self) -> u64 {
        self.expected.load(Ordering::Relaxed)
    }

    /// How far the read got and what speaks for its being whole; `None` before it began. The watermark hasn't moved.
    pub fn proof(&self) -> Option<ReadProof> {
        let noted = self.noted();
        let reads = &noted.reads;
        let sum = |of: fn(&ReadState) -> Option<u64>| reads.iter().map(of).sum::<Option<u64>>();
        let all = |of: fn(&ReadState) -> Option<bool>| reads.iter().map(of).try_fold(true, |all, one| Some(all & one?));
        (!reads.is_empty()).then(|| ReadProof {
            watermark_before: noted.watermark,
            watermark_after: noted.watermark,
            counted_before: sum(|read| read.counted),
            counted_after: sum(|read| read.counted_after),
            end_page_seen: all(|read| read.ended),
            keys_ascending: all(|read| read.ascending),
            complete: reads.iter().all(|read| read.complete),
        })
    }

    /// Takes the chunks and what the rows showed, for the ledger.
    pub(crate) fn take(&self) -> (Vec<Chunk>, Tally) {
        let mut noted = self.noted();
        (std::mem::take(&mut noted.chunks), std::mem::take(&mut noted.tally))
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        // Counts only: a fault elsewhere leaves nothing half-done.
        locked(&self.noted)
    }
}

/// Watches a run.
pub trait Observer: Send + Sync {
    /// The number of lists that the run is going to load, before the first one starts.
    fn planned(&self, _lists: usize) {}
    /// A step starts; its meter may be read at any time.
    fn started(&self, table: &TableName, meter: &Meter);
    /// A step ended, well or badly.
    fn finished(&self, step: &Step);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy)]
pub struct Quiet;

impl Observer for Quiet {
    fn started(&self, _: &TableName, _: &Meter) {}
    fn finished(&self, _: &Step) {}
}
