//! Whatever the API sends, bronze gives back: rebuilt from the row, or kept in quarantine as text.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int32Type, TimestampMicrosecondType};
use chrono::{DateTime, Utc};
use connectwise_etl::catalog;
use connectwise_etl::contract::{CONTENT_HASH, RESCUED};
use connectwise_etl::decode::{self, Decoder};
use connectwise_sdk::catalog::{Column, Entity, Kind};
use proptest::prelude::*;
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

/// Any JSON, spiced with texts that look like something else.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1000..1000_i32).prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no NaN", |number| number.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(Value::from("2018-05-05T14:00:00Z")),
        Just(Value::from("2018-05-05T14:00:00.123456Z")),
        Just(Value::from("0001-01-01T00:00:00Z")),
        Just(Value::from("")),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("id".to_owned()),
        Just("_info".to_owned()),
        Just("name".to_owned()),
        "[a-z~/]{0,4}",
        any::<String>()
    ]
}

/// A value of the column's own shape, with anything at all in a share of the places.
fn value_of(kind: Kind) -> BoxedStrategy<Value> {
    let fitting = match kind {
        Kind::Int32 => any::<i32>().prop_map(Value::from).boxed(),
        Kind::Int64 => any::<i64>().prop_map(Value::from).boxed(),
        Kind::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        Kind::Double => (-1e9..1e9).prop_map(Value::from).boxed(),
        Kind::Timestamp => (0..4_000_000_000_i64)
            .prop_map(|seconds| {
                DateTime::from_timestamp(seconds, 0).unwrap().format("%Y-%m-%dT%H:%M:%SZ").to_string().into()
            })
            .boxed(),
        Kind::Utf8 => any::<String>().prop_map(Value::from).boxed(),
        Kind::Json => any_json().boxed(),
        Kind::StringMap => prop::collection::vec((name(), any::<String>().prop_map(Value::from)), 0..3)
            .prop_map(|entries| Value::Object(entries.into_iter().collect()))
            .boxed(),
        Kind::Struct(columns) => object_of(columns).boxed(),
        Kind::List(element) => prop::collection::vec(value_of(*element), 0..3).prop_map(Value::from).boxed(),
    };
    prop_oneof![4 => fitting, 1 => any_json()].boxed()
}

fn object_of(columns: &'static [Column]) -> impl Strategy<Value = Value> {
    let known = prop::sample::subsequence(columns, 0..=columns.len().min(8)).prop_flat_map(|columns| {
        columns.into_iter().map(|column| (Just(column.name.to_owned()), value_of(column.kind))).collect::<Vec<_>>()
    });
    let unknown = prop::collection::vec((name(), any_json()), 0..2);
    (known, unknown).prop_map(|(known, unknown)| Value::Object(unknown.into_iter().chain(known).collect()))
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

/// An entity and a record of it, or something that was meant to be one.
fn record() -> impl Strategy<Value = (&'static Entity, Value)> {
    prop::sample::select(catalog::entities().iter().collect::<Vec<_>>()).prop_flat_map(|entity| {
        let record =
            (object_of(entity.columns), prop::option::weighted(0.9, 1..i32::MAX)).prop_map(|(mut record, key)| {
                if let (Some(record), Some(key)) = (record.as_object_mut(), key) {
                    record.insert(entity.key.to_owned(), key.into());
                }
                record
            });
        (Just(entity), prop_oneof![20 => record, 1 => any_json()])
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_record_is_rebuilt_or_rejected((entity, record) in record()) {
        match row(entity, &record.to_string()) {
            Ok(batch) => prop_assert_eq!(same(&rebuild(entity, &batch)), same(&serde_json::from_str(&record.to_string()).unwrap())),
            Err(_) => prop_assert!(
                record.get(entity.key).and_then(Value::as_f64).is_none_or(|key| key.fract() != 0.0 || key.abs() > f64::from(i32::MAX)),
                "a record with a usable key was rejected"
            ),
        }
    }
}
