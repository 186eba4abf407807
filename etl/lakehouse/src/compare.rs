//! Which rows differ from what a table holds.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, UInt64Array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, UInt64Type};
use arrow::error::ArrowError;
use connectwise_datafiles::{keys, range};
use datafusion::common::JoinType;
use datafusion::prelude::{SessionContext, col, lit};

use crate::error::{self, Error, Result, sql_error};
use crate::{SpillBuffer, Table, TableName};

impl Table {
    /// The rows whose (key, hash) the snapshot doesn't hold: new ones and changed ones. All of them when there is no table.
    ///
    /// Only the two columns are read, and only the files whose key range meets that of `rows`: give rows in chunks of
    /// neighbouring keys. The rows come back in their order, in a batch for each one that was given.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) or [`Kind::Sql`](crate::error::Kind::Sql) when the table can't be read, [`Kind::Contract`](crate::error::Kind::Contract) when a column is missing.
    pub async fn changed(
        &self,
        session: &SessionContext,
        key: &str,
        hash: &str,
        rows: Vec<RecordBatch>,
    ) -> Result<Vec<RecordBatch>> {
        let Some((low, high)) = key_range(&self.name, &rows, key)? else { return Ok(Vec::new()) };
        if !self.register(session, STORED).await? {
            return Ok(rows);
        }
        let narrow = places(&rows, key, hash)?;
        // Names that aren't quoted are read in lower case.
        let key = format!("\"{key}\"");
        let hash = format!("\"{hash}\"");
        let changed = async {
            let stored = session
                .table(STORED)
                .await?
                .filter(col(&key).between(lit(low), lit(high)))?
                .select(vec![col(&key).alias("__key"), col(&hash).alias("__hash")])?;
            let arrived = session.read_batches(narrow)?;
            let changed = arrived.join(stored, JoinType::LeftAnti, &[&key, &hash], &["__key", "__hash"], None)?;
            changed.select_columns(&[PLACE])?.collect().await
        }
        .await;
        session.deregister_table(STORED).map_err(sql_error)?;
        let mut differs = vec![false; rows.iter().map(RecordBatch::num_rows).sum()];
        for place in
            changed.map_err(sql_error)?.iter().flat_map(|batch| batch.column(0).as_primitive::<UInt64Type>().values())
        {
            let differs = usize::try_from(*place).ok().and_then(|place| differs.get_mut(place));
            *differs.ok_or_else(|| Error::internal("a row that differs is none of those that were compared"))? = true;
        }
        let differs = BooleanArray::from(differs);
        let mut from = 0;
        // One after the other, so that what was given and what is kept aren't both there whole.
        let some = rows.into_iter().map(|batch| {
            let differs = differs.slice(from, batch.num_rows());
            from += batch.num_rows();
            if differs.false_count() == 0 { Ok(batch) } else { filter_record_batch(&batch, &differs).map_err(unfit) }
        });
        some.collect()
    }
}

/// Rows and bytes that a chunk of a [`Comparison`] has at most: bounds memory, and keeps key ranges narrow.
const CHUNK: (usize, usize) = (20_000, 32 * 1024 * 1024);

/// Many rows held against a table, chunk by chunk; see [`Table::changed`].
pub struct Comparison<'a> {
    session: &'a SessionContext,
    table: &'a Table,
    key: &'a str,
    hash: &'a str,
    chunk: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
    differing: SpillBuffer,
}

impl<'a> Comparison<'a> {
    /// Nothing compared yet.
    pub fn new(table: &'a Table, session: &'a SessionContext, key: &'a str, hash: &'a str) -> Self {
        Self { table, session, key, hash, chunk: Vec::new(), rows: 0, bytes: 0, differing: SpillBuffer::default() }
    }

    /// Adds rows: give them in the order of their keys.
    ///
    /// # Errors
    /// As [`Table::changed`], and [`Kind::Lake`](crate::error::Kind::Lake) when there is no room for what differs.
    pub async fn push(&mut self, batch: RecordBatch) -> Result<()> {
        self.rows += batch.num_rows();
        self.bytes += batch.get_array_memory_size();
        self.chunk.push(batch);
        let (rows, bytes) = CHUNK;
        if self.rows < rows && self.bytes < bytes { Ok(()) } else { self.compare().await }
    }

    /// The rows that the table doesn't hold in this form, in their order.
    ///
    /// # Errors
    /// As [`Comparison::push`].
    pub async fn differing(mut self) -> Result<SpillBuffer> {
        self.compare().await?;
        Ok(self.differing)
    }

    async fn compare(&mut self) -> Result<()> {
        (self.rows, self.bytes) = (0, 0);
        let rows = std::mem::take(&mut self.chunk);
        for batch in self.table.changed(self.session, self.key, self.hash, rows).await? {
            self.differing.push(batch)?;
        }
        Ok(())
    }
}

const STORED: &str = "__stored";

/// Column that says which of all rows one is.
const PLACE: &str = "__place";

/// Key, hash and place of all rows: what is joined, so that the other columns needn't be moved.
fn places(rows: &[RecordBatch], key: &str, hash: &str) -> Result<Vec<RecordBatch>> {
    let mut next = 0;
    let narrow = rows.iter().map(|batch| {
        let place = UInt64Array::from_iter_values((next..).take(batch.num_rows()));
        next += batch.num_rows() as u64;
        let schema = batch.schema();
        let at = schema.index_of(key).map_err(unfit)?;
        let by = schema.index_of(hash).map_err(unfit)?;
        let field = Arc::new(Field::new(PLACE, DataType::UInt64, false));
        let fields = [schema.fields().get(at).cloned(), schema.fields().get(by).cloned(), Some(field)];
        let columns: Vec<ArrayRef> = vec![batch.column(at).clone(), batch.column(by).clone(), Arc::new(place)];
        RecordBatch::try_new(Arc::new(Schema::new(fields.into_iter().flatten().collect::<Vec<_>>())), columns)
            .map_err(unfit)
    });
    narrow.collect()
}

fn unfit(error: ArrowError) -> Error {
    error::incomparable().with_source(error)
}

/// Lowest and highest key, `None` where there are no rows.
fn key_range(table: &TableName, rows: &[RecordBatch], key: &str) -> Result<Option<(i64, i64)>> {
    let keys = rows.iter().map(|batch| keys(table, batch, key)).collect::<Result<Vec<_>>>()?;
    Ok(range(&keys))
}
