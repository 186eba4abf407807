//! Only what changed: rows whose content hash differs, and keys that are gone.

use arrow::array::RecordBatch;
use datafusion::prelude::SessionContext;

use super::flatten::{Flattener, Unreadable};
use super::full::{Deletion, failed, gone};
use super::{Step, TableReport};
use crate::contract::{CONTENT_HASH, IS_DELETED};
use crate::error::Result;
use crate::lake::{TableName, TableState};

pub(super) async fn build(step: &Step<'_>, silver: &TableState) -> Result<TableReport> {
    let session = step.lake.session()?;
    step.lake.register(&session, "bronze", &TableName::bronze(step.entity.table)).await?;
    step.lake.register(&session, "silver", &step.table()).await?;
    let flattener = Flattener::new(step.entity);
    let mut unreadable = Unreadable::new();
    let mut rows = Vec::new();
    for batch in changed(&session, step.entity.key).await? {
        let (batch, bad) = flattener.flatten(&batch)?;
        rows.push(batch);
        for (column, count) in bad {
            *unreadable.entry(column).or_default() += count;
        }
    }
    // A key leaves bronze only by a proven read of the whole list or by a confirmed delete: an incremental load adds and
    // updates rows and takes none out. So a key that bronze lacks is gone, whatever the entity.
    let deletion = Deletion::new(step, flattener.schema());
    let left = gone(&session, step.entity.key).await?;
    let left = left.filter(datafusion::prelude::ident(IS_DELETED).is_not_true()).map_err(failed)?;
    for batch in left.collect().await.map_err(failed)? {
        rows.push(deletion.apply(&batch)?);
    }
    let count: usize = rows.iter().map(RecordBatch::num_rows).sum();
    if count == 0 {
        return Ok(TableReport::unchanged(step.table(), silver.version));
    }
    let (key, commit) = (step.entity.key, step.commit());
    let written = step.lake.upsert(&step.table(), flattener.schema(), key, rows, &session, &commit).await?;
    Ok(TableReport { unreadable, ..TableReport::written(step.table(), count as u64, written) })
}

/// Bronze rows that silver doesn't have in this form. The comparison reads two columns a side, the wide rows only for
/// the keys that it finds.
async fn changed(session: &SessionContext, key: &str) -> Result<Vec<RecordBatch>> {
    let keys = session
        .sql(&format!(
            "select b.`{key}` from bronze b left anti join silver s \
             on b.`{key}` = s.`{key}` and b.`{CONTENT_HASH}` = s.`{CONTENT_HASH}` and not s.`{IS_DELETED}`"
        ))
        .await
        .map_err(failed)?
        .cache()
        .await
        .map_err(failed)?;
    session.register_table("changed", keys.into_view()).map_err(failed)?;
    let rows = session
        .sql(&format!("select b.* from changed c join bronze b on c.`{key}` = b.`{key}`"))
        .await
        .map_err(failed)?;
    rows.collect().await.map_err(failed)
}
