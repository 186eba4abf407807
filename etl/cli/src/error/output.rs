//! Rows that can't be read from a list, and results that can't be written.

use connectwise_pipeline::error::{Error, Kind};

/// A list that can't be read to its end.
pub(crate) fn unread_list(path: &str) -> Error {
    Error::new(Kind::Source, format!("{path} can't be read"))
}

/// A list that the server doesn't count.
pub(crate) fn uncounted_list(path: &str) -> Error {
    Error::new(Kind::Source, format!("{path} can't be counted"))
}

/// A record that isn't JSON. It isn't shown, as it may hold a secret.
pub(crate) fn broken_record(path: &str) -> Error {
    Error::new(
        Kind::Source,
        format!("a record of {path} isn't JSON: leave it out by a condition, or have it repaired on the server"),
    )
}

/// An answer to a question of the report with other columns than it names.
pub(crate) fn incomplete_answer(question: &str) -> Error {
    Error::new(Kind::Contract, format!("the answer to {question:?} lacks a column"))
}

/// A file that can't be opened to write a result into it.
pub(crate) fn unopened(name: &str) -> Error {
    Error::new(Kind::Usage, format!("{name} can't be written"))
}

/// A file that ceased to take what is written.
pub(crate) fn unwritten(name: &str) -> Error {
    Error::new(Kind::Io, format!("{name} can't be written"))
}

/// A standard output that takes nothing.
pub(crate) fn unwritten_result() -> Error {
    Error::new(Kind::Io, "the result can't be written to standard output")
}

/// A result that has no JSON form.
pub(crate) fn no_json() -> Error {
    Error::new(Kind::Io, "the result can't be written as JSON")
}

/// Rows that no place takes.
pub(crate) fn unwritten_rows() -> Error {
    Error::new(Kind::Io, "the rows can't be written")
}

/// Rows that can't be shown as a table.
pub(crate) fn unprinted_rows() -> Error {
    Error::new(Kind::Io, "the rows can't be printed")
}

/// Rows that can't be written as CSV.
pub(crate) fn csv() -> Error {
    Error::new(Kind::Io, "the rows can't be written as CSV")
}

/// Rows that can't be written as Parquet.
pub(crate) fn parquet() -> Error {
    Error::new(Kind::Io, "the Parquet file can't be written")
}
