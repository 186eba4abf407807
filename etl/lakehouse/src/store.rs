//! Opening the lakehouse, its tables and sessions over them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::SessionContext;
use deltalake::delta_datafusion::DeltaSessionContext;
use deltalake::{DeltaTable, DeltaTableError};
use twox_hash::XxHash3_64;
use url::Url;

use super::damage::LOG;
use super::memory::Memory;
use super::{TableName, WriteGuard, location};
use crate::error::{Error, Kind, Result};
use crate::shortage::{full_disk, shortage};

/// A lakehouse: a folder on an object store that holds `bronze/`, `silver/`, `gold/` and `etl/`.
#[derive(Debug, Clone)]
pub struct Lake {
    root: Url,
    /// Who is asked before a table is written.
    pub(super) guard: Option<Arc<dyn WriteGuard>>,
    /// Settings of the store that the environment doesn't have.
    options: Arc<HashMap<String, String>>,
    memory: Option<Arc<Memory>>,
}

/// What a table is at, read from its log only.
#[derive(Debug, Clone)]
pub struct TableState {
    /// Newest Delta version.
    pub version: u64,
    /// A number that is another one when the table was made anew, so that its versions begin again.
    pub identity: i64,
    /// Columns as Arrow types.
    pub schema: SchemaRef,
}

impl Lake {
    /// A lakehouse at a local path or the URL of a store that is built in: `file://`, or Azure's `abfss://` and its kin.
    /// Nothing is touched.
    ///
    /// # Errors
    /// [`Kind::Config`] when the text is neither.
    pub fn open(location: &str) -> Result<Self> {
        Ok(Self { root: location::root(location)?, guard: None, options: Arc::default(), memory: None })
    }

    /// The same lakehouse, whose store takes these settings beside those of the process's environment.
    #[must_use]
    pub fn with_options(mut self, options: HashMap<String, String>) -> Self {
        self.options = Arc::new(options);
        self
    }

    /// The same lakehouse, whose guard is asked before a table is written.
    #[must_use]
    pub fn guarded(&self, guard: Arc<dyn WriteGuard>) -> Self {
        Self { guard: Some(guard), ..self.clone() }
    }

    /// Lets queries, models and loads take so much memory together, in place of half of what this machine or its control group
    /// has. What has no room is written to temporary files, or fails.
    ///
    /// # Errors
    /// [`Kind::Io`] when there is no place for temporary files.
    pub fn with_memory(self, bytes: u64) -> Result<Self> {
        Ok(Self { memory: Some(Arc::new(Memory::of(bytes)?)), ..self })
    }

    /// The same lakehouse with memory that a test prepared.
    #[cfg(test)]
    pub(super) fn sharing(self, memory: Memory) -> Self {
        Self { memory: Some(Arc::new(memory)), ..self }
    }

    /// Where the lakehouse is.
    pub fn root(&self) -> &Url {
        &self.root
    }

    pub(super) fn url(&self, table: &TableName) -> Result<Url> {
        table.check()?;
        self.root.join(&format!("{}/{}/", table.layer, table.name)).map_err(|error| {
            Error::new(Kind::Config, format!("{table} has no place in {}", self.root)).with_source(error)
        })
    }

    /// Opens a table at its newest version, or a handle on the empty place where it will be.
    pub(super) async fn load(&self, table: &TableName) -> Result<DeltaTable> {
        let url = self.url(table)?;
        // A local store refuses to list a folder that doesn't exist, which a first run would meet.
        if let Ok(path) = url.to_file_path() {
            std::fs::create_dir_all(&path).map_err(|error| {
                Error::new(Kind::Io, format!("the folder of {table} can't be made at {}", path.display()))
                    .with_source(error)
            })?;
        }
        let options = self.options.as_ref().clone();
        let opened = DeltaTable::try_from_url_with_storage_options(url, options).await;
        opened.map_err(|error| lake_error(table, "opened", error))
    }

    /// Whether the place of a local table exists, so that reading doesn't create folders. A place that can't be looked at is
    /// an error: the table may be there.
    pub(super) fn may_exist(&self, table: &TableName) -> Result<bool> {
        self.has_place(table, LOG)
    }

    /// Whether a local table has a folder, or may have one elsewhere.
    ///
    /// # Errors
    /// [`Kind::Io`] when the place can't be looked at: the table may be there.
    pub fn has_folder(&self, table: &TableName) -> Result<bool> {
        self.has_place(table, "")
    }

    fn has_place(&self, table: &TableName, below: &str) -> Result<bool> {
        let Ok(path) = self.url(table)?.to_file_path() else { return Ok(true) };
        path.join(below).try_exists().map_err(|error| {
            let place = path.display();
            let message =
                format!("{table} can't be read: let this user read and enter {place}, and all folders above it");
            Error::new(Kind::Io, message).with_source(error)
        })
    }

    /// What the table is at, or `None` when there is no such table yet.
    ///
    /// # Errors
    /// [`Kind::Lake`] when the store can't be read, the table has features that can't be read here, or its log was lost.
    pub async fn state(&self, table: &TableName) -> Result<Option<TableState>> {
        if self.may_exist(table)? {
            let delta = self.load(table).await?;
            if let Some(version) = delta.version() {
                return state_of(table, &delta, version).map(Some);
            }
        }
        self.never_was(table).await.map(|()| None)
    }

    /// Newest Delta version of a table, or `None` when there is no such table yet.
    ///
    /// # Errors
    /// As [`Lake::state`].
    pub async fn version(&self, table: &TableName) -> Result<Option<u64>> {
        Ok(self.state(table).await?.map(|state| state.version))
    }

    /// A number that an earlier commit left with its data under `mark` (see [`Commit::mark`](super::Commit::mark)).
    ///
    /// # Errors
    /// [`Kind::Lake`] when the log can't be read.
    pub async fn mark(&self, table: &TableName, mark: &str) -> Result<Option<i64>> {
        if !self.may_exist(table)? {
            return Ok(None);
        }
        let delta = self.load(table).await?;
        let Ok(state) = delta.snapshot() else { return Ok(None) };
        let log = delta.log_store();
        state.transaction_version(log.as_ref(), mark).await.map_err(|error| lake_error(table, "read", error))
    }

    /// A DataFusion session as this project needs it: names keep their case, time is UTC, text is `Utf8`.
    ///
    /// # Errors
    /// [`Kind::Sql`] when the session can't be configured.
    pub fn session(&self) -> Result<SessionContext> {
        let memory = self.memory.clone().map_or_else(Memory::shared, Ok)?;
        let overrides: HashMap<String, String> = [
            ("datafusion.execution.time_zone", "UTC"),
            ("datafusion.execution.parquet.schema_force_view_types", "false"),
            ("datafusion.sql_parser.map_string_types_to_utf8view", "false"),
            ("datafusion.sql_parser.parse_float_as_decimal", "true"),
            ("datafusion.execution.sort_spill_reservation_bytes", &memory.sort_reserve().to_string()),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
        let delta = DeltaSessionContext::new_with_session_overrides(&overrides)
            .map_err(|error| Error::new(Kind::Sql, "the SQL session can't be configured").with_source(error))?;
        let state = SessionStateBuilder::new_from_existing(delta.state());
        Ok(SessionContext::new_with_state(state.with_runtime_env(memory.environment()?).build()))
    }

    /// Makes a table readable in a session under `alias`. False when there is no such table.
    ///
    /// # Errors
    /// [`Kind::Lake`] when the table can't be read.
    pub async fn register(&self, session: &SessionContext, alias: &str, table: &TableName) -> Result<bool> {
        if self.state(table).await?.is_none() {
            return Ok(false);
        }
        self.register_at(session, alias, table, None).await?;
        Ok(true)
    }

    /// Makes a table readable as it was at a version, or as it is.
    ///
    /// # Errors
    /// [`Kind::Lake`] when the table can't be read.
    pub async fn register_at(
        &self,
        session: &SessionContext,
        alias: &str,
        table: &TableName,
        version: Option<u64>,
    ) -> Result<()> {
        let mut delta = self.load(table).await?;
        if let Some(version) = version.filter(|version| delta.version() != Some(*version)) {
            delta.load_version(version).await.map_err(|error| lake_error(table, "read", error))?;
        }
        let provider = delta.table_provider().await.map_err(|error| {
            Error::new(Kind::Lake, format!("{table} can't be read")).about(table).with_source(error)
        })?;
        delta.update_datafusion_session(&session.state()).map_err(|error| lake_error(table, "read", error))?;
        session.register_table(datafusion::common::TableReference::bare(alias), provider).map_err(|error| {
            Error::new(Kind::Sql, format!("{table} can't be registered as {alias}")).with_source(error)
        })?;
        Ok(())
    }

    /// Rows of the newest version of a table, none when there is no table.
    ///
    /// # Errors
    /// [`Kind::Lake`] when the log can't be read.
    pub async fn row_count(&self, table: &TableName) -> Result<u64> {
        let session = self.session()?;
        if !self.register(&session, "t", table).await? {
            return Ok(0);
        }
        let frame = session.table("t").await.map_err(sql_error)?;
        Ok(frame.count().await.map_err(sql_error)? as u64)
    }
}

/// An error of DataFusion as one sentence: what the parser, the planner or the run said, or what was used up.
pub fn sql_error(error: DataFusionError) -> Error {
    if let Some(why) = shortage(&error) {
        return Error::new(Kind::Sql, format!("the query failed: {why}"));
    }
    if let Some(why) = full_disk(&error) {
        return Error::new(Kind::Sql, format!("the query failed: {why}"));
    }
    // DataFusion wraps and repeats itself; what the parser or the planner said is at the bottom.
    let reason = match error.find_root() {
        DataFusionError::SQL(parser, _) => parser.to_string(),
        root => root.strip_backtrace(),
    };
    Error::new(Kind::Sql, format!("the query failed: {reason}"))
}

/// What an opened table is at.
pub(super) fn state_of(table: &TableName, delta: &DeltaTable, version: u64) -> Result<TableState> {
    let state = delta.snapshot().map_err(|error| lake_error(table, "read", error))?;
    let identity = i64::from_ne_bytes(XxHash3_64::oneshot(state.metadata().id().as_bytes()).to_ne_bytes());
    Ok(TableState { version, identity, schema: state.snapshot().arrow_schema() })
}

pub(super) fn lake_error(table: &TableName, verb: &str, error: DeltaTableError) -> Error {
    Error::new(Kind::Lake, format!("{table} can't be {verb}")).about(table).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::super::Layer;
    use super::*;

    #[cfg(unix)]
    #[tokio::test]
    async fn a_place_that_cannot_be_looked_at_is_no_missing_table() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(folder.path().to_str().unwrap()).unwrap();
        let table = TableName::bronze("member");
        assert!(lake.state(&table).await.unwrap().is_none(), "nothing is there");
        // A link to itself fails for every user, as a folder without permission does for all but root.
        std::os::unix::fs::symlink("bronze", folder.path().join("bronze")).unwrap();
        for error in [lake.state(&table).await.unwrap_err(), lake.mark(&table, "x").await.unwrap_err()] {
            assert_eq!(error.kind(), Kind::Io);
            let text = error.to_string();
            assert!(
                text.starts_with("bronze/bronze_cw_member can't be read: let this user read and enter /"),
                "{text}"
            );
        }
    }

    #[test]
    fn names_are_folders() {
        assert_eq!(TableName::bronze("timeentry").to_string(), "bronze/bronze_cw_timeentry");
        assert_eq!(TableName::gold("dimdate").to_string(), "gold/dimdate");
        assert_eq!("GOLD".parse::<Layer>().unwrap(), Layer::Gold);
        assert!("lead".parse::<Layer>().unwrap_err().is_usage());
    }
}
