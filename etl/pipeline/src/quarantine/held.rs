//! What the quarantine holds of an entity: which records are open, where they are asked for again, and when they close.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use connectwise_extract::contract;
use connectwise_extract::decode::Rejected;
use connectwise_extract::read::Place;
use connectwise_lakehouse::{Changes, Commit, Lake, Table, retry_on_conflict};
use connectwise_sdk::catalog::Entity;
use datafusion::prelude::{ident, lit};
use serde::Serialize;

use super::{KEY, NAME, QuarantineRow, WRITING, identity, schema, table};
use crate::error::{Error, Result, sql_error};
use crate::typed::{from_batches, to_batch};

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
    fn of(row: &QuarantineRow) -> Self {
        Self {
            quarantine_id: row.id,
            entity: row.entity.clone(),
            record_id: row.key,
            after: row.after,
            before: row.before,
            parent_record_id: row.parent,
            reason: row.reason.clone(),
            since: row.since,
            acknowledged: row.acknowledged,
            closed: row.closed,
        }
    }

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
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the table can't be read.
    pub async fn of(table: &Table, entity: &Entity) -> Result<Self> {
        Ok(Self(rows(table, Some(entity.name)).await?.iter().map(Record::of).collect()))
    }

    /// Whether there is nothing that is still as it was kept.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|record| record.closed.is_some())
    }

    /// How many records are still as they were kept.
    pub(super) fn standing(&self) -> u64 {
        self.0.iter().filter(|record| record.closed.is_none()).count() as u64
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
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the table can't be read or written.
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
        let now = Self::of(&lake.table(&table()).await?, entity).await?;
        let open: Vec<&Record> = now.open().collect();
        let open = named(&open).zip(open.first()).map(|(named, first)| {
            let why = &first.reason;
            format!(
                "records of {name} can't be rows and are in {}: {named} ({why}); the next run asks for them again, so have \
                 them mended in the PSA, or let them stay: `connectwise-etl quarantine` lists them, and with `--all` acknowledges them",
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
/// [`Kind::Lake`](crate::error::Kind::Lake) when the table can't be read.
pub async fn open(lake: &Lake) -> Result<Vec<Record>> {
    let mut all = standing(lake).await?;
    all.retain(Record::is_open);
    Ok(all)
}

/// Records that are open or acknowledged.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) when the table can't be read.
pub async fn standing(lake: &Lake) -> Result<Vec<Record>> {
    let mut all = records(lake).await?;
    all.retain(|record| record.closed.is_none());
    all.sort_by(|a, b| (&a.entity, a.record_id, a.quarantine_id).cmp(&(&b.entity, b.record_id, b.quarantine_id)));
    Ok(all)
}

/// Says of open records that they may stay as they are: of those with these ids, or of all. Gives them as they were.
///
/// # Errors
/// [`Kind::Usage`](crate::error::Kind::Usage) when an id is none of an open record, and then nothing is acknowledged; [`Kind::Lake`](crate::error::Kind::Lake) when the table can't
/// be read or written.
pub async fn acknowledge(lake: &Lake, ids: Option<&[i64]>, run_id: &str, now: DateTime<Utc>) -> Result<Vec<Record>> {
    let mut chosen = open(lake).await?;
    if let Some(ids) = ids {
        let known = |id: &&i64| chosen.iter().any(|record| record.quarantine_id == **id);
        if let Some(unknown) = ids.iter().find(|id| !known(id)) {
            return Err(Error::not_quarantined(*unknown));
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
    let _one = WRITING.lock().await;
    retry_on_conflict(&table(), async || {
        let table = lake.table(&table()).await?;
        let changed = |row: QuarantineRow| {
            let (acknowledged, closed) = state(&Record::of(&row))?;
            Some(QuarantineRow { acknowledged, closed, ..row })
        };
        let changed: Vec<QuarantineRow> = rows(&table, entity).await?.into_iter().filter_map(changed).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let changed = vec![to_batch(NAME, &schema(), &changed)?];
        table.merge(&schema(), Changes::upserts(KEY, changed), &Commit::new(run_id)).await?;
        Ok(())
    })
    .await
}

async fn records(lake: &Lake) -> Result<Vec<Record>> {
    Ok(rows(&lake.table(&table()).await?, None).await?.iter().map(Record::of).collect())
}

/// The table's rows. One that was written by an earlier version has fewer columns.
async fn rows(table: &Table, entity: Option<&str>) -> Result<Vec<QuarantineRow>> {
    const HELD: &str = "__quarantine";
    let session = table.lake().session()?;
    if !table.register(&session, HELD).await? {
        return Ok(Vec::new());
    }
    let read = async {
        let mut frame = session.table(HELD).await?;
        if let Some(entity) = entity {
            frame = frame.filter(ident(contract::ENTITY).eq(lit(entity)))?;
        }
        frame.collect().await
    };
    from_batches(NAME, &read.await.map_err(sql_error)?)
}
