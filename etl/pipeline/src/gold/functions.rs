//! Functions that Spark has and DataFusion lacks, under Spark's names.

use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimestampMicrosecondType};
use chrono::{Months, NaiveDate};
use connectwise_extract::contract::instant;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
use datafusion::prelude::SessionContext;
use sha2::{Digest, Sha256};

use super::zone;

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
    for (name, function) in [("date_add", date_add as Function), ("add_months", add_months as Function)] {
        session.register_udf(create_udf(
            name,
            vec![DataType::Date32, DataType::Int64],
            DataType::Date32,
            Volatility::Immutable,
            Arc::new(move |arguments: &[ColumnarValue]| with_arrays(arguments, function)),
        ));
    }
    session.register_udf(create_udf(
        "unix_seconds",
        vec![instant()],
        DataType::Int64,
        Volatility::Immutable,
        Arc::new(|arguments| match ColumnarValue::values_to_arrays(arguments)?.as_slice() {
            [instants] => Ok(ColumnarValue::Array(unix_seconds(instants))),
            _ => Err(DataFusionError::Execution("one argument is needed".to_owned())),
        }),
    ));
    session.register_udf(create_udf(
        "from_utc_timestamp",
        vec![instant(), DataType::Utf8],
        instant(),
        Volatility::Immutable,
        Arc::new(|arguments: &[ColumnarValue]| match arguments {
            // Nothing to convert, and the default.
            [instants, ColumnarValue::Scalar(zone)] if zone.try_as_str() == Some(Some(zone::DEFAULT)) => {
                Ok(instants.clone())
            }
            _ => with_arrays(arguments, from_utc_timestamp),
        }),
    ));
}

/// A function of two arguments.
type Function = fn(&ArrayRef, &ArrayRef) -> Result<ArrayRef>;

fn with_arrays(arguments: &[ColumnarValue], function: Function) -> Result<ColumnarValue> {
    match ColumnarValue::values_to_arrays(arguments)?.as_slice() {
        [first, second] => function(first, second).map(ColumnarValue::Array),
        _ => Err(DataFusionError::Execution("two arguments are needed".to_owned())),
    }
}

/// `sha2(text, 256)`: lower-case hex. Other widths are not needed here and are refused.
fn sha2(texts: &ArrayRef, bits: &ArrayRef) -> Result<ArrayRef> {
    let bits = bits.as_primitive::<Int64Type>();
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

/// `from_utc_timestamp(instant, zone)`: what clocks in a zone show at an instant, written as if it were UTC, so that a cast to a
/// date gives the day there.
fn from_utc_timestamp(instants: &ArrayRef, zones: &ArrayRef) -> Result<ArrayRef> {
    let instants = instants.as_primitive::<TimestampMicrosecondType>();
    let zones = zones.as_string::<i32>();
    // The zone is the same for all rows, or nearly so.
    let mut last: Option<(&str, Tz)> = None;
    let mut shown = TimestampMicrosecondArray::builder(instants.len());
    for (instant, name) in instants.iter().zip(zones) {
        let zone = match (name, last) {
            (None, _) => None,
            (Some(name), Some((known, zone))) if known == name => Some(zone),
            (Some(name), _) => {
                let zone = zone::named(name).map_err(|error| DataFusionError::Execution(error.to_string()))?;
                last = Some((name, zone));
                Some(zone)
            }
        };
        shown.append_option(instant.zip(zone).and_then(|(instant, zone)| zone::wall_clock(instant, zone)));
    }
    Ok(Arc::new(shown.finish().with_data_type(instant())))
}

/// `unix_seconds(instant)`: whole seconds since the beginning of 1970 in UTC, whatever zone the session is in.
fn unix_seconds(instants: &ArrayRef) -> ArrayRef {
    let instants = instants.as_primitive::<TimestampMicrosecondType>();
    let seconds = instants.iter().map(|instant| instant.map(|instant| instant.div_euclid(1_000_000)));
    Arc::new(seconds.collect::<Int64Array>())
}

/// `datediff(end, start)`: days between two dates.
fn datediff(end: &ArrayRef, start: &ArrayRef) -> Result<ArrayRef> {
    let end = end.as_primitive::<Date32Type>();
    let start = start.as_primitive::<Date32Type>();
    let days = (0..end.len()).map(|row| {
        (end.is_valid(row) && start.is_valid(row)).then(|| end.value(row).checked_sub(start.value(row))).flatten()
    });
    Ok(Arc::new(days.collect::<Int32Array>()))
}

/// `date_add(start, days)`: the date so many days after another. One that isn't in the calendar is NULL.
fn date_add(start: &ArrayRef, days: &ArrayRef) -> Result<ArrayRef> {
    Ok(moved(start, days, |start, days| start.checked_add(i32::try_from(days).ok()?)))
}

/// `add_months(start, months)`: the same day so many months after a date, or the last day of that month where it has no such day.
fn add_months(start: &ArrayRef, months: &ArrayRef) -> Result<ArrayRef> {
    Ok(moved(start, months, |start, months| {
        let epoch = NaiveDate::default();
        let count = u32::try_from(months.unsigned_abs()).ok()?;
        let day = epoch.checked_add_signed(chrono::Duration::days(start.into()))?;
        let day = if months < 0 {
            day.checked_sub_months(Months::new(count))?
        } else {
            day.checked_add_months(Months::new(count))?
        };
        Some(day.to_epoch_days())
    }))
}

/// Dates that a number leads to from others.
fn moved(start: &ArrayRef, by: &ArrayRef, to: impl Fn(i32, i64) -> Option<i32>) -> ArrayRef {
    let start = start.as_primitive::<Date32Type>();
    let by = by.as_primitive::<Int64Type>();
    Arc::new(start.iter().zip(by).map(|(start, by)| to(start?, by?)).collect::<Date32Array>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn dates_move_by_days_and_by_months_that_may_be_shorter() {
        let lake = connectwise_lakehouse::Lake::open(&std::env::temp_dir().to_string_lossy()).unwrap();
        let session = lake.session().unwrap();
        register(&session);
        for (call, expected) in [
            ("date_add(date '2024-02-28', 2)", "2024-03-01"),
            ("date_add(date '2024-03-01', cast(-1 as int))", "2024-02-29"),
            ("add_months(date '2024-01-31', 1)", "2024-02-29"),
            ("add_months(date '2024-01-31', 3)", "2024-04-30"),
            ("add_months(date '2024-01-31', cast(-2 as int))", "2023-11-30"),
            ("add_months(date '2024-05-15', 12)", "2025-05-15"),
            ("add_months(cast(null as date), 1)", "nothing"),
            ("date_add(date '2024-01-01', cast(null as int))", "nothing"),
        ] {
            let rows = session.sql(&format!("select coalesce(cast({call} as string), 'nothing')")).await.unwrap();
            let rows = rows.collect().await.unwrap();
            let found = arrow::util::display::array_value_to_string(rows[0].column(0), 0).unwrap();
            assert_eq!(found, expected, "{call}");
        }
    }

    #[tokio::test]
    async fn an_instant_is_what_clocks_show_and_nothing_stays_nothing() {
        let lake = connectwise_lakehouse::Lake::open(&std::env::temp_dir().to_string_lossy()).unwrap();
        let session = lake.session().unwrap();
        register(&session);
        let shown = async |instant: &str, zone: &str| {
            let instant = format!("arrow_cast({instant}, 'Timestamp(Microsecond, Some(\"UTC\"))')");
            let select = format!("select coalesce(cast(from_utc_timestamp({instant}, {zone}) as string), 'nothing')");
            let rows = session.sql(&select).await?.collect().await?;
            Ok::<_, DataFusionError>(arrow::util::display::array_value_to_string(rows[0].column(0), 0)?)
        };
        for (instant, zone, expected) in [
            ("'2024-11-04T04:59:59Z'", "'America/New_York'", "2024-11-03T23:59:59Z"),
            ("'2024-11-04T05:00:00Z'", "'America/New_York'", "2024-11-04T00:00:00Z"),
            ("'2024-11-04T05:00:00Z'", "'UTC'", "2024-11-04T05:00:00Z"),
            ("null", "'America/New_York'", "nothing"),
            ("'2024-11-04T05:00:00Z'", "null", "nothing"),
        ] {
            assert_eq!(shown(instant, zone).await.unwrap(), expected, "{instant} {zone}");
        }
        let error = shown("'2024-11-04T05:00:00Z'", "'Nowhere'").await.unwrap_err();
        assert!(error.to_string().contains("\"Nowhere\", which is no time zone"), "{error}");
    }

    #[test]
    fn seconds_of_instants_are_whole_and_count_from_1970() {
        let instants = TimestampMicrosecondArray::from(vec![
            Some(1_730_610_000_999_999), // 3 November 2024, 05:00:00.999999 UTC
            Some(0),
            Some(-1),
            None,
        ]);
        let seconds = unix_seconds(&(Arc::new(instants) as ArrayRef));
        let seconds: Vec<_> = seconds.as_primitive::<Int64Type>().iter().collect();
        assert_eq!(seconds, [Some(1_730_610_000), Some(0), Some(-1), None]);
    }

    #[test]
    fn a_hash_is_lower_case_hex() {
        assert_eq!(hex_of_sha256("1"), "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b");
        assert_eq!(hex_of_sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
