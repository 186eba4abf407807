//! What a run costs over a network: requests, and how many of them are under way at once. What is loaded is the same whichever way.

use std::time::Duration;

use connectwise_extract::catalog;
use connectwise_lakehouse::{Layer, TableName};
use connectwise_pipeline::run::{Mode, Plan, Quiet, Report, execute};
use connectwise_sdk::Client;
use connectwise_sdk::catalog::Entity;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, config, impatient};
use serde_json::{Value, json};

use crate::steer::{ask, forget, post};
use crate::truth::assert_truth;

fn all() -> Vec<&'static Entity> {
    catalog::entities().iter().collect()
}

fn named(names: &[&str]) -> Vec<&'static Entity> {
    names.iter().map(|name| catalog::entity(name).unwrap()).collect()
}

struct Tenant {
    simulator: Simulator,
    lakehouse: Lakehouse,
    client: Client,
}

impl Tenant {
    async fn start(scale: u64, concurrency: usize, latency: Duration) -> Self {
        let simulator =
            Simulator::builder().seed(19).scale(scale).latency(latency, Duration::ZERO).start().await.unwrap();
        let config = config(&simulator).unwrap().with_concurrency(concurrency).with_retry(impatient(3));
        Self { simulator, lakehouse: Lakehouse::empty().unwrap(), client: Client::new(config).unwrap() }
    }

    async fn run(&self, plan: Plan) -> Report {
        forget(&self.simulator, "requests").await;
        let report = execute(self.lakehouse.lake(), Some(&self.client), &plan, &Quiet).await.unwrap();
        assert_eq!(report.exit_code(), 0, "{report:#?}");
        report
    }

    async fn load(&self, mode: Mode, entities: Vec<&'static Entity>) -> Report {
        self.run(Plan::new(vec![Layer::Bronze], mode, entities)).await
    }

    async fn requests(&self) -> Value {
        ask(&self.simulator, "requests").await
    }

    async fn total(&self) -> u64 {
        self.requests().await["total"].as_u64().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_which_nothing_changed_asks_for_little() {
    let tenant = Tenant::start(300, 4, Duration::ZERO).await;
    let report = tenant.load(Mode::Full, all()).await;
    assert_eq!(report.requests, tenant.total().await, "what the report counts is what the server was asked");
    assert_truth(&tenant.simulator, &tenant.lakehouse, all(), "after the full load").await;
    let report = tenant.load(Mode::Incremental, all()).await;
    let asked = tenant.total().await;
    assert!(asked <= 60 && report.requests == asked, "{asked} requests: {:#}", tenant.requests().await["counts"]);
    let changed: u64 = report.steps.iter().map(|step| step.rows_inserted + step.rows_updated + step.rows_deleted).sum();
    assert_eq!(changed, 0, "{report:#?}");
    let read = |step: &connectwise_pipeline::run::Step| step.read.as_ref().is_some_and(|read| read.complete);
    assert!(report.steps.iter().all(read), "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_is_found_by_bundles_and_without_them() {
    for fault in [None, Some(json!({ "path": "/system/bundles*", "status": 403, "times": 1_000_000 }))] {
        let tenant = Tenant::start(150, 3, Duration::ZERO).await;
        if let Some(fault) = &fault {
            post(&tenant.simulator, "faults", fault.clone()).await;
        }
        // Deletions are found where a whole list is read.
        let entities =
            named(&["TimeEntry", "Company", "Contact", "Board", "BoardStatus", "WorkType", "Member", "Agreement"]);
        tenant.load(Mode::Full, entities.clone()).await;
        let when = format!("{fault:?}");
        assert_truth(&tenant.simulator, &tenant.lakehouse, entities.clone(), &when).await;
        let change = json!({ "TimeEntry": { "edit": 9, "insert": 7 }, "Company": { "edit": 3, "insert": 2 },
            "Contact": { "edit": 3, "insert": 2 }, "Member": { "edit": 1, "insert": 1 } });
        post(&tenant.simulator, "advance", change).await;
        tenant.load(Mode::Incremental, entities.clone()).await;
        assert_truth(&tenant.simulator, &tenant.lakehouse, entities, &when).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_requests_are_under_way_than_are_allowed_and_not_fewer_either() {
    let entities =
        ["TimeEntry", "Company", "Contact", "Agreement", "AgreementAddition", "Invoice", "ProductItem", "Project"];
    for (concurrency, least) in [(1, 1), (3, 2)] {
        let tenant = Tenant::start(2_000, concurrency, Duration::from_millis(30)).await;
        let plan = Plan { page_size: 40, ..Plan::new(vec![Layer::Bronze], Mode::Full, named(&entities)) };
        let report = tenant.run(plan).await;
        let most = tenant.requests().await["mostUnderWay"].as_u64().unwrap();
        assert!((least..=concurrency as u64).contains(&most), "{most} of {concurrency}");
        let order: Vec<&str> = report.steps.iter().map(|step| step.table.as_str()).collect();
        let expected: Vec<String> =
            named(&entities).iter().map(|entity| TableName::bronze(entity.table).name).collect();
        assert_eq!(order, expected, "the report is in the order of the plan");
    }
}

/// Rows come and change while the ranges are read; after the next run the table is what the server has.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_read_by_ranges_of_its_keys() {
    let tenant = Tenant::start(2_000, 3, Duration::ZERO).await;
    let entities = named(&["TimeEntry"]);
    let drift = json!({ "every": 5, "edit": 1, "insert": 1, "delete": 0, "path": "/time/entries" });
    post(&tenant.simulator, "drift", drift).await;
    let plan = |mode| Plan { page_size: 40, ..Plan::new(vec![Layer::Bronze], mode, named(&["TimeEntry"])) };
    tenant.run(plan(Mode::Full)).await;
    let asked = tenant.requests().await;
    let of_a_range = |request: &&Value| request["query"].as_str().unwrap().contains("conditions=");
    let ranges = asked["recent"].as_array().unwrap().iter().filter(of_a_range).count();
    assert!(ranges > 12, "{ranges} requests for ranges");
    forget(&tenant.simulator, "drift").await;
    tenant.run(plan(Mode::Incremental)).await;
    assert_truth(&tenant.simulator, &tenant.lakehouse, entities, "after ranges and a run").await;
}

/// A full load of a list that was counted by bundle; and one from a server that leaves most ranges of a bundle empty.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_read_by_bundles_of_ranges() {
    for cut in [false, true] {
        let tenant = Tenant::start(10_000, 4, Duration::ZERO).await;
        if cut {
            post(&tenant.simulator, "switches", json!({ "bundle-lists": 3 })).await;
        }
        let entities = named(&["TimeEntry", "Board", "WorkType"]);
        let report = tenant.load(Mode::Full, entities.clone()).await;
        let step = &report.steps[0];
        assert_eq!(step.warnings.iter().any(|warning| warning.contains("read page by page")), cut, "{step:#?}");
        let asked = tenant.requests().await;
        let is_page = |request: &&Value| request["path"] == "/time/entries";
        let pages = asked["recent"].as_array().unwrap().iter().filter(is_page).count();
        assert!(if cut { pages >= 10 } else { pages == 0 && report.requests <= 20 }, "{pages} pages: {asked:#}");
        assert_truth(&tenant.simulator, &tenant.lakehouse, entities, "after bundles of ranges").await;
    }
}

/// A list without change times, of which two bundles ask by ranges: while pages of the first are read, the second mustn't keep the
/// only place among the requests under way.
#[tokio::test(flavor = "multi_thread")]
async fn a_range_that_fails_in_a_bundle_is_read_by_pages() {
    let tenant = Tenant::start(6_000, 1, Duration::ZERO).await;
    let entities = named(&["TimeSheet", "Board", "WorkType"]);
    tenant.load(Mode::Full, entities.clone()).await;
    // The first that asks for the list is the first range of the first bundle.
    post(&tenant.simulator, "faults", json!({ "path": "/time/sheets", "status": 500 })).await;
    let report = tenant.load(Mode::Incremental, entities.clone()).await;
    assert!(report.steps[0].rows_read > 4_000, "{report:#?}");
    let asked = tenant.requests().await;
    let pages = asked["recent"].as_array().unwrap().iter().filter(|request| request["path"] == "/time/sheets").count();
    assert_eq!((ask(&tenant.simulator, "faults").await["bitten"]["status"].as_u64(), pages), (Some(1), 1), "{asked:#}");
    assert_truth(&tenant.simulator, &tenant.lakehouse, entities, "after ranges and a page").await;
}

/// A server that gives the first records of a list in a bundle only, and doesn't say that there are more: the counts show it, in every
/// run anew, so the list is read by its pages.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_bundles_cut_is_read_by_pages() {
    let tenant = Tenant::start(6_000, 2, Duration::ZERO).await;
    let entities = named(&["TimeSheet", "Board", "WorkType"]);
    tenant.load(Mode::Full, entities.clone()).await;
    post(&tenant.simulator, "switches", json!({ "bundle-page": 25 })).await;
    for _ in 0..2 {
        post(&tenant.simulator, "advance", json!({ "TimeSheet": { "edit": 3 } })).await;
        let report = tenant.load(Mode::Incremental, entities.clone()).await;
        let step = &report.steps[0];
        assert!(step.rows_read > 4_000 && step.read.as_ref().is_some_and(|read| read.complete), "{step:#?}");
        assert!(step.warnings.iter().any(|warning| warning.contains("read page by page")), "{step:#?}");
        let asked = tenant.requests().await;
        let is_page = |request: &&Value| request["path"] == "/time/sheets";
        let pages = asked["recent"].as_array().unwrap().iter().filter(is_page).count();
        assert!(pages >= 5, "{asked:#}");
        assert_truth(&tenant.simulator, &tenant.lakehouse, entities.clone(), "after bundles that were cut").await;
    }
}
