//! Functions that Spark has and DataFusion lacks, under Spark's names.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, StringArray};
use arrow::datatypes::{DataType, Date32Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
use datafusion::prelude::SessionContext;
use sha2::{Digest, Sha256};

/// Makes the functions known to a session.
pub(super) fn register(session: &SessionContext) {
    session.register_udf(create_udf(
        "sha2",
        vec![DataType::Utf8, DataType::Int64],
        DataType::Utf8,
        Volatility::Immutable,
        Arc::new(|arguments| with_arrays(arguments, sha2)),
    ));
    session.register_udf(create_udf(
        "datediff",
        vec![DataType::Date32, DataType::Date32],
        DataType::Int32,
        Volatility::Immutable,
        Arc::new(|arguments| with_arrays(arguments, datediff)),
    ));
}

fn with_arrays(
    arguments: &[ColumnarValue],
    function: fn(&ArrayRef, &ArrayRef) -> Result<ArrayRef>,
) -> Result<ColumnarValue> {
    match ColumnarValue::values_to_arrays(arguments)?.as_slice() {
        [first, second] => function(first, second).map(ColumnarValue::Array),
        _ => Err(DataFusionError::Execution("two arguments are needed".to_owned())),
    }
}

/// `sha2(text, 256)`: lower-case hex. Other widths are not needed here and are refused.
fn sha2(texts: &ArrayRef, bits: &ArrayRef) -> Result<ArrayRef> {
    let bits = bits.as_primitive::<arrow::datatypes::Int64Type>();
    if bits.iter().flatten().any(|bits| bits != 256) {
        return Err(DataFusionError::Execution("sha2 knows 256 bits only".to_owned()));
    }
    let hashes = texts.as_string::<i32>().iter().map(|text| text.map(hex_of_sha256));
    Ok(Arc::new(hashes.collect::<StringArray>()))
}

fn hex_of_sha256(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digest = Sha256::digest(text.as_bytes());
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).map_or('0', |digit| char::from(*digit));
    digest.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// `datediff(end, start)`: days between two dates.
fn datediff(end: &ArrayRef, start: &ArrayRef) -> Result<ArrayRef> {
    let (end, start) = (end.as_primitive::<Date32Type>(), start.as_primitive::<Date32Type>());
    let days = (0..end.len()).map(|row| {
        (end.is_valid(row) && start.is_valid(row)).then(|| end.value(row).checked_sub(start.value(row))).flatten()
    });
    Ok(Arc::new(days.collect::<Int32Array>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_lower_case_hex() {
        assert_eq!(hex_of_sha256("1"), "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b");
        assert_eq!(hex_of_sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
