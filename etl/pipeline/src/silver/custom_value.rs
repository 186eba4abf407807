//! The values of custom fields, read as what their type says.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Decimal128Array, RecordBatch, StringArray};
use connectwise_extract::contract::DECIMAL;
use connectwise_extract::privacy::Treatment;
use serde_json::Value;

use super::custom::{CustomColumn, CustomKind, Items};
use super::guard::ValueGuard;
use super::value;
use crate::error::{Error, Result};

/// One array for each column, and how many of its values could not be read. Those of a dropped column aren't looked at.
pub(super) fn arrays(bronze: &RecordBatch, columns: &[CustomColumn]) -> Result<Vec<(ArrayRef, u64)>> {
    let rows = bronze.num_rows();
    let mut all: Vec<Cells> = columns.iter().map(|column| Cells::new(column.kind, rows)).collect();
    let read = columns.iter().enumerate().filter(|(_, column)| column.treatment != Treatment::Drop);
    let places: HashMap<(i64, CustomKind), usize> = read.map(|(at, column)| ((column.id, column.kind), at)).collect();
    if let Some(items) = Items::of(bronze)? {
        items.each(|row, id, kind, item| {
            let cells = places.get(&(id, kind)).and_then(|at| all.get_mut(*at));
            if let (Some(cells), Some(text)) = (cells, items.value(item)) {
                // Rows of another program may hold a plain text in the place of one in JSON.
                cells.put(row, serde_json::from_str(text).unwrap_or_else(|_| text.into()));
            }
        });
    }
    all.into_iter().map(Cells::finish).collect()
}

/// The values of one column. Where a record has a field twice, the first value counts.
struct Cells {
    values: Values,
    bad: u64,
}

enum Values {
    Texts(Vec<Option<String>>),
    Numbers(Vec<Option<i128>>),
    Days(Vec<Option<i32>>),
    Flags(Vec<Option<bool>>),
}

impl Cells {
    fn new(kind: CustomKind, rows: usize) -> Self {
        let values = match kind {
            CustomKind::Text => Values::Texts(vec![None; rows]),
            CustomKind::Number => Values::Numbers(vec![None; rows]),
            CustomKind::Date => Values::Days(vec![None; rows]),
            CustomKind::Boolean => Values::Flags(vec![None; rows]),
        };
        Self { values, bad: 0 }
    }

    fn put(&mut self, row: usize, json: Value) {
        let blank = json.is_null() || json.as_str().is_some_and(|text| text.trim().is_empty());
        if blank {
            return;
        }
        let read = match &mut self.values {
            Values::Texts(texts) => fill(texts, row, || Some(text(&json))),
            Values::Numbers(numbers) => fill(numbers, row, || value::decimal_of_text(&text(&json))),
            Values::Days(days) => fill(days, row, || json.as_str().and_then(value::day_of_text)),
            Values::Flags(flags) => fill(flags, row, || value::flag_of_text(&text(&json))),
        };
        self.bad += u64::from(!read);
    }

    fn finish(self) -> Result<(ArrayRef, u64)> {
        let array: ArrayRef = match self.values {
            Values::Texts(texts) => Arc::new(StringArray::from(texts)),
            Values::Numbers(numbers) => {
                let numbers = Decimal128Array::from(numbers).with_precision_and_scale(DECIMAL.0, DECIMAL.1);
                Arc::new(numbers.map_err(|error| Error::unbuilt_custom_field().with_source(error))?)
            }
            Values::Days(days) => Arc::new(Date32Array::from(days)),
            Values::Flags(flags) => Arc::new(BooleanArray::from(flags)),
        };
        Ok((array, self.bad))
    }
}

/// Fills an empty cell; false when the value can't be read.
fn fill<T>(cells: &mut [Option<T>], row: usize, read: impl FnOnce() -> Option<T>) -> bool {
    match cells.get_mut(row) {
        Some(cell @ None) => {
            *cell = read();
            cell.is_some()
        }
        _ => true,
    }
}

/// A value as text; one that is more than a text or a number without what is called like a secret.
fn text(json: &Value) -> String {
    match json {
        Value::String(text) => ValueGuard::free_text(text),
        Value::Array(_) | Value::Object(_) => ValueGuard::free_text(&json.to_string()),
        scalar => scalar.to_string(),
    }
}
