//! The lists of some parents: by bundle, and one by one where a bundle doesn't show that it holds all of a list.

use std::collections::{BTreeMap, HashMap, VecDeque};

use connectwise_extract::read::{count_at, leave_out, left_out};
use connectwise_sdk::conditions::field;
use connectwise_sdk::{BundledList, Client, ErrorKind, RecordText};
use futures::TryStreamExt;
use futures::stream::{self, StreamExt};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Work;
use super::progress::MAX_PENDING;
use crate::deletes::{Answer, confirm};
use crate::error::{Error, Result};

/// Lists of one bundle. Nobody documents a limit; a server that wants fewer gets fewer.
pub const BUNDLE: usize = 100;

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

/// How lists are asked for, as the server has shown so far.
#[derive(Debug)]
pub(super) struct Reader {
    bundles: bool,
    counts: bool,
    /// Lists of the next bundle.
    size: usize,
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
enum Refusal {
    /// It may be too large.
    Size,
    /// There are none for us.
    Never,
    /// It failed.
    Now,
}

fn refusal(error: &connectwise_sdk::Error) -> Refusal {
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
            counts: true,
            size: BUNDLE,
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
        let mut waiting: VecDeque<Vec<i64>> = parents.chunks(self.size).map(<[i64]>::to_vec).collect();
        while let Some(some) = waiting.pop_front() {
            if !self.bundles {
                break;
            }
            if some.len() > self.size {
                some.chunks(self.size).rev().for_each(|part| waiting.push_front(part.to_vec()));
                continue;
            }
            match self.bundle(work, &some, &mut whole).await {
                Ok(()) => self.strikes = 0,
                Err(error) => match refusal(&error) {
                    Refusal::Size if some.len() > 1 => {
                        self.size = some.len().div_ceil(2);
                        waiting.push_front(some);
                    }
                    Refusal::Size | Refusal::Never => self.give_up(&error),
                    Refusal::Now => {
                        tracing::warn!("a bundle of {} failed: {error}", work.entity.name);
                        self.strikes += 1;
                        if self.strikes >= PATIENCE {
                            self.give_up(&error);
                        }
                    }
                },
            }
        }
        whole
    }

    fn give_up(&mut self, error: &connectwise_sdk::Error) {
        self.bundles = false;
        self.notes.push(format!("bundles don't work, so lists were asked for one by one: {error}"));
    }

    async fn bundle(
        &mut self,
        work: &Work<'_>,
        parents: &[i64],
        whole: &mut BTreeMap<i64, List>,
    ) -> connectwise_sdk::Result<()> {
        let bundle = work.client.bundle(work.bundled(parents)).await?;
        let answers = bundle.answers()?;
        // Counted after the read: a list that grew meanwhile is read again, on its own.
        let counts = self.counted(work, parents).await?;
        for (list, answer) in answers {
            let parent = list.parent();
            let Some(answer) = answer.filter(connectwise_sdk::BundledAnswer::is_whole) else { continue };
            let sent = answer.records.len() as u64;
            let counted = counts.as_ref().and_then(|counts| counts.get(&parent).copied());
            let is_all = counts.is_none() || counted.is_some_and(|count| count <= sent);
            if is_all && answer.records.iter().all(|record| work.hangs_on(record, parent)) {
                let records = answer.records.into_iter().map(|record| RecordText::from(record).into_owned()).collect();
                whole.insert(parent, List::Whole { records, counted, bundled: true });
            }
        }
        Ok(())
    }

    /// What the server counts below each parent, `None` where it doesn't count by bundle.
    async fn counted(
        &mut self,
        work: &Work<'_>,
        parents: &[i64],
    ) -> connectwise_sdk::Result<Option<HashMap<i64, u64>>> {
        if !self.counts || work.entity.count_path.is_none() {
            return Ok(None);
        }
        let bundle = match work.client.bundle_counts(work.bundled(parents)).await {
            Ok(bundle) => bundle,
            Err(error) if refusal(&error) != Refusal::Now => {
                self.counts = false;
                self.notes.push(format!("bundles can't count, so their lists are taken at their word: {error}"));
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let counts = bundle.answers()?.into_iter().filter_map(|(list, answer)| {
            let answer = answer.filter(|answer| answer.success)?;
            Some((list.parent(), answer.count?))
        });
        Ok(Some(counts.collect()))
    }
}

impl Work<'_> {
    fn bundled(&self, parents: &[i64]) -> Vec<BundledList> {
        let list = |parent: &i64| BundledList::new(self.parent.bundle, *parent).page_size(self.request.page_size);
        parents.iter().map(list).collect()
    }

    /// Whether a record says that it hangs on this parent, or says nothing.
    fn hangs_on(&self, record: &RawValue, parent: i64) -> bool {
        let Some(path) = self.parent.property else { return true };
        let record: Option<Value> = serde_json::from_str(record.get()).ok();
        let named = record.as_ref().and_then(|record| record.pointer(&format!("/{path}")));
        named.and_then(Value::as_i64).is_none_or(|named| named == parent)
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
