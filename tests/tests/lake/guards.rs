//! What looks like a deletion and isn't: nothing is deleted, and the reconcile or the load says why.

use std::collections::BTreeMap;

use connectwise_extract::catalog;
use connectwise_extract::read::Window;
use connectwise_lakehouse::{Layer, TableName};
use connectwise_pipeline::query;
use connectwise_pipeline::reconcile::{self, EntityReport, ReconcileOptions};
use connectwise_pipeline::run::{Mode, Plan, Quiet, Step, StepOutcome, execute};
use connectwise_sdk::Method;
use connectwise_sdk::catalog::Entity;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, client};
use serde_json::{Value, json};

use crate::steer::{ask, forget, post};
use crate::truth::{assert_truth, truth};

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
    let request = ReconcileOptions { page_size: 100, ..ReconcileOptions::new(dry_run) };
    let entities = [catalog::entity("TimeEntry").unwrap()];
    let report = reconcile::run(lakehouse.lake(), &client(simulator).unwrap(), &entities, &request).await;
    report.entities.into_iter().next().unwrap()
}

async fn step(simulator: &Simulator, lakehouse: &Lakehouse, entity: &'static Entity, mode: Mode) -> Step {
    let plan = Plan { page_size: 100, ..Plan::new(vec![Layer::Bronze], mode, vec![entity]) };
    let report = execute(lakehouse.lake(), Some(&client(simulator).unwrap()), &plan, &Quiet).await.unwrap();
    report.steps.into_iter().next().unwrap()
}

/// The load removed nothing for this reason, and moved no watermark.
async fn assert_kept(simulator: &Simulator, lakehouse: &Lakehouse, entity: &'static Entity, mode: Mode, why: &str) {
    let rows = stored(lakehouse, entity).await;
    let step = step(simulator, lakehouse, entity, mode).await;
    let StepOutcome::Incomplete(said) = &step.outcome else { panic!("not refused: {step:?}") };
    assert!(said.contains(why) && said.contains("no row of"), "{said}");
    let read = step.read.unwrap();
    assert_eq!((step.rows_deleted, read.watermark_after), (0, read.watermark_before));
    assert_eq!(stored(lakehouse, entity).await, rows);
}

/// The load went well, and bronze is what the server has.
async fn assert_loaded(simulator: &Simulator, lakehouse: &Lakehouse, entity: &'static Entity, mode: Mode) -> Step {
    let step = step(simulator, lakehouse, entity, mode).await;
    assert!(matches!(step.outcome, StepOutcome::Written | StepOutcome::Unchanged), "{step:?}");
    assert_truth(simulator, lakehouse, [entity], "after a load").await;
    step
}

/// A new colleague, to whom ten of the time entries go over: fewer than a load may lose.
async fn colleague(simulator: &Simulator, entity: &Entity) -> i64 {
    let answer = post(simulator, "advance", json!({ "Member": { "insert": 1 } })).await;
    let member = answer["changed"]["Member"]["inserted"][0].as_i64().unwrap();
    let patch = json!([{ "op": "replace", "path": "member", "value": { "id": member } }]);
    for id in truth(simulator, entity).await.keys().take(10) {
        let path = format!("{}/{id}", entity.path);
        client(simulator).unwrap().request(Method::Patch, &path).json(&patch).unwrap().send().await.unwrap();
    }
    member
}

/// Keys of the bronze table.
async fn stored(lakehouse: &Lakehouse, entity: &Entity) -> Vec<i64> {
    let table = lakehouse.lake().table(&TableName::bronze(entity.table)).await.unwrap();
    table.keys(entity.key).await.unwrap().iter().map(u64::cast_signed).collect()
}

/// Whom a few rows of a list belong to, by the path of that property: fewer than a load may lose.
async fn somebody(simulator: &Simulator, entity: &Entity, path: &str) -> i64 {
    let rows = truth(simulator, entity).await;
    let mut owned: BTreeMap<i64, usize> = BTreeMap::new();
    for owner in rows.values().filter_map(|row| row.pointer(&format!("/{path}"))?.as_f64()) {
        *owned.entry(owner as i64).or_default() += 1;
    }
    let few = |count: usize| (4..=rows.len() / 25).contains(&count);
    *owned.iter().find(|(_, count)| few(**count)).unwrap_or_else(|| panic!("{owned:?}")).0
}

async fn bronze(lakehouse: &Lakehouse) -> u64 {
    lakehouse.lake().table(&TableName::bronze("timeentry")).await.unwrap().row_count().await.unwrap()
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
    let version = lakehouse.lake().table(&TableName::bronze("timeentry")).await.unwrap().version().unwrap();
    let report = reconcile(simulator, lakehouse, false).await;
    let refused = report.refused.as_deref().unwrap_or_else(|| panic!("not refused: {report:?}"));
    assert!(refused.contains(why), "{refused}");
    assert!(report.deleted.is_empty());
    assert_eq!(bronze(lakehouse).await, ROWS);
    assert_eq!(lakehouse.lake().table(&TableName::bronze("timeentry")).await.unwrap().version().unwrap(), version);
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
async fn a_slightly_narrowed_role_deletes_nothing() {
    let (simulator, lakehouse) = loaded().await;
    let entity = catalog::entity("TimeEntry").unwrap();
    let somebody = colleague(&simulator, entity).await;
    load(&simulator, &lakehouse, Mode::Incremental).await;
    // Beside it a row is deleted: what is hidden must not go along with it.
    delete(&simulator, 1).await;
    post(&simulator, "role", json!({ "role": format!("without:member/id={somebody}") })).await;
    let why = format!("rows whose member is {somebody} are missing");
    assert_refused(&simulator, &lakehouse, &why).await;
    assert_kept(&simulator, &lakehouse, entity, Mode::Full, &why).await;
    post(&simulator, "role", json!({ "role": "no-info" })).await;
    assert_refused(&simulator, &lakehouse, "no longer show when they were changed").await;

    post(&simulator, "role", json!({ "role": "full" })).await;
    let report = reconcile(&simulator, &lakehouse, false).await;
    assert_eq!((report.refused, report.deleted.len()), (None, 1));
    assert_truth(&simulator, &lakehouse, [entity], "with the right back").await;

    // Who knows that they are gone can say so.
    post(&simulator, "role", json!({ "role": format!("without:member/id={somebody}") })).await;
    let request = ReconcileOptions { max_share: 100.0, ..ReconcileOptions::new(false) };
    let report = reconcile::run(lakehouse.lake(), &client(&simulator).unwrap(), &[entity], &request).await;
    assert!(report.entities[0].refused.is_none() && report.entities[0].deleted.len() >= 4, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slightly_narrowed_role_removes_nothing_from_a_snapshot() {
    let simulator = Simulator::builder().seed(9).scale(3_000).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let entity = catalog::entity("Activity").unwrap();
    assert_loaded(&simulator, &lakehouse, entity, Mode::Incremental).await;
    let somebody = somebody(&simulator, entity, "assignTo/id").await;
    post(&simulator, "role", json!({ "role": format!("without:assignTo/id={somebody}") })).await;
    let why = format!("rows whose assignTo is {somebody} are missing");
    assert_kept(&simulator, &lakehouse, entity, Mode::Incremental, &why).await;
    post(&simulator, "role", json!({ "role": "full" })).await;

    // A few that are deleted go, and the table isn't written anew for them.
    post(&simulator, "advance", json!({ "Activity": { "edit": 2, "insert": 1, "delete": 3 } })).await;
    let step = assert_loaded(&simulator, &lakehouse, entity, Mode::Incremental).await;
    assert_eq!((step.rows_inserted, step.rows_updated, step.rows_deleted), (1, 2, 3), "{step:?}");
}

/// Posting empties the list of unposted invoices, and so does a lost right.
#[tokio::test(flavor = "multi_thread")]
async fn rows_leave_a_list_that_drains_when_they_are_found_where_they_go() {
    let simulator = Simulator::builder().seed(9).scale(6_000).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let entity = catalog::entity("UnpostedInvoice").unwrap();
    assert_loaded(&simulator, &lakehouse, entity, Mode::Incremental).await;
    let rows = stored(&lakehouse, entity).await.len();
    assert!(rows >= 20, "{rows}");

    for role in ["mine", "without:location/id=2", "no-info,mine"] {
        post(&simulator, "role", json!({ "role": role })).await;
        assert_kept(&simulator, &lakehouse, entity, Mode::Incremental, "rows are missing").await;
    }
    post(&simulator, "role", json!({ "role": "full" })).await;
    post(&simulator, "faults", json!({ "path": "/finance/accounting/unpostedinvoices", "nth": 1, "missing": true }))
        .await;
    let failed = step(&simulator, &lakehouse, entity, Mode::Full).await;
    assert!(matches!(failed.outcome, StepOutcome::Failed(_)), "{failed:?}");
    forget(&simulator, "faults").await;
    let folder = tempfile::tempdir().unwrap();
    let empty = Simulator::builder().samples(folder.path()).start().await.unwrap();
    for mode in [Mode::Incremental, Mode::Full] {
        assert_kept(&empty, &lakehouse, entity, mode, "the server lists no record").await;
    }

    // Two thirds are posted, then all.
    post(&simulator, "advance", json!({ "UnpostedInvoice": { "delete": rows * 2 / 3 } })).await;
    let step = assert_loaded(&simulator, &lakehouse, entity, Mode::Incremental).await;
    assert_eq!(step.rows_deleted, rows as u64 * 2 / 3);
    post(&simulator, "advance", json!({ "UnpostedInvoice": { "delete": rows } })).await;
    let left = ask(&simulator, "truth/finance/accounting/unpostedinvoices/count").await;
    assert_eq!(left["count"], 0, "all are posted");
    let step = self::step(&simulator, &lakehouse, entity, Mode::Full).await;
    assert!(matches!(step.outcome, StepOutcome::Written), "{step:?}");
    assert!(stored(&lakehouse, entity).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_kept_from_empty_answers_and_counts_that_disagree() {
    let simulator = Simulator::builder().seed(9).scale(900).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let entity = catalog::entity("Activity").unwrap();
    assert_loaded(&simulator, &lakehouse, entity, Mode::Incremental).await;
    let rows = stored(&lakehouse, entity).await;
    let folder = tempfile::tempdir().unwrap();
    let empty = Simulator::builder().samples(folder.path()).start().await.unwrap();
    assert_kept(&empty, &lakehouse, entity, Mode::Incremental, "the server lists no record").await;
    // Two requests ask for the lowest and the highest key, between which the list is cut into ranges; then come pages, of which some are
    // empty.
    for nth in 3..=6 {
        post(&simulator, "faults", json!({ "path": entity.path, "nth": nth, "missing": true })).await;
    }
    let step = step(&simulator, &lakehouse, entity, Mode::Incremental).await;
    let StepOutcome::Failed(why) = &step.outcome else { panic!("{step:?}") };
    assert!(why.contains("the server counts"), "{why}");
    assert_eq!(stored(&lakehouse, entity).await, rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_a_full_load_was_not_given_and_the_server_has_is_kept() {
    let (simulator, lakehouse) = loaded().await;
    let entity = catalog::entity("TimeEntry").unwrap();
    // Rows that appear while the read goes on make the counts too loose to notice one that is left out.
    post(&simulator, "drift", json!({ "every": 1, "edit": 0, "insert": 1, "delete": 0, "path": "/time/entries" }))
        .await;
    post(&simulator, "faults", json!({ "path": "/time/entries", "nth": 3, "missing": true })).await;
    let step = step(&simulator, &lakehouse, entity, Mode::Full).await;
    let StepOutcome::Incomplete(why) = &step.outcome else { panic!("{step:?}") };
    assert!(why.contains("wasn't listed and is there"), "{why}");
    forget(&simulator, "drift").await;
    assert_loaded(&simulator, &lakehouse, entity, Mode::Incremental).await;
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
        (json!({ "path": "/time/entries/count", "status": 400 }), "can't be read"),
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
    // What can't be counted can be listed, and each row that is gone is confirmed by itself.
    post(&simulator, "faults", json!({ "path": "/time/entries/count", "status": 403, "times": 2 })).await;
    let report = reconcile(&simulator, &lakehouse, true).await;
    assert_eq!((&report.deleted, &report.refused), (&gone, &None));
    assert!(report.note.is_some_and(|note| note.contains("TimeEntry isn't counted by the server")));
    forget(&simulator, "faults").await;
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
