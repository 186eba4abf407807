//! Changes that no change time tells of: no incremental run finds them, and it is known which one does.

use connectwise_extract::catalog;
use connectwise_lakehouse::Layer;
use connectwise_pipeline::bronze::Options;
use connectwise_pipeline::reconcile::{self, ReconcileOptions};
use connectwise_pipeline::run::{Mode, Plan, Quiet, execute};
use connectwise_sdk::catalog::Entity;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, client};
use serde_json::{Value, json};

use crate::steer::post;
use crate::truth::{Rows, assert_truth, stored, truth};

struct Tenant {
    simulator: Simulator,
    lakehouse: Lakehouse,
    entity: &'static Entity,
}

impl Tenant {
    async fn loaded(entity: &str) -> Self {
        let simulator = Simulator::builder().seed(71).scale(120).start().await.unwrap();
        let tenant =
            Self { simulator, lakehouse: Lakehouse::empty().unwrap(), entity: catalog::entity(entity).unwrap() };
        tenant.run(Mode::Full).await;
        tenant
    }

    async fn run(&self, mode: Mode) {
        let load = Options { max_share: 100.0, ..Options::default() };
        let plan = Plan { load, ..Plan::new(vec![Layer::Bronze], mode, vec![self.entity]) };
        let client = client(&self.simulator).unwrap();
        let report = execute(self.lakehouse.lake(), Some(&client), &plan, &Quiet).await.unwrap();
        assert_eq!(report.exit_code(), 0, "{report:#?}");
    }

    async fn reconcile(&self) {
        let (client, request) =
            (client(&self.simulator).unwrap(), ReconcileOptions { max_share: 100.0, ..ReconcileOptions::new(false) });
        let report = reconcile::run(self.lakehouse.lake(), &client, &[self.entity], &request).await;
        assert_eq!(report.refused().count(), 0, "{report:?}");
    }

    async fn set(&self, id: i64, set: Value) {
        post(&self.simulator, "plant", json!({ "path": self.entity.path, "id": id, "set": set })).await;
    }

    async fn stored(&self) -> Rows {
        stored(&self.lakehouse, self.entity).await
    }

    async fn assert_truth(&self, when: &str) {
        assert_truth(&self.simulator, &self.lakehouse, [self.entity], when).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_keeps_its_change_time_is_found_by_a_full_run_alone() {
    let tenant = Tenant::loaded("Contact").await;
    let before = tenant.stored().await;
    let id = *before.keys().nth(3).unwrap();
    tenant.set(id, json!({ "firstName": "Edited by a script" })).await;
    assert_ne!(truth(&tenant.simulator, tenant.entity).await, before);
    tenant.run(Mode::Incremental).await;
    assert_eq!(tenant.stored().await, before, "an incremental run can't see it");
    tenant.reconcile().await;
    assert_eq!(tenant.stored().await, before, "a reconcile looks for what came and went, and at flags");
    tenant.run(Mode::Full).await;
    tenant.assert_truth("after a full run").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_and_a_flag_without_a_change_time_are_found_by_a_reconcile() {
    let tenant = Tenant::loaded("Company").await;
    let before = tenant.stored().await;
    // What was acquired of late is read again by every run.
    let old = |row: &Value| row["dateAcquired"].as_str().is_none_or(|date| date < "2025");
    let ids: Vec<i64> = before.iter().filter(|(_, row)| old(row)).map(|(id, _)| *id).take(1).collect();
    tenant.set(ids[0], json!({ "deletedFlag": true })).await;
    tenant.run(Mode::Incremental).await;
    assert_eq!(tenant.stored().await, before, "an incremental run can't see the flag");
    tenant.reconcile().await;
    tenant.assert_truth("the flag, after a reconcile").await;
    post(&tenant.simulator, "advance", json!({ "Company": { "delete": 2 } })).await;
    tenant.run(Mode::Incremental).await;
    assert_eq!(tenant.stored().await.len(), before.len(), "an incremental run can't see what is gone");
    tenant.reconcile().await;
    tenant.assert_truth("what is gone, after a reconcile").await;
}
