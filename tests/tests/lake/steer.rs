//! Telling a simulated tenant what to do, and asking it what happened.

use std::sync::LazyLock;

use connectwise_sim::Simulator;
use reqwest::Client;
use serde_json::Value;

/// Knows no authorities, since reading those of the system costs more than a request, and keeps no connection, as tests ask from
/// several runtimes.
static HTTP: LazyLock<Client> =
    LazyLock::new(|| Client::builder().tls_certs_only([]).pool_max_idle_per_host(0).build().unwrap());

/// Posts to one of the simulator's own routes, and gives its answer.
pub(crate) async fn post(simulator: &Simulator, route: &str, body: Value) -> Value {
    let url = format!("{}/_sim/{route}", simulator.url());
    let answer = answered(HTTP.post(url).json(&body)).await;
    assert!(answer.status().is_success(), "{route}: {}", answer.text().await.unwrap());
    answer.json().await.unwrap()
}

/// The answer of one of the simulator's own routes.
pub(crate) async fn ask(simulator: &Simulator, route: &str) -> Value {
    let url = format!("{}/_sim/{route}", simulator.url());
    answered(HTTP.get(url)).await.json().await.unwrap()
}

/// Lets the simulator forget its faults, or the requests that it had.
pub(crate) async fn forget(simulator: &Simulator, what: &str) {
    let url = format!("{}/_sim/{what}", simulator.url());
    assert!(answered(HTTP.delete(url)).await.status().is_success());
}

/// The answer to a request, whose connection a fault may refuse: who is refused wasn't heard, so it can be asked again.
pub(crate) async fn answered(request: reqwest::RequestBuilder) -> reqwest::Response {
    for _ in 0..1_000 {
        if let Ok(answer) = request.try_clone().unwrap().send().await {
            return answer;
        }
    }
    panic!("the simulator refuses every connection")
}
