//! Connections: how many are made, what travels on them, and what happens when none can be made in time.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, http::header::CONTENT_ENCODING, serve::Listener};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use connectwise_sdk::{Client, Method, RetryPolicy};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::server::config;

/// Counts the connections that it accepts.
struct Counted(TcpListener, Arc<AtomicUsize>);

impl Listener for Counted {
    type Io = TcpStream;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let accepted = self.0.accept().await.unwrap();
        self.1.fetch_add(1, Ordering::SeqCst);
        accepted
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

#[tokio::test]
async fn requests_one_after_the_other_share_a_connection() {
    let connections = Arc::new(AtomicUsize::new(0));
    let listener = Counted(TcpListener::bind("127.0.0.1:0").await.unwrap(), connections.clone());
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(|| async { "{}" })).await.unwrap() });
    let client = Client::new(config(base_url)).unwrap();
    for _ in 0..5 {
        client.clone().get_raw("/x").await.unwrap();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

/// `printf '[{"id":1}]' | gzip | base64`
const COMPRESSED: &str = "H4sIAAAAAAAAA4uuVspMUbIyrI0FAGSo5WgKAAAA";

#[tokio::test]
async fn answers_may_be_compressed() {
    let answer = || async { ([(CONTENT_ENCODING, "gzip")], STANDARD.decode(COMPRESSED).unwrap()) };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await.unwrap() });
    let client = Client::new(config(base_url)).unwrap();
    assert_eq!(client.get_raw("/x").await.unwrap(), r#"[{"id":1}]"#);
    assert_eq!(client.stats().bytes, 10, "what is counted is what the compressed body holds");
}

/// A server that is so busy that it takes no connection: what waits for one has not left the machine.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_that_is_not_made_in_time_is_an_error_of_its_own() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    // The queue is full as soon as one has to wait.
    let mut waiting = Vec::new();
    loop {
        match tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
            Ok(connection) => waiting.push(connection.unwrap()),
            Err(_) => break,
        }
    }
    let settings = config(format!("http://{address}"))
        .with_connect_timeout(Duration::from_millis(100))
        .with_retry(RetryPolicy::never());
    let client = Client::new(settings).unwrap();
    for method in [Method::Get, Method::Post] {
        let error = client.request(method, "/x").send().await.unwrap_err();
        assert!(error.is_connect() && error.is_retryable(), "{error:?}");
    }
    drop(waiting);
}
