//! Keys and other numbers of rows.

use arrow::array::{Array, AsArray, Int64Array, RecordBatch};
use arrow::compute::{cast, max, min};
use arrow::datatypes::{DataType, Int64Type};
use connectwise_storage::TableName;

use crate::error::{self, Result};

/// A key column as 64-bit integers.
///
/// # Errors
/// [`Kind::Contract`](connectwise_storage::error::Kind::Contract) when there is no such column of integers.
pub fn integers(batch: &RecordBatch, key: &str) -> Result<Int64Array> {
    let missing = || error::no_integer_key(key);
    let keys = cast(batch.column_by_name(key).ok_or_else(missing)?, &DataType::Int64)
        .map_err(|error| missing().with_source(error))?;
    Ok(keys.as_primitive::<Int64Type>().clone())
}

/// The keys of rows for a table.
///
/// # Errors
/// As [`integers`], and when a row has no key.
pub fn keys(table: &TableName, batch: &RecordBatch, key: &str) -> Result<Int64Array> {
    let keys = integers(batch, key)?;
    if keys.null_count() > 0 { Err(error::null_key(table, key)) } else { Ok(keys) }
}

/// The lowest and the highest of some numbers, `None` where there are none. NULLs don't count.
pub fn range(numbers: &[Int64Array]) -> Option<(i64, i64)> {
    Some((numbers.iter().filter_map(min).min()?, numbers.iter().filter_map(max).max()?))
}
