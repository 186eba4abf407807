//! Records that the server can't give: they are named, the others are loaded, what is stored of them stays, and the next run
//! asks for them again.

use connectwise_extract::catalog;
use connectwise_lakehouse::{Layer, TableName};
use connectwise_pipeline::reconcile;
use connectwise_pipeline::run::{Mode, Plan, Quiet, ReadProof, RunReport, StepOutcome, execute};
use connectwise_sdk::Client;
use connectwise_sdk::catalog::Entity;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, config, impatient};
use serde_json::json;

use crate::steer::{forget, post};
use crate::truth::Rows;

struct Tenant {
    simulator: Simulator,
    lakehouse: Lakehouse,
    client: Client,
    entity: &'static Entity,
}

impl Tenant {
    async fn start(entity: &str) -> Self {
        let simulator = Simulator::builder().seed(8).scale(300).start().await.unwrap();
        let client = Client::new(config(&simulator).unwrap().with_retry(impatient(3))).unwrap();
        Self { simulator, lakehouse: Lakehouse::empty().unwrap(), client, entity: catalog::entity(entity).unwrap() }
    }

    async fn run(&self, mode: Mode) -> RunReport {
        let plan = Plan { page_size: 100, ..Plan::new(vec![Layer::Bronze], mode, vec![self.entity]) };
        execute(self.lakehouse.lake(), Some(&self.client), &plan, &Quiet).await.unwrap()
    }

    /// A run that leaves something out, and says so.
    async fn run_without(&self, mode: Mode, behind: i64) -> ReadProof {
        let report = self.run(mode).await;
        let step = &report.steps[0];
        assert_eq!((report.outcome(), report.failed().count()), ("partly", 0), "{step:?}");
        let StepOutcome::Incomplete(what) = &step.outcome else { panic!("{step:?}") };
        assert!(what.contains(&format!("the server can't give 1 of the records of {}", self.entity.name)), "{what}");
        assert!(what.contains(&format!("the one behind {behind}")), "{what}");
        let read = step.read.as_ref().unwrap();
        assert!(!read.complete);
        assert!(read.watermark_after >= read.watermark_before);
        read.clone()
    }

    /// A run that leaves nothing out.
    async fn run_whole(&self, mode: Mode) {
        let report = self.run(mode).await;
        assert_eq!(report.outcome(), "done", "{:?}", report.steps);
        assert!(report.steps[0].read.as_ref().unwrap().complete);
        assert_eq!(self.bronze().await, self.truth().await);
    }

    async fn truth(&self) -> Rows {
        crate::truth::truth(&self.simulator, self.entity).await
    }

    async fn bronze(&self) -> Rows {
        crate::truth::stored(&self.lakehouse, self.entity).await
    }

    /// The server fails on each list that holds one of these.
    async fn spoil(&self, ids: &[i64]) {
        for id in ids {
            let rule = json!({ "path": self.entity.path, "holdsId": id, "status": 500, "times": 1_000_000 });
            post(&self.simulator, "faults", rule).await;
        }
    }

    async fn mend(&self) {
        forget(&self.simulator, "faults").await;
    }
}

/// The id before one of them.
fn before(rows: &Rows, id: i64) -> i64 {
    *rows.range(..id).next_back().unwrap().0
}

fn without(mut rows: Rows, id: i64) -> Rows {
    assert!(rows.remove(&id).is_some());
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_load_has_all_others_and_the_next_ones_ask_again() {
    let tenant = Tenant::start("TimeEntry").await;
    let truth = tenant.truth().await;
    let bad = *truth.keys().nth(truth.len() / 2).unwrap();
    tenant.spoil(&[bad]).await;
    for mode in [Mode::Full, Mode::Incremental, Mode::Incremental] {
        let read = tenant.run_without(mode, before(&truth, bad)).await;
        assert_eq!(tenant.bronze().await, without(truth.clone(), bad));
        assert!(read.watermark_after.is_some(), "one bad record doesn't make every run a full one");
        let all = read.counted_before.unwrap() == truth.len() as u64;
        assert_eq!(all, mode == Mode::Full, "{read:?}");
    }
    tenant.mend().await;
    tenant.run_whole(Mode::Incremental).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_that_changed_last_keeps_no_other_back() {
    let tenant = Tenant::start("TimeEntry").await;
    tenant.run_whole(Mode::Full).await;
    let stored = tenant.bronze().await;
    let change = post(&tenant.simulator, "advance", json!({ "TimeEntry": { "insert": 2 } })).await;
    let new: Vec<i64> = serde_json::from_value(change["changed"]["TimeEntry"]["inserted"].clone()).unwrap();
    let truth = tenant.truth().await;
    let changed = |id: &i64| truth[id]["_info"]["lastUpdated"].as_str().unwrap().to_owned();
    let bad = new.into_iter().max_by_key(changed).unwrap();
    tenant.spoil(&[bad]).await;
    for _ in 0..2 {
        tenant.run_without(Mode::Incremental, before(&truth, bad)).await;
        let rows = tenant.bronze().await;
        assert_eq!((rows.len(), &rows), (stored.len() + 1, &without(truth.clone(), bad)));
    }
    tenant.mend().await;
    tenant.run_whole(Mode::Incremental).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_row_stays_until_the_server_can_give_it() {
    let tenant = Tenant::start("TimeEntry").await;
    tenant.run_whole(Mode::Full).await;
    let stored = tenant.bronze().await;
    let change = post(&tenant.simulator, "advance", json!({ "TimeEntry": { "edit": 9, "insert": 2 } })).await;
    let edited: Vec<i64> = serde_json::from_value(change["changed"]["TimeEntry"]["edited"].clone()).unwrap();
    let bad = edited[4];
    tenant.spoil(&[bad]).await;
    let truth = tenant.truth().await;
    assert_ne!(truth[&bad], stored[&bad]);
    for mode in [Mode::Incremental, Mode::Incremental, Mode::Full] {
        let report = tenant.run(mode).await;
        let StepOutcome::Incomplete(what) = &report.steps[0].outcome else { panic!("{:?}", report.steps) };
        assert!(what.contains("the one behind "), "{what}");
        let rows = tenant.bronze().await;
        assert_eq!(rows[&bad], stored[&bad], "as it was");
        assert_eq!(without(rows, bad), without(truth.clone(), bad));
    }
    tenant.mend().await;
    tenant.run_whole(Mode::Incremental).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_compared_loses_nothing_by_it() {
    let tenant = Tenant::start("UnpostedInvoice").await;
    tenant.run_whole(Mode::Full).await;
    let stored = tenant.bronze().await;
    let change = post(&tenant.simulator, "advance", json!({ "UnpostedInvoice": { "delete": 1 } })).await;
    let gone: Vec<i64> = serde_json::from_value(change["changed"]["UnpostedInvoice"]["deleted"].clone()).unwrap();
    let truth = tenant.truth().await;
    let bad = *truth.keys().nth(truth.len() / 2).unwrap();
    tenant.spoil(&[bad]).await;
    tenant.run_without(Mode::Incremental, before(&truth, bad)).await;
    let rows = tenant.bronze().await;
    assert_eq!(rows[&bad], stored[&bad]);
    assert!(rows.contains_key(&gone[0]), "what is missing from a list that isn't whole may be there");
    tenant.mend().await;
    tenant.run_whole(Mode::Incremental).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconcile_goes_on_behind_it_and_keeps_its_row() {
    let tenant = Tenant::start("TimeEntry").await;
    tenant.run_whole(Mode::Full).await;
    let stored = tenant.bronze().await;
    let change = post(&tenant.simulator, "advance", json!({ "TimeEntry": { "delete": 4, "insert": 3 } })).await;
    let ids =
        |what: &str| -> Vec<i64> { serde_json::from_value(change["changed"]["TimeEntry"][what].clone()).unwrap() };
    let truth = tenant.truth().await;
    // One that is stored, and one that is to be read again.
    let bad = *truth.keys().find(|id| **id > *stored.keys().next().unwrap() && stored.contains_key(id)).unwrap();
    let new = ids("inserted")[1];
    tenant.spoil(&[bad, new]).await;
    let request = reconcile::ReconcileOptions { page_size: 100, ..reconcile::ReconcileOptions::new(false) };
    let report = reconcile::run(tenant.lakehouse.lake(), &tenant.client, &[tenant.entity], &request).await;
    let report = &report.entities[0];
    let mut gone = ids("deleted");
    gone.sort_unstable();
    assert_eq!((&report.refused, &report.deleted, report.reread), (&None, &gone, 2), "{report:?}");
    let note = report.note.as_deref().unwrap_or_default();
    assert!(note.contains("can't give 2 of the records of TimeEntry"), "{note}");
    assert!(note.contains(&format!("the one behind {}", before(&truth, bad))), "{note}");
    assert_eq!(tenant.bronze().await, without(truth.clone(), new));
    tenant.mend().await;
    let report = reconcile::run(tenant.lakehouse.lake(), &tenant.client, &[tenant.entity], &request).await;
    assert_eq!((&report.entities[0].note, report.entities[0].reread), (&None, 1));
    assert_eq!(tenant.bronze().await, truth);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_of_them_are_a_fault_of_the_server() {
    let tenant = Tenant::start("TimeEntry").await;
    tenant.run_whole(Mode::Full).await;
    let stored = tenant.bronze().await;
    let bad: Vec<i64> = stored.keys().copied().step_by(30).take(9).collect();
    tenant.spoil(&bad).await;
    let report = tenant.run(Mode::Full).await;
    let StepOutcome::Failed(why) = &report.steps[0].outcome else { panic!("{:?}", report.steps) };
    assert!(why.contains("the server can't give more than 8 records"), "{why}");
    let version = tenant.lakehouse.lake().table(&TableName::bronze(tenant.entity.table)).await.unwrap().version();
    assert_eq!(version, Some(0), "the table is as it was");
    assert_eq!(tenant.bronze().await, stored);
    tenant.mend().await;
    tenant.run_whole(Mode::Incremental).await;
}
