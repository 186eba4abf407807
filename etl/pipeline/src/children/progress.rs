//! How far the lists are read: kept as marks in the table's own commits, and nowhere else.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use connectwise_lakehouse::{Commit, Table};

use super::looks::Looks;
use crate::bronze::WATERMARK;
use crate::error::Result;

/// Mark of the round: the id of the last parent that it came to, 0 when it begins.
const ROUND: &str = "connectwise-etl:round";
/// Application transaction with the server's time when the rolling refresh last moved on: microseconds since 1970.
const ASKED: &str = "connectwise-etl:round-asked";
/// Marks of parents whose lists couldn't be read, one each; 0 where there is none.
const PENDING: &str = "connectwise-etl:owed";

/// Lists that a table may wait for. More of them look like a fault of the server, and nothing is committed then.
pub const MAX_PENDING: usize = 8;

/// What the marks of a table say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Highest change time of the parents up to which their lists are in the table.
    pub(super) watermark: Option<DateTime<Utc>>,
    /// The round that reads every list: parents up to this id are through.
    pub(super) round: i64,
    /// The server's time when the rolling refresh last moved on; `None` if none is stored.
    pub(super) asked: Option<DateTime<Utc>>,
    /// Parents whose lists couldn't be read when it was their turn.
    pub(super) pending: BTreeSet<i64>,
    /// When the lists were last read.
    pub(super) looks: Looks,
}

impl Progress {
    pub(super) async fn stored(table: &Table) -> Result<Self> {
        let names = [WATERMARK, ROUND, ASKED].map(str::to_owned);
        let stored = table.transactions(&names).await?;
        let number = |name: &str| stored.get(name).copied();
        let mut pending = BTreeSet::new();
        // They stand together, so that none is looked up in vain.
        for place in 0..MAX_PENDING {
            match table.transaction(&pending_application(place)).await? {
                Some(parent) if parent != 0 => pending.insert(parent),
                _ => break,
            };
        }
        Ok(Self {
            watermark: number(WATERMARK).and_then(DateTime::from_timestamp_micros),
            // A refresh that hasn't begun begins below all ids.
            round: number(ROUND).unwrap_or(0),
            asked: number(ASKED).and_then(DateTime::from_timestamp_micros),
            pending,
            looks: Looks::stored(table).await?,
        })
    }

    /// Leaves it with a commit. Transactions can't be taken back, so the places of those that are no longer pending are zeroed.
    pub(super) fn transactions(&self, commit: Commit, before: &Self) -> Commit {
        let commit = match self.watermark {
            Some(watermark) => commit.transaction(WATERMARK, watermark.timestamp_micros()),
            None => commit,
        };
        let commit = match self.asked {
            Some(asked) => commit.transaction(ASKED, asked.timestamp_micros()),
            None => commit,
        };
        let places = self.pending.len().max(before.pending.len());
        let parents = self.pending.iter().copied().chain(std::iter::repeat(0)).take(places.min(MAX_PENDING));
        let commit = self.looks.transactions(commit.transaction(ROUND, self.round));
        parents.enumerate().fold(commit, |commit, (at, parent)| commit.transaction(pending_application(at), parent))
    }
}

fn pending_application(place: usize) -> String {
    format!("{PENDING}:{place}")
}
