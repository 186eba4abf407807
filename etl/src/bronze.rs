//! Bronze: what the API answered, losslessly, one table an entity.

use std::collections::HashSet;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use connectwise_sdk::Client;
use connectwise_sdk::catalog::{Entity, Load};
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;
use futures::stream::{self, StreamExt};

use crate::contract::CONTENT_HASH;
use crate::decode::Decoder;
use crate::error::Result;
use crate::extract::{self, Extraction, Scope, Seen};
use crate::lake::{Commit, Lake, Source, TableName, Written, integers};
use crate::quarantine;
use crate::run::{Meter, Mode};

/// Mark under which the watermark is stored with the data: microseconds since 1970, the server's time.
const WATERMARK: &str = "connectwise-etl:watermark";

/// Rows that are compared with the table at a time: bounds memory, and keeps key ranges narrow.
const CHUNK: usize = 20_000;

/// What a load is told.
#[derive(Debug, Clone)]
pub struct Request {
    /// Full or incremental.
    pub mode: Mode,
    /// Days that replace those of every business-date window.
    pub lookback_days: Option<u32>,
    /// Records a page.
    pub page_size: u32,
    /// Name of the run, written into every row and commit.
    pub run_id: String,
    /// When the run started.
    pub started: DateTime<Utc>,
}

/// What a load did.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the read saw.
    pub seen: Seen,
    /// What the table took.
    pub written: Written,
    /// Records that went to quarantine.
    pub quarantined: u64,
    /// Highest change time stored before the load, the server's time.
    pub watermark_before: Option<DateTime<Utc>>,
    /// Highest change time stored after it.
    pub watermark: Option<DateTime<Utc>>,
    /// What deserves a look though nothing failed.
    pub warnings: Vec<String>,
}

/// Loads one entity into its bronze table, in one commit or none.
///
/// # Errors
/// When the read isn't whole or the lakehouse can't be written. The table and its watermark are then as they were.
pub async fn load(
    lake: &Lake,
    client: &Client,
    entity: &'static Entity,
    request: &Request,
    meter: &Meter,
) -> Result<Loaded> {
    let table = TableName::bronze(entity.table);
    let stored = lake.mark(&table, WATERMARK).await?.and_then(DateTime::from_timestamp_micros);
    let scope = match (request.mode, entity.load, stored) {
        (Mode::Incremental, Load::Incremental { .. }, Some(watermark)) => {
            Scope::Since { watermark, lookback_days: request.lookback_days }
        }
        _ => Scope::All,
    };
    let watermark = extract::watermark(client, entity).await?.max(stored);
    let decoder = Decoder::new(entity, &request.run_id, request.started)?;
    let extraction = extract::extract(client, entity, &scope, request.page_size, decoder).await?;
    let session = lake.session()?;
    let target = Target { lake, session: &session, entity, table: &table, request, meter, watermark };
    meter.expect(extraction.seen.lock().ok().and_then(|seen| seen.counted));
    let exists = lake.state(&table).await?.is_some();
    let seen = extraction.seen.clone();
    let written = match scope {
        Scope::All if exists && matches!(entity.load, Load::Snapshot) => target.compare(extraction).await?,
        Scope::All => target.replace(extraction).await?,
        Scope::Since { .. } => target.merge(extraction).await?,
    };
    let seen = seen.lock().map(|seen| seen.clone()).unwrap_or_default();
    let quarantined = quarantine::keep(lake, entity, &seen.rejected, &request.run_id, request.started).await?;
    let mut warnings = Vec::new();
    if matches!(entity.load, Load::Incremental { .. }) && watermark.is_none() && seen.records > 0 {
        warnings.push(format!(
            "{} shows no change time, so every run reads all of it: the API role may lack the right to see _info",
            entity.name
        ));
    }
    if let Some(first) = seen.rejected.first() {
        warnings.push(format!("{quarantined} records are in {}: {}", quarantine::table(), first.reason));
    }
    Ok(Loaded { seen, written, quarantined, watermark_before: stored, watermark, warnings })
}

struct Target<'a> {
    lake: &'a Lake,
    session: &'a SessionContext,
    entity: &'static Entity,
    table: &'a TableName,
    request: &'a Request,
    meter: &'a Meter,
    watermark: Option<DateTime<Utc>>,
}

impl Target<'_> {
    /// A first or full load: all rows take the place of what was there.
    async fn replace(&self, extraction: Extraction) -> Result<Written> {
        let Extraction { schema, rows, .. } = extraction;
        let meter = self.meter.clone();
        let rows = rows.inspect_ok(move |batch| meter.advance(batch.num_rows())).boxed();
        let source = Source::stream(self.session, schema.clone(), rows)?;
        self.lake.replace(self.table, &schema, source, self.session, &self.commit()).await
    }

    /// Changed rows since the watermark.
    async fn merge(&self, extraction: Extraction) -> Result<Written> {
        let Extraction { schema, mut rows, .. } = extraction;
        let mut changed = Vec::new();
        let mut chunk = Vec::new();
        while let Some(batch) = rows.try_next().await? {
            self.meter.advance(batch.num_rows());
            chunk.push(batch);
            if chunk.iter().map(RecordBatch::num_rows).sum::<usize>() >= CHUNK {
                changed.append(&mut self.changed(std::mem::take(&mut chunk)).await?);
            }
        }
        changed.append(&mut self.changed(chunk).await?);
        self.upsert(&schema, changed).await
    }

    /// A whole list against the stored one: rows that left the list leave the table.
    async fn compare(&self, extraction: Extraction) -> Result<Written> {
        let Extraction { schema, rows, .. } = extraction;
        let rows: Vec<RecordBatch> =
            rows.inspect_ok(|batch| self.meter.advance(batch.num_rows())).try_collect().await?;
        let mut listed = HashSet::new();
        for batch in &rows {
            listed.extend(integers(batch, self.entity.key)?.iter().flatten());
        }
        let stored = self.lake.keys(self.session, self.table, self.entity.key).await?;
        let left = stored.iter().filter(|key| !listed.contains(key)).count() as u64;
        if left == 0 {
            let changed = self.changed(rows).await?;
            return self.upsert(&schema, changed).await;
        }
        let source = Source::stream(self.session, schema.clone(), stream::iter(rows.into_iter().map(Ok)).boxed())?;
        let written = self.lake.replace(self.table, &schema, source, self.session, &self.commit()).await?;
        Ok(Written { deleted: left, ..written })
    }

    async fn changed(&self, rows: Vec<RecordBatch>) -> Result<Vec<RecordBatch>> {
        self.lake.changed(self.session, self.table, self.entity.key, CONTENT_HASH, rows).await
    }

    async fn upsert(&self, schema: &SchemaRef, rows: Vec<RecordBatch>) -> Result<Written> {
        self.lake.upsert(self.table, schema, self.entity.key, rows, self.session, &self.commit()).await
    }

    fn commit(&self) -> Commit {
        let commit = Commit::new(&self.request.run_id);
        match self.watermark {
            Some(watermark) => commit.mark(WATERMARK, watermark.timestamp_micros()),
            None => commit,
        }
    }
}
