//! What the lookups said when the facts were built last, so that a change of one finds the rows that it is about.
//!
//! Each row of a lookup is remembered by its key and a hash of its content, with the number of the build that first saw it
//! so. A fact's commit notes the number that it was built with: what changed after that is news to it, whatever other facts
//! have made of it, and however often their builds failed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::{DateTime, Utc};
use connectwise_lakehouse::{Commit, Source, Table, TableName};
use serde::{Deserialize, Serialize};

use super::failed;
use super::keys::text;
use crate::error::Result;
use crate::silver::Fingerprinter;
use crate::typed::{from_batches, to_batch};

/// The table that remembers.
pub(super) const TABLE: &str = "gold_lookups";

/// The rows of all lookups as they were seen last.
#[derive(Debug, Default)]
pub(super) struct LookupState {
    /// Number of the last build that saw a change.
    number: i64,
    lookups: BTreeMap<String, HashMap<String, Seen>>,
    changed: bool,
    /// Whether what earlier builds noted is gone, so that nothing tells what changed since.
    pub(super) is_lost: bool,
}

/// A row of the table.
#[derive(Debug, Serialize, Deserialize)]
struct LookupRow {
    lookup: String,
    key: String,
    content: Option<i64>,
    since: i64,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    /// Hash of the content, `None` for a row that is gone.
    content: Option<i64>,
    /// Number of the build that saw it so for the first time.
    since: i64,
}

impl LookupState {
    /// What earlier builds noted. Where that `is_lost`, numbers go on behind all that were ever given: facts remember those
    /// that they were built with.
    pub(super) async fn load(table: &Table, is_lost: bool, started: DateTime<Utc>) -> Result<Self> {
        let session = table.lake().session()?;
        let mut state = Self::default();
        if is_lost || !table.register(&session, "s").await? {
            return Ok(Self { number: started.timestamp(), is_lost: true, ..state });
        }
        let rows = session.sql("select `lookup`, `key`, content, since from s").await.map_err(failed)?;
        for row in from_batches::<LookupRow>(TABLE, &rows.collect().await.map_err(failed)?)? {
            state.number = state.number.max(row.since);
            let seen = Seen { content: row.content, since: row.since };
            state.lookups.entry(row.lookup).or_default().insert(row.key, seen);
        }
        Ok(state)
    }

    /// Nothing known, at a number that no fact has seen.
    pub(super) fn beyond(now: DateTime<Utc>) -> Self {
        Self { number: now.timestamp(), is_lost: true, ..Self::default() }
    }

    /// Number of the newest change.
    pub(super) fn number(&self) -> i64 {
        self.number + i64::from(self.changed)
    }

    /// Notes what a lookup says now. Its first column is its key.
    pub(super) fn note(&mut self, lookup: &str, schema: &SchemaRef, rows: &[RecordBatch]) -> Result<()> {
        let mut hashes = Fingerprinter::new(schema, |_| true)?;
        let mut now: HashMap<String, i64> = HashMap::new();
        for batch in rows {
            for (key, hash) in text(batch.column(0))?.iter().zip(hashes.rows(batch)?) {
                // A key that is there twice is one thing with two contents, in whatever order they come. NULL is looked up by nobody.
                let content = now.entry(key.unwrap_or("").to_owned()).or_default();
                *content = content.wrapping_add(i64::from_ne_bytes(hash.to_ne_bytes()));
            }
        }
        let since = self.number + 1;
        let known = self.lookups.entry(lookup.to_owned()).or_default();
        for (key, seen) in known.iter_mut() {
            let content = now.remove(key);
            if seen.content != content {
                *seen = Seen { content, since };
                self.changed = true;
            }
        }
        self.changed |= !now.is_empty();
        known.extend(now.into_iter().map(|(key, content)| (key, Seen { content: Some(content), since })));
        Ok(())
    }

    /// Keys of a lookup whose content changed after a build.
    pub(super) fn changed_since(&self, lookup: &str, number: i64) -> Vec<&str> {
        let rows = self.lookups.get(lookup).into_iter().flatten();
        rows.filter(|(_, seen)| seen.since > number).map(|(key, _)| key.as_str()).collect()
    }

    /// Writes down what was noted, before any fact is built with it.
    pub(super) async fn save(&mut self, table: &Table, run_id: &str) -> Result<()> {
        if !self.changed {
            return Ok(());
        }
        let row = |lookup: &String, (key, seen): (&String, &Seen)| LookupRow {
            lookup: lookup.clone(),
            key: key.clone(),
            content: seen.content,
            since: seen.since,
        };
        let rows = self.lookups.iter().flat_map(|(lookup, rows)| rows.iter().map(move |one| row(lookup, one)));
        let batch = to_batch(TABLE, &schema(), &rows.collect::<Vec<_>>())?;
        let source = Source::batches(&table.lake().session()?, vec![batch])?;
        table.overwrite(&schema(), source, &Commit::new(run_id)).await?;
        self.number = self.number();
        self.changed = false;
        Ok(())
    }
}

/// The table that remembers.
pub(super) fn table() -> TableName {
    TableName::ledger(TABLE)
}

pub(super) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("lookup", DataType::Utf8, false),
        Field::new("key", DataType::Utf8, false),
        Field::new("content", DataType::Int64, true),
        Field::new("since", DataType::Int64, false),
    ]))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, StringArray};

    use super::*;

    fn rows(ids: &[i32], names: &[&str]) -> (SchemaRef, Vec<RecordBatch>) {
        let ids: arrow::array::ArrayRef = Arc::new(Int32Array::from(ids.to_vec()));
        let names: arrow::array::ArrayRef = Arc::new(StringArray::from(names.to_vec()));
        let batch = RecordBatch::try_from_iter([("id", ids), ("name", names)]).unwrap();
        (batch.schema(), vec![batch])
    }

    fn note(state: &mut LookupState, ids: &[i32], names: &[&str]) {
        let (schema, rows) = rows(ids, names);
        state.note("people", &schema, &rows).unwrap();
        state.number = state.number();
        state.changed = false;
    }

    #[test]
    fn a_change_stays_news_until_it_was_seen() {
        let mut state = LookupState::default();
        note(&mut state, &[1, 2, 3], &["a", "b", "c"]);
        assert_eq!(state.number(), 1);
        note(&mut state, &[3, 1, 2], &["c", "a", "b"]);
        assert_eq!(state.number(), 1, "the order of rows says nothing");
        note(&mut state, &[1, 2], &["a", "B"]);
        note(&mut state, &[1, 2, 3, 4], &["a", "B", "c", "d"]);
        let since = |number| {
            let mut keys = state.changed_since("people", number);
            keys.sort_unstable();
            keys
        };
        assert_eq!(since(0), ["1", "2", "3", "4"]);
        assert_eq!(since(1), ["2", "3", "4"]);
        assert_eq!(since(2), ["3", "4"], "one came back, one is new");
        assert!(since(3).is_empty() && state.changed_since("animals", 0).is_empty());
    }
}
