//! What the ETL asks the API, as the API sees it.

use std::fmt::Write as _;

use connectwise_extract::catalog;
use connectwise_extract::read::Window;
use connectwise_lakehouse::Layer;
use connectwise_pipeline::run::{Mode, Plan, Quiet, execute};
use connectwise_sdk::Client;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, config};

use crate::steer::{ask, forget};

/// The requests of one run, and forgets them.
async fn asked(simulator: &Simulator) -> String {
    let asked = ask(simulator, "requests").await;
    forget(simulator, "requests").await;
    let mut text = String::new();
    for request in asked["recent"].as_array().unwrap() {
        writeln!(text, "{request}").unwrap();
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_and_an_incremental_load_of_two_entities() {
    let simulator = Simulator::builder().seed(1).scale(200).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let plan = |mode| Plan {
        page_size: 150,
        ..Plan::new(
            vec![Layer::Bronze],
            mode,
            vec![catalog::entity("TimeEntry").unwrap(), catalog::entity("UnpostedInvoice").unwrap()],
        )
    };
    // One after the other, so that their order says something.
    let client = Client::new(config(&simulator).unwrap().with_concurrency(1)).unwrap();
    execute(lakehouse.lake(), Some(&client), &plan(Mode::Full), &Quiet).await.unwrap();
    insta::assert_snapshot!("full", asked(&simulator).await);
    execute(lakehouse.lake(), Some(&client), &plan(Mode::Incremental), &Quiet).await.unwrap();
    insta::assert_snapshot!("incremental", asked(&simulator).await);
    let narrow = Plan { window: Window { lookback_days: Some(7), ..Window::default() }, ..plan(Mode::Incremental) };
    execute(lakehouse.lake(), Some(&client), &narrow, &Quiet).await.unwrap();
    insta::assert_snapshot!("lookback_of_7_days", asked(&simulator).await);
}
