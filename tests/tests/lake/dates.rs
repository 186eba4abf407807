//! Incremental runs against servers that read dates in conditions as local time: what they hide is found all the same, and what
//! earlier runs may have missed is asked for again.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use connectwise_extract::catalog;
use connectwise_lakehouse::{Changes, Commit, Layer, TableName};
use connectwise_pipeline::run::{Mode, Plan, Quiet, Step, execute};
use connectwise_sdk::catalog::Entity;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, client};
use serde_json::{Value, json};

use crate::steer::{ask, forget, post};
use crate::truth::{assert_truth, stored};

/// What the simulator says of `times=behind`: its clocks show 3:30 hours less than UTC.
const BEHIND: TimeDelta = TimeDelta::minutes(210);

/// An entity that has no business dates, which would find again by themselves what a watermark misses.
fn contact() -> &'static Entity {
    catalog::entity("Contact").unwrap()
}

async fn load(simulator: &Simulator, lakehouse: &Lakehouse, mode: Mode) -> Step {
    let plan = Plan::new(vec![Layer::Bronze], mode, vec![contact()]);
    let report = execute(lakehouse.lake(), Some(&client(simulator).unwrap()), &plan, &Quiet).await.unwrap();
    assert_eq!(report.outcome(), "done", "{report:#?}");
    report.steps.into_iter().next().unwrap()
}

/// Edits contacts within a day of the server's, and gives their ids.
async fn edit(simulator: &Simulator, rows: u64) -> Vec<i64> {
    let answer = post(simulator, "advance", json!({ "Contact": { "edit": rows } })).await;
    serde_json::from_value(answer["changed"]["Contact"]["edited"].clone()).unwrap()
}

/// Whether a request asked for what changed since this moment.
async fn asked_since(simulator: &Simulator, time: DateTime<Utc>) -> bool {
    let written = time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let asked = ask(simulator, "requests").await;
    let is_list = |request: &&Value| request["path"] == contact().path;
    let mut lists = asked["recent"].as_array().unwrap().iter().filter(is_list);
    lists.any(|request| request["query"].as_str().unwrap().contains(&format!("lastUpdated%20%3E%3D%20%5B{written}")))
}

fn says(step: &Step, what: &str) -> bool {
    step.warnings.iter().any(|warning| warning.contains(what))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_behind_utc_hides_nothing() {
    let simulator = Simulator::builder().seed(41).scale(600).switch("times=behind").start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    load(&simulator, &lakehouse, Mode::Full).await;
    for run in 0..3 {
        edit(&simulator, 4).await;
        forget(&simulator, "requests").await;
        let step = load(&simulator, &lakehouse, Mode::Incremental).await;
        assert!(step.rows_updated > 0, "{step:#?}");
        assert!(says(&step, "as 210 minutes later than written"), "{:?}", step.warnings);
        assert_truth(&simulator, &lakehouse, [contact()], &format!("after run {run}")).await;
        // The first run finds that the server isn't as documented; the others find what the first did.
        assert_eq!(says(&step, "7 days"), run == 0, "{:?}", step.warnings);
        let before = step.read.unwrap().watermark_before.unwrap();
        let back = if run == 0 { TimeDelta::days(7) } else { TimeDelta::minutes(15) };
        assert!(asked_since(&simulator, before - back - BEHIND).await, "the overlap and the shift, both");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_ahead_of_utc_only_gives_more() {
    let simulator = Simulator::builder().seed(42).scale(600).switch("times=ahead").start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    load(&simulator, &lakehouse, Mode::Full).await;
    edit(&simulator, 4).await;
    forget(&simulator, "requests").await;
    let step = load(&simulator, &lakehouse, Mode::Incremental).await;
    assert_eq!(step.warnings, Vec::<String>::new());
    assert_truth(&simulator, &lakehouse, [contact()], "after the run").await;
    let before = step.read.unwrap().watermark_before.unwrap();
    assert!(asked_since(&simulator, before - TimeDelta::minutes(15)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_earlier_runs_may_have_missed_is_asked_for_once_when_the_reading_changes() {
    let simulator = Simulator::builder().seed(43).scale(600).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    load(&simulator, &lakehouse, Mode::Full).await;
    let early = edit(&simulator, 3).await;
    edit(&simulator, 3).await;
    let late = edit(&simulator, 3).await;
    load(&simulator, &lakehouse, Mode::Incremental).await;
    assert_truth(&simulator, &lakehouse, [contact()], "before the change").await;
    // As if the runs had missed them, for which there are no other means here.
    let missed: Vec<i64> = early.into_iter().filter(|id| !late.contains(id)).collect();
    assert!(!missed.is_empty());
    let (lake, table) = (lakehouse.lake(), TableName::bronze(contact().table));
    let schema = lake.table(&table).await.unwrap().schema().unwrap();
    let changes = Changes::upserts(contact().key, Vec::new()).deleting(missed.clone());
    lake.table(&table).await.unwrap().merge(&schema, changes, &Commit::new("by hand")).await.unwrap();

    let step = load(&simulator, &lakehouse, Mode::Incremental).await;
    assert!(!says(&step, "7 days") && step.rows_inserted == 0, "{step:#?}");
    let rows = stored(&lakehouse, contact()).await;
    assert!(missed.iter().all(|id| !rows.contains_key(id)));

    for (times, rows) in [("behind", missed.len() as u64), ("utc", 0)] {
        post(&simulator, "switches", json!({ "times": times })).await;
        let step = load(&simulator, &lakehouse, Mode::Incremental).await;
        assert!(says(&step, "7 days"), "{times}: {:?}", step.warnings);
        assert_eq!(step.rows_inserted, rows, "{times}");
        assert_truth(&simulator, &lakehouse, [contact()], times).await;
        // It is remembered, even where the run found nothing to write.
        let step = load(&simulator, &lakehouse, Mode::Incremental).await;
        assert!(!says(&step, "7 days"), "{times}: {:?}", step.warnings);
    }
}
