//! Whether rows are the same, told by hashes: a table is only rewritten when its content changed.

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use arrow::row::{RowConverter, SortField};
use twox_hash::XxHash3_64;

use crate::error::{Error, Result};

/// Hashes the rows of batches over some columns of a schema.
pub(crate) struct Fingerprinter {
    columns: Vec<(String, arrow::datatypes::DataType)>,
    converter: RowConverter,
}

impl Fingerprinter {
    /// Over the columns of `schema` that `counts` names.
    pub(crate) fn new(schema: &SchemaRef, counts: impl Fn(&str) -> bool) -> Result<Self> {
        let columns: Vec<_> = schema
            .fields()
            .iter()
            .filter(|field| counts(field.name()))
            .map(|field| (field.name().clone(), field.data_type().clone()))
            .collect();
        let converter = RowConverter::new(columns.iter().map(|(_, kind)| SortField::new(kind.clone())).collect())
            .map_err(broken)?;
        Ok(Self { columns, converter })
    }

    /// The hash of each row.
    pub(crate) fn rows(&mut self, batch: &RecordBatch) -> Result<Vec<u64>> {
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (name, kind) in &self.columns {
            let array = batch.column_by_name(name).ok_or_else(|| Error::column_missing(name, "compared"))?;
            arrays.push(if array.data_type() == kind { array.clone() } else { cast(array, kind).map_err(broken)? });
        }
        let rows = self.converter.convert_columns(&arrays).map_err(broken)?;
        Ok(rows.iter().map(|row| XxHash3_64::oneshot(row.as_ref())).collect())
    }
}

fn broken(error: arrow::error::ArrowError) -> Error {
    Error::incomparable().with_source(error)
}

/// The content of a whole table, whatever order its rows are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Content {
    rows: u64,
    sum: u64,
}

impl Content {
    /// Adds rows by their hashes.
    pub(crate) fn add(&mut self, hashes: &[u64]) {
        self.rows += hashes.len() as u64;
        self.sum = hashes.iter().fold(self.sum, |sum, hash| sum.wrapping_add(*hash));
    }
}
