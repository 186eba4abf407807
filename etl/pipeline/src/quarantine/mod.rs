//! Records that can't be rows: kept as text, with the reason, in one table for all entities.
//!
//! A record is open until it is mended at the source or somebody acknowledges it. An incremental load asks for the open ones
//! again, whatever their change time, since it moves the watermark past them; a run with open ones isn't done.

mod held;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use chrono::{DateTime, Utc};
use connectwise_extract::contract;
use connectwise_extract::decode::Rejected;
use connectwise_lakehouse::{Changes, Commit, Lake, Layer, Table, TableName, retry_on_conflict};
use connectwise_sdk::catalog::Entity;
use connectwise_upkeep as upkeep;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use twox_hash::XxHash3_64;

use crate::error::{Error, Result};
use crate::typed::to_batch;
pub use held::{Held, Record, Settled, acknowledge, open, standing};

const NAME: &str = "bronze_cw_quarantine";
const KEY: &str = "quarantineId";

/// Application of a bronze table's commits: how many of its records are in quarantine, open or acknowledged. The quarantine is a table of
/// its own, and whoever empties it would have the records forgotten.
const COUNT: &str = "connectwise-etl:quarantined";

/// Serializes the writers of this process: concurrent loads share this table, and would make each other retry on conflicts.
static WRITING: Mutex<()> = Mutex::const_new(());

/// The quarantine table, `bronze/bronze_cw_quarantine`.
pub fn table() -> TableName {
    TableName { layer: Layer::Bronze, name: NAME.to_owned() }
}

/// Its columns.
pub fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    let time = |name: &str| Field::new(name, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false);
    let id = |name: &str| Field::new(name, DataType::Int64, true);
    Arc::new(Schema::new(vec![
        Field::new(KEY, DataType::Int64, false),
        text("record"),
        text("reason"),
        time(contract::TIMESTAMP),
        text(contract::ENTITY),
        text(contract::RUN_ID),
        // The key of the record where it can be read, and those around it.
        id("recordId"),
        id("afterId"),
        id("beforeId"),
        id("parentRecordId"),
        // When somebody said that it may stay as it is.
        time("acknowledged").with_nullable(true),
        // When a load no longer found it: it was mended, changed or deleted at the source.
        time("closed").with_nullable(true),
    ]))
}

/// What tells a record from others.
fn identity(entity: &Entity, record: &Rejected) -> i64 {
    // Where the text is withheld it is that of others too.
    let key = record.key.map_or_else(String::new, |key| format!("{key}\n"));
    XxHash3_64::oneshot(format!("{}\n{key}{}", entity.name, record.text).as_bytes()).cast_signed()
}

/// Keeps rejected records. One that is there already, from an earlier run, isn't kept twice; one that had been closed is open
/// again.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) when the table can't be written.
pub async fn keep(
    lake: &Lake,
    entity: &Entity,
    rejected: &[Rejected],
    run_id: &str,
    started: DateTime<Utc>,
) -> Result<u64> {
    if rejected.is_empty() {
        return Ok(0);
    }
    let unique: std::collections::BTreeMap<i64, &Rejected> =
        rejected.iter().map(|record| (identity(entity, record), record)).collect();
    let _one = WRITING.lock().await;
    if let Some(told) = upkeep::straighten(lake, &table(), &schema(), run_id).await? {
        tracing::warn!("{told}");
    }
    retry_on_conflict(&table(), async || {
        let table = lake.table(&table()).await?;
        let held = Held::of(&table, entity).await?;
        // Open records, but for those that are there and open.
        let row = |(id, rejected): (&i64, &&Rejected)| {
            Some(QuarantineRow {
                id: *id,
                record: rejected.text.clone(),
                reason: rejected.reason.clone(),
                since: started,
                entity: entity.name.to_owned(),
                run_id: run_id.to_owned(),
                key: rejected.key,
                after: rejected.after,
                before: rejected.before,
                parent: rejected.parent,
                acknowledged: held.differs(*id, rejected)?,
                closed: None,
            })
        };
        let new: Vec<QuarantineRow> = unique.iter().filter_map(row).collect();
        if new.is_empty() {
            return Ok(unique.len() as u64);
        }
        let rows = vec![to_batch(NAME, &schema(), &new)?];
        table.merge(&schema(), Changes::upserts(KEY, rows), &Commit::new(run_id)).await?;
        Ok(unique.len() as u64)
    })
    .await
}

/// How many records of an entity its bronze table remembers.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) when its log can't be read.
pub(crate) async fn remembered(bronze: &Table) -> Result<u64> {
    Ok(bronze.transaction(COUNT).await?.map_or(0, i64::cast_unsigned))
}

/// How many of the records that a bronze table remembers are in quarantine no more, though no load closed them.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) when the quarantine can't be read.
pub(crate) async fn lost(quarantine: &Table, entity: &Entity, remembered: u64) -> Result<u64> {
    if remembered == 0 {
        return Ok(0);
    }
    Ok(remembered.saturating_sub(Held::of(quarantine, entity).await?.standing()))
}

/// Has a bronze table remember how many of its records are in quarantine now, and gives it as it is then.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) when a table can't be read or written.
pub(crate) async fn remember(bronze: Table, entity: &Entity, remembered: u64, run_id: &str) -> Result<Table> {
    let quarantine = bronze.lake().table(&table()).await?;
    let standing = Held::of(&quarantine, entity).await?.standing();
    if standing == remembered {
        return Ok(bronze);
    }
    let commit = Commit::new(run_id).transaction(COUNT, standing.cast_signed());
    bronze
        .retry_on_conflict(async |bronze| Ok::<_, Error>(bronze.commit_transactions(&commit).await.map(drop)?))
        .await?;
    Ok(bronze.refresh().await?)
}

/// A row of the table.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct QuarantineRow {
    #[serde(rename = "quarantineId")]
    id: i64,
    record: String,
    reason: String,
    #[serde(rename = "etlTimestamp")]
    since: DateTime<Utc>,
    #[serde(rename = "etlEntity")]
    entity: String,
    #[serde(rename = "_etl_run_id")]
    run_id: String,
    #[serde(rename = "recordId")]
    key: Option<i64>,
    #[serde(rename = "afterId")]
    after: Option<i64>,
    #[serde(rename = "beforeId")]
    before: Option<i64>,
    #[serde(rename = "parentRecordId")]
    parent: Option<i64>,
    acknowledged: Option<DateTime<Utc>>,
    closed: Option<DateTime<Utc>>,
}
