//! What an operation ends in where progenitor alone would take less, show more or send something else.

use std::error::Error as _;
use std::time::Duration;

use connectwise_sdk::models::{FilterValues, Info};
use connectwise_sdk::{Error, ErrorKind, Multipart};
use futures::TryStreamExt as _;

use crate::server::{Reply, Server};

/// The interface document declares 200 for copies.
#[tokio::test]
async fn any_status_of_success_is_one() {
    for status in [200, 201, 202, 207] {
        let server = Server::start([Reply::status(status, "{\"id\":8}")]).await;
        let copy = server.client.post_service_tickets_copy().id(7).send().await.unwrap();
        assert_eq!(copy.id, Some(8), "{status}");
        assert_eq!(server.targets(), ["/api/service/tickets/7/copy"]);
    }
}

/// Everything that an error shows, its causes included.
fn shown(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn an_answer_of_another_shape_is_named_by_its_place_and_never_shown() {
    let table = [
        ("{\"id\":\"Meier, 4711\"}", "id", ErrorKind::Decode),
        ("{\"company\":{\"id\":[\"Meier\"]}}", "company.id", ErrorKind::Decode),
        ("[\"Meier\"]", "array", ErrorKind::Decode),
    ];
    for (body, place, kind) in table {
        let server = Server::start([Reply::json(body)]).await;
        let error = server.client.post_service_tickets_copy().id(7).send().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        let text = shown(&error);
        assert!(!text.contains("Meier") && !text.contains("4711"), "{text}");
        assert!(text.contains("POST /service/tickets/7/copy"), "{text}");
        if place != "array" {
            assert!(text.contains(place), "{text}");
        }
    }
}

#[tokio::test]
async fn what_is_nearly_json_is_read_as_everywhere() {
    let server = Server::start([Reply::json("\u{feff}{\"id\":8,\"budgetHours\":NaN}")]).await;
    let error = server.client.post_service_tickets_copy().id(7).send().await;
    // The same answer by itself, so that nothing is said here about what the client makes of NaN.
    let by_itself = Server::start([Reply::json("\u{feff}{\"id\":8,\"budgetHours\":NaN}")]).await;
    let request =
        by_itself.client.request(connectwise_sdk::Method::Post, "/service/tickets/7/copy").send().await.unwrap();
    let request = request.json::<connectwise_sdk::models::Ticket>();
    assert_eq!(error.map_err(|error| error.to_string()), request.map_err(|error| error.to_string()));
}

#[tokio::test]
async fn a_part_of_the_path_leads_nowhere_else() {
    for value in ["", ".", "..", "a/b", "../../companies", "a?b", "a#b", "{x}", ".\t.", ".\n"] {
        let server = Server::start([]).await;
        let call = server.client.post_system_members_tokens().member_identifier(value);
        let error = call.send().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request, "{value}: {error}");
        assert!(error.to_string().contains("`member_identifier`"), "{value}: {error}");
        assert!(server.finish().is_empty());
    }
    // What only looks like that is a value.
    for (value, segment) in [("..%2f j", "..%252f%20j"), (r"..\..\x", "..%5C..%5Cx"), ("%2e%2e", "%252e%252e")] {
        let server = Server::start([Reply::json("{}")]).await;
        server.client.post_system_members_tokens().member_identifier(value).send().await.unwrap();
        assert_eq!(server.targets(), [format!("/api/system/members/{segment}/tokens")]);
    }
}

/// What is declared as an array where the path names one record comes as either.
#[tokio::test]
async fn one_record_is_read_as_an_array_of_one() {
    let replies = [" [{\"parentType\":\"a\"},{\"parentType\":\"b\"}]", "{\"parentType\":\"c\"}", "[]"].map(Reply::json);
    let server = Server::start(replies).await;
    let mut found = Vec::new();
    for _ in 0..3 {
        let records = server.client.get_sales_orders_conversions_by_id().id(7).send().await.unwrap();
        found.push(records.into_iter().map(|record| record.parent_type.unwrap()).collect::<Vec<_>>());
    }
    assert_eq!(found, [vec!["a", "b"], vec!["c"], vec![]]);
    assert_eq!(server.targets(), ["/api/sales/orders/conversions/7"; 3]);

    let server = Server::start([Reply::json("[{},{\"convertedTo\":\"Meier\"}]")]).await;
    let error = server.client.get_sales_orders_conversions_by_id().id(7).send().await.unwrap_err();
    assert!(error.to_string().contains("[1].convertedTo") && !shown(&error).contains("Meier"), "{error}");
}

#[tokio::test]
async fn what_is_missing_is_told_and_nothing_is_sent() {
    let server = Server::start([]).await;
    let error = server.client.post_service_tickets_merge().parent_id(7).send().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "POST /service/tickets/{parentId}/merge lacks `body`: call `.body(..)` before it is sent"
    );
    assert_eq!(error.kind(), ErrorKind::Request);
    let error =
        server.client.get_company_management_log_download().id(u64::MAX).file_path("x").send().await.unwrap_err();
    assert!(error.to_string().contains("`id`: it is outside what the API takes"), "{error}");
    let form = Multipart::new().file("file", "a", "text/plain\r\nx: y", "hello");
    let error = server.client.post_system_documents().body(form).send().await.unwrap_err();
    assert!(error.to_string().contains("`body`"), "{error}");
    assert!(server.finish().is_empty());
}

#[tokio::test]
async fn a_call_takes_what_the_document_does_not_list() {
    let server = Server::start([Reply::json("[]")]).await;
    let filter = FilterValues { conditions: Some("id = 7".to_owned()), ..FilterValues::default() };
    let call = server.client.post_service_tickets_search().body(filter);
    call.with_query("pageSize", "1000").with_query("fields", "id,summary").with_version("2020.4").send().await.unwrap();
    let seen = server.finish();
    assert_eq!(seen[0].target, "/api/service/tickets/search?pageSize=1000&fields=id,summary");
    assert_eq!(seen[0].headers["accept"], "application/vnd.connectwise.com+json; version=2020.4");
    assert_eq!(seen[0].body, "{\"conditions\":\"id = 7\"}");
}

#[tokio::test]
async fn a_download_is_handed_out_piece_by_piece() {
    let replies = [
        Reply::status(200, "GIF89a").header("content-type", "image/gif"),
        Reply::status(200, "GIF").stuck(),
        Reply::status(404, "{\"code\":\"NotFound\",\"message\":\"No image.\"}"),
    ];
    let server = Server::with(replies, |config| config.with_read_timeout(Duration::from_millis(250))).await;
    let ask = || server.client.get_company_contacts_image().id(7).use_default_flag(true).send();
    let image = ask().await.unwrap();
    assert_eq!(image.header("content-type"), Some("image/gif"));
    assert_eq!(image.into_stream().try_collect::<Vec<_>>().await.unwrap().concat(), b"GIF89a");
    let cut = ask().await.unwrap().into_stream().try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(cut.kind(), ErrorKind::Timeout);
    let error = ask().await.unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("No image"), "{error}");
    assert_eq!(server.targets(), ["/api/company/contacts/7/image?useDefaultFlag=true"; 3]);
}

#[tokio::test]
async fn no_call_shows_its_body() {
    let server = Server::start([]).await;
    let filter = FilterValues { conditions: Some("name = \"Meier\"".to_owned()), ..FilterValues::default() };
    let call = server.client.post_service_tickets_search().body(filter);
    assert_eq!(format!("{call:?}"), "PostServiceTicketsSearch { .. }");
}

/// Whether a call can be sent from any task.
#[tokio::test]
async fn a_call_can_be_spawned() {
    let server = Server::start([Reply::json("{\"version\":\"v2025.8\"}")]).await;
    let client = server.client.clone();
    let info = tokio::spawn(async move { client.get_system_info().send().await });
    let Info { version, .. } = info.await.unwrap().unwrap();
    assert_eq!(version.as_deref(), Some("v2025.8"));
    server.finish();
}
