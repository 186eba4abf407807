//! Gold: the star schema that reports read, built from silver by SQL models.
//!
//! The models are in `etl/pipeline/models/`, one SELECT each in the part of SQL that Spark shares, with a file beside it that says what
//! becomes of the rows.
//!
//! | module | what it holds |
//! |---|---|
//! | `config` | what a tenant configures |
//! | `files` | the files of the built-in models |
//! | `model`, `metadata` | the models, and what is said of them: the contracts of their tables, their tests |
//! | `describe` | what the columns of their tables are, for people |
//! | `plan` | the order of the models |
//! | `own` | the models of a user's project |
//! | `declared`, `trial` | what is wrong with them, by their files and tried over empty tables |
//! | `inputs`, `lookups`, `functions` | what the SELECTs read and call |
//! | `zone` | the time zone in whose days instants are counted |
//! | `builder` | one build: how each kind of model is built |
//! | `engine`, `cluster` | who computes all rows of a fact: the session of the build, or a cluster that runs Spark SQL |
//! | `select`, `given` | one model over tables that somebody hands over, without a build |
//! | `fingerprints` | whether the configuration or a model changed since a table was built |
//! | `aggregates` | partial aggregates of tables, cached by their files |
//! | `fact`, `affected`, `lookup_state` | which rows of a fact an incremental build looks at |
//! | `keys`, `dimension` | surrogate keys and the unknown member |
//! | `calendar`, `holidays` | the dimension of days |
//! | `check` | data tests of the rows, before they are committed |
//! | `lineage` | where columns come from |
//! | `doubts` | which tables others changed, and what becomes of the keys then |
//! | `write` | contract check, comparison and the write itself |

mod affected;
mod aggregates;
mod builder;
mod calendar;
mod check;
mod cluster;
mod config;
mod declared;
mod describe;
mod dimension;
mod doubts;
mod engine;
mod fact;
mod files;
mod fingerprints;
mod functions;
mod given;
mod holidays;
mod inputs;
mod key_set;
mod keys;
mod lineage;
mod lookup_state;
mod lookups;
mod metadata;
mod model;
mod own;
mod plan;
mod select;
mod trial;
mod withheld;
mod write;
mod zone;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use connectwise_lakehouse::{Lake, Table, TableName, as_conflict, retry_on_conflict};
use serde::Serialize;

use crate::error::{Error, Kind, Result};
use crate::opened::Opened;
use crate::telemetry::build::{BuildOutcome, Mode, TableReport};
pub use crate::telemetry::{Severity, TestResult};
use aggregates::AggregateCache;
use builder::Builder;
use check::HeldKeys;
pub use cluster::{Cluster, ClusterQuery, ClusterTable};
pub use config::{AgreementRule, BEHAVIORS, GoldConfig, Holiday, HolidayCalendar};
pub use describe::descriptions;
use fingerprints::Fingerprints;
use inputs::Inputs;
pub use lineage::{Origin, lineage};
use model::Model;
pub use own::OwnModels;
pub use plan::{Planned, plan};
pub use select::select;
use write::GoldRun;

/// Name of a stored table within the session of a build. No model can be called like it.
const STORED: &str = "__stored_table";
/// Mark that a gold commit leaves: which configuration it was built with.
const CONFIG: &str = "config";
/// Mark that a gold commit leaves: which models it was built with.
const MODELS: &str = "models";
/// Mark that a table leaves whose rows depend on the day: days since 1970.
const DAY: &str = "day";

/// What building the gold layer did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct GoldReport {
    /// Each table, in the order in which they were built.
    pub tables: Vec<TableReport>,
    /// What the data tests found, table by table, for tables whose rows were looked at.
    pub tests: Vec<TestResult>,
    /// Agreements whose type no classification rule matches or, without rules, of which nothing says how they are billed, by type
    /// name. Empty when nothing had to be built.
    pub unmatched_agreement_types: BTreeMap<String, u64>,
}

impl GoldReport {
    /// The report of a build that started over, with the tables that were written before it did.
    fn after(mut self, before: Self) -> Self {
        for table in &mut self.tables {
            let earlier = before.tables.iter().rev().find(|earlier| earlier.table == table.table);
            if let Some(earlier) = earlier.filter(|_| table.outcome == BuildOutcome::Unchanged) {
                *table = earlier.clone();
            }
        }
        let missing =
            |test: &TestResult| self.tests.iter().all(|known| (&known.table, &known.test) != (&test.table, &test.test));
        let earlier: Vec<TestResult> = before.tests.into_iter().filter(missing).collect();
        self.tests.extend(earlier);
        self
    }

    /// Takes over what a build wrote before another run was faster.
    fn keep(&mut self, tables: Vec<TableReport>, tests: Vec<TestResult>) {
        let written: Vec<TableReport> =
            tables.into_iter().filter(|report| report.outcome == BuildOutcome::Written).collect();
        self.tests.extend(tests.into_iter().filter(|test| written.iter().any(|report| report.table == test.table)));
        self.tables.extend(written);
    }
}

/// Names of the gold tables, in the order in which they are built.
///
/// # Errors
/// [`Kind::Contract`] when the models' metadata can't be read.
pub fn tables() -> Result<Vec<&'static str>> {
    let models = model::models()?.iter().filter(|model| model.is_table());
    Ok(std::iter::once(keys::TABLE).chain(models.map(|model| model.name.as_str())).collect())
}

/// The names under which a lakehouse stores facts, where a configuration says others than their own
/// ([`Lake::with_stored_names`]).
///
/// # Errors
/// [`Kind::Usage`] for a prefix that makes no names of tables, and where a model of the user's project has one of them.
pub fn stored_names(config: &GoldConfig) -> Result<BTreeMap<TableName, String>> {
    let prefix = &config.fact_prefix;
    if prefix.is_empty() {
        return Ok(BTreeMap::new());
    }
    let facts = tables()?.into_iter().filter(|name| name.starts_with("fact_"));
    let names = facts.map(|name| (TableName::gold(name), format!("{prefix}{name}"))).collect::<BTreeMap<_, _>>();
    let own: Vec<TableName> = config.models.tables().collect();
    for stored in names.values() {
        if !TableName::is_name(stored) {
            return Err(Error::fact_prefix(prefix));
        }
        if own.iter().any(|own| own.name.eq_ignore_ascii_case(stored)) {
            return Err(Error::taken_fact_name(prefix, stored));
        }
    }
    Ok(names)
}

/// The table of the keys that dimensions gave.
pub(crate) fn keys_table() -> TableName {
    TableName::gold(keys::TABLE)
}

/// Tables in which builds remember what they have computed.
pub(crate) fn remembered() -> [TableName; 2] {
    [lookup_state::table(), aggregates::table()]
}

/// Gives the keys back that stored dimensions have and the table of keys lacks. Gives how many.
pub(crate) async fn recover_keys(lake: &Lake, config: &GoldConfig, run_id: &str) -> Result<usize> {
    let mut keys = keys::Keys::load(&lake.table(&keys_table()).await?).await?;
    for model in model::all(config)?.iter().filter(|model| model.kind == model::ModelKind::Dimension) {
        keys.recover(&lake.table(&TableName::gold(&model.name)).await?, model).await?;
    }
    keys.save(run_id, Utc::now()).await
}

/// The Arrow schema of a gold table, `None` when there is none of that name.
///
/// # Errors
/// [`Kind::Contract`] when the models' metadata can't be read.
pub fn schema(table: &str) -> Result<Option<SchemaRef>> {
    Ok(schemas()?.into_iter().find(|(name, _)| name == table).map(|(_, schema)| schema))
}

/// The Arrow schema of every gold table, by name, in the order in which they are built.
///
/// # Errors
/// [`Kind::Contract`] when the models' metadata can't be read.
pub fn schemas() -> Result<Vec<(String, SchemaRef)>> {
    let keys = std::iter::once((keys::TABLE.to_owned(), keys::schema()));
    let models = model::models()?.iter().filter(|model| model.is_table());
    Ok(keys.chain(models.map(|model| (model.name.clone(), model.schema.clone()))).collect())
}

/// As [`schemas`], with the tables of the project's own models and without that of the keys, which nobody asks.
pub(crate) fn schemas_with(config: &GoldConfig) -> Result<Vec<(String, SchemaRef)>> {
    let models = model::all(config)?;
    Ok(models.into_iter().filter(Model::is_table).map(|model| (model.name, model.schema)).collect())
}

/// Makes the functions known to a session that models may call and DataFusion lacks.
pub(crate) fn register_functions(session: &datafusion::prelude::SessionContext) {
    functions::register(session);
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
/// [`Mode::Full`] looks at every table, with nothing that earlier builds kept, and replaces those whose content differs. [`Mode::Incremental`] looks at those of
/// which an input, the configuration or a model changed, and merges the rows that differ; of a fact it looks at the rows
/// that the change can have reached and at no others. Either way a table whose content is what it was gets no new version,
/// and surrogate keys are those of earlier runs.
///
/// A model that can't be computed, whose rows break the contract of its table or fail a data test leaves its table as it
/// was and says so in the report ([`BuildOutcome::Failed`]); it stops those that read it and no
/// others. Running again goes on. When another run changes a table meanwhile, the build starts over from what that one left.
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
    build_opened(&GoldRequest::new(lake, mode, run_id, started), config, Opened::default()).await
}

/// Computes every gold table whose inputs are those that it was built from, and says how its stored rows differ
/// ([`TableReport::warnings`]). Nothing is written. Tables that a build would look at anyway aren't in the report.
///
/// # Errors
/// As [`build`].
pub(crate) async fn compare(lake: &Lake, started: DateTime<Utc>, config: &GoldConfig) -> Result<GoldReport> {
    // Of a difference as many rows are looked at as an incremental build would merge.
    let request = GoldRequest { dry: true, ..GoldRequest::new(lake, Mode::Incremental, "", started) };
    build_opened(&request, config, Opened::default()).await
}

/// What a build is told.
#[derive(Debug)]
pub(crate) struct GoldRequest {
    lake: Lake,
    mode: Mode,
    run_id: String,
    started: DateTime<Utc>,
    /// Compares and writes nothing.
    dry: bool,
    /// Computes the facts that are looked at as a whole.
    cluster: Option<Arc<dyn Cluster>>,
}

impl GoldRequest {
    pub(crate) fn new(lake: &Lake, mode: Mode, run_id: &str, started: DateTime<Utc>) -> Self {
        Self { lake: lake.clone(), mode, run_id: run_id.to_owned(), started, dry: false, cluster: None }
    }

    /// The same, with facts computed by a cluster where there is one.
    pub(crate) fn on(self, cluster: Option<Arc<dyn Cluster>>) -> Self {
        Self { cluster, ..self }
    }
}

/// As [`build`], of tables that are open already as far as they are.
pub(crate) async fn build_opened(request: &GoldRequest, config: &GoldConfig, mut opened: Opened) -> Result<GoldReport> {
    let all = TableName::gold("*");
    let mut before = GoldReport::default();
    let report = retry_on_conflict(&all, async || {
        // Another run has changed one of them: they are opened anew.
        let opened = std::mem::take(&mut opened);
        attempt(request, config, opened, &mut before).await
    });
    let report = report.await?;
    Ok(report.after(before))
}

/// Builds once. It ends with [`Kind::Conflict`] where another run changes a table meanwhile that is read or written; `before`
/// then has what was written until then.
async fn attempt(
    request: &GoldRequest,
    config: &GoldConfig,
    mut opened: Opened,
    before: &mut GoldReport,
) -> Result<GoldReport> {
    let lake = &request.lake;
    config.models.check(lake, config).await?;
    let models = model::all(config)?;
    let inputs = Inputs::open(lake, &models, &mut opened).await?;
    let project = Project { config, models: &models, inputs: &inputs };
    match build_models(request, project, opened, before).await {
        Ok(report) => Ok(report),
        Err(error) => Err(as_conflict(&inputs.tables().collect::<Vec<_>>(), error).await),
    }
}

/// What is built, and from what.
struct Project<'a> {
    config: &'a GoldConfig,
    models: &'a [Model],
    inputs: &'a Inputs,
}

async fn build_models(
    request: &GoldRequest,
    project: Project<'_>,
    mut opened: Opened,
    before: &mut GoldReport,
) -> Result<GoldReport> {
    let Project { config, models, inputs } = project;
    let entities = connectwise_extract::catalog::entities();
    let GoldRequest { started, dry, .. } = *request;
    let lake = &request.lake;
    if !inputs.any() {
        let tables = models.iter().filter(|model| model.is_table());
        let tables = tables.map(|model| TableReport::no_input(TableName::gold(&model.name))).collect();
        return Ok(GoldReport { tables, tests: Vec::new(), unmatched_agreement_types: BTreeMap::new() });
    }
    let rules = config.classifier()?;
    let today = config.day_of(started)?;
    let fresh = check::freshness(inputs, models, config, started).await?;
    let known = doubts::open(lake, models, &mut opened).await?;
    // Keys that are told from what is left of them hold only if every table has the same.
    let mode = if known.keys_are_lost { Mode::Full } else { request.mode };
    let run = GoldRun { lake: lake.clone(), mode, id: request.run_id.clone(), started, known, dry };
    let mut builder = Builder {
        run,
        engine: engine::engine(request.cluster.clone()),
        config,
        models,
        inputs,
        fingerprints: Fingerprints::new(config)?,
        today,
        held: HeldKeys::new(),
        lookups: None,
        tests: Vec::new(),
        aggregates: AggregateCache::default(),
        balances: BTreeMap::new(),
    };
    let mut stale = Vec::new();
    for model in models.iter().filter(|model| model.is_table()) {
        // What is stale or doubtful differs anyway, and what isn't is what is compared.
        let is_wanted = builder.run.known.doubt(model).is_some() || builder.is_stale(model).await?;
        if mode == Mode::Full || is_wanted != dry {
            stale.push(model.name.as_str());
        }
    }
    if stale.is_empty() {
        let mut tables = Vec::new();
        for model in models.iter().filter(|model| model.is_table() && !dry) {
            tables.push(builder.untouched(model)?);
        }
        return Ok(GoldReport { tables, tests: fresh, unmatched_agreement_types: BTreeMap::new() });
    }
    let session = builder.session().await?;
    builder.inputs.register(&session, entities).await?;
    // A full build trusts nothing that was computed before: what is kept is computed and written down again.
    builder.aggregates = match mode {
        Mode::Incremental if !dry && !builder.run.known.aggregates_are_lost => {
            AggregateCache::load(&builder.run.known.aggregates).await.unwrap_or_else(|error| {
                tracing::warn!("{}; what builds remember of files is computed again", error.report());
                AggregateCache::default()
            })
        }
        _ => AggregateCache::default(),
    };
    builder.aggregate_all(&session, entities).await?;
    lookups::register_all(&session, rules.as_ref(), config, today).await?;
    let mut keys = doubts::keys(&builder.run, models).await?;
    let mut tables = Vec::new();
    // Models that could not be built, with the reason if no step of their own reports it.
    let mut stopped: BTreeMap<&str, String> = BTreeMap::new();
    let mut own = models.iter().skip_while(|model| !model.own).peekable();
    for model in models {
        let clock = Instant::now();
        if own.peek().is_some_and(|first| first.name == model.name) {
            // Built-in models look up keys only. Others may read everything.
            for done in models.iter().filter(|done| done.is_table() && !done.own) {
                builder.open(&session, done).await?;
            }
        }
        let built = match (builder.inputs.believed(model), stopped.iter().find(|(name, _)| model.reads(name))) {
            (Err(error), _) => Err(error),
            (Ok(()), Some((name, why))) => Err(Error::unbuilt_input(&model.name, name, why)),
            (Ok(()), None) => builder.build(&session, model, stale.contains(&model.name.as_str()), &mut keys).await,
        };
        let built = match built {
            Err(error) => {
                // Only models that are tables have one.
                let stored = builder.run.known.table(model).ok();
                let read: Vec<&Table> = builder.inputs.tables().chain(stored).collect();
                Err(as_conflict(&read, error).await)
            }
            built => built,
        };
        match built {
            Ok(report) => {
                if model.own && model.is_table() {
                    builder.open(&session, model).await?;
                }
                let doubt = builder.run.known.doubt(model);
                tables.extend(report.map(|report| report.rebuilt(doubt).took(clock)));
            }
            Err(error) if error.kind() == Kind::Conflict => {
                before.keep(tables, builder.tests);
                return Err(error);
            }
            Err(error) => {
                let error = if model.own { trial::explained(&session, model, error).await } else { error };
                tracing::error!(model = %model.name, error = %error.report(), "a gold model failed");
                let why = if model.is_table() { String::new() } else { format!(": {}", error.report()) };
                stopped.insert(&model.name, why);
                if model.is_table() {
                    tables.push(TableReport::failed(TableName::gold(&model.name), &error).took(clock));
                }
            }
        }
    }
    let unmatched_agreement_types = lookups::unmatched(&session, rules.as_ref()).await?;
    let caption = lookups::missing_caption(&session, config).await?;
    if let Some(report) = tables.iter_mut().find(|report| report.table.name == "dimagreement") {
        report.warnings.extend(caption);
    }
    builder.tests.extend(fresh);
    if dry {
        tables.retain(|report| stale.contains(&report.table.name.as_str()));
    }
    Ok(GoldReport { tables, tests: builder.tests, unmatched_agreement_types })
}

fn failed(error: datafusion::error::DataFusionError) -> Error {
    Error::uncomputed_gold().with_source(error)
}

fn in_model(model: &Model, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::uncomputed(&model.name).with_source(error)
}
