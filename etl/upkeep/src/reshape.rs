//! Tables that are made from no other, brought under other columns.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use connectwise_datafiles::as_of_today;
use connectwise_lakehouse::{Commit, Lake, Source, retry_on_conflict};
use connectwise_storage::TableName;

use crate::error::{Result, sql_error};

/// Brings a table that is made from no other under the columns that it is to have, where it has others or is partitioned:
/// its rows stay. Says so.
///
/// # Errors
/// [`Kind::Contract`](connectwise_lakehouse::error::Kind::Contract) when its rows don't fit them, [`Kind::Lake`](connectwise_lakehouse::error::Kind::Lake) when it can't be read or written.
pub async fn straighten(lake: &Lake, name: &TableName, schema: &SchemaRef, run_id: &str) -> Result<Option<String>> {
    const STORED: &str = "__crooked";
    retry_on_conflict(name, async || {
        let table = lake.table(name).await?;
        let Some(what) = table.misfit(schema) else { return Ok(None) };
        let session = lake.session()?;
        table.register(&session, STORED).await?;
        let rows = async { session.table(STORED).await?.collect().await }.await.map_err(sql_error)?;
        let rows = rows.iter().map(|batch| as_of_today(name, schema, batch)).collect::<Result<Vec<_>>>()?;
        let rows = if rows.is_empty() { vec![RecordBatch::new_empty(schema.clone())] } else { rows };
        table.overwrite(schema, Source::batches(&session, rows)?, &Commit::new(run_id)).await?;
        Ok(Some(format!("{name} {what}, so that its rows were written anew")))
    })
    .await
}
