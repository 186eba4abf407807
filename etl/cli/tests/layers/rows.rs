//! Rows that tests write as JSON, and rows read back as text.

use std::io::Cursor;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::json::ReaderBuilder;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use connectwise_lakehouse::{Commit, Lake, Source, TableName};
use datafusion::prelude::SessionContext;
use serde_json::{Map, Value};

/// Rows as batches. What a row doesn't name is as `unless_said` has it, else NULL; a name that is no column fails.
pub(crate) fn batches(
    table: &TableName,
    schema: &SchemaRef,
    unless_said: &Map<String, Value>,
    rows: &[Map<String, Value>],
) -> Vec<RecordBatch> {
    let mut text = String::new();
    for row in rows {
        let mut whole = unless_said.clone();
        for (name, value) in row {
            assert!(schema.field_with_name(name).is_ok(), "{table} has no column {name}");
            whole.insert(name.clone(), value.clone());
        }
        text.push_str(&Value::Object(whole).to_string());
    }
    let reader = ReaderBuilder::new(schema.clone()).build(Cursor::new(text)).unwrap();
    reader.map(Result::unwrap).collect()
}

/// Puts rows in place of a table.
pub(crate) async fn put(
    lake: &Lake,
    table: &TableName,
    schema: &SchemaRef,
    unless_said: &Map<String, Value>,
    rows: &[Map<String, Value>],
) {
    let batches = batches(table, schema, unless_said, rows);
    let session = lake.session().unwrap();
    let source = Source::batches(&session, batches).unwrap();
    lake.table(table).await.unwrap().overwrite(schema, source, &Commit::new("put")).await.unwrap();
}

/// Names of the columns that a query gives, and its rows as texts, NULL as none.
pub(crate) async fn texts(session: &SessionContext, sql: &str) -> (Vec<String>, Vec<Vec<Option<String>>>) {
    let frame = session.sql(sql).await.unwrap();
    let names = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
    let mut rows = Vec::new();
    for batch in frame.collect().await.unwrap() {
        let options = FormatOptions::new();
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let values = columns.iter().zip(batch.columns());
            rows.push(values.map(|(text, column)| column.is_valid(row).then(|| text.value(row).to_string())).collect());
        }
    }
    (names, rows)
}

/// Rows of a query, their values joined by ` | `.
pub(crate) async fn lines(session: &SessionContext, sql: &str) -> Vec<String> {
    let (_, rows) = texts(session, sql).await;
    let line = |row: Vec<Option<String>>| {
        row.into_iter().map(|value| value.unwrap_or_else(|| "NULL".to_owned())).collect::<Vec<_>>().join(" | ")
    };
    rows.into_iter().map(line).collect()
}
