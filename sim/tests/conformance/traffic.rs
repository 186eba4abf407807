//! How long answers are on their way, and how many requests at once.

use std::time::Duration;

use connectwise_sim::Simulator;
use serde_json::json;

use crate::client::Client;

#[tokio::test(flavor = "multi_thread")]
async fn requests_whose_answers_are_on_their_way_are_counted() {
    let far = Duration::from_secs(3_600);
    let simulator = Simulator::builder().scale(50).latency(far, Duration::ZERO).start().await.unwrap();
    let client = Client::around(simulator);
    let asked: Vec<_> =
        (0..3).map(|_| tokio::spawn(client.request("/time/entries", &[("pageSize", "1")]).send())).collect();
    // The simulator's own routes answer at once.
    while client.own("/requests").await.json()["mostUnderWay"] != 3 {
        tokio::task::yield_now().await;
    }
    asked.iter().for_each(tokio::task::JoinHandle::abort);
    let none = "connectwise_sim_requests_under_way 0\n";
    while !client.own("/metrics").await.text.contains(none) {
        tokio::task::yield_now().await;
    }
    assert_eq!(client.post("/latency", r#"{"row":"0.5ms"}"#).await.json(), json!({ "request": "0ms", "row": "0.5ms" }));
    assert_eq!(client.get("/time/entries", &[("pageSize", "2")]).await.ids().len(), 2);
    let told = client.own("/requests").await.json();
    assert!(told["mostInASecond"].as_u64() >= Some(1) && told["mostUnderWay"] == 3, "{told}");
    client.own_delete("/requests").await;
    let told = client.own("/requests").await.json();
    assert_eq!((&told["mostUnderWay"], &told["mostInASecond"], &told["total"]), (&json!(0), &json!(0), &json!(0)));
    for wrong in [r#"{"request":"400"}"#, r#"{"request":400}"#, "latency"] {
        let answer = client.post("/latency", wrong).await;
        assert!(answer.status == 400 && answer.text.contains("no such latency"), "{}", answer.text);
    }
}
