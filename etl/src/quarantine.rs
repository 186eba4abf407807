//! Records that can't be rows: kept as text, with the reason, in one table for all entities.
//!
//! A record is open until it is mended at the source or somebody acknowledges it. An incremental load asks for the open ones
//! again, whatever their change time, since it moves the watermark past them; a run with open ones isn't done.

mod held;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use chrono::{DateTime, Utc};
use connectwise_sdk::catalog::Entity;
use twox_hash::XxHash3_64;

use crate::contract;
use crate::decode::Rejected;
use crate::error::{Error, Kind, Result};
use crate::lake::{Commit, Lake, Layer, Race, TableName};

pub use held::{Held, Record, Settled, acknowledge, open, standing};

const KEY: &str = "quarantineId";
const RECORD_ID: &str = "recordId";
const AFTER: &str = "afterId";
const BEFORE: &str = "beforeId";
const PARENT: &str = "parentRecordId";
const ACKNOWLEDGED: &str = "acknowledged";
const CLOSED: &str = "closed";

/// The quarantine table, `bronze/bronze_cw_quarantine`.
pub fn table() -> TableName {
    TableName { layer: Layer::Bronze, name: "bronze_cw_quarantine".to_owned() }
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
        id(RECORD_ID),
        id(AFTER),
        id(BEFORE),
        id(PARENT),
        // When somebody said that it may stay as it is.
        time(ACKNOWLEDGED).with_nullable(true),
        // When a load no longer found it: it was mended, changed or deleted at the source.
        time(CLOSED).with_nullable(true),
    ]))
}

/// What tells a record from others.
fn identity(entity: &Entity, record: &Rejected) -> i64 {
    // Where the text is withheld it is that of others too.
    let key = record.key.map(|key| format!("{key}\n")).unwrap_or_default();
    XxHash3_64::oneshot(format!("{}\n{key}{}", entity.name, record.text).as_bytes()).cast_signed()
}

/// Keeps rejected records. One that is there already, from an earlier run, isn't kept twice; one that had been closed is open
/// again.
///
/// # Errors
/// [`Kind::Lake`] when the table can't be written.
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
    let session = lake.session()?;
    if let Some(told) = lake.straighten(&table(), &schema(), &session, run_id).await? {
        tracing::warn!("{told}");
    }
    let mut race = Race::new(table());
    loop {
        let base = lake.version(&table()).await?;
        let held = Held::all(lake, entity).await?;
        let new: Vec<(i64, &Rejected, Option<DateTime<Utc>>)> =
            unique.iter().filter_map(|(id, record)| Some((*id, *record, held.differs(*id, record)?))).collect();
        if new.is_empty() {
            return Ok(unique.len() as u64);
        }
        let rows = vec![batch(entity, &new, run_id, started)?];
        match lake.upsert(&table(), &schema(), KEY, rows, &session, &Commit::new(run_id).upon(base)).await {
            Ok(_) => return Ok(unique.len() as u64),
            Err(error) => race.lost(error).await?,
        }
    }
}

/// Rows of open records, but for those that were acknowledged and aren't new.
fn batch(
    entity: &Entity,
    records: &[(i64, &Rejected, Option<DateTime<Utc>>)],
    run_id: &str,
    started: DateTime<Utc>,
) -> Result<RecordBatch> {
    let rows = records.len();
    let text = |of: fn(&Rejected) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(records.iter().map(|(_, record, _)| of(record))))
    };
    let id = |of: fn(&Rejected) -> Option<i64>| -> ArrayRef {
        Arc::new(records.iter().map(|(_, record, _)| of(record)).collect::<Int64Array>())
    };
    RecordBatch::try_new(
        schema(),
        vec![
            Arc::new(Int64Array::from_iter_values(records.iter().map(|(id, ..)| *id))),
            text(|record| &record.text),
            text(|record| &record.reason),
            times(std::iter::repeat_n(Some(started), rows)),
            Arc::new(StringArray::from(vec![entity.name; rows])),
            Arc::new(StringArray::from(vec![run_id; rows])),
            id(|record| record.key),
            id(|record| record.after),
            id(|record| record.before),
            id(|record| record.parent),
            times(records.iter().map(|(.., acknowledged)| *acknowledged)),
            times(std::iter::repeat_n(None, rows)),
        ],
    )
    .map_err(|error| Error::new(Kind::Contract, "the quarantine's rows can't be built").with_source(error))
}

fn times(values: impl Iterator<Item = Option<DateTime<Utc>>>) -> ArrayRef {
    let micros = values.map(|time| time.map(|time| time.timestamp_micros()));
    Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}
