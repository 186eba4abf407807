//! A small tenant that was loaded, and what its lakehouse is held against.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use chrono::Utc;
use connectwise_extract::catalog;
use connectwise_extract::extra::ExtraColumns;
use connectwise_extract::privacy::Privacy;
use connectwise_lakehouse::{Lake, Layer, TableName};
use connectwise_pipeline::bronze::Options;
use connectwise_pipeline::gold;
use connectwise_pipeline::run::{Mode, Plan, Quiet, RunReport, StepOutcome, execute};
use connectwise_pipeline::silver::{self, history};
use connectwise_sdk::catalog::Entity;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, client};
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::alike::{columns, copy, listed, rows};
use crate::truth::{assert_truth, truth};

/// One with a history, one that is read whole each time, one that hangs on another, and what a fact is made of.
const ENTITIES: [&str; 6] = ["Agreement", "AgreementAddition", "Board", "Company", "Member", "TimeEntry"];

/// What all tenants here are made from: the same seed has the same rows.
const SEED: u64 = 41;

pub(crate) const BELOW_GOLD: [Layer; 2] = [Layer::Bronze, Layer::Silver];

pub(crate) fn entities() -> impl Iterator<Item = &'static Entity> {
    ENTITIES.into_iter().map(|name| catalog::entity(name).unwrap())
}

pub(crate) async fn simulator() -> Simulator {
    Simulator::builder().seed(SEED).scale(120).start().await.unwrap()
}

/// The silver and history tables, and which of their rows have to be those of a table that was never touched: deleted rows and
/// old versions are nowhere else.
pub(crate) fn silver_tables() -> Vec<(TableName, &'static str)> {
    let silver = entities().map(|entity| (TableName::silver(entity.table), "not \"isDeleted\""));
    let histories = entities().filter(|entity| entity.history).map(|entity| (history::table(entity), "\"isCurrent\""));
    silver.chain(histories).collect()
}

/// The tables of gold but for the keys, which are nobody's but their own.
pub(crate) fn gold_tables() -> Vec<(TableName, &'static str)> {
    gold::tables()
        .unwrap()
        .into_iter()
        .filter(|name| *name != "dimension_keys")
        .map(|name| (TableName::gold(name), "true"))
        .collect()
}

/// Rows of tables as texts.
pub(crate) type Content = BTreeMap<TableName, Vec<String>>;

pub(crate) struct Tenant {
    pub(crate) simulator: Simulator,
    pub(crate) lakehouse: Lakehouse,
    /// Keys of the companies that the server had at first.
    pub(crate) companies: Vec<i64>,
    /// Goes with the last tenant that was made from it.
    _made_from: Arc<TempDir>,
}

impl Tenant {
    /// A tenant of which everything was loaded and built. That is done once for all tests that run at the same time, and copied.
    pub(crate) async fn loaded() -> Self {
        static LOADED: Mutex<Weak<TempDir>> = Mutex::const_new(Weak::new());
        let mut loaded = LOADED.lock().await;
        let (simulator, lakehouse) = (simulator().await, Lakehouse::empty().unwrap());
        let companies = truth(&simulator, catalog::entity("Company").unwrap()).await.into_keys().collect();
        if let Some(made_from) = loaded.upgrade() {
            copy(made_from.path(), lakehouse.path());
            return Self { simulator, lakehouse, companies, _made_from: made_from };
        }
        let made_from = Arc::new(tempfile::tempdir().unwrap());
        let tenant = Self { simulator, lakehouse, companies, _made_from: made_from.clone() };
        let report = tenant.run(Mode::Full, &Layer::ALL).await;
        assert_eq!(report.failed().count(), 0, "{:?}", report.steps);
        copy(tenant.lakehouse.path(), made_from.path());
        *loaded = Arc::downgrade(&made_from);
        tenant
    }

    pub(crate) fn lake(&self) -> &Lake {
        self.lakehouse.lake()
    }

    pub(crate) fn plan(mode: Mode, layers: &[Layer]) -> Plan {
        // In a tenant as small as this one a single row is a large share.
        let load = Options { max_share: 100.0, ..Options::default() };
        Plan { load, page_size: 50, ..Plan::new(layers.to_vec(), mode, entities().collect()) }
    }

    pub(crate) async fn run(&self, mode: Mode, layers: &[Layer]) -> RunReport {
        let plan = Self::plan(mode, layers);
        let client = client(&self.simulator).unwrap();
        // A test has a small stack.
        Box::pin(execute(self.lake(), Some(&client), &plan, &Quiet)).await.unwrap()
    }

    /// Bronze is what the server has, silver what a silver is that was never touched, and gold what one is that is made of it.
    pub(crate) async fn assert_equal(&self, when: &str) {
        assert_truth(&self.simulator, &self.lakehouse, entities(), when).await;
        let fresh = Lakehouse::empty().unwrap();
        copy(&self.lakehouse.path().join("bronze"), &fresh.path().join("bronze"));
        let (privacy, extra) = (Privacy::default(), ExtraColumns::default());
        for entity in entities() {
            let request = silver::SilverRequest {
                entity,
                privacy: &privacy,
                extra: &extra,
                run_id: "fresh",
                started: Utc::now(),
            };
            let bronze = fresh.lake().table(&TableName::bronze(entity.table)).await.unwrap();
            let silver = fresh.lake().table(&TableName::silver(entity.table)).await.unwrap();
            silver::build(&bronze, &silver, &request, Mode::Full).await.unwrap();
            if entity.history {
                let history = fresh.lake().table(&history::table(entity)).await.unwrap();
                history::build(&silver.refresh().await.unwrap(), &history, &request, Mode::Full).await.unwrap();
            }
        }
        assert_same(
            &content(self.lake(), &silver_tables()).await,
            &content(fresh.lake(), &silver_tables()).await,
            when,
        );
        // Gold keeps what silver keeps of rows that are gone.
        let above = Lakehouse::empty().unwrap();
        copy(&self.lakehouse.path().join("silver"), &above.path().join("silver"));
        let config = gold::GoldConfig::default();
        Box::pin(gold::build(above.lake(), Mode::Full, "fresh", Utc::now(), &config)).await.unwrap();
        assert_same(&content(self.lake(), &gold_tables()).await, &content(above.lake(), &gold_tables()).await, when);
    }
}

/// What tables hold, but for what a rebuild may change: times, run ids and surrogate keys.
pub(crate) async fn content(lake: &Lake, tables: &[(TableName, &str)]) -> Content {
    let models = gold::plan().unwrap();
    let keys = models.iter().filter(|model| model.name.starts_with("dim") && model.name != "dimdate");
    let technical =
        ["etlTimestamp", "_etl_run_id", "historyKey", "validFrom", "_etl_gold_processed_at", "_etl_batch_id"];
    let own_affair: Vec<&str> = technical.into_iter().chain(keys.map(|model| model.key.as_str())).collect();
    let mut content = Content::new();
    for (table, which) in tables {
        let all = listed(&columns(lake, table).await, &own_affair);
        let found = rows(lake, &format!("select {all} from {} where {which}", table.name)).await;
        // A column that is missing is missing in every row, or in none where there are none.
        content.insert(table.clone(), [all].into_iter().chain(found).collect());
    }
    content
}

pub(crate) fn assert_same(stored: &Content, wanted: &Content, when: &str) {
    for (table, wanted) in wanted {
        let stored = &stored[table];
        let only: Vec<_> = stored.iter().filter(|row| !wanted.contains(row)).take(3).collect();
        let missing: Vec<_> = wanted.iter().filter(|row| !stored.contains(row)).take(3).collect();
        assert!(
            stored == wanted,
            "{when}: {table} has {} rows and not {}: {only:#?} in place of {missing:#?}",
            stored.len() - 1,
            wanted.len() - 1
        );
    }
}

/// What a run says of a table.
pub(crate) fn said(report: &RunReport, table: &TableName) -> String {
    let steps = report.steps.iter().filter(|step| step.layer == table.layer && step.table == table.name);
    let all = steps.flat_map(|step| {
        let why = match &step.outcome {
            StepOutcome::Failed(why) | StepOutcome::Incomplete(why) => Some(why.clone()),
            _ => None,
        };
        step.warnings.iter().cloned().chain(why)
    });
    all.collect::<Vec<_>>().join("; ")
}
