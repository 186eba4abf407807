//! One walk over a record: what fits its column is written there, the rest is rescued.

use std::borrow::Cow;

use connectwise_sdk::arrow::instant::{self, Instant};
use connectwise_sdk::arrow::place::Place;

use super::column::{Column, List, Object, StringMap};
use super::number::{self, Double};
use super::rescue::Rescue;
use super::scan::{CutOff, Quoted, Scanner};

/// Why a record can't be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Undecodable {
    #[error(transparent)]
    CutOff(#[from] CutOff),
    #[error(transparent)]
    Text(#[from] serde_json::Error),
}

type Walked<T> = Result<T, Undecodable>;

/// Reads a record along its columns, into their row `row`, and gives what has no place there; `None` if it is no object.
/// Values are taken as the text that they are, so that no digit is lost on the way.
///
/// After an error or `None`, the columns may hold a part of the row.
pub(super) fn walk<'de>(columns: &mut Object, row: usize, text: &'de str) -> Walked<Option<Rescue<'de>>> {
    let mut walk = Walk { scanner: Scanner::new(text), rescue: Rescue::default() };
    if walk.scanner.peek()? != b'{' {
        walk.scanner.value()?;
        return Ok(None);
    }
    walk.object(columns, row, &Place::Record)?;
    Ok(Some(walk.rescue))
}

struct Walk<'de> {
    scanner: Scanner<'de>,
    rescue: Rescue<'de>,
}

impl<'de> Walk<'de> {
    /// Writes the value that begins here into `row`, which has none yet. It stays without one if that is null or is rescued.
    fn value(&mut self, column: &mut Column, row: usize, path: &Place<'_>) -> Walked<()> {
        let first = self.scanner.peek()?;
        match (column, first) {
            (Column::Object(object), b'{') => self.object(object, row, path)?,
            (Column::StringMap(map), b'{') => self.string_map(map, row, path)?,
            (Column::List(list), b'[') => self.list(list, row, path)?,
            (Column::Text(texts), b'"') => texts.push(row, &self.scanner.string()?.text()?),
            (Column::Timestamp(values), b'"') => {
                let text = self.scanner.string()?;
                if let Some(micros) = self.instant(text, path)? {
                    values.push(row, micros);
                }
            }
            (column, _) => {
                let raw = self.scanner.value()?;
                if raw != "null" && !self.scalar(column, row, raw, path) {
                    self.rescue.keep(path, raw);
                }
            }
        }
        Ok(())
    }

    fn instant(&mut self, text: Quoted<'de>, path: &Place<'_>) -> Walked<Option<i64>> {
        Ok(match instant::parse(&text.text()?) {
            Instant::Canonical(micros) => Some(micros),
            Instant::Other(micros) => {
                self.rescue.keep(path, text.raw);
                Some(micros)
            }
            Instant::None => {
                self.rescue.keep(path, text.raw);
                None
            }
        })
    }

    /// Whether a value fits a column, which then has it.
    fn scalar(&mut self, column: &mut Column, row: usize, raw: &'de str, path: &Place<'_>) -> bool {
        let is_number = raw.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        match column {
            Column::Json(texts) => texts.push(row, raw),
            Column::Boolean(values) if raw == "true" => values.push(row, true),
            Column::Boolean(values) if raw == "false" => values.push(row, false),
            Column::Int32(values) if is_number => {
                let Some(value) = number::integer(raw).and_then(|value| i32::try_from(value).ok()) else {
                    return false;
                };
                values.push(row, value);
            }
            Column::Int64(values) if is_number => {
                let Some(value) = number::integer(raw) else { return false };
                values.push(row, value);
            }
            Column::Double(values) if is_number => match number::double(raw) {
                Double::Exact(value) => values.push(row, value),
                Double::Near(value) => {
                    self.rescue.keep(path, raw);
                    values.push(row, value);
                }
                Double::None => return false,
            },
            _ => return false,
        }
        true
    }

    fn object(&mut self, object: &mut Object, row: usize, path: &Place<'_>) -> Walked<()> {
        object.presence.push(row);
        // The property before, and one behind the furthest: nothing there came before.
        let mut before = None;
        let mut furthest = 0;
        self.scanner.open();
        while self.scanner.next(b'}')? {
            let expected = object.expected(before);
            let (at, name) = match object.properties.get(expected) {
                Some(next) if self.scanner.skip(&next.written) => (Some(expected), Cow::Borrowed(next.name)),
                _ => {
                    let name = self.scanner.name()?.text()?;
                    (object.position(&name, before), name)
                }
            };
            let path = Place::Property(path, &name);
            let Some((at, property)) = at.and_then(|at| Some((at, object.properties.get_mut(at)?))) else {
                let raw = self.scanner.value()?;
                self.rescue.keep(&path, raw);
                continue;
            };
            // Of equal names the last counts, as everywhere in JSON. A value that was rescued may have left nothing here.
            if at < furthest {
                if property.column.len() > row {
                    property.column.truncate(row);
                }
                if !self.rescue.is_empty() {
                    self.rescue.forget(&path);
                }
            }
            self.value(&mut property.column, row, &path)?;
            before = Some(at);
            furthest = furthest.max(at + 1);
        }
        Ok(())
    }

    fn string_map(&mut self, map: &mut StringMap, row: usize, path: &Place<'_>) -> Walked<()> {
        self.scanner.open();
        while self.scanner.next(b'}')? {
            let name = self.scanner.name()?.text()?;
            let path = Place::Property(path, &name);
            map.forget(&name);
            // A value that was rescued left no entry, so a second one is only known by what is rescued.
            if !self.rescue.is_empty() {
                self.rescue.forget(&path);
            }
            if self.scanner.peek()? == b'"' {
                map.push(&name, &self.scanner.string()?.text()?);
                continue;
            }
            let raw = self.scanner.value()?;
            if raw != "null" {
                self.rescue.keep(&path, raw);
            }
        }
        map.ends.push(row, map.names.len());
        Ok(())
    }

    fn list(&mut self, list: &mut List, row: usize, path: &Place<'_>) -> Walked<()> {
        let first = list.ends.last();
        let mut count = 0;
        self.scanner.open();
        while self.scanner.next(b']')? {
            // A null in a list is an element, unlike a null property.
            self.value(&mut list.element, first + count, &Place::Element(path, count))?;
            count += 1;
        }
        list.ends.push(row, first + count);
        Ok(())
    }
}
