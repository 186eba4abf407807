//! What the loads of one run know in common, so that none of it is asked twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use connectwise_extract::read::{Newest, Unreadable};
use connectwise_sdk::RecordText;
use tokio::sync::OnceCell;

use crate::error::Result;

/// A question about the list of parents: its path, the condition, and how many ids at most, or whether a count is that after the list.
pub(crate) type Question = (&'static str, Option<String>, Option<usize>);

/// Ids of a part of the parents of child lists.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ids {
    /// In rising order.
    pub(crate) ids: Vec<i64>,
    /// Parents among them that the server can't give.
    pub(crate) unreadable: Vec<Unreadable>,
    /// Whether no parent comes after them.
    pub(crate) at_end: bool,
}

/// Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    newest: HashMap<&'static str, Arc<OnceCell<Newest>>>,
    parents: HashMap<Question, Arc<OnceCell<Ids>>>,
    counts: HashMap<Question, Arc<OnceCell<Option<u64>>>>,
    /// By the entity whose lists they are, and the parent.
    below: HashMap<(&'static str, i64), WholeList>,
}

/// A list below a parent that is whole.
#[derive(Debug)]
pub(crate) struct WholeList {
    /// Texts of its records.
    pub(crate) records: Vec<RecordText<'static>>,
    /// What the server counts in it, where it was asked and can count.
    pub(crate) counted: Option<u64>,
}

impl Shared {
    /// The newest record of an entity's list, asked for before any of what else is shared about that list.
    pub(crate) async fn newest(
        &self,
        entity: &'static str,
        ask: impl Future<Output = Result<Newest>>,
    ) -> Result<Newest> {
        let cell = self.inner().newest.entry(entity).or_default().clone();
        cell.get_or_try_init(|| ask).await.copied()
    }

    /// Says what was asked for before any list was read.
    pub(crate) fn tell_newest(&self, newest: &HashMap<&'static str, Newest>) {
        let cells = newest.iter().map(|(entity, newest)| (*entity, Arc::new(OnceCell::new_with(Some(*newest)))));
        self.inner().newest.extend(cells);
    }

    /// The ids of parents, asked for by the first load that needs them; the others wait for it.
    pub(crate) async fn parents(&self, question: Question, ask: impl Future<Output = Result<Ids>>) -> Result<Ids> {
        let cell = self.inner().parents.entry(question).or_default().clone();
        cell.get_or_try_init(|| ask).await.cloned()
    }

    /// Says what was asked for before any list was read.
    pub(crate) fn tell_parents(&self, question: Question, parents: Ids) {
        self.inner().parents.insert(question, Arc::new(OnceCell::new_with(Some(parents))));
    }

    /// The same, of how many there are.
    pub(crate) fn tell_count(&self, question: Question, count: Option<u64>) {
        self.inner().counts.insert(question, Arc::new(OnceCell::new_with(Some(count))));
    }

    /// The same, of the list of an entity below a parent.
    pub(crate) fn tell_below(&self, entity: &'static str, parent: i64, list: WholeList) {
        self.inner().below.insert((entity, parent), list);
    }

    /// The list of an entity below a parent, if it was asked for before. It is there once.
    pub(crate) fn below(&self, entity: &'static str, parent: i64) -> Option<WholeList> {
        self.inner().below.remove(&(entity, parent))
    }

    /// How many parents there are, asked for by the first load that needs it.
    pub(crate) async fn count(
        &self,
        question: Question,
        ask: impl Future<Output = Result<Option<u64>>>,
    ) -> Result<Option<u64>> {
        let cell = self.inner().counts.entry(question).or_default().clone();
        cell.get_or_try_init(|| ask).await.copied()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Maps only: a fault elsewhere leaves nothing half-done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
