//! Rows that were stored under other columns, as rows of today.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{Field, SchemaRef};
use arrow::error::ArrowError;
use datafusion::prelude::SessionContext;

use super::store::sql_error;
use super::{Commit, Lake, Source, TableName, retry_on_conflict};
use crate::error::{Error, Kind, Result};

/// Stored rows in the columns of `schema`: of the same names, cast where their type is another, NULL where there are none.
pub fn as_of_today(table: &TableName, schema: &SchemaRef, stored: &RecordBatch) -> Result<RecordBatch> {
    let column = |field: &Arc<Field>| -> Result<ArrayRef> {
        match stored.column_by_name(field.name()) {
            Some(column) => cast(column, field.data_type()).map_err(|error| unfit(table, error)),
            None => Ok(new_null_array(field.data_type(), stored.num_rows())),
        }
    };
    let columns = schema.fields().iter().map(column).collect::<Result<_>>()?;
    RecordBatch::try_new(schema.clone(), columns).map_err(|error| unfit(table, error))
}

/// Rows of a table that can't be put together as its contract declares.
pub fn unfit(table: &TableName, error: ArrowError) -> Error {
    let why = format!("{table} holds rows that don't fit its columns of today");
    Error::new(Kind::Contract, why).with_source(error)
}

impl Lake {
    /// Brings a table that is made from no other under the columns that it is to have, where it has others or is partitioned:
    /// its rows stay. Says so.
    ///
    /// # Errors
    /// [`Kind::Contract`] when its rows don't fit them, [`Kind::Lake`] when it can't be read or written.
    pub async fn straighten(
        &self,
        table: &TableName,
        schema: &SchemaRef,
        session: &SessionContext,
        run_id: &str,
    ) -> Result<Option<String>> {
        const STORED: &str = "__crooked";
        retry_on_conflict(table, async || {
            let base = self.version(table).await?;
            let Some(what) = self.misfit(table, schema).await? else { return Ok(None) };
            self.register(session, STORED, table).await?;
            let rows = async { session.table(STORED).await?.collect().await }.await.map_err(sql_error)?;
            session.deregister_table(STORED).map_err(sql_error)?;
            let rows = rows.iter().map(|batch| as_of_today(table, schema, batch)).collect::<Result<Vec<_>>>()?;
            let rows = if rows.is_empty() { vec![RecordBatch::new_empty(schema.clone())] } else { rows };
            let source = Source::batches(session, rows)?;
            self.replace(table, schema, source, session, &Commit::new(run_id).upon(base)).await?;
            Ok(Some(format!("{table} {what}, so that its rows were written anew")))
        })
        .await
    }
}
