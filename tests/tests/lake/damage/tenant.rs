//! A loaded tenant, of which copies are harmed. One serves all tests that run at a time.

use std::sync::{Arc, LazyLock, Weak};

use connectwise_extract::catalog;
use connectwise_extract::decode::Rejected;
use connectwise_lakehouse::{Lake, Layer, TableName};
use connectwise_pipeline::run::{Mode, Plan, Quiet, RunReport, execute};
use connectwise_pipeline::{quarantine, reconcile};
use connectwise_sdk::catalog::Entity;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, client};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

use crate::alike::{assert_same, columns, copy, listed};
use crate::steer::post;
use crate::truth::truth;

/// A dimension, one with a history, a list that hangs on its rows, and a fact.
const ENTITIES: [&str; 4] = ["Member", "Agreement", "AgreementAddition", "TimeEntry"];

/// Columns that say when and by which run a row was written.
pub(super) const TECHNICAL: [&str; 4] = ["etlTimestamp", "_etl_run_id", "_etl_gold_processed_at", "_etl_batch_id"];

/// The simulator outlives the test that started it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static SHARED: Mutex<Weak<Tenant>> = Mutex::const_new(Weak::new());

pub(super) struct Tenant {
    pub(super) simulator: Simulator,
    pub(super) lakehouse: Lakehouse,
    /// Time entries that were deleted at the source: silver alone knows them.
    pub(super) gone: u64,
}

pub(super) fn entities() -> Vec<&'static Entity> {
    ENTITIES.iter().map(|name| catalog::entity(name).unwrap()).collect()
}

pub(super) fn time_entry() -> &'static Entity {
    catalog::entity("TimeEntry").unwrap()
}

pub(super) async fn run(lake: &Lake, simulator: Option<&Simulator>, mode: Mode) -> RunReport {
    let client = simulator.map(|simulator| client(simulator).unwrap());
    let layers = if client.is_some() { Layer::ALL.to_vec() } else { vec![Layer::Silver, Layer::Gold] };
    execute(lake, client.as_ref(), &Plan::new(layers, mode, entities()), &Quiet).await.unwrap()
}

impl Tenant {
    /// The one that other tests have, or a new one. Nothing of it may be changed.
    pub(super) async fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().await;
        if let Some(tenant) = shared.upgrade() {
            return tenant;
        }
        let tenant = Arc::new(Self::start().await);
        *shared = Arc::downgrade(&tenant);
        tenant
    }

    /// Every table has several versions.
    async fn start() -> Self {
        let simulator = RUNTIME.spawn(Simulator::builder().seed(31).scale(200).start()).await.unwrap().unwrap();
        let lakehouse = Lakehouse::empty().unwrap();
        let whole = |report: RunReport| assert_eq!(report.outcome(), "done", "{:#?}", report.steps);
        whole(run(lakehouse.lake(), Some(&simulator), Mode::Full).await);
        let gone = 3;
        let changes = json!({
            "TimeEntry": { "edit": 6, "insert": 4, "delete": gone },
            "Agreement": { "edit": 3, "insert": 2 },
            "Member": { "edit": 2, "insert": 1 },
        });
        post(&simulator, "advance", changes).await;
        let sweep = reconcile::ReconcileOptions::new(false);
        let swept = reconcile::run(lakehouse.lake(), &client(&simulator).unwrap(), &[time_entry()], &sweep).await;
        assert_eq!(swept.entities[0].deleted.len() as u64, gone, "{swept:?}");
        whole(run(lakehouse.lake(), Some(&simulator), Mode::Incremental).await);
        for which in 0..2 {
            let record = Rejected {
                text: format!("{{\"id\":null}}{which}"),
                reason: "no key".to_owned(),
                key: None,
                parent: None,
                after: None,
                before: None,
            };
            quarantine::keep(lakehouse.lake(), time_entry(), &[record], "run", chrono::Utc::now()).await.unwrap();
        }
        Self { simulator, lakehouse, gone }
    }

    /// A copy of the lakehouse.
    pub(super) fn copy(&self) -> (TempDir, Lake) {
        let folder = tempfile::tempdir().unwrap();
        copy(self.lakehouse.path(), folder.path());
        let lake = Lake::open(&folder.path().to_string_lossy()).unwrap();
        (folder, lake)
    }

    /// Bronze is what the server has.
    pub(super) async fn assert_bronze(&self, lake: &Lake, when: &str) {
        for entity in entities() {
            let own = TableName::bronze(entity.table);
            let all = columns(self.lakehouse.lake(), &own).await;
            let sql = format!("select {} from {}", listed(&all, &TECHNICAL), own.name);
            let expected = truth(&self.simulator, entity).await.len();
            assert_eq!(crate::alike::rows(lake, &sql).await.len(), expected, "{when}: {own}");
            assert_same(&own, &sql, lake, self.lakehouse.lake()).await;
        }
    }

    /// Silver is what it was, but for rows that are gone at the source where those could be lost.
    pub(super) async fn assert_silver(&self, lake: &Lake, without_deleted: bool) {
        for entity in entities() {
            let own = TableName::silver(entity.table);
            let all = columns(self.lakehouse.lake(), &own).await;
            let only = if without_deleted { " where not \"isDeleted\"" } else { "" };
            let sql = format!("select {} from {}{only}", listed(&all, &TECHNICAL), own.name);
            assert_same(&own, &sql, lake, self.lakehouse.lake()).await;
        }
    }

    /// Gold is what it was, but for facts of rows that silver has lost.
    pub(super) async fn assert_gold(&self, lake: &Lake, without_deleted: bool) {
        for name in ["fact_timeentry", "dimmember", "dimagreement"] {
            let own = TableName::gold(name);
            let all = columns(self.lakehouse.lake(), &own).await;
            let only = if without_deleted && name.starts_with("fact") { " where not \"isDeleted\"" } else { "" };
            let sql = format!("select {} from {name}{only}", listed(&all, &TECHNICAL));
            assert_same(&own, &sql, lake, self.lakehouse.lake()).await;
        }
    }
}
