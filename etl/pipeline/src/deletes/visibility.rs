//! Whether missing rows look like those that a narrowed role hides.
//!
//! A right that is taken away hides rows by whose or where they are: everybody else's, a location's, a department's, a board's.
//! Each of them is "not found" when it is asked for, just as a deleted one. What gives it away is that a whole group goes at
//! once. The table says what the role could see before, so nothing else has to be remembered.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use connectwise_lakehouse::{Keys, Table, integers};
use connectwise_sdk::catalog::{Entity, Kind};
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;

use super::Guard;
use crate::error::{Result, sql_error};

/// References and ids that rights go by.
const GROUPS: [&str; 14] = [
    "location",
    "locationId",
    "department",
    "departmentId",
    "businessUnit",
    "businessUnitId",
    "board",
    "territory",
    "member",
    "owner",
    "assignTo",
    "manager",
    "primarySalesRep",
    "salesRep",
];

/// Groups of fewer rows say nothing: somebody's only row is deleted now and then.
const LEAST: u64 = 3;

/// A group is taken for hidden when deletions that hit any row alike would take all of it less often than this.
const CHANCE: f64 = 0.001;

/// Whoever allows so many percent of a table to go takes what is missing for deleted.
const ALL: f64 = 100.0;

/// Whether nothing but an empty list and a wrong count is to keep rows from being deleted.
pub(crate) fn accepts_all(max_share: f64) -> bool {
    max_share >= ALL
}

const STORED: &str = "__seen";

/// Rows that have the same value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Group {
    listed: u64,
    missing: u64,
}

/// What tells that the role sees less than it did, `None` where nothing does. `before` is the highest change time that is
/// stored, `now` whether records show one today.
///
/// # Errors
/// When the table can't be read.
pub(crate) async fn narrowed(
    table: &Table,
    session: &SessionContext,
    entity: &Entity,
    missing: &Keys,
    (before, now): (Option<DateTime<Utc>>, bool),
) -> Result<Option<Guard>> {
    if before.is_some() && !now {
        return Ok(Some(Guard::NoChangeTime));
    }
    let Some(schema) = table.schema() else { return Ok(None) };
    let columns: Vec<(&str, bool)> = groups(entity).filter(|(name, _)| schema.field_with_name(name).is_ok()).collect();
    if columns.is_empty() || !table.register(session, STORED).await? {
        return Ok(None);
    }
    let values = columns.iter().enumerate().map(|(at, (name, reference))| {
        if *reference { format!(", get_field(`{name}`, 'id') as g{at}") } else { format!(", `{name}` as g{at}") }
    });
    let query = format!("select `{}`{} from {STORED}", entity.key, values.collect::<String>());
    let mut found: Vec<HashMap<i64, Group>> = vec![HashMap::new(); columns.len()];
    let mut stored = 0;
    let mut batches = session.sql(&query).await.map_err(sql_error)?.execute_stream().await.map_err(sql_error)?;
    while let Some(batch) = batches.try_next().await.map_err(sql_error)? {
        stored += batch.num_rows() as u64;
        let keys = integers(&batch, entity.key)?;
        for (at, groups) in found.iter_mut().enumerate() {
            for (key, value) in keys.iter().zip(integers(&batch, &format!("g{at}"))?.iter()) {
                let (Some(key), Some(value)) = (key, value) else { continue };
                let group = groups.entry(value).or_default();
                let rows = if missing.contains(key.cast_unsigned()) { &mut group.missing } else { &mut group.listed };
                *rows += 1;
            }
        }
    }
    session.deregister_table(STORED).map_err(sql_error)?;
    let share = missing.len() as f64 / (stored as f64).max(1.0);
    let lost = columns.iter().zip(&found).filter_map(|((name, _), groups)| {
        let (value, rows) = hidden(groups, share)?;
        Some(Guard::Narrowed { column: (*name).to_owned(), value, rows })
    });
    Ok(lost.max_by_key(|guard| if let Guard::Narrowed { rows, .. } = guard { *rows } else { 0 }))
}

/// Properties of an entity that rights go by, and whether each is a reference.
fn groups(entity: &Entity) -> impl Iterator<Item = (&'static str, bool)> + use<'_> {
    GROUPS.into_iter().filter_map(|name| match entity.columns.iter().find(|column| column.name == name)?.kind {
        Kind::Int32 | Kind::Int64 => Some((name, false)),
        Kind::Struct(inner) => inner.iter().any(|column| column.name == "id").then_some((name, true)),
        _ => None,
    })
}

/// The largest group that is missing as a whole and not by chance, where this share of all rows is missing, and its rows.
fn hidden(groups: &HashMap<i64, Group>, share: f64) -> Option<(i64, u64)> {
    groups
        .iter()
        .filter(|(_, group)| group.listed == 0 && group.missing >= LEAST)
        .filter(|(_, group)| groups.len() as f64 * share.powf(group.missing as f64) < CHANCE)
        .map(|(value, group)| (*value, group.missing))
        .max_by_key(|(value, missing)| (*missing, *value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_goes_as_a_whole_is_taken_for_hidden() {
        let of = |groups: &[(u64, u64)]| -> HashMap<i64, Group> {
            let group = |(value, (listed, missing)): (usize, &(u64, u64))| {
                (value as i64, Group { listed: *listed, missing: *missing })
            };
            groups.iter().enumerate().map(group).collect()
        };
        // 20 of 1,000 rows.
        assert_eq!(hidden(&of(&[(500, 0), (480, 0), (0, 20)]), 0.02), Some((2, 20)));
        assert_eq!(hidden(&of(&[(500, 0), (479, 0), (1, 20)]), 0.02), None, "one of them is still listed");
        assert_eq!(hidden(&of(&[(500, 12), (480, 6), (0, 2)]), 0.02), None, "two rows say nothing");
        assert_eq!(hidden(&of(&[(500, 10), (480, 5), (0, 5)]), 0.02), Some((2, 5)), "other rows may go beside them");
        // A quarter of a small table: three rows of one kind are no wonder, ten are.
        assert_eq!(hidden(&of(&[(5, 1), (4, 0), (0, 3)]), 0.25), None);
        assert_eq!(hidden(&of(&[(20, 0), (10, 0), (0, 10)]), 0.25), Some((2, 10)));
    }

    #[test]
    fn rights_go_by_references_and_ids() {
        let names =
            |entity: &str| -> Vec<_> { groups(connectwise_extract::catalog::entity(entity).unwrap()).collect() };
        assert!(names("TimeEntry").contains(&("member", true)));
        assert!(names("TimeEntry").contains(&("locationId", false)));
        assert!(names("ServiceTicket").contains(&("board", true)));
        assert!(names("Currency").is_empty());
    }
}
