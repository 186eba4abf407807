//! Rows of silver put among the versions that a history holds.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, TimestampMicrosecondArray, UInt64Array,
};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::SchemaRef;
use connectwise_extract::contract::{CONTENT_HASH, IS_DELETED, TIMESTAMP};
use connectwise_lakehouse::integers;
use twox_hash::XxHash3_64;

use super::timeline::{Span, Version, spans};
use super::{CURRENT, FROM, KEY, TO};
use crate::error::{Error, Result};

/// Rows of some records: what the history holds of them and what silver says.
pub(super) struct Records {
    /// History rows first, then silver's, all of the history's schema.
    rows: RecordBatch,
    stored: usize,
    keys: Int64Array,
    versions: Vec<Version>,
    /// Change times as the records tell them, or when they were read where they tell none.
    told: Vec<i64>,
    /// When silver's rows say that their record was gone, and when the history's do.
    gone: Vec<Option<i64>>,
    was: Vec<Span>,
}

/// Change times that lie further behind the reading than clocks and time zones do are wrong.
const FUTURE: i64 = 86_400_000_000;

/// Since when a version is valid, as far as it tells: what was read can't have changed in the future, or no later version would
/// ever follow it.
fn changed_by(told: Option<i64>, seen: i64) -> i64 {
    told.filter(|told| *told <= seen.saturating_add(FUTURE)).unwrap_or(seen)
}

impl Records {
    /// `stored` and `silver` are of `schema`; `silver` has nothing in the columns that only a history has.
    pub(super) fn new(schema: &SchemaRef, key: &str, stored: &[RecordBatch], silver: &[RecordBatch]) -> Result<Self> {
        let rows = concat_batches(schema, stored.iter().chain(silver)).map_err(broken)?;
        let count = stored.iter().map(RecordBatch::num_rows).sum();
        let instants = |name: &str| rows.column_by_name(name).and_then(|column| column.as_primitive_opt().cloned());
        let missing = |name: &str| Error::history_without(name);
        let changed: Option<TimestampMicrosecondArray> = instants("lastUpdated");
        let seen: TimestampMicrosecondArray = instants(TIMESTAMP).ok_or_else(|| missing(TIMESTAMP))?;
        let from: TimestampMicrosecondArray = instants(FROM).ok_or_else(|| missing(FROM))?;
        let to: TimestampMicrosecondArray = instants(TO).ok_or_else(|| missing(TO))?;
        let deleted = rows.column_by_name(IS_DELETED).and_then(|column| column.as_boolean_opt());
        let deleted = deleted.ok_or_else(|| missing(IS_DELETED))?;
        let contents = integers(&rows, CONTENT_HASH)?;
        let mut versions = Vec::new();
        let mut gone = Vec::new();
        let mut was = Vec::new();
        let mut all_told = Vec::new();
        for row in 0..rows.num_rows() {
            let told = changed.as_ref().filter(|changed| changed.is_valid(row)).map(|changed| changed.value(row));
            let seen = seen.value(row);
            let is_deleted = deleted.is_valid(row) && deleted.value(row);
            let content = contents.value(row);
            all_told.push(told.unwrap_or(seen));
            let changed = changed_by(told, seen);
            if row < count {
                let end = to.is_valid(row).then(|| to.value(row));
                was.push(Span { from: from.value(row), to: end, deleted: is_deleted });
                gone.push(end.filter(|_| is_deleted));
                versions.push(Version { changed, seen, content });
            } else if is_deleted {
                // Silver stamps a row when it finds that it is gone, so all that is left is that it was read before.
                gone.push(Some(seen.max(changed)));
                versions.push(Version { changed, seen: seen.max(changed), content });
            } else {
                gone.push(None);
                versions.push(Version { changed, seen, content });
            }
        }
        Ok(Self { keys: integers(&rows, key)?, rows, stored: count, versions, told: all_told, gone, was })
    }

    /// The rows that the history lacks or has otherwise.
    pub(super) fn changes(&self) -> Result<RecordBatch> {
        let mut records: HashMap<i64, Vec<usize>> = HashMap::new();
        for row in 0..self.rows.num_rows() {
            records.entry(self.keys.value(row)).or_default().push(row);
        }
        let mut changes: Vec<(usize, Span)> = Vec::new();
        for rows in records.values() {
            changes.extend(self.of_record(rows));
        }
        changes.sort_unstable_by_key(|(row, _)| *row);
        self.batch(&changes)
    }

    /// The changed rows of one record; what the history holds comes first in `rows`.
    fn of_record(&self, rows: &[usize]) -> Vec<(usize, Span)> {
        let mut kept: Vec<(Version, usize)> = Vec::new();
        for &row in rows {
            let Some(version) = self.versions.get(row).copied() else { continue };
            let is_gone = row >= self.stored && self.gone.get(row).is_some_and(Option::is_some);
            let known = |(other, at): &(Version, usize)| {
                let same = (self.told.get(*at), other.content) == (self.told.get(row), version.content);
                same && (other.seen == version.seen || (is_gone && other.seen < version.seen))
            };
            if !kept.iter().any(known) {
                kept.push((version, row));
            }
        }
        // What was read after a version and tells an older change time is the later state all the same, as it is in silver: the server was
        // put back, or the version before told a change time in the future.
        kept.sort_unstable_by_key(|(version, _)| (version.seen, version.changed));
        for at in 1..kept.len() {
            let (before, now) = kept.split_at_mut(at);
            if let Some((version, _)) = now.first_mut()
                && before.iter().any(|(other, _)| {
                    other.seen < version.seen && version.changed < other.changed && other.changed <= version.seen
                })
            {
                version.changed = version.seen;
            }
        }
        kept.sort_unstable();
        let deletions: Vec<i64> = rows.iter().filter_map(|row| self.gone.get(*row).copied().flatten()).collect();
        let versions: Vec<Version> = kept.iter().map(|(version, _)| *version).collect();
        let spans = spans(&versions, &deletions);
        let pairs = kept.into_iter().zip(spans);
        pairs
            .filter(|((_, row), span)| match self.was.get(*row) {
                Some(was) => was != span,
                // A version that was never valid says nothing, unless it says when the record was gone.
                None => !span.is_empty() || span.deleted,
            })
            .map(|((_, row), span)| (row, span))
            .collect()
    }

    fn batch(&self, changes: &[(usize, Span)]) -> Result<RecordBatch> {
        let rows = UInt64Array::from_iter_values(changes.iter().map(|(row, _)| *row as u64));
        let taken = take_record_batch(&self.rows, &rows).map_err(broken)?;
        let schema = taken.schema();
        let instants = |of: &dyn Fn(usize, &Span) -> Option<i64>| -> ArrayRef {
            let values = changes.iter().map(|(row, span)| of(*row, span));
            Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        };
        let flags = |of: fn(&Span) -> bool| -> ArrayRef {
            Arc::new(changes.iter().map(|(_, span)| Some(of(span))).collect::<BooleanArray>())
        };
        let columns = schema.fields().iter().zip(taken.columns()).map(|(field, column)| match field.name().as_str() {
            KEY => Arc::new(changes.iter().map(|(row, _)| Some(self.identity(*row))).collect::<Int64Array>()),
            FROM => instants(&|_, span| Some(span.from)),
            TO => instants(&|_, span| span.to),
            CURRENT => flags(|span| span.to.is_none()),
            IS_DELETED => flags(|span| span.deleted),
            TIMESTAMP => instants(&|row, _| self.versions.get(row).map(|version| version.seen)),
            _ => column.clone(),
        });
        RecordBatch::try_new(schema.clone(), columns.collect()).map_err(broken)
    }

    /// What tells a version from all others, the same in every build.
    fn identity(&self, row: usize) -> i64 {
        let Some(version) = self.versions.get(row) else { return 0 };
        let parts = [self.keys.value(row), version.changed, version.seen, version.content];
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.to_le_bytes()).collect();
        XxHash3_64::oneshot(&bytes).cast_signed()
    }
}

fn broken(error: arrow::error::ArrowError) -> Error {
    Error::unordered_versions().with_source(error)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, StringArray};
    use arrow::datatypes::{DataType, Field, Schema, TimeUnit, TimestampMicrosecondType};
    use proptest::prelude::*;

    use super::*;

    fn schema() -> SchemaRef {
        let instant = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        Arc::new(Schema::new(vec![
            Field::new(KEY, DataType::Int64, false),
            Field::new(FROM, instant(), false),
            Field::new(TO, instant(), true),
            Field::new(CURRENT, DataType::Boolean, false),
            Field::new("id", DataType::Int32, false),
            Field::new("name", DataType::Utf8, true),
            Field::new("lastUpdated", instant(), true),
            Field::new(IS_DELETED, DataType::Boolean, false),
            Field::new(TIMESTAMP, instant(), false),
            Field::new(CONTENT_HASH, DataType::Int64, false),
        ]))
    }

    /// A row as silver has it: id, change time, when it was read or found gone, content, whether it is gone.
    type VersionRow = (i32, Option<i64>, i64, i64, bool);

    /// A row of a history: id, content, from, to, whether it is current and whether it was closed by a deletion.
    type Line = (i64, i64, i64, Option<i64>, bool, bool);

    fn silver(rows: &[VersionRow]) -> RecordBatch {
        let instants = |values: Vec<Option<i64>>| -> ArrayRef {
            Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
        };
        let count = rows.len();
        RecordBatch::try_new(
            schema(),
            vec![
                Arc::new(Int64Array::from(vec![0; count])),
                instants(vec![Some(0); count]),
                instants(vec![None; count]),
                Arc::new(BooleanArray::from(vec![false; count])),
                Arc::new(rows.iter().map(|row| Some(row.0)).collect::<Int32Array>()),
                Arc::new(rows.iter().map(|row| Some(format!("content {}", row.3))).collect::<StringArray>()),
                instants(rows.iter().map(|row| row.1).collect()),
                Arc::new(rows.iter().map(|row| Some(row.4)).collect::<BooleanArray>()),
                instants(rows.iter().map(|row| Some(row.2)).collect()),
                Arc::new(rows.iter().map(|row| Some(row.3)).collect::<Int64Array>()),
            ],
        )
        .unwrap()
    }

    /// A history as a table keeps it: by identity.
    #[derive(Default)]
    struct History(HashMap<i64, RecordBatch>);

    impl History {
        /// Merges a batch, and says how many rows changed.
        fn arrive(&mut self, rows: &[VersionRow]) -> usize {
            let stored: Vec<RecordBatch> = self.0.values().cloned().collect();
            let changes = Records::new(&schema(), "id", &stored, &[silver(rows)]).unwrap().changes().unwrap();
            for row in 0..changes.num_rows() {
                self.0.insert(integers(&changes, KEY).unwrap().value(row), changes.slice(row, 1));
            }
            changes.num_rows()
        }

        /// Its rows in order, without those that were never valid.
        fn lines(&self) -> Vec<Line> {
            let mut lines: Vec<_> = self
                .0
                .values()
                .map(|row| {
                    let instant = |name: &str| {
                        let column = row.column_by_name(name).unwrap().as_primitive::<TimestampMicrosecondType>();
                        column.is_valid(0).then(|| column.value(0))
                    };
                    let flag = |name: &str| row.column_by_name(name).unwrap().as_boolean().value(0);
                    let number = |name: &str| integers(row, name).unwrap().value(0);
                    let from = instant(FROM).unwrap();
                    let to = instant(TO);
                    (number("id"), number(CONTENT_HASH), from, to, flag(CURRENT), flag(IS_DELETED))
                })
                .filter(|line| line.3 != Some(line.2))
                .collect();
            lines.sort_unstable_by_key(|line| (line.0, line.2));
            lines
        }
    }

    #[test]
    fn an_older_version_that_arrives_late_is_put_between() {
        let mut history = History::default();
        history.arrive(&[(1, Some(10), 100, 1, false), (2, None, 100, 7, false)]);
        history.arrive(&[(1, Some(300), 310, 3, false)]);
        assert_eq!(history.arrive(&[(1, Some(200), 250, 2, false)]), 2, "itself, and the end of the one before");
        assert_eq!(
            history.lines(),
            [
                (1, 1, 10, Some(200), false, false),
                (1, 2, 200, Some(300), false, false),
                (1, 3, 300, None, true, false),
                (2, 7, 100, None, true, false)
            ]
        );
        assert_eq!(history.arrive(&[(1, Some(200), 250, 2, false)]), 0, "a batch that arrives twice changes nothing");
    }

    #[test]
    fn what_is_read_of_a_server_that_was_put_back_is_the_current_version() {
        let mut history = History::default();
        history.arrive(&[(1, Some(10), 100, 1, false)]);
        history.arrive(&[(1, Some(200), 210, 2, false)]);
        assert_eq!(history.arrive(&[(1, Some(10), 300, 1, false)]), 2, "itself, and the end of the one before");
        let back =
            [(1, 1, 10, Some(200), false, false), (1, 2, 200, Some(300), false, false), (1, 1, 300, None, true, false)];
        assert_eq!(history.lines(), back);
        assert_eq!(history.arrive(&[(1, Some(10), 300, 1, false)]), 0);
        // The server's clock is a little behind.
        history.arrive(&[(1, Some(295), 310, 3, false)]);
        assert_eq!(history.lines().last(), Some(&(1, 3, 310, None, true, false)));
        assert_eq!(history.lines()[..2], back[..2], "what was is what it was");
    }

    #[test]
    fn a_deletion_closes_and_is_not_undone_by_what_was_read_before() {
        let mut history = History::default();
        history.arrive(&[(1, Some(10), 100, 1, false)]);
        history.arrive(&[(1, Some(10), 200, 1, true)]);
        assert_eq!(history.arrive(&[(1, Some(10), 200, 1, true)]), 0);
        assert_eq!(history.arrive(&[(1, Some(10), 100, 1, false)]), 0);
        assert_eq!(history.lines(), [(1, 1, 10, Some(200), false, true)]);
        history.arrive(&[(1, Some(110), 120, 2, false)]);
        let both = [(1, 1, 10, Some(110), false, false), (1, 2, 110, Some(200), false, true)];
        assert_eq!(history.lines(), both, "a late version is the one that the deletion ended");
        history.arrive(&[(1, Some(110), 300, 2, false)]);
        assert_eq!(history.lines().last(), Some(&(1, 2, 300, None, true, false)));
    }

    /// What happens to one record, one after the other.
    #[derive(Debug, Clone, Copy)]
    enum Event {
        /// It changes, and the server notes when.
        Change,
        /// It changes, and the server doesn't.
        Silent,
        /// It is gone, or comes back.
        Toggle,
    }

    /// The naive model: a record's life told in the order in which it happened. Gives what a history has to say of it and
    /// the rows that silver had, one for each event.
    fn life(id: i32, events: &[(Event, i64, i64)]) -> (Vec<Line>, Vec<VersionRow>) {
        let mut rows: Vec<VersionRow> = vec![(id, Some(0), 1, 0, false)];
        let mut lines = vec![(i64::from(id), 0, 0, None, true, false)];
        let mut now = 1;
        let mut changed = 0;
        let mut content = 0;
        let mut there = true;
        for (event, wait, delay) in events {
            let happened = now + 1 + wait;
            let read = happened + delay;
            now = read + 1;
            let close = |lines: &mut Vec<Line>, at: i64, deleted: bool| {
                if let Some(last) = lines.last_mut().filter(|last| last.3.is_none()) {
                    (last.3, last.4, last.5) = (Some(at), false, deleted);
                }
            };
            match event {
                Event::Toggle if there => {
                    there = false;
                    close(&mut lines, read, true);
                    rows.push((id, Some(changed), read, content, true));
                }
                Event::Toggle => {
                    there = true;
                    lines.push((i64::from(id), content, read, None, true, false));
                    rows.push((id, Some(changed), read, content, false));
                }
                Event::Change | Event::Silent if there => {
                    content += 1;
                    let mut from = read;
                    if matches!(event, Event::Change) {
                        (changed, from) = (happened, happened);
                    }
                    close(&mut lines, from, false);
                    lines.push((i64::from(id), content, from, None, true, false));
                    rows.push((id, Some(changed), read, content, false));
                }
                Event::Change | Event::Silent => {}
            }
        }
        (lines, rows)
    }

    fn events() -> impl Strategy<Value = Vec<(Event, i64, i64)>> {
        let event = prop_oneof![3 => Just(Event::Change), 2 => Just(Event::Silent), 2 => Just(Event::Toggle)];
        prop::collection::vec((event, 0..5_i64, 0..3_i64), 0..8)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// In whatever order and however often rows arrive, alone or in batches, the history is the life of the records.
        #[test]
        fn the_order_of_arrivals_does_not_matter(
            lives in prop::collection::vec(events(), 1..3),
            order in prop::collection::vec((any::<u32>(), 1..4_usize), 1..60),
        ) {
            let mut expected = Vec::new();
            let mut rows = Vec::new();
            for (id, events) in lives.iter().enumerate() {
                let (lines, arrivals) = life(id as i32 + 1, events);
                expected.extend(lines);
                rows.extend(arrivals);
            }
            // A deletion is found after what it ends was read; all else may come in any order.
            let arrivals = |at: usize| -> Vec<VersionRow> {
                let row = rows[at];
                let before = rows[..at].iter().filter(|other| row.4 && other.0 == row.0);
                before.chain([&row]).copied().collect()
            };
            let mut history = History::default();
            for (pick, size) in &order {
                let batch: Vec<VersionRow> = (0..*size).flat_map(|next| arrivals((*pick as usize + next * 7) % rows.len())).collect();
                for batch in unique(&batch) {
                    history.arrive(&batch);
                }
            }
            let mut shuffled: Vec<usize> = (0..rows.len()).collect();
            shuffled.sort_by_key(|at| order[at % order.len()].0.wrapping_mul(2 * *at as u32 + 1));
            for at in shuffled {
                for row in arrivals(at) {
                    history.arrive(&[row]);
                }
            }
            prop_assert_eq!(&history.lines(), &expected);
            for batch in unique(&rows) {
                prop_assert_eq!(history.arrive(&batch), 0);
            }
        }
    }

    /// Batches as silver can have them: one row a record.
    fn unique(rows: &[VersionRow]) -> Vec<Vec<VersionRow>> {
        let mut batches: Vec<Vec<VersionRow>> = Vec::new();
        for row in rows {
            match batches.iter_mut().find(|batch| batch.iter().all(|other| other.0 != row.0)) {
                Some(batch) => batch.push(*row),
                None => batches.push(vec![*row]),
            }
        }
        batches
    }
}
