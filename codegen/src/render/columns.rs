//! Renders the columns of record types, for `connectwise_sdk::arrow`.

use std::collections::BTreeMap;

use super::catalog::Lists;
use super::files::Files;
use crate::catalog::Column;
use crate::names::type_name;

/// Rust source of a constant with one entry for each record type that has columns: its schema name, and the including test's generic
/// function `check_rows` for that type.
fn types(records: &BTreeMap<String, Vec<Column>>) -> String {
    let line = |name: &String| format!("    ({name:?}, check_rows::<{}> as CheckRows),\n", type_name(name));
    let lines: String = records.keys().map(line).collect();
    format!("const TABLE_TYPES: &[(&str, CheckRows)] = &[\n{lines}];\n")
}

/// The files, one that includes them all, and a list of the types.
pub(crate) fn render(records: &BTreeMap<String, Vec<Column>>) -> BTreeMap<String, String> {
    let mut lists = Lists::default();
    let items = records.iter().map(|(schema, columns)| {
        let list = lists.name(schema, columns);
        let ty = type_name(schema);
        let text = std::mem::take(&mut lists.text);
        format!("{text}\nimpl Tabular for crate::models::{ty} {{\n    const COLUMNS: &'static [Column] = {list};\n}}\n")
    });
    let mut files = Files::new("columns");
    files.add("records", items);
    let mut all = files.finish();
    all.insert("table_types.rs".to_owned(), types(records));
    all
}
