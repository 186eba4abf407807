//! A run: bronze entity by entity, then silver, then gold.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use chrono::{DateTime, Utc};
use connectwise_extract::extra::ExtraColumns;
use connectwise_extract::privacy::Privacy;
use connectwise_extract::read::{DateProbe, Window};
use connectwise_lakehouse::{Lake, Layer, Table, TableName};
use connectwise_sdk::Client;
use connectwise_sdk::catalog::Entity;

use super::server::Server;
use super::silver::Built;
use super::{Meter, Mode, Observer, RunReport, Step, damage, others};
use crate::bronze::Options;
use crate::error::{Error, Result};
use crate::gold::{self, Cluster, GoldConfig, Severity, TestResult};
use crate::halt::Trouble;
use crate::ledger::{self, End, Journal, Start, Work};
use crate::opened::Opened;
use crate::shared::Shared;
use crate::tenant::{self, Admitted, Signature};
use tokio::sync::OnceCell;

/// What a run has to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Layers to build, in any order: they run bronze, silver, gold.
    pub layers: Vec<Layer>,
    /// How much is read.
    pub mode: Mode,
    /// Entities, in the order in which they are loaded.
    pub entities: Vec<&'static Entity>,
    /// Names of those that are skipped where the role may not read them.
    pub optional: Vec<&'static str>,
    /// How far back incremental reads go.
    pub window: Window,
    /// Records a page.
    pub page_size: u32,
    /// What becomes of secrets and personal data.
    pub privacy: Privacy,
    /// Columns of silver for properties that the interface document lacks.
    pub extra: ExtraColumns,
    /// How much a load may remove, and how it keeps what it reads.
    pub load: Options,
    /// How gold is computed.
    pub gold: GoldConfig,
    /// A cluster for the facts that are computed as a whole, in place of this process.
    pub cluster: Option<Arc<dyn Cluster>>,
    /// Whether the tenant takes over a lakehouse that belongs to another one: the same tenant under another company id or on
    /// another server.
    pub adopt_tenant: bool,
    /// Whether tables are replaced that another program made in a lakehouse which was never loaded.
    pub adopt: bool,
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
            optional: Vec::new(),
            window: Window::default(),
            page_size: 1_000,
            privacy: Privacy::default(),
            extra: ExtraColumns::default(),
            load: Options::default(),
            gold: GoldConfig::default(),
            cluster: None,
            adopt_tenant: false,
            adopt: false,
        }
    }
}

/// Runs a plan to its end, whatever fails on the way.
///
/// # Errors
/// [`Kind::Usage`](crate::error::Kind::Usage) when the plan needs an API client and there is none, and when gold can't be computed as it is configured;
/// [`Kind::Config`](crate::error::Kind::Config) when the lakehouse belongs to another tenant or holds another program's tables. Everything later is in the report.
pub async fn execute(lake: &Lake, client: Option<&Client>, plan: &Plan, observer: &dyn Observer) -> Result<RunReport> {
    if client.is_none() && plan.layers.contains(&Layer::Bronze) {
        return Err(Error::no_client());
    }
    if plan.layers.contains(&Layer::Gold) {
        gold::check(lake, &plan.gold).await?;
    }
    let started = Utc::now();
    let run_id = uuid::Uuid::now_v7().to_string();
    let clock = Instant::now();
    let dates = DateProbe::default();
    let replaced = others::admit(lake, &plan.gold, plan.adopt).await?;
    let asking = client.filter(|_| plan.layers.contains(&Layer::Bronze));
    let Admitted { lake, signature: owner, note } = match asking {
        Some(client) => tenant::admit(lake, client, plan.adopt_tenant, &run_id, started).await?,
        None => Admitted { lake: lake.clone(), signature: tenant::signature(lake).await?, note: None },
    };
    let lake = &lake;
    let unsettled = AtomicBool::new(false);
    // Whether earlier runs skipped something matters only to what is optional, and less than the run.
    let skipped = if plan.optional.is_empty() { Ok(BTreeSet::new()) } else { ledger::skipped(lake).await };
    let skipped = skipped.unwrap_or_else(|error| {
        tracing::warn!("what earlier runs skipped isn't known: {}", error.report());
        BTreeSet::new()
    });
    let quarantine = OnceCell::new();
    let shared = Shared::default();
    let ended_beside = Mutex::default();
    let run = Run {
        lake,
        plan,
        observer,
        started,
        run_id,
        clock,
        dates,
        shared,
        owner,
        unsettled,
        quarantine,
        skipped,
        ended_beside,
    };
    let asked = asking.map(|client| client.config().version());
    let start = Start { run_id: &run.run_id, started, work: Work::Load(plan.mode), layers: &plan.layers, asked };
    // What no run may fail over, before the run says that it begins.
    let mut warnings: Vec<String> = note.into_iter().chain(replaced).collect();
    let (opened, told) = damage::aside(lake, &run.run_id).await;
    warnings.extend(told);
    let mut journal = Journal::begin(lake, start, opened).await;
    if let Err(error) = damage::clear(lake, plan, &mut journal).await {
        tracing::warn!("{}", error.report());
    }
    let mut steps = Vec::new();
    let mut tests = Vec::new();
    // What a layer left open is what the next one reads.
    let mut opened = Opened::default();
    let mut server = Server::default();
    let mut not_tried = Vec::new();
    let mut goes_on = true;
    let mut beside = HashMap::new();
    if let Some(client) = asking {
        server = Server::ask(client).await;
        let (loaded, built) = run.lists_and_silver(client, &mut server, &mut journal).await?;
        steps = loaded.steps;
        not_tried = loaded.not_tried;
        opened.extend(loaded.tables);
        warnings.extend(loaded.warnings);
        // Without anything new there is nothing to build, and a run that did nothing has to say so.
        goes_on = (loaded.went || not_tried.is_empty()) && !is_full(&steps);
        beside = built;
        journal.write().await;
    }
    if plan.layers.contains(&Layer::Silver) {
        for entity in &plan.entities {
            let (told, silver) = match beside.remove(entity.name) {
                Some(Built { steps, silver }) => (steps, silver),
                None if goes_on && !is_full(&steps) => {
                    let bronze = opened.take(&TableName::bronze(entity.table));
                    let Built { steps, silver } = run.silver(entity, bronze).await;
                    for step in &steps {
                        journal.step(step, None).await;
                    }
                    (steps, silver)
                }
                None => continue,
            };
            steps.extend(told);
            opened.extend(silver);
        }
        goes_on &= !is_full(&steps);
        journal.write().await;
    }
    if goes_on && plan.layers.contains(&Layer::Gold) {
        let (mut built, mut tested) = run.gold(&mut warnings, opened).await;
        for step in &built {
            journal.step(step, None).await;
        }
        steps.append(&mut built);
        tests.append(&mut tested);
    }
    if is_full(&steps) {
        let root = lake.root();
        let place = root.to_file_path().map_or_else(|()| root.to_string(), |path| path.display().to_string());
        warnings.push(format!(
            "no space is left on the disk of {place}, so the run stopped: free some, or move the lakehouse to a larger disk, and \
             run again, which removes what was half written"
        ));
    }
    let total = |of: fn(&Step) -> u64| steps.iter().map(of).sum::<u64>();
    let requests = total(|step| step.requests) + server.spent.requests;
    let retries = total(|step| step.retries) + server.spent.retries;
    let bytes = total(|step| step.bytes) + server.spent.bytes;
    let mut report = RunReport {
        run_id: run.run_id.clone(),
        started,
        mode: plan.mode,
        lakehouse: lake.root().to_string(),
        api_version: connectwise_sdk::API_VERSION.to_owned(),
        asked_version: asked.map(str::to_owned),
        server_version: server.release,
        steps,
        tests,
        not_tried,
        warnings,
        requests,
        retries,
        bytes,
        seconds: run.clock.elapsed().as_secs_f64(),
    };
    // The data is there, whatever becomes of the ledger.
    let end = End {
        steps: &report.steps,
        tests: &report.tests,
        server: report.server_version.as_deref(),
        requests,
        retries,
        bytes,
        seconds: report.seconds,
        ended: Utc::now(),
    };
    if let Err(error) = journal.end(&end).await {
        report.warnings.push(error.report());
    }
    Ok(report)
}

pub(super) struct Run<'a> {
    pub(super) lake: &'a Lake,
    pub(super) plan: &'a Plan,
    pub(super) observer: &'a dyn Observer,
    pub(super) started: DateTime<Utc>,
    pub(super) run_id: String,
    clock: Instant,
    pub(super) dates: DateProbe,
    pub(super) shared: Shared,
    pub(super) owner: Signature,
    /// Whether a table that others are built from was mended, so that these can't go by what they have seen of it.
    pub(super) unsettled: AtomicBool,
    /// The quarantine when the run first asked for it.
    pub(super) quarantine: OnceCell<Table>,
    /// Bronze tables that the last run to load them skipped.
    pub(super) skipped: BTreeSet<String>,
    /// Silver steps that ended beside loads, until the ledger is told.
    pub(super) ended_beside: Mutex<Vec<Step>>,
}

/// A table after a step that left it at a version.
pub(super) async fn at(table: &Table, version: u64) -> Result<Table> {
    Ok(if table.version() == Some(version) { table.clone() } else { table.refresh().await? })
}

/// Whether a step failed for want of space, which the others would, too.
pub(super) fn is_full(steps: &[Step]) -> bool {
    steps.iter().any(|step| step.is_failed() && step.trouble == Some(Trouble::FullDisk))
}

impl Run<'_> {
    /// Marks tables of a step that failed over files which can't be read ([`damage::mark`]), and says which.
    async fn mark(&self, tables: &[TableName]) -> Option<String> {
        let marked = damage::mark(self.lake, tables, self.plan.mode, &self.run_id).await.unwrap_or_else(|error| {
            tracing::warn!("{}", error.report());
            BTreeMap::new()
        });
        (!marked.is_empty()).then(|| marked.into_values().collect::<Vec<_>>().join("; "))
    }

    /// Gold is one plan over many tables: it is built as a whole, and reported table by table.
    async fn gold(&self, warnings: &mut Vec<String>, opened: Opened) -> (Vec<Step>, Vec<TestResult>) {
        let meter = Meter::default();
        let clock = Instant::now();
        let whole = TableName::gold("*");
        self.observer.started(&whole, &meter);
        let mut steps = Vec::new();
        let mut tests = Vec::new();
        let inputs: Vec<TableName> = self.plan.entities.iter().map(|entity| TableName::silver(entity.table)).collect();
        let mut mended = Vec::new();
        let mut built = self.build_gold(opened, &mut mended).await;
        let failed_over_files = |built: &Result<gold::GoldReport>| match built {
            Ok(built) => built.tables.iter().any(|table| table.undecodable),
            Err(error) => error.is_undecodable(),
        };
        // Models that can't be read have no tables, and are what the build itself failed over.
        if failed_over_files(&built)
            && let Ok(written) = damage::written_by_gold(self.plan)
            && self.mark(&written).await.is_some()
        {
            built = self.build_gold(Opened::default(), &mut mended).await;
        }
        if failed_over_files(&built) {
            warnings.extend(self.mark(&inputs).await);
        }
        match built {
            Ok(built) => {
                if built.tables.iter().any(|table| table.error.is_some()) {
                    warnings.extend(damage::found(self.lake, &inputs).await);
                }
                for report in &built.tables {
                    let mut step = Step::new(&report.table);
                    step.built(report);
                    step.trouble = report.trouble;
                    step.warnings.extend(
                        mended.extract_if(.., |(table, _)| *table == report.table).map(|(_, healed)| healed.told),
                    );
                    step.seconds = report.seconds;
                    step.ended = Utc::now();
                    let odd = built
                        .tests
                        .iter()
                        .filter(|test| test.table == report.table && test.severity == Severity::Warn && !test.passed());
                    step.warnings.extend(odd.map(|test| format!("{}: {}", test.test, test.found)));
                    steps.push(step);
                }
                if let Some(step) = steps.iter_mut().find(|step| step.table == "dimagreement") {
                    let has_rules = self.plan.gold.agreement_rules.is_some();
                    let unmatched = built.unmatched_agreement_types.iter();
                    step.warnings.extend(unmatched.map(|(name, count)| {
                        if has_rules {
                            format!("no classification rule matches the agreement type {name:?} of {count} agreements")
                        } else {
                            format!("nothing says how {count} agreements of the type {name:?} are billed")
                        }
                    }));
                }
                tests = built.tests;
            }
            Err(error) => {
                let mut step = Step::new(&whole);
                step.trouble = Trouble::of(&error);
                step.failed(&damage::explained(self.lake, &inputs, error).await);
                step.seconds = clock.elapsed().as_secs_f64();
                step.ended = Utc::now();
                steps.push(step);
            }
        }
        warnings.extend(mended.into_iter().map(|(_, healed)| healed.told));
        for step in &steps {
            self.observer.finished(step);
        }
        (steps, tests)
    }

    /// Builds gold, whose tables are mended before where they have to be.
    async fn build_gold(
        &self,
        mut opened: Opened,
        mended: &mut Vec<(TableName, damage::Healed)>,
    ) -> Result<gold::GoldReport> {
        let damage::Gold { tables, healed, untrusted } = damage::gold(self.lake, self.plan, &self.run_id).await?;
        opened.extend(tables);
        let whole = healed.iter().all(|(_, healed)| healed.is_whole)
            && untrusted.is_empty()
            && !self.unsettled.load(Ordering::Relaxed);
        mended.extend(healed);
        let mode = if whole { self.plan.mode } else { Mode::Full };
        let request = gold::GoldRequest::new(self.lake, mode, &self.run_id, self.started).on(self.plan.cluster.clone());
        let built = gold::build_opened(&request, &self.plan.gold, opened).await?;
        let failed = |table: &TableName| built.tables.iter().any(|one| one.table == *table && one.error.is_some());
        for table in untrusted.iter().filter(|table| !failed(table)) {
            self.lake.trust(table, &self.run_id).await?;
        }
        Ok(built)
    }

    /// One step: of a table, and the tables that it is built from. Where a file of that table can't be read, what is left of the table
    /// is set right, and the step begins again.
    pub(super) async fn step<T>(
        &self,
        table: TableName,
        inputs: &[TableName],
        meter: &Meter,
        mut work: impl AsyncFnMut(&mut Step, &Meter) -> Result<T>,
    ) -> (Step, Option<T>) {
        let mut step = Step::new(&table);
        let clock = Instant::now();
        self.observer.started(&table, meter);
        let mut done = work(&mut step, meter).await;
        let unread = match &done {
            Err(error) if error.is_undecodable() => self.mark(std::slice::from_ref(&table)).await,
            _ => None,
        };
        if unread.is_some() && damage::is_marked(&table, self.plan.mode) {
            step = Step::new(&table);
            done = work(&mut step, meter).await;
        }
        let (done, error) = match done {
            Ok(done) => (Some(done), None),
            Err(error) => (None, Some(error)),
        };
        if let Some(error) = error {
            step.trouble = Trouble::of(&error);
            let unread = if error.is_undecodable() { self.mark(inputs).await.or(unread) } else { None };
            let error = match unread {
                Some(what) => Error::damaged(what).with_source(error),
                None => damage::explained(self.lake, inputs, error).await,
            };
            tracing::error!(table = %table, error = %error.report(), "step failed");
            step.rows_read = meter.rows();
            step.read = meter.proof();
            step.failed(&error);
        }
        (step.seconds, step.ended) = (clock.elapsed().as_secs_f64(), Utc::now());
        self.observer.finished(&step);
        (step, done)
    }
}
