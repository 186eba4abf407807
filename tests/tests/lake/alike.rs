//! Two lakehouses held against each other, table by table.

use std::collections::BTreeSet;
use std::path::Path;

use connectwise_lakehouse::{Lake, TableName};
use connectwise_pipeline::query;
use serde_json::Value;

/// Differences that are shown.
const SHOWN: usize = 5;

/// Copies a folder with all that is in it. Tables name their files by relative paths, so that a copy is a lakehouse of its own.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (entry, target) = entry.map(|entry| (entry.path(), to.join(entry.file_name()))).unwrap();
        if entry.is_dir() {
            copy(&entry, &target);
        } else {
            std::fs::copy(&entry, &target).unwrap();
        }
    }
}

/// Names of a stored table's columns.
pub(crate) async fn columns(lake: &Lake, table: &TableName) -> BTreeSet<String> {
    let state = lake.table(table).await.unwrap().state().unwrap_or_else(|| panic!("{table} is missing"));
    state.schema.fields().iter().map(|field| field.name().clone()).collect()
}

/// Columns as a SELECT lists them, without some.
pub(crate) fn listed(columns: &BTreeSet<String>, without: &[&str]) -> String {
    let wanted = columns.iter().filter(|name| !without.contains(&name.as_str()));
    wanted.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

/// The rows of a query as texts, in an order of their own.
pub(crate) async fn rows(lake: &Lake, sql: &str) -> Vec<String> {
    let batches = query::select(lake, sql).await.unwrap();
    let rows: Vec<Value> = serde_json::from_slice(&query::json(&batches).unwrap()).unwrap();
    let mut texts: Vec<String> = rows.iter().map(Value::to_string).collect();
    texts.sort();
    texts
}

/// Fails unless a query gives the same rows of both.
pub(crate) async fn assert_same(table: &TableName, sql: &str, one: &Lake, other: &Lake) {
    let (one, other) = (rows(one, sql).await, rows(other, sql).await);
    let only = |these: &[String], those: &[String]| {
        these.iter().filter(|row| !those.contains(row)).take(SHOWN).cloned().collect::<Vec<_>>()
    };
    assert_eq!(one.len(), other.len(), "rows of {table}");
    assert!(one == other, "{table}: {:#?} and not {:#?}", only(&one, &other), only(&other, &one));
}
