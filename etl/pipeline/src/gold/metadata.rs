//! The metadata of models: what is said of each, in a file of its own or in a user's `models.toml`, and what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use connectwise_extract::closest::{advice, suggested};
use connectwise_extract::contract::{DECIMAL, instant};
use connectwise_lakehouse::TableName;
use serde::Deserialize;

use super::model::{AddsUp, BATCH_ID, DAYS, FactRows, Model, ModelKind, PROCESSED_AT, SOURCE, Tests, is_technical};
use crate::error::{Error, Result};
use crate::sql;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MetadataFile {
    #[serde(default)]
    model: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    kind: ModelKind,
    #[serde(default)]
    key: String,
    #[serde(default)]
    natural: String,
    #[serde(default)]
    daily: bool,
    #[serde(default)]
    source: String,
    #[serde(default)]
    inputs: Vec<String>,
    #[serde(default)]
    columns: String,
    #[serde(default)]
    accepted: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    expected: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    balance: String,
    #[serde(default)]
    balance_where: String,
    #[serde(default)]
    balance_unless: BTreeMap<String, String>,
    #[serde(default)]
    adds_up: Vec<AddsUp>,
    #[serde(default)]
    faults: String,
    #[serde(default)]
    rows: BTreeMap<String, FactRows>,
    #[serde(default)]
    together: String,
    #[serde(default)]
    fresh: BTreeMap<String, i64>,
    #[serde(default)]
    describe: BTreeMap<String, String>,
}

/// The model of a file of its own, which says of it what an entry of `models.toml` does, but for the name.
pub(super) fn of_file(name: &str, metadata: &str, sql: &str) -> Result<Model> {
    let entry = toml::from_str(&format!("name = {name:?}\n{metadata}"));
    let entry = entry.map_err(|error| Error::metadata(&[format!("{name}.toml: {}", error.message())]))?;
    model(entry, sql.to_owned()).map_err(|error| Error::metadata(&[error.to_string()]))
}

/// The models that metadata declares, in its order.
pub(super) fn declared(metadata: &str, sql: impl Fn(&str) -> Option<String>) -> Result<Vec<Model>> {
    let file: MetadataFile = toml::from_str(metadata).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = 1 + metadata.bytes().take(start).filter(|byte| *byte == b'\n').count();
        Error::metadata_line(line, &suggested(error.message()))
    })?;
    let mut models = Vec::new();
    let mut wrong = Vec::new();
    for entry in file.model {
        // A model without a file of SQL is one of the problems that are told of all models.
        let sql = sql(&entry.name).unwrap_or_default();
        match model(entry, sql) {
            Ok(model) => models.push(model),
            Err(error) => wrong.push(error.to_string()),
        }
    }
    if wrong.is_empty() { Ok(models) } else { Err(Error::metadata(&wrong)) }
}

fn model(entry: Entry, sql: String) -> Result<Model> {
    let mut fields: Vec<Field> = Vec::new();
    for column in entry.columns.split_whitespace() {
        let field = field(&entry.name, column)?;
        if fields.iter().any(|other| other.name().eq_ignore_ascii_case(field.name())) {
            return Err(Error::repeated_column(&entry.name, field.name()));
        }
        fields.push(field);
    }
    if !fields.is_empty() {
        fields.push(Field::new(PROCESSED_AT, instant(), false));
        fields.push(Field::new(SOURCE, DataType::Utf8, false));
        fields.push(Field::new(BATCH_ID, DataType::Utf8, false));
    }
    let mut tables = match entry.kind {
        ModelKind::Calendar => BTreeSet::from([DAYS.to_owned()]),
        _ => sql::tables(&sql),
    };
    // The tables of the expected sums have to be built first.
    tables.extend(entry.adds_up.iter().flat_map(|adds_up| sql::tables(&adds_up.expected)));
    Ok(Model {
        name: entry.name,
        kind: entry.kind,
        key: entry.key,
        natural: entry.natural,
        daily: entry.daily,
        source: entry.source,
        inputs: entry.inputs,
        sql,
        tables,
        schema: Arc::new(Schema::new(fields)),
        tests: Tests {
            accepted: entry.accepted,
            expected: entry.expected,
            balance: entry.balance,
            balance_where: entry.balance_where,
            balance_unless: entry.balance_unless,
            adds_up: entry.adds_up,
            faults: entry.faults,
            fresh: entry.fresh,
        },
        rows: entry.rows,
        together: entry.together,
        described: entry.describe,
        own: false,
        zoned: false,
    })
}

/// The types that a contract can have, as metadata spells them.
const TYPES: [&str; 7] = ["int", "bigint", "string", "boolean", "date", "timestamp", "money"];

fn data_type(spelled: &str) -> Option<DataType> {
    Some(match spelled {
        "int" => DataType::Int32,
        "bigint" => DataType::Int64,
        "string" => DataType::Utf8,
        "boolean" => DataType::Boolean,
        "date" => DataType::Date32,
        "timestamp" => instant(),
        "money" => DataType::Decimal128(DECIMAL.0, DECIMAL.1),
        _ => return None,
    })
}

/// A type as metadata spells it.
pub(super) fn spelled(wanted: &DataType) -> &'static str {
    TYPES.into_iter().find(|name| data_type(name).as_ref() == Some(wanted)).unwrap_or("another type")
}

fn field(model: &str, text: &str) -> Result<Field> {
    let wrong = |why: &str| Error::declared_column(model, text, why);
    let (name, kind) = text.split_once(':').ok_or_else(|| wrong("which is not name:type"))?;
    let (kind, nullable) = kind.strip_suffix('!').map_or((kind, true), |kind| (kind, false));
    if !TableName::is_name(name) || is_technical(name) {
        return Err(wrong(
            "whose name can't be that of a column: it has letters, digits and underscores, and none is _etl_...",
        ));
    }
    let types = format!("the types are {}, with \"!\" behind one that is never NULL", TYPES.join(", "));
    let kind =
        data_type(kind).ok_or_else(|| wrong(&format!("whose type isn't known: {}", advice(kind, TYPES, &types))))?;
    Ok(Field::new(name, kind, nullable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_metadata_says_what_is_right() {
        let said = |text: &str| declared(text, |_| None).unwrap_err().to_string();
        let fact = |columns: &str| format!("[[model]]\nname = \"mine\"\nkind = \"fact\"\ncolumns = \"{columns}\"\n");
        let types = "the types are int, bigint, string, boolean, date, timestamp, money, with \"!\" behind one that is never NULL";
        assert_eq!(
            said(&fact("a:decimal(19,4)")),
            format!("mine declares a column \"a:decimal(19,4)\", whose type isn't known: {types}")
        );
        assert_eq!(
            said(&fact("a:integer!")),
            format!("mine declares a column \"a:integer!\", whose type isn't known: did you mean int? {types}")
        );
        assert_eq!(said(&fact("a:int b")), "mine declares a column \"b\", which is not name:type");
        assert_eq!(said(&fact("a:int A:string")), "mine declares the column A twice");
        for name in ["a`b", "_etl_source", "2a", ""] {
            assert!(said(&fact(&format!("{name}:int"))).contains("whose name can't be that of a column"), "{name}");
        }
        let two = format!("{}{}", fact("a:number"), fact("b:text"));
        assert!(said(&two).contains("\"a:number\"") && said(&two).contains("\"b:text\""), "{}", said(&two));
        let key = said("[[model]]\nname = \"mine\"\nkind = \"view\"\ncolums = \"a:int\"\n");
        assert!(
            key.starts_with("line 4: unknown field `colums`: did you mean columns? expected one of `name`, "),
            "{key}"
        );
    }
}
