//! What the rows of one load show that the interface document doesn't say.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, RecordBatch, StructArray};
use arrow::datatypes::{DataType, Field};
use connectwise_extract::contract::RESCUED;
use connectwise_sdk::catalog::{Column, Entity, Kind};
use connectwise_sdk::lake;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a row deviates from the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DriftKind {
    /// A property that the document doesn't have; its value is in `_rescued`.
    Property,
    /// A value of another type or size than the document says; it is in `_rescued`.
    Type,
    /// A value of an enumeration that the document doesn't list; it is in its column like any other.
    Value,
}

impl DriftKind {
    /// As in the table `etl_drift`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Property => "property",
            Self::Type => "type",
            Self::Value => "value",
        }
    }
}

/// One way in which rows deviate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deviation {
    /// What it is about.
    pub kind: DriftKind,
    /// Path of the property, `*` for every element of an array.
    pub path: String,
    /// The JSON type that was found, or the value of the enumeration.
    pub found: String,
}

/// Different deviations that a load keeps: a server that invents names without end must not fill the memory.
const MOST: usize = 5_000;

/// Characters that are kept of a value.
const LONGEST: usize = 60;

/// Counts deviations and notes which properties have ever had a value, batch by batch.
#[derive(Debug, Default)]
pub struct Tally {
    deviations: BTreeMap<Deviation, u64>,
    seen: BTreeSet<String>,
    rows: u64,
}

impl Tally {
    /// Looks at the rows of a bronze batch.
    pub fn take(&mut self, entity: &Entity, batch: &RecordBatch) {
        self.rows += batch.num_rows() as u64;
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            if entity.columns.iter().any(|known| known.name == field.name()) {
                self.properties(field, column.as_ref(), "");
            }
        }
        for values in lake::VALUES.iter().filter(|values| values.entity == entity.name) {
            self.values(batch, values);
        }
        if let Some(rescued) = batch.column_by_name(RESCUED).and_then(|column| column.as_string_opt::<i32>()) {
            rescued.iter().flatten().for_each(|text| self.rescued(entity, text));
        }
    }

    /// Rows that were looked at.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Every deviation with the number of rows or values that show it.
    pub fn deviations(&self) -> &BTreeMap<Deviation, u64> {
        &self.deviations
    }

    /// Paths of the document's properties that had a value.
    pub fn seen(&self) -> &BTreeSet<String> {
        &self.seen
    }

    /// Rewrites the texts that the server chose.
    pub(super) fn rewrite(&mut self, text: impl Fn(&str) -> String) {
        let raw = std::mem::take(&mut self.deviations);
        for (deviation, count) in raw {
            let rewritten = Deviation { path: text(&deviation.path), found: text(&deviation.found), ..deviation };
            *self.deviations.entry(rewritten).or_default() += count;
        }
    }

    /// Notes a property that has a value, and what is within it.
    fn properties(&mut self, field: &Field, column: &dyn Array, above: &str) {
        if column.null_count() == column.len() {
            return;
        }
        let path = format!("{above}{}", field.name());
        match (field.data_type(), column.as_struct_opt(), column.as_list_opt::<i32>()) {
            (DataType::Struct(_), Some(object), _) => self.object(object, &path),
            (DataType::List(_), _, Some(list)) => {
                if let Some(object) = list.values().as_struct_opt() {
                    self.object(object, &format!("{path}/*"));
                }
            }
            _ => {}
        }
        // Most paths are known after the first batch.
        if !self.seen.contains(&path) {
            self.seen.insert(path);
        }
    }

    fn object(&mut self, object: &StructArray, path: &str) {
        for (field, column) in object.fields().iter().zip(object.columns()) {
            self.properties(field, column.as_ref(), &format!("{path}/"));
        }
    }

    /// Texts of an enumeration that the document doesn't list.
    fn values(&mut self, batch: &RecordBatch, values: &lake::Values) {
        let mut steps = values.path.split('/');
        let Some(column) = steps.next().and_then(|name| batch.column_by_name(name)) else { return };
        let mut column = column.clone();
        for step in steps {
            let inner = match step {
                "*" => column.as_list_opt::<i32>().map(|list| list.values().clone()),
                name => column.as_struct_opt().and_then(|object| object.column_by_name(name).cloned()),
            };
            let Some(inner) = inner else { return };
            column = inner;
        }
        let Some(texts) = column.as_string_opt::<i32>() else { return };
        let mut last = None;
        for text in texts.iter().flatten() {
            // Neighbours are often the same.
            if last == Some(text) || values.known.contains(&text) || text.is_empty() {
                last = (!text.is_empty() && values.known.contains(&text)).then_some(text);
                continue;
            }
            let value = text.chars().take(LONGEST).collect();
            self.count(Deviation { kind: DriftKind::Value, path: values.path.to_owned(), found: value });
        }
    }

    /// Values that had no place in the columns.
    fn rescued(&mut self, entity: &Entity, text: &str) {
        let Ok(Value::Object(rescued)) = serde_json::from_str::<Value>(text) else { return };
        for (pointer, value) in &rescued {
            let path = normal(pointer);
            let kind = if is_known(entity.columns, &path) { DriftKind::Type } else { DriftKind::Property };
            self.count(Deviation { kind, path, found: type_name(value).to_owned() });
        }
    }

    fn count(&mut self, deviation: Deviation) {
        if let Some(count) = self.deviations.get_mut(&deviation) {
            *count += 1;
        } else if self.deviations.len() < MOST {
            self.deviations.insert(deviation, 1);
        }
    }
}

/// A JSON pointer without its places in arrays: `/communicationItems/3/x` becomes `communicationItems/*/x`.
fn normal(pointer: &str) -> String {
    let steps = pointer.strip_prefix('/').unwrap_or(pointer).split('/').map(|step| {
        let is_place = !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
        if is_place { "*".to_owned() } else { step.replace("~1", "/").replace("~0", "~") }
    });
    steps.collect::<Vec<_>>().join("/")
}

/// Whether the document has this property.
fn is_known(columns: &[Column], path: &str) -> bool {
    let (name, rest) = path.split_once('/').map_or((path, None), |(name, rest)| (name, Some(rest)));
    columns
        .iter()
        .find(|column| column.name == name)
        .is_some_and(|column| rest.is_none_or(|rest| leads(&column.kind, rest)))
}

fn leads(kind: &Kind, path: &str) -> bool {
    match (kind, path.split_once('/')) {
        (Kind::Struct(columns), _) => is_known(columns, path),
        (Kind::List(_), None) => path == "*",
        (Kind::List(item), Some(("*", rest))) => leads(item, rest),
        // Keys of a map are free; what comes below any other value isn't.
        (Kind::StringMap | Kind::Json, _) => true,
        _ => false,
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Every property of an entity, with those within objects and arrays.
pub(crate) fn properties(columns: &[Column]) -> Vec<String> {
    fn within(kind: &Kind, path: &str, out: &mut Vec<String>) {
        match kind {
            Kind::Struct(columns) => walk(columns, &format!("{path}/"), out),
            Kind::List(item) => within(item, &format!("{path}/*"), out),
            _ => {}
        }
    }
    fn walk(columns: &[Column], above: &str, out: &mut Vec<String>) {
        for column in columns {
            let path = format!("{above}{}", column.name);
            within(&column.kind, &path, out);
            out.push(path);
        }
    }
    let mut out = Vec::new();
    walk(columns, "", &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_forget_places_in_arrays() {
        assert_eq!(normal("/communicationItems/3/type/id"), "communicationItems/*/type/id");
        assert_eq!(normal("/a~1b/c~0d"), "a/b/c~d");
        assert_eq!(normal("/x"), "x");
    }

    #[test]
    fn a_property_is_known_at_any_depth() {
        let entity = connectwise_extract::catalog::entity("TimeEntry").unwrap();
        for path in ["id", "member/name", "_info/anything", "customFields/*/caption"] {
            assert!(is_known(entity.columns, path), "{path}");
        }
        for path in ["nosuch", "member/nosuch", "member/name/x", "id/x"] {
            assert!(!is_known(entity.columns, path), "{path}");
        }
        let all = properties(entity.columns);
        assert!(
            ["id", "member/name", "customFields/*/caption"].iter().all(|path| all.iter().any(|known| known == path))
        );
    }
}
