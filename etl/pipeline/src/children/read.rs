//! The lists of some parents: by bundle, and one by one where a bundle doesn't show that it holds all of a list.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use connectwise_extract::read::{count_at, leave_out, left_out};
use connectwise_sdk::catalog::{Entity, Parent};
use connectwise_sdk::conditions::field;
use connectwise_sdk::{BundledList, Client, ErrorKind, RecordText};
use futures::TryStreamExt;
use futures::future::join_all;
use futures::stream::{self, StreamExt};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Work;
use super::progress::MAX_PENDING;
use crate::bundling::BUNDLE;
use crate::deletes::{Answer, confirm};
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
        /// What the server counts in it, where it was asked and can count.
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
pub(super) type Read = (i64, List);

/// What a failed bundle says about the next one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It may be too large.
    Size,
    /// There are none for us.
    Never,
    /// It failed.
    Now,
}

pub(super) fn refusal(error: &connectwise_sdk::Error) -> Refusal {
    match error.status() {
        None if error.kind() == ErrorKind::TooLarge => Refusal::Size,
        Some(400 | 413) => Refusal::Size,
        Some(401 | 403 | 404 | 405 | 415 | 501) => Refusal::Never,
        _ => Refusal::Now,
    }
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            bundles: true,
            is_proven: false,
            counts: true,
            fits: BUNDLE,
            most: usize::MAX,
            strikes: 0,
            is_open: false,
            fails: false,
            shut: None,
            notes: Vec::new(),
        }
    }

    /// Why none of these lists can be read, where the role may not read any: it isn't about single ones then.
    pub(super) fn shut(&mut self, work: &Work<'_>) -> Option<Error> {
        let shut = self.shut.take_if(|_| !self.is_open && !self.fails)?;
        let why = format!("none of the lists below {} can be read", work.above.name);
        Some(work.incomplete(&why).with_source(shut))
    }

    /// Parents whose lists are read before their rows are built: one bundle per concurrent request.
    pub(super) fn at_once(&self, work: &Work<'_>) -> usize {
        let size = work.request.shared.sizes(|sizes| sizes.working()).min(self.fits);
        let (least, most) = AT_ONCE;
        (size * work.client.config().concurrency()).clamp(size * (least / size).max(1), most)
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
    /// When more of them fail than a table may wait for.
    pub(super) async fn read(&mut self, work: &Work<'_>, parents: &[i64]) -> Result<Vec<Read>> {
        let mut whole = self.by_bundle(work, parents).await;
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
            let why = format!("the lists of more than {MAX_PENDING} parents can't be read, such as {first}");
            let error = work.incomplete(&why);
            return Err(match self.shut.take_if(|_| !self.is_open && !self.fails) {
                Some(shut) => error.with_source(shut),
                None => error,
            });
        }
        Ok(whole.into_iter().collect())
    }

    /// The lists that bundles show to be whole.
    async fn by_bundle(&mut self, work: &Work<'_>, parents: &[i64]) -> BTreeMap<i64, List> {
        let mut whole = BTreeMap::new();
        if work.shares {
            let known =
                |parent: &i64| Some((*parent, List::bundled(work.request.shared.below(work.entity.name, *parent)?)));
            whole.extend(parents.iter().filter_map(known));
        }
        let mut waiting: VecDeque<i64> = parents.iter().copied().filter(|parent| !whole.contains_key(parent)).collect();
        while self.bundles && !waiting.is_empty() {
            // Before the first success and after a failure, bundles are sent one at a time.
            let at_once = if self.is_proven { work.client.config().concurrency() } else { 1 };
            let mut round: Vec<Vec<i64>> = Vec::new();
            while round.len() < at_once && !waiting.is_empty() {
                let size = work.request.shared.sizes(|sizes| sizes.next(self.fits.min(waiting.len())));
                round.push(waiting.drain(..size).collect());
            }
            let (counts, strikes) = (self.counts, self.strikes);
            let lists: Vec<Vec<Below>> = round.iter().map(|some| work.lists(some)).collect();
            let size = work.request.page_size;
            let asked = join_all(lists.iter().map(|some| bundle(work.client, some, size, counts))).await;
            for (some, bundled) in round.into_iter().zip(asked).rev() {
                whole.extend(self.take(work, (some, bundled), strikes, &mut waiting));
            }
        }
        whole
    }

    /// Returns the complete lists of a bundle, or adapts to its failure. Concurrent bundles that fail together count as one
    /// failure on top of `strikes`.
    fn take(
        &mut self,
        work: &Work<'_>,
        (parents, bundled): (Vec<i64>, Result<Bundled, connectwise_sdk::Error>),
        strikes: u32,
        waiting: &mut VecDeque<i64>,
    ) -> Vec<Read> {
        let error = match bundled {
            Ok(bundled) => {
                (self.strikes, self.is_proven) = (0, true);
                work.request.shared.sizes(|sizes| sizes.answered(parents.len()));
                self.fit(parents.len(), &bundled);
                if let Some(why) = bundled.uncounted.filter(|_| self.counts) {
                    self.counts = false;
                    self.notes.push(format!("bundles can't count, so their lists are taken at their word: {why}"));
                }
                let lists = parents.into_iter().zip(bundled.whole);
                return lists.filter_map(|(parent, list)| Some((parent, List::bundled(list?)))).collect();
            }
            Err(error) => error,
        };
        self.is_proven = false;
        match refusal(&error) {
            // A bundle above the initial size may have failed by its size alone.
            Refusal::Size | Refusal::Now if parents.len() > BUNDLE => self.put_back(work, &parents, &error, waiting),
            Refusal::Size if parents.len() > 1 => self.put_back(work, &parents, &error, waiting),
            // Concurrent bundles are refused for the same reason, which is noted once.
            Refusal::Size | Refusal::Never => self.give_up(&error),
            Refusal::Now => {
                tracing::warn!("a bundle of {} failed: {error}", work.entity.name);
                self.strikes = strikes + 1;
                if self.strikes >= PATIENCE {
                    self.give_up(&error);
                }
            }
        }
        Vec::new()
    }

    /// Adapts the size of this entity's bundles to what one returned.
    fn fit(&mut self, lists: usize, bundled: &Bundled) {
        let fits = if bundled.took < QUICK { lists * RECORDS / bundled.records.max(1) } else { self.fits.min(lists) };
        self.fits = fits.max(BUNDLE).min(self.most);
    }

    /// Puts the lists of a bundle back that may have been too large, and makes the next ones smaller.
    fn put_back(
        &mut self,
        work: &Work<'_>,
        parents: &[i64],
        error: &connectwise_sdk::Error,
        waiting: &mut VecDeque<i64>,
    ) {
        if error.kind() == ErrorKind::TooLarge {
            // Too many bytes in the lists of this entity say nothing of others.
            self.most = parents.len().div_ceil(2);
            self.fits = self.fits.min(self.most);
            work.request.shared.sizes(|sizes| sizes.failed(parents.len()));
        } else {
            work.request.shared.sizes(|sizes| sizes.refused(parents.len()));
        }
        parents.iter().rev().for_each(|parent| waiting.push_front(*parent));
    }

    fn give_up(&mut self, error: &connectwise_sdk::Error) {
        if self.bundles {
            self.notes.push(format!("bundles don't work, so lists were asked for one by one: {error}"));
        }
        self.bundles = false;
    }
}

/// A child list of one parent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Below {
    pub(super) entity: &'static Entity,
    pub(super) hangs: &'static Parent,
    pub(super) parent: i64,
}

/// Answer to a bundle.
pub(super) struct Bundled {
    /// The lists in the order of the request; `None` if the answer doesn't prove a list complete.
    pub(super) whole: Vec<Option<WholeList>>,
    /// Why the lists have no counts: the server refuses to count by bundle.
    pub(super) uncounted: Option<String>,
    /// Records of the complete lists.
    records: usize,
    /// Time of the request for the records.
    took: Duration,
}

/// Requests the records of these lists in one bundle and, with `counts`, their counts in another one.
pub(super) async fn bundle(
    client: &Client,
    lists: &[Below],
    page_size: u32,
    counts: bool,
) -> connectwise_sdk::Result<Bundled> {
    let of = |list: &Below| BundledList::new(list.hangs.bundle, list.parent).page_size(page_size);
    let began = Instant::now();
    let bundle = client.bundle(lists.iter().map(of).collect()).await?;
    let took = began.elapsed();
    let mut records = 0;
    // Counted after the read: a list that grew meanwhile is read again on its own.
    let countable: Vec<usize> = lists
        .iter()
        .enumerate()
        .filter(|(_, list)| counts && list.entity.count_path.is_some())
        .map(|(at, _)| at)
        .collect();
    let (counted, uncounted) = match countable.is_empty() {
        true => (None, None),
        false => count(client, countable.iter().filter_map(|at| lists.get(*at)).map(of).collect()).await?,
    };
    let counted: Option<HashMap<usize, u64>> = counted
        .map(|counted| countable.iter().copied().zip(counted).filter_map(|(at, count)| Some((at, count?))).collect());
    let mut whole = Vec::with_capacity(lists.len());
    for ((at, list), (_, answer)) in lists.iter().enumerate().zip(bundle.answers()?) {
        let answer = answer.filter(connectwise_sdk::BundledAnswer::is_whole).filter(|answer| {
            let sent = answer.records.len() as u64;
            let count = counted.as_ref().and_then(|counted| counted.get(&at));
            let has_all = counted.is_none() || !countable.contains(&at) || count.is_some_and(|count| *count <= sent);
            has_all && answer.records.iter().all(|record| hangs_on(list.hangs, record, list.parent))
        });
        whole.push(answer.map(|answer| {
            records += answer.records.len();
            let texts = answer.records.into_iter().map(|record| RecordText::from(record).into_owned()).collect();
            WholeList { records: texts, counted: counted.as_ref().and_then(|counted| counted.get(&at).copied()) }
        }));
    }
    Ok(Bundled { whole, uncounted, records, took })
}

/// The server's count of each list, or the reason for which it doesn't count by bundle.
async fn count(
    client: &Client,
    lists: Vec<BundledList>,
) -> connectwise_sdk::Result<(Option<Vec<Option<u64>>>, Option<String>)> {
    let number = lists.len();
    let bundle = match client.bundle_counts(lists).await {
        Ok(bundle) => bundle,
        Err(error) if refusal(&error) == Refusal::Size && number > BUNDLE => return Err(error),
        Err(error) if refusal(&error) != Refusal::Now => return Ok((None, Some(error.to_string()))),
        Err(error) => return Err(error),
    };
    let counts = bundle.answers()?.into_iter().map(|(_, answer)| answer.filter(|answer| answer.success)?.count);
    Ok((Some(counts.collect()), None))
}

/// Whether the record names this parent, or names none.
fn hangs_on(hangs: &Parent, record: &RawValue, parent: i64) -> bool {
    let Some(path) = hangs.property else { return true };
    let record: Option<Value> = serde_json::from_str(record.get()).ok();
    let named = record.as_ref().and_then(|record| record.pointer(&format!("/{path}")));
    named.and_then(Value::as_i64).is_none_or(|named| named == parent)
}

impl Work<'_> {
    /// The child lists of these parents.
    pub(super) fn lists(&self, parents: &[i64]) -> Vec<Below> {
        let list = |parent: &i64| Below { entity: self.entity, hangs: self.parent, parent: *parent };
        parents.iter().map(list).collect()
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
                Some((_, Answer::Gone)) if matches!(self.is_listed(parent).await, Ok(false)) => List::Gone,
                Some((_, Answer::There)) => return Err(error),
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
        let (mut records, mut ended) = (Vec::new(), false);
        let mut unreadable = Vec::new();
        while let Some(page) = pages.try_next().await? {
            ended = page.is_last();
            if let Err(why) = leave_out(&mut unreadable, &page) {
                return Ok(List::Failed(why));
            }
            records.extend(page.records()?.into_iter().map(RecordText::into_owned));
        }
        if !ended {
            return Ok(List::Failed("the server never said which page is the last".to_owned()));
        }
        let counted = match self.entity.count_path {
            Some(_) => count_at(self.client, &path, None).await?.records,
            None => None,
        };
        let sent = (records.len() + unreadable.len()) as u64;
        if let Some(counted) = counted.filter(|counted| sent < *counted) {
            return Ok(List::Failed(format!("the server counts {counted} records and sent {}", records.len())));
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
