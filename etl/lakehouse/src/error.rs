//! The sentences of this crate.

mod rows;
mod table;

pub use connectwise_compute::sql_error;
pub use connectwise_storage::error::{Error, Kind, Result, undecodable};
use deltalake::DeltaTableError;

pub(crate) use self::rows::*;
pub use self::table::damaged;
pub(crate) use self::table::*;
use crate::TableName;

/// What an error of a caller has to tell, so that work which was overtaken by another run starts over.
pub trait Failure: std::error::Error + From<Error> + Send + Sync + 'static {
    /// Whether another run changed a table between the read and the write.
    fn is_conflict(&self) -> bool;

    /// Whether tables could not be read, compared or written: another run may be the reason.
    fn may_be_conflict(&self) -> bool;
}

impl Failure for Error {
    fn is_conflict(&self) -> bool {
        Error::is_conflict(self)
    }

    fn may_be_conflict(&self) -> bool {
        matches!(self.kind(), Kind::Lake | Kind::Sql | Kind::Contract)
    }
}

/// A stream of rows for a table that ended with an error.
pub(crate) fn unread(table: &TableName, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    let message = format!("the records for {table} ended with an error, so nothing was written to it");
    Error::new(Kind::Lake, message).about(table).with_source(error)
}

/// An error of Delta: the table can't be `verb`, as in "can't be read".
pub fn lake_error(table: &TableName, verb: &str, error: DeltaTableError) -> Error {
    Error::new(Kind::Lake, format!("{table} can't be {verb}")).about(table).with_source(error)
}
