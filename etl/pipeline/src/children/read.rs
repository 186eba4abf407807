//! The lists of some parents: by bundle, and one by one where a bundle doesn't show that it holds all of a list.

mod prove;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use connectwise_extract::read::{Gap, count_at, leave_out, left_out};
use connectwise_sdk::conditions::field;
use connectwise_sdk::{Client, ErrorKind, RecordText};
use futures::TryStreamExt;
use futures::future::join_all;
use futures::stream::{self, StreamExt};

use super::ChildWork;
use super::bundle::{Below, Bundled, ListedBelow, Refusal, bundle, refusal};
use super::progress::MAX_PENDING;
use crate::bundling::{BUNDLE, Longest, Sizes};
use crate::deletes::{Presence, confirm};
use crate::error::{Error, Result};
use crate::shared::WholeList;

/// Records that a bundle is expected to return, so that no answer is larger than a few pages.
const RECORDS: usize = 2_000;

/// Bundles that take longer don't grow: the server works through the lists in sequence and times out after a minute.
const QUICK: Duration = Duration::from_secs(4);

/// Fewest parents whose lists are read before their rows are built, and most.
const AT_ONCE: (usize, usize) = (500, 3_200);

/// Bundles that may fail in a row before lists are asked for one by one only.
const PATIENCE: u32 = 3;

/// Lists that are asked for at the same time, where they are asked for one by one.
const SINGLE_AT_ONCE: usize = 4;

/// What became of one parent's list.
#[derive(Debug)]
pub(super) enum List {
    /// All of it.
    Whole {
        /// Texts of its records.
        records: Vec<RecordText<'static>>,
        /// What the server counts in it, where it was asked.
        counted: Option<u64>,
        /// Whether it came by bundle, and not page by page.
        bundled: bool,
    },
    /// All of it but records that the server can't give, and why.
    Partly(Vec<RecordText<'static>>, String),
    /// The parent is confirmed as gone, and its list with it.
    Gone,
    /// It can't be read, or doesn't show that it is whole. Why.
    Failed(String),
}

impl List {
    fn bundled(list: WholeList) -> Self {
        let WholeList { records, counted } = list;
        Self::Whole { records, counted, bundled: true }
    }
}

/// How lists are asked for, as the server has shown so far.
#[derive(Debug)]
pub(super) struct Reader {
    bundles: bool,
    /// Whether the last bundle succeeded.
    is_proven: bool,
    counts: bool,
    /// Bundles of counts that failed.
    uncounted: u32,
    /// Rows that the table holds of each parent.
    stored: HashMap<i64, usize>,
    /// The longest lists of this entity that counts confirmed.
    longest: Longest,
    /// Whether a list was taken without a count.
    believes: bool,
    /// Lists of this entity that a bundle may hold, by their records and the time that they take. How many the server takes is
    /// known to the run.
    fits: usize,
    /// More lists of this entity than these make an answer too large to be read.
    most: usize,
    strikes: u32,
    /// Whether a list could be read.
    is_open: bool,
    /// Whether a list failed in another way than by being shut.
    fails: bool,
    /// Why the first list that is shut can't be read.
    shut: Option<connectwise_sdk::Error>,
    /// What the server refused, in words for people.
    pub(super) notes: Vec<String>,
}

/// A parent and its list.
pub(super) type ReadList = (i64, List);

impl Default for Reader {
    fn default() -> Self {
        Self {
            bundles: true,
            is_proven: false,
            counts: true,
            uncounted: 0,
            stored: HashMap::new(),
            longest: Longest::default(),
            believes: false,
            fits: BUNDLE,
            most: usize::MAX,
            strikes: 0,
            is_open: false,
            fails: false,
            shut: None,
            notes: Vec::new(),
        }
    }
}

impl Reader {
    /// Notes that the table holds so many rows more of this parent.
    pub(super) fn holds(&mut self, parent: i64, stored: usize) {
        *self.stored.entry(parent).or_default() += stored;
    }

    /// Why none of these lists can be read, where the role may not read any: it isn't about single ones then.
    pub(super) fn shut(&mut self, work: &ChildWork<'_>) -> Option<Error> {
        let shut = self.shut.take_if(|_| !self.is_open && !self.fails)?;
        Some(Error::shut_lists(work.entity, work.above).with_source(shut))
    }

    /// Parents whose lists are read before their rows are built: as many bundles as may be under way, once or several times.
    pub(super) fn at_once(&self, work: &ChildWork<'_>) -> usize {
        let size = work.request.shared.sizes(|sizes| sizes.working()).min(self.fits);
        let round = size * work.client.config().concurrency();
        let (least, most) = AT_ONCE;
        (round * least.div_ceil(round)).min(most)
    }

    /// Lists that a request is expected to return.
    pub(super) fn of_a_request(&self, work: &ChildWork<'_>) -> usize {
        if !self.bundles {
            return 1;
        }
        work.request.shared.sizes(|sizes| sizes.working()).min(self.fits).max(1)
    }

    /// Takes how a list went. One that is shut has failed like others.
    fn note(&mut self, list: Result<List, connectwise_sdk::Error>) -> List {
        match &list {
            Ok(List::Whole { .. } | List::Partly(..)) => self.is_open = true,
            Ok(List::Failed(_)) => self.fails = true,
            Ok(List::Gone) | Err(_) => {}
        }
        list.unwrap_or_else(|error| {
            let why = error.to_string();
            self.shut.get_or_insert(error);
            List::Failed(why)
        })
    }

    /// The lists of these parents.
    ///
    /// # Errors
    /// When more of them fail than a table may wait for, or bundles turn out to lack records after some were believed.
    pub(super) async fn read(&mut self, work: &ChildWork<'_>, parents: &[i64]) -> Result<Vec<ReadList>> {
        let mut whole = self.by_bundle(work, parents).await?;
        self.is_open |= !whole.is_empty();
        let alone: Vec<i64> = parents.iter().copied().filter(|parent| !whole.contains_key(parent)).collect();
        let mut failed: Vec<String> = Vec::new();
        {
            let mut lists = stream::iter(alone)
                .map(|parent| async move { (parent, work.alone(parent).await) })
                .buffered(SINGLE_AT_ONCE);
            while let Some((parent, list)) = lists.next().await {
                let list = self.note(list);
                if let List::Failed(why) | List::Partly(_, why) = &list {
                    failed.push(format!("{} {parent} ({why})", work.above.name));
                    if failed.len() > MAX_PENDING {
                        // The others would fail as slowly.
                        break;
                    }
                }
                whole.insert(parent, list);
            }
        }
        if failed.len() > MAX_PENDING {
            let first = failed.first().map_or("", String::as_str);
            let error = Error::failed_lists(work.entity, MAX_PENDING, first);
            return Err(match self.shut.take_if(|_| !self.is_open && !self.fails) {
                Some(shut) => error.with_source(shut),
                None => error,
            });
        }
        Ok(whole.into_iter().collect())
    }

    /// The lists that bundles show to be whole.
    async fn by_bundle(&mut self, work: &ChildWork<'_>, parents: &[i64]) -> Result<BTreeMap<i64, List>> {
        let mut whole = BTreeMap::new();
        if work.shares {
            let known =
                |parent: &i64| Some((*parent, List::bundled(work.request.shared.below(work.entity.name, *parent)?)));
            whole.extend(parents.iter().filter_map(known));
        }
        let mut waiting: VecDeque<i64> = parents.iter().copied().filter(|parent| !whole.contains_key(parent)).collect();
        let mut bundles: Vec<Vec<ListedBelow>> = Vec::new();
        while self.bundles && !waiting.is_empty() {
            // Before the first success and after a failure, bundles are sent one at a time.
            let at_once = if self.is_proven { work.client.config().concurrency() } else { 1 };
            let mut round: Vec<Vec<Below>> = Vec::new();
            while round.len() < at_once && !waiting.is_empty() {
                let size = work.request.shared.sizes(|sizes| sizes.next(self.fits.min(waiting.len())));
                round.push(work.lists(waiting.drain(..size)));
            }
            let strikes = self.strikes;
            let size = work.request.page_size;
            let asked = join_all(round.iter().map(|lists| bundle(work.client, lists, size))).await;
            for (lists, bundled) in round.iter().zip(asked).rev() {
                match bundled {
                    Ok(bundled) => bundles.push(self.take(work, lists.len(), bundled)),
                    Err(error) => {
                        if self.adapt(work, lists, strikes, &error) {
                            lists.iter().rev().for_each(|list| waiting.push_front(list.parent));
                        }
                    }
                }
            }
        }
        let proven = self.prove(work, bundles).await?.into_iter();
        whole.extend(proven.map(|listed| (listed.list.parent, List::bundled(listed.into_whole()))));
        Ok(whole)
    }

    /// Returns the lists of a bundle that was answered, and sets the size of the next bundles by it.
    fn take(&mut self, work: &ChildWork<'_>, asked: usize, bundled: Bundled) -> Vec<ListedBelow> {
        self.strikes = 0;
        self.is_proven = true;
        work.request.shared.sizes(|sizes| sizes.answered(asked));
        let records: usize = bundled.lists.iter().map(|listed| listed.records.len()).sum();
        let fits = if bundled.took < QUICK { asked * RECORDS / records.max(1) } else { self.fits.min(asked) };
        self.fits = fits.max(BUNDLE).min(self.most);
        bundled.lists
    }

    /// Adapts to a bundle that failed, and says whether its lists are to be asked for in smaller ones. Concurrent bundles that fail
    /// together count as one failure on top of `strikes`.
    fn adapt(&mut self, work: &ChildWork<'_>, lists: &[Below], strikes: u32, error: &connectwise_sdk::Error) -> bool {
        self.is_proven = false;
        match refusal(error) {
            // A bundle above the initial size may have failed by its size alone.
            Refusal::Size | Refusal::Now if lists.len() > BUNDLE => {
                self.shrink(work, lists.len(), error);
                return true;
            }
            Refusal::Size if lists.len() > 1 => {
                self.shrink(work, lists.len(), error);
                return true;
            }
            // Concurrent bundles are refused for the same reason, which is noted once.
            Refusal::Size => {
                // A single list is refused, too, so it wasn't their number: that says nothing to other loads.
                work.request.shared.sizes(|sizes| *sizes = Sizes::default());
                self.give_up(error);
            }
            Refusal::Never => {
                work.request.shared.sizes(|sizes| sizes.failed(lists.len()));
                self.give_up(error);
            }
            Refusal::Now => {
                tracing::warn!("a bundle of {} failed: {error}", work.entity.name);
                self.strikes = strikes + 1;
                if self.strikes >= PATIENCE {
                    self.give_up(error);
                }
            }
        }
        false
    }

    /// Makes the next bundles smaller, after one of so many lists failed in a way that a smaller one may not.
    fn shrink(&mut self, work: &ChildWork<'_>, lists: usize, error: &connectwise_sdk::Error) {
        let shared = &work.request.shared;
        if error.kind() == ErrorKind::TooLarge {
            // Too many bytes in the lists of this entity say nothing of others.
            self.most = lists.div_ceil(2);
            self.fits = self.fits.min(self.most);
            shared.sizes(|sizes| sizes.failed(lists));
        } else {
            shared.sizes(|sizes| sizes.refused(lists));
        }
    }

    fn give_up(&mut self, error: &connectwise_sdk::Error) {
        if self.bundles {
            self.notes.push(format!("bundles don't work, so lists were asked for one by one: {error}"));
        }
        self.bundles = false;
    }
}

impl ChildWork<'_> {
    /// The child lists of these parents.
    pub(super) fn lists(&self, parents: impl IntoIterator<Item = i64>) -> Vec<Below> {
        let list = |parent| Below { entity: self.entity, hangs: self.parent, parent };
        parents.into_iter().map(list).collect()
    }

    /// One list on its own.
    ///
    /// # Errors
    /// When it is shut: the role may not read it (403), or it isn't there though its parent is (404).
    async fn alone(&self, parent: i64) -> Result<List, connectwise_sdk::Error> {
        Ok(match self.listed(parent).await {
            Ok(list) => list,
            Err(error) if error.is_not_found() => match confirm(self.client, self.above, &[parent]).await.pop() {
                // A server that now and then finds nothing says so of a record, too, but not in a list that it gives.
                Some((_, Presence::Gone)) if matches!(self.is_listed(parent).await, Ok(false)) => List::Gone,
                Some((_, Presence::There)) => return Err(error),
                _ => List::Failed(error.to_string()),
            },
            Err(error) if error.is_forbidden() => return Err(error),
            Err(error) => List::Failed(error.to_string()),
        })
    }

    /// Whether the list of parents has this one.
    async fn is_listed(&self, parent: i64) -> connectwise_sdk::Result<bool> {
        let parents = self.client.list(self.above.path).conditions(field(self.above.key).eq(parent));
        let mut pages = Box::pin(parents.fields(self.above.key).page_size(1).pages());
        while let Some(page) = pages.try_next().await? {
            if !page.records()?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn listed(&self, parent: i64) -> connectwise_sdk::Result<List> {
        let path = below(self.entity.path, parent);
        let mut pages =
            Box::pin(Client::list(self.client, &path).page_size(self.request.page_size).skip_unreadable().pages());
        let mut records = Vec::new();
        let mut ended = false;
        let mut unreadable = Vec::new();
        while let Some(page) = pages.try_next().await? {
            ended = page.is_last();
            if let Err(gap) = leave_out(&mut unreadable, &page) {
                return Ok(List::Failed(gap.to_string()));
            }
            records.extend(page.records()?.into_iter().map(RecordText::into_owned));
        }
        if !ended {
            return Ok(List::Failed(Gap::NoLastPage { of: None }.to_string()));
        }
        let counted = match self.entity.count_path {
            Some(_) => count_at(self.client, &path, None).await?.records,
            None => None,
        };
        let sent = (records.len() + unreadable.len()) as u64;
        if let Some(counted) = counted.filter(|counted| sent < *counted) {
            let gap = Gap::Fewer { counted, sent: records.len() as u64, of: None };
            return Ok(List::Failed(gap.to_string()));
        }
        if let Some(why) = left_out(self.entity, &unreadable) {
            return Ok(List::Partly(records, why));
        }
        Ok(List::Whole { records, counted, bundled: false })
    }
}

/// A path with the parent in place of the braces.
fn below(path: &str, parent: i64) -> String {
    match (path.find('{'), path.find('}')) {
        (Some(from), Some(to)) if from < to => format!("{}{parent}{}", &path[..from], &path[to + 1..]),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn a_parent_stands_in_the_path() {
        assert_eq!(below("/finance/agreements/{parentId}/additions", 250), "/finance/agreements/250/additions");
        assert_eq!(below("/time/entries", 1), "/time/entries");
    }
}
