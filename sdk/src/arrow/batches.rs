//! Records into batches, one by one and from a listing; and batches into records.

use std::marker::PhantomData;

use arrow_array::RecordBatch;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt as _};
use serde::Deserialize as _;

use super::cell::Cell;
use super::place::{Misfit, Place};
use super::{Tabular, fit, restore, schema, write};
use crate::resource::List;
use crate::{Error, ItemList, RecordFacts, Result, mismatch, reason::Reason};

/// Collects records into a batch.
pub(super) struct Builder<T> {
    arrays: serde_arrow::ArrayBuilder,
    rows: usize,
    /// Whether columns have got different lengths, so that there will be no batch.
    broken: bool,
    record: PhantomData<fn() -> T>,
}

impl<T: Tabular> Builder<T> {
    pub(super) fn new() -> Result<Self> {
        let arrays = serde_arrow::ArrayBuilder::from_arrow(T::arrow_schema().fields())
            .map_err(|error| unbuilt(T::NAME, error))?;
        Ok(Self { arrays, rows: 0, broken: false, record: PhantomData })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Adds a record. One that can't be a row changes nothing.
    pub(super) fn push(&mut self, record: &T) -> Result<()> {
        let misfit = |misfit| out(record.id(), T::NAME, misfit);
        let cell = write::cell(record)
            .map_err(|error| misfit(Misfit::at(&Place::Record, "a record of JSON values")).with_source(error))?;
        // All that can be wrong with a record is found here, before the first column is touched.
        let row = fit::row(cell, T::COLUMNS).map_err(misfit)?;
        if let Err(error) = self.arrays.push(row) {
            self.broken = true;
            return Err(unbuilt(T::NAME, error));
        }
        self.rows += 1;
        Ok(())
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// The records since the last batch.
    pub(super) fn batch(&mut self) -> Result<RecordBatch> {
        self.rows = 0;
        let batch = self.arrays.to_record_batch().map_err(|error| unbuilt(T::NAME, error))?;
        // The schema that was promised, or an error.
        RecordBatch::try_new(T::arrow_schema(), batch.columns().to_vec()).map_err(|error| unbuilt(T::NAME, error))
    }
}

fn out(id: Option<i64>, name: &'static str, misfit: Misfit) -> Error {
    let record = RecordFacts { id, json_path: misfit.path, expected: Some(misfit.expected) };
    Error::new(Reason::NoRow { name, record })
}

fn unbuilt(record: &'static str, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Reason::Batch { record }).with_source(source)
}

/// Records as one batch of their type's [schema](Tabular::arrow_schema). What has no place in its column is in
/// [`_rescued`](super::RESCUED).
///
/// # Errors
/// When a record holds a number that JSON can't express, or the same property twice; the error names its id and the place. When the
/// texts of one column exceed 2 GB, the limit of Arrow's `Utf8`.
pub fn records_to_batch<T: Tabular>(records: &[T]) -> Result<RecordBatch> {
    let mut builder = Builder::new()?;
    records.iter().try_for_each(|record| builder.push(record))?;
    builder.batch()
}

/// The records of a batch, which has the columns of their type; others than those are left out. It may come from a table that
/// was written elsewhere: a bronze table, for example.
///
/// # Errors
/// A batch without one of the columns, or with one of another type. A row that is no such record: its id and the place are named.
pub fn batch_to_records<T: Tabular>(batch: &RecordBatch) -> Result<Vec<T>> {
    let own = schema::select(batch, T::COLUMNS, T::NAME)?;
    let rows = rows(&own).map_err(|error| unbuilt(T::NAME, error))?;
    rows.into_iter()
        .enumerate()
        .map(|(number, row)| {
            let id = id(&row);
            let record = restore::record(row, T::COLUMNS);
            let unread = |place, expected| {
                let record = RecordFacts { id, json_path: place, expected };
                Error::new(Reason::Row { name: T::NAME, number, record })
            };
            let value = record.map_err(|misfit| unread(misfit.path, Some(misfit.expected)))?;
            serde_path_to_error::deserialize(value).map_err(|error| {
                let place = error.path().to_string();
                unread(place, mismatch::expected(&error.into_inner().to_string()))
            })
        })
        .collect()
}

fn rows(batch: &RecordBatch) -> serde_arrow::Result<Vec<Cell>> {
    Vec::<Cell>::deserialize(serde_arrow::Deserializer::from_record_batch(batch)?)
}

fn id(row: &Cell) -> Option<i64> {
    let Cell::Map(entries) = row else { return None };
    match entries.iter().find(|(name, _)| name == "id")? {
        (_, Cell::Integer(id)) => Some(*id),
        _ => None,
    }
}

impl<R: List> ItemList<R>
where
    R::Record: Tabular,
{
    /// The records in batches of `rows` each (at least 1), the last with what is left. All have the record type's
    /// [schema](Tabular::arrow_schema); what has no place in its column is in [`_rescued`](super::RESCUED).
    ///
    /// A record that can't be read, or can't be a row, is an error which [names it](Error::record), and the stream goes on, as
    /// that of [`stream`](Self::stream) does. Any other error ends it: the listing is then incomplete. After an error there may be a
    /// batch still, with what came before it.
    ///
    /// ```no_run
    /// use connectwise_sdk::{Client, arrow::Tabular as _, models::TimeEntry};
    /// use futures::TryStreamExt as _;
    ///
    /// # async fn example(client: Client) -> connectwise_sdk::Result<()> {
    /// let entries = client.resource::<TimeEntry>();
    /// let mut batches = std::pin::pin!(entries.list().record_batches(8_192));
    /// while let Some(batch) = batches.try_next().await? {
    ///     assert_eq!(batch.schema(), TimeEntry::arrow_schema());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn record_batches(self, rows: usize) -> impl Stream<Item = Result<RecordBatch>> + Send + 'static {
        let batches =
            Batches::<R::Record> { records: self.stream().boxed(), builder: None, rows: rows.max(1), ended: false };
        stream::unfold(batches, |mut batches| async move { Some((batches.next().await?, batches)) })
    }
}

/// A listing that becomes batches.
struct Batches<T> {
    records: BoxStream<'static, Result<T>>,
    builder: Option<Builder<T>>,
    /// Records in a batch.
    rows: usize,
    ended: bool,
}

impl<T: Tabular> Batches<T> {
    async fn next(&mut self) -> Option<Result<RecordBatch>> {
        while !self.ended {
            let mut builder = match self.builder.take().map_or_else(Builder::new, Ok) {
                Ok(builder) => builder,
                Err(error) => return self.end(Err(error)),
            };
            let record = match self.records.next().await {
                None if builder.rows() == 0 => break,
                None => return self.end(builder.batch()),
                Some(record) => record,
            };
            let result = record.and_then(|record| builder.push(&record));
            if builder.is_broken() {
                return self.end(Err(result.err()?));
            }
            let batch = (builder.rows() >= self.rows && result.is_ok()).then(|| builder.batch());
            self.builder = Some(builder);
            match (result, batch) {
                (Err(error), _) => return Some(Err(error)),
                (Ok(()), Some(Ok(batch))) => return Some(Ok(batch)),
                (Ok(()), Some(Err(error))) => return self.end(Err(error)),
                (Ok(()), None) => {}
            }
        }
        self.ended = true;
        None
    }

    fn end(&mut self, last: Result<RecordBatch>) -> Option<Result<RecordBatch>> {
        self.ended = true;
        Some(last)
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::Record;
    use crate::catalog::{Column, Kind, Meaning};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Measured {
        id: i64,
        text: String,
        amount: f64,
    }

    impl Record for Measured {
        const NAME: &'static str = "Measured";
    }

    impl Tabular for Measured {
        const COLUMNS: &'static [Column] = &[
            Column { name: "id", kind: Kind::Int64, meaning: Meaning::Plain },
            Column { name: "text", kind: Kind::Utf8, meaning: Meaning::Plain },
            Column { name: "amount", kind: Kind::Double, meaning: Meaning::Plain },
        ];
    }

    /// In serde_arrow, a record that fails in its middle leaves columns of different lengths, and no batch.
    #[test]
    fn a_record_that_is_no_row_leaves_the_batch_as_it_was() {
        let measured = |id, amount| Measured { id, text: "a".to_owned(), amount };
        let mut builder = Builder::new().unwrap();
        builder.push(&measured(1, 0.5)).unwrap();
        builder.push(&measured(2, f64::NAN)).unwrap_err();
        assert!(!builder.is_broken());
        builder.push(&measured(3, 1.5)).unwrap();
        assert_eq!(builder.rows(), 2);
        let batch = builder.batch().unwrap();
        assert_eq!(batch_to_records::<Measured>(&batch).unwrap(), [measured(1, 0.5), measured(3, 1.5)]);
        // And the next batch begins anew.
        builder.push(&measured(4, 2.5)).unwrap();
        assert_eq!(batch_to_records::<Measured>(&builder.batch().unwrap()).unwrap(), [measured(4, 2.5)]);
    }
}
