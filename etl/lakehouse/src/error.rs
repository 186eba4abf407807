//! The sentences of this crate.

mod machine;
mod rows;
mod table;

use datafusion::error::DataFusionError;
use deltalake::DeltaTableError;

pub use connectwise_storage::error::{Error, Kind, Result, undecodable};

pub(crate) use self::machine::*;
pub(crate) use self::rows::*;
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

/// An error of DataFusion as one sentence: what the parser, the planner or the run said, or what was used up.
pub fn sql_error(error: DataFusionError) -> Error {
    // DataFusion wraps and repeats itself; what the parser or the planner said is at the bottom.
    let reason = || match error.find_root() {
        DataFusionError::SQL(parser, _) => parser.to_string(),
        root => root.strip_backtrace(),
    };
    Error::new(Kind::Sql, "the query failed").because(&error, reason)
}

/// A stream of rows for a table that ended with an error.
pub(crate) fn unread(table: &TableName, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    let message = format!("the records for {table} ended with an error, so nothing was written to it");
    Error::new(Kind::Lake, message).about(table).with_source(error)
}

pub(crate) fn lake_error(table: &TableName, verb: &str, error: DeltaTableError) -> Error {
    Error::new(Kind::Lake, format!("{table} can't be {verb}")).about(table).with_source(error)
}
