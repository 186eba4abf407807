//! What an answer is taken for, and what a person is told.

use std::error::Error as _;

use connectwise_sdk::{ErrorKind, RetryPolicy};
use futures::StreamExt as _;

use crate::server::{Reply, Server};

async fn failure(reply: Reply) -> connectwise_sdk::Error {
    let server = Server::start([reply]).await;
    let error = server.client.get_raw("/time/entries").await.unwrap_err();
    server.finish();
    error
}

#[tokio::test]
async fn every_status_says_what_to_do() {
    let table = [
        (
            Reply::status(
                400,
                r#"{"code":"ApiFindCondition","message":"resources/identifier is not a recognized name."}"#,
            ),
            "the server does not take the conditions of GET /time/entries (400 Bad Request: ApiFindCondition: resources/identifier is not a recognized name): check names and values, text stands in quotes and a date in brackets",
        ),
        (
            Reply::status(400, r#"{"code":"InvalidObject","message":"entry object is invalid","errors":[]}"#),
            "the server rejected GET /time/entries (400 Bad Request: InvalidObject: entry object is invalid): correct the request",
        ),
        (
            Reply::status(401, r#"{"code":"Unauthorized","message":"Unauthorized","errors":null}"#),
            "the server refused the credentials for GET /time/entries (401 Unauthorized: Unauthorized: Unauthorized): check CW_AUTH_USERNAME, CW_AUTH_PASSWORD and CW_CLIENTID",
        ),
        (
            Reply::status(401, r#"{"message":"UserNotAuthenticated"}"#),
            "the server refused the credentials for GET /time/entries (401 Unauthorized: UserNotAuthenticated): check CW_AUTH_USERNAME, CW_AUTH_PASSWORD and CW_CLIENTID",
        ),
        (
            Reply::status(403, r#"{"code":"Forbidden","message":"You do not have permission."}"#),
            "the server forbids GET /time/entries (403 Forbidden: Forbidden: You do not have permission): check the security role of the API member and CW_CLIENTID, and that the route exists",
        ),
        (
            Reply::status(404, r#"{"code":"NotFound","message":"Ticket 7 not found"}"#),
            "the server does not know GET /time/entries (404 Not Found: NotFound: Ticket 7 not found): check the path and the id, and whether CW_BASE_URL and the credentials fit this server",
        ),
        (
            Reply::status(404, "<html><head><title>404 - File or directory not found.</title></head></html>"),
            "the server does not know GET /time/entries (404 Not Found: 404 - File or directory not found): check the path and the id, and whether CW_BASE_URL and the credentials fit this server",
        ),
        (
            Reply::status(
                409,
                r#"{"code":"InvalidObject","message":"company object is invalid","errors":[{"code":"ObjectExists","message":"The identifier is taken.","resource":"company","field":"identifier"}]}"#,
            ),
            "the server reports a conflict for GET /time/entries (409 Conflict: InvalidObject: company object is invalid (company/identifier: The identifier is taken)): read the record again before you repeat the change",
        ),
        (
            Reply::status(302, "").header("location", "https://evil.example/"),
            "the server redirects GET /time/entries instead of answering (302 Found: the answer says nothing more): check the host in CW_BASE_URL, redirects are not followed",
        ),
        (
            Reply::status(501, ""),
            "the server failed on GET /time/entries (501 Not Implemented: the answer says nothing more): try again later, or with a smaller page size if it is always the same page",
        ),
    ];
    for (reply, expected) in table {
        assert_eq!(failure(reply).await.to_string(), expected);
    }
}

#[tokio::test]
async fn errors_answer_questions() {
    let reply = |status| Reply::status(status, r#"{"code":"C","message":"M"}"#).header("x-cw-request-id", "abc-1");
    let error = failure(reply(404)).await;
    assert!(error.is_not_found() && !error.is_unauthorized() && !error.is_forbidden() && !error.is_retryable());
    assert_eq!((error.kind(), error.status()), (ErrorKind::Status, Some(404)));
    let api = error.api().unwrap();
    assert_eq!((api.code.as_deref(), api.message.as_deref()), (Some("C"), Some("M")));
    let request = error.request().unwrap();
    assert_eq!((request.path.as_str(), request.attempt), ("/time/entries", 1));
    assert_eq!(request.request_id.as_deref(), Some("abc-1"));
    assert!(failure(reply(401)).await.is_unauthorized());
    assert!(failure(reply(403)).await.is_forbidden());
}

#[tokio::test]
async fn an_echo_of_the_credentials_is_not_repeated() {
    let echo = "Authorization: Basic YWNtZStwdWI6Z2VoZWlt clientId: 11111111-2222-3333-4444-555555555555 key geheim";
    for body in [echo.to_owned(), format!("{{\"message\":\"{echo}\"}}"), format!("<title>{echo}</title>")] {
        let error = failure(Reply::status(400, &body)).await;
        let shown = format!("{error} {error:?} {error:#?} {:?}", error.source());
        for secret in ["YWNtZ", "geheim", "11111111", "pub"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
}

/// Programs whose `main` gives the error back show it in this form.
#[tokio::test]
async fn debug_is_the_sentence_and_its_causes() {
    let error = failure(Reply::status(404, "{}")).await;
    assert_eq!(format!("{error:?}"), error.to_string());
    assert!(format!("{error:#?}").contains("kind: Status"), "{error:#?}");
    let server = Server::with([Reply::json("[1,").cut()], |config| config.with_retry(RetryPolicy::never())).await;
    let error = server.client.get_raw("/time/entries").await.unwrap_err();
    let shown = format!("{error:?}");
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0], error.to_string());
    assert!(lines.len() > 1 && lines[1..].iter().all(|line| line.starts_with("  caused by: ")), "{shown}");
    assert_eq!(lines[1], format!("  caused by: {}", error.source().unwrap()));
}

#[tokio::test]
async fn a_list_that_is_no_list_is_an_error() {
    let table = [
        (
            Reply::status(200, "<html><head><title>ConnectWise PSA</title></head></html>")
                .header("content-type", "text/html"),
            "the answer to GET /x is not JSON but text/html (ConnectWise PSA): check that CW_BASE_URL names the API host and not the web client or a proxy",
        ),
        (
            Reply::status(200, ""),
            "the answer to GET /x is not JSON but no content type: check that CW_BASE_URL names the API host and not the web client or a proxy",
        ),
        (
            Reply::json("{\"id\":1}"),
            "the answer to GET /x is not a JSON array of records: it isn't a list, so read it with a plain get",
        ),
        (
            Reply::json("null"),
            "the answer to GET /x is not a JSON array of records: it isn't a list, so read it with a plain get",
        ),
    ];
    for (reply, expected) in table {
        let server = Server::start([reply]).await;
        let pages: Vec<_> = server.client.list("/x").pages().collect().await;
        assert_eq!(pages.len(), 1);
        let error = pages[0].as_ref().unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Decode, expected));
        server.finish();
    }
}

#[tokio::test]
async fn a_count_of_another_shape_is_an_error() {
    let server = Server::start([Reply::json("{\"count\":\"many\"}")]).await;
    let error = server.client.count("/x", None).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the answer to GET /x/count can't be read at count (expected u64): check that the API version fits the server"
    );
    server.finish();
}
