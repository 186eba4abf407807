//! What an answer is taken for, and what a person is told.

use std::error::Error as _;

use connectwise_sdk::{ErrorKind, Method, RetryPolicy};
use futures::StreamExt as _;

use crate::server::{Reply, Server, without_port};

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
            "the answer to GET /x is not JSON but an HTML page (ConnectWise PSA): http://127.0.0.1:PORT/api was asked for the company \"acme\"; check that CW_BASE_URL names the API host, as https://api-na.myconnectwise.net does, and not the web client or a proxy, and that the company before + in CW_AUTH_USERNAME is right",
        ),
        (
            Reply::status(200, ""),
            "the answer to GET /x is empty: http://127.0.0.1:PORT/api was asked for the company \"acme\"; check that CW_BASE_URL names the API host, as https://api-na.myconnectwise.net does, and not the web client or a proxy, and that the company before + in CW_AUTH_USERNAME is right",
        ),
        (
            Reply::json("{\"id\":1}"),
            "the answer to GET /x is JSON but not an array of records: check the path, and read what isn't a list with a plain get",
        ),
        (
            Reply::json("null"),
            "the answer to GET /x is JSON but not an array of records: check the path, and read what isn't a list with a plain get",
        ),
    ];
    for (reply, expected) in table {
        let server = Server::start([reply]).await;
        let pages: Vec<_> = server.client.list("/x").pages().collect().await;
        assert_eq!(pages.len(), 1);
        let error = pages[0].as_ref().unwrap_err();
        assert_eq!((error.kind(), without_port(&error.to_string()).as_str()), (ErrorKind::Decode, expected));
        server.finish();
    }
}

/// What a server, or what stands before it, says in its own words, with the address and the company that it was asked for.
#[tokio::test]
async fn the_servers_own_words_are_shown_and_what_it_was_asked_is_named() {
    let refused = r#"{"code":"Security","message":"SSL is required.","errors":null}"#;
    let table = [
        (Reply::json(refused), "the server answers GET /x with an error in place of data (Security: SSL is required)"),
        (
            Reply::json("{\"message\":\"Basic YWNtZStwdWI6Z2VoZWlt\"}"),
            "the server answers GET /x with an error in place of data (Basic [redacted])",
        ),
        (
            Reply::status(200, "Cannot route. Codebase/company is invalid").header("content-type", "text/plain"),
            "the answer to GET /x is not JSON but text/plain (Cannot route. Codebase/company is invalid)",
        ),
        (
            Reply::status(400, "Cannot route. Codebase/company is invalid"),
            "there is no way to the API for GET /x (400 Bad Request: Cannot route. Codebase/company is invalid)",
        ),
        (
            Reply::status(200, "<?xml version=\"1.0\"?><Error><Message>Access is denied.</Message></Error>"),
            "the answer to GET /x is not JSON but XML (Access is denied.)",
        ),
        (Reply::status(200, "[\0{\0}\0]\0"), "the answer to GET /x is not JSON in UTF-8 but UTF-16"),
    ];
    for (reply, expected) in table {
        let server = Server::start([reply]).await;
        let pages: Vec<_> = server.client.list("/x").pages().collect().await;
        let error = pages[0].as_ref().unwrap_err();
        let expected = format!(
            "{expected}: http://127.0.0.1:PORT/api was asked for the company \"acme\"; check that CW_BASE_URL names the API host, as https://api-na.myconnectwise.net does, and not the web client or a proxy, and that the company before + in CW_AUTH_USERNAME is right"
        );
        assert_eq!(without_port(&error.to_string()), expected);
        server.finish();
    }
    for reply in [Reply::json(refused), Reply::json(&format!("\u{feff}{refused}"))] {
        let server = Server::start([reply]).await;
        let error = server.client.count("/x", None).await.unwrap_err();
        assert!(error.to_string().contains("with an error in place of data (Security: SSL is required)"), "{error}");
    }
}

#[tokio::test]
async fn one_record_that_is_no_json_spoils_no_other() {
    let page = "\u{feff}[{\"id\":1,\"rate\":NaN},{\"id\":2,\"rate\":},{\"id\":3,\"rate\":-Infinity},{\"id\":4}]";
    let server = Server::start([Reply::json(page).header("link", "")]).await;
    let pages: Vec<_> = server.client.list("/x").page_size(5).pages().collect().await;
    let page = pages[0].as_ref().unwrap();
    let records = page.records().unwrap();
    let found: Vec<_> = records.iter().map(|record| (record.get(), record.is_broken())).collect();
    assert_eq!(
        found,
        [
            ("{\"id\":1,\"rate\":\"NaN\"}", false),
            ("{\"id\":2,\"rate\":}", true),
            ("{\"id\":3,\"rate\":\"-Infinity\"}", false),
            ("{\"id\":4}", false),
        ]
    );
    let items: Vec<_> = page.items::<serde_json::Value>().unwrap().into_iter().map(|item| item.is_ok()).collect();
    assert_eq!(items, [true, false, true, true]);
    server.finish();
}

#[tokio::test]
async fn a_page_whose_records_cannot_be_told_apart_says_where_it_breaks() {
    let server = Server::start([Reply::json("[{\"id\":1,\"name\":\"x}]").header("link", "")]).await;
    let pages: Vec<_> = server.client.list("/x").pages().collect().await;
    assert_eq!(
        pages[0].as_ref().unwrap_err().to_string(),
        "the answer to GET /x stops being JSON at byte 20 (line 1, /0/name of record 1), where it ends: leave that property out of the fields, or have the record repaired on the server; what stands there isn't shown, as it may be a secret"
    );
    server.finish();
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

/// The answer of a write that can't be read says as little about the write as none.
#[tokio::test]
async fn a_write_whose_answer_cannot_be_read_may_have_been_carried_out() {
    for method in [Method::Post, Method::Get] {
        let server = Server::start([Reply::json("{\"id\":")]).await;
        let error = server.client.request(method, "/x").send().await.unwrap().json::<serde_json::Value>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert_eq!(error.may_have_been_carried_out(), method == Method::Post, "{error}");
        assert!(!error.is_retryable());
        server.finish();
    }
    // Refused for a reason that the server names: it wasn't carried out.
    for status in [400, 401, 403, 404, 409, 422, 429] {
        let server = Server::start([Reply::status(status, "")]).await;
        let error = server.client.request(Method::Post, "/x").send().await.unwrap_err();
        assert!(!error.may_have_been_carried_out(), "{error}");
    }
}

#[tokio::test]
async fn a_missing_record_is_all_that_is_said() {
    let missing = r#"{"code":"NotFound","message":"Ticket 7 not found"}"#;
    let table = [
        (
            "/service/tickets/7",
            missing,
            "there is no such record for GET /service/tickets/7 (404 Not Found: NotFound: Ticket 7 not found)",
        ),
        (
            "/service/tickets/7/notes",
            missing,
            "there is no such record for GET /service/tickets/7/notes (404 Not Found: NotFound: Ticket 7 not found)",
        ),
        // Another id, no id, no such route, no answer of the API: the cause may be anywhere.
        ("/service/tickets/77", missing, "the server does not know GET /service/tickets/77 (404"),
        ("/service/tickets", missing, "the server does not know GET /service/tickets (404"),
        (
            "/service/tickets/7",
            r#"{"code":"NotFound","message":"The endpoint does not exist."}"#,
            "the server does not know GET",
        ),
        ("/service/tickets/7", "<html><title>7 not found</title></html>", "the server does not know GET"),
    ];
    for (path, body, expected) in table {
        let server = Server::start([Reply::status(404, body)]).await;
        let error = server.client.get_raw(path).await.unwrap_err();
        assert!(error.is_not_found() && error.to_string().starts_with(expected), "{error}");
        assert_eq!(error.to_string() == expected, expected.ends_with(')'), "{error}");
    }
}
