//! The lists of changed parents, those that are pending, and the next part of the round.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Int64Type;
use chrono::TimeDelta;
use connectwise_extract::contract::{CONTENT_HASH, PARENT_ID};
use connectwise_extract::read::{self, Measured, ReadFrom, Unreadable};
use connectwise_lakehouse::{Changes, Commit, SpillBuffer, integers};
use datafusion::prelude::{SessionContext, ident};
use futures::TryStreamExt;

use super::budget::REFRESH_REQUESTS;
use super::progress::{MAX_PENDING, Progress};
use super::rows::ChildRows;
use super::{ChildWork, together};
use crate::bronze::Loaded;
use crate::deletes::children::limit;
use crate::error::{Error, Result, sql_error};
use crate::quarantine::{Held, Record};

/// Which lists a load reads.
struct AskedParents {
    /// Those that are read whatever that takes, before the others.
    first: BTreeSet<i64>,
    /// The next part of the rolling refresh, but for those of the first.
    part: BTreeSet<i64>,
    /// Of parents between these ids all that there are were listed, so that those that weren't may be gone.
    swept: RangeInclusive<i64>,
    /// Parents that the server can't give.
    unreadable: Vec<Unreadable>,
    /// Whether the rolling refresh moves on with this load.
    moves_on: bool,
}

impl AskedParents {
    fn has(&self, parent: i64) -> bool {
        self.first.contains(&parent) || self.part.contains(&parent) || self.swept.contains(&parent)
    }
}

/// What the table holds below the parents that are read: key -> parent and content hash.
type StoredLists = HashMap<i64, (i64, i64)>;

impl ChildWork<'_> {
    pub(super) async fn changed(
        &self,
        stored: &Progress,
        mut next: Progress,
        measured: &Measured,
        in_quarantine: Held,
    ) -> Result<Loaded> {
        let mut asked = self.asked(stored, measured, &in_quarantine).await?;
        let session = self.table.lake().session()?;
        let held = self.held(&session, &asked).await?;
        // Parents of rows that the list of parents has no more: their own answer says whether they are gone.
        let unlisted = held.values().map(|(parent, _)| *parent).filter(|parent| !asked.first.contains(parent));
        asked.part.extend(unlisted.collect::<Vec<_>>());
        let mut stored_rows: HashMap<i64, usize> = HashMap::new();
        for (parent, _) in held.values() {
            *stored_rows.entry(*parent).or_default() += 1;
        }
        let mut rows = ChildRows::new(self, stored_rows)?;
        let schema = rows.schema();
        let mut changed = SpillBuffer::default();
        let first: Vec<i64> = asked.first.iter().copied().collect();
        let part: Vec<i64> = asked.part.iter().copied().collect();
        let refreshed = self.read(&first, &part, &mut rows, (&held, &mut changed)).await?;
        if let Some(error) = rows.shut(self) {
            return Err(error);
        }
        if rows.failed.len() > MAX_PENDING {
            return Err(Error::left_out(self.entity, self.left_out(&rows.failed)));
        }
        next.pending = rows.failed.iter().map(|(parent, _)| *parent).collect();
        let slow = self.moved_on(&asked, refreshed, stored, &mut next);
        let below = held.iter().filter(|(_, (parent, _))| rows.read.contains(parent));
        let mut gone: Vec<i64> =
            below.clone().map(|(key, _)| *key).filter(|key| !rows.keys.contains_key(key)).collect();
        // A record that can't be a row is in its list, so a stored row of it stays.
        let rejected: BTreeSet<i64> = rows.rejected.iter().filter_map(|record| record.key).collect();
        let unnamed: BTreeSet<i64> =
            rows.rejected.iter().filter(|record| record.key.is_none()).filter_map(|record| record.parent).collect();
        let stays =
            |key: &i64| rejected.contains(key) || held.get(key).is_some_and(|(parent, _)| unnamed.contains(parent));
        gone.retain(|key| !stays(key));
        let refused = refused(gone.len() as u64, below.count() as u64, self.request.options.max_share);
        if refused.is_some() {
            gone.clear();
        }
        let unlisted = read::left_out(self.above, &asked.unreadable);
        let incomplete = [self.left_out(&rows.failed), refused, unlisted];
        gone.sort_unstable();
        let seen = rows.seen(incomplete.iter().all(Option::is_none));
        rows.still_believed(self)?;
        // Before the commit that moves on past them.
        let quarantined = self.quarantined(&seen).await?;
        let commit = next.transactions(Commit::new(&self.request.run_id), stored);
        let written = if changed.is_empty() && gone.is_empty() && next == *stored {
            self.table.unchanged()
        } else {
            let changes = Changes::upserts(self.entity.key, changed).deleting(gone);
            self.table.merge(&schema, changes, &commit).await?
        };
        let read = |record: &Record| record.parent_record_id.is_some_and(|parent| rows.read.contains(&parent));
        let settled = self.settle(in_quarantine, &seen, read).await?;
        let incomplete = together(incomplete.into_iter().chain([settled.open.clone()]));
        let mut warnings = self.warnings(&seen, quarantined, settled, rows.notes());
        warnings.extend(slow);
        let watermark_before = stored.watermark;
        let watermark = next.watermark;
        Ok(Loaded { seen, written, quarantined, watermark_before, watermark, warnings, incomplete })
    }

    /// Reads the first lists, and those of the part until the requests of the rolling refresh are used up. Keeps the rows that differ,
    /// and gives how many lists of the part were read.
    async fn read(
        &self,
        first: &[i64],
        part: &[i64],
        rows: &mut ChildRows,
        (held, changed): (&StoredLists, &mut SpillBuffer),
    ) -> Result<usize> {
        // Lists of the part that fill the last bundle of the first take no request.
        let size = rows.of_a_request(self);
        let known = |parent: &&i64| self.shares && self.request.shared.has_below(self.entity.name, **parent);
        let unknown = first.iter().filter(|parent| !known(parent)).count();
        let fill = unknown.next_multiple_of(size) - unknown;
        let (filling, rest) = part.split_at(fill.min(part.len()));
        let together: Vec<i64> = first.iter().chain(filling).copied().collect();
        let mut waiting = together.as_slice();
        while !waiting.is_empty() && rows.failed.len() <= MAX_PENDING {
            let some;
            (some, waiting) = waiting.split_at(rows.at_once(self).min(waiting.len()));
            let batch = rows.of(self, some).await?;
            changed.push(self.differing(&batch, held)?)?;
        }
        let before = self.client.stats().requests;
        let budget = self.refresh_requests();
        let mut waiting = rest;
        while !waiting.is_empty() && rows.failed.len() <= MAX_PENDING {
            let left = budget.saturating_sub(self.client.stats().requests - before);
            if left == 0 {
                break;
            }
            // One of them is for counts.
            let bundles = usize::try_from(left - 1).unwrap_or(usize::MAX).max(1);
            let most = bundles.saturating_mul(rows.of_a_request(self));
            let some;
            (some, waiting) = waiting.split_at(rows.at_once(self).min(most).min(waiting.len()));
            let batch = rows.of(self, some).await?;
            changed.push(self.differing(&batch, held)?)?;
        }
        Ok(part.len() - waiting.len())
    }

    /// Requests that the rolling refresh of these lists may take: its part of those of the run, where it was divided.
    fn refresh_requests(&self) -> u64 {
        let alone = self.request.options.refresh_requests.unwrap_or(REFRESH_REQUESTS);
        self.request.shared.refresh(self.entity.name).unwrap_or(alone)
    }

    /// Notes how far the rolling refresh came, with so many lists of its part. Gives what there is to say: that it is much slower than
    /// it is to be.
    fn moved_on(&self, asked: &AskedParents, read: usize, stored: &Progress, next: &mut Progress) -> Option<String> {
        let now = next.asked;
        let is_cut = read < asked.part.len();
        if !asked.moves_on || (is_cut && read == 0) {
            (next.asked, next.round) = (stored.asked, stored.round);
            return None;
        }
        let cut = asked.part.iter().nth(read.saturating_sub(1)).filter(|_| is_cut);
        let last = cut.copied().unwrap_or(*asked.swept.end());
        next.round = if last == i64::MAX { 0 } else { last };
        if let (true, Some(now), Some(then)) = (is_cut, now, stored.asked) {
            // What wasn't read in its time is left to the next run, as if so much less time had passed.
            let share = |of: i64| i128::from(of) * read as i128 / asked.part.len() as i128;
            let passed = i64::try_from(share((now - then).num_seconds())).unwrap_or_default();
            next.asked = Some(then + TimeDelta::seconds(passed));
        }
        let now = now?;
        let after = if stored.round == 0 || *asked.swept.start() == i64::MIN { i64::MIN } else { stored.round };
        next.looks = stored.looks.with((after, last), now);
        let days = (now - next.looks.oldest()?).num_days();
        let wanted = self.refresh_days();
        (is_cut && days > 2 * i64::from(wanted)).then(|| {
            format!(
                "some lists below {} were last read {days} days ago, and all of them are to be read every {wanted} days: the \
                 rolling refresh has too few requests (refresh_requests in the configuration's [load])",
                self.above.name
            )
        })
    }

    /// Where parents say when they changed, those that did and a part of the others; otherwise all.
    async fn asked(&self, stored: &Progress, measured: &Measured, in_quarantine: &Held) -> Result<AskedParents> {
        let changed = match measured.reads_from() {
            ReadFrom::Watermark(watermark, doubted) => self.since(watermark, doubted, measured.newest).await?,
            ReadFrom::Start => None,
        };
        // Lists with records in quarantine are read again, whatever changed.
        let (Some(changed), Some(open)) = (changed, in_quarantine.parents()) else {
            let found = self.all().await?;
            let hidden = self.hidden(&found.unreadable).await?;
            let first = found.ids.into_iter().chain(hidden).chain(stored.pending.iter().copied()).collect();
            let swept = i64::MIN..=i64::MAX;
            let unreadable = found.unreadable;
            return Ok(AskedParents { first, part: BTreeSet::new(), swept, unreadable, moves_on: true });
        };
        let since = measured.server_time().zip(stored.asked).map(|(now, then)| now - then);
        let part = self.next_of(stored.round, since).await?;
        let moves_on = part.is_some();
        let part = part.unwrap_or_default();
        let last = if part.at_end { i64::MAX } else { part.ids.last().copied().unwrap_or(stored.round) };
        let mut unreadable = changed.unreadable;
        unreadable.extend(part.unreadable);
        let hidden = self.hidden(&unreadable).await?;
        let first: BTreeSet<i64> =
            changed.ids.into_iter().chain(hidden).chain(stored.pending.iter().copied()).chain(open).collect();
        let part = part.ids.into_iter().filter(|parent| !first.contains(parent)).collect();
        Ok(AskedParents { first, part, swept: stored.round.saturating_add(1)..=last, unreadable, moves_on })
    }

    /// The stored rows of the parents that are asked for, or that the sweep should have listed. Three narrow columns are read.
    async fn held(&self, session: &SessionContext, asked: &AskedParents) -> Result<StoredLists> {
        let mut held = StoredLists::new();
        if !self.table.register(session, "held").await? {
            return Ok(held);
        }
        let columns = [self.entity.key, PARENT_ID, CONTENT_HASH].map(ident).to_vec();
        let frame = session.table("held").await.and_then(|frame| frame.select(columns)).map_err(sql_error)?;
        let mut batches = frame.execute_stream().await.map_err(sql_error)?;
        while let Some(batch) = batches.try_next().await.map_err(sql_error)? {
            let keys = integers(&batch, self.entity.key)?;
            let parents = integers(&batch, PARENT_ID)?;
            let hashes = integers(&batch, CONTENT_HASH)?;
            for ((key, parent), hash) in keys.iter().zip(parents.iter()).zip(hashes.iter()) {
                if let (Some(key), Some(parent), Some(hash)) = (key, parent, hash)
                    && asked.has(parent)
                {
                    held.insert(key, (parent, hash));
                }
            }
        }
        session.deregister_table("held").map_err(sql_error)?;
        Ok(held)
    }

    /// The rows that the table doesn't hold in this form.
    fn differing(&self, batch: &RecordBatch, held: &StoredLists) -> Result<RecordBatch> {
        let fault = |why: &str| Error::uncompared(self.entity, why);
        let keys = integers(batch, self.entity.key)?;
        let hashes =
            batch.column_by_name(CONTENT_HASH).and_then(|hashes| hashes.as_primitive_opt::<Int64Type>().cloned());
        let hashes = hashes.ok_or_else(|| fault("they have no content hash"))?;
        let differs = |row: usize| held.get(&keys.value(row)).is_none_or(|(_, hash)| *hash != hashes.value(row));
        let mask: BooleanArray = (0..keys.len()).map(|row| Some(differs(row))).collect();
        filter_record_batch(batch, &mask).map_err(|error| fault("they don't fit together").with_source(error))
    }
}

/// Why missing rows aren't believed to be gone, `None` when they are.
fn refused(missing: u64, stored: u64, allowed: f64) -> Option<String> {
    let limit = limit(stored, allowed);
    (missing > limit).then(|| {
        format!(
            "{missing} of {stored} rows are no longer in their parents' lists, and at most {limit} are believed, so \
             nothing was deleted: check the rights of the API member, then raise --max-share or run with --mode full if \
             they are really gone"
        )
    })
}
