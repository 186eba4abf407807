//! What a run costs over a network: requests, and how many of them are under way at once. What is loaded is the same whichever way.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use connectwise_extract::catalog;
use connectwise_lakehouse::{Layer, TableName};
use connectwise_pipeline::bronze::Options;
use connectwise_pipeline::ledger;
use connectwise_pipeline::run::{Meter, Mode, Observer, Plan, Quiet, RunReport, Step, execute};
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

    async fn run(&self, plan: Plan) -> RunReport {
        forget(&self.simulator, "requests").await;
        let report = execute(self.lakehouse.lake(), Some(&self.client), &plan, &Quiet).await.unwrap();
        assert_eq!(report.exit_code(), 0, "{report:#?}");
        report
    }

    async fn load(&self, mode: Mode, entities: Vec<&'static Entity>) -> RunReport {
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

/// Counted by the server, in every second. What a late program starts comes closer together than it was to: by as much as this one is
/// late, which is measured beside.
#[tokio::test(flavor = "multi_thread")]
async fn no_second_has_more_requests_than_the_rate() {
    const RATE: f64 = 20.0;
    let simulator = Simulator::builder().seed(19).scale(2_000);
    let simulator = simulator.latency(Duration::from_millis(100), Duration::ZERO).start().await.unwrap();
    let config = config(&simulator).unwrap().with_concurrency(8).with_rate(Some(RATE));
    let (client, lakehouse) = (Client::new(config).unwrap(), Lakehouse::empty().unwrap());
    let late = Arc::new(AtomicU64::new(0));
    let ticker = tokio::spawn({
        let late = late.clone();
        async move {
            loop {
                let began = Instant::now();
                tokio::time::sleep(Duration::from_millis(5)).await;
                late.fetch_max(began.elapsed().as_millis() as u64, Ordering::Relaxed);
            }
        }
    });
    let entities = named(&["TimeEntry", "Company", "Contact", "Agreement", "Board", "WorkType"]);
    let plan = Plan { page_size: 40, ..Plan::new(vec![Layer::Bronze], Mode::Full, entities) };
    let began = Instant::now();
    let report = execute(lakehouse.lake(), Some(&client), &plan, &Quiet).await.unwrap();
    let took = began.elapsed().as_secs_f64();
    ticker.abort();
    assert_eq!(report.exit_code(), 0, "{report:#?}");
    let asked = ask(&simulator, "requests").await;
    let (total, most) = (asked["total"].as_u64().unwrap(), asked["mostInASecond"].as_u64().unwrap());
    assert!(total > 60 && took >= (total - 1) as f64 / RATE - 0.1, "{total} requests in {took} s");
    // A request starts each twentieth of a second, so that one more fits between both ends of a second.
    let late = late.load(Ordering::Relaxed) as f64 / 1_000.0;
    let allowed = (RATE * (1.0 + late)).ceil() + 1.0;
    assert!(most as f64 <= allowed, "{most} requests in a second, {late} s late");
    assert!(most as f64 > RATE / 4.0, "{most} of {total} requests in a second");
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
    post(&tenant.simulator, "advance", json!({ "TimeSheet": { "insert": 5_000 } })).await;
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
    post(&tenant.simulator, "advance", json!({ "TimeSheet": { "insert": 5_000 } })).await;
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

/// Requests of a server for pages of time entries, by their conditions.
async fn pages_of_time_entries(tenant: &Tenant) -> Vec<String> {
    let asked = tenant.requests().await;
    let pages = asked["recent"].as_array().unwrap().iter().filter(|request| request["path"] == "/time/entries");
    let query = |request: &Value| request["query"].as_str().unwrap().to_owned();
    let condition = |query: String| query.split('&').find(|part| part.starts_with("conditions=")).map(str::to_owned);
    pages.filter_map(|request| condition(query(request))).collect()
}

/// Most of a list changed, which the survey counted: the changes are counted by ranges and read by bundles of these. 9,000 records are 9
/// pages one after the other, and two counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_increment_is_read_by_bundles_of_ranges() {
    let tenant = Tenant::start(12_000, 4, Duration::from_millis(20)).await;
    let entities = named(&["TimeEntry", "Board", "WorkType"]);
    tenant.load(Mode::Full, entities.clone()).await;
    post(&tenant.simulator, "advance", json!({ "TimeEntry": { "edit": 9_000, "insert": 400 } })).await;
    let report = tenant.load(Mode::Incremental, entities.clone()).await;
    let step = &report.steps[0];
    assert!(step.rows_updated >= 9_000 && step.rows_inserted == 400, "{step:#?}");
    let read = step.read.clone().unwrap();
    assert!(read.complete && read.counted_before == Some(step.rows_read), "{step:#?}");
    assert_eq!((read.counted_after, read.keys_ascending), (Some(step.rows_read), Some(true)), "{step:#?}");
    let asked = tenant.requests().await;
    let bundles = |path: &str| -> u64 {
        let counts = asked["counts"].as_array().unwrap().iter().filter(|count| count["path"] == path);
        counts.map(|count| count["count"].as_u64().unwrap()).sum()
    };
    // Of the survey: the newest records, and the small lists. Of the load: the bounds of the keys, and at most 38 ranges of 250 to 500
    // records, eight in a bundle.
    let (records, counts) = (bundles("/system/bundles"), bundles("/system/bundles/count"));
    assert!((4..=3 + 5).contains(&records), "{records} bundles: {asked:#}");
    // Two of the survey, and the ranges at most twice.
    assert!((3..=4).contains(&counts), "{counts} bundles of counts: {asked:#}");
    // How the server reads dates is found out by single records.
    let pages = pages_of_time_entries(&tenant).await;
    assert!(pages.iter().all(|condition| condition.contains("id%20%3D%20")), "{pages:#?}");
    assert!(asked["mostUnderWay"].as_u64().unwrap() > 1, "{asked:#}");
    assert_truth(&tenant.simulator, &tenant.lakehouse, entities, "after a large increment").await;
}

/// By pages of as many ranges as are worth it, or by bundles, while rows come and change: what a range was too early for is found by
/// the next run.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_increment_is_whole_although_rows_change_between_its_ranges() {
    for (scale, page_size) in [(2_000, 40), (12_000, 1_000)] {
        let tenant = Tenant::start(scale, 3, Duration::ZERO).await;
        let plan = |mode| Plan { page_size, ..Plan::new(vec![Layer::Bronze], mode, named(&["TimeEntry"])) };
        tenant.run(plan(Mode::Full)).await;
        post(&tenant.simulator, "advance", json!({ "TimeEntry": { "edit": scale * 3 / 4 } })).await;
        let drift = json!({ "every": 2, "edit": 3, "insert": 2, "delete": 0, "path": "/time/entries" });
        post(&tenant.simulator, "drift", drift).await;
        let report = tenant.run(plan(Mode::Incremental)).await;
        assert!(report.steps[0].rows_updated >= scale * 3 / 4, "{:#?}", report.steps[0]);
        forget(&tenant.simulator, "drift").await;
        let mut ranges = pages_of_time_entries(&tenant).await;
        ranges.sort_unstable();
        ranges.dedup();
        // 1,500 changed rows are 37 pages of 40, four for each range; one request more asks for the bounds of the keys.
        assert!(page_size == 1_000 || ranges.len() > 9, "{ranges:#?}");
        tenant.run(plan(Mode::Incremental)).await;
        let when = format!("after ranges of pages of {page_size}, and a run");
        assert_truth(&tenant.simulator, &tenant.lakehouse, named(&["TimeEntry"]), &when).await;
    }
}

/// The others were read and nothing is written: neither a row nor the watermark, so that the next run reads all of it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_range_of_an_increment_that_fails_leaves_the_table_and_its_watermark() {
    let tenant = Tenant::start(2_000, 3, Duration::ZERO).await;
    let plan = |mode| Plan { page_size: 40, ..Plan::new(vec![Layer::Bronze], mode, named(&["TimeEntry"])) };
    tenant.run(plan(Mode::Full)).await;
    let table = TableName::bronze("timeentry");
    let before = tenant.lakehouse.lake().table(&table).await.unwrap().version();
    post(&tenant.simulator, "advance", json!({ "TimeEntry": { "edit": 1_500 } })).await;
    post(&tenant.simulator, "faults", json!({ "path": "/time/entries", "nth": 20, "times": 1_000, "status": 400 }))
        .await;
    forget(&tenant.simulator, "requests").await;
    let failed =
        execute(tenant.lakehouse.lake(), Some(&tenant.client), &plan(Mode::Incremental), &Quiet).await.unwrap();
    assert_eq!((failed.exit_code(), failed.steps[0].version), (3, None), "{failed:#?}");
    assert!(failed.steps[0].rows_read >= 40, "some ranges were read: {failed:#?}");
    let read = failed.steps[0].read.as_ref().unwrap();
    assert!(!read.complete && read.watermark_after == read.watermark_before, "{read:?}");
    assert_eq!(tenant.lakehouse.lake().table(&table).await.unwrap().version(), before);
    forget(&tenant.simulator, "faults").await;
    let report = tenant.run(plan(Mode::Incremental)).await;
    assert!(report.steps[0].rows_updated >= 1_500, "{:#?}", report.steps[0]);
    assert_truth(&tenant.simulator, &tenant.lakehouse, named(&["TimeEntry"]), "after a range that failed").await;
}

/// A range that a bundle doesn't give is read by its pages, and `ranges = 1` reads one page after the other.
#[tokio::test(flavor = "multi_thread")]
async fn ranges_of_an_increment_are_a_limit_and_each_is_proven() {
    let tenant = Tenant::start(12_000, 4, Duration::ZERO).await;
    let entities = ["TimeEntry", "Board", "WorkType"];
    tenant.load(Mode::Full, named(&entities)).await;
    post(&tenant.simulator, "advance", json!({ "TimeEntry": { "edit": 9_000 } })).await;
    // Of the list requests, in bundles too: the newest record, at most two dates, two ends of the keys; and then ranges.
    post(&tenant.simulator, "faults", json!({ "path": "/time/entries", "nth": 9, "status": 500 })).await;
    let report = tenant.load(Mode::Incremental, named(&entities)).await;
    assert!(report.steps[0].read.as_ref().unwrap().complete && report.steps[0].rows_updated >= 9_000, "{report:#?}");
    assert_eq!(ask(&tenant.simulator, "faults").await["bitten"]["status"].as_u64(), Some(1));
    let of_a_range =
        |conditions: &[String]| conditions.iter().filter(|condition| condition.contains("id%20%3E%20")).count();
    let pages = pages_of_time_entries(&tenant).await;
    assert!(of_a_range(pages.as_slice()) >= 1, "{pages:#?}");
    assert_truth(&tenant.simulator, &tenant.lakehouse, named(&entities), "after a range that a bundle lacked").await;

    post(&tenant.simulator, "advance", json!({ "TimeEntry": { "edit": 9_000 } })).await;
    let load = Options { ranges: 1, ..Options::default() };
    tenant.run(Plan { load, ..Plan::new(vec![Layer::Bronze], Mode::Incremental, named(&entities)) }).await;
    let mut pages = pages_of_time_entries(&tenant).await;
    let all = pages.len();
    assert!(all >= 9, "{pages:#?}");
    pages.dedup();
    assert!(pages.len() <= 4, "one condition, and those of single records: {pages:#?}");
    assert_truth(&tenant.simulator, &tenant.lakehouse, named(&entities), "after one page after the other").await;
}

/// Steps in the order in which they ended.
#[derive(Default)]
struct Ended(Mutex<Vec<TableName>>);

impl Observer for Ended {
    fn started(&self, _: &TableName, _: &Meter) {}

    fn finished(&self, step: &Step) {
        self.0.lock().unwrap().push(TableName { layer: step.layer, name: step.table.clone() });
    }
}

/// While other lists are waited for, unless one thing is to be done at a time; and what a failed load left is built behind them.
#[tokio::test(flavor = "multi_thread")]
async fn silver_of_a_table_is_built_while_others_are_loaded() {
    for (concurrency, beside) in [(3, true), (1, false)] {
        let tenant = Tenant::start(400, concurrency, Duration::from_millis(20)).await;
        let entities = named(&["Board", "Company", "TimeEntry", "Agreement", "Member"]);
        tenant.load(Mode::Full, named(&["Member"])).await;
        post(&tenant.simulator, "faults", json!({ "path": "/system/members*", "status": 400, "times": 1_000 })).await;
        let layers = vec![Layer::Bronze, Layer::Silver];
        let plan = Plan { page_size: 40, ..Plan::new(layers, Mode::Full, entities.clone()) };
        let ended = Ended::default();
        let report = execute(tenant.lakehouse.lake(), Some(&tenant.client), &plan, &ended).await.unwrap();
        assert_eq!((report.exit_code(), report.failed().count()), (1, 1), "{report:#?}");
        let ended = ended.0.into_inner().unwrap();
        let last_load = ended.iter().rposition(|table| table.layer == Layer::Bronze).unwrap();
        let early = ended[..last_load].iter().filter(|table| table.layer == Layer::Silver).count();
        assert_eq!(early > 0, beside, "{concurrency}: {ended:?}");
        // Whatever ended first, the report has the order of the plan, and silver of the list that failed is made of what was there.
        let of =
            |layer: Layer| report.steps.iter().filter(move |step| step.layer == layer).map(|step| step.table.clone());
        let bronze: Vec<String> = entities.iter().map(|entity| TableName::bronze(entity.table).name).collect();
        assert_eq!(of(Layer::Bronze).collect::<Vec<_>>(), bronze);
        let silver: Vec<String> = of(Layer::Silver).filter(|table| !table.ends_with("_history")).collect();
        let expected: Vec<String> = entities.iter().map(|entity| TableName::silver(entity.table).name).collect();
        assert_eq!(silver, expected);
        let members = tenant.lakehouse.lake().table(&TableName::silver("member")).await.unwrap();
        assert!(members.row_count().await.unwrap() > 0);
        let steps = ledger::detail(tenant.lakehouse.lake(), "last").await.unwrap().steps;
        assert_eq!(steps.len(), report.steps.len(), "the ledger has each step once");
        forget(&tenant.simulator, "faults").await;
    }
}
