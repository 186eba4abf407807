//! The sentences of this crate.

pub(crate) use connectwise_storage::error::{Error, Kind, Result};
use datafusion::error::DataFusionError;

/// An error of DataFusion as one sentence: what the parser, the planner or the run said, or what was used up.
pub fn sql_error(error: DataFusionError) -> Error {
    // DataFusion wraps and repeats itself; what the parser or the planner said is at the bottom.
    let reason = || match error.find_root() {
        DataFusionError::SQL(parser, _) => parser.to_string(),
        root => root.strip_backtrace(),
    };
    Error::new(Kind::Sql, "the query failed").because(&error, reason)
}

/// A text that is no size for memory.
pub(crate) fn memory_size(text: &str, why: &str) -> Error {
    Error::new(Kind::Config, format!("{text:?} is no size for memory: {why}, for example 2GB or 512MB"))
}

/// A machine on which queries can't write what doesn't fit into memory.
pub(crate) fn no_temporary_files() -> Error {
    Error::new(Kind::Io, "there is no place for temporary files")
}

/// A DataFusion session that doesn't take its options.
pub(crate) fn session() -> Error {
    Error::new(Kind::Sql, "the SQL session can't be configured")
}
