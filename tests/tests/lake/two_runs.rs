//! Two runs of the program at once over all layers: both end well, and leave what one run would.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use chrono::TimeDelta;
use connectwise_extract::catalog;
use connectwise_lakehouse::{Commit, Lake, TableName};
use connectwise_pipeline::gold;
use connectwise_pipeline::query;
use connectwise_pipeline::silver::history;
use connectwise_sdk::catalog::Entity;
use connectwise_sim::Simulator;
use connectwise_tests::Lakehouse;
use connectwise_upkeep::{self as upkeep, MaintenanceOptions};
use serde_json::json;

use crate::alike::{assert_same, columns, listed};
use crate::steer::post;
use crate::truth::assert_truth;

/// Tenants of a run of all tests; `CW_RACES` says another number.
const TENANTS: u64 = 1;

/// What gold is built from, with two that have a history.
const ENTITIES: [&str; 7] = ["TimeEntry", "Agreement", "Company", "ExpenseEntry", "ProductItem", "Invoice", "Member"];

/// When a row was written and by which run, and the times of a history that come from it.
const TECHNICAL: [&str; 7] =
    ["etlTimestamp", "_etl_run_id", "_etl_gold_processed_at", "_etl_batch_id", "historyKey", "validFrom", "validTo"];

fn entities() -> impl Iterator<Item = &'static Entity> {
    ENTITIES.into_iter().map(|name| catalog::entity(name).unwrap())
}

fn start(simulator: &Simulator, lakehouse: &Lakehouse, mode: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_etl-under-test"))
        .env_clear()
        .current_dir(lakehouse.path())
        .env("CW_BASE_URL", simulator.base_url())
        .env("CW_AUTH_USERNAME", simulator.username())
        .env("CW_AUTH_PASSWORD", simulator.password())
        .env("CW_CLIENTID", "00000000-0000-0000-0000-000000000000")
        .args(["run", "--lakehouse", ".", "--rate", "0", "--mode", mode, "--entities", &ENTITIES.join(",")])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

async fn end_well(child: Child, when: &str) {
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(0), "{when}: {said}");
    assert!(!said.contains("ERROR") && !said.contains("WARN"), "{when}: {said}");
}

/// Every table that runs build, without what they note about themselves.
fn tables() -> Vec<TableName> {
    let silver = entities().map(|entity| TableName::silver(entity.table));
    let histories = entities().filter(|entity| entity.history).map(history::table);
    silver.chain(histories).chain(gold::tables().unwrap().into_iter().map(TableName::gold)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_end_well_and_leave_what_one_would() {
    let tenants = std::env::var("CW_RACES").map_or(TENANTS, |tenants| tenants.parse().unwrap());
    for seed in 1..=tenants {
        let simulator = Simulator::builder().seed(seed).scale(150).start().await.unwrap();
        let (both, one) = (Lakehouse::empty().unwrap(), Lakehouse::empty().unwrap());
        // At first each table is made by one of them.
        let days = [["full", "incremental"], ["incremental", "incremental"], ["incremental", "full"]];
        for (day, modes) in days.into_iter().enumerate() {
            let when = format!("seed {seed}, day {day}, {modes:?}");
            let pair = modes.map(|mode| start(&simulator, &both, mode));
            for run in pair {
                end_well(run, &when).await;
            }
            end_well(start(&simulator, &one, modes[0]), &when).await;
            assert_truth(&simulator, &both, entities(), &when).await;
            for table in tables() {
                let columns = listed(&columns(one.lake(), &table).await, &TECHNICAL);
                let rows = format!("select {columns} from {}", table.name);
                assert_same(&table, &rows, both.lake(), one.lake()).await;
            }
            let some = json!({ "insert": 4, "edit": 3 });
            let news =
                json!({ "TimeEntry": some, "Agreement": some, "Company": some, "Invoice": some, "ProductItem": some });
            post(&simulator, "advance", news).await;
        }
        let done = "select count(*) as n from etl_runs where outcome = 'done'";
        assert_eq!(query::json(&query::select(both.lake(), done).await.unwrap()).unwrap(), b"[{\"n\":6}]");
    }
}

fn upkeep(run_id: &str) -> MaintenanceOptions {
    let hours = TimeDelta::hours(168);
    MaintenanceOptions { run_id: run_id.to_owned(), dry_run: false, retention: hours, orphan_age: hours }
}

fn keys(keys: std::ops::Range<i64>) -> RecordBatch {
    RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from_iter_values(keys)) as ArrayRef)]).unwrap()
}

/// A table of six small files that are ordered by a key.
async fn ordered(lake: &Lake, table: &TableName) {
    let schema = keys(0..0).schema();
    let table = lake.table(table).await.unwrap();
    let mut files = Vec::new();
    for at in 0..6 {
        let mut writer = table.file_writer(&schema, "id").await.unwrap();
        writer.write(&keys(at * 10..at * 10 + 10)).unwrap();
        files.extend(writer.finish().await.unwrap());
    }
    table.overwrite_with_files(&schema, &files, &Commit::new("before")).await.unwrap();
}

/// A table of six small files that rows only came to.
async fn appended(lake: &Lake, table: &TableName) {
    for at in 0..6 {
        lake.append(table, &keys(at * 10..at * 10 + 10), &Commit::new("before")).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn upkeep_of_one_table_twice_at_once_ends_well() {
    for _ in 0..3 {
        let lakehouse = Lakehouse::empty().unwrap();
        let lake = lakehouse.lake();
        let (bronze, ledger) = (TableName::bronze("member"), TableName::ledger("etl_steps"));
        ordered(lake, &bronze).await;
        appended(lake, &ledger).await;
        for (table, key) in [(bronze, Some("id")), (ledger, None)] {
            let (one, other) = (upkeep("one"), upkeep("other"));
            let both =
                futures::join!(upkeep::maintain(lake, &table, key, &one), upkeep::maintain(lake, &table, key, &other));
            let kept = [both.0.unwrap().unwrap(), both.1.unwrap().unwrap()];
            assert_eq!(lake.table(&table).await.unwrap().row_count().await.unwrap(), 60, "{table}");
            assert_eq!(kept.map(|kept| kept.compacted).iter().sum::<u64>(), 6, "{table}: one of them did it");
        }
    }
}
