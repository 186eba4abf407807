//! What proves the lists of bundles complete: counts, of themselves or of larger ones.

use futures::future::join_all;

use super::super::ChildWork;
use super::super::bundle::{ListedBelow, Refusal, count, refusal};
use super::{PATIENCE, Reader};
use crate::bundling::{BUNDLE, Length};
use crate::error::{Error, Result};

/// Bundles of the run lack records, and some lists of this load were taken without a count.
fn not_believed(work: &ChildWork<'_>) -> Error {
    Error::disbelieved_bundles(work.entity)
}

impl Reader {
    /// Fails where bundles turned out to lack records, perhaps those of another load, after this load took some without a count.
    pub(in super::super) fn still_believed(&self, work: &ChildWork<'_>) -> Result<()> {
        match self.believes && work.request.shared.proof(|proof| proof.is_doubted()) {
            true => Err(not_believed(work)),
            false => Ok(()),
        }
    }

    /// The lists of these bundles that are complete. The others have to be read on their own.
    ///
    /// # Errors
    /// When bundles turn out to lack records after this load took some of them without a count.
    pub(super) async fn prove(
        &mut self,
        work: &ChildWork<'_>,
        mut bundles: Vec<Vec<ListedBelow>>,
    ) -> Result<Vec<ListedBelow>> {
        let shared = &work.request.shared;
        let mut known = shared.proof(|proof| *proof).with_entity(self.longest);
        // Counts are expected to confirm what they are asked for, so that a few of them settle many bundles.
        let mut expects = true;
        let complete = loop {
            if known.is_doubted() && self.believes {
                shared.proof(|proof| proof.join(known));
                return Err(not_believed(work));
            }
            let mut proof = known;
            let unproven = |lengths: &[Length]| {
                let unproven = proof.unproven(lengths);
                if expects {
                    proof.confirm(lengths, &unproven);
                }
                unproven
            };
            let complete = self.count(work, &mut bundles, unproven, known.is_doubted()).await;
            // A single list may have grown meanwhile.
            let lacking = bundles.iter().flatten().filter(|listed| listed.lacks()).count();
            if lacking > 1 && !known.is_doubted() {
                tracing::warn!("bundles of {} lack records: from now on all lists are counted", work.entity.name);
                known.doubt();
            } else if !expects || complete.iter().flatten().all(|complete| *complete) {
                break complete;
            }
            expects = false;
        };
        for bundle in &bundles {
            let confirmed: Vec<bool> = bundle.iter().map(ListedBelow::is_confirmed).collect();
            known.confirm(&self.lengths(bundle), &confirmed);
        }
        self.longest = known.of_entity();
        shared.proof(|proof| proof.join(known));
        let lists = bundles.into_iter().flatten().zip(complete.into_iter().flatten());
        let lists: Vec<ListedBelow> = lists.filter_map(|(listed, complete)| complete.then_some(listed)).collect();
        self.believes |= self.counts && lists.iter().any(|listed| listed.counted.is_none());
        Ok(lists)
    }

    /// Asks for the counts that are missing of lists that are `unproven`. Returns which lists are complete. Where the server doesn't
    /// count, lists are taken at their word, unless it is `doubted` or they hold fewer records than a count or the table.
    async fn count(
        &mut self,
        work: &ChildWork<'_>,
        bundles: &mut [Vec<ListedBelow>],
        mut unproven: impl FnMut(&[Length]) -> Vec<bool>,
        doubted: bool,
    ) -> Vec<Vec<bool>> {
        let unproven: Vec<Vec<bool>> = bundles.iter().map(|bundle| unproven(&self.lengths(bundle))).collect();
        let open = bundles.iter_mut().flatten().zip(unproven.iter().flatten());
        let open = open.filter(|(listed, unproven)| **unproven && listed.counted.is_none());
        let mut open: Vec<&mut ListedBelow> = open.map(|(listed, _)| listed).collect();
        if self.counts && work.entity.count_path.is_some() {
            // Counts say nothing of the sizes that bundles may have, so they are asked for in those that are known to work.
            let size = work.request.shared.sizes(|sizes| sizes.working()).min(BUNDLE);
            let asked = open.chunks_mut(size).map(|lists| count(work.client, lists, work.request.page_size));
            let failed: Vec<_> = join_all(asked).await.into_iter().filter_map(Result::err).collect();
            if let Some(error) = failed.first() {
                self.adapt_counts(work, error);
            }
        }
        let countable = doubted || (self.counts && work.entity.count_path.is_some());
        let fewer = |listed: &ListedBelow| {
            self.stored.get(&listed.list.parent).is_some_and(|rows| listed.records.len() < *rows)
        };
        let at_its_word = |listed: &ListedBelow| !countable && !listed.lacks() && !fewer(listed);
        let complete = |(bundle, unproven): (&Vec<ListedBelow>, Vec<bool>)| {
            let lists = bundle.iter().zip(unproven);
            lists.map(|(listed, unproven)| !unproven || listed.is_confirmed() || at_its_word(listed)).collect()
        };
        bundles.iter().zip(unproven).map(complete).collect()
    }

    /// Adapts to counts that failed.
    fn adapt_counts(&mut self, work: &ChildWork<'_>, error: &connectwise_sdk::Error) {
        if refusal(error) != Refusal::Now {
            self.counts = false;
            self.notes.push(format!("bundles can't count, so their lists are taken at their word: {error}"));
            return;
        }
        tracing::warn!("counts of {} failed: {error}", work.entity.name);
        self.uncounted += 1;
        if self.uncounted >= PATIENCE {
            self.give_up(error);
        }
    }

    fn lengths(&self, bundle: &[ListedBelow]) -> Vec<Length> {
        let stored = |parent: i64| self.stored.get(&parent).copied().unwrap_or(0);
        bundle.iter().map(|listed| listed.length(stored(listed.list.parent))).collect()
    }
}
