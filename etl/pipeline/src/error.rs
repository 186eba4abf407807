//! The crate's error: what happened, to what, and what state is left.

mod given;
mod gold;
mod load;
mod measures;
mod project;
mod query;
mod silver;
mod table;
mod tenant;
mod value;

use std::fmt;

use connectwise_extract::error as extract;
use connectwise_lakehouse::{Failure, Lake, NoName, TableName, error as lakehouse};
use connectwise_storage::sentence::{chain, with_sources, without_backtrace};
use connectwise_storage::shortage::{full_disk, used_up};
use datafusion::error::DataFusionError;
use value::is_of_value;

/// What went wrong, as far as a caller has to tell cases apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The call itself: an unknown entity, layer or column, a malformed option.
    Usage,
    /// Configuration: a missing credential, a bad URL, a file that can't be read.
    Config,
    /// The API refused, failed or could not be reached.
    Source,
    /// A read that can't prove it is whole. Nothing was replaced and no watermark moved.
    Incomplete,
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

/// An error of the ETL.
///
/// `Display` is one sentence without the source; [`Error::report`] adds the chain of sources.
pub struct Error {
    kind: Kind,
    message: String,
    table: Option<TableName>,
    undecodable: bool,
    of_value: bool,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Result of the ETL.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of a kind, with a sentence that says what happened, to what, and what to do.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        let message = without_backtrace(message.into());
        Self { kind, message, table: None, undecodable: false, of_value: false, source: None }
    }

    /// A broken assumption of the program itself, as a bug causes it; going on could write wrong rows.
    pub fn internal(what: &str) -> Self {
        Self::new(
            Kind::Internal,
            format!("{what}, which is a fault of this program: please report it with this sentence"),
        )
    }

    /// An error of the call itself.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// A lakehouse in which another program's tables stand where this one would write its own.
    pub(crate) fn others_tables(lake: &Lake, named: &str) -> Self {
        let root = lake.root();
        Self::new(
            Kind::Config,
            format!(
                "another program made tables of {root} where this one writes its own: {named}. Take another lakehouse, or replace them with \
                 connectwise-etl run --adopt: Delta keeps their versions until now readable"
            ),
        )
    }

    /// The error with what is behind it. Where memory or a disk was used up, the sentence says so and what to do.
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let source = source.into();
        self.undecodable |= is_undecodable(source.as_ref());
        match used_up(source.as_ref()) {
            Some(why) => self.message = format!("{}: {why}", self.message),
            None => {
                self.of_value |= is_of_value(source.as_ref());
                self.source = Some(source);
            }
        }
        self
    }

    /// The same error without a source: its message is the whole report.
    pub(crate) fn in_one(&self) -> Self {
        Self { undecodable: self.undecodable, of_value: self.of_value, ..Self::new(self.kind, self.report()) }
    }

    /// The table that it, or what is behind it, is about.
    pub fn table(&self) -> Option<&TableName> {
        chain(self).find_map(|error| {
            let own = error.downcast_ref::<Self>().and_then(|own| own.table.as_ref());
            own.or_else(|| error.downcast_ref::<lakehouse::Error>()?.table())
        })
    }

    /// What went wrong.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether the caller asked for something that can't be done, before anything was touched.
    pub fn is_usage(&self) -> bool {
        matches!(self.kind, Kind::Usage | Kind::Config)
    }

    /// The error of the SDK behind it, where one is.
    pub fn of_sdk(&self) -> Option<&connectwise_sdk::Error> {
        chain(self).find_map(|error| error.downcast_ref())
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

    /// Whether a value ended a query: one that can't be cast, is too large for its type or can't be computed with.
    pub(crate) fn is_of_value(&self) -> bool {
        self.of_value
    }

    /// Whether the server says that the role may not read what was asked for (403), or shows it as if it weren't there (404).
    pub fn is_shut(&self) -> bool {
        self.of_sdk().is_some_and(|error| error.is_forbidden() || error.is_not_found())
    }

    /// The sentence with every source behind it, on one line.
    pub fn report(&self) -> String {
        with_sources(&self.message, std::error::Error::source(self))
    }
}

impl From<lakehouse::Error> for Error {
    fn from(error: lakehouse::Error) -> Self {
        // What our own stream put into a plan comes back as what it was. Of a conflict it is only why it was found.
        if !error.is_conflict()
            && let Some(own) = chain(&error).find_map(|source| source.downcast_ref::<Self>())
        {
            return own.in_one();
        }
        let kind = match error.kind() {
            lakehouse::Kind::Usage => Kind::Usage,
            lakehouse::Kind::Config => Kind::Config,
            lakehouse::Kind::Contract => Kind::Contract,
            lakehouse::Kind::Conflict => Kind::Conflict,
            lakehouse::Kind::Lake => Kind::Lake,
            lakehouse::Kind::Sql => Kind::Sql,
            lakehouse::Kind::Io => Kind::Io,
            lakehouse::Kind::Internal => Kind::Internal,
        };
        let message = error.to_string();
        let table = error.table().cloned();
        let undecodable = error.is_undecodable();
        let of_value = is_of_value(&error);
        Self { kind, message, table, undecodable, of_value, source: error.into_source() }
    }
}

impl From<extract::Error> for Error {
    fn from(error: extract::Error) -> Self {
        let (kind, message, source) = error.into_parts();
        let kind = match kind {
            extract::Kind::Usage => Kind::Usage,
            extract::Kind::Config => Kind::Config,
            extract::Kind::Source => Kind::Source,
            extract::Kind::Incomplete => Kind::Incomplete,
            extract::Kind::Contract => Kind::Contract,
            extract::Kind::Internal => Kind::Internal,
        };
        Self { kind, message, table: None, undecodable: false, of_value: false, source }
    }
}

/// As [`lakehouse::undecodable`], errors of this crate included.
fn is_undecodable(error: &(dyn std::error::Error + 'static)) -> bool {
    let own = chain(error).any(|error| error.downcast_ref::<Error>().is_some_and(Error::is_undecodable));
    own || lakehouse::undecodable(error)
}

/// An error of DataFusion.
pub(crate) fn sql_error(error: DataFusionError) -> Error {
    // Whatever was computed when memory or a disk was used up, no value of it is why.
    let of_value = used_up(&error).is_none() && is_of_value(&error);
    Error { of_value, ..Error::from(connectwise_lakehouse::sql_error(error)) }
}

impl Failure for Error {
    fn is_conflict(&self) -> bool {
        Error::is_conflict(self)
    }

    fn may_be_conflict(&self) -> bool {
        matches!(self.kind, Kind::Lake | Kind::Sql | Kind::Contract)
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use connectwise_lakehouse::{Commit, Lake, as_conflict};

    use super::*;

    /// An error of a table that another run has changed meanwhile is a conflict, whatever it was.
    #[tokio::test]
    async fn a_conflict_stays_one_with_an_error_of_ours_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(folder.path().to_str().unwrap()).unwrap();
        let table = lake.table(&TableName::gold("dimdate")).await.unwrap();
        let own = || Error::new(Kind::Contract, "a test fails");
        let stays = as_conflict(&[&table], own()).await;
        assert_eq!((stays.kind(), stays.to_string().as_str()), (Kind::Contract, "a test fails"));
        let row: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        table.append(&RecordBatch::try_from_iter([("id", row)]).unwrap(), &Commit::new("other")).await.unwrap();
        let changed = as_conflict(&[&table], own()).await;
        assert_eq!(changed.kind(), Kind::Conflict, "{changed:?}");
        assert!(changed.report().ends_with("changed by another run while it was read: a test fails"), "{changed:?}");
    }
}
