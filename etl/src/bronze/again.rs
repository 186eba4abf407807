//! Records that the server couldn't give. Where they are is stored with the rows, in the same commit as the watermark, so that
//! the next read asks for them whatever their change time: one bad record doesn't hold the watermark of a table back.

use connectwise_sdk::catalog::Entity;
use connectwise_sdk::conditions::Condition;

use super::range::between;
use crate::error::Result;
use crate::extract::Unreadable;
use crate::lake::{Commit, Lake, TableName};

/// Mark that says how many there are. Each has two more, for the ends of the keys where it is.
const COUNT: &str = "connectwise-etl:unread";

/// Where records are that the last load left out: behind one key, up to another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Unread(Vec<(i64, i64)>);

fn name(which: usize, end: &str) -> String {
    format!("{COUNT}:{which}:{end}")
}

impl Unread {
    /// Those of a table.
    pub(super) async fn stored(lake: &Lake, table: &TableName) -> Result<Self> {
        let count = lake.mark(table, COUNT).await?.unwrap_or_default();
        let mut all = Vec::new();
        for which in 0..usize::try_from(count).unwrap_or_default() {
            let after = lake.mark(table, &name(which, "after")).await?;
            let last = lake.mark(table, &name(which, "last")).await?;
            all.extend(after.zip(last));
        }
        Ok(Self(all))
    }

    /// Leaves those of a read with a commit, in place of these.
    pub(super) fn succeed(&self, commit: Commit, unreadable: &[Unreadable]) -> Commit {
        if self.0.is_empty() && unreadable.is_empty() {
            return commit;
        }
        let commit = commit.mark(COUNT, i64::try_from(unreadable.len()).unwrap_or(i64::MAX));
        unreadable.iter().enumerate().fold(commit, |commit, (which, record)| {
            let (after, last) = ends(record);
            commit.mark(name(which, "after"), after).mark(name(which, "last"), last)
        })
    }

    /// What finds them beside `condition`. `None` where one of them may have any key, so that only the whole list holds it.
    pub(super) fn beside(&self, entity: &Entity, condition: Condition) -> Option<Condition> {
        let open = |end: i64| (end != i64::MIN && end != i64::MAX).then_some(end);
        self.0.iter().try_fold(condition, |all, (after, last)| {
            between(entity.key, open(*after), open(*last)).map(|place| all | place)
        })
    }
}

/// The range in which a record is asked for. Where its key isn't known, its neighbours are in it: they tell its place again.
fn ends(record: &Unreadable) -> (i64, i64) {
    match record.key {
        Some(key) => (key.saturating_sub(1), key),
        None => (record.after.map_or(i64::MIN, |after| after.saturating_sub(1)), record.before.unwrap_or(i64::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use connectwise_sdk::conditions::field;

    use super::*;

    #[test]
    fn what_was_left_out_is_asked_for_beside_what_changed() {
        let record = |key, after, before| Unreadable { key, after, before, why: String::new() };
        let entity = crate::catalog::entity("TimeEntry").unwrap();
        let beside = |records: &[Unreadable]| {
            let unread = Unread(records.iter().map(ends).collect());
            unread.beside(entity, field("x").eq(1)).map(|condition| condition.to_string())
        };
        let changed = field("x").eq(1).to_string();
        assert_eq!(beside(&[]), Some(changed.clone()));
        let known = beside(&[record(Some(7), Some(3), None)]).unwrap();
        assert!(known.contains(&changed) && known.contains("id > 6") && known.contains("id <= 7"), "{known}");
        let between = beside(&[record(None, Some(3), Some(9)), record(None, Some(20), None)]).unwrap();
        assert!(between.contains("id > 2") && between.contains("id <= 9") && between.contains("id > 19"), "{between}");
        assert_eq!(beside(&[record(None, None, None)]), None);
    }
}
