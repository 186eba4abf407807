//! Only what changed: rows whose content hash differs, and keys that are gone.

use arrow::array::RecordBatch;
use connectwise_extract::contract::{CONTENT_HASH, IS_DELETED};
use connectwise_lakehouse::{Changes, TableState};
use datafusion::prelude::ident;

use super::deleted::Deletion;
use super::flatten::Flattener;
use super::layout::Layout;
use super::read::{changed, failed, gone, register};
use super::{BuildStep, TableReport, custom};
use crate::error::Result;
use crate::telemetry::build::Unreadable;

/// `stored` is the layout of the table as it is; new custom fields widen it. `seen` is the bronze version that it was built from.
pub(super) async fn build(
    step: &BuildStep<'_>,
    silver: &TableState,
    stored: Layout,
    seen: Option<i64>,
) -> Result<TableReport> {
    let session = step.silver.lake().session()?;
    let entity = step.request.entity;
    let tables = [("bronze", step.bronze), ("silver", step.silver)];
    register(&session, tables, entity.key, &[CONTENT_HASH], seen).await?;
    let changed = changed(&session, entity.key).await?;
    let mut found = custom::Found::default();
    changed.iter().try_for_each(|batch| found.add(batch))?;
    let columns = found.columns(custom::stored(&silver.schema), stored.schema());
    let layout = step.request.layout(Some(&silver.schema), columns)?;
    let flattener = Flattener::new(layout.clone());
    let mut unreadable = Unreadable::new();
    let mut rows = Vec::new();
    for batch in changed.iter().filter(|batch| batch.num_rows() > 0) {
        let (batch, bad) = flattener.flatten(batch)?;
        rows.push(batch);
        for (column, count) in bad {
            *unreadable.entry(column).or_default() += count;
        }
    }
    // A key leaves bronze only by a proven read of the whole list or by a confirmed delete: an incremental load adds and
    // updates rows and takes none out. So a key that bronze lacks is gone, whatever the entity.
    let deletion = Deletion::new(step, &layout, &silver.schema);
    let left = gone(&session, entity.key).await?;
    let left = left.filter(ident(IS_DELETED).is_not_true()).map_err(failed)?;
    for batch in left.collect().await.map_err(failed)? {
        rows.push(deletion.apply(&batch)?);
    }
    let count: usize = rows.iter().map(RecordBatch::num_rows).sum();
    // Before the rows: once they are merged, they are no news any more.
    let table = step.captions(&layout).await?;
    if count == 0 {
        return Ok(TableReport::unchanged(step.table(), table.unchanged().version));
    }
    let written = table.merge(layout.schema(), Changes::upserts(entity.key, rows), &step.commit()).await?;
    Ok(TableReport { unreadable, ..TableReport::written(step.table(), count as u64, written) })
}
