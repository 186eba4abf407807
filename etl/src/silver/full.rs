//! The whole table: bronze streamed through, rows that bronze no longer has kept as deleted.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use datafusion::prelude::{DataFrame, SessionContext};
use futures::stream::{BoxStream, StreamExt, TryStreamExt};

use super::flatten::{Flattener, Unreadable};
use super::{Content, Fingerprinter, Step, TableReport, same_columns};
use crate::contract::{IS_DELETED, RUN_ID, TIMESTAMP};
use crate::error::{Error, Kind, Result};
use crate::lake::{Source, TableName, TableState};

/// Batches that are flattened at the same time.
const FLATTENED_AT_ONCE: usize = 2;

pub(super) async fn build(step: &Step<'_>, silver: Option<&TableState>) -> Result<TableReport> {
    let session = step.lake.session()?;
    step.lake.register(&session, "bronze", &TableName::bronze(step.entity.table)).await?;
    if silver.is_some() {
        step.lake.register(&session, "silver", &step.table()).await?;
    }
    let flattener = Flattener::new(step.entity);
    let tally = Tally::default();
    if let Some(state) = silver.filter(|state| same_columns(state, flattener.schema())) {
        let new = content(rows(step, &session, &flattener, true, &tally).await?, flattener.schema()).await?;
        let stored = session.table("silver").await.map_err(failed)?;
        if new == content(batches(stored).await?, flattener.schema()).await? {
            return Ok(TableReport { unreadable: tally.take(), ..TableReport::unchanged(step.table(), state.version) });
        }
        tally.take();
    }
    let rows = rows(step, &session, &flattener, silver.is_some(), &tally).await?;
    let source = Source::stream(&session, flattener.schema().clone(), rows)?;
    let written = step.lake.replace(&step.table(), flattener.schema(), source, &session, &step.commit()).await?;
    Ok(TableReport { unreadable: tally.take(), ..TableReport::written(step.table(), written.inserted, written) })
}

/// Unreadable values of all batches so far.
#[derive(Clone, Default)]
pub(super) struct Tally(Arc<Mutex<Unreadable>>);

impl Tally {
    pub(super) fn add(&self, bad: Unreadable) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (column, count) in bad {
            *all.entry(column).or_default() += count;
        }
    }

    pub(super) fn take(&self) -> Unreadable {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// All rows of the new table.
async fn rows(
    step: &Step<'_>,
    session: &SessionContext,
    flattener: &Flattener,
    has_silver: bool,
    tally: &Tally,
) -> Result<BoxStream<'static, Result<RecordBatch>>> {
    let bronze = session.table("bronze").await.map_err(failed)?;
    let present = flattened(batches(bronze).await?, flattener, tally);
    if !has_silver {
        return Ok(present);
    }
    let gone = gone(session, step.entity.key).await?;
    let deletion = Deletion::new(step, flattener.schema());
    let gone = batches(gone).await?.map(move |batch| batch.and_then(|batch| deletion.apply(&batch)));
    Ok(present.chain(gone).boxed())
}

/// Bronze batches as silver batches, in order.
pub(super) fn flattened(
    bronze: BoxStream<'static, Result<RecordBatch>>,
    flattener: &Flattener,
    tally: &Tally,
) -> BoxStream<'static, Result<RecordBatch>> {
    let flattener = Arc::new(flattener.clone());
    let tally = tally.clone();
    bronze
        .map(move |batch| {
            let (flattener, tally) = (flattener.clone(), tally.clone());
            async move {
                let batch = batch?;
                let task = tokio::task::spawn_blocking(move || flattener.flatten(&batch));
                let (batch, bad) = task.await.map_err(|error| {
                    Error::new(Kind::Contract, "flattening a batch was interrupted: run again").with_source(error)
                })??;
                tally.add(bad);
                Ok(batch)
            }
        })
        .buffered(FLATTENED_AT_ONCE)
        .boxed()
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

/// Turns stored rows into deleted ones. A row that was deleted before stays as it is.
pub(super) struct Deletion {
    schema: SchemaRef,
    run_id: String,
    started: DateTime<Utc>,
}

impl Deletion {
    pub(super) fn new(step: &Step<'_>, schema: &SchemaRef) -> Self {
        Self { schema: schema.clone(), run_id: step.run_id.to_owned(), started: step.started }
    }

    pub(super) fn apply(&self, stored: &RecordBatch) -> Result<RecordBatch> {
        let rows = stored.num_rows();
        let was_deleted =
            stored.column_by_name(IS_DELETED).and_then(|column| column.as_any().downcast_ref::<BooleanArray>());
        let was_deleted = |row: usize| was_deleted.is_some_and(|deleted| deleted.value(row));
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for field in self.schema.fields() {
            let kept = match stored.column_by_name(field.name()) {
                Some(column) if column.data_type() == field.data_type() => column.clone(),
                Some(column) => cast(column, field.data_type()).map_err(broken)?,
                None => new_null_array(field.data_type(), rows),
            };
            arrays.push(match field.name().as_str() {
                IS_DELETED => Arc::new(BooleanArray::from(vec![true; rows])),
                TIMESTAMP => self.stamped(&kept, was_deleted),
                RUN_ID => {
                    let texts = kept.as_any().downcast_ref::<StringArray>();
                    let run = |row| match texts.filter(|_| was_deleted(row)) {
                        Some(texts) => texts.value(row),
                        None => self.run_id.as_str(),
                    };
                    Arc::new((0..rows).map(|row| Some(run(row))).collect::<StringArray>())
                }
                _ => kept,
            });
        }
        RecordBatch::try_new(self.schema.clone(), arrays).map_err(broken)
    }

    fn stamped(&self, kept: &ArrayRef, was_deleted: impl Fn(usize) -> bool) -> ArrayRef {
        let instants = kept.as_any().downcast_ref::<TimestampMicrosecondArray>();
        let now = self.started.timestamp_micros();
        let instant = |row| instants.filter(|_| was_deleted(row)).map_or(now, |instants| instants.value(row));
        Arc::new(TimestampMicrosecondArray::from_iter_values((0..kept.len()).map(instant)).with_timezone("UTC"))
    }
}

/// What the rows say, apart from when and by which run they were written.
async fn content(rows: BoxStream<'static, Result<RecordBatch>>, schema: &SchemaRef) -> Result<Content> {
    let mut hashes = Fingerprinter::new(schema, |name| name != TIMESTAMP && name != RUN_ID)?;
    let mut content = Content::default();
    let mut rows = rows;
    while let Some(batch) = rows.try_next().await? {
        content.add(&hashes.rows(&batch)?);
    }
    Ok(content)
}

async fn batches(frame: DataFrame) -> Result<BoxStream<'static, Result<RecordBatch>>> {
    Ok(frame.execute_stream().await.map_err(failed)?.map_err(failed).boxed())
}

pub(super) fn failed(error: datafusion::error::DataFusionError) -> Error {
    Error::new(Kind::Sql, "a table can't be read for silver").with_source(error)
}

fn broken(error: arrow::error::ArrowError) -> Error {
    Error::new(Kind::Contract, "a stored silver row doesn't fit its contract").with_source(error)
}
