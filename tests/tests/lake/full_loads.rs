//! Full loads: cut off and gone on with, read in parallel, and kept from emptying tables.

use chrono::TimeDelta;
use connectwise_extract::catalog;
use connectwise_lakehouse::{Layer, TableName};
use connectwise_pipeline::bronze::Options;
use connectwise_pipeline::gold::GoldConfig;
use connectwise_pipeline::maintain;
use connectwise_pipeline::run::{Mode, Plan, Quiet, RunReport, Step, execute};
use connectwise_sdk::catalog::Entity;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, client};
use connectwise_upkeep::MaintenanceOptions;
use serde_json::json;

use crate::steer::{forget, post};
use crate::truth::assert_truth;

/// Rows of the largest tables; pages of 50, files of 400.
const ROWS: u64 = 3_000;

fn options() -> Options {
    Options { chunk_rows: 400, ranges: 1, ..Options::default() }
}

async fn simulator(seed: u64) -> Simulator {
    Simulator::builder().seed(seed).scale(ROWS).start().await.unwrap()
}

async fn run(simulator: &Simulator, lakehouse: &Lakehouse, entity: &str, mode: Mode, load: Options) -> RunReport {
    let plan =
        Plan { page_size: 50, load, ..Plan::new(vec![Layer::Bronze], mode, vec![catalog::entity(entity).unwrap()]) };
    execute(lakehouse.lake(), Some(&client(simulator).unwrap()), &plan, &Quiet).await.unwrap()
}

async fn full(simulator: &Simulator, lakehouse: &Lakehouse, load: Options) -> RunReport {
    run(simulator, lakehouse, "TimeEntry", Mode::Full, load).await
}

fn step(report: &RunReport) -> &Step {
    report.steps.first().unwrap()
}

fn why(report: &RunReport) -> String {
    serde_json::to_value(step(report)).unwrap()["error"].as_str().unwrap_or_default().to_owned()
}

fn time_entry() -> &'static Entity {
    catalog::entity("TimeEntry").unwrap()
}

/// The list answers so many requests, and then none until the fault is cleared.
async fn cut_off_after(simulator: &Simulator, requests: u64) {
    let fault = json!({ "path": "/time/entries", "nth": requests + 1, "times": 1000, "status": 400 });
    post(simulator, "faults", fault).await;
}

fn staged(lakehouse: &Lakehouse) -> usize {
    fn files(folder: &std::path::Path) -> usize {
        let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
        entries.map(|entry| entry.unwrap().path()).map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
    }
    files(&lakehouse.path().join("bronze/bronze_cw_timeentry/_staging"))
}

/// A load that is cut off twice, with changes each time, and then goes through. Gives its requests.
async fn gone_on_with(simulator: &Simulator, lakehouse: &Lakehouse, delete: u64) -> u64 {
    cut_off_after(simulator, 40).await;
    let report = full(simulator, lakehouse, options()).await;
    assert_eq!(report.failed().count(), 1);
    assert!(staged(lakehouse) > 2, "files are staged");
    assert_eq!(
        lakehouse.lake().table(&TableName::bronze("timeentry")).await.unwrap().version(),
        None,
        "nothing is committed"
    );

    // Everything that can happen while nobody looks, to rows that are staged and to others.
    forget(simulator, "faults").await;
    post(simulator, "advance", json!({ "TimeEntry": { "edit": 40, "insert": 25, "delete": delete } })).await;
    cut_off_after(simulator, 14).await;
    assert_eq!(full(simulator, lakehouse, options()).await.failed().count(), 1);
    forget(simulator, "faults").await;
    post(simulator, "advance", json!({ "TimeEntry": { "edit": 10, "insert": 5 } })).await;

    let report = full(simulator, lakehouse, options()).await;
    assert_eq!(report.failed().count(), 0, "{}", why(&report));
    assert!(step(&report).warnings.iter().any(|warning| warning.contains("were taken over")), "{:?}", step(&report));
    assert!(step(&report).read.as_ref().is_some_and(|read| read.complete));
    assert_truth(simulator, lakehouse, [time_entry()], "at the end").await;
    assert_eq!(staged(lakehouse), 0, "what is committed is staged no more");
    report.requests
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_was_cut_off_is_gone_on_with() {
    let simulator = simulator(5).await;
    let whole = full(&simulator, &Lakehouse::empty().unwrap(), options()).await.requests;
    let lakehouse = Lakehouse::empty().unwrap();
    let requests = gone_on_with(&simulator, &lakehouse, 0).await;
    assert!(requests * 3 < whole * 2, "{requests} requests in place of {whole}");

    // The watermark is that of the last run: nothing is left for an incremental one.
    let report = run(&simulator, &lakehouse, "TimeEntry", Mode::Incremental, options()).await;
    assert_eq!((step(&report).rows_inserted, step(&report).rows_updated), (0, 0));
    post(&simulator, "advance", json!({ "TimeEntry": { "edit": 10, "insert": 5 } })).await;
    run(&simulator, &lakehouse, "TimeEntry", Mode::Incremental, options()).await;
    assert_truth(&simulator, &lakehouse, [time_entry()], "at the end").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_deleted_after_they_were_staged_are_gone() {
    gone_on_with(&simulator(12).await, &Lakehouse::empty().unwrap(), 9).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_staged_too_long_ago_is_given_up() {
    let simulator = simulator(6).await;
    let lakehouse = Lakehouse::empty().unwrap();
    cut_off_after(&simulator, 40).await;
    full(&simulator, &lakehouse, options()).await;
    forget(&simulator, "faults").await;
    let report = full(&simulator, &lakehouse, Options { staging_hours: 0, ..options() }).await;
    assert_eq!(report.failed().count(), 0, "{}", why(&report));
    assert!(step(&report).warnings.iter().any(|warning| warning.contains("too old")), "{:?}", step(&report).warnings);
    assert_truth(&simulator, &lakehouse, [time_entry()], "at the end").await;
    assert_eq!(staged(&lakehouse), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_that_are_read_at_once_make_the_same_table() {
    let simulator = simulator(7).await;
    let lakehouse = Lakehouse::empty().unwrap();
    let ranges = Options { ranges: 4, chunk_rows: 200, ..options() };
    cut_off_after(&simulator, 44).await;
    assert_eq!(full(&simulator, &lakehouse, ranges).await.failed().count(), 1);
    forget(&simulator, "faults").await;
    post(&simulator, "advance", json!({ "TimeEntry": { "edit": 40, "insert": 25, "delete": 3 } })).await;
    let report = full(&simulator, &lakehouse, ranges).await;
    assert_eq!(report.failed().count(), 0, "{}", why(&report));
    assert_truth(&simulator, &lakehouse, [time_entry()], "at the end").await;

    let afresh = Lakehouse::empty().unwrap();
    let report = full(&simulator, &afresh, ranges).await;
    assert_eq!(report.failed().count(), 0, "{}", why(&report));
    assert!(step(&report).read.as_ref().is_some_and(|read| read.complete));
    assert_truth(&simulator, &afresh, [time_entry()], "at the end").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrowed_role_removes_nothing() {
    let simulator = simulator(8).await;
    let lakehouse = Lakehouse::empty().unwrap();
    full(&simulator, &lakehouse, options()).await;
    post(&simulator, "advance", json!({ "TimeEntry": { "edit": 200 } })).await;
    post(&simulator, "role", json!({ "role": "mine" })).await;
    let report = full(&simulator, &lakehouse, options()).await;
    assert!(why(&report).contains("rows are missing and at most 150 are believed"), "{}", why(&report));
    assert!(!report.is_total_loss(), "the rows that are seen were written");
    let read = step(&report).read.clone().unwrap();
    assert_eq!(read.watermark_after, read.watermark_before);
    assert!(step(&report).rows_updated > 0);
    assert_eq!(lakehouse.lake().table(&TableName::bronze("timeentry")).await.unwrap().row_count().await.unwrap(), ROWS);

    // Rows that changed meanwhile and couldn't be seen are found as soon as they can.
    post(&simulator, "role", json!({ "role": "full" })).await;
    assert_eq!(run(&simulator, &lakehouse, "TimeEntry", Mode::Incremental, options()).await.failed().count(), 0);
    assert_truth(&simulator, &lakehouse, [time_entry()], "at the end").await;

    // Who knows that they are gone can say so.
    post(&simulator, "role", json!({ "role": "mine" })).await;
    let report = full(&simulator, &lakehouse, Options { max_share: 100.0, ..options() }).await;
    assert_eq!(report.failed().count(), 0, "{}", why(&report));
    assert!(lakehouse.lake().table(&TableName::bronze("timeentry")).await.unwrap().row_count().await.unwrap() < ROWS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrowed_role_removes_nothing_from_a_snapshot() {
    let simulator = simulator(9).await;
    let lakehouse = Lakehouse::empty().unwrap();
    let entity = catalog::entity("Activity").unwrap();
    run(&simulator, &lakehouse, "Activity", Mode::Incremental, options()).await;
    let rows = lakehouse.lake().table(&TableName::bronze(entity.table)).await.unwrap().row_count().await.unwrap();
    post(&simulator, "role", json!({ "role": "mine" })).await;
    let report = run(&simulator, &lakehouse, "Activity", Mode::Incremental, options()).await;
    assert!(why(&report).contains("rows are missing"), "{:?}", step(&report));
    assert_eq!(
        lakehouse.lake().table(&TableName::bronze(entity.table)).await.unwrap().row_count().await.unwrap(),
        rows
    );
    post(&simulator, "role", json!({ "role": "full" })).await;
    assert_eq!(run(&simulator, &lakehouse, "Activity", Mode::Incremental, options()).await.failed().count(), 0);
    assert_truth(&simulator, &lakehouse, [entity], "at the end").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_killed_runs_left_is_swept_up() {
    let simulator = simulator(13).await;
    let lakehouse = Lakehouse::empty().unwrap();
    full(&simulator, &lakehouse, options()).await;
    cut_off_after(&simulator, 40).await;
    full(&simulator, &lakehouse, options()).await;
    forget(&simulator, "faults").await;
    let orphan = lakehouse.path().join("bronze/bronze_cw_timeentry/part-of-nobody.parquet");
    std::fs::write(&orphan, "left by a program that died").unwrap();
    let upkeep = |dry_run, hours| MaintenanceOptions {
        run_id: "upkeep".to_owned(),
        dry_run,
        retention: TimeDelta::hours(hours),
        orphan_age: TimeDelta::hours(hours),
    };
    let keep = async |upkeep: MaintenanceOptions| {
        let report =
            maintain::run(lakehouse.lake(), &[Layer::Bronze], &GoldConfig::default(), &upkeep, &()).await.unwrap();
        let [table] = report.tables.as_slice() else { panic!("{report:?}") };
        assert_eq!((table.table.as_str(), &table.error), ("bronze/bronze_cw_timeentry", &None));
        table.metrics.clone()
    };

    let young = keep(upkeep(true, 168)).await;
    assert_eq!((young.orphans, young.expired, young.staged), (0, 0, 0), "a run may still need them");
    let dry = keep(upkeep(true, 0)).await;
    assert!(dry.compacted > 4 && dry.orphans > 4 && dry.staged == 1, "{dry:?}");
    assert!(orphan.exists(), "a dry run changes nothing");
    let done = keep(upkeep(false, 0)).await;
    assert_eq!((done.compacted, done.compacted_into, done.staged), (dry.compacted, dry.compacted_into, 1));
    assert!(done.orphans == dry.orphans && done.expired >= done.compacted, "{done:?}");
    assert!(!orphan.exists());
    assert_eq!(staged(&lakehouse), 0);
    assert_truth(&simulator, &lakehouse, [time_entry()], "at the end").await;
    let again = keep(upkeep(false, 0)).await;
    assert_eq!((again.compacted, again.orphans, again.expired, again.staged), (0, 0, 0, 0));

    // The table goes on as if nothing had been.
    post(&simulator, "advance", json!({ "TimeEntry": { "edit": 30, "insert": 5 } })).await;
    run(&simulator, &lakehouse, "TimeEntry", Mode::Incremental, options()).await;
    assert_truth(&simulator, &lakehouse, [time_entry()], "at the end").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_answer_removes_nothing() {
    let simulator = simulator(10).await;
    let lakehouse = Lakehouse::empty().unwrap();
    full(&simulator, &lakehouse, options()).await;
    let folder = tempfile::tempdir().unwrap();
    let empty = Simulator::builder().samples(folder.path()).start().await.unwrap();
    for share in [5.0, 100.0] {
        let report = full(&empty, &lakehouse, Options { max_share: share, ..options() }).await;
        assert!(why(&report).contains("the server lists no record and the table has 3000 rows"), "{}", why(&report));
        assert_eq!(
            lakehouse.lake().table(&TableName::bronze("timeentry")).await.unwrap().row_count().await.unwrap(),
            ROWS
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_that_disagrees_removes_nothing() {
    let simulator = simulator(11).await;
    let lakehouse = Lakehouse::empty().unwrap();
    full(&simulator, &lakehouse, options()).await;
    let version = lakehouse.lake().table(&TableName::bronze("timeentry")).await.unwrap().version();
    post(&simulator, "faults", json!({ "path": "/time/entries", "nth": 5, "missing": true })).await;
    let report = full(&simulator, &lakehouse, options()).await;
    assert!(why(&report).contains("the server counts 3000 records and sent 2999"), "{}", why(&report));
    assert_eq!(lakehouse.lake().table(&TableName::bronze("timeentry")).await.unwrap().version(), version);
    assert_eq!(lakehouse.lake().table(&TableName::bronze("timeentry")).await.unwrap().row_count().await.unwrap(), ROWS);
}
