//! What goes into a commit beside the rows, and what a write did.

use std::collections::BTreeMap;

use deltalake::DeltaTableError;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TableReference};
use deltalake::kernel::{Action, Transaction};
use deltalake::protocol::DeltaOperation;
use serde_json::{Map, Value};

use crate::error::{self, Error, Kind, Result, lake_error};
use crate::{Table, TableName};
use connectwise_storage::sentence::chain;

/// Name of the fact in a commit that says what it was made upon.
const UPON: &str = "etlUpon";

/// What a commit was made upon, as the log remembers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// A version that was examined and believed.
    Version(u64),
    /// No version: the commit put a whole new content in place.
    Nothing,
    /// A version that is doubtful, and stays so.
    Doubtful,
}

impl Basis {
    /// As it stands in the log.
    pub(crate) fn written(self) -> Value {
        match self {
            Self::Version(version) => version.into(),
            Self::Nothing => "nothing".into(),
            Self::Doubtful => "doubtful".into(),
        }
    }

    /// As the facts of a commit say it, `None` where they don't.
    pub fn read(info: &Map<String, Value>) -> Option<Self> {
        match info.get(UPON)? {
            Value::Number(version) => version.as_u64().map(Self::Version),
            Value::String(text) if text == "nothing" => Some(Self::Nothing),
            _ => Some(Self::Doubtful),
        }
    }
}

/// What goes into a commit beside the rows.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    run_id: String,
    transactions: BTreeMap<String, i64>,
    notes: BTreeMap<String, Value>,
    doubtful: bool,
    basis: Option<Basis>,
}

impl Commit {
    /// A commit of one run.
    pub fn new(run_id: impl Into<String>) -> Self {
        Self { run_id: run_id.into(), ..Self::default() }
    }

    /// Leaves a number with the data under the name of an application, readable by [`Table::transaction`] ever after: a
    /// watermark, or the version of an input.
    #[must_use]
    pub fn transaction(mut self, application: impl Into<String>, number: i64) -> Self {
        self.transactions.insert(application.into(), number);
        self
    }

    /// Leaves a fact in the table's history, for people.
    #[must_use]
    pub fn note(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.notes.insert(name.into(), value.into());
        self
    }

    /// Says that the commit is made upon rows that aren't believed and stay: the table is doubtful ever after, until a whole
    /// new content is put in place.
    #[must_use]
    pub fn doubtful(mut self, doubtful: bool) -> Self {
        self.doubtful = doubtful;
        self
    }

    /// The commit as one that changes some rows of a snapshot.
    pub(crate) fn changing(&self, table: &Table) -> Self {
        let basis = match table.version() {
            _ if self.doubtful => Basis::Doubtful,
            Some(version) => Basis::Version(version),
            None => Basis::Nothing,
        };
        Self { basis: Some(basis), ..self.clone() }
    }

    /// The commit as one that puts a whole new content in place.
    pub(crate) fn replacing(&self) -> Self {
        Self { basis: Some(Basis::Nothing), ..self.clone() }
    }

    pub(crate) fn transactions(&self) -> &BTreeMap<String, i64> {
        &self.transactions
    }

    /// The commit in Delta's form, which Delta may move behind others that it takes for harmless.
    pub fn movable(&self) -> CommitProperties {
        let mut facts = self.notes.clone();
        facts.insert("etlRunId".to_owned(), self.run_id.clone().into());
        facts.extend(self.basis.map(|basis| (UPON.to_owned(), basis.written())));
        let transactions = self.transactions.iter().map(|(name, number)| Transaction::new(name, *number)).collect();
        CommitProperties::default().with_metadata(facts).with_application_transactions(transactions)
    }

    /// The commit in Delta's form, as the one right behind the snapshot that it is made upon: what was compared or read of that
    /// snapshot holds when the rows arrive, or the write is a conflict.
    pub(crate) fn exact(&self) -> CommitProperties {
        self.movable().with_max_retries(0)
    }
}

/// What a write did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Written {
    /// Rows that are new in the table, or all of them when it was replaced.
    pub inserted: u64,
    /// Rows that were there and changed.
    pub updated: u64,
    /// Rows that left the table.
    pub deleted: u64,
    /// Delta version that the table is at, 0 where there is none.
    pub version: u64,
    /// Whether there is a new version.
    pub committed: bool,
}

impl Table {
    /// What a write did that found nothing to do.
    pub fn unchanged(&self) -> Written {
        Written { version: self.version().unwrap_or(0), ..Written::default() }
    }

    /// Commits actions upon the snapshot, and gives the version.
    ///
    /// # Errors
    /// [`Kind::Conflict`](crate::error::Kind::Conflict) when the table has moved on, else [`Kind::Lake`](crate::error::Kind::Lake).
    pub async fn commit(
        &self,
        actions: Vec<Action>,
        operation: DeltaOperation,
        metrics: Value,
        commit: &Commit,
    ) -> Result<u64> {
        self.before_write().await?;
        let properties = commit.clone().note("operationMetrics", metrics).exact();
        let snapshot = self.snapshot().map(|snapshot| snapshot as &dyn TableReference);
        let builder = CommitBuilder::from(properties).with_actions(actions);
        match builder.build(snapshot, self.delta.log_store(), operation).await {
            Ok(done) => Ok(done.version()),
            Err(error) => Err(self.failed(error).await),
        }
    }

    /// A failed write as an error. Delta has many names for a conflict; what counts is whether the table is still where it was.
    pub async fn failed(&self, error: DeltaTableError) -> Error {
        let error = own_error(&self.name, error);
        match self.refresh().await {
            Ok(now) if error.kind() == Kind::Lake && now.version() != self.version() => {
                error::conflict(&self.name).with_source(error)
            }
            _ => error,
        }
    }
}

/// An error that our own stream put into a plan comes back as what it was.
pub(crate) fn own_error(table: &TableName, error: DeltaTableError) -> Error {
    let own = chain(&error).find_map(|inner| inner.downcast_ref::<Error>()).map(Error::in_one);
    own.unwrap_or_else(|| lake_error(table, "written", error))
}
