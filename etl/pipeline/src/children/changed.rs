//! The lists of changed parents, those that are pending, and the next part of the round.

use std::collections::{BTreeSet, HashMap};

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
    /// Whether these are all parents, so that one that isn't among them may be gone.
    is_all: bool,
    /// Lists of other parents that the rolling refresh is to read, as far as time goes.
    due: u64,
    /// Parents that the server can't give.
    unreadable: Vec<Unreadable>,
}

/// How far the rolling refresh came.
struct Refreshed {
    /// The id behind which it began; the lowest where it began with the first parent.
    after: i64,
    /// The id of the last parent that it came to; the highest at the end of all.
    last: i64,
    /// Parents that it came to.
    passed: u64,
    /// Parents that it was to come to.
    due: u64,
    /// Parents that the server can't give.
    unreadable: Vec<Unreadable>,
}

impl Refreshed {
    /// Whether it had too few requests.
    fn is_cut(&self) -> bool {
        self.passed < self.due
    }
}

/// What the table holds below the parents that are read: key -> parent and content hash.
type StoredLists = HashMap<i64, (i64, i64)>;

/// The rows that a load reads, those of the table that it compares them with, and those that differ.
struct ComparedRows {
    session: SessionContext,
    rows: ChildRows,
    held: StoredLists,
    changed: SpillBuffer,
}

impl ChildWork<'_> {
    pub(super) async fn changed(
        &self,
        stored: &Progress,
        mut next: Progress,
        measured: &Measured,
        in_quarantine: Held,
    ) -> Result<Loaded> {
        let asked = self.asked(stored, measured, &in_quarantine).await?;
        let mut compared = ComparedRows {
            session: self.table.lake().session()?,
            rows: ChildRows::new(self)?,
            held: StoredLists::new(),
            changed: SpillBuffer::default(),
        };
        let schema = compared.rows.schema();
        let unlisted = self.hold(&mut compared, |parent| asked.is_all || asked.first.contains(&parent)).await?;
        let unlisted: Vec<i64> = unlisted.difference(&asked.first).copied().collect();
        let first: Vec<i64> = asked.first.iter().copied().collect();
        self.read(&first, &mut compared, u64::MAX).await?;
        let refreshed = match asked.is_all {
            true => {
                // Their own answers say whether they are gone.
                self.read(&unlisted, &mut compared, self.client.stats().requests + self.refresh_requests()).await?;
                Refreshed { after: i64::MIN, last: i64::MAX, passed: 1, due: 1, unreadable: Vec::new() }
            }
            false => self.refresh(stored, &asked, &mut compared).await?,
        };
        let ComparedRows { mut rows, held, changed, .. } = compared;
        if let Some(error) = rows.shut(self) {
            return Err(error);
        }
        if rows.failed.len() > MAX_PENDING {
            return Err(self.given_up(&rows.failed));
        }
        next.pending = rows.failed.iter().map(|(parent, _)| *parent).collect();
        let slow = self.moved_on(&refreshed, stored, &mut next);
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
        let unreadable: Vec<Unreadable> = asked.unreadable.into_iter().chain(refreshed.unreadable).collect();
        let unlisted = read::left_out(self.above, &unreadable);
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

    /// Reads the lists of parents until the load has sent so many requests, and keeps the rows that differ. Gives how many lists were
    /// read.
    async fn read(&self, parents: &[i64], compared: &mut ComparedRows, most: u64) -> Result<usize> {
        let ComparedRows { rows, held, changed, .. } = compared;
        let mut waiting = parents;
        while !waiting.is_empty() && rows.failed.len() <= MAX_PENDING {
            let left = most.saturating_sub(self.client.stats().requests);
            if left == 0 {
                break;
            }
            let lists = affordable(left, rows.of_a_request(self)).min(rows.at_once(self));
            let some;
            (some, waiting) = waiting.split_at(lists.min(waiting.len()));
            let batch = rows.of(self, some).await?;
            changed.push(self.differing(&batch, held)?)?;
        }
        Ok(parents.len() - waiting.len())
    }

    /// Reads the next lists of the rolling refresh, in the order of their parents' ids, until its requests are used up. The ids are asked
    /// for in as many steps as that takes: how many lists a request returns is known once some were read.
    async fn refresh(&self, stored: &Progress, asked: &AskedParents, compared: &mut ComparedRows) -> Result<Refreshed> {
        let after = if stored.round == 0 { i64::MIN } else { stored.round };
        let mut refreshed = Refreshed { after, last: stored.round, passed: 0, due: asked.due, unreadable: Vec::new() };
        let most = self.client.stats().requests + self.refresh_requests();
        while refreshed.is_cut() && compared.rows.failed.len() <= MAX_PENDING {
            let left = most.saturating_sub(self.client.stats().requests);
            if left == 0 {
                break;
            }
            let lists = affordable(left, compared.rows.of_a_request(self));
            let open = usize::try_from(refreshed.due - refreshed.passed).unwrap_or(usize::MAX);
            let found = self.next_of(refreshed.last, lists.min(open)).await?;
            let end = match found.ids.last() {
                _ if found.at_end => i64::MAX,
                Some(last) => *last,
                None => break,
            };
            let swept = refreshed.last.saturating_add(1)..=end;
            // Rows may hang on parents that aren't listed any more: their own answers say whether they are gone.
            let unlisted =
                self.hold(compared, |parent| swept.contains(&parent) && !asked.first.contains(&parent)).await?;
            let hidden = self.hidden(&found.unreadable).await?;
            let part: BTreeSet<i64> = found.ids.iter().copied().chain(hidden).chain(unlisted).collect();
            let part: Vec<i64> = part.difference(&asked.first).copied().collect();
            let read = self.read(&part, compared, most).await?;
            refreshed.unreadable.extend(found.unreadable);
            if let Some(cut) = read.checked_sub(1).and_then(|last| part.get(last)).filter(|_| read < part.len()) {
                refreshed.passed += found.ids.iter().filter(|id| *id <= cut).count() as u64;
                refreshed.last = *cut;
                break;
            }
            if read < part.len() {
                break;
            }
            refreshed.passed += found.ids.len() as u64;
            refreshed.last = end;
            if found.at_end {
                refreshed.due = refreshed.passed;
            }
        }
        Ok(refreshed)
    }

    /// Requests that the rolling refresh of these lists may take: its part of those of the run, where it was divided.
    fn refresh_requests(&self) -> u64 {
        let alone = self.request.options.refresh_requests.unwrap_or(REFRESH_REQUESTS);
        self.request.shared.refresh(self.entity.name).unwrap_or(alone)
    }

    /// Notes how far the rolling refresh came, with so many lists of its part. Gives what there is to say: that it is much slower than
    /// it is to be.
    fn moved_on(&self, refreshed: &Refreshed, stored: &Progress, next: &mut Progress) -> Option<String> {
        let now = next.asked;
        let is_cut = refreshed.is_cut();
        if refreshed.last == stored.round {
            next.asked = stored.asked;
            next.round = stored.round;
            return None;
        }
        next.round = if refreshed.last == i64::MAX { 0 } else { refreshed.last };
        if let (true, Some(now), Some(then)) = (is_cut, now, stored.asked) {
            // What wasn't read in its time is left to the next run, as if so much less time had passed.
            let passed = i64::try_from(refreshed.passed).unwrap_or(i64::MAX);
            let due = i64::try_from(refreshed.due).unwrap_or(i64::MAX);
            let passed = (now - then).num_seconds().saturating_mul(passed) / due;
            next.asked = Some(then + TimeDelta::seconds(passed));
        }
        let now = now?;
        next.looks = stored.looks.with((refreshed.after, refreshed.last), now);
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
            return Ok(AskedParents { first, is_all: true, due: 0, unreadable: found.unreadable });
        };
        let since = measured.server_time().zip(stored.asked).map(|(now, then)| now - then);
        let due = self.part(since).await?;
        let unreadable = changed.unreadable;
        let hidden = self.hidden(&unreadable).await?;
        let first: BTreeSet<i64> =
            changed.ids.into_iter().chain(hidden).chain(stored.pending.iter().copied()).chain(open).collect();
        Ok(AskedParents { first, is_all: false, due, unreadable })
    }

    /// Reads the stored rows of some parents, and gives these: three narrow columns.
    async fn hold(&self, compared: &mut ComparedRows, is_asked: impl Fn(i64) -> bool) -> Result<BTreeSet<i64>> {
        let ComparedRows { session, rows, held, .. } = compared;
        let mut parents_of_rows = BTreeSet::new();
        if !self.table.register(session, "held").await? {
            return Ok(parents_of_rows);
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
                    && is_asked(parent)
                {
                    held.insert(key, (parent, hash));
                    rows.holds(parent, 1);
                    parents_of_rows.insert(parent);
                }
            }
        }
        session.deregister_table("held").map_err(sql_error)?;
        Ok(parents_of_rows)
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

/// Lists that so many requests are expected to return, where each returns `size`. One of the requests is for counts, or for the ids of
/// parents.
fn affordable(requests: u64, size: usize) -> usize {
    usize::try_from(requests - 1).unwrap_or(usize::MAX).max(1).saturating_mul(size)
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
