//! Surrogate keys: given once, kept in a table of their own, never changed or reused.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use chrono::{DateTime, Utc};
use connectwise_extract::contract::instant;
use connectwise_lakehouse::{Changes, Commit, Source, Table};
use serde::{Deserialize, Serialize};

use super::model::{BATCH_ID, Model, PROCESSED_AT};
use crate::error::{Error, Result};
use crate::typed::{from_batches, to_batch};

/// Surrogate key of the member that stands for no member.
pub(super) const UNKNOWN: i64 = -1;
/// What the texts of that member say.
pub(super) const UNKNOWN_NAME: &str = "Unknown";
/// The table that remembers which key was given to what.
pub(super) const TABLE: &str = "dimension_keys";

/// Every key that was ever given, by dimension and natural key.
#[derive(Debug, Default)]
pub(super) struct Keys {
    given: BTreeMap<String, HashMap<String, i64>>,
    new: Vec<Given>,
    /// The table that they are written upon: on top of another version, another run may have given the same numbers.
    pub(super) table: Option<Table>,
}

/// A surrogate key, and what it was given to.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    dimension: String,
    natural_key: String,
    surrogate_key: i64,
}

impl Given {
    fn new(dimension: &str, natural: &str, key: i64) -> Self {
        Self { dimension: dimension.to_owned(), natural_key: natural.to_owned(), surrogate_key: key }
    }
}

/// A row of the table of keys.
#[derive(Debug, Serialize)]
struct KeyRow<'a> {
    key: String,
    #[serde(flatten)]
    given: &'a Given,
    #[serde(rename = "_etl_gold_processed_at")]
    processed_at: DateTime<Utc>,
    #[serde(rename = "_etl_batch_id")]
    batch_id: &'a str,
}

impl Keys {
    /// The keys that earlier runs gave.
    pub(super) async fn load(table: &Table) -> Result<Self> {
        let session = table.lake().session()?;
        let mut keys = Self { table: Some(table.clone()), ..Self::default() };
        if !table.register(&session, "k").await? {
            return Ok(keys);
        }
        let frame = session.sql("select dimension, naturalKey, surrogateKey from k").await.map_err(super::failed)?;
        for key in from_batches::<Given>(TABLE, &frame.collect().await.map_err(super::failed)?)? {
            keys.given.entry(key.dimension).or_default().insert(key.natural_key, key.surrogate_key);
        }
        Ok(keys)
    }

    /// Gives a natural key the surrogate key that it has somewhere, unless it has one.
    pub(super) fn give(&mut self, dimension: &str, natural: String, key: i64) {
        self.given.entry(dimension.to_owned()).or_default().entry(natural).or_insert(key);
    }

    /// The highest key of a dimension, 0 where it has none.
    pub(super) fn highest(&self, dimension: &str) -> i64 {
        self.given.get(dimension).and_then(|given| given.values().max()).map_or(0, |key| (*key).max(0))
    }

    /// Takes over the keys of others that speak against none of these.
    pub(super) fn take_over(&mut self, others: Self) {
        for (dimension, naturals) in others.given {
            let given = self.given.entry(dimension).or_default();
            let mut taken: HashSet<i64> = given.values().copied().collect();
            for (natural, key) in naturals {
                if !given.contains_key(&natural) && taken.insert(key) {
                    given.insert(natural, key);
                }
            }
        }
    }

    /// Writes all keys anew, in place of whatever their table holds.
    pub(super) async fn rewrite(&mut self, run_id: &str, started: DateTime<Utc>) -> Result<()> {
        let all = self.given.iter().flat_map(|(dimension, naturals)| {
            naturals.iter().map(|(natural, key)| Given::new(dimension, natural, *key))
        });
        self.new = all.collect();
        let rows = self.rows(run_id, started)?;
        let table = self.table()?;
        let source = Source::batches(&table.lake().session()?, vec![rows])?;
        table.overwrite(&schema(), source, &Commit::new(run_id)).await?;
        self.table = Some(table.refresh().await?);
        self.new.clear();
        Ok(())
    }

    fn table(&self) -> Result<&Table> {
        self.table.as_ref().ok_or_else(|| Error::internal("surrogate keys were to be written before they were read"))
    }

    /// The surrogate key of each natural key. New ones get the next numbers in their own order, so that the rows' order
    /// says nothing.
    pub(super) fn assign(&mut self, dimension: &str, naturals: &ArrayRef) -> Result<Int64Array> {
        let texts = text(naturals)?;
        let highest = self.highest(dimension);
        let given = self.given.entry(dimension.to_owned()).or_default();
        let mut new: Vec<&str> = texts.iter().flatten().filter(|natural| !given.contains_key(*natural)).collect();
        if naturals.data_type().is_integer() {
            let number =
                |natural: &str| natural.parse::<i64>().map_err(|_| Error::internal("an integer is written as none"));
            let mut numbers = new.iter().map(|natural| Ok((number(natural)?, *natural))).collect::<Result<Vec<_>>>()?;
            numbers.sort_unstable();
            new = numbers.into_iter().map(|(_, natural)| natural).collect();
        } else {
            new.sort_unstable();
        }
        new.dedup();
        let mut next = highest;
        for natural in new {
            next += 1;
            given.insert(natural.to_owned(), next);
            self.new.push(Given::new(dimension, natural, next));
        }
        let missing =
            |natural: &str| Error::internal(&format!("{natural:?} of {dimension} was given no surrogate key"));
        let key = |natural: Option<&str>| match natural {
            Some(natural) => given.get(natural).copied().ok_or_else(|| missing(natural)),
            None => Ok(UNKNOWN),
        };
        texts.iter().map(|natural| key(natural).map(Some)).collect()
    }

    /// Takes the keys that a stored dimension has and that aren't known: those of a table of keys that couldn't be read.
    pub(super) async fn recover(&mut self, dimension: &Table, model: &Model) -> Result<()> {
        let session = dimension.lake().session()?;
        if !dimension.register(&session, "d").await? {
            return Ok(());
        }
        let sql = format!("select `{}`, `{}` from d where `{}` > 0", model.key, model.natural, model.key);
        let rows = session.sql(&sql).await.map_err(super::failed)?.collect().await.map_err(super::failed)?;
        let given = self.given.entry(model.name.clone()).or_default();
        let mut used: HashSet<i64> = given.values().copied().collect();
        for batch in rows {
            let keys = cast(batch.column(0), &DataType::Int64)
                .map_err(|error| Error::no_integer_keys(&model.name).with_source(error))?;
            let found = text(batch.column(1))?;
            for (key, natural) in keys.as_primitive::<Int64Type>().iter().zip(found.iter()) {
                let (Some(key), Some(natural)) = (key, natural) else { continue };
                if !given.contains_key(natural) && used.insert(key) {
                    given.insert(natural.to_owned(), key);
                    self.new.push(Given::new(&model.name, natural, key));
                }
            }
        }
        Ok(())
    }

    /// Writes what was given in this run, and says how many. It stands before the dimensions are written: a run that is killed in between
    /// has given keys that no row has yet, and the next run gives the same.
    pub(super) async fn save(&mut self, run_id: &str, started: DateTime<Utc>) -> Result<usize> {
        if self.new.is_empty() {
            return Ok(0);
        }
        let batch = self.rows(run_id, started)?;
        let table = self.table()?;
        table.merge(&schema(), Changes::upserts("key", vec![batch]), &Commit::new(run_id)).await?;
        self.table = Some(table.refresh().await?);
        let rows = self.new.len();
        self.new.clear();
        Ok(rows)
    }

    /// What was given, as rows of the table.
    fn rows(&self, run_id: &str, started: DateTime<Utc>) -> Result<RecordBatch> {
        let rows = self.new.iter().map(|given| KeyRow {
            key: format!("{}:{}", given.dimension, given.natural_key),
            given,
            processed_at: started,
            batch_id: run_id,
        });
        to_batch(TABLE, &schema(), &rows.collect::<Vec<_>>())
    }
}

/// Contract of the table of keys.
pub(super) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("dimension", DataType::Utf8, false),
        Field::new("naturalKey", DataType::Utf8, false),
        Field::new("surrogateKey", DataType::Int64, false),
        Field::new(PROCESSED_AT, instant(), false),
        Field::new(BATCH_ID, DataType::Utf8, false),
    ]))
}

/// Values as text, whichever of its text types the engine chose.
pub(super) fn text(array: &ArrayRef) -> Result<StringArray> {
    let texts = cast(array, &DataType::Utf8).map_err(|error| Error::no_text().with_source(error))?;
    Ok(texts.as_string::<i32>().clone())
}

#[cfg(test)]
mod tests {
    use arrow::array::Int32Array;

    use super::*;

    #[test]
    fn keys_are_given_once_and_in_natural_order() {
        let mut keys = Keys::default();
        let ids = |ids: Vec<Option<i32>>| Arc::new(Int32Array::from(ids)) as ArrayRef;
        assert_eq!(keys.assign("d", &ids(vec![Some(10), Some(9), None])).unwrap().values(), &[2, 1, -1]);
        assert_eq!(keys.assign("d", &ids(vec![Some(1), Some(10), Some(8)])).unwrap().values(), &[3, 2, 4]);
        assert_eq!(keys.assign("d", &ids(vec![Some(9)])).unwrap().values(), &[1]);
        let names = Arc::new(StringArray::from(vec!["b", "a"])) as ArrayRef;
        assert_eq!(keys.assign("e", &names).unwrap().values(), &[2, 1]);
        assert_eq!(keys.new.len(), 6);
    }
}
