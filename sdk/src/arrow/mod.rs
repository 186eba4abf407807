//! Records as Arrow batches and back (feature `arrow`).
//!
//! | to | use |
//! |---|---|
//! | know a record type's columns | [`Tabular::arrow_schema`], made from the interface document and not from a sample of the data |
//! | turn records into a batch | [`records_to_batch`] |
//! | turn a listing into batches | [`ItemList::record_batches`](crate::ItemList::record_batches) |
//! | get the records back | [`batch_to_records`] |
//!
//! serde_arrow does the work between records and columns. It coerces and drops without a word, so that nothing reaches it which
//! isn't exactly what its column holds: every other value, and every property that the document doesn't list, is kept in the column
//! [`_rescued`](RESCUED) and comes back with the record.
//!
//! A batch holds the whole record, the secrets and personal data that `Debug` of a record doesn't show among it.
//!
//! ```
//! use connectwise_sdk::arrow::{Tabular as _, batch_to_records, records_to_batch};
//! use connectwise_sdk::models::TimeEntry;
//!
//! let entries = vec![TimeEntry { id: Some(7), actual_hours: Some(0.25), ..TimeEntry::default() }];
//! let batch = records_to_batch(&entries)?;
//! assert_eq!(batch.schema(), TimeEntry::arrow_schema());
//! assert_eq!(batch_to_records::<TimeEntry>(&batch)?, entries);
//! # Ok::<(), connectwise_sdk::Error>(())
//! ```

mod batches;
mod cell;
mod fit;
pub mod instant;
pub mod place;
mod restore;
mod schema;
mod write;

use arrow_schema::SchemaRef;

use crate::Record;
use crate::catalog::Column;

pub use batches::{batch_to_records, records_to_batch};
pub use schema::data_type;

/// What the columns have no place for: the name of the column that holds it, as a JSON object of JSON pointer -> value.
pub const RESCUED: &str = "_rescued";

/// A record type with columns: that of every list of the API.
pub trait Tabular: Record {
    /// One column a property, as in the interface document.
    const COLUMNS: &'static [Column];

    /// The schema of every batch of these records: the [columns](Self::COLUMNS) with their [Arrow types](data_type), all nullable,
    /// and behind them [`_rescued`](RESCUED).
    #[must_use]
    fn arrow_schema() -> SchemaRef {
        schema::schema(Self::COLUMNS)
    }
}

mod generated {
    #![allow(unused_imports, reason = "not every selection of modules has lists")]

    use super::Tabular;
    use crate::catalog::{Column, Kind, Meaning};

    include!(concat!(env!("OUT_DIR"), "/columns.rs"));
}
