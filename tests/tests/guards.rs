//! What looks like a deletion and isn't: nothing is deleted, and the reconcile says why.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod steer;
mod truth;

use connectwise_etl::catalog;
use connectwise_etl::extract::Window;
use connectwise_etl::lake::{Layer, TableName};
use connectwise_etl::query;
use connectwise_etl::reconcile::{self, EntityReport, Request};
use connectwise_etl::run::{Mode, Plan, Quiet, execute};
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, client};
use serde_json::{Value, json};
use steer::{forget, post};
use truth::assert_truth;

const ROWS: u64 = 600;

/// Time entries in bronze, and in silver.
async fn loaded() -> (Simulator, Lakehouse) {
    let simulator = Simulator::builder().seed(21).scale(ROWS).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    load(&simulator, &lakehouse, Mode::Full).await;
    assert_eq!(bronze(&lakehouse).await, ROWS);
    (simulator, lakehouse)
}

async fn load(simulator: &Simulator, lakehouse: &Lakehouse, mode: Mode) {
    let plan = Plan::new(vec![Layer::Bronze, Layer::Silver], mode, vec![catalog::entity("TimeEntry").unwrap()]);
    let report = execute(lakehouse.lake(), Some(&client(simulator).unwrap()), &plan, &Quiet).await.unwrap();
    assert_eq!(report.failed().count(), 0);
}

async fn reconcile(simulator: &Simulator, lakehouse: &Lakehouse, dry_run: bool) -> EntityReport {
    let request = Request { page_size: 100, ..Request::new(dry_run) };
    let entities = [catalog::entity("TimeEntry").unwrap()];
    let report = reconcile::run(lakehouse.lake(), &client(simulator).unwrap(), &entities, &request).await;
    report.entities.into_iter().next().unwrap()
}

async fn bronze(lakehouse: &Lakehouse) -> u64 {
    lakehouse.lake().row_count(&TableName::bronze("timeentry")).await.unwrap()
}

async fn deleted_in_silver(lakehouse: &Lakehouse) -> Vec<i64> {
    let sql = "select id from silver_cw_timeentry where \"isDeleted\" order by id";
    let rows: Vec<Value> =
        serde_json::from_slice(&query::json(&query::select(lakehouse.lake(), sql).await.unwrap()).unwrap()).unwrap();
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

/// Deletes rows at the source and gives their ids.
async fn delete(simulator: &Simulator, rows: u64) -> Vec<i64> {
    let answer = post(simulator, "advance", json!({ "TimeEntry": { "delete": rows } })).await;
    let ids: Vec<i64> = serde_json::from_value(answer["changed"]["TimeEntry"]["deleted"].clone()).unwrap();
    assert_eq!(ids.len() as u64, rows);
    ids
}

/// The reconcile refused for this reason, and bronze is as it was.
async fn assert_refused(simulator: &Simulator, lakehouse: &Lakehouse, why: &str) {
    let version = lakehouse.lake().state(&TableName::bronze("timeentry")).await.unwrap().unwrap().version;
    let report = reconcile(simulator, lakehouse, false).await;
    let refused = report.refused.as_deref().unwrap_or_else(|| panic!("not refused: {report:?}"));
    assert!(refused.contains(why), "{refused}");
    assert!(report.deleted.is_empty());
    assert_eq!(bronze(lakehouse).await, ROWS);
    assert_eq!(lakehouse.lake().state(&TableName::bronze("timeentry")).await.unwrap().unwrap().version, version);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_leaves_bronze_and_is_marked_in_silver() {
    let (simulator, lakehouse) = loaded().await;
    let gone = delete(&simulator, 7).await;

    let dry = reconcile(&simulator, &lakehouse, true).await;
    assert_eq!((dry.refused, dry.deleted, dry.version), (None, gone.clone(), None));
    assert_eq!(bronze(&lakehouse).await, ROWS, "a dry run writes nothing");

    let report = reconcile(&simulator, &lakehouse, false).await;
    assert_eq!((report.refused, report.deleted, report.stored, report.listed), (None, gone.clone(), ROWS, ROWS - 7));
    assert_eq!(bronze(&lakehouse).await, ROWS - 7);
    load(&simulator, &lakehouse, Mode::Incremental).await;
    assert_eq!(deleted_in_silver(&lakehouse).await, gone);
    assert_eq!(bronze(&lakehouse).await, ROWS - 7, "the watermark is still there, and nothing came back");

    let again = reconcile(&simulator, &lakehouse, false).await;
    assert_eq!((again.refused, again.deleted, again.version), (None, Vec::new(), None), "nothing left to do");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrowed_role_deletes_nothing() {
    let (simulator, lakehouse) = loaded().await;
    for (role, why) in [("mine", "rows are missing and at most 30 are believed"), ("no-time", "can't be read")] {
        post(&simulator, "role", json!({ "role": role })).await;
        assert_refused(&simulator, &lakehouse, why).await;
    }
    post(&simulator, "role", json!({ "role": "full" })).await;
    let report = reconcile(&simulator, &lakehouse, false).await;
    assert_eq!((report.refused, report.missing), (None, 0));
    assert_eq!(deleted_in_silver(&lakehouse).await, Vec::<i64>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_answer_deletes_nothing() {
    let (_simulator, lakehouse) = loaded().await;
    let folder = tempfile::tempdir().unwrap();
    let empty = Simulator::builder().samples(folder.path()).start().await.unwrap();
    assert_refused(&empty, &lakehouse, "the server lists no record and the table has 600 rows").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_is_not_whole_deletes_nothing() {
    let (simulator, lakehouse) = loaded().await;
    let gone = delete(&simulator, 3).await;
    for (fault, why) in [
        (
            json!({ "path": "/time/entries", "nth": 3, "missing": true }),
            "listed 596 records and counts 597 before and 597 after",
        ),
        (json!({ "path": "/time/entries", "nth": 3, "duplicate": true }), "don't advance"),
        (json!({ "path": "/time/entries", "nth": 3, "status": 400 }), "can't be read"),
        (json!({ "path": "/time/entries/count", "status": 403 }), "can't be read"),
        (json!({ "path": format!("/time/entries/{}", gone[1]), "status": 403 }), "is gone is unclear"),
        (
            json!({ "path": format!("/time/entries/{}", gone[1]), "status": 404, "html": true, "times": 100 }),
            "is gone is unclear",
        ),
    ] {
        post(&simulator, "faults", fault).await;
        assert_refused(&simulator, &lakehouse, why).await;
        forget(&simulator, "faults").await;
    }
    assert_eq!(reconcile(&simulator, &lakehouse, false).await.deleted, gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_the_list_left_out_and_the_server_has_is_kept() {
    let (simulator, lakehouse) = loaded().await;
    // Rows that appear while the sweep goes on make the counts too loose to notice one that is left out.
    post(&simulator, "drift", json!({ "every": 1, "edit": 0, "insert": 1, "delete": 0, "path": "/time/entries" }))
        .await;
    post(&simulator, "faults", json!({ "path": "/time/entries", "nth": 3, "missing": true })).await;
    let report = reconcile(&simulator, &lakehouse, false).await;
    assert_eq!((report.refused, report.missing, report.still_there.len()), (None, 1, 1));
    assert!(report.deleted.is_empty());
    assert!(bronze(&lakehouse).await >= ROWS);
}

/// A server that finds nothing for a date with a zone would look like one on which nothing changed.
#[tokio::test(flavor = "multi_thread")]
async fn changes_are_found_whatever_dates_the_server_understands() {
    let (simulator, lakehouse) = loaded().await;
    post(&simulator, "switches", json!({ "times": "naive" })).await;
    post(&simulator, "advance", json!({ "TimeEntry": { "insert": 7, "edit": 5 } })).await;
    load(&simulator, &lakehouse, Mode::Incremental).await;
    assert_eq!(bronze(&lakehouse).await, ROWS + 7);
    assert_truth(&simulator, &lakehouse, catalog::entity("TimeEntry"), "edits are there too").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn since_reads_again_what_is_older_than_the_watermark() {
    let (simulator, lakehouse) = loaded().await;
    let reads = async |since: Option<&str>| {
        let since = since.map(|time| time.parse().unwrap());
        let plan = Plan {
            window: Window { since, lookback_days: Some(0), ..Window::default() },
            ..Plan::new(vec![Layer::Bronze], Mode::Incremental, vec![catalog::entity("TimeEntry").unwrap()])
        };
        let report = execute(lakehouse.lake(), Some(&client(&simulator).unwrap()), &plan, &Quiet).await.unwrap();
        report.steps[0].rows_read
    };
    let few = reads(None).await;
    assert!(few < ROWS / 2, "{few}");
    assert_eq!(reads(Some("2000-01-01T00:00:00Z")).await, ROWS);
    assert_eq!(reads(Some("2100-01-01T00:00:00Z")).await, few, "a time in the future leaves no gap");
}
