//! Which rows differ from what a table holds.

use arrow::array::{Array, AsArray, Int64Array, RecordBatch};
use arrow::compute::{cast, max, min};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::JoinType;
use datafusion::prelude::{SessionContext, col, lit};

use super::store::sql_error;
use super::{Lake, TableName};
use crate::error::{Error, Kind, Result};

impl Lake {
    /// The rows whose (key, hash) the table doesn't hold: new ones and changed ones. All of them when there is no table.
    ///
    /// Only the two columns are read, and only the files whose key range meets that of `rows`: give rows in chunks of
    /// neighbouring keys.
    ///
    /// # Errors
    /// [`Kind::Lake`] or [`Kind::Sql`] when the table can't be read, [`Kind::Contract`] when a column is missing.
    pub async fn changed(
        &self,
        session: &SessionContext,
        table: &TableName,
        key: &str,
        hash: &str,
        rows: Vec<RecordBatch>,
    ) -> Result<Vec<RecordBatch>> {
        let Some((low, high)) = key_range(&rows, key)? else { return Ok(Vec::new()) };
        if !self.register(session, STORED, table).await? {
            return Ok(rows);
        }
        // Names that aren't quoted are read in lower case.
        let (key, hash) = (format!("\"{key}\""), format!("\"{hash}\""));
        let changed = async {
            let stored = session
                .table(STORED)
                .await?
                .filter(col(&key).between(lit(low), lit(high)))?
                .select(vec![col(&key).alias("__key"), col(&hash).alias("__hash")])?;
            let arrived = session.read_batches(rows)?;
            arrived.join(stored, JoinType::LeftAnti, &[&key, &hash], &["__key", "__hash"], None)?.collect().await
        }
        .await;
        session.deregister_table(STORED).map_err(sql_error)?;
        changed.map_err(sql_error)
    }
}

impl Lake {
    /// All keys of a table, none when there is no table.
    ///
    /// # Errors
    /// [`Kind::Lake`] or [`Kind::Sql`] when the table can't be read, [`Kind::Contract`] when the key isn't an integer.
    pub async fn keys(&self, session: &SessionContext, table: &TableName, key: &str) -> Result<Vec<i64>> {
        if !self.register(session, STORED, table).await? {
            return Ok(Vec::new());
        }
        let keys =
            async { session.table(STORED).await?.select(vec![col(format!("\"{key}\""))])?.collect().await }.await;
        session.deregister_table(STORED).map_err(sql_error)?;
        let mut all = Vec::new();
        for batch in keys.map_err(sql_error)? {
            all.extend(integers(&batch, key)?.iter().flatten());
        }
        Ok(all)
    }
}

/// A key column as 64-bit integers.
///
/// # Errors
/// [`Kind::Contract`] when there is no such column of integers.
pub fn integers(batch: &RecordBatch, key: &str) -> Result<Int64Array> {
    let missing = || Error::new(Kind::Contract, format!("the rows have no integer key {key}"));
    let keys = cast(batch.column_by_name(key).ok_or_else(missing)?, &DataType::Int64)
        .map_err(|error| missing().with_source(error))?;
    Ok(keys.as_primitive::<Int64Type>().clone())
}

const STORED: &str = "__stored";

/// Lowest and highest key, `None` where there are no rows.
fn key_range(rows: &[RecordBatch], key: &str) -> Result<Option<(i64, i64)>> {
    let mut range: Option<(i64, i64)> = None;
    for batch in rows.iter().filter(|batch| batch.num_rows() > 0) {
        let keys = integers(batch, key)?;
        if keys.null_count() > 0 {
            return Err(Error::new(Kind::Contract, format!("a row has no key in {key}")));
        }
        if let (Some(low), Some(high)) = (min(&keys), max(&keys)) {
            range = Some(range.map_or((low, high), |(least, most)| (least.min(low), most.max(high))));
        }
    }
    Ok(range)
}
