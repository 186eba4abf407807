//! Whether rows that a read of the whole list lacked may leave the table.

use connectwise_extract::catalog;
use connectwise_extract::read::{self, Seen};
use connectwise_lakehouse::{Keys, integers};
use connectwise_sdk::catalog::Drain;
use connectwise_sdk::conditions::field;
use datafusion::prelude::ident;
use futures::TryStreamExt;
use serde_json::Value;

use super::Target;
use crate::deletes::{Facts, Guard, accepts_all, confirmed, may_delete, narrowed};
use crate::error::{Error, Result, sql_error};
use crate::quarantine::Held;

/// So many missing rows are believed where they are too large a share, if each is confirmed: small lists lose a row too.
const FEW: u64 = 5;

/// So many of the missing rows are asked for one by one, at most.
const SAMPLE: u64 = 20;

/// Ids of one request.
const IDS_A_REQUEST: usize = 100;

const LEAVING: &str = "__leaving";

impl Target<'_> {
    /// Why the rows that are stored and weren't listed may not leave; `None` where they may, or where there are none.
    ///
    /// # Errors
    /// [`Kind::Conflict`](crate::error::Kind::Conflict) when another run changed the table meanwhile, else when something that decides can't be read.
    pub(super) async fn check_deletions(&self, stored: &Keys, listed: &Keys, seen: &Seen) -> Result<Option<String>> {
        // What the server can't give is in the list all the same.
        let may_be = |key: &i64| seen.unreadable.iter().any(|record| record.place().may_be(*key));
        let missing = self.gone(stored, listed).await?.into_iter().filter(|key| !may_be(key));
        let missing: Keys = missing.map(i64::cast_unsigned).collect();
        if missing.is_empty() {
            return Ok(None);
        }
        let Some(guard) = self.first_objection(stored.len(), missing, listed, seen).await? else { return Ok(None) };
        // Rows that another run has added since are no sign of anything.
        if self.table.refresh().await?.version() != self.table.version() {
            return Err(Error::conflict(self.table.name()));
        }
        Ok(Some(guard.to_string()))
    }

    /// The keys of stored rows that weren't listed. A record that can't be a row was, so a stored row of it stays.
    pub(super) async fn gone(&self, stored: &Keys, listed: &Keys) -> Result<Vec<i64>> {
        let left: Vec<i64> = (stored - listed).iter().map(u64::cast_signed).collect();
        if left.is_empty() || self.moved {
            return Ok(left);
        }
        let held = self.held().await?;
        Ok(left.into_iter().filter(|key| !held.holds(*key)).collect())
    }

    /// What the quarantine holds by now.
    pub(super) async fn held(&self) -> Result<Held> {
        Held::of(&self.request.quarantine.refresh().await?, self.entity).await
    }

    async fn first_objection(&self, stored: u64, missing: Keys, listed: &Keys, seen: &Seen) -> Result<Option<Guard>> {
        let max_share = self.request.options.max_share;
        let against = |missing: &Keys| {
            may_delete(&Facts {
                stored,
                listed: seen.records + seen.unreadable.len() as u64,
                missing: missing.len(),
                counted: seen.counted.zip(seen.counted_after),
                max_share,
            })
            .err()
        };
        let mut guard = against(&missing);
        if guard.is_none() && accepts_all(max_share) {
            return Ok(None);
        }
        let missing = match &self.entity.drains {
            None => missing,
            Some(drain) => {
                let left = &missing - self.moved_on(drain, &missing).await?;
                if left.is_empty() {
                    return Ok(None);
                }
                guard = against(&left);
                left
            }
        };
        let may_be_few = missing.len() <= FEW && max_share > 0.0;
        if !matches!(guard, None | Some(Guard::Share { .. })) || (guard.is_some() && !may_be_few) {
            return Ok(guard);
        }
        let changes = (self.measured.next(), self.measured.newest.is_some());
        if let Some(narrowed) = narrowed(self.table, self.session, self.entity, &missing, changes).await? {
            return Ok(Some(narrowed));
        }
        let asked = confirmed(self.client, self.entity, &sample(&missing), &sample(listed)).await;
        Ok(asked.err().map(|refused| guard.unwrap_or(refused)))
    }

    /// Those of the missing rows that are found where rows of this list go when the work at them is done.
    async fn moved_on(&self, drain: &Drain, missing: &Keys) -> Result<Keys> {
        let session = self.session;
        let into = catalog::entity(drain.into)?;
        let mut moved = Keys::new();
        if !self.table.register(session, LEAVING).await? {
            return Ok(moved);
        }
        let columns = [self.entity.key, drain.by].map(ident).to_vec();
        let frame = session.table(LEAVING).await.and_then(|frame| frame.select(columns)).map_err(sql_error)?;
        let mut batches = frame.execute_stream().await.map_err(sql_error)?;
        let mut places: Vec<(i64, u64)> = Vec::new();
        while let Some(batch) = batches.try_next().await.map_err(sql_error)? {
            for (key, there) in integers(&batch, self.entity.key)?.iter().zip(integers(&batch, drain.by)?.iter()) {
                let key = key.map(i64::cast_unsigned).filter(|key| missing.contains(*key));
                places.extend(there.zip(key));
            }
        }
        session.deregister_table(LEAVING).map_err(sql_error)?;
        places.sort_unstable();
        let fault = |error| read::source_error(into, error);
        for some in places.chunks(IDS_A_REQUEST) {
            let ids = field(into.key).in_(some.iter().map(|(there, _)| *there));
            let fields = format!("{},{}", into.key, drain.shows);
            let list = self.client.list(into.path).conditions(ids).fields(fields).page_size(self.request.page_size);
            let mut pages = Box::pin(list.skip_unreadable().pages());
            while let Some(page) = pages.try_next().await.map_err(fault)? {
                for record in page.records().map_err(fault)? {
                    // A record that is no JSON shows nothing, so that what it may stand for hasn't moved on.
                    let Ok(record) = serde_json::from_str::<Value>(record.get()) else { continue };
                    let shows = record.get(drain.shows).is_some_and(|shown| !shown.is_null());
                    let Some(id) = record.get(into.key).and_then(Value::as_i64).filter(|_| shows) else { continue };
                    moved.extend(some.iter().filter(|(there, _)| *there == id).map(|(_, key)| *key));
                }
            }
        }
        Ok(moved)
    }
}

/// What becomes of a table whose missing rows may not leave.
pub(super) fn kept(why: String) -> String {
    format!("{why}; the rows that were listed are updated, none is removed and the watermark stays")
}

/// Some of the keys, from all over.
fn sample(keys: &Keys) -> Vec<i64> {
    let step = usize::try_from(keys.len().div_ceil(SAMPLE)).unwrap_or(usize::MAX).max(1);
    keys.iter().step_by(step).map(u64::cast_signed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_small_and_from_all_over() {
        let keys = |keys: std::ops::RangeInclusive<u64>| keys.collect::<Keys>();
        assert_eq!(sample(&keys(1..=5)), [1, 2, 3, 4, 5]);
        let some = sample(&keys(1..=1_000));
        assert_eq!((some.len(), some.first(), some.last()), (20, Some(&1), Some(&951)));
        assert!(sample(&Keys::new()).is_empty());
    }

    #[test]
    fn what_rows_become_is_an_entity_that_shows_it() {
        for entity in catalog::entities() {
            let Some(drain) = &entity.drains else { continue };
            let into = catalog::entity(drain.into).unwrap();
            assert!(into.columns.iter().any(|column| column.name == drain.shows), "{}: {drain:?}", entity.name);
        }
    }
}
