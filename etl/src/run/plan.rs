//! A run: bronze entity by entity, then silver, then gold.

use std::time::Instant;

use chrono::{DateTime, Utc};
use connectwise_sdk::Client;
use connectwise_sdk::catalog::Entity;

use super::{Meter, Mode, Observer, Report, Step};
use crate::bronze::{self, Options, Request};
use crate::children;
use crate::error::{Error, Kind, Result};
use crate::extract::{DateProbe, Window};
use crate::gold::{self, GoldConfig, Severity, TestResult};
use crate::lake::{Lake, Layer, TableName};
use crate::ledger::{Journal, Start};
use crate::privacy::Privacy;
use crate::silver;

/// What a run has to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Layers to build, in any order: they run bronze, silver, gold.
    pub layers: Vec<Layer>,
    /// How much is read.
    pub mode: Mode,
    /// Entities, in the order in which they are loaded.
    pub entities: Vec<&'static Entity>,
    /// How far back incremental reads go.
    pub window: Window,
    /// Records a page.
    pub page_size: u32,
    /// What becomes of secrets and personal data.
    pub privacy: Privacy,
    /// How much a load may remove, and how it keeps what it reads.
    pub load: Options,
    /// How gold is computed.
    pub gold: GoldConfig,
}

impl Plan {
    /// These layers of these entities, and everything else as it is where nobody says otherwise: pages as large as the
    /// server gives them.
    #[must_use]
    pub fn new(layers: Vec<Layer>, mode: Mode, entities: Vec<&'static Entity>) -> Self {
        Self {
            layers,
            mode,
            entities,
            window: Window::default(),
            page_size: 1_000,
            privacy: Privacy::default(),
            load: Options::default(),
            gold: GoldConfig::default(),
        }
    }
}

/// Runs a plan to its end, whatever fails on the way.
///
/// # Errors
/// [`Kind::Usage`] when the plan needs an API client and there is none. Everything later is in the report.
pub async fn execute(lake: &Lake, client: Option<&Client>, plan: &Plan, observer: &dyn Observer) -> Result<Report> {
    if client.is_none() && plan.layers.contains(&Layer::Bronze) {
        return Err(Error::new(Kind::Usage, "the bronze layer needs an API client"));
    }
    let started = Utc::now();
    let (run_id, clock, dates) = (uuid::Uuid::now_v7().to_string(), Instant::now(), DateProbe::default());
    let run = Run { lake, plan, observer, started, run_id, clock, dates };
    let start = Start { run_id: &run.run_id, started, mode: plan.mode, layers: &plan.layers };
    let mut journal = Journal::begin(lake, start).await;
    let (mut steps, mut tests) = (Vec::new(), Vec::new());
    if let (Some(client), true) = (client, plan.layers.contains(&Layer::Bronze)) {
        for entity in &plan.entities {
            let (step, meter) = run.bronze(client, entity).await;
            journal.step(&step, Some((entity, &meter))).await;
            steps.push(step);
        }
        journal.write().await;
    }
    if plan.layers.contains(&Layer::Silver) {
        for entity in &plan.entities {
            let mut built = vec![run.silver(entity).await];
            if entity.history {
                built.push(run.history(entity).await);
            }
            for step in built {
                journal.step(&step, None).await;
                steps.push(step);
            }
        }
        journal.write().await;
    }
    if plan.layers.contains(&Layer::Gold) {
        let (mut built, mut tested) = run.gold().await;
        for step in &built {
            journal.step(step, None).await;
        }
        steps.append(&mut built);
        tests.append(&mut tested);
    }
    let total = |of: fn(&Step) -> u64| steps.iter().map(of).sum::<u64>();
    let (requests, retries, bytes) =
        (total(|step| step.requests), total(|step| step.retries), total(|step| step.bytes));
    let mut report = Report {
        run_id: run.run_id.clone(),
        started,
        mode: plan.mode,
        lakehouse: lake.root().to_string(),
        api_version: connectwise_sdk::API_VERSION.to_owned(),
        steps,
        tests,
        warnings: Vec::new(),
        requests,
        retries,
        bytes,
        seconds: run.clock.elapsed().as_secs_f64(),
    };
    // The data is there, whatever becomes of the ledger.
    if let Err(error) = journal.end(&report, Utc::now()).await {
        report.warnings.push(error.report());
    }
    Ok(report)
}

struct Run<'a> {
    lake: &'a Lake,
    plan: &'a Plan,
    observer: &'a dyn Observer,
    started: DateTime<Utc>,
    run_id: String,
    clock: Instant,
    dates: DateProbe,
}

impl Run<'_> {
    async fn bronze(&self, client: &Client, entity: &'static Entity) -> (Step, Meter) {
        let client = client.with_own_stats();
        let request = Request {
            mode: self.plan.mode,
            window: self.plan.window,
            dates: self.dates.clone(),
            page_size: self.plan.page_size,
            secrets: self.plan.privacy.secrets(),
            options: self.plan.load,
            run_id: self.run_id.clone(),
            started: self.started,
        };
        let table = TableName::bronze(entity.table);
        let (mut step, meter) = self
            .step(table, async |step, meter| {
                let loaded = match entity.parent() {
                    Some(parent) => children::load(self.lake, &client, entity, parent, &request, meter).await?,
                    None => bronze::load(self.lake, &client, entity, &request, meter).await?,
                };
                step.loaded(loaded);
                Ok(())
            })
            .await;
        let stats = client.stats();
        (step.requests, step.retries, step.bytes) = (stats.requests, stats.retries, stats.bytes);
        (step, meter)
    }

    async fn silver(&self, entity: &'static Entity) -> Step {
        self.step(TableName::silver(entity.table), async |step, _| {
            let (lake, plan) = (self.lake, self.plan);
            step.built(&silver::build(lake, entity, &plan.privacy, plan.mode, &self.run_id, self.started).await?);
            Ok(())
        })
        .await
        .0
    }

    async fn history(&self, entity: &'static Entity) -> Step {
        self.step(silver::history::table(entity), async |step, _| {
            let plan = self.plan;
            let built = silver::history::build(self.lake, entity, &plan.privacy, plan.mode, &self.run_id).await?;
            step.built(&built);
            Ok(())
        })
        .await
        .0
    }

    /// Gold is one plan over many tables: it is built as a whole, and reported table by table.
    async fn gold(&self) -> (Vec<Step>, Vec<TestResult>) {
        let (meter, clock) = (Meter::default(), Instant::now());
        let whole = TableName::gold("*");
        self.observer.started(&whole, &meter);
        let (mut steps, mut tests) = (Vec::new(), Vec::new());
        match gold::build(self.lake, self.plan.mode, &self.run_id, self.started, &self.plan.gold).await {
            Ok(built) => {
                for report in &built.tables {
                    let mut step = Step::new(&report.table);
                    step.built(report);
                    (step.seconds, step.ended) = (report.seconds, Utc::now());
                    let odd = built
                        .tests
                        .iter()
                        .filter(|test| test.table == report.table && test.severity == Severity::Warn && !test.passed());
                    step.warnings.extend(odd.map(|test| format!("{}: {}", test.test, test.found)));
                    steps.push(step);
                }
                if let Some(step) = steps.iter_mut().find(|step| step.table == "dimagreement") {
                    let unmatched = built.unmatched_agreement_types.iter();
                    step.warnings.extend(unmatched.map(|(name, count)| {
                        format!("no classification rule matches the agreement type {name:?} of {count} agreements")
                    }));
                }
                tests = built.tests;
            }
            Err(error) => {
                let mut step = Step::new(&whole);
                step.failed(&error);
                (step.seconds, step.ended) = (clock.elapsed().as_secs_f64(), Utc::now());
                steps.push(step);
            }
        }
        for step in &steps {
            self.observer.finished(step);
        }
        (steps, tests)
    }

    async fn step(&self, table: TableName, work: impl AsyncFnOnce(&mut Step, &Meter) -> Result<()>) -> (Step, Meter) {
        let (mut step, meter, clock) = (Step::new(&table), Meter::default(), Instant::now());
        self.observer.started(&table, &meter);
        if let Err(error) = work(&mut step, &meter).await {
            tracing::error!(table = %table, error = %error.report(), "step failed");
            step.rows_read = meter.rows();
            step.read = meter.proof();
            step.failed(&error);
        }
        (step.seconds, step.ended) = (clock.elapsed().as_secs_f64(), Utc::now());
        self.observer.finished(&step);
        (step, meter)
    }
}
