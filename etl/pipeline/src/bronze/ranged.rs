//! Parts of a list by key ranges, several at once; and the proof that together they are all of it.

use connectwise_extract::decode::Decoder;
use connectwise_extract::read::{
    self, Bundles, Count, Counting, Extraction, Gap, MOST_UNREADABLE, Part, Ranges, Scope, Seen, Whole, incomplete,
};
use connectwise_lakehouse::{Keys, SpillBuffer};
use connectwise_sdk::conditions::Condition;
use futures::stream::{self, StreamExt, TryStreamExt};

use super::range::{COUNTED, Counted, Range, between, in_bundles, pieces_of, split};
use super::{Listed, Target};
use crate::error::{Error, Kind, Result};

/// Key ranges of a part of a list.
struct RangePlan {
    /// Each of these is read on its own, range after range.
    pieces: Vec<Vec<Range>>,
    /// Whether by bundle.
    bundled: bool,
}

impl Target<'_> {
    /// Key ranges that are read at the same time: no more than requests may be under way.
    pub(super) fn at_once(&self) -> usize {
        self.request.options.ranges.clamp(1, self.client.config().concurrency())
    }

    /// The part of the list that meets a condition, or the whole list.
    pub(super) fn part(&self, condition: Option<&Condition>) -> Part {
        Part { entity: self.entity, condition: condition.map(ToString::to_string) }
    }

    /// The server's count of the records that meet a condition: from the survey, where it asked.
    pub(super) async fn count(&self, condition: Option<&Condition>) -> Result<Count> {
        match &self.counted {
            Some((counted, records)) if *counted == self.part(condition).condition => {
                Ok(Count { records: Some(*records), refused: None })
            }
            _ => self.recount(condition).await,
        }
    }

    pub(super) async fn recount(&self, condition: Option<&Condition>) -> Result<Count> {
        let counted = read::count(self.client, self.entity, self.part(condition).condition.as_deref()).await;
        Ok(counted.map_err(|error| read::source_error(self.entity, error))?)
    }

    /// The records of a range that meet a condition.
    fn within(&self, condition: Option<&Condition>, (after, last): Range) -> Option<Condition> {
        match (condition.cloned(), between(self.entity.key, after, last)) {
            (Some(condition), Some(range)) => Some(condition & range),
            (condition, range) => condition.or(range),
        }
    }

    /// Starts to read contiguous key ranges by bundle, of the records that meet a condition. `whole` says that they are all of these,
    /// and their count before the read.
    pub(super) fn extract_ranges(
        &self,
        ranges: Vec<Range>,
        condition: Option<&Condition>,
        whole: Option<Option<u64>>,
    ) -> Result<Extraction> {
        let entity = self.entity;
        let request = self.request;
        let decoder = Decoder::new(entity, &request.run_id, request.started)?.storing(request.secrets);
        let parts = ranges.into_iter().map(|range| self.part(self.within(condition, range).as_ref())).collect();
        let whole = whole.map(|counted| Whole { condition: self.part(condition).condition, counted });
        let ranges = Ranges { parts, whole, page_size: request.page_size };
        Ok(read::extract_ranges(self.client, entity, ranges, decoder))
    }

    /// Reads the records that meet a condition by several key ranges at once, where there are so many that it is worth it. No list
    /// where there aren't; a note beside it if bundles turned out not to give all of it. `bundles` says whether they may be asked.
    pub(super) async fn by_ranges(
        &self,
        condition: Option<&Condition>,
        count: &Count,
        bundles: bool,
    ) -> Result<(Option<Listed>, Option<String>)> {
        // A server that doesn't count is read from one end to the other.
        let records = count.records.unwrap_or(0);
        let pieces = pieces_of(records, self.request.page_size, self.at_once());
        if pieces < 2 {
            return Ok((None, None));
        }
        let mut note = None;
        let cut = if bundles { self.cut_by_counts(condition).await } else { None };
        if let Some(cut) = cut {
            match self.read_ranges(cut, condition, count).await {
                Ok(listed) => return Ok((Some(listed), None)),
                Err(error) if error.kind() == Kind::Incomplete => {
                    tracing::info!("{error}");
                    self.meter.begin_again();
                    note = Some(self.not_by_bundle());
                }
                Err(error) => return Err(error),
            }
        }
        let Some(keys) = read::key_bounds(self.client, &self.part(condition)).await? else { return Ok((None, note)) };
        let pieces = split(keys, pieces).into_iter().map(|range| vec![range]).collect();
        let listed = self.read_ranges(RangePlan { pieces, bundled: false }, condition, count).await?;
        Ok((Some(listed), note))
    }

    /// What a step says of a list that bundles don't give all of.
    pub(super) fn not_by_bundle(&self) -> String {
        format!("bundles don't give all of {}, so it was read page by page", self.entity.name)
    }

    /// Ranges that fit into bundles: the server counts the records of ranges of equal width, and again where there are too many for
    /// one page. `None` if bundles have no name for the list or don't tell, or pages are smaller than such ranges.
    async fn cut_by_counts(&self, condition: Option<&Condition>) -> Option<RangePlan> {
        if self.entity.bundle.is_none() || self.request.page_size != connectwise_sdk::MAX_PAGE_SIZE {
            return None;
        }
        let bundles = Bundles::new(self.client);
        let keys = bundles.key_bounds(&self.part(condition)).await?;
        let mut counted = Counted::default();
        let mut open = split(keys, COUNTED);
        for again in [false, true] {
            // A range that isn't counted again and holds too many is read by pages.
            if open.is_empty() || (again && open.len() > COUNTED) {
                break;
            }
            let parts: Vec<Part> =
                open.iter().map(|range| self.part(self.within(condition, *range).as_ref())).collect();
            let counts: Option<Vec<u64>> = bundles.counts(&parts).await.into_iter().collect();
            open = counted.take(open.into_iter().zip(counts?), keys);
        }
        counted.expect(open);
        let pieces = in_bundles(&counted.joined(), self.at_once()).collect();
        Some(RangePlan { pieces, bundled: true })
    }

    /// Reads ranges, several pieces at a time, and proves that together they are all that meets the condition. Each is compared with
    /// the table by itself, as rows have to come in the order of their keys.
    async fn read_ranges(&self, cut: RangePlan, condition: Option<&Condition>, before: &Count) -> Result<Listed> {
        let RangePlan { pieces, bundled } = cut;
        self.meter.expect(before.records);
        let work = pieces.into_iter().map(async |ranges| {
            let extraction = match ranges.first().filter(|_| !bundled) {
                Some(range) => {
                    let scope = self.within(condition, *range).map_or(Scope::All, Scope::Where);
                    self.extract(&scope, Counting::Elsewhere).await?
                }
                None => self.extract_ranges(ranges, condition, None)?,
            };
            // A session has one table of a name.
            self.listed(extraction, &self.table.lake().session()?).await
        });
        let mut reads = stream::iter(work).buffered(self.at_once());
        let mut changed = SpillBuffer::default();
        let mut keys = Keys::new();
        let mut seen = Seen::default();
        let mut schema = None;
        let mut quarantined = 0;
        let mut listed = 0;
        while let Some(read) = reads.try_next().await? {
            changed.append(read.changed)?;
            listed += read.keys.len();
            keys |= read.keys;
            add(&mut seen, read.seen);
            quarantined += read.quarantined;
            schema = Some(read.schema);
            if seen.unreadable.len() > MOST_UNREADABLE {
                let gap = Gap::TooManyUnreadable { most: MOST_UNREADABLE, first: None };
                return Err(incomplete(self.entity, gap).into());
            }
        }
        if keys.len() < listed {
            return Err(Error::common_ranges(self.entity));
        }
        let after = self.recount(condition).await?;
        self.prove_together(&mut seen, (before.clone(), after), !bundled)?;
        let schema = schema.ok_or_else(|| Error::no_ranges(self.entity))?;
        Ok(Listed { schema, changed, keys, seen, quarantined })
    }

    /// Proves that parts are together all that the server counts before and after they were read. Each has proved its own end and the
    /// order of its keys; `has_pages` says whether all of them by a last page.
    pub(super) fn prove_together(&self, seen: &mut Seen, counts: (Count, Count), has_pages: bool) -> Result<()> {
        let (before, after) = counts;
        seen.counted = before.records;
        seen.counted_after = after.records;
        seen.uncounted = before.refused.or(after.refused);
        let least = [before.records, after.records].into_iter().flatten().min();
        if let Some(least) = least.filter(|least| seen.records + (seen.unreadable.len() as u64) < *least) {
            let gap = Gap::Fewer { counted: least, sent: seen.records, of: None };
            return Err(incomplete(self.entity, gap).into());
        }
        // They have no key in common.
        seen.ended = has_pages.then_some(true);
        seen.ascending = Some(true);
        seen.complete = true;
        Ok(())
    }
}

/// Adds what the read of a part saw to what those before it saw.
pub(super) fn add(seen: &mut Seen, mut part: Seen) {
    seen.records += part.records;
    seen.rescued += part.rescued;
    seen.rejected.append(&mut part.rejected);
    seen.unreadable.append(&mut part.unreadable);
}
