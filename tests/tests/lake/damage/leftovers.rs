//! What runs and upkeep remove, and what they leave.

use std::fs;

use chrono::TimeDelta;
use connectwise_lakehouse::{Layer, TableName};
use connectwise_pipeline::run::{Mode, Plan, Quiet, execute};
use connectwise_sim::Simulator;
use connectwise_tests::client;
use connectwise_upkeep::{self as upkeep, MaintenanceOptions};
use serde_json::json;

use super::tenant::time_entry;
use super::{Harm, Harmed, Tenant, files, place, run, said};
use crate::steer::post;

/// MaintenanceOptions that waits for nothing.
pub(super) fn at_once() -> MaintenanceOptions {
    MaintenanceOptions {
        run_id: "upkeep".to_owned(),
        dry_run: false,
        retention: TimeDelta::zero(),
        orphan_age: TimeDelta::zero(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn upkeep_leaves_what_was_set_aside_and_what_belongs_to_it() {
    let tenant = Tenant::shared().await;
    for harm in [Harm::CommitMissing, Harm::LogMissing] {
        let (_folder, lake) = tenant.copy();
        let table = TableName::bronze("timeentry");
        let before = files(&place(&lake, &table));
        let harmed = Harmed::by(harm, &lake, std::slice::from_ref(&table)).await;
        // MaintenanceOptions takes nothing from a table that it can't read, and after the run nothing that was there before.
        let error = upkeep::maintain(&lake, &table, Some("id"), &at_once()).await.unwrap_err();
        let why = if harm == Harm::LogMissing { "its log is missing, and " } else { "commit 0 of its log is missing" };
        assert!(error.to_string().contains(&format!("can't be read: {why}")), "{error}");
        let report = run(&lake, Some(&tenant.simulator), Mode::Full).await;
        harmed.assert_mended(&report, &lake, &format!("{harm:?}"));
        upkeep::maintain(&lake, &table, Some("id"), &at_once()).await.unwrap();
        let now = files(&place(&lake, &table));
        for name in before.keys().filter(|name| name.ends_with(".parquet")) {
            assert!(now.contains_key(name), "{harm:?}: {name} is gone");
        }
    }
}

/// What a write leaves that was ended between its files and its commit goes with the next run, and nothing else does.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_run_removes_what_a_failed_one_left() {
    let tenant = Tenant::shared().await;
    let (_folder, lake) = tenant.copy();
    let (bronze, silver) = (TableName::bronze("timeentry"), TableName::silver("timeentry"));
    let whole = files(&place(&lake, &bronze));
    // A run that fails: the server is gone.
    let gone = Simulator::builder().seed(1).scale(10).start().await.unwrap();
    let plan = Plan::new(vec![Layer::Bronze], Mode::Incremental, vec![time_entry()]);
    post(&gone, "faults", json!({ "path": "/time/entries", "status": 400, "times": 1_000_000 })).await;
    let report = execute(&lake, Some(&client(&gone).unwrap()), &plan, &Quiet).await.unwrap();
    assert_ne!(report.exit_code(), 0, "{report:?}");
    for table in [&bronze, &silver] {
        let folder = place(&lake, table);
        fs::write(folder.join("part-0.snappy.parquet"), b"half").unwrap();
        fs::write(folder.join("part-1.snappy.parquet#1"), b"half").unwrap();
        fs::write(folder.join("_delta_log/00000000000000000099.json#2"), b"half").unwrap();
        fs::write(folder.join("notes.txt"), b"somebody's").unwrap();
    }
    let report = run(&lake, Some(&tenant.simulator), Mode::Incremental).await;
    assert_eq!(report.exit_code(), 0, "{}", said(&report));
    for table in [&bronze, &silver] {
        let now = files(&place(&lake, table));
        for name in ["part-0.snappy.parquet", "part-1.snappy.parquet#1", "00000000000000000099.json#2"] {
            assert!(!now.contains_key(name), "{table}: {name} is still there");
        }
        assert!(now.contains_key("notes.txt"), "{table}");
    }
    let now = files(&place(&lake, &bronze));
    assert!(whole.keys().all(|name| now.contains_key(name)), "older versions can still be read");
    tenant.assert_bronze(&lake, "after a run").await;
}
