//! Records along any columns, for files: there need be no key, and nothing technical is added.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use connectwise_sdk::catalog::{Column, Kind};

use super::column::Object;
use super::leaf::Texts;
use super::number::{self, Double};
use super::scan::{CutOff, Scanner};
use super::walk::walk;
use crate::contract::{RESCUED, data_type};
use crate::error::{Error, Result};

/// Turns records into batches of the columns it was given, and [`RESCUED`] behind them.
pub struct LooseDecoder {
    columns: Object,
    schema: SchemaRef,
    rescued: Texts,
    rows: usize,
}

impl LooseDecoder {
    /// A decoder of these columns.
    pub fn new(columns: &[Column]) -> Self {
        let fields = columns.iter().map(|column| Field::new(column.name, data_type(&column.kind), true));
        let fields: Vec<Field> = fields.chain([Field::new(RESCUED, data_type(&Kind::Utf8), true)]).collect();
        Self { columns: Object::new(columns), schema: Arc::new(Schema::new(fields)), rescued: Texts::new(), rows: 0 }
    }

    /// Schema of the batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Adds a record. One that is no object, or that holds text which is none, is rescued as a whole, under the pointer to all
    /// of it.
    pub fn push(&mut self, record: &str) {
        let rescued = match walk(&mut self.columns, self.rows, record) {
            Ok(Some(rescue)) => rescue.into_text(),
            Ok(None) | Err(_) => {
                self.columns.truncate(self.rows);
                Some(format!("{{\"\":{record}}}"))
            }
        };
        if let Some(rescued) = rescued {
            self.rescued.push(self.rows, &rescued);
        }
        self.rows += 1;
    }

    /// The rows pushed since the last batch.
    ///
    /// # Errors
    /// [`Kind::Contract`](crate::error::Kind::Contract): the texts of a column are more than the 2 GB that Arrow can address.
    pub fn batch(&mut self) -> Result<RecordBatch> {
        let rows = std::mem::take(&mut self.rows);
        let built = self.columns.finish_columns(rows, self.schema.fields()).and_then(|mut arrays| {
            arrays.push(self.rescued.finish(rows)?);
            RecordBatch::try_new(self.schema.clone(), arrays)
        });
        built.map_err(|error| Error::unbuilt_rows().with_source(error))
    }
}

/// The properties of a record with their values as they are written, the last of equal names behind the others; `None` if it is
/// no object, or can't be read.
pub fn properties(record: &str) -> Option<Vec<(Cow<'_, str>, &str)>> {
    let mut scanner = Scanner::new(record);
    if scanner.peek().ok()? != b'{' {
        return None;
    }
    scanner.open();
    let mut found = Vec::new();
    let mut next = || -> std::result::Result<bool, CutOff> {
        if !scanner.next(b'}')? {
            return Ok(false);
        }
        let name = scanner.name()?;
        found.push((name, scanner.value()?));
        Ok(true)
    };
    while next().ok()? {}
    found.into_iter().map(|(name, value)| Some((name.text().ok()?, value))).collect()
}

/// What the values of one property were so far: the type of a column that holds them all, and each as it was written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shape {
    boolean: bool,
    integer: bool,
    double: bool,
    text: bool,
    /// A number that no double is.
    inexact: bool,
    /// What only JSON text holds: objects, arrays, and numbers that are too large.
    other: bool,
}

impl Shape {
    /// Takes one more value into account.
    pub fn see(&mut self, value: &str) {
        match value.as_bytes().first() {
            Some(b'n') | None => {}
            Some(b't' | b'f') => self.boolean = true,
            Some(b'"') if serde_json::from_str::<Cow<'_, str>>(value).is_ok() => self.text = true,
            Some(b'-' | b'0'..=b'9') => {
                let double = number::double(value);
                self.inexact |= matches!(double, Double::Near(_));
                match value.parse::<i64>() {
                    Ok(_) => self.integer = true,
                    Err(_) if double == Double::None => self.other = true,
                    Err(_) => self.double = true,
                }
            }
            Some(_) => self.other = true,
        }
    }

    /// Different kinds of values are JSON text: what is a text there stands in quotes, and what is a number doesn't.
    pub fn kind(self) -> Kind {
        let number = self.integer || self.double;
        match (self.boolean, number, self.text, self.other) {
            (true, false, false, false) => Kind::Boolean,
            (false, true, false, false) if !self.double => Kind::Int64,
            (false, true, false, false) if !self.inexact => Kind::Double,
            // Nothing but null has no type, and text is the one that most readers take.
            (false, false, _, false) => Kind::Utf8,
            _ => Kind::Json,
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{Float64Type, Int64Type};
    use connectwise_sdk::catalog::Meaning;

    use super::*;

    fn kind(values: &[&str]) -> Kind {
        let mut shape = Shape::default();
        values.iter().for_each(|value| shape.see(value));
        shape.kind()
    }

    #[test]
    fn a_type_holds_every_value_as_it_is() {
        assert_eq!(kind(&["1", "null", "-9007199254740993"]), Kind::Int64, "beyond 2^53, and exact");
        assert_eq!(kind(&["1", "2.50"]), Kind::Double);
        assert_eq!(kind(&["0.1", "1e300"]), Kind::Double);
        assert_eq!(kind(&["9007199254740993", "0.5"]), Kind::Json, "no double is that integer");
        assert_eq!(kind(&["12345678901234.123456789"]), Kind::Json, "more digits than a double has");
        assert_eq!(kind(&["9223372036854775808"]), Kind::Json, "beyond 64 bits, and no double");
        assert_eq!(kind(&["1e400"]), Kind::Json);
        assert_eq!(kind(&["true", "false"]), Kind::Boolean);
        assert_eq!(kind(&["true", "0"]), Kind::Json);
        assert_eq!(kind(&["\"1\"", "\"x\""]), Kind::Utf8);
        assert_eq!(kind(&["\"1\"", "1"]), Kind::Json);
        assert_eq!(kind(&["{}", "null"]), Kind::Json);
        assert_eq!(kind(&["null"]), Kind::Utf8);
        assert_eq!(kind(&["\"\\ud800\""]), Kind::Json, "half a surrogate is no text");
    }

    #[test]
    fn nothing_of_a_record_is_lost() {
        let column = |name, kind| Column { name, kind, meaning: Meaning::Plain };
        let mut decoder = LooseDecoder::new(&[column("id", Kind::Int64), column("rate", Kind::Double)]);
        for record in ["{\"id\":1,\"rate\":0.1,\"new\":[1]}", "{\"rate\":\"x\"}", "[7]", "{\"id\":2}"] {
            decoder.push(record);
        }
        let batch = decoder.batch().unwrap();
        let ids: Vec<_> = batch.column(0).as_primitive::<Int64Type>().iter().collect();
        assert_eq!(ids, [Some(1), None, None, Some(2)]);
        assert_eq!(batch.column(1).as_primitive::<Float64Type>().value(0), 0.1);
        let rescued: Vec<_> = batch.column(2).as_string::<i32>().iter().collect();
        assert_eq!(rescued, [Some("{\"/new\":[1]}"), Some("{\"/rate\":\"x\"}"), Some("{\"\":[7]}"), None]);
        assert_eq!(decoder.batch().unwrap().num_rows(), 0);
        assert!(batch.column(1).is_null(1));
    }

    #[test]
    fn properties_are_as_they_are_written() {
        let found = properties(" { \"a\" : 12.50 , \"b\\u0041\":{\"x\":[1 , 2]},\"a\":\"\\n\" } ").unwrap();
        let found: Vec<(&str, &str)> = found.iter().map(|(name, value)| (name.as_ref(), *value)).collect();
        assert_eq!(found, [("a", "12.50"), ("bA", "{\"x\":[1 , 2]}"), ("a", "\"\\n\"")]);
        assert!(properties("[1]").is_none() && properties("{\"a\"").is_none());
        assert!(properties("{}").unwrap().is_empty());
    }
}
