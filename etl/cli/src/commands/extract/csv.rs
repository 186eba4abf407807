//! Records as lines of CSV: each value as the API wrote it, whatever type it has.

use std::borrow::Cow;
use std::collections::HashMap;

use connectwise_extract::contract::RESCUED;
use connectwise_extract::decode::properties;
use connectwise_pipeline::error::{Error, Result};
use csv::{Writer, WriterBuilder};

use crate::error;
use crate::spreadsheet::Cells;
use crate::target::Target;
use crate::tasks::extract::Columns;

pub(super) struct CsvFile {
    writer: Writer<Target>,
    cells: Cells,
    /// Where each property goes.
    places: HashMap<String, usize>,
    columns: usize,
    /// Whether what has no column gets one, the last.
    rescues: bool,
}

impl CsvFile {
    /// Begins a file with its header.
    pub(super) fn new(target: Target, columns: &Columns, cells: Cells) -> Result<Self> {
        let writer = WriterBuilder::new().flexible(false).from_writer(target);
        let names = columns.list.iter().map(|column| column.name);
        let places = names.clone().enumerate().map(|(at, name)| (name.to_owned(), at)).collect();
        let rescues = !columns.chosen;
        let mut file = Self { writer, cells, places, columns: columns.list.len(), rescues };
        let header: Vec<String> =
            names.chain(rescues.then_some(RESCUED)).map(|name| file.cells.text(name).into_owned()).collect();
        file.writer.write_record(&header).map_err(fault)?;
        Ok(file)
    }

    pub(super) fn push(&mut self, record: &str) -> Result<()> {
        let mut values = vec![None; self.columns];
        let mut rescued: Vec<(String, &str)> = Vec::new();
        match properties(record) {
            Some(properties) => {
                for (name, value) in properties {
                    // Of equal names the last counts, as everywhere in JSON.
                    match self.place(&name) {
                        Some(place) => values[place] = Some(value),
                        None => {
                            let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
                            rescued.retain(|(known, _)| *known != pointer);
                            rescued.push((pointer, value));
                        }
                    }
                }
            }
            None => rescued.push((String::new(), record)),
        }
        for value in values {
            match value.map(|value| Self::cell(&mut self.cells, value)) {
                Some(cell) => self.writer.write_field(cell.as_bytes()),
                None => self.writer.write_field(""),
            }
            .map_err(fault)?;
        }
        if self.rescues {
            let rescued = object(&rescued);
            self.writer.write_field(self.cells.text(&rescued).as_bytes()).map_err(fault)?;
        }
        self.writer.write_record(None::<&[u8]>).map_err(fault)
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied().or_else(|| {
            // Who chose ID means id.
            let mut alike = self.places.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
            if self.rescues { None } else { alike.next().map(|(_, place)| *place) }
        })
    }

    /// A text without its quotes, anything else as it is written.
    fn cell<'v>(cells: &mut Cells, value: &'v str) -> Cow<'v, str> {
        match value.as_bytes().first() {
            Some(b'n') => Cow::Borrowed(""),
            Some(b'-' | b'0'..=b'9' | b't' | b'f') => Cow::Borrowed(value),
            Some(b'"') => match serde_json::from_str::<Cow<'v, str>>(value) {
                Ok(text) => Cow::Owned(cells.text(&text).into_owned()),
                // Half a surrogate is no text: what was written stays.
                Err(_) => cells.text(value),
            },
            _ => cells.text(value),
        }
    }

    /// Hands on what was written so far, and says whether somebody still takes it.
    pub(super) fn pass_on(&mut self) -> Result<bool> {
        self.writer.flush().map_err(|error| fault(error.into()))?;
        Ok(self.writer.get_ref().is_read())
    }

    /// Gives back what was written to, and what became of the cells.
    pub(super) fn finish(self) -> Result<(Target, Cells)> {
        let cells = self.cells;
        let target = self.writer.into_inner().map_err(|error| fault(error.into_error().into()))?;
        Ok((target, cells))
    }
}

/// Pointers and values as a JSON object; nothing where there are none.
fn object(rescued: &[(String, &str)]) -> String {
    if rescued.is_empty() {
        return String::new();
    }
    let pairs = rescued.iter().map(|(pointer, value)| format!("{}:{value}", serde_json::Value::from(pointer.as_str())));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}

fn fault(error: csv::Error) -> Error {
    error::csv().with_source(error)
}
