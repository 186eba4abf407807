//! Telling a simulated tenant what to do, and asking it what happened.

#![allow(dead_code, reason = "each test needs a part of it")]

use connectwise_sim::Simulator;
use serde_json::Value;

/// Posts to one of the simulator's own routes, and gives its answer.
pub(crate) async fn post(simulator: &Simulator, route: &str, body: Value) -> Value {
    let url = format!("{}/_sim/{route}", simulator.url());
    let answer = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{route}: {}", answer.text().await.unwrap());
    answer.json().await.unwrap()
}

/// The answer of one of the simulator's own routes.
pub(crate) async fn ask(simulator: &Simulator, route: &str) -> Value {
    reqwest::get(format!("{}/_sim/{route}", simulator.url())).await.unwrap().json().await.unwrap()
}

/// Lets the simulator forget its faults, or the requests that it had.
pub(crate) async fn forget(simulator: &Simulator, what: &str) {
    let url = format!("{}/_sim/{what}", simulator.url());
    assert!(reqwest::Client::new().delete(url).send().await.unwrap().status().is_success());
}
