//! Uploads and downloads.

use std::time::Duration;

use connectwise_sdk::{ErrorKind, Method, Multipart, RetryPolicy};
use futures::{StreamExt as _, TryStreamExt as _};

use crate::server::{Reply, Server};

#[tokio::test]
async fn an_upload_is_a_form_and_is_the_same_when_a_policy_sends_it_again() {
    let form = Multipart::new().text("recordType", "Ticket").file("file", "a.txt", "text/plain", "content");
    let replies = [Reply::status(429, "").header("retry-after", "1"), Reply::json("{\"id\":1}")];
    let patient = RetryPolicy { repeat_limited_writes: true, ..RetryPolicy::default() };
    let server = Server::with(replies, |config| config.with_retry(patient)).await;
    let request = server.client.request(Method::Post, "/system/documents").multipart(&form).unwrap();
    request.send().await.unwrap();
    let seen = server.finish();
    assert_eq!(seen[0].body, seen[1].body);
    let media_type = seen[0].headers["content-type"].to_str().unwrap();
    let (media_type, boundary) = media_type.split_once("; boundary=").unwrap();
    assert_eq!(media_type, "multipart/form-data");
    let parts: Vec<&str> = seen[0].body.split(&format!("--{boundary}")).collect();
    assert_eq!(parts.len(), 4);
    assert_eq!(parts[1], "\r\nContent-Disposition: form-data; name=\"recordType\"\r\n\r\nTicket\r\n");
    assert_eq!(
        parts[2],
        "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\ncontent\r\n"
    );
}

#[tokio::test]
async fn a_download_comes_in_pieces_after_the_trouble_has_passed() {
    let file = Reply::status(200, "content").header("content-type", "application/pdf");
    let server = Server::start([Reply::status(500, ""), file]).await;
    let download = server.client.request(Method::Get, "/system/documents/7/download").download().await.unwrap();
    assert_eq!((download.status(), download.header("Content-Type")), (200, Some("application/pdf")));
    assert_eq!(download.request().attempt, 2);
    let pieces: Vec<_> = download.into_stream().try_collect().await.unwrap();
    assert_eq!(pieces.concat(), b"content");
    server.finish();
}

#[tokio::test]
async fn a_download_that_breaks_off_is_an_error_and_a_refused_one_too() {
    let replies = [Reply::status(200, "content").stuck(), Reply::status(404, "{}")];
    let server = Server::with(replies, |config| config.with_read_timeout(Duration::from_millis(250))).await;
    let download = || server.client.request(Method::Get, "/system/documents/7/download").download();
    let pieces: Vec<_> = download().await.unwrap().into_stream().collect().await;
    assert_eq!(pieces[0].as_ref().unwrap(), "content");
    let error = pieces[1].as_ref().unwrap_err();
    assert_eq!((pieces.len(), error.kind()), (2, ErrorKind::Timeout));
    assert_eq!(
        error.to_string(),
        "no answer to GET /system/documents/7/download in time: try again later, or with a smaller page size"
    );
    assert!(download().await.unwrap_err().is_not_found());
    server.finish();
}
