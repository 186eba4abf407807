//! What no column may hold: each thing that serde_arrow would coerce, cut or drop without a word is kept beside the columns, or
//! is an error; and what a batch must be to become records.

#![allow(clippy::unwrap_used, reason = "clippy takes what tests share for library code")]

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array as _, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, StringViewArray};
use arrow_schema::{DataType, Field, Schema};
use connectwise_sdk::arrow::{RESCUED, Tabular, batch_to_records, records_to_batch};
use connectwise_sdk::catalog::{Column, Kind, Meaning};
use connectwise_sdk::{ErrorKind, Record, models::TimeEntry};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A record that can hold anything, with a column of each kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct Anything(Map<String, Value>);

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, meaning: Meaning::Plain }
}

const COMPANY: &[Column] = &[column("id", Kind::Int32), column("name", Kind::Utf8)];

impl Record for Anything {
    const NAME: &'static str = "Anything";

    fn id(&self) -> Option<i64> {
        self.0.get("id")?.as_i64()
    }
}

impl Tabular for Anything {
    const COLUMNS: &'static [Column] = &[
        column("_info", Kind::StringMap),
        column("amount", Kind::Double),
        column("at", Kind::Timestamp),
        column("company", Kind::Struct(COMPANY)),
        column("companies", Kind::List(&Kind::Struct(COMPANY))),
        column("flag", Kind::Boolean),
        column("free", Kind::Json),
        column("id", Kind::Int64),
        column("tags", Kind::List(&Kind::Utf8)),
        column("text", Kind::Utf8),
        column("whole", Kind::Int32),
    ];
}

fn anything(value: Value) -> Anything {
    serde_json::from_value(value).unwrap()
}

/// The one record as a batch, after it came back as it was.
fn there_and_back(value: &Value) -> RecordBatch {
    let record = anything(value.clone());
    let batch = records_to_batch(std::slice::from_ref(&record)).unwrap();
    assert_eq!(batch.schema(), Anything::arrow_schema());
    let back = batch_to_records::<Anything>(&batch).unwrap();
    assert_eq!(back, [record], "{value}");
    batch
}

fn rescued(batch: &RecordBatch) -> Value {
    let column = batch.column_by_name(RESCUED).unwrap().as_string::<i32>();
    if column.is_null(0) { Value::Null } else { serde_json::from_str(column.value(0)).unwrap() }
}

#[test]
fn what_fits_is_in_its_column_and_nowhere_else() {
    let batch = there_and_back(&json!({
        "_info": {"lastUpdated": "2025-05-06T09:39:56Z", "deleted_href": null},
        "amount": 120.5,
        "at": "2025-05-06T09:39:56Z",
        "company": {"id": 2, "name": "Acme"},
        "companies": [{"id": 3}, {}],
        "flag": true,
        "free": {"a": [1, "1", null, 12.5, true]},
        "id": 9_007_199_254_740_993_i64,
        "tags": ["a", ""],
        "text": "12.50",
        "whole": -7,
    }));
    assert_eq!(rescued(&batch), Value::Null);
    for column in batch.columns().iter().take(Anything::COLUMNS.len()) {
        assert!(column.is_valid(0));
    }
    let at = batch.column_by_name("at").unwrap().as_primitive::<TimestampMicrosecondType>().value(0);
    // date -u -d 2025-05-06T09:39:56Z +%s
    assert_eq!(at, 1_746_524_396_000_000);
    assert_eq!(batch.column_by_name("id").unwrap().as_primitive::<Int64Type>().value(0), 9_007_199_254_740_993);
}

#[test]
fn what_serde_arrow_would_change_or_drop_is_rescued() {
    let table = [
        // Coerced by it.
        ("flag", json!(2)),
        ("flag", json!(1)),
        ("whole", json!(true)),
        ("text", json!(12)),
        ("text", json!(12.5)),
        ("text", json!(true)),
        // Rounded by it.
        ("amount", json!(9_007_199_254_740_993_i64)),
        ("amount", json!(u64::MAX)),
        // Taken for microseconds by it.
        ("at", json!(1_746_524_396)),
        // Errors of it, which would spoil the whole batch.
        ("whole", json!(5_000_000_000_i64)),
        ("whole", json!(1.5)),
        ("whole", json!("7")),
        ("id", json!(u64::MAX)),
        ("amount", json!("120.5")),
        ("flag", json!("true")),
        ("at", json!("2025-05-06T09:39:56")),
        ("at", json!("2025-05-06")),
        ("at", json!("2025-02-30T00:00:00Z")),
        ("at", json!("10000-01-01T00:00:00Z")),
        ("at", json!("")),
        ("text", json!({"a": 1})),
        ("text", json!(["a"])),
        ("company", json!("Acme")),
        ("companies", json!({"id": 3})),
        ("tags", json!("a")),
        ("_info", json!(["a"])),
    ];
    for (name, value) in table {
        let batch = there_and_back(&json!({ name: value }));
        let kept = rescued(&batch);
        assert_eq!(kept, json!({ format!("/{name}"): value }), "{name}");
        assert!(batch.column_by_name(name).unwrap().is_null(0), "{name}: {value}");
    }
}

#[test]
fn an_instant_is_in_its_column_and_its_odd_text_beside_it() {
    // The seventh digit of a second has no place in microseconds.
    for (text, micros) in
        [("2025-05-06T09:39:56.1234567Z", 1_746_524_396_123_456), ("2025-05-06T11:39:56+02:00", 1_746_524_396_000_000)]
    {
        let batch = there_and_back(&json!({ "at": text }));
        assert_eq!(rescued(&batch), json!({ "/at": text }));
        assert_eq!(batch.column_by_name("at").unwrap().as_primitive::<TimestampMicrosecondType>().value(0), micros);
    }
}

#[test]
fn what_no_column_is_there_for_is_rescued_at_every_depth() {
    let batch = there_and_back(&json!({
        "id": 7,
        "new": {"a": 1},
        "a/b~c": null,
        "company": {"id": 2, "new": [1]},
        "companies": [{"id": 3}, {"id": "x", "name": "Acme", "new": 0.1}, 5],
        "tags": ["a", 5, null, "b"],
        "_info": {"count": 5, "lastUpdated": "soon"},
    }));
    let expected = json!({
        "/new": {"a": 1},
        "/a~1b~0c": null,
        "/company/new": [1],
        "/companies/1/id": "x",
        "/companies/1/new": 0.1,
        "/companies/2": 5,
        "/tags/1": 5,
        "/_info/count": 5,
    });
    assert_eq!(rescued(&batch), expected);
}

/// By serde_arrow's own decimals, 4,586 of these amounts lose a cent: 0.29 becomes 0.28.
#[test]
fn no_cent_is_lost() {
    let cents: Vec<f64> =
        (0..100_000).map(|cent| format!("{}.{:02}", cent / 100, cent % 100).parse().unwrap()).collect();
    let records: Vec<TimeEntry> =
        cents.iter().map(|amount| TimeEntry { actual_hours: Some(*amount), ..TimeEntry::default() }).collect();
    let batch = records_to_batch(&records).unwrap();
    assert_eq!(batch.column_by_name("actualHours").unwrap().as_primitive::<Float64Type>().values(), &cents[..]);
}

/// serde_json reads some of these as the number beside them, and they are texts wherever no column is for them.
#[test]
fn no_last_digit_is_lost_where_numbers_are_texts() {
    let mut number = 0.1_f64;
    for _ in 0..2_000 {
        number = number * 1.37 % 1e9 + 0.3;
        for value in [number, -number, number * 1e-290, number * 1e290] {
            there_and_back(&json!({"new": value, "free": [value, {"a": value}], "amount": value}));
        }
    }
}

#[test]
fn numbers_and_texts_are_told_apart_in_columns_of_any_type() {
    let free = |value: Value| {
        let batch = there_and_back(&json!({ "free": value }));
        batch.column_by_name("free").unwrap().as_string::<i32>().value(0).to_owned()
    };
    let texts = [json!("1"), json!(1), json!(1.0), json!(true), json!("true"), json!("null"), json!([])].map(free);
    assert_eq!(texts, ["\"1\"", "1", "1.0", "true", "\"true\"", "\"null\"", "[]"]);
}

/// A record whose number can be anything that a double is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Measured {
    id: i64,
    amount: f64,
    nested: Vec<f64>,
}

impl Record for Measured {
    const NAME: &'static str = "Measured";

    fn id(&self) -> Option<i64> {
        Some(self.id)
    }
}

impl Tabular for Measured {
    const COLUMNS: &'static [Column] = &[column("amount", Kind::Double), column("id", Kind::Int64)];
}

#[test]
fn a_number_that_json_lacks_names_the_record_and_the_place() {
    let measured = |id, amount, other| Measured { id, amount, nested: vec![0.0, other] };
    let table = [
        (
            measured(7, f64::NAN, 0.0),
            "record 7 of Measured can't be a row: it doesn't fit at amount (expected a finite number); correct it, or leave it out",
        ),
        (
            measured(8, 1.0, f64::INFINITY),
            "record 8 of Measured can't be a row: it doesn't fit at nested[1] (expected a finite number); correct it, or leave it out",
        ),
    ];
    for (record, expected) in table {
        let error = records_to_batch(&[measured(1, 1.0, 1.0), record.clone()]).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!((error.kind(), error.record().unwrap().id), (ErrorKind::Table, Some(record.id)));
    }
}

#[test]
fn a_property_that_is_there_twice_is_refused() {
    let mut entry = TimeEntry { id: Some(7), notes: Some("a".to_owned()), ..TimeEntry::default() };
    entry.extra.insert("notes".to_owned(), json!("b"));
    let error = records_to_batch(&[entry]).unwrap_err();
    assert!(error.to_string().starts_with("record 7 of TimeEntry can't be a row: it doesn't fit at notes"), "{error}");
}

#[test]
fn no_records_make_an_empty_batch() {
    let batch = records_to_batch::<TimeEntry>(&[]).unwrap();
    assert_eq!((batch.schema(), batch.num_rows()), (TimeEntry::arrow_schema(), 0));
    assert_eq!(batch_to_records::<TimeEntry>(&batch).unwrap(), []);
}

/// A batch of `Measured`, with one column changed.
fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<Field> =
        columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, column)| column).collect())
        .unwrap()
}

#[test]
fn a_batch_of_something_else_is_refused() {
    let id: ArrayRef = Arc::new(Int64Array::from(vec![7]));
    let amount: ArrayRef = Arc::new(Float64Array::from(vec![0.5]));
    let nested: ArrayRef = Arc::new(StringArray::from(vec!["{\"/nested\":[1.5]}"]));
    let whole = batch(vec![
        ("extra", amount.clone()),
        (RESCUED, nested.clone()),
        ("id", id.clone()),
        ("amount", amount.clone()),
    ]);
    let expected = [Measured { id: 7, amount: 0.5, nested: vec![1.5] }];
    // The order of columns doesn't count, nor do others beside them.
    assert_eq!(batch_to_records::<Measured>(&whole).unwrap(), expected);
    let views: ArrayRef = Arc::new(StringViewArray::from(vec!["{\"/nested\":[1.5]}"]));
    let viewed = batch(vec![("amount", amount.clone()), ("id", id.clone()), (RESCUED, views)]);
    assert_eq!(batch_to_records::<Measured>(&viewed).unwrap(), expected);

    let whole_number: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let table = [
        (
            batch(vec![("amount", amount.clone()), (RESCUED, nested.clone())]),
            "the batch is none of Measured: its column id (Int64) is missing; read all columns of Measured::arrow_schema() with their types",
        ),
        (
            batch(vec![("amount", amount.clone()), ("id", id.clone())]),
            "the batch is none of Measured: its column _rescued (Utf8) is missing; read all columns of Measured::arrow_schema() with their types",
        ),
        (
            batch(vec![("amount", whole_number), ("id", id.clone()), (RESCUED, nested.clone())]),
            "the batch is none of Measured: its column amount is Int64 and not Float64; read all columns of Measured::arrow_schema() with their types",
        ),
    ];
    for (foreign, expected) in table {
        let error = batch_to_records::<Measured>(&foreign).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Table, expected));
    }
}

#[test]
fn a_row_that_is_no_record_is_named() {
    let id: ArrayRef = Arc::new(Int64Array::from(vec![1, 7]));
    let fine = "{\"/nested\":[]}";
    let table = [
        (
            f64::NAN,
            fine,
            "row 1 of the batch (id 7) is no Measured: it can't be read at amount (expected a finite number); leave the row out, or read its columns",
        ),
        (
            0.5,
            "{\"/nested\":[\"x\"]}",
            "row 1 of the batch (id 7) is no Measured: it can't be read at nested[0] (expected f64); leave the row out, or read its columns",
        ),
        (
            0.5,
            "{\"/company/name\":1}",
            "row 1 of the batch (id 7) is no Measured: it can't be read at _rescued (expected a JSON object of JSON pointers); leave the row out, or read its columns",
        ),
        (
            0.5,
            "[]",
            "row 1 of the batch (id 7) is no Measured: it can't be read at _rescued (expected a JSON object of JSON pointers); leave the row out, or read its columns",
        ),
    ];
    for (amount, rescued, expected) in table {
        let amounts: ArrayRef = Arc::new(Float64Array::from(vec![0.0, amount]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec![fine, rescued]));
        let batch = batch(vec![("amount", amounts), ("id", id.clone()), (RESCUED, texts)]);
        let error = batch_to_records::<Measured>(&batch).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.record().unwrap().id, Some(7));
    }
}

/// A text of nothing but brackets would go down the stack as far as it is long.
#[test]
fn what_is_rescued_has_a_greatest_depth() {
    let deep = format!("{{\"/nested\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("amount", Arc::new(Float64Array::from(vec![0.5]))),
        ("id", Arc::new(Int64Array::from(vec![7]))),
        (RESCUED, Arc::new(StringArray::from(vec![deep]))),
    ];
    let error = batch_to_records::<Measured>(&batch(columns)).unwrap_err();
    assert!(error.to_string().contains("_rescued"), "{error}");
}

#[test]
fn columns_are_those_of_the_lake() {
    fn assert_same<T: Tabular>(entity: &str) {
        let schema = Schema::new(
            connectwise_sdk::lake::entity(entity)
                .unwrap()
                .columns
                .iter()
                .map(|column| Field::new(column.name, connectwise_sdk::arrow::data_type(&column.kind), true))
                .chain([Field::new(RESCUED, DataType::Utf8, true)])
                .collect::<Vec<_>>(),
        );
        assert_eq!(*T::arrow_schema(), schema, "{entity}");
    }
    assert_same::<TimeEntry>("TimeEntry");
    assert_same::<connectwise_sdk::models::Agreement>("Agreement");
    assert_same::<connectwise_sdk::models::Addition>("AgreementAddition");
    assert_same::<connectwise_sdk::models::Ticket>("ServiceTicket");
}
