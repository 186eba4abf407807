//! A year, day by day: an incremental run each day, a reconcile each week, on a server that fails now and then. At the end
//! bronze is what the server has, row for row and value for value.

use std::collections::BTreeMap;

use connectwise_lakehouse::Layer;
use connectwise_pipeline::reconcile;
use connectwise_pipeline::run::{Mode, Plan, Quiet, StepOutcome, execute};
use connectwise_sdk::Client;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, config, impatient, sample};
use serde_json::json;

use crate::steer::{ask, post};
use crate::truth::assert_truth;

/// Days of a run of all tests. The whole year takes too long for each of them: `CW_YEAR_DAYS=365` runs it.
const DAYS: u32 = 14;

/// Runs after which every list below rows was read again.
const ROUND: u32 = 7;

#[tokio::test(flavor = "multi_thread")]
async fn a_year_of_daily_runs_ends_equal_to_the_truth() {
    let days: u32 = std::env::var("CW_YEAR_DAYS").map_or(DAYS, |days| days.parse().unwrap());
    let simulator = Simulator::builder().seed(365).scale(1_000).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let client = Client::new(config(&simulator).unwrap().with_retry(impatient(12))).unwrap();
    let plan = |mode| Plan { page_size: 500, ..Plan::new(vec![Layer::Bronze], mode, sample().collect()) };
    let run = async |mode| {
        let report = execute(lakehouse.lake(), Some(&client), &plan(mode), &Quiet).await.unwrap();
        let failed: Vec<_> = report.failed().map(|step| format!("{}: {:?}", step.table, step.outcome)).collect();
        assert!(failed.is_empty(), "{failed:#?}");
        report.steps.iter().filter(|step| step.outcome == StepOutcome::Written).count()
    };
    for rule in [
        json!({ "probability": 0.02, "seed": 1, "status": 429, "retryAfter": 0 }),
        json!({ "probability": 0.02, "seed": 2, "status": 503, "html": true }),
        json!({ "probability": 0.02, "seed": 3, "status": 500 }),
        json!({ "probability": 0.02, "seed": 4, "cut": true }),
        json!({ "probability": 0.02, "seed": 5, "close": true }),
    ] {
        post(&simulator, "faults", rule).await;
    }
    run(Mode::Full).await;

    // What happened at the source, so that a year in which nothing happens can't pass.
    let mut happened: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut written, mut deleted, mut reread) = (0, 0, 0);
    for day in 1..=days {
        // Merges are rare in ordinary days, and these deletes outrun the inserts of small lists.
        let some = json!({ "insert": 5, "edit": 1 });
        let special =
            json!({ "Company": { "merge": 1 }, "Agreement": some, "ExpenseEntry": some, "ProductItem": some });
        let ordinary = json!({ "days": 1 });
        let change = post(&simulator, "advance", if day % 10 == 3 { special } else { ordinary }).await;
        for entity in change["changed"].as_object().unwrap().values() {
            for action in ["edited", "inserted", "deleted", "merged"] {
                *happened.entry(action).or_default() += entity[action].as_array().unwrap().len();
            }
        }
        written += run(Mode::Incremental).await;
        if day % 7 == 0 || day == days {
            let entities = reconcile::wanted(sample());
            let request = reconcile::ReconcileOptions::new(false);
            let report = reconcile::run(lakehouse.lake(), &client, &entities, &request).await;
            let refused: Vec<_> = report.refused().collect();
            assert!(refused.is_empty(), "day {day}: {refused:#?}");
            deleted += report.entities.iter().map(|entity| entity.deleted.len()).sum::<usize>();
            reread += report.entities.iter().map(|entity| entity.reread).sum::<u64>();
        }
    }
    assert!(happened.values().all(|count| *count > 0), "{happened:?}");
    assert!(written > 0 && deleted > 0 && reread > 0, "{written} {deleted} {reread}");
    let faults = ask(&simulator, "faults").await;
    assert!(["rate_limit", "status", "cut", "close"].iter().all(|fault| faults["bitten"][fault].as_u64() > Some(0)));

    // What happened below a row without a trace at it is found by turns.
    for _ in 0..ROUND {
        run(Mode::Incremental).await;
    }
    assert_truth(&simulator, &lakehouse, sample(), "after the year").await;
}
