//! The ids of parents, in rising order, and proof that they are all that were asked for.

use chrono::{DateTime, Utc};
use connectwise_extract::contract::PARENT_ID;
use connectwise_extract::read::{Known, Unreadable, count, leave_out};
use connectwise_lakehouse::TableName;
use connectwise_sdk::Client;
use connectwise_sdk::catalog::Load;
use connectwise_sdk::conditions::{Condition, field};
use futures::TryStreamExt;
use serde_json::Value;

use super::Work;
use crate::error::{Error, Kind, Result};

/// Records in a page of ids.
const PAGE: u32 = 1000;

/// Ids of a part of the parents.
#[derive(Debug, Default)]
pub(super) struct Ids {
    pub(super) ids: Vec<i64>,
    /// Parents among them that the server can't give.
    pub(super) unreadable: Vec<Unreadable>,
    /// Whether no parent comes after them.
    pub(super) at_end: bool,
}

impl Work<'_> {
    /// Every parent that has a list.
    pub(super) async fn all(&self) -> Result<Ids> {
        let before = self.count().await?;
        let found = self.ids(self.of_all(None), None, before).await?;
        // What is counted while rows come and go lies between the two.
        let after = self.count().await?;
        let counted = [before, after].into_iter().flatten().min().unwrap_or_default();
        let listed = found.ids.len() + found.unreadable.len();
        if (listed as u64) < counted {
            let why = format!("the server counts {counted} of {} and listed {listed}", self.above.name);
            return Err(self.incomplete(&why));
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
        let Load::Incremental { watermark: path, .. } = self.above.load else { return Ok(None) };
        let reading = self.request.dates.of(self.client, self.above, path, newest).await;
        let Some(dates) = reading.map_err(|error| self.unlisted(error))?.dates() else { return Ok(None) };
        let window = if doubted { self.request.window.rescanning() } else { self.request.window };
        let changed = dates.since(path, window.from(watermark));
        self.ids(self.of_all(Some(changed)), None, None).await.map(Some)
    }

    /// The parents behind an id that are next in a round of so many runs.
    pub(super) async fn next_of(&self, round: i64) -> Result<Ids> {
        let all = self.count().await?.unwrap_or_default();
        let part = usize::try_from(all.div_ceil(u64::from(self.parent.runs.max(1)))).unwrap_or(usize::MAX).max(1);
        self.ids(self.of_all(Some(field(self.above.key).gt(round))), Some(part), None).await
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

    async fn count(&self) -> Result<Option<u64>> {
        let condition = self.of_all(None).map(|condition| condition.to_string());
        let counted = count(self.client, self.above, condition.as_deref()).await;
        counted.map(|counted| counted.records).map_err(|error| self.unlisted(error))
    }

    /// A condition, and that of the parents that have such a list.
    fn of_all(&self, condition: Option<Condition>) -> Option<Condition> {
        match (self.parent.conditions.map(Condition::raw), condition) {
            (Some(own), Some(condition)) => Some(own & condition),
            (own, condition) => own.or(condition),
        }
    }

    /// The ids that meet a condition, as many at most, of so many that the server counts.
    async fn ids(&self, condition: Option<Condition>, most: Option<usize>, counted: Option<u64>) -> Result<Ids> {
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
            leave_out(&mut found.unreadable, &page).map_err(|why| self.incomplete(&why))?;
            for record in page.records().map_err(|error| self.unlisted(error))? {
                let record: Option<Value> = serde_json::from_str(record.get()).ok();
                let id = record.as_ref().and_then(|record| record.get(self.above.key)?.as_i64());
                let id = id.ok_or_else(|| self.incomplete(&format!("a row of {} has no id", self.above.name)))?;
                if let Some(last) = found.ids.last().filter(|last| **last >= id) {
                    return Err(self.incomplete(&format!("{} {id} came after {last}", self.above.name)));
                }
                found.ids.push(id);
            }
            if most.is_some_and(|most| found.ids.len() >= most) {
                return Ok(found);
            }
        }
        if !found.at_end {
            let why = format!("the server never said which page of {} is the last", self.above.name);
            return Err(self.incomplete(&why));
        }
        Ok(found)
    }

    fn unlisted(&self, error: connectwise_sdk::Error) -> Error {
        let (own, above) = (self.entity.name, self.above.name);
        Error::new(Kind::Source, format!("{own} can't be read: {above}, on which it hangs, can't be listed"))
            .with_source(error)
    }
}
