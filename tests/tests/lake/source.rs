//! What happens at a server that no incremental load expects, and what a load can know of it.

use connectwise_extract::catalog;
use connectwise_lakehouse::Layer;
use connectwise_pipeline::run::{Mode, Quiet, execute};
use connectwise_sdk::catalog::Entity;
use connectwise_sim::Simulator;
use connectwise_tests::client;
use serde_json::{Value, json};

use crate::loaded::{Tenant, simulator};
use crate::quarantine::unreadable;
use crate::steer::{ask, post};
use crate::tenants::files;
use crate::truth::truth;

/// Something that happens at a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Turn {
    /// Rows change.
    Edit,
    /// Rows come.
    Insert,
    /// Rows go, which nothing tells.
    Delete,
    /// A row changes in the year 2099.
    Future,
    /// It does, a run sees it, and then it changes once more, long ago.
    PutRight,
    /// A row changes, long ago.
    Past,
    /// A row changes and keeps its change time.
    Keep,
    /// Two rows change in the very second of the newest change.
    Equal,
    /// A row changes into what can't be a row.
    Malformed,
    /// What couldn't be a row can be one again.
    Mend,
    /// The server is restored to its first state, and its clock goes on.
    Restored,
    /// The server is restored to its first state, its clock too.
    SetBack,
    /// Somebody runs with the credentials of another tenant.
    Stranger,
}

impl Turn {
    pub(crate) const ALL: [Self; 13] = [
        Self::Edit,
        Self::Insert,
        Self::Delete,
        Self::Future,
        Self::PutRight,
        Self::Past,
        Self::Keep,
        Self::Equal,
        Self::Malformed,
        Self::Mend,
        Self::Restored,
        Self::SetBack,
        Self::Stranger,
    ];
}

/// What was done to a server, as far as it matters to who reads it.
#[derive(Debug, Default)]
pub(crate) struct Source {
    turns: u64,
    /// Rows that are shown as what can't be a row.
    malformed: Vec<i64>,
    /// Whether something changed that no incremental load can see.
    pub(crate) is_hidden: bool,
}

impl Source {
    fn entity() -> &'static Entity {
        catalog::entity("Company").unwrap()
    }

    pub(crate) fn has_malformed(&self) -> bool {
        !self.malformed.is_empty()
    }

    pub(crate) async fn turn(&mut self, turn: Turn, tenant: &mut Tenant) {
        self.turns += 1;
        let id = self.row(tenant);
        match turn {
            Turn::Edit => {
                let changes = json!({ "Company": { "edit": 3 }, "TimeEntry": { "edit": 5 }, "Agreement": { "edit": 2 },
                    "Board": { "edit": 1 } });
                post(&tenant.simulator, "advance", changes).await;
            }
            Turn::Insert => {
                let changes = json!({ "Company": { "insert": 1 }, "TimeEntry": { "insert": 4 } });
                post(&tenant.simulator, "advance", changes).await;
            }
            Turn::Delete => {
                post(&tenant.simulator, "advance", json!({ "TimeEntry": { "delete": 3 } })).await;
                self.is_hidden = true;
            }
            Turn::Future => self.change(tenant, id, Some("2099-01-01T00:00:00Z")).await,
            Turn::PutRight => {
                self.change(tenant, id, Some("2099-01-01T00:00:00Z")).await;
                let report = tenant.run(Mode::Incremental, &[Layer::Bronze]).await;
                let is_seen = report.steps.iter().any(|step| step.table.ends_with("_company") && !step.is_failed());
                self.is_hidden |= !is_seen;
                self.change(tenant, id, Some("2025-03-01T00:00:00Z")).await;
            }
            Turn::Past => {
                self.change(tenant, id, Some("2020-01-01T00:00:00Z")).await;
                self.is_hidden = true;
            }
            Turn::Keep => {
                self.change(tenant, id, None).await;
                self.is_hidden = true;
            }
            Turn::Equal => {
                let now = now(&tenant.simulator).await;
                let newest = newest(&tenant.simulator, &now).await;
                for id in [id, self.row_after(tenant, 1)] {
                    self.change(tenant, id, Some(&newest)).await;
                }
            }
            Turn::Malformed => {
                let now = now(&tenant.simulator).await;
                self.change(tenant, id, Some(&now)).await;
                self.show(tenant, id, unreadable(Self::entity(), id, "").into()).await;
                self.malformed.push(id);
            }
            Turn::Mend => self.mend(tenant).await,
            Turn::Restored | Turn::SetBack => {
                let older = simulator().await;
                if turn == Turn::Restored {
                    let now = now(&tenant.simulator).await;
                    post(&older, "clock", json!({ "now": now })).await;
                }
                tenant.simulator = older;
                self.malformed.clear();
                self.is_hidden = true;
            }
            Turn::Stranger => stranger(tenant).await,
        }
    }

    /// Shows every row as a row again.
    pub(crate) async fn mend(&mut self, tenant: &Tenant) {
        for id in std::mem::take(&mut self.malformed) {
            self.show(tenant, id, Value::Null).await;
        }
    }

    /// A row that was there from the beginning, another one each time.
    fn row(&self, tenant: &Tenant) -> i64 {
        self.row_after(tenant, 0)
    }

    fn row_after(&self, tenant: &Tenant, by: u64) -> i64 {
        let at = usize::try_from(self.turns * 2 + by).unwrap() % tenant.companies.len();
        tenant.companies[at]
    }

    /// Gives a row another name, and this change time where there is one.
    async fn change(&self, tenant: &Tenant, id: i64, time: Option<&str>) {
        let mut set = json!({ "name": format!("Change {} of {id}", self.turns) });
        if let Some(time) = time {
            set["_info/lastUpdated"] = time.into();
        }
        post(&tenant.simulator, "plant", json!({ "path": Self::entity().path, "id": id, "set": set })).await;
    }

    async fn show(&self, tenant: &Tenant, id: i64, text: Value) {
        post(&tenant.simulator, "plant", json!({ "path": Self::entity().path, "id": id, "text": text })).await;
    }
}

async fn now(simulator: &Simulator) -> String {
    ask(simulator, "clock").await["now"].as_str().unwrap().to_owned()
}

/// The change time of the row that changed last, of those that didn't change in the future.
async fn newest(simulator: &Simulator, now: &str) -> String {
    let rows = truth(simulator, Source::entity()).await;
    let times = rows.values().filter_map(|row| row["_info"]["lastUpdated"].as_str().map(str::to_owned));
    times.filter(|time| time.as_str() <= now).max().unwrap()
}

/// Other credentials on the same lakehouse are refused before anything is asked or written.
async fn stranger(tenant: &Tenant) {
    let stranger = Simulator::builder().seed(7).scale(20).credentials("other+public", "private").start().await.unwrap();
    let before = files(tenant.lakehouse.path());
    for mode in [Mode::Incremental, Mode::Full] {
        let plan = Tenant::plan(mode, &Layer::ALL);
        let refused = execute(tenant.lake(), Some(&client(&stranger).unwrap()), &plan, &Quiet).await;
        let refused = refused.unwrap_err();
        assert!(refused.is_usage() && refused.report().contains("--adopt-tenant"), "{}", refused.report());
    }
    assert_eq!(ask(&stranger, "requests").await["total"], 0, "nothing is asked");
    assert_eq!(files(tenant.lakehouse.path()), before, "nothing is written");
}
