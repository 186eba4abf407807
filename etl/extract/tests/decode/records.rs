//! Records of any entity, as the document has them and as it doesn't.

use chrono::DateTime;
use connectwise_extract::catalog;
use connectwise_sdk::catalog::{Column, Entity, Kind};
use proptest::prelude::*;
use serde_json::Value;

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

pub(crate) fn object_of(columns: &'static [Column]) -> impl Strategy<Value = Value> {
    let known = prop::sample::subsequence(columns, 0..=columns.len().min(8)).prop_flat_map(|columns| {
        columns.into_iter().map(|column| (Just(column.name.to_owned()), value_of(column.kind))).collect::<Vec<_>>()
    });
    let unknown = prop::collection::vec((name(), any_json()), 0..2);
    (known, unknown).prop_map(|(known, unknown)| Value::Object(unknown.into_iter().chain(known).collect()))
}

/// An entity and a record of it, or something that was meant to be one.
pub(crate) fn record() -> impl Strategy<Value = (&'static Entity, Value)> {
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
