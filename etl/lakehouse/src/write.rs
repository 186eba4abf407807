//! The two ways in which rows come into a table, each one Delta commit.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::prelude::{DataFrame, SessionContext};
use deltalake::DeltaTable;
use deltalake::kernel::Transaction;
use deltalake::kernel::transaction::CommitProperties;
use deltalake::operations::write::SchemaMode;
use deltalake::protocol::SaveMode;
use futures::TryStreamExt;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::demands::demands;
use super::patch::same_schema;
use super::store::lake_error;
use super::trust::{Basis, UPON};
use super::{Lake, Layer, Source, TableName};
use crate::error::{Error, Kind, Result};

/// A merge copies every file it touches, so files are kept small enough that a change touches few bytes.
pub(super) const TARGET_FILE_BYTES: Option<NonZeroU64> = NonZeroU64::new(16 * 1024 * 1024);

/// What goes into a commit beside the rows.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    run_id: String,
    marks: BTreeMap<String, i64>,
    notes: BTreeMap<String, serde_json::Value>,
    base: Option<Option<u64>>,
    doubtful: bool,
    basis: Option<Basis>,
}

impl Commit {
    /// A commit of one run.
    pub fn new(run_id: impl Into<String>) -> Self {
        Self { run_id: run_id.into(), ..Self::default() }
    }

    /// Leaves a number with the data, readable by [`Lake::mark`] ever after: a watermark, or the version of an input.
    #[must_use]
    pub fn mark(mut self, name: impl Into<String>, value: i64) -> Self {
        self.marks.insert(name.into(), value);
        self
    }

    /// Leaves a fact in the table's history, for people.
    #[must_use]
    pub fn note(mut self, name: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.notes.insert(name.into(), value.into());
        self
    }

    /// Makes the commit the one right behind `version` (`None`: the table's first), or none at all. What was compared or
    /// read since that version then still holds when the rows arrive; otherwise the write is a [`Kind::Conflict`].
    #[must_use]
    pub fn upon(mut self, version: Option<u64>) -> Self {
        self.base = Some(version);
        self
    }

    /// Says that the commit is made upon rows that aren't believed and stay: the table is doubtful ever after, until a whole
    /// new content is put in place.
    #[must_use]
    pub fn doubtful(mut self, doubtful: bool) -> Self {
        self.doubtful = doubtful;
        self
    }

    /// The commit as one that changes some rows of a version.
    pub(super) fn onto(&self, version: u64) -> Self {
        let believed = Basis::Version(self.base.flatten().unwrap_or(version));
        Self { basis: Some(if self.doubtful { Basis::Doubtful } else { believed }), ..self.clone() }
    }

    /// The commit as one that puts a whole new content in place.
    pub(super) fn anew(&self) -> Self {
        Self { basis: Some(Basis::Nothing), ..self.clone() }
    }

    pub(super) fn marks(&self) -> &BTreeMap<String, i64> {
        &self.marks
    }

    pub(super) fn properties(&self) -> CommitProperties {
        let mut facts = self.notes.clone();
        facts.insert("etlRunId".to_owned(), self.run_id.clone().into());
        facts.extend(self.basis.map(|basis| (UPON.to_owned(), basis.written())));
        let properties = CommitProperties::default().with_metadata(facts).with_application_transactions(
            self.marks.iter().map(|(name, value)| Transaction::new(name, *value)).collect(),
        );
        // Delta would move a commit behind others that it takes for harmless; here they may hold newer rows.
        if self.base.is_some() { properties.with_max_retries(0) } else { properties }
    }

    pub(super) fn check(&self, table: &TableName, version: Option<u64>) -> Result<()> {
        match self.base {
            Some(base) if base != version => Err(conflict(table)),
            _ => Ok(()),
        }
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
    /// Delta version that the table is at.
    pub version: u64,
    /// Whether there is a new version.
    pub committed: bool,
}

impl Lake {
    /// Puts `source` in place of all rows of a table, creating it where needed. When the source fails, nothing changes.
    ///
    /// The table's schema becomes `schema`, and partitions, mappings and constraints that somebody gave it are gone; names and order of the source's columns have to be the same.
    ///
    /// # Errors
    /// [`Kind::Contract`] when the source's columns aren't those of `schema`, the source's own error when its stream
    /// fails, else [`Kind::Lake`].
    pub async fn replace(
        &self,
        table: &TableName,
        schema: &SchemaRef,
        source: Source,
        session: &SessionContext,
        commit: &Commit,
    ) -> Result<Written> {
        let frame = conform(table, schema, source)?;
        self.before_write(table).await?;
        let delta = self.load(table).await?;
        let before = delta.version();
        commit.check(table, before)?;
        self.writable(table, &delta)?;
        // Bronze is what nothing else can be held against, so its files carry checksums.
        if demands(&delta).is_some() || table.layer == Layer::Bronze {
            return self.replace_by_files(table, schema, frame, commit).await;
        }
        self.begin(table, &delta).await?;
        let commit = &commit.anew();
        let mut write = delta
            .write(Vec::new())
            .with_input_plan(frame.into_unoptimized_plan())
            .with_session_state(Arc::new(session.state()))
            .with_save_mode(SaveMode::Overwrite)
            .with_target_file_size(TARGET_FILE_BYTES)
            .with_writer_properties(writer_properties())
            .with_commit_properties(commit.properties());
        if before.is_some() {
            write = write.with_schema_mode(SchemaMode::Overwrite);
        }
        let delta = match write.await {
            Ok(delta) => delta,
            Err(error) => return Err(self.failed(table, commit, error).await),
        };
        self.begun(table, before).await;
        let inserted = self.row_count(table).await?;
        let version = version(&delta);
        Ok(Written { inserted, version, committed: before != delta.version(), ..Written::default() })
    }

    /// Writes the rows into files first: Delta's own overwrite keeps partitions, mappings and constraints, and knows no
    /// checksums.
    async fn replace_by_files(
        &self,
        table: &TableName,
        schema: &SchemaRef,
        frame: DataFrame,
        commit: &Commit,
    ) -> Result<Written> {
        let unfit = |error| {
            Error::new(Kind::Contract, format!("the rows for {table} are not what its contract declares"))
                .with_source(error)
        };
        let mut writer = self.part_writer(table, schema, "").await?;
        let mut parts = Vec::new();
        let failed = |error: DataFusionError| unwrap_source(table, error.into());
        let mut rows = frame.execute_stream().await.map_err(failed)?;
        while let Some(batch) = rows.try_next().await.map_err(failed)? {
            let fitted = batch.columns().iter().zip(schema.fields());
            let fitted = fitted.map(|(column, field)| cast(column, field.data_type())).collect::<Result<_, _>>();
            let batch = RecordBatch::try_new(schema.clone(), fitted.map_err(unfit)?).map_err(unfit)?;
            writer.write(&batch)?;
            if writer.is_full() {
                parts.extend(writer.finish().await?);
            }
        }
        parts.extend(writer.finish().await?);
        self.swap(table, schema, &parts, commit).await
    }

    /// Delta has many names for a conflict. What counts is whether the table is still where it was.
    pub(super) async fn failed(&self, table: &TableName, commit: &Commit, error: deltalake::DeltaTableError) -> Error {
        let error = unwrap_source(table, error);
        match (commit.base, self.state(table).await) {
            (Some(base), Ok(state)) if error.kind() == Kind::Lake && state.as_ref().map(|at| at.version) != base => {
                conflict(table).with_source(error)
            }
            _ => error,
        }
    }
}

fn conflict(table: &TableName) -> Error {
    Error::new(Kind::Conflict, format!("{table} was changed by another run meanwhile, so nothing was written to it"))
}

/// Delta casts and MERGE drops without a word, so what is written is checked against the contract first.
pub(super) fn conform(table: &TableName, schema: &SchemaRef, source: Source) -> Result<DataFrame> {
    let frame = source.into_frame();
    let found = frame.schema().as_arrow();
    if same_schema(found, schema) {
        return Ok(frame);
    }
    let difference = schema
        .fields()
        .iter()
        .zip(found.fields().iter().map(Some).chain(std::iter::repeat(None)))
        .find(|(wanted, found)| {
            found.is_none_or(|found| {
                found.name() != wanted.name() || !found.data_type().equals_datatype(wanted.data_type())
            })
        })
        .map_or_else(
            || format!("there are {} columns, and {} are declared", found.fields().len(), schema.fields().len()),
            |(wanted, found)| match found {
                Some(found) => format!(
                    "{} {} stands where {} {} is declared",
                    found.name(),
                    found.data_type(),
                    wanted.name(),
                    wanted.data_type()
                ),
                None => format!("{} is missing", wanted.name()),
            },
        );
    Err(Error::new(Kind::Contract, format!("the rows for {table} are not what its contract declares: {difference}")))
}

pub(super) fn version(delta: &DeltaTable) -> u64 {
    delta.version().unwrap_or_default()
}

pub(super) fn writer_properties() -> WriterProperties {
    WriterProperties::builder().set_compression(Compression::SNAPPY).build()
}

/// An error that our own stream put into a plan comes back as what it was.
fn unwrap_source(table: &TableName, error: deltalake::DeltaTableError) -> Error {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(inner) = next {
        if let Some(own) = inner.downcast_ref::<Error>() {
            let kind = own.kind();
            return Error::new(kind, own.report());
        }
        next = inner.source();
    }
    lake_error(table, "written", error)
}
