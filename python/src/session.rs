//! The settings of one lakehouse and one tenant, and what the program does with them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use connectwise_etl::tasks::{self, MaintainRequest, ReconcileRequest, RunRequest, named_layer};
use connectwise_etl::{EntityArgs, Environment, Settings};
use connectwise_lakehouse::Layer;
use connectwise_pipeline::error::Result;
use connectwise_pipeline::gold::Cluster;
use connectwise_pipeline::measures::AskRequest;
use connectwise_pipeline::run::Mode;
use connectwise_pipeline::{ledger, query};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde::Serialize;

use crate::client::Client;
use crate::cluster::SparkCluster;
use crate::desk::Desk;
use crate::errors;
use crate::frame::Rows;
use crate::given::Given;
use crate::tokens::tokens;
use crate::wait::wait;

/// Settings that were read, and are as they were then.
#[pyclass(module = "connectwise_etl._native", frozen)]
pub(crate) struct Session {
    settings: Settings,
    /// What people should know of `.env`.
    #[pyo3(get)]
    remarks: Vec<String>,
}

/// Which entities are meant.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Chosen {
    entities: Vec<String>,
    include: Vec<String>,
    exclude: Vec<String>,
    optional: Vec<String>,
}

impl From<Chosen> for EntityArgs {
    fn from(chosen: Chosen) -> Self {
        let Chosen { entities, include, exclude, optional } = chosen;
        Self { entities, include, exclude, optional }
    }
}

/// What a run has to do.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct RunArguments {
    layers: Vec<String>,
    mode: String,
    since: Option<String>,
    lookback_days: Option<u32>,
    chosen: Chosen,
    adopt_tenant: bool,
    adopt: bool,
    max_share: Option<f64>,
    spark: Option<Py<PyAny>>,
}

impl RunArguments {
    fn request(self) -> Result<RunRequest> {
        let mode = match self.mode.as_str() {
            "full" => Mode::Full,
            "incremental" => Mode::Incremental,
            other => return Err(errors::unknown_mode(other)),
        };
        Ok(RunRequest {
            layers: self.layers.iter().map(|name| Ok(name.parse()?)).collect::<Result<_>>()?,
            mode,
            since: self.since.as_deref().map(tasks::moment).transpose().map_err(errors::no_moment)?,
            lookback_days: self.lookback_days,
            entities: self.chosen.into(),
            adopt_tenant: self.adopt_tenant,
            adopt: self.adopt,
            max_share: self.max_share,
            cluster: self.spark.map(|engine| Arc::new(SparkCluster::new(engine)) as Arc<dyn Cluster>),
        })
    }
}

/// What `reconcile` has to do.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Sweep {
    chosen: Chosen,
    dry_run: bool,
    max_share: Option<f64>,
}

/// What `maintain` has to do.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Upkeep {
    layers: Vec<String>,
    dry_run: bool,
    retention_hours: u32,
    orphan_hours: u32,
}

/// What narrows an answer, and what it is cut by.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Narrowed {
    by: Vec<String>,
    company: Option<String>,
    since: Option<String>,
    until: Option<String>,
}

impl From<Narrowed> for AskRequest {
    fn from(narrowed: Narrowed) -> Self {
        let Narrowed { by, company, since, until } = narrowed;
        Self { by, company, from: since, to: until }
    }
}

impl Session {
    fn done<T: Send, F: Future<Output = Result<T>>>(
        &self,
        py: Python<'_>,
        desk: &Desk,
        work: impl FnOnce() -> F + Send,
    ) -> PyResult<T> {
        let settings = &self.settings;
        let ended = wait(py, desk, || async {
            match work().await {
                Err(error) => Err(tasks::explained(settings, error).await),
                ended => ended,
            }
        })?;
        ended.map_err(|error| errors::of(py, &error))
    }
}

/// A report as JSON text, which Python reads.
fn json<T: Serialize + ?Sized>(report: &T) -> PyResult<String> {
    serde_json::to_string(report).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// What was done stands, whether the ledger could be told or not.
fn ledger_told(told: Result<()>) {
    if let Err(error) = told {
        tracing::warn!(target: "connectwise_etl", "{}", error.report());
    }
}

#[pymethods]
impl Session {
    #[new]
    fn new(
        py: Python<'_>,
        lakehouse: Option<String>,
        config: Option<PathBuf>,
        given: BTreeMap<String, String>,
        process: BTreeMap<String, String>,
        token: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let environment = Environment::of(given, process).map_err(|error| errors::of(py, &error))?;
        let remarks = environment.remarks().to_vec();
        let mut settings = Settings::new(lakehouse, config, environment).map_err(|error| errors::of(py, &error))?;
        if let Some(function) = token {
            settings = settings.with_tokens(tokens(py, function)?);
        }
        Ok(Self { settings, remarks })
    }

    /// Where the tables are, as a URL.
    #[getter]
    fn lakehouse(&self, py: Python<'_>) -> PyResult<String> {
        let place = self.settings.place().map_err(|error| errors::of(py, &error))?;
        Ok(place.to_string())
    }

    /// Whether a variable or the configuration file says the layout of the lakehouse.
    #[getter]
    fn has_layout(&self) -> bool {
        self.settings.has_layout()
    }

    /// A client of the tenant.
    fn client(&self, py: Python<'_>) -> PyResult<Client> {
        let client = self.settings.client().map_err(|error| errors::of(py, &error))?;
        Ok(Client::new(client, self.settings.page_size()))
    }

    /// A run: its report, and in one word how it ended.
    fn run(
        &self,
        py: Python<'_>,
        arguments: RunArguments,
        callback: Option<Py<PyAny>>,
    ) -> PyResult<(String, &'static str)> {
        let request = arguments.request().map_err(|error| errors::of(py, &error))?;
        let desk = Desk::new(callback);
        let report = self.done(py, &desk, || tasks::run(&self.settings, request, &desk))?;
        Ok((json(&report)?, report.outcome()))
    }

    fn doctor(&self, py: Python<'_>, chosen: Chosen, callback: Option<Py<PyAny>>) -> PyResult<String> {
        let chosen = EntityArgs::from(chosen).selected(&self.settings).map_err(|error| errors::of(py, &error))?;
        let desk = Desk::new(callback);
        json(&self.done(py, &desk, || tasks::diagnose(&self.settings, &chosen, &desk))?)
    }

    fn reconcile(&self, py: Python<'_>, arguments: Sweep, callback: Option<Py<PyAny>>) -> PyResult<String> {
        let Sweep { chosen, dry_run, max_share } = arguments;
        let desk = Desk::new(callback);
        let default = ReconcileRequest::default();
        let max_share = max_share.unwrap_or(default.max_share);
        let request = ReconcileRequest { entities: chosen.into(), dry_run, max_share };
        let (report, told) = self.done(py, &desk, || tasks::reconcile(&self.settings, request, &desk))?;
        ledger_told(told);
        json(&report)
    }

    fn maintain(&self, py: Python<'_>, arguments: Upkeep, callback: Option<Py<PyAny>>) -> PyResult<String> {
        let Upkeep { layers, dry_run, retention_hours, orphan_hours } = arguments;
        let layers = tasks::layers_of_upkeep(&layers).map_err(|error| errors::of(py, &error))?;
        let request = MaintainRequest { layers, dry_run, retention_hours, orphan_hours };
        let desk = Desk::new(callback);
        let (report, told) = self.done(py, &desk, || tasks::maintain(&self.settings, &request, &desk))?;
        ledger_told(told);
        json(&report)
    }

    fn verify(
        &self,
        py: Python<'_>,
        layers: Vec<String>,
        repair: bool,
        callback: Option<Py<PyAny>>,
    ) -> PyResult<String> {
        let layers = tasks::layers_of_upkeep(&layers).map_err(|error| errors::of(py, &error))?;
        let desk = Desk::new(callback);
        json(&self.done(py, &desk, || tasks::verify(&self.settings, layers, repair, &desk))?)
    }

    /// How fresh tables are, or `null` where no run has written yet.
    fn status(&self, py: Python<'_>) -> PyResult<String> {
        let status = self.done(py, &Desk::default(), || async { ledger::status(&self.settings.lake()?).await })?;
        json(&status)
    }

    /// What one run did.
    fn status_of(&self, py: Python<'_>, run: &str) -> PyResult<String> {
        json(&self.done(py, &Desk::default(), || async { ledger::detail(&self.settings.lake()?, run).await })?)
    }

    /// The columns of a table.
    fn columns(&self, py: Python<'_>, name: &str, layer: Option<&str>) -> PyResult<String> {
        let layer = self.layer(py, layer)?;
        json(&self.done(py, &Desk::default(), || tasks::columns(&self.settings, name, layer))?)
    }

    /// Every table that there can be.
    fn tables(&self, py: Python<'_>, layer: Option<&str>) -> PyResult<String> {
        let layer = self.layer(py, layer)?;
        json(&self.done(py, &Desk::default(), || async { tasks::tables(&self.settings, layer) })?)
    }

    /// The saved questions.
    fn questions(&self, py: Python<'_>) -> PyResult<String> {
        json(&self.done(py, &Desk::default(), || async { tasks::measures(&self.settings).await?.listed() })?)
    }

    /// The answer to a saved question.
    fn ask(&self, py: Python<'_>, question: &str, narrowed: Narrowed) -> PyResult<Rows> {
        let request = AskRequest::from(narrowed);
        self.done(py, &Desk::default(), || async {
            let answer = tasks::ask(&self.settings, question, &request).await?;
            let schema = answer.rows.first().map_or_else(|| Schema::empty().into(), RecordBatch::schema);
            Rows::new(&schema, answer.rows)
        })
    }

    /// The rows of one SELECT.
    fn query(&self, py: Python<'_>, sql: &str) -> PyResult<Rows> {
        self.done(py, &Desk::default(), || async {
            let (schema, mut rows) = query::stream(&self.settings.lake()?, sql).await?;
            let mut batches = Vec::new();
            while let Some(batch) = rows.recv().await {
                batches.push(batch?);
            }
            Rows::new(&schema, batches)
        })
    }

    /// The rows of a fact or a dimension, from tables under the names of silver ones.
    fn select(&self, py: Python<'_>, model: &str, tables: Vec<(String, Given)>, lakehouse: bool) -> PyResult<Rows> {
        self.done(py, &Desk::default(), || async {
            let batches = |(name, given): &(String, Given)| -> Result<_> { Ok((name.clone(), given.batches()?)) };
            let tables: BTreeMap<_, _> = tables.iter().map(batches).collect::<Result<_>>()?;
            let (schema, rows) = tasks::select(&self.settings, model, &tables, lakehouse).await?;
            Rows::new(&schema, rows)
        })
    }
}

impl Session {
    fn layer(&self, py: Python<'_>, name: Option<&str>) -> PyResult<Option<Layer>> {
        name.map(named_layer).transpose().map_err(|error| errors::of(py, &error))
    }
}
