//! From a record to its row: what a column holds as it is goes there, everything else is kept as JSON text.
//!
//! serde_arrow would take more: an integer for a boolean, a boolean for a number, a number for a text, an integer that a double
//! rounds, a text with more digits of a second than a column has; and it drops properties that no column is there for. So nothing
//! reaches it that isn't exactly what its column holds. Bronze's decoder keeps the same.

use std::collections::BTreeMap;

use super::cell::{Cell, Row};
use super::instant::{self, Instant};
use super::place::{self, Misfit, Place};
use super::schema;
use crate::catalog::{Column, Kind};

/// Integers up to this size are exact in a double.
const EXACT: u64 = 1 << 53;

/// A property can be among the known ones and in `extra` too.
const ONCE: &str = "a property that is there once";

/// Fits a record to columns.
///
/// # Errors
/// When it is no object, or holds a number that JSON can't express.
pub(super) fn row(record: Cell, columns: &'static [Column]) -> Result<Row, Misfit> {
    let mut rescue = Rescue::default();
    let Cell::Map(entries) = record else { return Err(Misfit::at(&Place::Record, "an object")) };
    let values = object(entries, columns, &Place::Record, &mut rescue)?;
    Ok(Row { columns, values, rescued: place::rescued(&rescue.0) })
}

/// What has no place in the columns: JSON pointer -> JSON text.
#[derive(Default)]
struct Rescue(BTreeMap<String, String>);

impl Rescue {
    fn keep(&mut self, place: &Place<'_>, value: &Cell) -> Result<(), Misfit> {
        match self.0.insert(place.pointer(), json(value, place)?) {
            None => Ok(()),
            Some(_) => Err(Misfit::at(place, ONCE)),
        }
    }
}

fn object(
    entries: Vec<(String, Cell)>,
    columns: &'static [Column],
    above: &Place<'_>,
    rescue: &mut Rescue,
) -> Result<Vec<Cell>, Misfit> {
    let mut values: Vec<Option<Cell>> = vec![None; columns.len()];
    let mut next = 0;
    for (name, value) in entries {
        let place = Place::Property(above, &name);
        let Some((at, column)) = schema::column(columns, &name, next) else {
            rescue.keep(&place, &value)?;
            continue;
        };
        next = at + 1;
        let value = fit(value, &column.kind, &place, rescue)?;
        match values.get_mut(at) {
            Some(slot @ None) => *slot = Some(value),
            _ => return Err(Misfit::at(&place, ONCE)),
        }
    }
    Ok(values.into_iter().map(|value| value.unwrap_or(Cell::Null)).collect())
}

fn fit(value: Cell, kind: &'static Kind, place: &Place<'_>, rescue: &mut Rescue) -> Result<Cell, Misfit> {
    Ok(match (kind, value) {
        (_, Cell::Null) => Cell::Null,
        (Kind::Json, value) => Cell::Text(json(&value, place)?),
        (Kind::Int32, Cell::Integer(value)) if i32::try_from(value).is_ok() => Cell::Integer(value),
        (Kind::Int64, Cell::Integer(value)) => Cell::Integer(value),
        (Kind::Boolean, Cell::Boolean(value)) => Cell::Boolean(value),
        (Kind::Double, Cell::Float(value)) if value.is_finite() => Cell::Float(value),
        (Kind::Double, Cell::Integer(value)) if value.unsigned_abs() <= EXACT => Cell::Float(value as f64),
        (Kind::Utf8, Cell::Text(text)) => Cell::Text(text),
        (Kind::Timestamp, Cell::Text(text)) => match instant::parse(&text) {
            Instant::Canonical(micros) => Cell::Integer(micros),
            // The column says when it was, the text how it was written.
            Instant::Other(micros) => {
                rescue.keep(place, &Cell::Text(text))?;
                Cell::Integer(micros)
            }
            Instant::None => {
                rescue.keep(place, &Cell::Text(text))?;
                Cell::Null
            }
        },
        (Kind::StringMap, Cell::Map(entries)) => {
            let mut texts = Vec::with_capacity(entries.len());
            for (name, value) in entries {
                match value {
                    Cell::Text(_) | Cell::Null => texts.push((name, value)),
                    other => rescue.keep(&Place::Property(place, &name), &other)?,
                }
            }
            Cell::Map(texts)
        }
        (Kind::Struct(columns), Cell::Map(entries)) => Cell::Fitted(columns, object(entries, columns, place, rescue)?),
        (Kind::List(element), Cell::List(items)) => {
            let item = |(at, item)| fit(item, element, &Place::Element(place, at), rescue);
            Cell::List(items.into_iter().enumerate().map(item).collect::<Result<_, _>>()?)
        }
        (_, other) => {
            rescue.keep(place, &other)?;
            Cell::Null
        }
    })
}

/// A value as JSON text.
fn json(value: &Cell, place: &Place<'_>) -> Result<String, Misfit> {
    finite(value, place)?;
    serde_json::to_string(value).map_err(|_| Misfit::at(place, "what JSON can express"))
}

/// JSON has no infinite numbers; serde_json would write null in their place.
fn finite(value: &Cell, place: &Place<'_>) -> Result<(), Misfit> {
    match value {
        Cell::Float(number) if !number.is_finite() => Err(Misfit::at(place, "a finite number")),
        Cell::List(items) => {
            items.iter().enumerate().try_for_each(|(at, item)| finite(item, &Place::Element(place, at)))
        }
        Cell::Map(entries) => entries.iter().try_for_each(|(name, value)| finite(value, &Place::Property(place, name))),
        _ => Ok(()),
    }
}
