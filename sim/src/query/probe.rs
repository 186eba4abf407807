//! Picks the few values of a row that a query needs, without writing the row.

use super::names::Column;
use crate::calendar;
use crate::data::shape::{Decimal, Shape};

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    Flag(bool),
    Text(String),
    Time(i64),
    /// An object or a list that is there.
    Present,
}

/// The columns wanted, and after a visit their values; a value that the row lacks is `None`.
#[derive(Debug)]
pub(crate) struct Probe {
    columns: Vec<Column>,
    values: Vec<Option<Value>>,
    /// For each open object, the columns that lie within it.
    open: Vec<u64>,
}

/// A probe tells its columns apart by one bit each.
pub(crate) const MOST_COLUMNS: usize = 64;

impl Probe {
    /// At most [`MOST_COLUMNS`] columns; others are never found.
    pub(crate) fn new(columns: Vec<Column>) -> Self {
        let values = vec![None; columns.len()];
        Self { columns, values, open: Vec::new() }
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub(crate) fn value(&self, at: usize) -> Option<&Value> {
        self.values.get(at)?.as_ref()
    }

    pub(crate) fn set(&mut self, at: usize, value: Option<Value>) {
        self.values[at] = value;
    }

    /// Forgets the last row. Answers whether the row has to be walked at all.
    pub(crate) fn begin(&mut self) -> bool {
        let mut all = 0;
        for (at, column) in self.columns.iter().enumerate().take(MOST_COLUMNS) {
            self.values[at] = None;
            all |= u64::from(matches!(column, Column::Path(_))) << at;
        }
        self.open.clear();
        self.open.push(all);
        all != 0
    }

    /// Of the columns within the open object, those whose next name is `key`.
    fn under(&self, key: &str) -> u64 {
        let depth = self.open.len() - 1;
        let mut rest = self.open.last().copied().unwrap_or(0);
        let mut found = 0;
        while rest != 0 {
            let at = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            if let Column::Path(path) = &self.columns[at]
                && path.get(depth) == Some(&key)
            {
                found |= 1 << at;
            }
        }
        found
    }

    fn put(&mut self, key: &str, make: impl FnOnce() -> Value) {
        let mut found = self.under(key);
        if found == 0 {
            return;
        }
        let value = make();
        while found != 0 {
            let at = found.trailing_zeros() as usize;
            found &= found - 1;
            if matches!(&self.columns[at], Column::Path(path) if path.len() == self.open.len()) {
                self.values[at] = Some(value.clone());
            }
        }
    }
}

impl Shape for Probe {
    fn enter(&mut self, key: &'static str) -> bool {
        let found = self.under(key);
        if found != 0 {
            self.put(key, || Value::Present);
            self.open.push(found);
        }
        found != 0
    }

    fn leave(&mut self) {
        self.open.pop();
    }

    fn list(&mut self, key: &'static str) -> bool {
        self.put(key, || Value::Present);
        false
    }

    fn end_list(&mut self) {}

    fn item(&mut self) -> bool {
        false
    }

    fn int(&mut self, key: &'static str, value: i64) {
        self.put(key, || Value::Number(value as f64));
    }

    fn num(&mut self, key: &'static str, Decimal(value): Decimal) {
        // One correctly rounded division gives the same double as reading the written decimal.
        self.put(key, || Value::Number(value as f64 / 10_000.0));
    }

    fn flag(&mut self, key: &'static str, value: bool) {
        self.put(key, || Value::Flag(value));
    }

    fn time(&mut self, key: &'static str, instant: i64) {
        self.put(key, || Value::Time(instant));
    }

    fn text(&mut self, key: &'static str, value: &str) {
        self.put(key, || Value::Text(value.to_owned()));
    }

    fn made(&mut self, key: &'static str, make: impl FnOnce(&mut String)) {
        self.put(key, || {
            let mut text = String::new();
            make(&mut text);
            Value::Text(text)
        });
    }
}

/// The text of a value, where a property that the document calls a string is compared with a string.
pub(crate) fn as_text(value: &Value) -> Option<std::borrow::Cow<'_, str>> {
    match value {
        Value::Text(text) => Some(text.into()),
        Value::Time(instant) => {
            let mut text = String::new();
            calendar::push(&mut text, *instant);
            Some(text.into())
        }
        _ => None,
    }
}
