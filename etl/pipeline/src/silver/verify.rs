//! Whether a silver table is what its bronze table gives, row for row.
//!
//! Rows are compared by hashes of all of their values. A first pass adds those of each of some thousand groups of keys up; only
//! the groups whose sums differ are looked at key by key, as many at a time as memory should hold.

use std::collections::HashMap;

use arrow::array::RecordBatch;
use connectwise_extract::contract::{CONTENT_HASH, IS_DELETED, RUN_ID, TIMESTAMP};
use connectwise_extract::extra::ExtraColumns;
use connectwise_extract::privacy::Privacy;
use connectwise_lakehouse::{Lake, TableName, integers};
use connectwise_sdk::catalog::Entity;
use connectwise_upkeep::Found;
use datafusion::prelude::{SessionContext, ident};
use futures::TryStreamExt;
use futures::stream::BoxStream;
use twox_hash::XxHash3_64;

use super::flatten::Flattener;
use super::full::{UnreadableTally, flattened};
use super::layout::Layout;
use super::read::{SilverRows, batches, failed};
use super::{BRONZE_VERSION, Fingerprinter, custom, extra};
use crate::error::Result;

/// Groups of keys.
const GROUPS: usize = 1 << 14;
/// Keys that are held at a time.
const HELD: u64 = 1_000_000;
/// Times that keys are looked at: more of them differ than anybody wants to know.
const LOOKS: usize = 4;

/// How silver differs from what bronze gives.
#[derive(Debug, Clone, Default)]
pub(crate) struct Differences {
    /// Rows of bronze that silver lacks, or has as deleted.
    pub(crate) missing: Found<i64>,
    /// Rows of silver that aren't deleted and that bronze lacks.
    pub(crate) extra: Found<i64>,
    /// Rows with other values.
    pub(crate) other: Found<i64>,
}

/// What a comparison gave.
#[derive(Debug, Clone)]
pub(crate) enum Compared {
    /// There is nothing to compare, for this reason.
    Not(&'static str),
    /// The columns aren't those of the contract under the privacy policy.
    OtherColumns,
    /// How they differ.
    Differences(Differences),
}

/// Compares the silver table of an entity with what its bronze table gives.
pub(crate) async fn compare(lake: &Lake, entity: &Entity, privacy: &Privacy, extra: &ExtraColumns) -> Result<Compared> {
    let bronze = lake.table(&TableName::bronze(entity.table)).await?;
    let silver = lake.table(&TableName::silver(entity.table)).await?;
    let Some(stored) = silver.schema().filter(|_| bronze.exists()) else {
        return Ok(Compared::Not("one of the two isn't there yet"));
    };
    // A negative number is no version.
    let seen = silver.transaction(BRONZE_VERSION).await?.and_then(|seen| u64::try_from(seen).ok());
    if seen != bronze.version() {
        // A commit that changes no row, as one that only moves a watermark, leaves silver as it was.
        let since = match seen {
            Some(seen) => bronze.key_diff(&lake.session()?, entity.key, &[CONTENT_HASH], seen).await?,
            None => None,
        };
        if since.is_none_or(|since| !since.keys().is_empty()) {
            return Ok(Compared::Not("bronze has changed since silver was built"));
        }
    }
    let extra = extra::columns(entity, extra, Some(&stored));
    let layout = Layout::new(entity, privacy, extra, custom::stored(&stored))?;
    if !layout.is_that_of(&stored) {
        return Ok(Compared::OtherColumns);
    }
    let session = lake.session()?;
    bronze.register(&session, "bronze").await?;
    silver.register(&session, "silver").await?;
    let sides = Sides { session, entity, flattener: Flattener::new(layout) };
    let mut sums = vec![Sum::default(); GROUPS];
    sides.each(Side::Bronze, |key, hash| sums[group(key)].bronze.add(key, hash)).await?;
    sides.each(Side::Silver, |key, hash| sums[group(key)].silver.add(key, hash)).await?;
    let mut found = Differences::default();
    let mut differing = (0..GROUPS).filter(|at| sums[*at].bronze != sums[*at].silver).peekable();
    for _ in 0..LOOKS {
        let mut chosen = vec![false; GROUPS];
        let mut rows = 0;
        while let Some(at) = differing.next_if(|_| rows < HELD) {
            rows += sums[at].bronze.rows + sums[at].silver.rows;
            chosen[at] = true;
        }
        if rows == 0 {
            break;
        }
        let mut held: HashMap<i64, u64> = HashMap::new();
        sides
            .each(Side::Bronze, |key, hash| {
                if chosen[group(key)] {
                    held.insert(key, hash);
                }
            })
            .await?;
        sides
            .each(Side::Silver, |key, hash| {
                if chosen[group(key)] {
                    match held.remove(&key) {
                        Some(wanted) if wanted == hash => {}
                        Some(_) => found.other.add(key),
                        None => found.extra.add(key),
                    }
                }
            })
            .await?;
        let mut missing: Vec<i64> = held.into_keys().collect();
        missing.sort_unstable();
        missing.into_iter().for_each(|key| found.missing.add(key));
    }
    Ok(Compared::Differences(found))
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tallied {
    rows: u64,
    sum: u64,
}

impl Tallied {
    fn add(&mut self, key: i64, hash: u64) {
        self.rows += 1;
        self.sum = self.sum.wrapping_add(XxHash3_64::oneshot_with_seed(hash, &key.to_le_bytes()));
    }
}

/// What the rows of a group come to on both sides.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    bronze: Tallied,
    silver: Tallied,
}

fn group(key: i64) -> usize {
    (XxHash3_64::oneshot(&key.to_le_bytes()) % GROUPS as u64) as usize
}

#[derive(Debug, Clone, Copy)]
enum Side {
    Bronze,
    Silver,
}

struct Sides<'a> {
    session: SessionContext,
    entity: &'a Entity,
    flattener: Flattener,
}

impl Sides<'_> {
    /// Hands out the key of each row of a side, and a hash of what it says apart from when and by which run it was written.
    async fn each(&self, side: Side, mut take: impl FnMut(i64, u64)) -> Result<()> {
        let schema = self.flattener.layout().schema();
        let mut hashes = Fingerprinter::new(schema, |name| name != TIMESTAMP && name != RUN_ID)?;
        let mut rows: BoxStream<'static, Result<RecordBatch>> = match side {
            Side::Bronze => {
                let bronze = SilverRows::of_bronze(&self.session, self.entity).await?;
                flattened(bronze.all(&self.session).await?, &self.flattener, &UnreadableTally::default())
            }
            Side::Silver => {
                let silver = self.session.table("silver").await.map_err(failed)?;
                batches(silver.filter(ident(IS_DELETED).is_not_true()).map_err(failed)?).await?
            }
        };
        while let Some(batch) = rows.try_next().await? {
            let keys = integers(&batch, self.entity.key)?;
            for (key, hash) in keys.values().iter().zip(hashes.rows(&batch)?) {
                take(*key, hash);
            }
        }
        Ok(())
    }
}
