//! The whole table: bronze streamed through, rows that bronze no longer has kept as deleted.

use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use connectwise_extract::contract::{RUN_ID, TIMESTAMP};
use connectwise_lakehouse::{Source, Table};
use connectwise_storage::locked;
use datafusion::prelude::SessionContext;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};

use super::deleted::Deletion;
use super::flatten::Flattener;
use super::layout::Layout;
use super::read::{SilverRows, batches, failed, gone};
use super::{BuildStep, Content, Fingerprinter, TableReport, custom};
use crate::error::{Error, Result};
use crate::telemetry::build::Unreadable;

/// Batches that are flattened at the same time.
const FLATTENED_AT_ONCE: usize = 2;

/// `believed` is the version that rows are kept of which bronze no longer has; where the newest is `doubtful`, the table is
/// replaced whatever it holds.
pub(super) async fn build(step: &BuildStep<'_>, believed: Option<&Table>, doubtful: bool) -> Result<TableReport> {
    let session = step.silver.lake().session()?;
    step.bronze.register(&session, "bronze").await?;
    if let Some(believed) = believed {
        believed.register(&session, "silver").await?;
    }
    let silver = believed.and_then(Table::schema);
    let silver = silver.as_ref();
    let bronze = SilverRows::of_bronze(&session, step.request.entity).await?;
    let layout = layout(step, &session, silver).await?;
    let flattener = Flattener::new(layout.clone());
    let tally = UnreadableTally::default();
    let reading = Reading { step, bronze: &bronze, session: &session, flattener: &flattener, silver, tally: &tally };
    if silver.is_some_and(|schema| !doubtful && layout.is_that_of(schema)) {
        let new = content(reading.rows().await?, &layout).await?;
        let stored = session.table("silver").await.map_err(failed)?;
        if new == content(batches(stored).await?, &layout).await? {
            let version = step.captions(&layout).await?.unchanged().version;
            return Ok(TableReport { unreadable: tally.take(), ..TableReport::unchanged(step.table(), version) });
        }
        tally.take();
    }
    let source = Source::stream(&session, layout.schema().clone(), reading.rows().await?)?;
    let written = step.silver.overwrite(layout.schema(), source, &step.commit()).await?;
    Ok(TableReport { unreadable: tally.take(), ..TableReport::written(step.table(), written.inserted, written) })
}

/// The columns of the new table: a look at the custom fields of all rows comes before the rows themselves.
async fn layout(step: &BuildStep<'_>, session: &SessionContext, silver: Option<&SchemaRef>) -> Result<Layout> {
    let known = silver.map_or_else(Vec::new, |schema| custom::stored(schema));
    let request = step.request;
    let silver: Option<&Schema> = silver.map(AsRef::as_ref);
    let bare = request.layout(silver, Vec::new())?;
    if custom::fields_of(request.entity).is_none() {
        return Ok(bare);
    }
    let mut found = custom::Found::default();
    let fields = format!("select `{}`, `{TIMESTAMP}` from bronze", custom::PROPERTY);
    let mut rows = batches(session.sql(&fields).await.map_err(failed)?).await?;
    while let Some(batch) = rows.try_next().await? {
        found.add(&batch)?;
    }
    request.layout(silver, found.columns(known, bare.schema()))
}

/// Unreadable values of all batches so far.
#[derive(Clone, Default)]
pub(super) struct UnreadableTally(Arc<Mutex<Unreadable>>);

impl UnreadableTally {
    fn add(&self, bad: Unreadable) {
        let mut all = locked(&self.0);
        for (column, count) in bad {
            *all.entry(column).or_default() += count;
        }
    }

    fn take(&self) -> Unreadable {
        std::mem::take(&mut *locked(&self.0))
    }
}

/// What the rows of the new table are read from, and how.
struct Reading<'a> {
    step: &'a BuildStep<'a>,
    bronze: &'a SilverRows,
    session: &'a SessionContext,
    flattener: &'a Flattener,
    /// The table whose rows stay where bronze has them no longer.
    silver: Option<&'a SchemaRef>,
    tally: &'a UnreadableTally,
}

impl Reading<'_> {
    /// All rows of the new table.
    async fn rows(&self) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let present = flattened(self.bronze.all(self.session).await?, self.flattener, self.tally);
        let Some(silver) = self.silver else { return Ok(present) };
        let gone = gone(self.session, self.step.request.entity.key).await?;
        let deletion = Deletion::new(self.step, self.flattener.layout(), silver);
        let gone = batches(gone).await?.map(move |batch| batch.and_then(|batch| deletion.apply(&batch)));
        Ok(present.chain(gone).boxed())
    }
}

/// Bronze batches as silver batches, in order.
pub(super) fn flattened(
    bronze: BoxStream<'static, Result<RecordBatch>>,
    flattener: &Flattener,
    tally: &UnreadableTally,
) -> BoxStream<'static, Result<RecordBatch>> {
    let flattener = Arc::new(flattener.clone());
    let tally = tally.clone();
    bronze
        .map(move |batch| {
            let flattener = flattener.clone();
            let tally = tally.clone();
            async move {
                let batch = batch?;
                let task = tokio::task::spawn_blocking(move || flattener.flatten(&batch));
                let (batch, bad) = task.await.map_err(|error| Error::interrupted_flattening().with_source(error))??;
                tally.add(bad);
                Ok(batch)
            }
        })
        .buffered(FLATTENED_AT_ONCE)
        .boxed()
}

/// What the rows say, apart from when and by which run they were written.
async fn content(rows: BoxStream<'static, Result<RecordBatch>>, layout: &Layout) -> Result<Content> {
    let mut hashes = Fingerprinter::new(layout.schema(), |name| name != TIMESTAMP && name != RUN_ID)?;
    let mut content = Content::default();
    let mut rows = rows;
    while let Some(batch) = rows.try_next().await? {
        content.add(&hashes.rows(&batch)?);
    }
    Ok(content)
}
