//! Operations under the faults of the simulator: each ends as the same request does that the client is asked for by itself, after as
//! many requests and the same pauses.

use std::time::Duration;

use connectwise_sdk::{Client, ErrorKind, Method, Result};
use futures::TryStreamExt as _;
use futures::future::BoxFuture;
use serde_json::json;

use crate::server::without_port;
use crate::simulator::Simulated;

/// A request in two ways.
type Ask = for<'a> fn(&'a Client, i64) -> BoxFuture<'a, Result<()>>;

/// What is asked: its path, how to find an id for it, and the request as an operation and by itself.
struct Asked {
    list: &'static str,
    operation: Ask,
    request: Ask,
}

const ASKED: [Asked; 3] = [
    // A read, whose answer comes piece by piece.
    Asked {
        list: "/system/members",
        operation: |client, id| {
            Box::pin(async move {
                let image = client.get_system_members_image().id(id).send().await?;
                assert!(image.into_stream().try_collect::<Vec<_>>().await?.concat().starts_with(b"\x89PNG"));
                Ok(())
            })
        },
        request: |client, id| {
            Box::pin(async move {
                let image = client.request(Method::Get, &format!("/system/members/{id}/image")).download().await?;
                assert!(image.into_stream().try_collect::<Vec<_>>().await?.concat().starts_with(b"\x89PNG"));
                Ok(())
            })
        },
    },
    // A write without a body.
    Asked {
        list: "/service/tickets",
        operation: |client, id| {
            Box::pin(async move { client.post_service_tickets_copy().id(id).send().await.map(drop) })
        },
        request: |client, id| {
            Box::pin(async move {
                client.request(Method::Post, &format!("/service/tickets/{id}/copy")).send().await.map(drop)
            })
        },
    },
    // A write with one.
    Asked {
        list: "/service/tickets",
        operation: |client, id| {
            let conditions = Some(format!("id = {id}"));
            let filter = connectwise_sdk::models::FilterValues { conditions, ..Default::default() };
            Box::pin(async move {
                let found = client.post_service_tickets_search().body(filter).send().await?;
                assert_eq!(found.iter().map(|ticket| ticket.id).collect::<Vec<_>>(), [i32::try_from(id).ok()]);
                Ok(())
            })
        },
        request: |client, id| {
            let filter = json!({ "conditions": format!("id = {id}") });
            Box::pin(async move {
                client.request(Method::Post, "/service/tickets/search").json(&filter)?.send().await.map(drop)
            })
        },
    },
];

const FAULTS: [&str; 16] = [
    r#""status":400"#,
    r#""status":401"#,
    r#""status":403,"html":true"#,
    r#""status":404,"body":"""#,
    r#""status":409"#,
    r#""status":429,"retryAfter":2"#,
    r#""status":429"#,
    r#""status":429,"times":1000"#,
    r#""status":500"#,
    r#""status":502,"html":true"#,
    r#""status":503,"html":true,"retryAfter":3"#,
    r#""status":503,"times":1000"#,
    r#""status":504,"html":true"#,
    r#""close":true"#,
    r#""cut":true"#,
    r#""stall":true"#,
];

/// How a request ends, after which requests and which pauses.
async fn end(asked: &Asked, ask: Ask, fault: &str) -> (Result<()>, String, Vec<String>, Vec<u128>) {
    let simulated = Simulated::with(|config| config.with_read_timeout(Duration::from_millis(400))).await;
    let id = simulated.first_id(asked.list).await;
    simulated.fault(&format!("{{{fault}}}")).await;
    let end = ask(&simulated.client, id).await;
    let told = end.as_ref().err().map(|error| without_port(&format!("{error:?} {:?}", error.request())));
    let requests = simulated.requests().await;
    (end, told.unwrap_or_default(), requests, simulated.clock.pauses())
}

#[tokio::test]
async fn an_operation_ends_as_its_request_does() {
    for fault in FAULTS {
        for asked in &ASKED {
            let (operation, told, requests, pauses) = end(asked, asked.operation, fault).await;
            let (request, expected, sent, waited) = end(asked, asked.request, fault).await;
            assert_eq!(operation.is_ok(), request.is_ok(), "{fault}: {told}");
            assert_eq!((told, requests, pauses), (expected, sent, waited), "{fault}");
            if let (Err(operation), Err(request)) = (operation, request) {
                assert_eq!(operation.kind(), request.kind(), "{fault}");
                assert_eq!(operation.is_retryable(), request.is_retryable(), "{fault}");
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told() {
    let simulated = Simulated::start().await;
    let nobody = simulated.client(|parts| connectwise_sdk::ConfigParts {
        base_url: Some("http://127.0.0.1:9/v4_6_release/apis/3.0".to_owned()),
        ..parts
    });
    let error = nobody.post_service_tickets_copy().id(7).send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(error.to_string().starts_with("no connection to 127.0.0.1:9 for POST /service/tickets/7/copy"), "{error}");
}
