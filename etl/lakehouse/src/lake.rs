//! A lakehouse and its tables: what a table is, and how it is read. What is written to one is in the files beside this.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use bytes::Bytes;
use connectwise_compute::{Memory, session};
use datafusion::common::TableReference;
use datafusion::prelude::SessionContext;
use deltalake::delta_datafusion::TableProviderBuilder;
use deltalake::logstore::StorageConfig;
use deltalake::table::state::DeltaTableState;
use deltalake::{DeltaTable, DeltaTableBuilder};
use futures::future::BoxFuture;
use object_store::ObjectStore;
use tokio::sync::OnceCell;
use twox_hash::XxHash3_64;
use url::Url;

use crate::error::{self, Error, Result, lake_error, sql_error};
use crate::log_stores;
use connectwise_storage::objects::LOG;
use connectwise_storage::{Layout, TableName};
use connectwise_storage::{StoreOptions, store, try_condition};

/// A lakehouse: a folder on an object store that holds `bronze/`, `silver/`, `gold/` and `etl/`.
#[derive(Debug, Clone)]
pub struct Lake {
    root: Url,
    layout: Layout,
    /// Tables that are stored under other names than they are known by.
    stored_names: Arc<BTreeMap<TableName, String>>,
    /// Decides before each write to a table whether it is allowed.
    guard: Option<Arc<dyn WriteGuard>>,
    /// The store of a lakehouse that isn't on this machine, for all of its tables.
    store: Option<Arc<dyn ObjectStore>>,
    /// Whether that store was tried before something is written to it.
    tried: Arc<OnceCell<()>>,
    memory: Option<Arc<Memory>>,
}

impl Lake {
    /// A lakehouse at a local path, or at a URL that needs no credentials. Nothing is touched.
    ///
    /// # Errors
    /// As [`Lake::open_with`].
    pub fn open(location: &str) -> Result<Self> {
        Self::open_with(location, &StoreOptions::default())
    }

    /// A lakehouse at a local path or the URL of a store: `file://`, Azure's `abfss://` and its kin, `s3://` or `gs://`, which is
    /// opened with these options and no others. Nothing is touched and nobody is asked.
    ///
    /// # Errors
    /// [`Kind::Config`](crate::error::Kind::Config) when the text is neither, and when the options hold no credentials for the store.
    pub fn open_with(location: &str, options: &StoreOptions) -> Result<Self> {
        let root = connectwise_storage::root(location)?;
        log_stores::register();
        let retry = StorageConfig::from_iter(options.settings()).retry;
        let store = store(&root, options, retry)?;
        let (layout, stored_names, tried) = (Layout::default(), Arc::default(), Arc::default());
        Ok(Self { root, layout, stored_names, guard: None, store, tried, memory: None })
    }

    /// The same lakehouse, whose tables are where this says.
    #[must_use]
    pub fn with_layout(self, layout: Layout) -> Self {
        Self { layout, ..self }
    }

    /// The same lakehouse, in which these tables are stored under other names, as reports that are bound to those want it. Queries and
    /// messages know them by their own.
    #[must_use]
    pub fn with_stored_names(self, names: BTreeMap<TableName, String>) -> Self {
        Self { stored_names: Arc::new(names), ..self }
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
    /// [`Kind::Io`](crate::error::Kind::Io) when there is no place for temporary files.
    pub fn with_memory(self, bytes: u64) -> Result<Self> {
        Ok(Self { memory: Some(Arc::new(Memory::of(bytes)?)), ..self })
    }

    /// Where the lakehouse is.
    pub fn root(&self) -> &Url {
        &self.root
    }

    /// Where a table is.
    ///
    /// # Errors
    /// [`Kind::Usage`](crate::error::Kind::Usage) when its name is none.
    pub fn url(&self, table: &TableName) -> Result<Url> {
        let other = self.stored_names.get(table).map(|name| TableName { layer: table.layer, name: name.clone() });
        let stored = other.as_ref().unwrap_or(table);
        stored.check()?;
        let joined = self.root.join(&self.layout.folder(stored));
        joined.map_err(|error| Error::no_place(table, &self.root).with_source(error))
    }

    /// The place of a table whose log wasn't looked at.
    ///
    /// # Errors
    /// As [`Lake::url`].
    pub fn unopened(&self, name: &TableName) -> Result<Table> {
        let delta = self.builder(name)?.build().map_err(|error| lake_error(name, "opened", error))?;
        Ok(Table { lake: self.clone(), name: name.clone(), delta, memo: Arc::default() })
    }

    /// Where the objects of a table are, whether its log can be read or not.
    ///
    /// # Errors
    /// As [`Lake::url`].
    pub fn objects(&self, name: &TableName) -> Result<Arc<dyn ObjectStore>> {
        let log = self.builder(name)?.build_storage();
        Ok(log.map_err(|error| lake_error(name, "opened", error))?.object_store(None))
    }

    fn builder(&self, name: &TableName) -> Result<DeltaTableBuilder> {
        let url = self.url(name)?;
        let builder = DeltaTableBuilder::from_url(url.clone()).map_err(|error| lake_error(name, "opened", error))?;
        Ok(match &self.store {
            Some(store) => builder.with_storage_backend(store.clone(), url),
            None => builder,
        })
    }

    /// Whether the place of a local table exists, so that reading doesn't create folders. A place that can't be looked at is
    /// an error: the table may be there.
    pub(super) fn may_exist(&self, table: &TableName) -> Result<bool> {
        self.has_place(table, LOG)
    }

    /// Whether a local table has a folder, or may have one elsewhere.
    ///
    /// # Errors
    /// [`Kind::Io`](crate::error::Kind::Io) when the place can't be looked at: the table may be there.
    pub fn has_folder(&self, table: &TableName) -> Result<bool> {
        self.has_place(table, "")
    }

    fn has_place(&self, table: &TableName, below: &str) -> Result<bool> {
        let Ok(path) = self.url(table)?.to_file_path() else { return Ok(true) };
        path.join(below).try_exists().map_err(|error| error::shut_folder(table, &path).with_source(error))
    }

    /// A DataFusion session as this project needs it: names keep their case, time is UTC, text is `Utf8`.
    ///
    /// # Errors
    /// [`Kind::Sql`](crate::error::Kind::Sql) when the session can't be configured.
    pub fn session(&self) -> Result<SessionContext> {
        self.memory.as_ref().map_or_else(session, |memory| memory.session())
    }
}

/// Decides whether tables may be written, for example by whose data a lakehouse holds.
pub trait WriteGuard: fmt::Debug + Send + Sync {
    /// Called before each write to a table. An error refuses the write, and is the source of the error that the write ends with.
    fn before_write<'a>(
        &'a self,
        lake: &'a Lake,
        table: &'a TableName,
    ) -> BoxFuture<'a, Result<(), Box<dyn std::error::Error + Send + Sync>>>;
}

/// A table, or the place of one that isn't there yet, with the snapshot that it was opened with.
///
/// Everything is read of this snapshot, however many versions follow it. What is written is written upon it: when the table has
/// moved on meanwhile, a write is a [`Kind::Conflict`](crate::error::Kind::Conflict) and changes nothing. [`Table::refresh`] gives the newest version.
#[derive(Debug, Clone)]
pub struct Table {
    pub(crate) lake: Lake,
    pub(crate) name: TableName,
    pub(crate) delta: DeltaTable,
    pub(crate) memo: Arc<Memo>,
}

/// What was asked of the log of a snapshot, which never changes.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    /// Whether the rows are marked ([`Table::is_untrusted`]).
    pub(crate) untrusted: OnceCell<bool>,
    /// The text of the newest commit.
    pub(crate) newest: OnceCell<Option<Bytes>>,
}

/// What a snapshot says of a table.
#[derive(Debug, Clone)]
pub struct TableState {
    /// Delta version.
    pub version: u64,
    /// A number that is another one when the table was made anew, so that its versions begin again.
    pub identity: i64,
    /// Columns as Arrow types.
    pub schema: SchemaRef,
}

impl Table {
    /// Layer and name.
    pub fn name(&self) -> &TableName {
        &self.name
    }

    /// The lakehouse that it is in.
    pub fn lake(&self) -> &Lake {
        &self.lake
    }

    /// Whether there is such a table.
    pub fn exists(&self) -> bool {
        self.version().is_some()
    }

    /// Version of the snapshot, `None` where there is no such table.
    pub fn version(&self) -> Option<u64> {
        self.delta.version()
    }

    /// Version, identity and columns, `None` where there is no such table.
    pub fn state(&self) -> Option<TableState> {
        let version = self.version()?;
        let snapshot = self.snapshot()?;
        let identity = i64::from_ne_bytes(XxHash3_64::oneshot(snapshot.metadata().id().as_bytes()).to_ne_bytes());
        Some(TableState { version, identity, schema: snapshot.snapshot().arrow_schema() })
    }

    /// Columns, `None` where there is no such table.
    pub fn schema(&self) -> Option<SchemaRef> {
        Some(self.snapshot()?.snapshot().arrow_schema())
    }

    /// Whether rows have columns that the table doesn't have. One that isn't there lacks none.
    pub(crate) fn lacks_columns(&self, rows: &Schema) -> bool {
        let Some(stored) = self.schema() else { return false };
        rows.fields().iter().any(|field| stored.field_with_name(field.name()).is_err())
    }

    /// The table as Delta's library knows it.
    pub fn delta(&self) -> &DeltaTable {
        &self.delta
    }

    /// What the log says of this version, `None` where there is no such table.
    pub fn snapshot(&self) -> Option<&DeltaTableState> {
        // The only error is that there is none.
        self.delta.snapshot().ok()
    }

    /// Where its objects are.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        self.delta.log_store().object_store(None)
    }

    /// The table with another snapshot.
    pub(crate) fn moved_to(&self, delta: DeltaTable) -> Self {
        Self { lake: self.lake.clone(), name: self.name.clone(), delta, memo: Arc::default() }
    }

    /// The table at an older version.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the log doesn't reach back that far.
    pub async fn at(&self, version: u64) -> Result<Self> {
        if self.version() == Some(version) {
            return Ok(self.clone());
        }
        let mut older = self.delta.clone();
        let loaded = older.load_version(version).await;
        loaded.map_err(|error| lake_error(&self.name, "read", error))?;
        Ok(self.moved_to(older))
    }

    /// The number that an earlier commit left under the name of an application (see
    /// [`Commit::transaction`](crate::Commit::transaction)).
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the log can't be read.
    pub async fn transaction(&self, application: &str) -> Result<Option<i64>> {
        let Some(snapshot) = self.snapshot() else { return Ok(None) };
        let log = self.delta.log_store();
        let found = snapshot.transaction_version(log.as_ref(), application).await;
        found.map_err(|error| lake_error(&self.name, "read", error))
    }

    /// The numbers of several applications, without those that there are none of.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the log can't be read.
    pub async fn transactions(&self, applications: &[String]) -> Result<BTreeMap<String, i64>> {
        let mut found = BTreeMap::new();
        for application in applications {
            if let Some(number) = self.transaction(application).await? {
                found.insert(application.clone(), number);
            }
        }
        Ok(found)
    }

    /// Makes the rows readable in a session under `alias`. False when there is no such table.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the table can't be read.
    pub async fn register(&self, session: &SessionContext, alias: &str) -> Result<bool> {
        if !self.exists() {
            return Ok(false);
        }
        self.provide(session, alias, self.delta.table_provider()).await?;
        Ok(true)
    }

    /// Registers a provider of this table in a session under `alias`.
    pub(crate) async fn provide(&self, session: &SessionContext, alias: &str, of: TableProviderBuilder) -> Result<()> {
        let provider = of.await.map_err(|error| self.unreadable().with_source(error))?;
        self.prepare(session)?;
        let registered = session.register_table(TableReference::bare(alias), provider);
        registered.map(drop).map_err(|error| error::unregistered(&self.name, alias).with_source(error))
    }

    /// The error of a table that can't be read.
    pub fn unreadable(&self) -> Error {
        error::unreadable(&self.name)
    }

    /// Lets a session read from the store of the table.
    pub(crate) fn prepare(&self, session: &SessionContext) -> Result<()> {
        let prepared = self.delta.update_datafusion_session(&session.state());
        prepared.map_err(|error| lake_error(&self.name, "read", error))
    }

    /// How many rows there are, 0 where there is no such table.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when a file can't be read.
    pub async fn row_count(&self) -> Result<u64> {
        let session = self.lake.session()?;
        if !self.register(&session, "t").await? {
            return Ok(0);
        }
        let frame = session.table("t").await.map_err(sql_error)?;
        Ok(frame.count().await.map_err(sql_error)? as u64)
    }

    /// To be called before anything of the table is written.
    pub(super) async fn before_write(&self) -> Result<()> {
        if let Some(guard) = &self.lake.guard {
            let refused = |error| error::guarded(&self.name).with_source(error);
            guard.before_write(&self.lake, &self.name).await.map_err(refused)?;
        }
        self.try_store().await
    }

    /// Whether the store keeps one commit from taking the place of another, which is found out once.
    pub(super) async fn try_store(&self) -> Result<()> {
        let Some(store) = &self.lake.store else { return Ok(()) };
        self.lake.tried.get_or_try_init(|| try_condition(&self.lake.root, store)).await.copied()
    }
}
