//! A server on which everything fails: the run stops after the first entity or two, and says so. One on which some lists fail
//! is loaded for the rest.

use connectwise_extract::catalog;
use connectwise_lakehouse::Layer;
use connectwise_pipeline::reconcile;
use connectwise_pipeline::run::{Mode, Plan, Quiet, RunReport, StepOutcome, execute};
use connectwise_sdk::catalog::Entity;
use connectwise_sdk::{Client, Config};
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, config, impatient};
use serde_json::{Value, json};

use crate::steer::{ask, forget, post};

async fn start() -> Simulator {
    Simulator::builder().seed(71).scale(100).start().await.unwrap()
}

async fn run(config: Config, lakehouse: &Lakehouse, entities: Vec<&'static Entity>) -> RunReport {
    let client = Client::new(config.with_retry(impatient(3))).unwrap();
    let plan = Plan::new(Layer::ALL.to_vec(), Mode::Incremental, entities);
    execute(lakehouse.lake(), Some(&client), &plan, &Quiet).await.unwrap()
}

fn all() -> Vec<&'static Entity> {
    catalog::entities().iter().collect()
}

/// Nothing was loaded, and no more than so many entities were asked for.
fn assert_stopped(report: &RunReport, tried: usize, when: &str) {
    assert_eq!((report.outcome(), report.exit_code()), ("failed", 3), "{when}: {report:#?}");
    assert_eq!((report.steps.len(), report.not_tried.len()), (tried, all().len() - tried), "{when}");
    let said = format!("so {} other lists were not tried", all().len() - tried);
    assert!(says(report, &said), "{when}: {report:#?}");
}

/// Whether the failure of a list says so. Several are loaded at once, and whichever ends last says why the others aren't tried.
fn says(report: &RunReport, what: &str) -> bool {
    report.steps.iter().any(|step| matches!(&step.outcome, StepOutcome::Failed(why) if why.contains(what)))
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_listens_the_first_entity_is_the_last() {
    let simulator = start().await;
    let config = config(&simulator).unwrap();
    simulator.shutdown().await;
    assert_stopped(&run(config, &Lakehouse::empty().unwrap(), all()).await, 1, "nobody listens");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_are_refused_once() {
    let simulator = start().await;
    post(&simulator, "faults", json!({ "status": 401, "times": 1_000_000 })).await;
    let lakehouse = Lakehouse::empty().unwrap();
    assert_stopped(&run(config(&simulator).unwrap(), &lakehouse, all()).await, 1, "401");
    // What an earlier run loaded is no sign that this one did anything.
    forget(&simulator, "faults").await;
    assert_eq!(run(config(&simulator).unwrap(), &lakehouse, all()).await.exit_code(), 0);
    post(&simulator, "faults", json!({ "status": 401, "times": 1_000_000 })).await;
    assert_stopped(&run(config(&simulator).unwrap(), &lakehouse, all()).await, 1, "401 over a lakehouse");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_on_everything_is_left_alone_after_two() {
    for (fault, most) in [
        (json!({ "status": 500, "times": 1_000_000 }), 40),
        (json!({ "status": 503, "html": true, "times": 1_000_000 }), 40),
        (json!({ "status": 429, "times": 1_000_000 }), 40),
        (json!({ "close": true, "times": 1_000_000 }), 40),
    ] {
        let simulator = start().await;
        let when = fault.to_string();
        post(&simulator, "faults", fault).await;
        let report = run(config(&simulator).unwrap(), &Lakehouse::empty().unwrap(), all()).await;
        assert_stopped(&report, 2, &when);
        let asked = ask(&simulator, "requests").await["total"].as_u64().unwrap();
        assert!(asked < most, "{when}: {asked} requests");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_is_broken_for_good_keeps_no_other_back() {
    let simulator = start().await;
    post(&simulator, "faults", json!({ "path": "/procurement/*", "status": 500, "times": 1_000_000 })).await;
    let is_broken = |entity: &&'static Entity| entity.path.starts_with("/procurement/");
    // The broken ones first.
    let (mut entities, others): (Vec<_>, Vec<_>) = all().into_iter().partition(is_broken);
    let broken = entities.len();
    entities.extend(others);
    let report = run(config(&simulator).unwrap(), &Lakehouse::empty().unwrap(), entities).await;
    assert_eq!((report.failed().count(), report.exit_code()), (broken, 1), "{report:#?}");
    assert!(broken > 2 && report.not_tried.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_on_the_way_keeps_what_was_loaded() {
    let simulator = start().await;
    post(&simulator, "faults", json!({ "nth": 30, "status": 502, "times": 1_000_000 })).await;
    let report = run(config(&simulator).unwrap(), &Lakehouse::empty().unwrap(), all()).await;
    let bronze = report.steps.iter().filter(|step| step.layer == Layer::Bronze).count();
    let failed = report.failed().filter(|step| step.layer == Layer::Bronze).count();
    // Six lists are loaded at once. Two failures in a row stop the run, and the five beside the second one fail too; each of the
    // six that the server still served may end well between two failures, so that another list is begun.
    assert!(report.outcome() == "partly" && (2..=6 + 2 + 5).contains(&failed), "{}, {failed} failed", report.outcome());
    assert_eq!(bronze + report.not_tried.len(), all().len());
    assert!(bronze > 3 && report.steps.iter().any(|step| step.layer == Layer::Silver && step.rows_read > 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconcile_stops_too() {
    let simulator = start().await;
    let lakehouse = Lakehouse::empty().unwrap();
    let entities: Vec<_> =
        ["Company", "Contact", "Member", "TimeEntry"].map(|name| catalog::entity(name).unwrap()).into();
    assert_eq!(run(config(&simulator).unwrap(), &lakehouse, entities.clone()).await.failed().count(), 0);
    post(&simulator, "faults", json!({ "status": 500, "times": 1_000_000 })).await;
    let client = Client::new(config(&simulator).unwrap().with_retry(impatient(3))).unwrap();
    let report = reconcile::run(lakehouse.lake(), &client, &entities, &reconcile::ReconcileOptions::new(true)).await;
    assert_eq!((report.entities.len(), report.not_tried), (2, vec!["Member", "TimeEntry"]));
    let _: Value = ask(&simulator, "requests").await;
}

/// The answers of a role without any rights, and of a wrong address or wrong keys.
#[tokio::test(flavor = "multi_thread")]
async fn where_no_list_can_be_read_a_handful_is_enough() {
    for (status, advice) in
        [(403, "the rights that connectwise-etl doctor names"), (404, "check the address of the server")]
    {
        let simulator = start().await;
        let lakehouse = Lakehouse::empty().unwrap();
        post(&simulator, "faults", json!({ "status": status, "times": 1_000_000 })).await;
        for optional in [Vec::new(), all().iter().map(|entity| entity.name).collect()] {
            let client = Client::new(config(&simulator).unwrap().with_retry(impatient(3))).unwrap();
            let plan = Plan { optional, ..Plan::new(Layer::ALL.to_vec(), Mode::Incremental, all()) };
            let report = execute(lakehouse.lake(), Some(&client), &plan, &Quiet).await.unwrap();
            assert_stopped(&report, 5, &status.to_string());
            let every = format!("the server answers {status} to every list");
            assert!(says(&report, &every) && says(&report, advice), "{report:#?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_read_little_gets_all_of_that() {
    let modules = ["company", "configurations", "expense", "finance", "marketing", "procurement", "project", "sales"];
    let shut = modules.map(|module| format!("no-{module}")).join(",");
    let role = format!("{shut},no-schedule,no-service,no-system");
    let simulator = Simulator::builder().seed(72).scale(100).role(role).start().await.unwrap();
    let is_open = |entity: &&'static Entity| entity.path.starts_with("/time/");
    // What can be read comes last.
    let (open, mut entities): (Vec<_>, Vec<_>) = all().into_iter().partition(is_open);
    let count = open.len();
    entities.extend(open);
    let report = run(config(&simulator).unwrap(), &Lakehouse::empty().unwrap(), entities).await;
    assert_eq!((report.exit_code(), report.not_tried.len()), (1, 0), "{report:#?}");
    let loaded = |step: &&connectwise_pipeline::run::Step| step.layer == Layer::Bronze && !step.is_failed();
    assert_eq!(report.steps.iter().filter(loaded).count(), count);
}
