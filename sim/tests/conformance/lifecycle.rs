//! Starting and stopping.

use crate::client::Client;

#[tokio::test]
async fn shutdown_ends_idle_connections_and_frees_the_port() {
    let client = Client::start(10).await;
    // Leaves a connection open for reuse.
    assert_eq!(client.get("/time/entries", &[]).await.status, 200);
    let (url, port) = (client.simulator.base_url(), client.simulator.port());
    client.simulator.shutdown().await;
    assert!(client.http.get(url).send().await.is_err());
    let again = connectwise_sim::Simulator::builder().scale(10).port(port).start().await.unwrap();
    assert_eq!(again.port(), port);
}

#[tokio::test]
async fn two_simulators_know_nothing_of_each_other() {
    let (one, other) = (Client::start(20).await, Client::start(20).await);
    assert_ne!(one.simulator.port(), other.simulator.port());
    one.post("/advance", r#"{"TimeEntry":{"delete":5}}"#).await;
    one.post("/faults", r#"{"status":500}"#).await;
    assert_eq!(other.get("/time/entries/count", &[]).await.json()["count"], 20);
}
