//! What the quarantine holds of an entity: which records are open, where they are asked for again, and when they close.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, UInt64Array, new_null_array};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, Utc};
use connectwise_sdk::catalog::Entity;
use datafusion::prelude::{SessionContext, ident, lit};
use serde::Serialize;

use super::{ACKNOWLEDGED, AFTER, BEFORE, CLOSED, KEY, PARENT, RECORD_ID, identity, schema, table, times};
use crate::contract;
use crate::decode::Rejected;
use crate::error::{Error, Kind, Result};
use crate::extract::Place;
use crate::lake::{Commit, Lake, Race, sql_error};

/// Open records of an entity from which on its whole list is read, instead of asking for them.
const MANY: usize = 1_000;

/// Ids that a message names.
const NAMED: usize = 5;

/// A record in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// What it is acknowledged by.
    pub quarantine_id: i64,
    /// The entity in whose list it is.
    pub entity: String,
    /// Its own key, where that can be read.
    pub record_id: Option<i64>,
    /// The key before it.
    #[serde(skip)]
    pub after: Option<i64>,
    /// The key behind it.
    #[serde(skip)]
    pub before: Option<i64>,
    /// The row that it hangs on.
    pub parent_record_id: Option<i64>,
    /// Why it can't be a row.
    pub reason: String,
    /// When it was first seen.
    pub since: DateTime<Utc>,
    /// When somebody said that it may stay as it is.
    pub acknowledged: Option<DateTime<Utc>>,
    /// When a load no longer found it.
    pub closed: Option<DateTime<Utc>>,
}

impl Record {
    /// Whether it keeps a run from being done.
    pub fn is_open(&self) -> bool {
        self.acknowledged.is_none() && self.closed.is_none()
    }

    /// Where it is.
    fn place(&self) -> Place {
        Place { key: self.record_id, after: self.after, before: self.before }
    }

    fn name(&self) -> String {
        match (self.record_id, self.after) {
            (Some(key), _) => key.to_string(),
            (None, Some(after)) => format!("one behind {after}"),
            (None, None) => "one without a key".to_owned(),
        }
    }
}

/// What the quarantine holds of one entity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held(Vec<Record>);

impl Held {
    /// Everything that was ever in it, closed records too.
    ///
    /// # Errors
    /// [`Kind::Lake`] when the table can't be read.
    pub async fn all(lake: &Lake, entity: &Entity) -> Result<Self> {
        records(lake, Some(entity.name)).await.map(Self)
    }

    /// Whether there is nothing that is still as it was kept.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|record| record.closed.is_some())
    }

    /// Open records.
    pub fn open(&self) -> impl Iterator<Item = &Record> {
        self.0.iter().filter(|record| record.is_open())
    }

    /// Where open records are asked for again; `None` where there are so many that only the whole list will do.
    pub fn ranges(&self) -> Option<Vec<(i64, i64)>> {
        let ranges: Vec<_> = self.open().map(|record| record.place().range()).collect();
        (ranges.len() <= MANY).then_some(ranges)
    }

    /// The rows on which open records hang; `None` where one of them doesn't say.
    pub fn parents(&self) -> Option<BTreeSet<i64>> {
        self.open().map(|record| record.parent_record_id).collect()
    }

    /// Whether a record that is still as it was kept, open or acknowledged, may be the one with this key: it is in the list,
    /// so a stored row of it stays.
    pub fn holds(&self, key: i64) -> bool {
        self.0.iter().any(|record| record.closed.is_none() && record.place().may_be(key))
    }

    /// Whether a record has to be written, and since when it is acknowledged: one that came back after it was closed isn't.
    #[expect(clippy::option_option, reason = "nothing to write, or written with or without a time")]
    pub(super) fn differs(&self, id: i64, record: &Rejected) -> Option<Option<DateTime<Utc>>> {
        let Some(held) = self.0.iter().find(|held| held.quarantine_id == id) else { return Some(None) };
        if held.closed.is_some() {
            return Some(None);
        }
        let place = (held.record_id, held.after, held.before, held.parent_record_id);
        let known = record.key.is_some();
        let same = if known {
            (place.0, place.3) == (record.key, record.parent)
        } else {
            place == (record.key, record.after, record.before, record.parent)
        };
        (!same).then_some(held.acknowledged)
    }

    /// Closes what a read that is whole didn't find any more, once its rows are in the table. `asked` says of which records the
    /// read had to find them if they were still there.
    ///
    /// Gives what is open now and what was closed, in words for people.
    ///
    /// # Errors
    /// [`Kind::Lake`] when the table can't be read or written.
    pub async fn settle(
        self,
        lake: &Lake,
        entity: &Entity,
        rejected: &[Rejected],
        asked: impl Fn(&Record) -> bool,
        (run_id, now): (&str, DateTime<Utc>),
    ) -> Result<Settled> {
        if self.0.iter().all(|record| record.closed.is_some()) && rejected.is_empty() {
            return Ok(Settled::default());
        }
        let found: BTreeSet<i64> = rejected.iter().map(|record| identity(entity, record)).collect();
        let keys: BTreeSet<i64> = rejected.iter().filter_map(|record| record.key).collect();
        let gone: BTreeSet<i64> = self
            .0
            .iter()
            .filter(|record| record.closed.is_none() && !found.contains(&record.quarantine_id))
            // What was acknowledged and came in another form is another record.
            .filter(|record| asked(record) || record.record_id.is_some_and(|key| keys.contains(&key)))
            .map(|record| record.quarantine_id)
            .collect();
        let name = entity.name;
        if !gone.is_empty() {
            rewrite(lake, Some(name), run_id, |record| {
                gone.contains(&record.quarantine_id).then_some((record.acknowledged, Some(now)))
            })
            .await?;
        }
        let closed: Vec<&Record> = self.0.iter().filter(|record| gone.contains(&record.quarantine_id)).collect();
        let closed: Vec<&Record> =
            closed.into_iter().filter(|record| record.record_id.is_none_or(|key| !keys.contains(&key))).collect();
        let closed = named(&closed).map(|named| {
            format!("records of {name} that were in quarantine came as rows or are gone, and are closed there: {named}")
        });
        let now = Self::all(lake, entity).await?;
        let open: Vec<&Record> = now.open().collect();
        let why = open.first().map(|record| record.reason.clone()).unwrap_or_default();
        let open = named(&open).map(|named| {
            format!(
                "records of {name} can't be rows and are in {}: {named} ({why}); the next run asks for them again, so have \
                 them mended in the PSA, or say that they may stay with connectwise-etl quarantine --acknowledge",
                table()
            )
        });
        Ok(Settled { open, closed })
    }
}

/// What became of an entity's records in quarantine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Which are open.
    pub open: Option<String>,
    /// Which are no longer.
    pub closed: Option<String>,
}

/// How many there are, and the keys of some.
fn named(records: &[&Record]) -> Option<String> {
    let some: Vec<String> = records.iter().take(NAMED).map(|record| record.name()).collect();
    let such = if records.len() > some.len() { "such as " } else { "" };
    (!records.is_empty()).then(|| format!("{} ({such}{})", records.len(), some.join(", ")))
}

/// Records that are open, of all entities, those of one entity together.
///
/// # Errors
/// [`Kind::Lake`] when the table can't be read.
pub async fn open(lake: &Lake) -> Result<Vec<Record>> {
    let mut all = standing(lake).await?;
    all.retain(Record::is_open);
    Ok(all)
}

/// Records that are open or acknowledged.
///
/// # Errors
/// [`Kind::Lake`] when the table can't be read.
pub async fn standing(lake: &Lake) -> Result<Vec<Record>> {
    let mut all = records(lake, None).await?;
    all.retain(|record| record.closed.is_none());
    all.sort_by(|a, b| (&a.entity, a.record_id, a.quarantine_id).cmp(&(&b.entity, b.record_id, b.quarantine_id)));
    Ok(all)
}

/// Says of open records that they may stay as they are: of those with these ids, or of all. Gives them as they were.
///
/// # Errors
/// [`Kind::Usage`] when an id is none of an open record, and then nothing is acknowledged; [`Kind::Lake`] when the table can't
/// be read or written.
pub async fn acknowledge(lake: &Lake, ids: Option<&[i64]>, run_id: &str, now: DateTime<Utc>) -> Result<Vec<Record>> {
    let mut chosen = open(lake).await?;
    if let Some(ids) = ids {
        let known = |id: &&i64| chosen.iter().any(|record| record.quarantine_id == **id);
        if let Some(unknown) = ids.iter().find(|id| !known(id)) {
            return Err(Error::usage(format!(
                "{unknown} is no open record of the quarantine: connectwise-etl quarantine lists them"
            )));
        }
        chosen.retain(|record| ids.contains(&record.quarantine_id));
    }
    if !chosen.is_empty() {
        let wanted: BTreeSet<i64> = chosen.iter().map(|record| record.quarantine_id).collect();
        rewrite(lake, None, run_id, |record| {
            (wanted.contains(&record.quarantine_id) && record.is_open()).then_some((Some(now), None))
        })
        .await?;
    }
    Ok(chosen)
}

/// Acknowledged and closed.
type State = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// Writes another state into the rows of which `state` says one.
async fn rewrite(
    lake: &Lake,
    entity: Option<&str>,
    run_id: &str,
    state: impl Fn(&Record) -> Option<State>,
) -> Result<()> {
    let fault = |error| Error::new(Kind::Contract, "the quarantine's rows can't be built").with_source(error);
    let mut race = Race::new(table());
    loop {
        let session = lake.session()?;
        let base = lake.version(&table()).await?;
        let mut changed = Vec::new();
        for batch in read(lake, &session, entity).await? {
            let states: BTreeMap<u64, State> =
                (0_u64..).zip(of(&batch)?).filter_map(|(row, record)| Some((row, state(&record)?))).collect();
            if states.is_empty() {
                continue;
            }
            let rows = UInt64Array::from_iter_values(states.keys().copied());
            let batch = take_record_batch(&batch, &rows).map_err(fault)?;
            let mut columns = batch.columns().to_vec();
            let ends = columns.len() - 2;
            columns.truncate(ends);
            columns.push(times(states.values().map(|(acknowledged, _)| *acknowledged)));
            columns.push(times(states.values().map(|(_, closed)| *closed)));
            changed.push(RecordBatch::try_new(schema(), columns).map_err(fault)?);
        }
        if changed.is_empty() {
            return Ok(());
        }
        match lake.upsert(&table(), &schema(), KEY, changed, &session, &Commit::new(run_id).upon(base)).await {
            Ok(_) => return Ok(()),
            Err(error) => race.lost(error).await?,
        }
    }
}

async fn records(lake: &Lake, entity: Option<&str>) -> Result<Vec<Record>> {
    let session = lake.session()?;
    let mut all = Vec::new();
    for batch in read(lake, &session, entity).await? {
        all.extend(of(&batch)?);
    }
    Ok(all)
}

/// The table's rows in today's columns: one that was written by an earlier version has fewer.
async fn read(lake: &Lake, session: &SessionContext, entity: Option<&str>) -> Result<Vec<RecordBatch>> {
    const HELD: &str = "__quarantine";
    if !lake.register(session, HELD, &table()).await? {
        return Ok(Vec::new());
    }
    let read = async {
        let mut frame = session.table(HELD).await?;
        if let Some(entity) = entity {
            frame = frame.filter(ident(contract::ENTITY).eq(lit(entity)))?;
        }
        frame.collect().await
    };
    let batches = read.await.map_err(sql_error)?;
    session.deregister_table(HELD).map_err(sql_error)?;
    let fault =
        |error| Error::new(Kind::Contract, format!("{} has other columns than these", table())).with_source(error);
    let today = |batch: RecordBatch| -> Result<RecordBatch> {
        let schema = schema();
        let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
            Some(column) => cast(column, field.data_type()),
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
        });
        let columns = columns.collect::<std::result::Result<Vec<ArrayRef>, _>>().map_err(fault)?;
        RecordBatch::try_new(schema.clone(), columns).map_err(fault)
    };
    batches.into_iter().map(today).collect()
}

/// The records of a batch of today's columns.
fn of(batch: &RecordBatch) -> Result<Vec<Record>> {
    let fault = |name: &str| Error::new(Kind::Contract, format!("{} has no column {name}", table()));
    let column = |name: &str| batch.column_by_name(name).ok_or_else(|| fault(name));
    let ids = |name: &str| -> Result<Int64Array> {
        column(name)?.as_primitive_opt::<Int64Type>().cloned().ok_or_else(|| fault(name))
    };
    let texts = |name: &str| column(name)?.as_string_opt::<i32>().cloned().ok_or_else(|| fault(name));
    let moments =
        |name: &str| column(name)?.as_primitive_opt::<TimestampMicrosecondType>().cloned().ok_or_else(|| fault(name));
    let (keys, own, after, before, parent) = (ids(KEY)?, ids(RECORD_ID)?, ids(AFTER)?, ids(BEFORE)?, ids(PARENT)?);
    let (entities, reasons) = (texts(contract::ENTITY)?, texts("reason")?);
    let (since, acknowledged, closed) = (moments(contract::TIMESTAMP)?, moments(ACKNOWLEDGED)?, moments(CLOSED)?);
    let id = |of: &Int64Array, row: usize| of.is_valid(row).then(|| of.value(row));
    let time = |of: &arrow::array::TimestampMicrosecondArray, row: usize| {
        of.is_valid(row).then(|| DateTime::from_timestamp_micros(of.value(row))).flatten()
    };
    let record = |row: usize| Record {
        quarantine_id: keys.value(row),
        entity: entities.value(row).to_owned(),
        record_id: id(&own, row),
        after: id(&after, row),
        before: id(&before, row),
        parent_record_id: id(&parent, row),
        reason: reasons.value(row).to_owned(),
        since: time(&since, row).unwrap_or_default(),
        acknowledged: time(&acknowledged, row),
        closed: time(&closed, row),
    };
    Ok((0..batch.num_rows()).map(record).collect())
}
