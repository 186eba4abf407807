//! The error of the crates that keep a lakehouse: what happened to which table, and what state is left. Each of them words its own.

mod store;

use std::fmt;

use arrow_schema::ArrowError;
use parquet::errors::ParquetError;

use crate::name::{NoName, TableName};
use crate::refusal::refusal;
use crate::sentence::{chain, with_sources, without_backtrace};
use crate::shortage::{full_disk, used_up};

/// What went wrong, as far as a caller has to tell cases apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The call itself: an unknown entity, layer or column, a malformed option.
    Usage,
    /// Configuration: a missing credential, a bad URL, a file that can't be read.
    Config,
    /// A value that doesn't fit its contract, or a schema that isn't the expected one.
    Contract,
    /// Another run changed a table between the read and the write. Nothing was written.
    Conflict,
    /// The lakehouse could not be read or written.
    Lake,
    /// SQL that doesn't parse, plan or run.
    Sql,
    /// The local file system.
    Io,
    /// A case that can't be: a fault of this program. Nothing was written.
    Internal,
}

/// An error of the lakehouse.
///
/// `Display` is one sentence without the source; [`Error::report`] adds the chain of sources.
pub struct Error {
    kind: Kind,
    message: String,
    table: Option<TableName>,
    undecodable: bool,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Result of the lakehouse.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of a kind, as a sentence.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: without_backtrace(message.into()), table: None, undecodable: false, source: None }
    }

    /// What the caller asked for can't be done.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// A broken assumption of the program itself, as a bug causes it; going on could write wrong rows.
    pub fn internal(what: &str) -> Self {
        let message = format!(
            "{what}, which is a fault of this program: nothing was written, so please report it with this sentence"
        );
        Self::new(Kind::Internal, message)
    }

    /// The error with what is behind it. Where that is that something was used up or a store refused, the sentence says so instead.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let source = source.into();
        self.undecodable |= undecodable(source.as_ref());
        match plain(source.as_ref()) {
            Some(why) => self.message = format!("{}: {why}", self.message),
            None => self.source = Some(source),
        }
        self
    }

    /// The error with the reason in its sentence, as `reason` tells it where `cause` isn't that something was used up or a store
    /// refused. Nothing is behind it then.
    #[must_use]
    pub fn because(self, cause: &(dyn std::error::Error + 'static), reason: impl FnOnce() -> String) -> Self {
        let why = without_backtrace(plain(cause).unwrap_or_else(reason));
        Self { message: format!("{}: {why}", self.message), undecodable: self.undecodable | undecodable(cause), ..self }
    }

    /// The error as one about a table.
    #[must_use]
    pub fn about(self, table: &TableName) -> Self {
        Self { table: Some(table.clone()), ..self }
    }

    /// The table that it is about.
    pub fn table(&self) -> Option<&TableName> {
        self.table.as_ref()
    }

    /// What went wrong.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether the caller asked for something that can't be done, before anything was touched.
    pub fn is_usage(&self) -> bool {
        matches!(self.kind, Kind::Usage | Kind::Config)
    }

    /// Whether another run changed a table between the read and the write.
    pub fn is_conflict(&self) -> bool {
        self.kind == Kind::Conflict
    }

    /// Whether a disk was full.
    pub fn is_full_disk(&self) -> bool {
        full_disk(self).is_some()
    }

    /// Whether a data file doesn't hold what Parquet files hold.
    pub fn is_undecodable(&self) -> bool {
        self.undecodable
    }

    /// The same error without a source: its message is the whole report.
    #[must_use]
    pub fn in_one(&self) -> Self {
        Self { undecodable: self.undecodable, ..Self::new(self.kind, self.report()) }
    }

    /// What is behind it, for an error that takes this one's place.
    pub fn into_source(self) -> Option<Box<dyn std::error::Error + Send + Sync>> {
        self.source
    }

    /// The sentence with every source behind it, on one line.
    pub fn report(&self) -> String {
        with_sources(&self.message, std::error::Error::source(self))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.report())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<NoName> for Error {
    fn from(why: NoName) -> Self {
        Self::usage(why.to_string())
    }
}

/// What to say of an error that is about the machine or the store, and not about what was asked.
fn plain(cause: &(dyn std::error::Error + 'static)) -> Option<String> {
    used_up(cause).or_else(|| refusal(cause))
}

/// Whether an error, or one behind it, is that a data file doesn't hold what Parquet files hold. That the store doesn't give it is
/// another matter.
pub fn undecodable(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut found = false;
    for error in chain(error) {
        if error.is::<object_store::Error>() {
            return false;
        }
        let own = error.downcast_ref::<Error>().is_some_and(Error::is_undecodable);
        found |= own || error.is::<ParquetError>() || matches!(error.downcast_ref(), Some(ArrowError::ParquetError(_)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As DataFusion and the Delta kernel write it with `RUST_BACKTRACE=1`.
    const TRACED: &str = "Arrow error: Cast error: Cannot cast string 'x'\n\nbacktrace:    0: std::backtrace_rs::backtrace::trace\n             at /rustc/0/library/std/src/lib.rs:66:5\n   1: datafusion_common::error::get_back_trace\n  12: main\n";

    #[test]
    fn no_message_holds_a_backtrace() {
        let plain = "Arrow error: Cast error: Cannot cast string 'x'";
        let error = Error::new(Kind::Lake, "the table can't be read").with_source(std::io::Error::other(TRACED));
        assert_eq!(error.report(), format!("the table can't be read: {plain}"));
        assert_eq!(format!("{error:?}"), format!("Lake: the table can't be read: {plain}"));
        let error = Error::new(Kind::Sql, format!("the query failed: {TRACED}"));
        assert_eq!(error.to_string(), format!("the query failed: {plain}"));
        let kernel = "No such file\n   0: kernel::read\n             at /src/lib.rs:1:2\n   1: main";
        assert_eq!(Error::new(Kind::Lake, kernel).to_string(), "No such file");
    }

    #[test]
    fn a_report_is_one_line() {
        let planned = "Schema error: No field named left.\nValid fields are f.\"notes\".";
        let error = Error::new(Kind::Sql, "it can't be computed").with_source(std::io::Error::other(planned));
        assert_eq!(
            error.report(),
            "it can't be computed: Schema error: No field named left. Valid fields are f.\"notes\"."
        );
        assert_eq!(Error::usage("two\r\n\n  lines\n").report(), "two lines");
    }

    #[test]
    fn other_lines_stay() {
        let text = "the model is wrong in line 2:\n  select 1\n10: not a frame, as it isn't indented";
        assert_eq!(Error::usage(text).to_string(), text);
    }
}
