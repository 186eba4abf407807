//! Uploads and downloads.

use std::path::{Path, PathBuf};
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

/// A folder of its own, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn files(&self) -> Vec<(String, String)> {
        let text = |path: PathBuf| {
            (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(path).unwrap())
        };
        let mut files: Vec<_> = std::fs::read_dir(&self.0).unwrap().map(|entry| text(entry.unwrap().path())).collect();
        files.sort();
        files
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

#[tokio::test]
async fn a_download_becomes_a_file_as_a_whole_or_not_at_all() {
    let folder = Folder::new("download");
    let path = folder.0.join("contract.pdf");
    let replies = ["first", "second", "third", "fourth"].map(|body| Reply::status(200, body));
    let [first, second, third, fourth] = replies;
    let replies = [first, second, third.stuck(), fourth];
    let server = Server::with(replies, |config| config.with_read_timeout(Duration::from_millis(250))).await;
    let download =
        || async { server.client.request(Method::Get, "/system/documents/7/download").download().await.unwrap() };
    let whole = |text: &str| [("contract.pdf".to_owned(), text.to_owned())];

    assert_eq!(download().await.save_to(&path).await.unwrap(), 5);
    assert_eq!(folder.files(), whole("first"));
    assert_eq!(download().await.save_to(&path).await.unwrap(), 6);
    assert_eq!(folder.files(), whole("second"), "the file of this name is replaced");
    assert_eq!(download().await.save_to(&path).await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(folder.files(), whole("second"), "what broke off leaves nothing and takes nothing");

    let nowhere = folder.0.join("missing/contract.pdf");
    let error = download().await.save_to(&nowhere).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::File);
    let told = format!(
        "{}, into which the answer to GET /system/documents/7/download was to go, can't be written",
        nowhere.display()
    );
    assert_eq!(error.to_string(), told);
    server.finish();
}

#[tokio::test]
async fn a_download_into_memory_has_a_limit() {
    let server = Server::start([Reply::status(200, "content"), Reply::status(200, "content")]).await;
    let download = || async { server.client.request(Method::Get, "/x").download().await.unwrap() };
    assert_eq!(download().await.bytes(7).await.unwrap(), b"content");
    assert_eq!(download().await.bytes(6).await.unwrap_err().kind(), ErrorKind::TooLarge);
    server.finish();
}
