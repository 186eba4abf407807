//! Lists that a role may not read: skipped where they are optional, and told once when it may.

use std::time::Duration;

use connectwise_extract::catalog;
use connectwise_lakehouse::Layer;
use connectwise_pipeline::run::{Mode, Plan, Quiet, RunReport, StepOutcome, execute};
use connectwise_sdk::{Client, RetryPolicy};
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, config, impatient};
use serde_json::json;

use crate::steer::{ask, forget, post};

/// Lists of one module, one of them below another's rows, and two of others.
const NAMES: [&str; 5] = ["PurchaseOrder", "PurchaseOrderLineItem", "PurchaseOrderStatus", "Board", "Member"];

async fn run(simulator: &Simulator, lakehouse: &Lakehouse, optional: &[&'static str]) -> RunReport {
    let entities = NAMES.map(|name| catalog::entity(name).unwrap()).into();
    let plan = Plan { optional: optional.to_vec(), ..Plan::new(Layer::ALL.to_vec(), Mode::Incremental, entities) };
    // A server that asks for half a minute is an error at once.
    let retry = RetryPolicy { max_retry_after: Duration::from_secs(1), ..impatient(2) };
    let client = Client::new(config(simulator).unwrap().with_retry(retry)).unwrap();
    execute(lakehouse.lake(), Some(&client), &plan, &Quiet).await.unwrap()
}

fn told(report: &RunReport, what: &str) -> usize {
    report.steps.iter().flat_map(|step| &step.warnings).filter(|warning| warning.contains(what)).count()
}

fn skipped(report: &RunReport) -> usize {
    let is_skipped =
        |step: &&connectwise_pipeline::run::Step| step.layer == Layer::Bronze && step.outcome == StepOutcome::Skipped;
    report.steps.iter().filter(is_skipped).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_optional_list_may_be_shut_and_is_told_once_when_it_opens() {
    let simulator = Simulator::builder().seed(81).scale(100).role("no-procurement").start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let report = run(&simulator, &lakehouse, &[]).await;
    assert_eq!((report.exit_code(), skipped(&report), report.failed().count()), (1, 0, 3), "{report:#?}");
    for _ in 0..2 {
        let report = run(&simulator, &lakehouse, &NAMES[..3]).await;
        assert_eq!((report.exit_code(), skipped(&report)), (0, 3), "{report:#?}");
        assert_eq!(told(&report, "the role may not read PurchaseOrder, and it is optional"), 1);
    }
    post(&simulator, "role", json!({ "role": "full" })).await;
    for told_now in [3, 0] {
        let report = run(&simulator, &lakehouse, &NAMES[..3]).await;
        assert_eq!((report.exit_code(), skipped(&report)), (0, 0), "{report:#?}");
        assert_eq!(told(&report, "now, which runs before skipped"), told_now, "{report:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_no_lacking_right() {
    let simulator = Simulator::builder().seed(82).scale(100).start().await.unwrap();
    for fault in [json!({ "status": 500 }), json!({ "status": 429 }), json!({ "close": true })] {
        // Bundles fail too: a list within one has no connection of its own that could close, so its rows would come all the same.
        let rules = ["/procurement/*", "/system/bundles*"].map(|path| {
            let mut rule = json!({ "path": path, "times": 1_000_000 });
            rule.as_object_mut().unwrap().extend(fault.as_object().unwrap().clone());
            rule
        });
        post(&simulator, "faults", json!(rules)).await;
        let report = run(&simulator, &Lakehouse::empty().unwrap(), &NAMES[..3]).await;
        assert_eq!((report.exit_code(), skipped(&report), report.failed().count()), (1, 0, 3), "{fault}: {report:#?}");
        forget(&simulator, "faults").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_read_nothing_at_all_is_a_failure() {
    let simulator = Simulator::builder().seed(83).scale(100).start().await.unwrap();
    post(&simulator, "faults", json!({ "status": 404, "times": 1_000_000 })).await;
    let report = run(&simulator, &Lakehouse::empty().unwrap(), &NAMES).await;
    assert_eq!(report.exit_code(), 3, "{report:#?}");
    // Whichever list ends last says it.
    let says =
        |outcome: &StepOutcome| matches!(outcome, StepOutcome::Failed(why) if why.contains("may read none of 5 lists"));
    assert!(report.steps.iter().any(|step| says(&step.outcome)), "{report:#?}");
}

/// Lets the lists below orders fail with a status, one by one and together, and the orders not.
async fn shut_lines(simulator: &Simulator, status: u16) {
    let mut faults = vec![json!({ "path": "/system/bundles*", "status": status, "times": 1_000_000 })];
    for order in ask(simulator, "truth/procurement/purchaseorders").await.as_array().unwrap() {
        let list = format!("/procurement/purchaseorders/{}/lineitems*", order["id"]);
        faults.push(json!({ "path": list, "status": status, "times": 1_000_000 }));
    }
    post(simulator, "faults", faults.into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_optional_list_below_rows_may_be_shut_on_its_own() {
    let simulator = Simulator::builder().seed(84).scale(100).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    // What a role may not read is forbidden, or hidden as if it weren't there.
    for status in [403, 404] {
        shut_lines(&simulator, status).await;
        let report = run(&simulator, &lakehouse, &[]).await;
        assert_eq!((report.exit_code(), skipped(&report), report.failed().count()), (1, 0, 1), "{report:#?}");
        let report = run(&simulator, &lakehouse, &NAMES[1..2]).await;
        assert_eq!((report.exit_code(), skipped(&report)), (0, 1), "{report:#?}");
        assert_eq!(told(&report, "the role may not read PurchaseOrderLineItem, and it is optional"), 1);
        forget(&simulator, "faults").await;
    }
    let report = run(&simulator, &lakehouse, &NAMES[1..2]).await;
    assert_eq!((report.exit_code(), told(&report, "now, which runs before skipped")), (0, 1), "{report:#?}");
    // Now there is a table, and an incremental run reads some of the lists. Those that fail aren't shut.
    for (status, exit, is_skipped) in [(403, 0, 1), (500, 1, 0)] {
        shut_lines(&simulator, status).await;
        post(&simulator, "advance", json!({ "PurchaseOrder": { "edit": 3 } })).await;
        let report = run(&simulator, &lakehouse, &NAMES[1..2]).await;
        assert_eq!((report.exit_code(), skipped(&report)), (exit, is_skipped), "{status}: {report:#?}");
        forget(&simulator, "faults").await;
    }
    let report = run(&simulator, &lakehouse, &[]).await;
    assert_eq!(report.exit_code(), 0, "{report:#?}");
    let entity = catalog::entity(NAMES[1]).unwrap();
    crate::truth::assert_truth(&simulator, &lakehouse, [entity], "nothing was lost").await;
}
