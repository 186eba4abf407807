//! Whatever the API sends, bronze gives back: rebuilt from the row, or kept in quarantine as text.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod hostile;
mod property;
mod records;
mod tree;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int32Type, TimestampMicrosecondType};
use chrono::{DateTime, Utc};
use connectwise_extract::catalog;
use connectwise_extract::contract::{CONTENT_HASH, RESCUED};
use connectwise_extract::decode::{self, Decoder};
use connectwise_sdk::catalog::Entity;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

fn time_entry() -> &'static Entity {
    catalog::entity("TimeEntry").unwrap()
}

fn decoder(entity: &'static Entity) -> Decoder {
    Decoder::new(entity, "run-1", DateTime::<Utc>::UNIX_EPOCH).unwrap()
}

/// Decodes one record and gives its row, or the reason why it can't be one.
fn row(entity: &'static Entity, text: &str) -> Result<arrow::array::RecordBatch, String> {
    let mut decoder = decoder(entity);
    let raw = RawValue::from_string(text.to_owned()).unwrap();
    decoder.push(&raw).unwrap().map_err(|rejected| {
        assert_eq!(rejected.text, text);
        rejected.reason
    })?;
    let batch = decoder.batch().unwrap();
    assert_eq!(batch.num_rows(), 1);
    Ok(batch)
}

fn rebuild(entity: &Entity, batch: &arrow::array::RecordBatch) -> Value {
    serde_json::from_str(&decode::rebuild(entity, batch, 0).unwrap()).unwrap()
}

fn rescued(batch: &arrow::array::RecordBatch) -> Value {
    let column = batch.column_by_name(RESCUED).unwrap().as_string::<i32>();
    if column.is_null(0) { json!({}) } else { serde_json::from_str(column.value(0)).unwrap() }
}

#[test]
fn a_record_that_fits_lands_in_its_columns_and_rescues_nothing() {
    let text = r#"{"id":7,"actualHours":0.75,"hourlyCost":"10800.00","timeStart":"2018-05-05T14:00:00Z","notes":"Þjónusta\u0000\n",
        "invoiceReady":0,"emailCcFlag":false,"member":{"id":159,"name":"Ald","dailyCapacity":8,"_info":{"member_href":"h"}},
        "_info":{"lastUpdated":"2018-05-06T00:00:00Z","updatedBy":"loft"},
        "customFields":[{"id":4,"caption":"S","type":"Text","value":"x"},{"id":5,"value":1.5},{"id":6,"value":true},{"id":7}]}"#;
    let batch = row(time_entry(), text).unwrap();
    assert_eq!(rescued(&batch), json!({}));
    assert_eq!(batch["id"].as_primitive::<Int32Type>().value(0), 7);
    assert_eq!(batch["actualHours"].as_primitive::<Float64Type>().value(0), 0.75);
    assert_eq!(batch["timeStart"].as_primitive::<TimestampMicrosecondType>().value(0), 1_525_528_800_000_000);
    let fields = batch["customFields"].as_list::<i32>().value(0);
    let values = fields.as_struct().column_by_name("value").unwrap().as_string::<i32>().iter().collect::<Vec<_>>();
    assert_eq!(values, [Some("\"x\""), Some("1.5"), Some("true"), None], "custom field values are kept as JSON text");
    assert!(batch["project"].is_null(0));
    assert_eq!(same(&rebuild(time_entry(), &batch)), serde_json::from_str::<Value>(text).unwrap());
}

#[test]
fn what_does_not_fit_is_rescued_under_its_pointer() {
    let text = r#"{"id":7,"actualHours":"8","hourlyCost":12.5,"timeStart":"2018-05-05","timeEnd":"2018-05-05T16:00:00+02:00",
        "businessUnitId":9999999999,"company":"none","member":{"id":"x","shoe/size~":43},"brandNew":{"a":[1,null]},
        "_info":{"lastUpdated":5},"customFields":[{"id":1},"loose"]}"#;
    let batch = row(time_entry(), text).unwrap();
    assert_eq!(
        rescued(&batch),
        json!({
            "/actualHours": "8", "/hourlyCost": 12.5, "/timeStart": "2018-05-05", "/timeEnd": "2018-05-05T16:00:00+02:00",
            "/businessUnitId": 9_999_999_999_u64, "/company": "none", "/member/id": "x", "/member/shoe~1size~0": 43,
            "/brandNew": {"a": [1, null]}, "/_info/lastUpdated": 5, "/customFields/1": "loose"
        })
    );
    assert_eq!(
        batch["timeEnd"].as_primitive::<TimestampMicrosecondType>().value(0),
        1_525_528_800_000_000,
        "the instant is used too"
    );
    assert_eq!(rebuild(time_entry(), &batch), serde_json::from_str::<Value>(text).unwrap());
}

#[test]
fn a_record_without_a_usable_key_is_rejected_with_its_text_and_reason() {
    for (text, reason) in [
        (r#"{"notes":"x"}"#, "the record has no usable key in /id"),
        (r#"{"id":null}"#, "the record has no usable key in /id"),
        (r#"{"id":"7"}"#, "the record has no usable key in /id"),
        (r#"{"id":4294967296}"#, "the record has no usable key in /id"),
        ("[1]", "the record isn't an object"),
        ("null", "the record isn't an object"),
    ] {
        assert_eq!(row(time_entry(), text).unwrap_err(), reason, "{text}");
    }
    assert!(
        row(time_entry(), r#"{"id":7,"notes":"\ud800"}"#).unwrap_err().starts_with("the record isn't readable JSON")
    );
}

#[test]
fn numbers_and_depths_that_no_reader_takes_are_kept_as_they_are_written() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let text = format!(
        r#"{{"id":7,"actualHours":1e999,"hourlyRate":0.12345678901234567890,"company":2.5,"invoiceReady":1.5,"x":{deep}}}"#
    );
    let batch = row(time_entry(), &text).unwrap();
    let rescued = batch.column_by_name(RESCUED).unwrap().as_string::<i32>().value(0).to_owned();
    assert_eq!(
        rescued,
        format!(
            r#"{{"/actualHours":1e999,"/company":2.5,"/hourlyRate":0.12345678901234567890,"/invoiceReady":1.5,"/x":{deep}}}"#
        )
    );
    assert_eq!(
        batch["hourlyRate"].as_primitive::<Float64Type>().value(0),
        0.123_456_789_012_345_68,
        "the nearest double is used too"
    );
}

#[test]
fn of_equal_keys_the_last_counts() {
    let batch = row(time_entry(), r#"{"id":7,"member":{"id":"x"},"member":{"id":1},"_info":{"a":1,"a":"b"}}"#).unwrap();
    assert_eq!(rescued(&batch), json!({}));
    assert_eq!(rebuild(time_entry(), &batch), json!({"id":7,"member":{"id":1},"_info":{"a":"b"}}));
}

#[test]
fn rejected_and_accepted_records_do_not_touch_each_other() {
    let mut decoder = decoder(time_entry());
    let mut kept = 0;
    for text in [r#"{"id":1,"actualHours":1}"#, r#"{"actualHours":2}"#, "3", r#"{"id":4,"actualHours":4}"#] {
        kept += usize::from(decoder.push(&RawValue::from_string(text.to_owned()).unwrap()).unwrap().is_ok());
    }
    let batch = decoder.batch().unwrap();
    assert_eq!((kept, batch.num_rows()), (2, 2));
    assert_eq!(batch["actualHours"].as_primitive::<Float64Type>().values(), &[1.0, 4.0]);
    let hashes = batch[CONTENT_HASH].as_primitive::<arrow::datatypes::Int64Type>();
    assert_ne!(hashes.value(0), hashes.value(1));
}

/// Null and absent are one thing; `-0.0`, `5` and `5.0` are equal numbers.
fn same(value: &Value) -> Value {
    match value {
        Value::Object(entries) => {
            let kept: Map<String, Value> = entries
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.clone(), same(value)))
                .collect();
            Value::Object(kept)
        }
        Value::Array(items) => Value::Array(items.iter().map(same).collect()),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => json!(integer),
            None => match number.as_f64() {
                Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0 => {
                    json!(float as i64)
                }
                _ => value.clone(),
            },
        },
        other => other.clone(),
    }
}
