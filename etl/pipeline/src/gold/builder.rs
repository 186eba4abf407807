//! One build: what its models have in common, and how each kind of model is built.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use chrono::NaiveDate;
use connectwise_lakehouse::{Commit, TableName};
use connectwise_sdk::catalog::Entity;
use datafusion::prelude::{DataFrame, SessionContext};

use super::aggregates::{self, Aggregate, AggregateCache, Input};
use super::check::{self, Checks, GroupSums, HeldKeys, Sums};
use super::config::GoldConfig;
use super::engine::Engine;
use super::fingerprints::Fingerprints;
use super::inputs::{Inputs, contract_of, readable};
use super::key_set::KeySet;
use super::keys::Keys;
use super::lookup_state::LookupState;
use super::model::{self, Model, ModelKind};
use super::write::{self, GoldRun, ModelRows};
use super::{CONFIG, DAY, MODELS, STORED, calendar, dimension, failed, functions, in_model, lookups, select};
use crate::error::{Error, Result};
use crate::sql;
use crate::telemetry::build::BuildOutcome;
use crate::telemetry::{TableReport, TestResult};

/// What the models of one build have in common.
pub(super) struct Builder<'a> {
    pub(super) run: GoldRun,
    /// Computes the facts that are looked at as a whole.
    pub(super) engine: Arc<dyn Engine>,
    pub(super) config: &'a GoldConfig,
    pub(super) models: &'a [Model],
    pub(super) inputs: &'a Inputs,
    pub(super) fingerprints: Fingerprints,
    /// The day of the business on which the run started.
    pub(super) today: NaiveDate,
    /// Keys of the dimensions that were built or read so far.
    pub(super) held: HeldKeys,
    /// What the lookups say, noted before the first fact.
    pub(super) lookups: Option<LookupState>,
    pub(super) tests: Vec<TestResult>,
    /// Partial aggregates of silver and gold, by file.
    pub(super) aggregates: AggregateCache,
    /// Sums that silver has, by fact.
    pub(super) balances: BTreeMap<String, Sums>,
}

impl Builder<'_> {
    pub(super) async fn session(&self) -> Result<SessionContext> {
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

    /// The transactions of a model's commit.
    fn transactions(&self, model: &Model) -> BTreeMap<String, i64> {
        let mut numbers: BTreeMap<String, i64> = self.inputs.transactions(model).collect();
        numbers.insert(CONFIG.to_owned(), self.fingerprints.config());
        numbers.insert(MODELS.to_owned(), self.fingerprints.models(model));
        if model.daily {
            numbers.insert(DAY.to_owned(), calendar::since_epoch(self.today).into());
        }
        numbers
    }

    /// Whether anything that the rows depend on is other than the last commit saw it.
    pub(super) async fn is_stale(&self, model: &Model) -> Result<bool> {
        let wanted = self.transactions(model);
        let names: Vec<String> = wanted.keys().cloned().collect();
        Ok(self.run.known.table(model)?.transactions(&names).await? != wanted)
    }

    pub(super) fn untouched(&self, model: &Model) -> Result<TableReport> {
        let table = self.run.known.table(model)?;
        Ok(TableReport::unchanged(table.name().clone(), table.unchanged().version))
    }

    /// Builds one model, or makes what is stored of it readable for those that follow.
    pub(super) async fn build(
        &mut self,
        session: &SessionContext,
        model: &Model,
        is_stale: bool,
        keys: &mut Keys,
    ) -> Result<Option<TableReport>> {
        let numbers = self.transactions(model).into_iter();
        let commit = numbers
            .fold(Commit::new(&self.run.id), |commit, (application, number)| commit.transaction(application, number));
        match model.kind {
            ModelKind::View | ModelKind::Lookup => select::provide(session, model).await.map(|()| None),
            // Computed for all models at once, before the first.
            ModelKind::Aggregate => Ok(None),
            ModelKind::Fact if is_stale => self.fact(session, model, commit).await.map(Some),
            ModelKind::Fact => self.untouched(model).map(Some),
            ModelKind::Dimension | ModelKind::Calendar => {
                let report = if is_stale {
                    let batch = if model.kind == ModelKind::Calendar {
                        calendar::rows(&model.schema, self.config, &calendar::used_days(session, self.today).await?)?
                    } else {
                        let frame = sql::select(session, &model.sql).await.map_err(|error| in_model(model, error))?;
                        let selected =
                            write::conform(model, frame)?.collect().await.map_err(|error| in_model(model, error))?;
                        let batch = dimension::rows(model, keys, &selected)?;
                        if !self.run.dry {
                            keys.save(&self.run.id, self.run.started).await?;
                        }
                        batch
                    };
                    let frame = session.read_batch(batch).map_err(failed)?;
                    self.write(session, model, frame, &commit).await?
                } else {
                    self.untouched(model)?
                };
                self.hold(session, model).await?;
                Ok(Some(report))
            }
        }
    }

    /// Tests the rows and writes them; what the tests found is kept either way.
    pub(super) async fn write(
        &mut self,
        session: &SessionContext,
        model: &Model,
        frame: DataFrame,
        commit: &Commit,
    ) -> Result<TableReport> {
        let checks = self.checks(session, session, model).await?;
        let selected = ModelRows { model, frame, checks: &checks };
        let report = self.run.write(session, selected, commit).await;
        self.finish(session, model, &checks, report).await
    }

    /// The data tests of a model. SELECTs of expected group sums run in `within`, the session that computed the rows.
    pub(super) async fn checks(
        &self,
        session: &SessionContext,
        within: &SessionContext,
        model: &Model,
    ) -> Result<Checks> {
        let balance = match self.balances.get(&model.name) {
            Some(balance) => balance.clone(),
            None if model.tests.balance.is_empty() => Sums::new(),
            None => {
                let frame = sql::select(session, &model.tests.balance).await.map_err(|error| in_model(model, error))?;
                let schema = frame.schema().inner().clone();
                check::sums(&schema, &frame.collect().await.map_err(|error| in_model(model, error))?)?
            }
        };
        let mut expected = Vec::with_capacity(model.tests.adds_up.len());
        for adds_up in &model.tests.adds_up {
            expected.push(self.group_sums(within, model, &adds_up.expected).await?);
        }
        Ok(Checks::of(model, &self.held, balance, expected))
    }

    /// Runs the SELECT of `adds_up`: the expected sum of each group of rows.
    async fn group_sums(&self, session: &SessionContext, model: &Model, select: &str) -> Result<GroupSums> {
        let read = sql::tables(select);
        for other in self
            .models
            .iter()
            .filter(|other| other.kind == ModelKind::Fact && read.contains(&other.name.to_lowercase()))
        {
            self.open(session, other).await?;
        }
        let frame = sql::select(session, select).await.map_err(|error| in_model(model, error))?;
        check::group_sums(&frame.collect().await.map_err(|error| in_model(model, error))?)
    }

    /// Computes the aggregates of the built-in models, and makes them readable.
    pub(super) async fn aggregate_all(&mut self, session: &SessionContext, entities: &[Entity]) -> Result<()> {
        let mut aggregates = Vec::new();
        for (at, model) in self.models.iter().enumerate().filter(|(_, model)| !model.own) {
            let before = &self.models[..at];
            if model.kind == ModelKind::Aggregate {
                aggregates.push(self.aggregate(&model.name, &model.sql, before, entities)?);
            } else if !model.tests.balance.is_empty() {
                aggregates.push(self.aggregate(&model.name, &model.tests.balance, before, entities)?);
            }
        }
        let scratch = self.session().await?;
        let rows = self.aggregates.rows(&scratch, &aggregates).await?;
        if !self.run.dry {
            self.aggregates.save(&self.run.known.aggregates, &self.run.id).await?;
        }
        for (name, (schema, rows)) in rows {
            let is_sum = self.models.iter().any(|model| model.name == name && model.kind != ModelKind::Aggregate);
            if is_sum {
                self.balances.insert(name, check::sums(&schema, &rows)?);
            } else {
                aggregates::register(session, &name, &schema, &rows)?;
            }
        }
        Ok(())
    }

    /// A SELECT that is computed group by group, with what it reads.
    fn aggregate(&self, name: &str, sql: &str, before: &[Model], entities: &[Entity]) -> Result<Aggregate> {
        let read = sql::tables(sql);
        let reads = |name: &str| read.contains(&name.to_lowercase());
        let views: Vec<Model> = model::views_read(reads, before).into_iter().rev().cloned().collect();
        let mut inputs = Vec::new();
        for input in readable(entities) {
            let table = TableName::silver(&input);
            if !reads(&table.name) && !views.iter().any(|view| view.reads(&table.name)) {
                continue;
            }
            let unknown = || Error::internal(&format!("{} has no contract", table.name));
            let contract = contract_of(entities, &input).ok_or_else(unknown)?;
            let opened = self.inputs.table(&input)?.clone();
            // An entity that was not loaded is an empty table.
            let schema = opened.schema().unwrap_or_else(|| contract.clone());
            inputs.push(Input { alias: table.name, table: opened, contract: Some(contract), schema });
        }
        Ok(Aggregate { name: name.to_owned(), sql: sql.to_owned(), views, inputs })
    }

    /// Sums that the stored table of a model has.
    pub(super) async fn stored_sums(&mut self, model: &Model, checks: &Checks) -> Result<Sums> {
        let Some(sql) = checks.sums_of_stored() else { return Ok(Sums::new()) };
        let table = self.run.known.table(model)?.clone();
        let input = Input { table, alias: STORED.to_owned(), contract: None, schema: model.schema.clone() };
        let aggregate = Aggregate { name: model.name.clone(), sql, views: Vec::new(), inputs: vec![input] };
        let scratch = self.session().await?;
        let mut rows = self.aggregates.rows(&scratch, &[aggregate]).await?;
        self.aggregates.save(&self.run.known.aggregates, &self.run.id).await?;
        rows.remove(&model.name).map_or_else(|| Ok(Sums::new()), |(schema, rows)| check::sums(&schema, &rows))
    }

    pub(super) async fn finish(
        &mut self,
        session: &SessionContext,
        model: &Model,
        checks: &Checks,
        report: Result<TableReport>,
    ) -> Result<TableReport> {
        let rejected = |error: Error| if error.is_conflict() { error } else { checks.rejection().unwrap_or(error) };
        let report = report.map_err(rejected);
        self.tests.extend(checks.results());
        let report = report?;
        if report.outcome == BuildOutcome::Written {
            let table = self.run.known.table(model)?.refresh().await?;
            self.run.known.set(model, table);
        }
        if !model.tests.faults.is_empty() {
            self.open(session, model).await?;
            self.tests.push(check::faults(session, model).await?);
        }
        Ok(report)
    }

    /// Makes a stored table readable under its own name, all of its columns.
    pub(super) async fn open(&self, session: &SessionContext, model: &Model) -> Result<()> {
        session.deregister_table(model.name.as_str()).map_err(failed)?;
        Ok(self.run.known.table(model)?.register(session, &model.name).await.map(drop)?)
    }

    /// Holds the keys of a stored dimension for the facts that look them up, and of the calendar what kind of day each is.
    async fn hold(&mut self, session: &SessionContext, model: &Model) -> Result<()> {
        let stored = format!("{STORED}_{}", model.name);
        self.run.known.table(model)?.register(session, &stored).await?;
        let more = if model.kind == ModelKind::Calendar { ", `dayOfWeek`, `isWeekend`, `isHoliday`" } else { "" };
        let select = format!("select `{}`, `{}`{more} from {stored}", model.key, model.natural);
        let frame = session.sql(&select).await.map_err(failed)?;
        let schema = frame.schema().inner().clone();
        let batches = frame.collect().await.map_err(failed)?;
        let batch = arrow::compute::concat_batches(&schema, &batches)
            .map_err(|error| Error::unheld_rows(&model.name).with_source(error))?;
        session.deregister_table(stored).map_err(failed)?;
        let keys = cast(batch.column(0), &DataType::Int64)
            .map_err(|error| Error::no_integer_keys(&model.name).with_source(error))?;
        let keys = Arc::new(keys.as_primitive::<Int64Type>().iter().flatten().collect::<KeySet>());
        self.held.insert(model.key.clone(), (model.name.clone(), keys));
        lookups::register(session, &model.name, batch)
    }
}
