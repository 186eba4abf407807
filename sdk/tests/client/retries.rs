//! Each failure ends in success after the fewest requests, or in the right error.

use std::time::Duration;

use connectwise_sdk::{Client, Config, ErrorKind, Method, RetryPolicy};

use crate::server::{Reply, Server, config};

const LIMITED: &str = r#"{"error":"ConnectWiseAPI","message":"Too many requests. Please try again in 30 seconds."}"#;
const BACK_OFF: [u128; 7] = [150, 300, 600, 1_200, 2_400, 4_800, 9_600];

/// Pauses after a 429 without a Retry-After, in milliseconds.
const LIMITED_BACK_OFF: [u128; 7] = [2_400, 4_800, 9_600, 15_000, 15_000, 15_000, 15_000];

#[tokio::test]
async fn passing_failures_are_waited_out() {
    let html = "<html><head><title>Bad Gateway</title></head></html>";
    let table = [
        (vec![Reply::status(429, LIMITED).header("retry-after", "30")], vec![30_000]),
        (vec![Reply::status(429, LIMITED).header("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")], vec![10_000]),
        // Only the text names a time.
        (vec![Reply::status(429, LIMITED)], vec![30_000]),
        (vec![Reply::status(429, "Slow down.")], vec![2_400]),
        (vec![Reply::status(429, LIMITED).header("retry-after", "0")], vec![30_000]),
        (vec![Reply::status(429, "{}").header("retry-after", "0"); 3], vec![150, 300, 600]),
        (vec![Reply::status(503, html).header("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"); 3], vec![150, 300, 600]),
        (vec![Reply::status(408, html), Reply::status(522, html)], vec![150, 300]),
        (vec![Reply::status(503, html).header("retry-after", "2")], vec![2_000]),
        (vec![Reply::status(500, "{\"message\":\"A timeout has occured. Please try again.\"}")], vec![150]),
        (vec![Reply::status(502, html), Reply::status(503, html), Reply::status(504, html)], vec![150, 300, 600]),
        (vec![Reply::json("[{\"id\":1},").cut()], vec![150]),
        (vec![Reply::json("[{\"id\":1},").cut(), Reply::status(500, "")], vec![150, 300]),
    ];
    for (failures, pauses) in table {
        let server = Server::start(failures.into_iter().chain([Reply::json("[{\"id\":1}]")])).await;
        assert_eq!(server.client.get_raw("/time/entries").await.unwrap(), "[{\"id\":1}]");
        let requests = server.finish().len() as u64;
        assert_eq!(server.clock.pauses(), pauses);
        let stats = server.client.stats();
        assert_eq!((stats.requests, stats.retries), (requests, requests - 1));
    }
}

#[tokio::test]
async fn lasting_failures_are_reported_after_eight_attempts() {
    let html = "<html><head><title>504 Gateway Time-out</title></head><body>x</body></html>";
    let table = [
        (
            Reply::status(
                500,
                r#"{"code":"ConnectWiseApi","message":"String was not recognized as a valid Boolean."}"#,
            ),
            ErrorKind::Status,
            "the server failed on GET /time/entries after 8 attempts (500 Internal Server Error: ConnectWiseApi: String was not recognized as a valid Boolean): try again later, or with a smaller page size if it is always the same page",
        ),
        (
            Reply::status(504, html).header("content-type", "text/html"),
            ErrorKind::Status,
            "the server failed on GET /time/entries after 8 attempts (504 Gateway Timeout: 504 Gateway Time-out): try again later, or with a smaller page size if it is always the same page",
        ),
        (
            Reply::status(429, "{\"message\":\"Too many requests.\"}"),
            ErrorKind::RateLimited,
            "the server limits the rate of GET /time/entries after 8 attempts (429 Too Many Requests: Too many requests): wait, or send fewer requests at once",
        ),
        (
            Reply::json("[{\"id\":1},").cut(),
            ErrorKind::Interrupted,
            "the answer to GET /time/entries broke off after 8 attempts: try again later, or with a smaller page size",
        ),
    ];
    for (failure, kind, expected) in table {
        let server = Server::start(vec![failure; 8]).await;
        let error = server.client.get_raw("/time/entries").await.unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (kind, expected));
        assert!(error.is_retryable());
        assert_eq!(error.request().unwrap().attempt, 8);
        assert_eq!(server.finish().len(), 8);
        let is_limited = kind == ErrorKind::RateLimited;
        assert_eq!(server.clock.pauses(), if is_limited { LIMITED_BACK_OFF } else { BACK_OFF });
    }
}

#[tokio::test]
async fn a_wish_for_hours_of_silence_is_an_error_at_once() {
    let limited = |wait| Reply::status(429, LIMITED).header("retry-after", wait);
    let table = [
        (
            limited("10800"),
            10_800,
            "the server turns GET /time/entries away (429 Too Many Requests: ConnectWiseAPI: Too many requests. Please try again in 30 seconds) and asks to be left alone for 3 hours, longer than the 5 minutes that a request waits: run again after that",
        ),
        (
            Reply::status(429, "Try again in 10 minutes"),
            600,
            "the server turns GET /time/entries away (429 Too Many Requests: Try again in 10 minutes) and asks to be left alone for 10 minutes, longer than the 5 minutes that a request waits: run again after that",
        ),
        (
            Reply::status(503, "Maintenance").header("retry-after", "301"),
            301,
            "the server turns GET /time/entries away (503 Service Unavailable: Maintenance) and asks to be left alone for 6 minutes, longer than the 5 minutes that a request waits: run again after that",
        ),
    ];
    for (reply, seconds, sentence) in table {
        let server = Server::start([reply]).await;
        let error = server.client.get_raw("/time/entries").await.unwrap_err();
        assert_eq!(error.to_string(), sentence);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(seconds)));
        server.finish();
    }
}

/// Eight attempts last as long as the server asked for, eight times.
#[tokio::test]
async fn a_wait_that_only_the_text_names_is_over_before_the_attempts_are() {
    let server = Server::start(vec![Reply::status(429, LIMITED); 8]).await;
    let error = server.client.get_raw("/time/entries").await.unwrap_err();
    assert!(error.is_rate_limited());
    assert_eq!(server.clock.pauses(), [30_000; 7]);
    server.finish();
}

#[tokio::test]
async fn a_write_that_left_the_machine_is_not_repeated() {
    let limited = Reply::status(429, LIMITED).header("retry-after", "1");
    for method in [Method::Post, Method::Put, Method::Patch, Method::Delete] {
        let patient = RetryPolicy { repeat_limited_writes: true, ..RetryPolicy::default() };
        let replies = [limited.clone(), Reply::json("{}")];
        let server = Server::with(replies, |config| config.with_retry(patient)).await;
        server.client.request(method, "/x").send().await.unwrap();
        assert_eq!(server.finish().len(), 2, "{method}");

        for failure in [
            limited.clone(),
            Reply::status(500, ""),
            Reply::status(502, ""),
            Reply::status(503, "").header("retry-after", "1"),
            Reply::status(504, ""),
            Reply::status(408, ""),
            Reply::json("{").cut(),
        ] {
            let server = Server::start([failure]).await;
            server.client.request(method, "/x").send().await.unwrap_err();
            assert_eq!(server.finish().len(), 1, "{method}");
        }
    }
}

/// Counted by the client: on a busy machine it may hang up before the server has read the request.
#[tokio::test]
async fn silence_is_a_time_out() {
    let table = [
        (Method::Get, 8, " after 8 attempts: try again later, or with a smaller page size"),
        (Method::Post, 1, "; it may have been carried out: look before sending it again"),
    ];
    for (method, attempts, words) in table {
        let impatient = |config: Config| config.with_read_timeout(Duration::from_millis(20));
        let server = Server::with(vec![Reply::silent(); 8], impatient).await;
        let error = server.client.request(method, "/x").send().await.unwrap_err();
        assert!(error.is_timeout());
        assert_eq!(error.to_string(), format!("no answer to {method} /x in time{words}"));
        assert_eq!(server.client.stats().requests, attempts);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_asked_again() {
    // The port is free again as soon as the listener is gone.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for method in [Method::Get, Method::Post] {
        let clock = std::sync::Arc::new(crate::server::TestClock::default());
        let client = Client::with_clock(config(format!("http://127.0.0.1:{port}")), clock.clone()).unwrap();
        let error = client.request(method, "/x").send().await.unwrap_err();
        assert!(error.is_connect());
        assert_eq!(
            error.to_string(),
            format!(
                "no connection to 127.0.0.1:{port} for {method} /x after 4 attempts: check CW_BASE_URL, the network and the server's certificate"
            )
        );
        assert_eq!(client.stats().requests, 4, "nobody waits half a minute for a wrong address");
        assert_eq!(clock.pauses(), BACK_OFF[..3]);
    }
}

#[tokio::test]
async fn a_server_that_was_there_is_waited_for() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answered = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (mut connection, _) = listener.accept().await.unwrap();
        assert!(connection.read(&mut [0; 4096]).await.unwrap() > 0);
        let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
        connection.write_all(answer).await.unwrap();
    });
    let clock = std::sync::Arc::new(crate::server::TestClock::default());
    let client = Client::with_clock(config(format!("http://127.0.0.1:{port}")), clock.clone()).unwrap();
    client.get_raw("/x").await.unwrap();
    answered.await.unwrap();
    assert!(client.get_raw("/x").await.unwrap_err().is_connect());
    assert_eq!(clock.pauses(), BACK_OFF);
}

#[tokio::test]
async fn one_attempt_is_a_policy_too() {
    let server = Server::with([Reply::status(500, "")], |config| config.with_retry(RetryPolicy::never())).await;
    server.client.get_raw("/x").await.unwrap_err();
    server.finish();
}

#[tokio::test]
async fn counters_can_be_kept_apart() {
    let server = Server::start([Reply::status(500, ""), Reply::json("[12]"), Reply::json("{}")]).await;
    let own = server.client.with_own_stats();
    own.get_raw("/x").await.unwrap();
    server.client.clone().get_raw("/y").await.unwrap();
    let counts = |client: &Client| (client.stats().requests, client.stats().retries, client.stats().bytes);
    assert_eq!(counts(&own), (2, 1, 4));
    assert_eq!(counts(&server.client), (1, 0, 2));
    server.finish();
}
