//! Runs that load nothing: reconcile and upkeep.

use connectwise_extract::catalog;
use connectwise_lakehouse::Layer;
use connectwise_pipeline::ledger;
use connectwise_pipeline::run::{self, Mode};
use connectwise_pipeline::{gold, reconcile};
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, client};
use connectwise_upkeep::MaintenanceOptions;
use serde_json::json;

use super::{rows, small};
use crate::steer::{ask, forget, post};

#[tokio::test(flavor = "multi_thread")]
async fn a_reconcile_is_a_run_with_what_it_deleted_and_why_it_didnt() {
    let simulator = Simulator::builder().seed(31).scale(500).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let load = small(&lakehouse, &simulator, Mode::Full).await;
    post(&simulator, "advance", json!({ "TimeEntry": { "delete": 2 } })).await;
    let entities = [catalog::entity("TimeEntry").unwrap()];
    let own = client(&simulator).unwrap();
    let reconciled = async |request: &reconcile::ReconcileOptions| {
        let (report, told) = run::reconcile(lakehouse.lake(), &own, &entities, request, &()).await.unwrap();
        told.unwrap();
        report
    };
    // A dry run leaves nothing, in the ledger neither.
    reconciled(&reconcile::ReconcileOptions::new(true)).await;
    assert_eq!(rows(&lakehouse, "select * from etl_runs").await.len(), 2);

    forget(&simulator, "requests").await;
    let done = reconciled(&reconcile::ReconcileOptions::new(false)).await;
    let served = ask(&simulator, "requests").await["total"].as_u64().unwrap();
    let found = ledger::detail(lakehouse.lake(), "last").await.unwrap();
    assert_eq!((found.run.run_id.as_str(), found.run.mode.as_str()), (done.run_id.as_str(), "reconcile"));
    assert_eq!((found.run.outcome.as_str(), found.run.layers.as_str()), ("done", "bronze"));
    let [step] = found.steps.as_slice() else { panic!("{found:#?}") };
    assert_eq!((step.table_name.as_str(), step.outcome.as_str()), ("bronze_cw_timeentry", "written"));
    assert_eq!((step.rows_read, step.rows_deleted), (498, 2));
    assert_eq!((step.counted_before, step.counted_after, step.complete), (Some(498), Some(498), Some(true)));
    // What the server was asked about itself is no step's.
    assert!(step.requests.is_some_and(|requests| (served - 2..=served).contains(&requests)), "{step:#?} of {served}");

    post(&simulator, "role", json!({ "role": "mine" })).await;
    reconciled(&reconcile::ReconcileOptions::new(false)).await;
    let found = ledger::detail(lakehouse.lake(), "last").await.unwrap();
    assert_eq!((found.run.outcome.as_str(), found.run.steps_failed), ("failed", Some(1)));
    let why = found.steps[0].error.as_ref().unwrap();
    assert!(found.steps[0].outcome == "failed" && why.contains("rows are missing"), "{why}");
    // A reconcile doesn't make a table fresh, nor stale.
    let status = ledger::status(lakehouse.lake()).await.unwrap().unwrap();
    let time = status.tables.iter().find(|table| table.table_name == "bronze_cw_timeentry").unwrap();
    assert_eq!((time.outcome.as_str(), time.last_good_run.as_ref()), ("written", Some(&load.run_id)));
    assert_eq!((time.reconcile_outcome.as_deref(), time.reconcile_error.as_ref()), (Some("failed"), Some(why)));
}

#[tokio::test(flavor = "multi_thread")]
async fn upkeep_is_a_run_too() {
    let simulator = Simulator::builder().seed(32).scale(100).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let load = small(&lakehouse, &simulator, Mode::Full).await;
    let week = chrono::TimeDelta::days(7);
    let upkeep =
        |dry_run| MaintenanceOptions { run_id: "upkeep".to_owned(), dry_run, retention: week, orphan_age: week };
    let layers = [Layer::Bronze, Layer::Ledger];
    let (lake, gold) = (lakehouse.lake(), gold::GoldConfig::default());
    run::maintain(lake, &layers, &gold, &upkeep(true), &()).await.unwrap().1.unwrap();
    assert_eq!(ledger::detail(lake, "last").await.unwrap().run.run_id, load.run_id, "a dry run leaves nothing");
    let (report, told) = run::maintain(lake, &layers, &gold, &upkeep(false), &()).await.unwrap();
    told.unwrap();
    let found = ledger::detail(lake, "upkeep").await.unwrap();
    assert_eq!(
        (found.run.mode.as_str(), found.run.layers.as_str(), found.run.outcome.as_str()),
        ("maintain", "bronze,etl", "done")
    );
    assert_eq!(found.steps.len(), report.tables.len());
    let of = |name: &str| found.steps.iter().find(|step| step.table_name == name);
    assert_eq!(of("bronze_cw_timeentry").map(|step| step.outcome.as_str()), Some("unchanged"), "it is one file");
    assert!(of("etl_runs").is_some(), "the ledger is kept too");
    let status = ledger::status(lake).await.unwrap().unwrap();
    assert!(status.tables.iter().all(|table| table.layer == "bronze" && table.outcome == "written"), "{status:#?}");
}
