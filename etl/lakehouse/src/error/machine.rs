//! What is wrong with the machine that the lakehouse is worked on.

use std::path::Path;

use super::{Error, Kind};
use crate::TableName;

/// A folder that this user may not look into.
pub(crate) fn shut_folder(table: &TableName, place: &Path) -> Error {
    let place = place.display();
    let message = format!("{table} can't be read: let this user read and enter {place}, and all folders above it");
    Error::new(Kind::Io, message)
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
