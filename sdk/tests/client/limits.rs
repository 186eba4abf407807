//! How many requests are under way, and how often they are started.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, extract::State};
use connectwise_sdk::Client;
use futures::future::join_all;
use tokio::{net::TcpListener, sync::watch};

use crate::server::{Reply, Server, config};

struct Counter {
    under_way: AtomicUsize,
    most: watch::Sender<usize>,
    /// Nobody is answered before so many were under way. Later the client may take fewer, as slow as these answers were.
    expected: usize,
}

async fn count(State(counter): State<Arc<Counter>>) -> &'static str {
    let now = counter.under_way.fetch_add(1, Ordering::SeqCst) + 1;
    counter.most.send_modify(|most| *most = now.max(*most));
    counter.most.subscribe().wait_for(|most| *most >= counter.expected).await.unwrap();
    counter.under_way.fetch_sub(1, Ordering::SeqCst);
    "{}"
}

#[tokio::test]
async fn no_more_than_so_many_requests_are_under_way_at_once() {
    for (concurrency, expected) in [(None, 4), (Some(2), 2), (Some(0), 1)] {
        let counter = Arc::new(Counter { under_way: AtomicUsize::new(0), most: watch::Sender::new(0), expected });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(count).with_state(counter.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let mut settings = config(base_url);
        if let Some(concurrency) = concurrency {
            settings = settings.with_concurrency(concurrency);
        }
        let client = Client::new(settings).unwrap();
        // Clones share the limit.
        let clients: Vec<Client> = (0..12).map(|_| client.clone().with_own_stats()).collect();
        for answer in join_all(clients.iter().map(|client| client.get_raw("/x"))).await {
            answer.unwrap();
        }
        assert_eq!(*counter.most.borrow(), expected);
    }
}

#[tokio::test]
async fn requests_are_started_at_the_rate() {
    let server = Server::with(vec![Reply::json("{}"); 5], |config| config.with_rate(Some(2.0))).await;
    for _ in 0..5 {
        server.client.clone().get_raw("/x").await.unwrap();
    }
    // Two in a second that is 50 ms longer.
    assert_eq!(server.clock.pauses(), [525; 4]);
    server.finish();
}

#[tokio::test]
async fn there_is_no_rate_on_this_machine_unless_it_is_asked_for() {
    let server = Server::start(vec![Reply::json("{}"); 40]).await;
    for _ in 0..40 {
        server.client.get_raw("/x").await.unwrap();
    }
    assert!(server.clock.pauses().is_empty());
    server.finish();
}

#[tokio::test]
async fn a_429_slows_every_clone_down() {
    let replies = [Reply::status(429, "").header("retry-after", "30"), Reply::json("{}"), Reply::json("{}")];
    let server = Server::with(replies, |config| config.with_rate(Some(2.0))).await;
    server.client.get_raw("/x").await.unwrap();
    server.client.clone().get_raw("/y").await.unwrap();
    // Two in 1.05 s. After the pause half the rate, so 1.05 s for one request. So much of the recovery's 60 s later the rate is
    // 2 / 1.05 * (1/2 + 1.05/120) = 1.0175 / 1.05; in that time 1.0175 requests were earned, and 0.9825 are missing: 1.0139 s.
    assert_eq!(server.clock.pauses(), [30_000, 1_050, 1_013]);
    server.finish();
}
