//! Answers that the loads of one run share, so that no request is sent twice.

use connectwise_storage::locked;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use connectwise_extract::read::{Newest, Unreadable};
use connectwise_sdk::RecordText;
use connectwise_sdk::conditions::Condition;
use tokio::sync::OnceCell;

use crate::bundling::{Proof, Sizes};
use crate::error::Result;

/// Key of a shared answer: path of the parents' list, condition, and for ids their maximum, for counts 0 before or 1 after the
/// ids are read.
pub(crate) type SharedQuestion = (&'static str, Option<String>, Option<usize>);

/// Ids of parents.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ids {
    /// In rising order.
    pub(crate) ids: Vec<i64>,
    /// Parents among them that the server fails to deliver.
    pub(crate) unreadable: Vec<Unreadable>,
    /// Whether the list of parents ends here.
    pub(crate) at_end: bool,
}

impl Ids {
    /// At most so many of them.
    pub(crate) fn first(mut self, most: usize) -> Self {
        self.at_end &= self.ids.len() <= most;
        self.ids.truncate(most);
        self
    }
}

/// Shared answers; clones refer to the same ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    newest: HashMap<&'static str, Arc<OnceCell<Newest>>>,
    parents: HashMap<SharedQuestion, Arc<OnceCell<Ids>>>,
    /// The first ids of parents that meet a condition, by path and condition.
    next: HashMap<(&'static str, Option<String>), Ids>,
    counts: HashMap<SharedQuestion, Arc<OnceCell<Option<u64>>>>,
    /// About how many records lists of parents have, by entity.
    sizes_of_parents: HashMap<&'static str, Arc<OnceCell<u64>>>,
    /// Child lists by the name of their entity and the id of the parent.
    below: HashMap<(&'static str, i64), WholeList>,
    sizes: Sizes,
    proof: Proof,
    /// Requests for the rolling refresh of child lists, by the name of their entity.
    refresh: HashMap<&'static str, u64>,
}

/// A complete child list.
#[derive(Debug)]
pub(crate) struct WholeList {
    /// JSON texts of its records.
    pub(crate) records: Vec<RecordText<'static>>,
    /// The server's count; `None` where none was needed, or the server doesn't count.
    pub(crate) counted: Option<u64>,
}

impl Shared {
    /// The newest record of an entity's list. It has to be requested before any other shared answer about that list.
    pub(crate) async fn newest(
        &self,
        entity: &'static str,
        ask: impl Future<Output = Result<Newest>>,
    ) -> Result<Newest> {
        let cell = self.inner().newest.entry(entity).or_default().clone();
        cell.get_or_try_init(|| ask).await.copied()
    }

    /// Whether the newest record of an entity's list is known already.
    pub(crate) fn knows_newest(&self, entity: &str) -> bool {
        self.inner().newest.get(entity).is_some_and(|newest| newest.initialized())
    }

    /// Stores the answers of the survey.
    pub(crate) fn tell_newest(&self, newest: &HashMap<&'static str, Newest>) {
        let cells = newest.iter().map(|(entity, newest)| (*entity, Arc::new(OnceCell::new_with(Some(*newest)))));
        self.inner().newest.extend(cells);
    }

    /// The ids of parents: the first load that needs them sends `ask`, the others wait for it.
    pub(crate) async fn parents(
        &self,
        question: SharedQuestion,
        ask: impl Future<Output = Result<Ids>>,
    ) -> Result<Ids> {
        let cell = self.inner().parents.entry(question).or_default().clone();
        cell.get_or_try_init(|| ask).await.cloned()
    }

    /// Stores ids of parents from the survey.
    pub(crate) fn tell_parents(&self, question: SharedQuestion, parents: Ids) {
        self.inner().parents.insert(question, Arc::new(OnceCell::new_with(Some(parents))));
    }

    /// Stores the first ids of the parents at a path that meet a condition.
    pub(crate) fn tell_next_parents(&self, part: (&'static str, Option<String>), parents: Ids) {
        self.inner().next.insert(part, parents);
    }

    /// The first ids of the parents at a path that meet a condition, if the survey stored them.
    pub(crate) fn next_parents(&self, path: &'static str, condition: Option<&Condition>) -> Option<Ids> {
        self.inner().next.get(&(path, condition.map(ToString::to_string))).cloned()
    }

    /// Stores a count of parents.
    pub(crate) fn tell_count(&self, question: SharedQuestion, count: Option<u64>) {
        self.inner().counts.insert(question, Arc::new(OnceCell::new_with(Some(count))));
    }

    /// Stores a complete child list.
    pub(crate) fn tell_below(&self, entity: &'static str, parent: i64, list: WholeList) {
        self.inner().below.insert((entity, parent), list);
    }

    /// Takes a child list out, if the survey stored it.
    pub(crate) fn below(&self, entity: &'static str, parent: i64) -> Option<WholeList> {
        self.inner().below.remove(&(entity, parent))
    }

    /// The count of parents: the first load that needs it sends `ask`, the others wait for it.
    pub(crate) async fn count(
        &self,
        question: SharedQuestion,
        ask: impl Future<Output = Result<Option<u64>>>,
    ) -> Result<Option<u64>> {
        let cell = self.inner().counts.entry(question).or_default().clone();
        cell.get_or_try_init(|| ask).await.copied()
    }

    /// About how many records a list of parents has: the first load that needs to know finds it out.
    pub(crate) async fn size_of_parents(
        &self,
        entity: &'static str,
        find: impl Future<Output = Result<u64>>,
    ) -> Result<u64> {
        let cell = self.inner().sizes_of_parents.entry(entity).or_default().clone();
        cell.get_or_try_init(|| find).await.copied()
    }

    /// Stores how many requests the rolling refresh of each of these entities may take.
    pub(crate) fn tell_refresh(&self, requests: Vec<(&'static str, u64)>) {
        self.inner().refresh.extend(requests);
    }

    /// Requests that the rolling refresh of an entity may take; `None` if they weren't divided among the child lists.
    pub(crate) fn refresh(&self, entity: &str) -> Option<u64> {
        self.inner().refresh.get(entity).copied()
    }

    /// How many lists bundles may hold, read or changed.
    pub(crate) fn sizes<T>(&self, with: impl FnOnce(&mut Sizes) -> T) -> T {
        with(&mut self.inner().sizes)
    }

    /// What counts have confirmed of bundles, read or changed.
    pub(crate) fn proof<T>(&self, with: impl FnOnce(&mut Proof) -> T) -> T {
        with(&mut self.inner().proof)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // The maps are never left half-changed, so a poisoned lock does no harm.
        locked(&self.0)
    }
}
