//! A server that writes bytes as they are, so that it can break every rule of HTTP.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use connectwise_sdk::{Client, Clock, Config};
use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What is written to a connection before it is closed.
pub(crate) enum Bytes {
    /// These.
    All(Vec<u8>),
    /// These, and then the others as often as they are taken.
    Endless(Vec<u8>, Vec<u8>),
    /// These, and then one a second by the clock of the client.
    Slow(Vec<u8>),
}

pub(crate) struct Raw {
    pub(crate) client: Client,
    pub(crate) requests: Arc<AtomicUsize>,
}

impl Raw {
    /// A server with this answer to each request, which is its head as text, and a client of it.
    pub(crate) async fn start(
        settings: impl FnOnce(String) -> Config,
        answer: impl Fn(&str) -> Bytes + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        let (answer, clock) = (Arc::new(answer), Arc::new(Ticks::default()));
        let requests = Arc::new(AtomicUsize::new(0));
        let client = Client::with_clock(settings(host), clock.clone()).unwrap();
        let counter = requests.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, clock, counter) = (answer.clone(), clock.clone(), counter.clone());
                tokio::spawn(async move { converse(stream, &*answer, &clock, &counter).await });
            }
        });
        Self { client, requests }
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn converse(
    mut stream: TcpStream,
    answer: &(dyn Fn(&str) -> Bytes + Sync),
    clock: &Ticks,
    counter: &AtomicUsize,
) {
    let mut head = Vec::new();
    let mut piece = [0; 4096];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(length) => head.extend_from_slice(&piece[..length]),
        }
    }
    counter.fetch_add(1, Ordering::SeqCst);
    // It ends when the client has gone.
    match answer(&String::from_utf8_lossy(&head)) {
        Bytes::All(bytes) => {
            stream.write_all(&bytes).await.ok();
        }
        Bytes::Endless(bytes, more) => {
            stream.write_all(&bytes).await.ok();
            while stream.write_all(&more).await.is_ok() {}
        }
        Bytes::Slow(bytes) => {
            stream.write_all(&bytes).await.ok();
            loop {
                clock.0.fetch_add(1, Ordering::SeqCst);
                if stream.write_all(b" ").await.is_err() {
                    return;
                }
                tokio::task::yield_now().await;
            }
        }
    }
    stream.shutdown().await.ok();
}

/// An answer with this head, body and nothing else; the body ends where the connection does.
pub(crate) fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Gzip of which 13 bytes are 2 KB of blanks: its beginning, and what can be repeated behind it.
///
/// A block of fixed codes (RFC 1951, 3.2.6) of one blank and repetitions of it: 285 is the length of 258, and 0 the distance 1.
pub(crate) fn bomb() -> (Vec<u8>, Vec<u8>) {
    let mut bits: Vec<u8> = vec![0, 1, 0];
    bits.extend([0, 1, 0, 1, 0, 0, 0, 0]);
    for _ in 0..64 {
        bits.extend([1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]);
    }
    let bytes: Vec<u8> =
        bits.chunks_exact(8).map(|byte| byte.iter().rev().fold(0, |value, bit| value << 1 | bit)).collect();
    let mut start = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    start.extend_from_slice(&bytes[..13]);
    (start, bytes[13..26].repeat(2_000))
}

/// A clock that the server moves by seconds, and pauses by their length.
#[derive(Debug, Default)]
pub(crate) struct Ticks(AtomicU64);

impl Clock for Ticks {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }

    fn random(&self) -> f64 {
        0.0
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.fetch_add(duration.as_secs() + 1, Ordering::SeqCst);
        Box::pin(std::future::ready(()))
    }
}
