//! The rows that a build reads: those that a change can have reached, of bronze one a key, of silver those whose key is gone.

use std::collections::{HashMap, HashSet};

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use connectwise_extract::contract::{CONTENT_HASH, IS_DELETED, TIMESTAMP};
use connectwise_lakehouse::{Table, integers};
use connectwise_sdk::catalog::Entity;
use datafusion::common::JoinType;
use datafusion::prelude::{DataFrame, SessionContext, ident};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::error::{Error, Result};

/// Keys that are looked for one by one. More of them cost less as a look at the whole tables.
const AT_MOST: usize = 250_000;

/// Makes two tables readable under the names beside them, the second of which was built from the first at version `seen`: the
/// rows whose key came, went or has another content since, or all of them where that isn't told.
pub(super) async fn register(
    session: &SessionContext,
    tables: [(&str, &Table); 2],
    key: &str,
    content: &[&str],
    seen: Option<i64>,
) -> Result<()> {
    let (_, input) = tables[0];
    // A negative number is no version.
    let changed = match seen.and_then(|seen| u64::try_from(seen).ok()) {
        Some(seen) => input.key_diff(session, key, content, seen).await?,
        None => None,
    };
    let keys = changed.map(|found| found.keys()).filter(|keys| keys.len() <= AT_MOST);
    for (alias, table) in tables {
        match &keys {
            Some(keys) => table.register_rows(session, alias, key, keys).await?,
            None => table.register(session, alias).await.map(drop)?,
        }
    }
    Ok(())
}

/// Bronze as a build sees it. Its key is unique unless something else than a load wrote it; where a key is there more than
/// once, the newest row stands for it.
pub(super) struct SilverRows {
    key: &'static str,
    /// For the keys that are there more than once: the newest row of each.
    newest: Option<RecordBatch>,
}

impl SilverRows {
    /// Looks for keys that the session's `bronze` has more than once: only the key is read.
    pub(super) async fn of_bronze(session: &SessionContext, entity: &Entity) -> Result<Self> {
        let key = entity.key;
        let twice = format!("select `{key}` from bronze group by `{key}` having count(*) > 1");
        let twice = session.sql(&twice).await.map_err(failed)?.cache().await.map_err(failed)?;
        session.deregister_table("twice").map_err(failed)?;
        session.register_table("twice", twice.into_view()).map_err(failed)?;
        let rows = session
            .sql(&format!("select b.* from twice t join bronze b on t.`{key}` = b.`{key}`"))
            .await
            .map_err(failed)?
            .collect()
            .await
            .map_err(failed)?;
        Ok(Self { key, newest: newest(key, &rows)? })
    }

    /// All rows, one a key.
    pub(super) async fn all(&self, session: &SessionContext) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let bronze = session.table("bronze").await.map_err(failed)?;
        let Some(newest) = self.newest.clone() else { return batches(bronze).await };
        let twice = session.table("twice").await.map_err(failed)?;
        let other = "__twice";
        let twice = twice.select(vec![ident(self.key).alias(other)]).map_err(failed)?;
        let once = bronze.join(twice, JoinType::LeftAnti, &[self.key], &[other], None).map_err(failed)?;
        Ok(batches(once).await?.chain(stream::once(async { Ok(newest) })).boxed())
    }
}

/// The bronze rows whose content `silver` lacks, one a key. The comparison reads two columns a side, the wide rows only for
/// the keys that it finds.
pub(super) async fn changed(session: &SessionContext, key: &str) -> Result<Vec<RecordBatch>> {
    let collected = async |sql: &str| session.sql(sql).await.map_err(failed)?.collect().await.map_err(failed);
    let keys = session
        .sql(&format!(
            "select distinct b.`{key}` from bronze b left anti join silver s \
             on b.`{key}` = s.`{key}` and b.`{CONTENT_HASH}` = s.`{CONTENT_HASH}` and not s.`{IS_DELETED}`"
        ))
        .await
        .map_err(failed)?
        .cache()
        .await
        .map_err(failed)?;
    session.register_table("changed", keys.into_view()).map_err(failed)?;
    let rows = collected(&format!("select b.* from changed c join bronze b on c.`{key}` = b.`{key}`")).await?;
    let mut seen = HashSet::new();
    for batch in &rows {
        seen.extend(integers(batch, key)?.iter().flatten());
    }
    if seen.len() == rows.iter().map(RecordBatch::num_rows).sum::<usize>() {
        return Ok(rows);
    }
    // Of several rows with one key all but the newest differ from silver, for good.
    let stored = collected(&format!(
        "select cast(s.`{key}` as bigint), s.`{CONTENT_HASH}` from changed c join silver s on c.`{key}` = s.`{key}` \
         where not s.`{IS_DELETED}`"
    ))
    .await?;
    let mut known = HashMap::new();
    for batch in &stored {
        let keys = batch.column(0).as_primitive::<Int64Type>();
        let hashes = batch.column(1).as_primitive::<Int64Type>();
        known.extend(keys.iter().zip(hashes).filter_map(|(key, hash)| Some((key?, hash?))));
    }
    let Some(newest) = newest(key, &rows)? else { return Ok(Vec::new()) };
    let keys = integers(&newest, key)?;
    let hashes = hashes(&newest)?;
    let differs = |row: &usize| known.get(&keys.value(*row)) != Some(&hashes.value(*row));
    Ok(vec![taken(&newest, (0..newest.num_rows()).filter(differs))?])
}

/// The newest row of each key: by the server's change time, then by when it was read. `None` where there are no rows.
fn newest(key: &str, rows: &[RecordBatch]) -> Result<Option<RecordBatch>> {
    let Some(first) = rows.first() else { return Ok(None) };
    let all = concat_batches(&first.schema(), rows).map_err(broken)?;
    let keys = integers(&all, key)?;
    let hashes = hashes(&all)?;
    let read = all.column_by_name(TIMESTAMP).and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    let age = |row: usize| {
        let read = read.filter(|read| read.is_valid(row)).map(|read| read.value(row));
        (changed_at(&all, row), read, hashes.value(row))
    };
    let mut best: HashMap<i64, usize> = HashMap::new();
    for row in 0..all.num_rows() {
        let best = best.entry(keys.value(row)).or_insert(row);
        if age(row) > age(*best) {
            *best = row;
        }
    }
    let mut rows: Vec<usize> = best.into_values().collect();
    rows.sort_unstable();
    Ok(if rows.is_empty() { None } else { Some(taken(&all, rows.into_iter())?) })
}

/// The change time of a bronze row in microseconds.
fn changed_at(bronze: &RecordBatch, row: usize) -> Option<i64> {
    let entries = bronze.column_by_name("_info")?.as_map_opt().filter(|info| info.is_valid(row))?.value(row);
    let names = entries.column(0).as_string_opt::<i32>()?;
    let texts = entries.column(1).as_string_opt::<i32>()?;
    let found = names.iter().zip(texts).find(|(name, _)| *name == Some("lastUpdated"))?;
    super::value::micros_of_text(found.1?)
}

fn hashes(batch: &RecordBatch) -> Result<Int64Array> {
    Ok(integers(batch, CONTENT_HASH)?)
}

fn taken(batch: &RecordBatch, rows: impl Iterator<Item = usize>) -> Result<RecordBatch> {
    let rows = UInt64Array::from_iter_values(rows.map(|row| row as u64));
    take_record_batch(batch, &rows).map_err(broken)
}

/// Stored rows whose key bronze no longer has. Only keys are joined, so that no wide side is held in memory.
pub(super) async fn gone(session: &SessionContext, key: &str) -> Result<DataFrame> {
    let keys = session
        .sql(&format!("select s.`{key}` from silver s left anti join bronze b on s.`{key}` = b.`{key}`"))
        .await
        .map_err(failed)?
        .cache()
        .await
        .map_err(failed)?;
    session.deregister_table("gone").map_err(failed)?;
    session.register_table("gone", keys.into_view()).map_err(failed)?;
    session.sql(&format!("select s.* from gone g join silver s on g.`{key}` = s.`{key}`")).await.map_err(failed)
}

pub(super) async fn batches(frame: DataFrame) -> Result<BoxStream<'static, Result<RecordBatch>>> {
    Ok(frame.execute_stream().await.map_err(failed)?.map_err(failed).boxed())
}

pub(super) fn failed(error: datafusion::error::DataFusionError) -> Error {
    Error::unread_bronze().with_source(error)
}

fn broken(error: arrow::error::ArrowError) -> Error {
    Error::repeated_bronze().with_source(error)
}
