//! Refusals in each shape that the API and what stands before it write, and answers that are no answers.

use std::time::Duration;

use connectwise_sdk::{Error, ErrorKind};
use futures::StreamExt as _;

use crate::server::{Reply, Server};

/// The shapes of error bodies: the usual one, the one of the rate limiter, a bare message, a web page, and nothing.
const SHAPES: [(&str, &str); 5] = [
    (
        r#"{"code":"C","message":"M.","errors":[{"code":"E","message":"F.","resource":"r","field":"f"}]}"#,
        "C: M (r/f: F)",
    ),
    (r#"{"error":"C","message":"M."}"#, "C: M"),
    (r#"{"message":"M."}"#, "M"),
    ("<html><head><title>T</title></head><body>B</body></html>", "T"),
    ("", "the answer says nothing more"),
];

async fn first_error(server: &Server) -> Error {
    let mut pages: Vec<_> = server.client.list("/time/entries").pages().collect().await;
    assert_eq!(pages.len(), 1);
    pages.remove(0).unwrap_err()
}

#[tokio::test]
async fn a_refusal_is_told_from_another_in_every_shape_and_never_repeated() {
    type Question = fn(&Error) -> bool;
    let table: [(u16, Question, &str); 6] = [
        (400, |error| error.status() == Some(400), "(400 Bad Request: "),
        (401, Error::is_unauthorized, "(401 Unauthorized: "),
        (403, Error::is_forbidden, "(403 Forbidden: "),
        (404, Error::is_not_found, "(404 Not Found: "),
        (409, |error| error.status() == Some(409), "(409 Conflict: "),
        (415, |error| error.status() == Some(415), "(415 Unsupported Media Type: "),
    ];
    for (status, question, words) in table {
        for (body, detail) in SHAPES {
            let server = Server::start([Reply::status(status, body)]).await;
            let error = first_error(&server).await;
            assert!(question(&error) && error.kind() == ErrorKind::Status && !error.is_retryable(), "{status} {body}");
            assert!(error.to_string().contains(&format!("{words}{detail})")), "{error}");
            assert_eq!(server.finish().len(), 1);
        }
    }
}

#[tokio::test]
async fn trouble_is_waited_out_in_every_shape() {
    for status in [429, 500, 502, 503, 504] {
        for (body, _) in SHAPES {
            let server = Server::start([Reply::status(status, body), Reply::page(&[1], Some(""))]).await;
            let pages: Vec<_> = server.client.list("/time/entries").pages().collect().await;
            assert!(pages.len() == 1 && pages[0].as_ref().unwrap().is_last(), "{status} {body}");
            assert_eq!(server.finish().len(), 2);
            // A 429 without a Retry-After pauses for longer than a fault.
            assert_eq!(server.clock.pauses(), [if status == 429 { 2_400 } else { 150 }]);
        }
    }
}

#[tokio::test]
async fn a_page_that_is_busy_is_not_asked_for_in_pieces() {
    for status in [429, 503] {
        let busy = Reply::status(status, "").header("retry-after", "1");
        let server = Server::start(vec![busy; 8]).await;
        let error = first_error(&server).await;
        assert_eq!(error.request().unwrap().attempt, 8);
        assert!(server.targets().iter().all(|target| target.ends_with("pageSize=2")));
    }
}

/// Counted by the client, as it hangs up.
#[tokio::test]
async fn a_body_that_stops_is_a_time_out_and_the_next_attempt_may_do_better() {
    let server = Server::with([Reply::json("[{\"id\":1},").stuck(), Reply::page(&[1], Some(""))], |config| {
        config.with_read_timeout(Duration::from_millis(50))
    })
    .await;
    let pages: Vec<_> = server.client.list("/time/entries").pages().collect().await;
    assert!(pages.len() == 1 && pages[0].as_ref().unwrap().is_last());
    assert_eq!(server.client.stats().requests, 2);

    let server =
        Server::with(vec![Reply::json("{").stuck(); 8], |config| config.with_read_timeout(Duration::from_millis(20)))
            .await;
    let error = server.client.get_raw("/x").await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(server.client.stats().requests, 8);
}

#[tokio::test]
async fn an_answer_of_another_kind_is_not_repeated() {
    let html = "<html><head><title>ConnectWise PSA</title></head></html>";
    let table = [
        (
            Reply::status(200, html).header("content-type", "text/html; charset=utf-8"),
            "is not JSON but an HTML page (ConnectWise PSA):",
        ),
        (
            Reply::status(200, "id;name\n1;x").header("content-type", "text/csv"),
            "is not JSON but text/csv (id;name 1;x):",
        ),
        (Reply::status(200, ""), "is empty:"),
        (Reply::json("{\"id\":1}{"), "stops being JSON at byte 8 (line 1)"),
    ];
    for (reply, words) in table {
        let server = Server::start([reply]).await;
        let error = first_error(&server).await;
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(server.finish().len(), 1);
    }
}
