//! How far the lists are read: kept as marks in the table's own commits, and nowhere else.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use connectwise_lakehouse::{Commit, Lake, TableName};

use crate::bronze::WATERMARK;
use crate::error::Result;

/// Mark of the round: the id of the last parent that it came to, 0 when it begins.
const ROUND: &str = "connectwise-etl:round";
/// Marks of parents whose lists couldn't be read, one each; 0 where there is none.
const OWED: &str = "connectwise-etl:owed";

/// Lists that may be owed to a table. More of them look like a fault of the server, and nothing is committed then.
pub const MOST_OWED: usize = 8;

/// What the marks of a table say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Highest change time of the parents up to which their lists are in the table.
    pub(super) watermark: Option<DateTime<Utc>>,
    /// The round that reads every list: parents up to this id are through.
    pub(super) round: i64,
    /// Parents whose lists couldn't be read when it was their turn.
    pub(super) owed: BTreeSet<i64>,
}

impl Progress {
    pub(super) async fn stored(lake: &Lake, table: &TableName) -> Result<Self> {
        let names: Vec<String> =
            [WATERMARK.to_owned(), ROUND.to_owned()].into_iter().chain((0..MOST_OWED).map(owed)).collect();
        let marks = lake.marks(table, &names).await?;
        let mark = |name: &str| marks.get(name).copied();
        Ok(Self {
            watermark: mark(WATERMARK).and_then(DateTime::from_timestamp_micros),
            round: mark(ROUND).unwrap_or_default(),
            owed: (0..MOST_OWED).filter_map(|at| mark(&owed(at))).filter(|parent| *parent != 0).collect(),
        })
    }

    /// Leaves it with a commit. Marks can't be taken back, so the places of those that are no longer owed are zeroed.
    pub(super) fn mark(&self, commit: Commit, before: &Self) -> Commit {
        let commit = match self.watermark {
            Some(watermark) => commit.mark(WATERMARK, watermark.timestamp_micros()),
            None => commit,
        };
        let places = self.owed.len().max(before.owed.len());
        let parents = self.owed.iter().copied().chain(std::iter::repeat(0)).take(places.min(MOST_OWED));
        parents.enumerate().fold(commit.mark(ROUND, self.round), |commit, (at, parent)| commit.mark(owed(at), parent))
    }
}

fn owed(place: usize) -> String {
    format!("{OWED}:{place}")
}
