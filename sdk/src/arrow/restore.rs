//! From a row back to its record, as JSON: columns first, and then what was kept beside them.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use super::cell::Cell;
use super::instant;
use super::place::{Misfit, Place};
use super::schema;
use crate::catalog::{Column, Kind};

/// The record in a row. Null and absent are one thing to a column: what is null is left out.
///
/// # Errors
/// When a column holds what no record has, or what is rescued has no place in it.
pub(super) fn record(row: Cell, columns: &[Column]) -> Result<Value, Misfit> {
    let Cell::Map(mut entries) = row else { return Err(Misfit::at(&Place::Record, "a row")) };
    let rescued = entries.iter().position(|(name, _)| name == super::RESCUED).map(|at| entries.swap_remove(at).1);
    let mut record = Value::Object(object(entries, columns, &Place::Record)?);
    let place = Place::Property(&Place::Record, super::RESCUED);
    let wrong = || Misfit::at(&place, "a JSON object of JSON pointers");
    match rescued {
        None | Some(Cell::Null) => {}
        Some(Cell::Text(text)) => {
            let rescued: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&text).map_err(|_| wrong())?;
            for (pointer, value) in rescued {
                let value = exact(&value, DEEPEST).ok_or_else(wrong)?;
                put(&mut record, &pointer, value).ok_or_else(wrong)?;
            }
        }
        Some(_) => return Err(wrong()),
    }
    Ok(record)
}

fn object(entries: Vec<(String, Cell)>, columns: &[Column], above: &Place<'_>) -> Result<Map<String, Value>, Misfit> {
    let mut object = Map::new();
    let mut next = 0;
    for (name, value) in entries {
        // What isn't a property was selected out of the batch, but for objects that have more than is known of them.
        let Some((at, column)) = schema::column(columns, &name, next) else { continue };
        next = at + 1;
        let value = restore(value, &column.kind, &Place::Property(above, &name))?;
        if !value.is_null() {
            object.insert(name, value);
        }
    }
    Ok(object)
}

fn restore(value: Cell, kind: &Kind, place: &Place<'_>) -> Result<Value, Misfit> {
    Ok(match (kind, value) {
        (_, Cell::Null) => Value::Null,
        (Kind::Json, Cell::Text(text)) => json(&text).ok_or_else(|| Misfit::at(place, "JSON text"))?,
        (Kind::Timestamp, Cell::Integer(micros)) => {
            instant::format(micros).ok_or_else(|| Misfit::at(place, "a date-time of the calendar"))?.into()
        }
        (Kind::Struct(columns), Cell::Map(entries)) => Value::Object(object(entries, columns, place)?),
        (Kind::List(element), Cell::List(items)) => {
            let item = |(at, item)| restore(item, element, &Place::Element(place, at));
            Value::Array(items.into_iter().enumerate().map(item).collect::<Result<_, _>>()?)
        }
        (Kind::StringMap, Cell::Map(entries)) => {
            let entry = |(name, value): (String, Cell)| {
                let value = restore(value, &Kind::Utf8, &Place::Property(place, &name))?;
                Ok::<_, Misfit>((name, value))
            };
            Value::Object(entries.into_iter().map(entry).collect::<Result<_, _>>()?)
        }
        (_, Cell::Boolean(value)) => value.into(),
        (_, Cell::Integer(value)) => value.into(),
        (_, Cell::Float(value)) => {
            Value::Number(Number::from_f64(value).ok_or_else(|| Misfit::at(place, "a finite number"))?)
        }
        (_, Cell::Text(text)) => text.into(),
        _ => return Err(Misfit::at(place, "what its column holds")),
    })
}

/// Puts a value at a JSON pointer whose parents exist.
fn put(record: &mut Value, pointer: &str, value: Value) -> Option<()> {
    let mut steps: Vec<String> =
        pointer.strip_prefix('/')?.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
    let last = steps.pop()?;
    let above = steps.iter().try_fold(record, |place, step| match place {
        Value::Object(object) => object.get_mut(step),
        Value::Array(items) => items.get_mut(step.parse::<usize>().ok()?),
        _ => None,
    })?;
    match above {
        Value::Object(object) => drop(object.insert(last, value)),
        Value::Array(items) => *items.get_mut(last.parse::<usize>().ok()?)? = value,
        _ => return None,
    }
    Some(())
}

fn json(text: &str) -> Option<Value> {
    exact(serde_json::from_str(text).ok()?, DEEPEST)
}

/// How many arrays and objects may lie in each other, as with serde_json: the stack has an end.
const DEEPEST: u32 = 128;

/// JSON text as a value, each number the double that is nearest to it: serde_json may take the one beside it.
fn exact(raw: &RawValue, depth: u32) -> Option<Value> {
    let text = raw.get();
    let below = depth.checked_sub(1)?;
    Some(match text.as_bytes().first()? {
        b'{' => {
            let entries: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
            Value::Object(
                entries.into_iter().map(|(name, raw)| Some((name, exact(raw, below)?))).collect::<Option<_>>()?,
            )
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            Value::Array(items.into_iter().map(|item| exact(item, below)).collect::<Option<_>>()?)
        }
        b'-' | b'0'..=b'9' => match serde_json::from_str(text).ok()? {
            Value::Number(number) if number.is_f64() => Value::Number(Number::from_f64(text.parse().ok()?)?),
            number => number,
        },
        _ => serde_json::from_str(text).ok()?,
    })
}
