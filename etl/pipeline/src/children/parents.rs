//! The ids of parents, in rising order, and proof that they are all that were asked for.

use chrono::{DateTime, TimeDelta, Utc};
use connectwise_extract::contract::PARENT_ID;
use connectwise_extract::read::{Gap, Known, Unreadable, count, leave_out};
use connectwise_lakehouse::TableName;
use connectwise_sdk::Client;
use connectwise_sdk::catalog::Load;
use connectwise_sdk::conditions::{Condition, field};
use futures::TryStreamExt;
use serde_json::Value;

use super::ChildWork;
use crate::bundling::BUNDLE;
use crate::error::{Error, Result};
use crate::shared::Ids;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// Records in a page of ids.
pub(super) const PAGE: u32 = 1000;

impl ChildWork<'_> {
    /// Every parent that has a list.
    pub(super) async fn all(&self) -> Result<Ids> {
        let before = self.count(false).await?;
        let found = self.ids(self.of_all(None), None, before).await?;
        // What is counted while rows come and go lies between the two.
        let after = self.count(true).await?;
        let counted = [before, after].into_iter().flatten().min();
        let sent = (found.ids.len() + found.unreadable.len()) as u64;
        if let Some(counted) = counted.filter(|counted| sent < *counted) {
            return Err(self.incomplete(Gap::Fewer { counted, sent, of: Some(self.above.name) }));
        }
        Ok(found)
    }

    /// Parents that changed since the watermark, `None` where they can't be asked for by that.
    /// Where the watermark is in doubt, those of some days before it too.
    pub(super) async fn since(
        &self,
        watermark: DateTime<Utc>,
        doubted: bool,
        newest: Option<Known>,
    ) -> Result<Option<Ids>> {
        match self.changed_since(watermark, doubted, newest).await? {
            Some(changed) => self.ids(self.of_all(Some(changed)), None, None).await.map(Some),
            None => Ok(None),
        }
    }

    /// The condition on the change time of parents; `None` if the parent entity has no change time, or the server doesn't match
    /// dates.
    pub(super) async fn changed_since(
        &self,
        watermark: DateTime<Utc>,
        doubted: bool,
        newest: Option<Known>,
    ) -> Result<Option<Condition>> {
        let Load::Incremental { watermark: path, .. } = self.above.load else { return Ok(None) };
        let reading = self.request.dates.of(self.client, self.above, path, newest).await;
        let Some(dates) = reading.map_err(|error| self.unlisted(error))?.dates() else { return Ok(None) };
        let window = if doubted { self.request.window.rescanning() } else { self.request.window };
        Ok(Some(dates.since(path, window.from(watermark))))
    }

    /// The next parents of the rolling refresh, with ids above `round`: at most `most`.
    pub(super) async fn next_of(&self, round: i64, most: usize) -> Result<Ids> {
        let next = self.behind(round);
        let known = self.shares.then(|| self.request.shared.next_parents(self.above.path, next.as_ref()));
        match known.flatten() {
            Some(known) => Ok(known.first(most)),
            None => self.ids(next, Some(most), None).await,
        }
    }

    /// The condition on parents with ids above `round`.
    pub(super) fn behind(&self, round: i64) -> Option<Condition> {
        self.of_all(Some(field(self.above.key).gt(round)))
    }

    /// Lists that the rolling refresh is to read next, as far as time goes. 0 while they are too few to be worth a request.
    pub(super) async fn part(&self, since: Option<TimeDelta>) -> Result<u64> {
        Ok(share(self.about().await?, self.refresh_days(), since))
    }

    /// Days in which every list is to be read again.
    pub(super) fn refresh_days(&self) -> u32 {
        self.request.options.refresh_days.unwrap_or(self.parent.runs)
    }

    /// Approximate number of parents: the rows of their bronze table, else the server's count.
    async fn about(&self) -> Result<u64> {
        let find = async {
            let above = self.table.lake().table(&TableName::bronze(self.above.table)).await?;
            match above.counted(self.above.key).filter(|counted| counted.rows > 0) {
                Some(counted) => Ok(counted.rows),
                // Where the server doesn't count either, the least is read that a rolling refresh reads.
                None => Ok(self.count(false).await?.unwrap_or(0)),
            }
        };
        self.request.shared.size_of_parents(self.above.name, find).await
    }

    /// The known parents that may be among those that the server can't give: their lists are asked for all the same.
    pub(super) async fn hidden(&self, unreadable: &[Unreadable]) -> Result<Vec<i64>> {
        if unreadable.is_empty() {
            return Ok(Vec::new());
        }
        let above = self.table.lake().table(&TableName::bronze(self.above.table)).await?;
        let known = above.keys(self.above.key).await? | self.table.keys(PARENT_ID).await?;
        let hidden = |parent: &i64| unreadable.iter().any(|record| record.place().may_be(*parent));
        Ok(known.iter().map(u64::cast_signed).filter(hidden).collect())
    }

    /// The server's count of the parents, before (`listed` is false) or after their ids are read. The loads of a run share it.
    async fn count(&self, listed: bool) -> Result<Option<u64>> {
        let condition = self.of_all(None).map(|condition| condition.to_string());
        let ask = async {
            let counted = count(self.client, self.above, condition.as_deref()).await;
            counted.map(|counted| counted.records).map_err(|error| self.unlisted(error))
        };
        if !self.shares {
            return ask.await;
        }
        let asked = (self.above.path, condition.clone(), Some(usize::from(listed)));
        self.request.shared.count(asked, ask).await
    }

    /// A condition, and that of the parents that have such a list.
    pub(super) fn of_all(&self, condition: Option<Condition>) -> Option<Condition> {
        match (self.parent.conditions.map(Condition::raw), condition) {
            (Some(own), Some(condition)) => Some(own & condition),
            (own, condition) => own.or(condition),
        }
    }

    /// Ids of the parents that meet a condition, in rising order: at most `most`. `counted` is the server's count of them. The
    /// loads of a run share the ids; a parent that changed since has a change time above the watermark, so the next run finds
    /// it.
    pub(super) async fn ids(
        &self,
        condition: Option<Condition>,
        most: Option<usize>,
        counted: Option<u64>,
    ) -> Result<Ids> {
        let asked = (self.above.path, condition.as_ref().map(ToString::to_string), most);
        let ask = self.listed_ids(condition, most, counted);
        if self.shares { self.request.shared.parents(asked, ask).await } else { ask.await }
    }

    async fn listed_ids(&self, condition: Option<Condition>, most: Option<usize>, counted: Option<u64>) -> Result<Ids> {
        let size = most.and_then(|most| u32::try_from(most).ok()).map_or(PAGE, |most| most.clamp(1, PAGE));
        let mut list =
            Client::list(self.client, self.above.path).fields(self.above.key).page_size(size).skip_unreadable();
        if let Some(condition) = condition {
            list = list.conditions(condition);
        }
        if let Some(counted) = counted {
            list = list.counted(counted);
        }
        let mut pages = Box::pin(list.pages());
        let mut found = Ids::default();
        while let Some(page) = pages.try_next().await.map_err(|error| self.unlisted(error))? {
            found.at_end = page.is_last();
            leave_out(&mut found.unreadable, &page).map_err(|gap| self.incomplete(gap))?;
            for record in page.records().map_err(|error| self.unlisted(error))? {
                let record: Value = serde_json::from_str(record.get()).map_err(|_| self.incomplete(Gap::NotJson))?;
                let id = record.get(self.above.key).and_then(Value::as_i64);
                let lacks = || self.incomplete(Gap::NoKey { of: self.above.name, key: self.above.key });
                let id = id.ok_or_else(lacks)?;
                if let Some(last) = found.ids.last().filter(|last| **last >= id) {
                    let name = self.above.name;
                    let last = *last;
                    return Err(self.incomplete(Gap::OutOfOrder { name, key: id, last }));
                }
                found.ids.push(id);
            }
            if most.is_some_and(|most| found.ids.len() >= most) {
                return Ok(found);
            }
        }
        if !found.at_end {
            return Err(self.incomplete(Gap::NoLastPage { of: Some(self.above.name) }));
        }
        Ok(found)
    }

    fn unlisted(&self, error: connectwise_sdk::Error) -> Error {
        Error::unlisted_parents(self.entity, self.above).with_source(error)
    }
}

/// Number of parents that the rolling refresh reads next: `all` times `since` over `days`, rounded up, at least 1. Without
/// `since` it is the part of one day. 0 while `since` is below a day and the part is smaller than a bundle, so that frequent
/// runs ask for little.
fn share(all: u64, days: u32, since: Option<TimeDelta>) -> u64 {
    let days = u64::from(days.max(1));
    // A clock that was set back counts as no time.
    let Some(since) = since.filter(|since| *since >= TimeDelta::zero()) else { return all.div_ceil(days).max(1) };
    let past = since.num_seconds().cast_unsigned();
    let round = days * DAY;
    let by_time = (u128::from(all) * u128::from(past.min(round))).div_ceil(u128::from(round));
    let by_time = u64::try_from(by_time).unwrap_or(all);
    if past < DAY && by_time < BUNDLE as u64 { 0 } else { by_time.max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_takes_its_days_however_often_runs_come() {
        let hour = TimeDelta::hours(1);
        let day = TimeDelta::days(1);
        assert_eq!(share(70_000, 7, None), 10_000, "nobody knows when the last run was");
        assert_eq!(share(70_000, 7, Some(day)), 10_000);
        assert_eq!(share(70_000, 7, Some(hour)), 417);
        assert_eq!(share(70_000, 7, Some(TimeDelta::minutes(10))), 0, "not worth a bundle yet");
        assert_eq!(share(70_000, 7, Some(-day)), 10_000, "a clock that goes back");
        assert_eq!(share(70_000, 7, Some(day * 30)), 70_000);
        assert_eq!((share(70, 7, Some(hour * 23)), share(70, 7, Some(day)), share(70, 7, Some(day * 7))), (0, 10, 70));
        assert_eq!((share(3, 7, Some(day)), share(0, 7, None)), (1, 1));
    }
}
