//! What runs leave in the ledger, and what is read out of it.

mod steps;
mod upkeep;
mod writers;

use chrono::{TimeZone, Utc};
use connectwise_extract::catalog;
use connectwise_lakehouse::{Layer, TableName};
use connectwise_pipeline::ledger::{self, Start, Work};
use connectwise_pipeline::run::{Mode, Plan, Quiet, RunReport, execute};
use connectwise_pipeline::{gold, query};
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, client};
use serde_json::{Value, json};

use crate::steer::post;

async fn rows(lakehouse: &Lakehouse, sql: &str) -> Vec<Value> {
    let rows = query::select(lakehouse.lake(), sql).await.unwrap();
    serde_json::from_slice(&query::json(&rows).unwrap()).unwrap()
}

/// Two entities into bronze, which is what most of this needs.
async fn small(lakehouse: &Lakehouse, simulator: &Simulator, mode: Mode) -> RunReport {
    let plan = Plan::new(
        vec![Layer::Bronze],
        mode,
        ["Member", "TimeEntry"].map(|name| catalog::entity(name).unwrap()).to_vec(),
    );
    execute(lakehouse.lake(), Some(&client(simulator).unwrap()), &plan, &Quiet).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_leaves_what_its_report_says() {
    let simulator = Simulator::builder().seed(21).scale(1_000).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let report = lakehouse.load(&simulator, Mode::Full).await.unwrap();
    assert_eq!(report.warnings, Vec::<String>::new());

    let runs = rows(&lakehouse, "select * from etl_runs order by ended nulls first").await;
    assert_eq!(runs.len(), 2, "{runs:#?}");
    let started = &runs[0];
    assert_eq!((&started["outcome"], &started["runId"]), (&json!("started"), &json!(report.run_id)));
    assert!(started.get("requests").is_none() && started.get("ended").is_none(), "{started}");
    let ended = &runs[1];
    assert_eq!(ended["outcome"], "done");
    assert_eq!(ended["started"], started["started"]);
    for (column, expected) in [
        ("runId", json!(report.run_id)),
        ("mode", json!("full")),
        ("layers", json!("bronze,silver,gold")),
        ("apiVersion", json!(report.api_version)),
        ("requests", json!(report.requests)),
        ("retries", json!(report.retries)),
        ("bytes", json!(report.bytes)),
        ("steps", json!(report.steps.len())),
        ("stepsFailed", json!(0)),
        ("stepsIncomplete", json!(0)),
        ("askedVersion", json!(connectwise_sdk::API_VERSION)),
    ] {
        assert_eq!(ended[column], expected, "{column}");
    }
    assert!(report.requests > 0);

    let steps = rows(&lakehouse, "select * from etl_steps").await;
    assert_eq!(steps.len(), report.steps.len());
    for step in &report.steps {
        let row = steps.iter().find(|row| row["layer"] == step.layer.name() && row["tableName"] == step.table).unwrap();
        assert_eq!(row["outcome"], "written", "{row}");
        assert_eq!(row["rowsRead"], json!(step.rows_read));
        assert_eq!(row["rowsInserted"], json!(step.rows_inserted));
        assert_eq!(row["version"], json!(step.version.unwrap()));
        assert_eq!(row.get("complete"), (step.layer == Layer::Bronze).then_some(&json!(true)), "{row}");
    }
    // The simulator's own count is the expected value; a first load had no watermark before it.
    let time = steps.iter().find(|row| row["tableName"] == "bronze_cw_timeentry").unwrap();
    for column in ["rowsRead", "rowsInserted", "countedBefore", "countedAfter"] {
        assert_eq!(time[column], 1_000, "{column}");
    }
    assert_eq!((&time["endPageSeen"], &time["keysAscending"]), (&json!(true), &json!(true)));
    assert!(time.get("watermarkBefore").is_none() && time["watermarkAfter"].is_string(), "{time}");

    let tests = rows(&lakehouse, "select * from etl_tests").await;
    assert_eq!(tests.len(), report.tests.len());
    assert!(tests.iter().any(|test| test["tableName"] == "fact_timeentry" && test["passed"] == true), "{tests:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_unchanged_run_adds_to_the_ledger_and_to_nothing_else() {
    let simulator = Simulator::builder().seed(22).scale(500).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    lakehouse.load(&simulator, Mode::Full).await.unwrap();
    let before = versions(&lakehouse).await;
    let report = lakehouse.load(&simulator, Mode::Incremental).await.unwrap();
    assert_eq!(versions(&lakehouse).await, before);

    let sql = format!("select * from etl_steps where \"runId\" = '{}'", report.run_id);
    let steps = rows(&lakehouse, &sql).await;
    assert_eq!(steps.len(), report.steps.len());
    assert!(steps.iter().all(|step| step["outcome"] == "unchanged"), "{steps:#?}");
    let time = steps.iter().find(|row| row["tableName"] == "bronze_cw_timeentry").unwrap();
    assert_eq!(time["watermarkBefore"], time["watermarkAfter"]);
    assert_eq!(time["rowsUnchanged"], time["rowsRead"]);
    assert!(time["rowsRead"].as_u64().unwrap() > 0, "the overlap is read again");

    let status = ledger::status(lakehouse.lake()).await.unwrap().unwrap();
    assert_eq!(status.runs.iter().map(|run| run.mode.as_str()).collect::<Vec<_>>(), ["incremental", "full"]);
    assert_eq!(status.tables.len(), report.steps.len());
    let time = status.tables.iter().find(|table| table.table_name == "bronze_cw_timeentry").unwrap();
    assert_eq!((time.rows, time.outcome.as_str()), (Some(500), "unchanged"));
    assert_eq!(time.last_good_run.as_ref(), Some(&report.run_id));
    assert!(time.watermark.is_some() && time.age_seconds.is_some());
}

async fn versions(lakehouse: &Lakehouse) -> Vec<(String, u64)> {
    let mut versions = Vec::new();
    // Bronze of lists that hang on rows keeps how far the round over them has come, which runs move.
    let flat = catalog::entities().iter().filter(|entity| entity.parent().is_none());
    let bronze = flat.map(|entity| TableName::bronze(entity.table));
    let entities = bronze.chain(catalog::entities().iter().map(|entity| TableName::silver(entity.table)));
    for table in entities.chain(gold::tables().unwrap().into_iter().map(TableName::gold)) {
        let state = lakehouse.lake().table(&table).await.unwrap().state().unwrap();
        versions.push((table.to_string(), state.version));
    }
    versions
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_entity_keeps_its_last_good_run() {
    let simulator = Simulator::builder().seed(23).scale(500).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let good = small(&lakehouse, &simulator, Mode::Full).await;
    let fault = json!({ "path": "/time/entries", "status": 400, "times": 1000 });
    post(&simulator, "faults", fault).await;
    let bad = small(&lakehouse, &simulator, Mode::Full).await;
    assert_eq!(bad.failed().count(), 1);

    let sql = format!("select * from etl_steps where \"runId\" = '{}' and outcome = 'failed'", bad.run_id);
    let failed = rows(&lakehouse, &sql).await;
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["tableName"], "bronze_cw_timeentry");
    assert!(failed[0]["error"].as_str().unwrap().contains("TimeEntry can't be read"), "{failed:#?}");
    assert!(failed[0].get("complete").is_none() && failed[0].get("version").is_none());

    let status = ledger::status(lakehouse.lake()).await.unwrap().unwrap();
    assert_eq!((status.runs[0].outcome.as_str(), status.runs[0].steps_failed), ("partly", Some(1)));
    let of = |name: &str| status.tables.iter().find(|table| table.table_name == name).unwrap();
    let time = of("bronze_cw_timeentry");
    assert_eq!((time.outcome.as_str(), time.last_good_run.as_ref()), ("failed", Some(&good.run_id)));
    assert_eq!(time.rows, Some(500));
    assert_eq!(of("bronze_cw_member").last_good_run.as_ref(), Some(&bad.run_id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_never_ends_shows_as_unfinished() {
    let lakehouse = Lakehouse::empty().unwrap();
    assert!(ledger::status(lakehouse.lake()).await.unwrap().is_none());
    ledger::begin(lakehouse.lake(), start("killed", 1)).await.unwrap();
    let status = ledger::status(lakehouse.lake()).await.unwrap().unwrap();
    assert!(status.tables.is_empty());
    assert_eq!(status.runs.len(), 1);
    assert_eq!((status.runs[0].run_id.as_str(), status.runs[0].outcome.as_str()), ("killed", "unfinished"));
    assert_eq!(status.runs[0].ended, None);
}

fn start(run_id: &str, second: i64) -> Start<'_> {
    let started = Utc.timestamp_opt(1_700_000_000 + second, 0).unwrap();
    Start { run_id, started, work: Work::Load(Mode::Full), layers: &[Layer::Bronze], asked: None }
}
