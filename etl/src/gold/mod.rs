//! Gold: the star schema that reports read, built from silver by SQL models.
//!
//! The models are `etl/models/*.sql`, one SELECT each in the part of SQL that Spark shares, with `models.toml` beside them.
//!
//! | module | what it holds |
//! |---|---|
//! | `config` | what a tenant configures |
//! | `model` | the models and the contracts of their tables |
//! | `own` | the models of a user's project |
//! | `inputs`, `lookups`, `functions` | what the SELECTs read and call |
//! | `fact`, `affected`, `state` | which rows of a fact an incremental build looks at |
//! | `keys`, `dimension` | surrogate keys and the unknown member |
//! | `calendar`, `holidays` | the dimension of days |
//! | `check` | data tests of the rows, before they are committed |
//! | `lineage` | where columns come from |
//! | `write` | contract check, comparison and the write itself |

mod affected;
mod calendar;
mod check;
mod config;
mod dimension;
mod fact;
mod functions;
mod holidays;
mod inputs;
mod keys;
mod lineage;
mod lookups;
mod model;
mod own;
mod state;
mod withheld;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use chrono::{DateTime, Utc};
use connectwise_sdk::catalog::Entity;
use datafusion::prelude::{DataFrame, SessionContext};
use serde::Serialize;
use twox_hash::XxHash3_64;

pub use check::{Severity, TestResult};
pub use config::{AgreementRule, BEHAVIORS, GoldConfig, Holiday, HolidayCalendar};
pub use lineage::{Origin, lineage};
pub use own::OwnModels;

use crate::error::{Error, Kind, Result};
use crate::lake::{Commit, Lake, TableName};
use crate::silver::{Mode, TableReport};
use check::{Checks, Held};
use inputs::Inputs;
use keys::Keys;
use model::{Model, ModelKind};
use state::State;
use write::Run;

/// Mark that a gold commit leaves: which configuration it was built with.
const CONFIG_MARK: &str = "config";
/// Mark that a gold commit leaves: which models it was built with.
const MODELS_MARK: &str = "models";
/// Mark that a table leaves whose rows depend on the day: days since 1970.
const DAY_MARK: &str = "day";

/// What building the gold layer did.
#[derive(Debug, Clone, Serialize)]
pub struct GoldReport {
    /// Each table, in the order in which they were built.
    pub tables: Vec<TableReport>,
    /// What the data tests found, table by table, for tables whose rows were looked at.
    pub tests: Vec<TestResult>,
    /// Agreements whose type no classification rule matches, by type name. Empty when nothing had to be built.
    pub unmatched_agreement_types: BTreeMap<String, u64>,
}

/// Names of the gold tables, in the order in which they are built.
pub fn tables() -> Vec<&'static str> {
    static TABLES: LazyLock<Vec<(String, SchemaRef)>> = LazyLock::new(|| schemas().unwrap_or_default());
    TABLES.iter().map(|(name, _)| name.as_str()).collect()
}

/// The Arrow schema of a gold table, `None` when there is none of that name.
pub fn schema(table: &str) -> Option<SchemaRef> {
    schemas().ok()?.into_iter().find(|(name, _)| name == table).map(|(_, schema)| schema)
}

/// The Arrow schema of every gold table, by name, in the order in which they are built.
///
/// # Errors
/// [`Kind::Contract`] when the models' metadata can't be read.
pub fn schemas() -> Result<Vec<(String, SchemaRef)>> {
    let keys = std::iter::once((keys::TABLE.to_owned(), keys::schema()));
    let models = model::models()?;
    Ok(keys.chain(models.into_iter().filter(Model::is_table).map(|model| (model.name, model.schema))).collect())
}

/// Checks a configuration as far as that goes without a lakehouse: what [`GoldConfig::check`] does, and that each model of
/// the user's project can be planned and gives the columns that it declares.
///
/// # Errors
/// [`Kind::Usage`], one sentence that names the file.
pub async fn check(lake: &Lake, config: &GoldConfig) -> Result<()> {
    config.check()?;
    config.models.check(lake, config).await
}

/// Builds every gold table from the silver layer, each in one commit or none.
///
/// [`Mode::Full`] looks at every table and replaces those whose content differs. [`Mode::Incremental`] looks at those of
/// which an input, the configuration or a model changed, and merges the rows that differ; of a fact it looks at the rows
/// that the change can have reached and at no others. Either way a table whose content is what it was gets no new version,
/// and surrogate keys are those of earlier runs.
///
/// A model that can't be computed, whose rows break the contract of its table or fail a data test leaves its table as it
/// was and says so in the report ([`Outcome::Failed`](crate::silver::Outcome::Failed)); it stops those that read it and no
/// others. Running again goes on.
///
/// # Errors
/// [`Kind::Usage`] for a configuration that can't work, before anything is read. [`Kind::Contract`], [`Kind::Sql`] and
/// [`Kind::Lake`] when silver can't be read or isn't what its contract says.
pub async fn build(
    lake: &Lake,
    mode: Mode,
    run_id: &str,
    started: DateTime<Utc>,
    config: &GoldConfig,
) -> Result<GoldReport> {
    build_from(lake, crate::catalog::entities(), mode, run_id, started, config).await
}

async fn build_from(
    lake: &Lake,
    entities: &[Entity],
    mode: Mode,
    run_id: &str,
    started: DateTime<Utc>,
    config: &GoldConfig,
) -> Result<GoldReport> {
    let rules = config.classifier()?;
    config.models.check(lake, config).await?;
    let models = model::all(config)?;
    let inputs = Inputs::look(lake, &models).await?;
    if !inputs.any() {
        let tables = models.iter().filter(|model| model.is_table());
        let tables = tables.map(|model| TableReport::no_input(TableName::gold(&model.name))).collect();
        return Ok(GoldReport { tables, tests: Vec::new(), unmatched_agreement_types: BTreeMap::new() });
    }
    let fresh = check::freshness(lake, &models, started).await?;
    let run = Run { lake: lake.clone(), mode, id: run_id.to_owned(), started };
    let mut builder = Builder {
        run,
        config,
        models: &models,
        inputs,
        fingerprints: fingerprints(config)?,
        held: Held::new(),
        lookups: None,
        tests: Vec::new(),
    };
    let mut stale = Vec::new();
    for model in models.iter().filter(|model| model.is_table()) {
        if mode == Mode::Full || builder.is_stale(model).await? {
            stale.push(model.name.as_str());
        }
    }
    if stale.is_empty() {
        let mut tables = Vec::new();
        for model in models.iter().filter(|model| model.is_table()) {
            tables.push(builder.untouched(model).await?);
        }
        return Ok(GoldReport { tables, tests: fresh, unmatched_agreement_types: BTreeMap::new() });
    }
    let session = builder.session().await?;
    builder.inputs.register(lake, &session, entities).await?;
    lookups::register_all(&session, &rules, config, started).await?;
    let mut keys = Keys::load(lake).await?;
    let mut tables = Vec::new();
    let mut stopped: BTreeSet<&str> = BTreeSet::new();
    let mut own = models.iter().skip_while(|model| !model.own).peekable();
    for model in &models {
        let clock = Instant::now();
        if own.peek().is_some_and(|first| first.name == model.name) {
            // Built-in models look up keys only. Others may read everything.
            for done in models.iter().filter(|done| done.is_table() && !done.own) {
                builder.open(&session, done).await?;
            }
        }
        let built = match stopped.iter().find(|name| model.reads(name)) {
            Some(name) => {
                Err(Error::new(Kind::Contract, format!("{} reads {name}, which could not be built", model.name)))
            }
            None => builder.build(&session, model, stale.contains(&model.name.as_str()), &mut keys).await,
        };
        match built {
            Ok(report) => {
                if model.own && model.is_table() {
                    builder.open(&session, model).await?;
                }
                tables.extend(report.map(|report| report.took(clock)));
            }
            Err(error) => {
                tracing::error!(model = %model.name, error = %error.report(), "a gold model failed");
                stopped.insert(&model.name);
                if model.is_table() {
                    tables.push(TableReport::failed(TableName::gold(&model.name), &error).took(clock));
                }
            }
        }
    }
    let unmatched_agreement_types = lookups::unmatched(&session, &rules).await?;
    builder.tests.extend(fresh);
    Ok(GoldReport { tables, tests: builder.tests, unmatched_agreement_types })
}

/// What the models of one build have in common.
struct Builder<'a> {
    run: Run,
    config: &'a GoldConfig,
    models: &'a [Model],
    inputs: Inputs,
    /// Numbers that change with the configuration and with the models.
    fingerprints: [(&'static str, i64); 2],
    /// Keys of the dimensions that were built or read so far.
    held: Held,
    /// What the lookups say, noted before the first fact.
    lookups: Option<State>,
    tests: Vec<TestResult>,
}

impl Builder<'_> {
    async fn session(&self) -> Result<SessionContext> {
        let session = self.run.lake.session()?;
        functions::register(&session);
        // A fact is joined with many small tables. Only with more than one partition does the planner weigh sides by
        // size, and only below these limits does it hold the small one and stream the fact.
        let partitions = std::thread::available_parallelism().map_or(2, usize::from).max(2);
        for (option, value) in [
            ("datafusion.execution.target_partitions", partitions),
            ("datafusion.optimizer.hash_join_single_partition_threshold", 256 * 1024 * 1024),
            ("datafusion.optimizer.hash_join_single_partition_threshold_rows", 4_000_000),
        ] {
            session.sql(&format!("set {option} = {value}")).await.map_err(failed)?;
        }
        Ok(session)
    }

    /// The marks of a model's commit.
    fn marks(&self, model: &Model) -> Vec<(String, i64)> {
        let mut marks: Vec<_> = self.inputs.marks(model).collect();
        marks.extend(self.fingerprints.iter().map(|(mark, value)| ((*mark).to_owned(), *value)));
        if model.daily {
            marks.push((DAY_MARK.to_owned(), lookups::days(self.run.started).into()));
        }
        marks
    }

    /// Whether anything that the rows depend on is other than the last commit saw it.
    async fn is_stale(&self, model: &Model) -> Result<bool> {
        let table = TableName::gold(&model.name);
        for (mark, value) in self.marks(model) {
            if self.run.lake.mark(&table, &mark).await? != Some(value) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn untouched(&self, model: &Model) -> Result<TableReport> {
        let table = TableName::gold(&model.name);
        let version = self.run.lake.state(&table).await?.map_or(0, |state| state.version);
        Ok(TableReport::unchanged(table, version))
    }

    /// Builds one model, or makes what is stored of it readable for those that follow.
    async fn build(
        &mut self,
        session: &SessionContext,
        model: &Model,
        is_stale: bool,
        keys: &mut Keys,
    ) -> Result<Option<TableReport>> {
        let commit = self
            .marks(model)
            .into_iter()
            .fold(Commit::new(&self.run.id), |commit, (mark, value)| commit.mark(mark, value));
        match model.kind {
            ModelKind::View => {
                let view = session.sql(&model.sql).await.map_err(|error| in_model(model, error))?.into_view();
                session.register_table(model.name.as_str(), view).map_err(failed)?;
                Ok(None)
            }
            ModelKind::Lookup => {
                let frame = session.sql(&model.sql).await.map_err(|error| in_model(model, error))?;
                let schema = frame.schema().inner().clone();
                let batches = frame.collect().await.map_err(|error| in_model(model, error))?;
                let batch = arrow::compute::concat_batches(&schema, &batches).map_err(|error| {
                    Error::new(Kind::Contract, format!("{} can't be held", model.name)).with_source(error)
                })?;
                lookups::register(session, &model.name, batch)?;
                Ok(None)
            }
            ModelKind::Fact if is_stale => self.fact(session, model, commit).await.map(Some),
            ModelKind::Fact => self.untouched(model).await.map(Some),
            ModelKind::Dimension | ModelKind::Calendar => {
                let report = if is_stale {
                    let batch = if model.kind == ModelKind::Calendar {
                        calendar::rows(&model.schema, self.config, &calendar::used_days(session).await?)?
                    } else {
                        let frame = session.sql(&model.sql).await.map_err(|error| in_model(model, error))?;
                        let selected =
                            write::conform(model, frame)?.collect().await.map_err(|error| in_model(model, error))?;
                        let batch = dimension::rows(model, keys, &selected)?;
                        keys.save(&self.run.lake, session, &self.run.id, self.run.started).await?;
                        batch
                    };
                    let frame = session.read_batch(batch).map_err(failed)?;
                    self.write(session, model, frame, &commit).await?
                } else {
                    self.untouched(model).await?
                };
                self.hold(session, model).await?;
                Ok(Some(report))
            }
        }
    }

    /// Tests the rows and writes them; what the tests found is kept either way.
    async fn write(
        &mut self,
        session: &SessionContext,
        model: &Model,
        frame: DataFrame,
        commit: &Commit,
    ) -> Result<TableReport> {
        let checks = Checks::of(session, model, &self.held).await?;
        let report = self.run.write(session, model, frame, &checks, commit).await;
        self.finish(session, model, &checks, report).await
    }

    async fn finish(
        &mut self,
        session: &SessionContext,
        model: &Model,
        checks: &Checks,
        report: Result<TableReport>,
    ) -> Result<TableReport> {
        self.tests.extend(checks.results());
        let report = report?;
        if !model.tests.faults.is_empty() {
            self.open(session, model).await?;
            self.tests.push(check::faults(session, model).await?);
        }
        Ok(report)
    }

    /// Makes a stored table readable under its own name, all of its columns.
    async fn open(&self, session: &SessionContext, model: &Model) -> Result<()> {
        session.deregister_table(model.name.as_str()).map_err(failed)?;
        self.run.lake.register(session, &model.name, &TableName::gold(&model.name)).await.map(|_| ())
    }

    /// Holds the keys of a stored dimension for the facts that look them up.
    async fn hold(&mut self, session: &SessionContext, model: &Model) -> Result<()> {
        let stored = format!("{}_stored", model.name);
        self.run.lake.register(session, &stored, &TableName::gold(&model.name)).await?;
        let frame =
            session.sql(&format!("select `{}`, `{}` from {stored}", model.key, model.natural)).await.map_err(failed)?;
        let schema = frame.schema().inner().clone();
        let batches = frame.collect().await.map_err(failed)?;
        let batch = arrow::compute::concat_batches(&schema, &batches).map_err(|error| {
            Error::new(Kind::Contract, format!("the keys of {} can't be held", model.name)).with_source(error)
        })?;
        session.deregister_table(stored).map_err(failed)?;
        let keys = cast(batch.column(0), &DataType::Int64).map_err(|error| {
            Error::new(Kind::Contract, format!("the keys of {} are no integers", model.name)).with_source(error)
        })?;
        let keys = Arc::new(keys.as_primitive::<Int64Type>().iter().flatten().collect());
        self.held.insert(model.key.clone(), (model.name.clone(), keys));
        lookups::register(session, &model.name, batch)
    }
}

/// Numbers that change with the configuration and with the models.
fn fingerprints(config: &GoldConfig) -> Result<[(&'static str, i64); 2]> {
    let text = serde_json::to_string(config).map_err(|error| {
        Error::new(Kind::Config, "the gold configuration can't be written as JSON").with_source(error)
    })?;
    let number = |text: String| i64::from_ne_bytes(XxHash3_64::oneshot(text.as_bytes()).to_ne_bytes());
    let mut models: String = model::texts().collect();
    models.extend(config.models.texts());
    Ok([(CONFIG_MARK, number(text)), (MODELS_MARK, number(models))])
}

fn failed(error: datafusion::error::DataFusionError) -> Error {
    Error::new(Kind::Sql, "the gold layer can't be computed").with_source(error)
}

fn in_model(model: &Model, error: datafusion::error::DataFusionError) -> Error {
    Error::new(Kind::Sql, format!("the model {} can't be computed", model.name)).with_source(error)
}
