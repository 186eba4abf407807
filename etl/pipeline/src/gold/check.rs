//! Data tests: what has to hold for the rows of a table, looked at while they go by and judged before they are committed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, SchemaRef};
use chrono::{DateTime, Utc};
use connectwise_extract::contract::{DECIMAL, IS_DELETED, TIMESTAMP};
use connectwise_lakehouse::TableName;
use connectwise_storage::locked;
use datafusion::prelude::SessionContext;

use super::config::GoldConfig;
use super::inputs::Inputs;
use super::key_set::KeySet;
use super::keys::text;
use super::model::Model;
use super::{STORED, failed};
use crate::error::{Error, Result};
use crate::silver::Fingerprinter;
use crate::sql;
use crate::telemetry::{Severity, TestResult};

/// The count among the sums of a balance.
const ROW_COUNT: &str = "row_count";
/// Texts that are shown of those that a test found.
const SHOWN: usize = 3;

/// Units of decimal columns, by column, and the number of rows.
pub(super) type Sums = BTreeMap<String, i128>;

/// The keys that a dimension has, by the name of its key column.
pub(super) type HeldKeys = BTreeMap<String, (String, Arc<KeySet>)>;

/// Sums in units of the decimal scale, by the value of the grouping column.
pub(super) type GroupSums = BTreeMap<i64, i128>;

/// An `adds_up` test: the sum of a column for each value of the grouping column.
#[derive(Clone)]
struct Groups {
    by: String,
    sum: String,
    expected: Arc<GroupSums>,
}

/// The tests of one table, ready to look at its rows.
#[derive(Clone)]
pub(super) struct Checks {
    table: TableName,
    key: String,
    /// Columns with the dimension that they refer to and its keys.
    references: Vec<(String, String, Arc<KeySet>)>,
    texts: Vec<(String, Severity, BTreeSet<String>)>,
    balance: Sums,
    balance_where: String,
    balance_unless: BTreeMap<String, String>,
    groups: Vec<Groups>,
    /// Sums of the rows that stay as they are, where only some are looked at.
    unaffected: Sums,
    results: Arc<Mutex<Vec<TestResult>>>,
}

impl Checks {
    /// The data tests of a model. `balance` holds the sums over silver, `expected` the expected sums by group, one
    /// for each `adds_up`.
    pub(super) fn of(model: &Model, held: &HeldKeys, balance: Sums, expected: Vec<GroupSums>) -> Self {
        let mut references = Vec::new();
        for name in model.schema.fields().iter().map(|field| field.name()).filter(|name| **name != model.key) {
            // A day's key is called after what happened on it.
            let key = if name.ends_with("DateSK") { "DateKey" } else { name.as_str() };
            if let Some((dimension, keys)) = held.get(key) {
                references.push((name.clone(), dimension.clone(), keys.clone()));
            }
        }
        let texts = |lists: &BTreeMap<String, Vec<String>>, severity| {
            let lists =
                lists.iter().map(move |(column, texts)| (column.clone(), severity, texts.iter().cloned().collect()));
            lists.collect::<Vec<_>>()
        };
        Self {
            table: TableName::gold(&model.name),
            key: model.key.clone(),
            references,
            texts: [texts(&model.tests.accepted, Severity::Error), texts(&model.tests.expected, Severity::Warn)]
                .concat(),
            balance,
            balance_where: model.tests.balance_where.clone(),
            balance_unless: model.tests.balance_unless.clone(),
            groups: model
                .tests
                .adds_up
                .iter()
                .zip(expected)
                .map(|(adds_up, expected)| Groups {
                    by: adds_up.by(model).to_owned(),
                    sum: adds_up.sum.clone(),
                    expected: Arc::new(expected),
                })
                .collect(),
            unaffected: BTreeMap::new(),
            results: Arc::default(),
        }
    }

    /// The SELECT of the sums that a stored table has, as `stored`. `None` where there is nothing to compare.
    pub(super) fn sums_of_stored(&self) -> Option<String> {
        let columns: Vec<String> = self.balance.keys().map(|name| format!("sum(`{name}`) as `{name}`")).collect();
        let columns = columns.join(", ").replace(&format!("sum(`{ROW_COUNT}`)"), "count(*)");
        let condition = if self.balance_where.is_empty() { "true" } else { self.balance_where.as_str() };
        let unless: String =
            self.balance_unless.iter().map(|(name, text)| format!(" and `{name}` <> '{text}'")).collect();
        (!columns.is_empty()).then(|| format!("select {columns} from {STORED} where {condition}{unless}"))
    }

    /// The same tests of some rows only, in place of the rows `before` of a table whose sums are `stored`. What the table has
    /// beside those counts in its sums. Only the groups with a value in `together` are tested: all of their rows are looked at.
    pub(super) fn in_place_of(
        mut self,
        model: &Model,
        before: &[RecordBatch],
        stored: Sums,
        together: &BTreeSet<i32>,
    ) -> Result<Self> {
        // Of other groups some rows may not be looked at.
        self.groups.retain(|groups| groups.by == model.together);
        for groups in &mut self.groups {
            let is_looked_at = |value: &i64| i32::try_from(*value).is_ok_and(|value| together.contains(&value));
            let some = groups.expected.iter().filter(|(value, _)| is_looked_at(value));
            groups.expected = Arc::new(some.map(|(value, sum)| (*value, *sum)).collect());
        }
        self.unaffected = stored;
        let mut tally = self.tally(model)?;
        for batch in before {
            tally.add(batch)?;
        }
        // The tally started at the whole table's sums.
        let looked_at = tally.sums;
        for (name, sum) in &mut self.unaffected {
            let unknown = || Error::internal(&format!("{} has a sum of {name} that no test adds up", model.name));
            *sum += *sum - looked_at.get(name).ok_or_else(unknown)?;
        }
        Ok(self)
    }

    /// A tally of rows that go by from now on.
    pub(super) fn tally(&self, model: &Model) -> Result<TestTally> {
        let ids = Fingerprinter::new(&model.schema, |name| name == model.key)?;
        let zeros = |count| vec![0; count];
        Ok(TestTally {
            ids,
            seen: Vec::new(),
            null_keys: 0,
            dangling: zeros(self.references.len()),
            odd: vec![(0, BTreeSet::new()); self.texts.len()],
            groups: vec![HashMap::new(); self.groups.len()],
            sums: self
                .balance
                .keys()
                .map(|name| (name.clone(), self.unaffected.get(name).copied().unwrap_or(0)))
                .collect(),
            checks: self.clone(),
        })
    }

    /// An error that names the failed tests of severity error, `None` if there are none. It replaces the writer's own error,
    /// which carries their text only.
    pub(super) fn rejection(&self) -> Option<Error> {
        let results = locked(&self.results);
        let wrong = results.iter().filter(|result| !result.passed() && result.severity == Severity::Error);
        let wrong: Vec<String> = wrong.map(|result| format!("that {} ({})", result.test, result.found)).collect();
        (!wrong.is_empty()).then(|| Error::failed_tests(&self.table, &wrong))
    }

    /// What the tests found, the last time that all rows went by.
    pub(super) fn results(&self) -> Vec<TestResult> {
        std::mem::take(&mut *locked(&self.results))
    }
}

/// Counts and sums of rows that went by.
pub(super) struct TestTally {
    checks: Checks,
    ids: Fingerprinter,
    /// Hash of the key of every row.
    seen: Vec<u64>,
    null_keys: u64,
    dangling: Vec<u64>,
    odd: Vec<(u64, BTreeSet<String>)>,
    groups: Vec<HashMap<i64, i128>>,
    sums: BTreeMap<String, i128>,
}

impl TestTally {
    /// Looks at rows of the table's contract.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        self.null_keys += column(batch, &self.checks.key)?.null_count() as u64;
        self.seen.extend(self.ids.rows(batch)?);
        for ((name, _, keys), dangling) in self.checks.references.iter().zip(&mut self.dangling) {
            let found = converted(column(batch, name)?, &DataType::Int64)?;
            let lost = found.as_primitive::<Int64Type>().iter().filter(|key| key.is_none_or(|key| !keys.contains(key)));
            *dangling += lost.count() as u64;
        }
        for ((name, _, known), (odd, examples)) in self.checks.texts.iter().zip(&mut self.odd) {
            for text in text(column(batch, name)?)?.iter().flatten().filter(|text| !known.contains(*text)) {
                *odd += 1;
                if examples.len() < SHOWN {
                    examples.insert(text.to_owned());
                }
            }
        }
        let part = match self.checks.balance_where.as_str() {
            "" => None,
            name => Some(column(batch, name)?.as_boolean().clone()),
        };
        let mut unless = Vec::new();
        for (name, text) in &self.checks.balance_unless {
            unless.push((self::text(column(batch, name)?)?, text));
        }
        let takes_part = |row: usize| {
            part.as_ref().is_none_or(|part| part.value(row))
                && unless.iter().all(|(texts, text)| texts.is_null(row) || texts.value(row) != text.as_str())
        };
        for (name, sum) in &mut self.sums {
            if name == ROW_COUNT {
                *sum += (0..batch.num_rows()).filter(|row| takes_part(*row)).count() as i128;
                continue;
            }
            let units = converted(column(batch, name)?, &DataType::Decimal128(38, DECIMAL.1))?;
            let units = units.as_primitive::<Decimal128Type>();
            let units =
                (0..units.len()).filter(|row| units.is_valid(*row) && takes_part(*row)).map(|row| units.value(row));
            *sum += units.sum::<i128>();
        }
        self.add_groups(batch)
    }

    /// Adds the columns of rows that aren't deleted to the sums of their groups.
    fn add_groups(&mut self, batch: &RecordBatch) -> Result<()> {
        let gone = batch.column_by_name(IS_DELETED).and_then(|gone| gone.as_boolean_opt()).cloned();
        for (Groups { by, sum, .. }, sums) in self.checks.groups.iter().zip(&mut self.groups) {
            let values = converted(column(batch, by)?, &DataType::Int64)?;
            let units = converted(column(batch, sum)?, &DataType::Decimal128(38, DECIMAL.1))?;
            let rows = values.as_primitive::<Int64Type>().iter().zip(units.as_primitive::<Decimal128Type>());
            for (row, (value, units)) in rows.enumerate() {
                let is_gone = gone.as_ref().is_some_and(|gone| gone.is_valid(row) && gone.value(row));
                if let (Some(value), Some(units), false) = (value, units, is_gone) {
                    *sums.entry(value).or_default() += units;
                }
            }
        }
        Ok(())
    }

    /// Judges what went by. An error when a test failed that doesn't only warn.
    pub(super) fn judge(mut self) -> Result<()> {
        let key = &self.checks.key;
        let table = &self.checks.table;
        let mut results = Vec::new();
        let mut result = |test: String, severity, failures, found: String| {
            let found = if failures == 0 { String::new() } else { found };
            results.push(TestResult { table: table.clone(), test, severity, failures, found });
        };
        let rows_found = |rows| format!("{rows} rows");
        result(format!("{key} is not null"), Severity::Error, self.null_keys, rows_found(self.null_keys));
        let rows = self.seen.len();
        self.seen.sort_unstable();
        self.seen.dedup();
        let twice = (rows - self.seen.len()) as u64;
        result(format!("{key} is unique"), Severity::Error, twice, format!("{twice} rows too many"));
        for ((name, dimension, _), lost) in self.checks.references.iter().zip(&self.dangling) {
            result(format!("{name} is in {dimension}"), Severity::Error, *lost, rows_found(*lost));
        }
        for ((name, severity, _), (odd, examples)) in self.checks.texts.iter().zip(&self.odd) {
            result(format!("{name} has known values"), *severity, *odd, format!("{odd} rows, as {examples:?}"));
        }
        for (name, silver) in &self.checks.balance {
            let missing = || Error::internal(&format!("{name} of {table} wasn't added up"));
            let gold = *self.sums.get(name).ok_or_else(missing)?;
            let (name, scale) =
                if name == ROW_COUNT { ("number of rows", 0) } else { (name.as_str(), DECIMAL.1 as usize) };
            let found = format!("{} in gold, {} in silver", decimal(gold, scale), decimal(*silver, scale));
            result(format!("{name} agrees with silver"), Severity::Error, u64::from(gold != *silver), found);
        }
        for (Groups { by, sum, expected }, sums) in self.checks.groups.iter().zip(&self.groups) {
            // A group without rows comes to nothing.
            let found = |value: &i64| sums.get(value).copied().unwrap_or(0);
            let odd: Vec<_> = expected.iter().filter(|(value, wanted)| found(value) != **wanted).collect();
            let shown = odd.iter().take(SHOWN).map(|(value, wanted)| {
                let [found, wanted] = [found(value), **wanted].map(|units| decimal(units, DECIMAL.1 as usize));
                format!("{by} {value}: {found} instead of {wanted}")
            });
            let shown = shown.collect::<Vec<_>>().join(", ");
            let count = odd.len();
            let found = if count > SHOWN { format!("{shown}, and {} more", count - SHOWN) } else { shown };
            result(format!("{sum} adds up by {by}"), Severity::Error, count as u64, found);
        }
        *locked(&self.checks.results) = results;
        self.checks.rejection().map_or(Ok(()), Err)
    }
}

/// The sums in rows of sums, as units of a decimal column, and the number of rows.
pub(super) fn sums(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Sums> {
    let mut sums: Sums = schema.fields().iter().map(|field| (field.name().clone(), 0)).collect();
    for batch in batches {
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let scale = if field.name() == ROW_COUNT { 0 } else { DECIMAL.1 };
            let units = converted(column, &DataType::Decimal128(38, scale))?;
            let sum: i128 = units.as_primitive::<Decimal128Type>().iter().flatten().sum();
            *sums.entry(field.name().clone()).or_default() += sum;
        }
    }
    Ok(sums)
}

/// The expected sum of each group, from rows of a grouping value and a sum. Rows with a NULL are left out: they test nothing.
pub(super) fn group_sums(batches: &[RecordBatch]) -> Result<GroupSums> {
    let mut sums = GroupSums::new();
    for batch in batches {
        let values = converted(batch.column(0), &DataType::Int64)?;
        let units = converted(batch.column(1), &DataType::Decimal128(38, DECIMAL.1))?;
        for (value, units) in values.as_primitive::<Int64Type>().iter().zip(units.as_primitive::<Decimal128Type>()) {
            if let (Some(value), Some(units)) = (value, units) {
                *sums.entry(value).or_default() += units;
            }
        }
    }
    Ok(sums)
}

/// What is odd in a written table. It only warns: the rows are what the source says.
pub(super) async fn faults(session: &SessionContext, model: &Model) -> Result<TestResult> {
    let mut texts = Vec::new();
    for batch in sql::select(session, &model.tests.faults).await?.collect().await.map_err(failed)? {
        texts.extend(text(batch.column(0))?.iter().flatten().map(str::to_owned));
    }
    let failures = texts.len() as u64;
    let more = failures.saturating_sub(SHOWN as u64);
    texts.truncate(SHOWN);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    Ok(TestResult {
        table: TableName::gold(&model.name),
        test: "agrees with what silver says of it".to_owned(),
        severity: Severity::Warn,
        failures,
        found: format!("{}{more}", texts.join(", ")),
    })
}

/// Whether each entity that has to have news had some, counted from when a changed row was last loaded. It only warns: there
/// are holidays.
pub(super) async fn freshness(
    inputs: &Inputs,
    models: &[Model],
    config: &GoldConfig,
    started: DateTime<Utc>,
) -> Result<Vec<TestResult>> {
    let mut results = Vec::new();
    let asked = models.iter().flat_map(|model| model.tests.fresh.iter().map(move |fresh| (model, fresh)));
    for (model, (entity, days)) in asked {
        let table = inputs.table(entity)?;
        let silver = table.name();
        let session = table.lake().session()?;
        if !table.register(&session, "s").await? {
            continue;
        }
        let newest = format!("select cast(max(`{TIMESTAMP}`) as bigint) from s");
        let rows = session.sql(&newest).await.map_err(failed)?.collect().await.map_err(failed)?;
        let newest = rows.first().and_then(|batch| batch.column(0).as_primitive::<Int64Type>().iter().next().flatten());
        let newest = newest.and_then(DateTime::from_timestamp_micros);
        let fresh = newest.is_some_and(|newest| started.signed_duration_since(newest).num_days() <= *days);
        let found = match newest {
            Some(newest) => format!("the last on {}", config.day_of(newest)?),
            None => "no rows".to_owned(),
        };
        results.push(TestResult {
            table: TableName::gold(&model.name),
            test: format!("{silver} has news of {days} days"),
            severity: Severity::Warn,
            failures: u64::from(!fresh),
            found: if fresh { String::new() } else { found },
        });
    }
    Ok(results)
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| Error::column_missing(name, "tested"))
}

fn converted(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
    cast(column, wanted).map_err(|error| Error::untested_column().with_source(error))
}

/// Units as a decimal text.
fn decimal(units: i128, scale: usize) -> String {
    if scale == 0 {
        return units.to_string();
    }
    let sign = if units < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_written_as_decimals() {
        assert_eq!(decimal(123_456, 4), "12.3456");
        assert_eq!(decimal(-5, 4), "-0.0005");
        assert_eq!(decimal(0, 4), "0.0000");
        assert_eq!(decimal(7, 0), "7");
    }
}
