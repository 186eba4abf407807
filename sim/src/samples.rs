//! `--samples DIR`: recorded answers, served with the bytes that they have in their files.

use std::path::Path;

use serde_json::Value as Json;
use serde_json::value::RawValue;

use crate::error::{Error, Kind as ErrorKind, unreadable};
use crate::json::Selection;
use crate::kind::Kind;
use crate::query::Probe;
use crate::table::Table;
use crate::tree;

/// The rows of all entities; an entity without a file has none.
#[derive(Debug)]
pub(crate) struct Samples {
    tables: [Sampled; 8],
}

/// The rows of one file, in the order of their ids.
#[derive(Debug, Default)]
pub(crate) struct Sampled {
    rows: Vec<SampleRow>,
}

#[derive(Debug)]
struct SampleRow {
    id: i64,
    text: Box<RawValue>,
    value: Json,
}

impl Samples {
    pub(crate) fn read(folder: &Path) -> Result<Self, Error> {
        if !folder.is_dir() {
            return Err(ErrorKind::NoSamples(folder.to_owned()).into());
        }
        let mut tables: [Sampled; 8] = std::array::from_fn(|_| Sampled::default());
        for kind in Kind::ALL {
            let file = folder.join(kind.sample_file());
            if file.is_file() {
                tables[kind as usize] = Sampled::read(&file)?;
            }
        }
        Ok(Self { tables })
    }

    pub(crate) fn table(&self, kind: Kind) -> &Sampled {
        &self.tables[kind as usize]
    }
}

impl Sampled {
    fn read(file: &Path) -> Result<Self, Error> {
        let bad = |reason: String| Error::from(ErrorKind::BadSample(file.to_owned(), reason));
        let text = crate::input::read_text(file).map_err(|error| bad(unreadable(&error)))?;
        // One record, or a list of them.
        let records: Vec<Box<RawValue>> = match text.trim_start().starts_with('[') {
            true => serde_json::from_str(&text),
            false => serde_json::from_str(&text).map(|record| vec![record]),
        }
        .map_err(|error| bad(error.to_string()))?;
        let mut rows = Vec::with_capacity(records.len());
        for text in records {
            let value: Json = serde_json::from_str(text.get()).map_err(|error| bad(error.to_string()))?;
            let id = value
                .get("id")
                .and_then(Json::as_i64)
                .ok_or_else(|| bad("a record has no whole number `id`".to_owned()))?;
            rows.push(SampleRow { id, text, value });
        }
        rows.sort_by_key(|row| row.id);
        if let Some(pair) = rows.windows(2).find(|pair| pair[0].id == pair[1].id) {
            return Err(bad(format!("two records have the id {}", pair[0].id)));
        }
        Ok(Self { rows })
    }
}

impl Table for &Sampled {
    fn slots(&self) -> u64 {
        self.rows.len() as u64
    }

    fn live(&self) -> u64 {
        self.slots()
    }

    fn is_live(&self, slot: u64) -> bool {
        slot < self.slots()
    }

    fn id(&self, slot: u64) -> i64 {
        self.rows[slot as usize].id
    }

    fn slot_of(&self, id: i64) -> Option<u64> {
        self.rows.binary_search_by_key(&id, |row| row.id).ok().map(|slot| slot as u64)
    }

    fn first_after(&self, id: i64) -> u64 {
        self.rows.partition_point(|row| row.id <= id) as u64
    }

    fn visit(&self, slot: u64, probe: &mut Probe) {
        probe.begin();
        tree::visit(&self.rows[slot as usize].value, probe);
    }

    fn write(&self, slot: u64, selection: Option<&Selection>, out: &mut Vec<u8>) {
        let row = &self.rows[slot as usize];
        match selection {
            None => out.extend_from_slice(row.text.get().as_bytes()),
            Some(selection) => tree::cut(&row.value, Some(selection), out),
        }
    }
}
