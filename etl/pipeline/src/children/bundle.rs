//! One bundle of child lists, and one of their counts.

use std::time::{Duration, Instant};

use connectwise_sdk::catalog::{Entity, Parent};
use connectwise_sdk::{BundledAnswer, BundledList, Client, ErrorKind, RecordText};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::bundling::Length;
use crate::shared::WholeList;

/// A child list of one parent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Below {
    pub(super) entity: &'static Entity,
    pub(super) hangs: &'static Parent,
    pub(super) parent: i64,
}

/// A list that came by bundle: with fewer records than its page allows, each of them of this parent.
pub(super) struct ListedBelow {
    pub(super) list: Below,
    pub(super) records: Vec<RecordText<'static>>,
    /// The server's count, once it was asked.
    pub(super) counted: Option<u64>,
}

impl ListedBelow {
    pub(super) fn length(&self, stored: usize) -> Length {
        Length { records: self.records.len(), stored }
    }

    /// Whether the server counts no more records than it sent.
    pub(super) fn is_confirmed(&self) -> bool {
        self.counted.is_some_and(|counted| counted <= self.records.len() as u64)
    }

    /// Whether it counts more.
    pub(super) fn lacks(&self) -> bool {
        self.counted.is_some() && !self.is_confirmed()
    }

    pub(super) fn into_whole(self) -> WholeList {
        WholeList { records: self.records, counted: self.counted }
    }
}

/// Answer to a bundle.
pub(super) struct Bundled {
    /// The lists that it returned; others have to be read on their own.
    pub(super) lists: Vec<ListedBelow>,
    /// Time that it took.
    pub(super) took: Duration,
}

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

fn bundled(list: &Below, page_size: u32) -> BundledList {
    BundledList::new(list.hangs.bundle, list.parent).page_size(page_size)
}

/// Requests the records of these lists.
pub(super) async fn bundle(client: &Client, lists: &[Below], page_size: u32) -> connectwise_sdk::Result<Bundled> {
    let began = Instant::now();
    let bundle = client.bundle(lists.iter().map(|list| bundled(list, page_size)).collect()).await?;
    let took = began.elapsed();
    let listed = lists.iter().zip(bundle.answers()?).filter_map(|(list, (_, answer))| {
        let is_own = |record: &&RawValue| hangs_on(list.hangs, record, list.parent);
        let answer = answer.filter(BundledAnswer::is_whole).filter(|answer| answer.records.iter().all(is_own))?;
        let records = answer.records.into_iter().map(|record| RecordText::from(record).into_owned()).collect();
        Some(ListedBelow { list: *list, records, counted: None })
    });
    Ok(Bundled { lists: listed.collect(), took })
}

/// Requests the counts of lists after their records came: a list that grew meanwhile is read again on its own.
pub(super) async fn count(
    client: &Client,
    lists: &mut [&mut ListedBelow],
    page_size: u32,
) -> connectwise_sdk::Result<()> {
    let bundle = client.bundle_counts(lists.iter().map(|listed| bundled(&listed.list, page_size)).collect()).await?;
    for (listed, (_, answer)) in lists.iter_mut().zip(bundle.answers()?) {
        listed.counted = answer.filter(|answer| answer.success).and_then(|answer| answer.count);
    }
    Ok(())
}

/// The lists of a bundle that counts confirm. Where the server doesn't count, none of them is.
pub(super) async fn counted(
    client: &Client,
    lists: &[Below],
    page_size: u32,
) -> connectwise_sdk::Result<Vec<ListedBelow>> {
    let mut listed = bundle(client, lists, page_size).await?.lists;
    if !listed.is_empty() {
        count(client, &mut listed.iter_mut().collect::<Vec<_>>(), page_size).await?;
    }
    listed.retain(ListedBelow::is_confirmed);
    Ok(listed)
}

/// Whether the record names this parent, or names none.
fn hangs_on(hangs: &Parent, record: &RawValue, parent: i64) -> bool {
    let Some(path) = hangs.property else { return true };
    // One that is no JSON names none here, and goes to quarantine where it is decoded.
    let record: Option<Value> = serde_json::from_str(record.get()).ok();
    let named = record.as_ref().and_then(|record| record.pointer(&format!("/{path}")));
    named.and_then(Value::as_i64).is_none_or(|named| named == parent)
}
