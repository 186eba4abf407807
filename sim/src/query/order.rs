//! Reads the `orderBy` parameter and compares rows by it.

use std::cmp::Ordering;

use super::Refusal;
use super::names::{Column, Names, column};
use super::probe::{Probe, Value};
use crate::document::Type;

/// `orderBy=a asc, b/c desc`.
#[derive(Debug)]
pub(crate) struct Order {
    keys: Vec<(Column, bool)>,
}

impl Order {
    /// Whether this is plain ascending or descending order of ids, which needs no sorting.
    pub(crate) fn by_id(&self) -> Option<bool> {
        match self.keys.as_slice() {
            [(Column::Id, descending), ..] => Some(*descending),
            _ => None,
        }
    }

    pub(crate) fn probe(&self) -> Probe {
        Probe::new(self.keys.iter().map(|(column, _)| column.clone()).collect())
    }

    /// The key of the row that the probe has visited.
    pub(crate) fn key(&self, probe: &Probe) -> Vec<Option<Value>> {
        (0..self.keys.len()).map(|at| probe.value(at).cloned()).collect()
    }

    /// Compares two keys; absent values come first, as in the server's database.
    pub(crate) fn compare(&self, a: &[Option<Value>], b: &[Option<Value>]) -> Ordering {
        for ((a, b), (_, descending)) in a.iter().zip(b).zip(&self.keys) {
            let order = values(a.as_ref(), b.as_ref());
            if order.is_ne() {
                return if *descending { order.reverse() } else { order };
            }
        }
        Ordering::Equal
    }
}

fn values(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => a.total_cmp(b),
        (Some(Value::Flag(a)), Some(Value::Flag(b))) => a.cmp(b),
        (Some(Value::Time(a)), Some(Value::Time(b))) => a.cmp(b),
        (Some(Value::Text(a)), Some(Value::Text(b))) => a.to_lowercase().cmp(&b.to_lowercase()),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

pub(crate) fn ordering(names: Names, text: &str) -> Result<Option<Order>, Refusal> {
    let mut keys = Vec::new();
    for part in text.split(',').filter(|part| !part.trim().is_empty()) {
        let mut words = part.split_whitespace();
        let path = words.next().unwrap_or_default();
        let descending = match words.next() {
            None => false,
            Some(word) if word.eq_ignore_ascii_case("asc") => false,
            Some(word) if word.eq_ignore_ascii_case("desc") => true,
            Some(word) => return Err(Refusal::condition(format!("Expected asc or desc, found '{word}'."))),
        };
        if let Some(word) = words.next() {
            return Err(Refusal::condition(format!("Expected ',', found '{word}'.")));
        }
        match names.property(path) {
            Some(property) if !matches!(property.of, Type::Object | Type::Array) => {
                keys.push((column(&property), descending))
            }
            _ => return Err(Refusal::unknown(path)),
        }
    }
    if keys.len() > 16 {
        return Err(Refusal::condition("orderBy names too many properties."));
    }
    Ok((!keys.is_empty()).then_some(Order { keys }))
}
