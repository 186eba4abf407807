//! Money and tickets, from the simulator to gold, worked out once more by a reader that knows no model: DuckDB over bronze, by
//! SQL that was written from the contract of the star schema. The lines of invoices are held against their headers, too, in gold
//! itself.

use std::collections::{BTreeMap, BTreeSet};

use connectwise_extract::catalog;
use connectwise_lakehouse::Layer;
use connectwise_pipeline::gold;
use connectwise_pipeline::reconcile;
use connectwise_pipeline::run::{Mode, Plan, Quiet, execute};
use connectwise_sdk::catalog::Entity;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, Python, client};
use serde_json::{Value, json};

use crate::steer::post;

/// Thirty days of a tenant, in runs of some days each.
const ROUNDS: [u32; 4] = [1, 4, 10, 15];

struct Tenant {
    simulator: Simulator,
    lakehouse: Lakehouse,
    entities: Vec<&'static Entity>,
}

impl Tenant {
    async fn start() -> Self {
        // That of the demo.
        let simulator = Simulator::builder().seed(1).scale(5_000).start().await.unwrap();
        let inputs: BTreeSet<String> = gold::plan().unwrap().into_iter().flat_map(|model| model.inputs).collect();
        let mut entities: Vec<_> = catalog::entities().iter().collect();
        entities.retain(|entity| inputs.contains(entity.table));
        Self { simulator, lakehouse: Lakehouse::empty().unwrap(), entities }
    }

    /// A run, and the day on which it was. Nothing may fail, data tests included.
    async fn run(&self, mode: Mode) -> String {
        let client = client(&self.simulator).unwrap();
        let plan = Plan::new(Layer::ALL.to_vec(), mode, self.entities.clone());
        let report = execute(self.lakehouse.lake(), Some(&client), &plan, &Quiet).await.unwrap();
        let failed: Vec<_> = report.failed().map(|step| format!("{}: {:?}", step.table, step.outcome)).collect();
        assert!(failed.is_empty(), "{failed:#?}");
        report.started.date_naive().to_string()
    }

    /// What the reader says of each question.
    async fn answers(&self, day: String) -> BTreeMap<String, Value> {
        let folder = self.lakehouse.path().to_str().unwrap().to_owned();
        let script = move || Python::with_readers()?.run("money.py", &[&folder, &day]);
        let printed = tokio::task::spawn_blocking(script).await.unwrap().unwrap();
        serde_json::from_str(&printed).unwrap()
    }
}

fn assert_agreed(answers: &BTreeMap<String, Value>, when: &str) {
    assert!(answers.len() > 8, "{answers:?}");
    for (question, answer) in answers {
        println!("{when}: {question}: {} groups, {}", answer["rows"], answer["total"]);
        assert!(answer["rows"].as_u64().unwrap() > 0, "{when}: nothing answers {question}");
        assert_eq!(answer["differing"], json!([]), "{when}: {question}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_reader_of_bronze_works_the_same_money_out() {
    let tenant = Tenant::start().await;
    let day = tenant.run(Mode::Full).await;
    let first = tenant.answers(day).await;
    assert_agreed(&first, "at first");
    let mut last = first.clone();
    for days in ROUNDS {
        post(&tenant.simulator, "advance", json!({ "days": days })).await;
        let wanted = reconcile::wanted(tenant.entities.iter().copied());
        let client = client(&tenant.simulator).unwrap();
        let request = reconcile::ReconcileOptions { max_share: 100.0, ..reconcile::ReconcileOptions::new(false) };
        let report = reconcile::run(tenant.lakehouse.lake(), &client, &wanted, &request).await;
        assert_eq!(report.refused().count(), 0);
        let day = tenant.run(Mode::Incremental).await;
        last = tenant.answers(day).await;
        assert_agreed(&last, &format!("after {days} days more"));
    }
    let revenue = |answers: &BTreeMap<String, Value>| answers["revenue by company and month"]["total"].clone();
    assert_ne!(revenue(&first), revenue(&last), "nothing was invoiced");
}
