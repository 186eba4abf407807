//! One thing that is wrong with a table.

use connectwise_lakehouse::TableName;
use connectwise_upkeep::Found;
use serde::Serialize;

use super::advice;

/// One thing that is wrong with a table.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Layer and name.
    pub table: String,
    /// The same, in its parts.
    #[serde(skip)]
    pub name: TableName,
    /// What kind of thing it is, in one word.
    pub finding: &'static str,
    /// How many rows, keys or files it is about.
    pub count: u64,
    /// Some of the keys that it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<i64>,
    /// What is wrong, in words.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

impl Finding {
    pub(super) fn new(table: &TableName, finding: &'static str, count: u64, what: String) -> Self {
        let advice = advice(table, finding);
        Self { table: table.to_string(), name: table.clone(), finding, count, keys: Vec::new(), what, advice }
    }

    pub(super) fn of_keys(table: &TableName, finding: &'static str, found: &Found<i64>, what: &str) -> Self {
        let keys: Vec<String> = found.examples.iter().map(i64::to_string).collect();
        let more = if found.count > found.examples.len() as u64 { ", ..." } else { "" };
        let what = format!("{} {what}: {}{more}", found.count, keys.join(", "));
        Self { keys: found.examples.clone(), ..Self::new(table, finding, found.count, what) }
    }
}
