//! Telling a simulated tenant what to do.

use connectwise_sim::Simulator;
use serde_json::Value;

/// Posts to one of the simulator's own routes, and gives its answer.
pub(crate) async fn post(simulator: &Simulator, route: &str, body: Value) -> Value {
    let url = format!("{}/_sim/{route}", simulator.url());
    let answer = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{route}: {}", answer.text().await.unwrap());
    answer.json().await.unwrap()
}
