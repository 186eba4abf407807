//! One walk over a record: what fits its column becomes a cell, the rest is rescued.

use std::borrow::Cow;

use super::cell::Cell;
use super::number::{self, Double};
use super::rescue::{Path, Rescue};
use super::scan::{CutOff, Quoted, Scanner};
use super::shape::{Object, Shape};
use super::time::{self, Instant};

/// Why a record can't be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error(transparent)]
    CutOff(#[from] CutOff),
    #[error(transparent)]
    Text(#[from] serde_json::Error),
}

type Result<T> = std::result::Result<T, Unreadable>;

/// Reads a record along its shape. Values are taken as the text that they are, so that no digit is lost on the way.
pub(super) fn walk<'de, 's>(shape: &'s Shape, text: &'de str) -> Result<(Cell<'de, 's>, Rescue<'de>)> {
    let mut walk = Walk { scanner: Scanner::new(text), rescue: Rescue::default() };
    let cell = walk.value(shape, &Path::Root)?;
    Ok((cell, walk.rescue))
}

struct Walk<'de> {
    scanner: Scanner<'de>,
    rescue: Rescue<'de>,
}

impl<'de> Walk<'de> {
    fn value<'s>(&mut self, shape: &'s Shape, path: &Path<'_>) -> Result<Cell<'de, 's>> {
        let first = self.scanner.peek()?;
        Ok(match (shape, first) {
            (Shape::Object(object), b'{') => self.object(object, path)?,
            (Shape::StringMap, b'{') => self.string_map(path)?,
            (Shape::List(element), b'[') => self.list(element, path)?,
            (Shape::Text, b'"') => Cell::Text(self.scanner.string()?.text()?),
            (Shape::Timestamp, b'"') => {
                let text = self.scanner.string()?;
                self.instant(text, path)?
            }
            _ => {
                let raw = self.scanner.value()?;
                if raw == "null" { Cell::Null } else { self.scalar(shape, raw, path) }
            }
        })
    }

    fn misfit<'s>(&mut self, raw: &'de str, path: &Path<'_>) -> Cell<'de, 's> {
        self.rescue.keep(path, raw);
        Cell::Null
    }

    fn instant<'s>(&mut self, text: Quoted<'de>, path: &Path<'_>) -> Result<Cell<'de, 's>> {
        Ok(match time::parse(&text.text()?) {
            Instant::Canonical(micros) => Cell::Micros(micros),
            Instant::Other(micros) => {
                self.rescue.keep(path, text.raw);
                Cell::Micros(micros)
            }
            Instant::None => self.misfit(text.raw, path),
        })
    }

    fn scalar<'s>(&mut self, shape: &Shape, raw: &'de str, path: &Path<'_>) -> Cell<'de, 's> {
        let is_number = raw.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        let fits = match shape {
            Shape::Json => Some(Cell::Text(Cow::Borrowed(raw))),
            Shape::Boolean if raw == "true" => Some(Cell::Boolean(true)),
            Shape::Boolean if raw == "false" => Some(Cell::Boolean(false)),
            Shape::Int32 if is_number => {
                number::integer(raw).and_then(|value| i32::try_from(value).ok()).map(Cell::Int32)
            }
            Shape::Int64 if is_number => number::integer(raw).map(Cell::Int64),
            Shape::Double if is_number => match number::double(raw) {
                Double::Exact(value) => Some(Cell::Double(value)),
                Double::Near(value) => {
                    self.rescue.keep(path, raw);
                    Some(Cell::Double(value))
                }
                Double::None => None,
            },
            _ => None,
        };
        fits.unwrap_or_else(|| self.misfit(raw, path))
    }

    fn object<'s>(&mut self, object: &'s Object, path: &Path<'_>) -> Result<Cell<'de, 's>> {
        let mut cells: Vec<Cell<'de, 's>> = Vec::new();
        cells.resize_with(object.properties.len(), || Cell::Null);
        let mut expected = 0;
        self.scanner.open();
        while self.scanner.next(b'}')? {
            let name = self.scanner.name()?.text()?;
            let at = object.position(&name, expected);
            let place = at.and_then(|at| Some((at, object.properties.get(at)?, cells.get_mut(at)?)));
            let path = Path::Property(path, &name);
            let Some((at, (_, shape), cell)) = place else {
                let raw = self.scanner.value()?;
                self.rescue.keep(&path, raw);
                continue;
            };
            *cell = self.property(shape, &path, !matches!(cell, Cell::Null))?;
            expected = at + 1;
        }
        Ok(Cell::Object(object, cells))
    }

    /// The value of a property, of which there may be one already.
    fn property<'s>(&mut self, shape: &'s Shape, path: &Path<'_>, again: bool) -> Result<Cell<'de, 's>> {
        // A value that was rescued left no cell, so a second one is only known by what is rescued.
        if again || !self.rescue.is_empty() {
            self.rescue.forget(path);
        }
        self.value(shape, path)
    }

    fn string_map<'s>(&mut self, path: &Path<'_>) -> Result<Cell<'de, 's>> {
        let mut entries: Vec<(Cow<'de, str>, Cow<'de, str>)> = Vec::new();
        self.scanner.open();
        while self.scanner.next(b'}')? {
            let name = self.scanner.name()?.text()?;
            let again = entries.iter().position(|(known, _)| *known == name);
            if let Some(at) = again {
                entries.remove(at);
            }
            let cell = self.property(&Shape::Text, &Path::Property(path, &name), again.is_some())?;
            if let Cell::Text(text) = cell {
                entries.push((name, text));
            }
        }
        Ok(Cell::StringMap(entries))
    }

    fn list<'s>(&mut self, element: &'s Shape, path: &Path<'_>) -> Result<Cell<'de, 's>> {
        let mut cells = Vec::new();
        self.scanner.open();
        while self.scanner.next(b']')? {
            // A null in a list is an element, unlike a null property.
            cells.push(self.value(element, &Path::Element(path, cells.len()))?);
        }
        Ok(Cell::List(cells))
    }
}
