//! Records that can't be rows: kept as text, with the reason, in one table for all entities.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use chrono::{DateTime, Utc};
use connectwise_sdk::catalog::Entity;
use twox_hash::XxHash3_64;

use crate::contract;
use crate::decode::Rejected;
use crate::error::{Error, Kind, Result};
use crate::lake::{Commit, Lake, Layer, Race, TableName};

const KEY: &str = "quarantineId";

/// The quarantine table, `bronze/bronze_cw_quarantine`.
pub fn table() -> TableName {
    TableName { layer: Layer::Bronze, name: "bronze_cw_quarantine".to_owned() }
}

/// Its columns.
pub fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    Arc::new(Schema::new(vec![
        Field::new(KEY, DataType::Int64, false),
        text("record"),
        text("reason"),
        Field::new(contract::TIMESTAMP, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
        text(contract::ENTITY),
        text(contract::RUN_ID),
    ]))
}

/// Keeps rejected records. A record that is there already, from an earlier run, isn't kept twice.
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
    let mut unique: std::collections::BTreeMap<i64, &Rejected> = std::collections::BTreeMap::new();
    for record in rejected {
        let identity = format!("{}\n{}", entity.name, record.text);
        unique.insert(XxHash3_64::oneshot(identity.as_bytes()).cast_signed(), record);
    }
    let rows = unique.len();
    let text = |of: fn(&Rejected) -> &str| StringArray::from_iter_values(unique.values().map(|record| of(record)));
    let batch = RecordBatch::try_new(
        schema(),
        vec![
            Arc::new(Int64Array::from_iter_values(unique.keys().copied())),
            Arc::new(text(|record| &record.text)),
            Arc::new(text(|record| &record.reason)),
            Arc::new(TimestampMicrosecondArray::from(vec![started.timestamp_micros(); rows]).with_timezone("UTC")),
            Arc::new(StringArray::from(vec![entity.name; rows])),
            Arc::new(StringArray::from(vec![run_id; rows])),
        ],
    )
    .map_err(|error| Error::new(Kind::Contract, "the quarantine's rows can't be built").with_source(error))?;
    let session = lake.session()?;
    if let Some(told) = lake.straighten(&table(), &schema(), &session, run_id).await? {
        tracing::warn!("{told}");
    }
    let mut race = Race::new(table());
    loop {
        let base = lake.version(&table()).await?;
        let new = lake.changed(&session, &table(), KEY, "reason", vec![batch.clone()]).await?;
        match lake.upsert(&table(), &schema(), KEY, new, &session, &Commit::new(run_id).upon(base)).await {
            Ok(_) => return Ok(rows as u64),
            Err(error) => race.lost(error).await?,
        }
    }
}
