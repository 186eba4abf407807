//! A reconcile beside a load: whoever comes second starts over, and the table ends as the server has it.

use std::fmt;
use std::sync::{Arc, Mutex};

use connectwise_extract::catalog;
use connectwise_lakehouse::Layer;
use connectwise_pipeline::reconcile::{self, EntityReport, ReconcileOptions};
use connectwise_pipeline::run::{Mode, Plan, Quiet, execute};
use connectwise_sdk::{Attempt, AttemptResult, Client, Observer};
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, client, config};
use serde_json::json;

use crate::steer::post;
use crate::truth::assert_truth;

/// Rounds of a load and a reconcile at once.
const ROUNDS: u32 = 8;

const PATH: &str = "/time/entries";

async fn load(simulator: &Simulator, lakehouse: &Lakehouse, mode: Mode) {
    let plan = Plan::new(vec![Layer::Bronze], mode, vec![catalog::entity("TimeEntry").unwrap()]);
    let report = execute(lakehouse.lake(), Some(&client(simulator).unwrap()), &plan, &Quiet).await.unwrap();
    assert_eq!(report.outcome(), "done", "{:?}", report.steps);
}

async fn reconcile(client: &Client, lakehouse: &Lakehouse) -> EntityReport {
    let entities = [catalog::entity("TimeEntry").unwrap()];
    let report = reconcile::run(lakehouse.lake(), client, &entities, &ReconcileOptions::new(false)).await;
    report.entities.into_iter().next().unwrap()
}

async fn assert_same(simulator: &Simulator, lakehouse: &Lakehouse, when: &str) {
    assert_truth(simulator, lakehouse, catalog::entity("TimeEntry"), when).await;
}

async fn loaded() -> (Arc<Simulator>, Arc<Lakehouse>) {
    let simulator = Simulator::builder().seed(31).scale(600).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    load(&simulator, &lakehouse, Mode::Full).await;
    (Arc::new(simulator), Arc::new(lakehouse))
}

/// Does something once, when a reconcile has been given the records that it reads again and hasn't written them yet.
struct Meanwhile {
    counted: Mutex<u32>,
    work: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meanwhile")
    }
}

impl Observer for Meanwhile {
    fn finished(&self, attempt: &Attempt<'_>, _: &AttemptResult<'_>) {
        let mut counted = self.counted.lock().unwrap();
        // The list is counted before and after the sweep. The next list answer is that of records.
        *counted += u32::from(attempt.path.ends_with("/count"));
        if *counted < 2 || attempt.path != PATH {
            return;
        }
        if let Some(work) = self.work.lock().unwrap().take() {
            tokio::task::block_in_place(work);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_does_not_take_the_place_of_a_newer_one() {
    let (simulator, lakehouse) = loaded().await;
    post(&simulator, "advance", json!({ "TimeEntry": { "insert": 5 } })).await;
    let work = {
        let (simulator, lakehouse) = (simulator.clone(), lakehouse.clone());
        move || {
            tokio::runtime::Handle::current().block_on(async {
                // The new records change, and a load brings in what they are now.
                post(&simulator, "advance", json!({ "TimeEntry": { "edit": 10_000 } })).await;
                load(&simulator, &lakehouse, Mode::Incremental).await;
            });
        }
    };
    let meanwhile = Arc::new(Meanwhile { counted: Mutex::new(0), work: Mutex::new(Some(Box::new(work))) });
    let observed = Client::new(config(&simulator).unwrap().with_observer(meanwhile.clone())).unwrap();
    let report = reconcile(&observed, &lakehouse).await;
    assert!(meanwhile.work.lock().unwrap().is_none(), "nothing was read again");
    assert_eq!((report.refused, report.deleted.len(), report.reread), (None, 0, 0));
    assert_same(&simulator, &lakehouse, "after both").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconcile_and_a_load_at_once_end_where_one_after_the_other_ends() {
    let (simulator, lakehouse) = loaded().await;
    for round in 0..ROUNDS {
        post(&simulator, "advance", json!({ "TimeEntry": { "insert": 6, "edit": 4, "delete": 2 } })).await;
        let client = client(&simulator).unwrap();
        let ((), report) =
            futures::join!(load(&simulator, &lakehouse, Mode::Incremental), reconcile(&client, &lakehouse));
        assert_eq!((report.refused, report.deleted.len()), (None, 2), "round {round}");
        assert_same(&simulator, &lakehouse, &format!("round {round}")).await;
    }
}
