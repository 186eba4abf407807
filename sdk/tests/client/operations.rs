//! Operations that are no verb of a resource.

use connectwise_sdk::operation::{Json, Nothing, Records};
use connectwise_sdk::{Bulk, Download, ErrorKind, Method, Multipart, Operation};
use futures::TryStreamExt as _;
use serde_json::{Value, json};

use crate::server::{Reply, Server};

#[tokio::test]
async fn an_operation_is_one_request() {
    let server = Server::start([
        Reply::status(207, "{\"payload\":[{\"success\":true},{\"success\":false}]}"),
        Reply::status(200, ""),
        Reply::status(200, "GIF89a").header("content-type", "image/gif"),
        Reply::status(201, "{\"id\":7}"),
    ])
    .await;
    let bulk: Operation<Json<Value>> =
        Operation::new("putBulk", Method::Put, "/company/configurations/{kind}/bulk").argument("kind", "a b");
    let answer = server.client.call(bulk.query("managedInformation", "x").json(&[1, 2])).await.unwrap();
    let bulk = Bulk::of(&answer).unwrap();
    assert_eq!(bulk.items().iter().map(|item| item.success).collect::<Vec<_>>(), [true, false]);

    let detach: Operation<Nothing> =
        Operation::new("detach", Method::Post, "/time/entries/{id}/detach").argument("id", 7_i64);
    server.client.call(detach).await.unwrap();

    let image: Operation<Download> =
        Operation::new("image", Method::Get, "/system/members/{id}/image").argument("id", 7_i64);
    let image = server.client.call(image.query("useDefaultFlag", "true")).await.unwrap();
    assert_eq!(image.header("content-type"), Some("image/gif"));
    let pieces: Vec<_> = image.into_stream().try_collect().await.unwrap();
    assert_eq!(pieces.concat(), b"GIF89a");

    let upload: Operation<Json<Value>> = Operation::new("upload", Method::Post, "/system/documents");
    let form = Multipart::new().text("recordId", "5").file("file", "a.txt", "text/plain", "hello");
    assert_eq!(server.client.call(upload.multipart(&form)).await.unwrap(), json!({"id": 7}));

    let seen = server.finish();
    let lines: Vec<_> = seen.iter().map(|seen| format!("{} {}", seen.method, seen.target)).collect();
    assert_eq!(
        lines,
        [
            "PUT /api/company/configurations/a%20b/bulk?managedInformation=x",
            "POST /api/time/entries/7/detach",
            "GET /api/system/members/7/image?useDefaultFlag=true",
            "POST /api/system/documents",
        ]
    );
    assert_eq!(seen[0].body, "[1,2]");
    assert!(seen[3].body.contains("name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n"));
}

/// What is declared as an array where the path names one record comes as either.
#[tokio::test]
async fn one_record_is_read_as_an_array_of_one() {
    let server =
        Server::start([Reply::json(" [{\"id\":1},{\"id\":2}]"), Reply::json("{\"id\":3}"), Reply::json("[]")]).await;
    let ask = || async {
        let operation: Operation<Records<Value>> =
            Operation::new("one", Method::Get, "/sales/orders/conversions/{id}").argument("id", 7_i64);
        server.client.call(operation).await.unwrap().iter().map(|record| record["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(ask().await, [1, 2]);
    assert_eq!(ask().await, [3]);
    assert_eq!(ask().await, Vec::<Value>::new());
    server.finish();
}

#[tokio::test]
async fn what_cannot_be_sent_is_told_when_it_is_called_and_is_not_sent() {
    let server = Server::start([]).await;
    let operation: Operation<Nothing> =
        Operation::new("tokens", Method::Post, "/system/members/{name}/tokens").argument("name", "a/../b");
    let error = server.client.call(operation).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request);
    assert!(server.finish().is_empty());
}
