//! Renders the table catalogue: one line a column, one item a distinct list of columns.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use heck::ToShoutySnakeCase;

use crate::catalog::{Column, ColumnKind, Freshness, Table};
use crate::lake::Drain;

/// The text that `connectwise_sdk::lake` includes.
pub(crate) fn render(tables: &[Table]) -> String {
    let mut lists = Lists::default();
    let mut entities = String::new();
    for table in tables {
        // Writing to a String cannot fail.
        let _ = write_entity(&mut entities, table, &mut lists);
    }
    format!(
        "use crate::catalog::{{Column, Drain, Entity, Kind, Load, Meaning, Parent, Window}};\n\n\
         /// Every entity of `openapi/lake.toml`, in the order of the file.\n\
         pub static ENTITIES: &[Entity] = &[\n{entities}];\n{}",
        lists.text
    )
}

fn write_entity(out: &mut String, table: &Table, lists: &mut Lists) -> std::fmt::Result {
    let columns = lists.name(&table.schema, &table.columns);
    writeln!(out, "    Entity {{")?;
    writeln!(out, "        name: {:?},", table.name)?;
    writeln!(out, "        table: {:?},", table.table)?;
    writeln!(out, "        path: {:?},", table.path)?;
    writeln!(out, "        count_path: {:?},", table.count_path)?;
    writeln!(out, "        bundle: {:?},", table.bundle)?;
    writeln!(out, "        key: {:?},", table.key)?;
    match &table.drains {
        None => writeln!(out, "        drains: None,")?,
        Some(Drain { into, by, shows }) => {
            writeln!(out, "        drains: Some(Drain {{ into: {into:?}, by: {by:?}, shows: {shows:?} }}),")?;
        }
    }
    match &table.freshness {
        Freshness::Snapshot => writeln!(out, "        load: Load::Snapshot,")?,
        Freshness::Children(parent) => {
            writeln!(out, "        load: Load::Children(Parent {{")?;
            writeln!(out, "            entity: {:?},", parent.entity)?;
            writeln!(out, "            property: {:?},", parent.property)?;
            writeln!(out, "            conditions: {:?},", parent.conditions)?;
            writeln!(out, "            bundle: {:?},", parent.bundle)?;
            writeln!(out, "            runs: {},", parent.runs)?;
            writeln!(out, "        }}),")?;
        }
        Freshness::Incremental(watermark, windows) => {
            writeln!(out, "        load: Load::Incremental {{")?;
            writeln!(out, "            watermark: {watermark:?},")?;
            writeln!(out, "            windows: &[")?;
            for (field, days) in windows {
                writeln!(out, "                Window {{ field: {field:?}, days: {days} }},")?;
            }
            writeln!(out, "            ],\n        }},")?;
        }
    }
    let Table { history, on_request, .. } = table;
    writeln!(
        out,
        "        columns: {columns},\n        history: {history},\n        on_request: {on_request},\n    }},"
    )
}

/// Lists of columns by content: most references look the same wherever they stand.
#[derive(Default)]
pub(super) struct Lists {
    names: BTreeMap<String, String>,
    taken: BTreeMap<String, usize>,
    pub(super) text: String,
}

impl Lists {
    /// The name of a list; its text is added if there was none like it.
    pub(super) fn name(&mut self, schema: &str, columns: &[Column]) -> String {
        let mut body = String::new();
        for column in columns {
            let kind = self.kind(&column.kind);
            let meaning = column.meaning.variant();
            let name = &column.name;
            let line = format!("    Column {{ name: {name:?}, kind: {kind}, meaning: Meaning::{meaning} }},\n");
            body.push_str(&line);
        }
        let base = schema.to_shouty_snake_case();
        let content = format!("{base}\n{body}");
        if let Some(name) = self.names.get(&content) {
            return name.clone();
        }
        let count = self.taken.entry(base.clone()).or_insert(0);
        *count += 1;
        let name = if *count == 1 { format!("{base}_COLUMNS") } else { format!("{base}_COLUMNS_{count}") };
        self.text.push_str(&format!("\nconst {name}: &[Column] = &[\n{body}];\n"));
        self.names.insert(content, name.clone());
        name
    }

    fn kind(&mut self, kind: &ColumnKind) -> String {
        match kind {
            ColumnKind::Int32 => "Kind::Int32".to_owned(),
            ColumnKind::Int64 => "Kind::Int64".to_owned(),
            ColumnKind::Boolean => "Kind::Boolean".to_owned(),
            ColumnKind::Double => "Kind::Double".to_owned(),
            ColumnKind::Timestamp => "Kind::Timestamp".to_owned(),
            ColumnKind::Utf8 => "Kind::Utf8".to_owned(),
            ColumnKind::Json => "Kind::Json".to_owned(),
            ColumnKind::StringMap => "Kind::StringMap".to_owned(),
            ColumnKind::Struct(schema, columns) => format!("Kind::Struct({})", self.name(schema, columns)),
            ColumnKind::List(item) => format!("Kind::List(&{})", self.kind(item)),
        }
    }
}
