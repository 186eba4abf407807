//! Records that the next load asks for again, whatever their change time: those that the server couldn't give, those that can't
//! be rows, and those that changed in the future, which may be put right to an older time. Where the first and the last are is
//! stored with the rows, in the same commit as the watermark: one bad record doesn't hold the watermark of a table back. The
//! second are in the quarantine, which is written before.

use connectwise_extract::read::Unreadable;
use connectwise_lakehouse::{Commit, Table};
use connectwise_sdk::catalog::Entity;
use connectwise_sdk::conditions::{Condition, field};

use super::range::between;
use crate::error::{Error, Result};

/// Application whose number says how many there are. Each has two more, for the ends of the keys where it is.
const COUNT: &str = "connectwise-etl:unread";

/// Ranges of keys that one condition asks for. More of them are put together where they are closest.
const MOST: usize = 24;

/// A range of keys: behind one, up to another.
type DeferredRange = (i64, i64);

/// Where records are that the next load asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Deferred(Vec<DeferredRange>);

fn name(which: usize, end: &str) -> String {
    format!("{COUNT}:{which}:{end}")
}

impl Deferred {
    /// Those of a table.
    pub(super) async fn stored(table: &Table) -> Result<Self> {
        let Some(noted) = table.transaction(COUNT).await?.filter(|count| *count != 0) else {
            return Ok(Self::default());
        };
        // They are noted with their number, and a range that is missing would never be read.
        let missing =
            || Error::internal(&format!("{} notes {noted} ranges to be read again and lacks some", table.name()));
        let count = usize::try_from(noted).map_err(|_| missing())?;
        let names: Vec<String> = (0..count).flat_map(|which| [name(which, "after"), name(which, "last")]).collect();
        let stored = table.transactions(&names).await?;
        let end = |which, end| stored.get(&name(which, end)).copied();
        let ranges = (0..count).map(|which| end(which, "after").zip(end(which, "last")).ok_or_else(missing));
        ranges.collect::<Result<_>>().map(Self)
    }

    /// Leaves what the next load has to ask for with a commit, in place of these: records that a read left out, and keys of those
    /// that changed in the future. Of the latter only as many as one condition holds: an older time than that of the watermark is
    /// what somebody gives to single records by hand.
    pub(super) fn carry_forward(&self, commit: Commit, unreadable: &[Unreadable], ahead: &[i64]) -> Commit {
        let left_out = Self(unreadable.iter().map(|record| record.place().range()).collect());
        let ahead = ahead.iter().map(|key| (key.saturating_sub(1), *key)).take(MOST);
        let ranges = left_out.with(ahead).ranges();
        if self.0.is_empty() && ranges.is_empty() {
            return commit;
        }
        let commit = commit.transaction(COUNT, ranges.len() as i64);
        ranges.iter().enumerate().fold(commit, |commit, (which, (after, last))| {
            commit.transaction(name(which, "after"), *after).transaction(name(which, "last"), *last)
        })
    }

    /// These and others.
    pub(super) fn with(&self, others: impl IntoIterator<Item = DeferredRange>) -> Self {
        Self(self.0.iter().copied().chain(others).collect())
    }

    /// The same keys, and if need be some between them, in few ranges.
    fn ranges(&self) -> Vec<DeferredRange> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let mut few: Vec<DeferredRange> = Vec::new();
        for (after, last) in sorted {
            match few.last_mut().filter(|before| after <= before.1) {
                Some(before) => before.1 = before.1.max(last),
                None => few.push((after, last)),
            }
        }
        let mut gaps: Vec<i64> = few.array_windows().map(|[one, other]| other.0.saturating_sub(one.1)).collect();
        gaps.sort_unstable();
        let Some(widest) = few.len().checked_sub(MOST + 1).and_then(|surplus| gaps.get(surplus)) else { return few };
        let mut joined: Vec<DeferredRange> = Vec::new();
        for (after, last) in few {
            match joined.last_mut().filter(|before| after.saturating_sub(before.1) <= *widest) {
                Some(before) => before.1 = last,
                None => joined.push((after, last)),
            }
        }
        joined
    }

    /// `condition` widened to include the deferred records. `None` if one of them may have any key, so that a full read is needed.
    pub(super) fn or_condition(&self, entity: &Entity, condition: Condition) -> Option<Condition> {
        let open = |end: i64| (end != i64::MIN && end != i64::MAX).then_some(end);
        let (single, wide): (Vec<DeferredRange>, Vec<DeferredRange>) =
            self.ranges().into_iter().partition(|(after, last)| after.saturating_add(1) == *last);
        let condition = match single.is_empty() {
            true => condition,
            false => condition | field(entity.key).in_(single.iter().map(|(_, key)| *key)),
        };
        wide.iter().try_fold(condition, |all, (after, last)| {
            between(entity.key, open(*after), open(*last)).map(|place| all | place)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use connectwise_lakehouse::{Lake, TableName};

    use super::*;
    use crate::error::Kind;

    #[test]
    fn what_was_left_out_is_asked_for_beside_what_changed() {
        let record = |key, after, before| Unreadable { key, after, before, why: String::new() };
        let entity = connectwise_extract::catalog::entity("TimeEntry").unwrap();
        let beside = |records: &[Unreadable]| {
            let deferred = Deferred(records.iter().map(|record| record.place().range()).collect());
            deferred.or_condition(entity, field("x").eq(1)).map(|condition| condition.to_string())
        };
        let changed = field("x").eq(1).to_string();
        assert_eq!(beside(&[]), Some(changed.clone()));
        let known = beside(&[record(Some(7), Some(3), None), record(Some(9), None, None)]).unwrap();
        assert!(known.contains(&changed) && known.contains("id in (7,9)"), "{known}");
        let between = beside(&[record(None, Some(3), Some(9)), record(None, Some(20), None)]).unwrap();
        assert!(between.contains("id > 2") && between.contains("id <= 9") && between.contains("id > 19"), "{between}");
        assert_eq!(beside(&[record(None, None, None)]), None);
    }

    #[tokio::test]
    async fn a_range_that_is_noted_and_missing_is_not_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(folder.path().to_str().unwrap()).unwrap();
        let table = lake.table(&TableName::bronze("timeentry")).await.unwrap();
        let key: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let row = RecordBatch::try_from_iter([("id", key)]).unwrap();
        let two =
            Commit::new("run").transaction(COUNT, 2).transaction(name(0, "after"), 4).transaction(name(0, "last"), 5);
        table.append(&row, &two).await.unwrap();
        let table = table.refresh().await.unwrap();
        let error = Deferred::stored(&table).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Internal, "{error:?}");
        let both = Commit::new("run").transaction(name(1, "after"), 7).transaction(name(1, "last"), 9);
        table.append(&row, &both).await.unwrap();
        let whole = Deferred::stored(&table.refresh().await.unwrap()).await.unwrap();
        assert_eq!(whole.ranges(), [(4, 5), (7, 9)]);
    }

    #[test]
    fn many_records_are_few_ranges_that_hold_them_all() {
        assert_eq!(Deferred(vec![(4, 5), (5, 6), (1, 2), (0, 9)]).ranges(), [(0, 9)]);
        assert_eq!(Deferred(vec![(6, 7), (1, 2)]).ranges(), [(1, 2), (6, 7)]);
        let spread: Vec<DeferredRange> = (1..=2_000).map(|at| (at * at, at * at + 1)).collect();
        let few = Deferred(spread.clone()).ranges();
        assert!(few.len() <= MOST, "{}", few.len());
        let held = |key: i64| few.iter().any(|(after, last)| *after < key && key <= *last);
        assert!(spread.iter().all(|(_, key)| held(*key)));
        let open = Deferred(vec![(5, i64::MAX), (i64::MIN, 3), (10, 11)]).ranges();
        assert_eq!(open, [(i64::MIN, 3), (5, i64::MAX)]);
    }
}
