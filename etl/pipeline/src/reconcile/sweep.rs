//! The ids of a list, and proof that they are all.

use connectwise_extract::read::{Gap, Unreadable, count, leave_out};
use connectwise_sdk::Client;
use connectwise_sdk::catalog::Entity;
use futures::TryStreamExt;
use serde_json::Value;

use crate::error::{Error, Result};

/// What a sweep saw.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// Keys, rising.
    pub(super) keys: Vec<i64>,
    /// The second property of each, where one was asked for.
    pub(super) flags: Option<Vec<Option<bool>>>,
    /// Records of the list that the server can't give.
    pub(super) unreadable: Vec<Unreadable>,
    /// What the server counted before and after, where it can count.
    pub(super) counted: Option<(u64, u64)>,
    /// Why it didn't count, where it should be able to.
    pub(super) uncounted: Option<String>,
}

impl Sweep {
    /// Whether a record is in the list, or may be one that the server can't give.
    pub(super) fn holds(&self, key: i64) -> bool {
        self.keys.binary_search(&key).is_ok() || self.unreadable.iter().any(|record| record.place().may_be(key))
    }

    /// Records in the list.
    pub(super) fn len(&self) -> u64 {
        (self.keys.len() + self.unreadable.len()) as u64
    }
}

/// Reads the keys of every record.
///
/// # Errors
/// [`Kind::Source`](crate::error::Kind::Source) when the server refuses, [`Kind::Incomplete`](crate::error::Kind::Incomplete) when it never said which page is the last, it can't
/// give too many records, a record has no key, or the keys don't rise.
pub(super) async fn sweep(client: &Client, entity: &Entity, page_size: u32, flag: Option<&str>) -> Result<Sweep> {
    let fault = |error| Error::unread_ids(entity).with_source(error);
    let incomplete = |gap: Gap| Error::incomplete_sweep(entity, gap);
    let before = count(client, entity, None).await.map_err(fault)?;
    let fields = flag.map_or_else(|| entity.key.to_owned(), |flag| format!("{},{flag}", entity.key));
    let mut list = client.list(entity.path).fields(fields).page_size(page_size).skip_unreadable();
    if let Some(counted) = before.records {
        list = list.counted(counted);
    }
    let mut pages = Box::pin(list.pages());
    let mut sweep = Sweep { flags: flag.map(|_| Vec::new()), ..Sweep::default() };
    let mut ended = false;
    while let Some(page) = pages.try_next().await.map_err(fault)? {
        ended = page.is_last();
        leave_out(&mut sweep.unreadable, &page).map_err(incomplete)?;
        for record in page.records().map_err(fault)? {
            let record: Value =
                serde_json::from_str(record.get()).map_err(|error| incomplete(Gap::NotJson).with_source(error))?;
            let key = record.get(entity.key).and_then(Value::as_i64);
            let key = key.ok_or_else(|| incomplete(Gap::NoKey { of: entity.name, key: entity.key }))?;
            if let Some(last) = sweep.keys.last().filter(|last| **last >= key) {
                return Err(incomplete(Gap::OutOfOrder { name: entity.key, key, last: *last }));
            }
            sweep.keys.push(key);
            if let (Some(flags), Some(flag)) = (&mut sweep.flags, flag) {
                flags.push(record.get(flag).and_then(Value::as_bool));
            }
        }
    }
    if !ended {
        return Err(incomplete(Gap::NoLastPage { of: None }));
    }
    let after = count(client, entity, None).await.map_err(fault)?;
    sweep.uncounted = before.refused.or(after.refused);
    // A server that counted once is held to that.
    sweep.counted = before.records.or(after.records).zip(after.records.or(before.records));
    Ok(sweep)
}
