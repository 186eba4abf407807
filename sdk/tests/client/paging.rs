//! A listing ends only where it provably ends, and goes on where it stood.

use connectwise_sdk::{Continuation, ErrorKind, ListRequest, Method, PagingMode};
use futures::StreamExt as _;

use crate::server::{Reply, Server};

/// What a listing came to: the ids of its pages, and how it ended.
async fn read(listing: ListRequest) -> (Vec<Vec<i64>>, Result<(), String>) {
    let (pages, end, _) = read_on(listing).await;
    (pages, end)
}

async fn read_on(listing: ListRequest) -> (Vec<Vec<i64>>, Result<(), String>, Option<Continuation>) {
    let mut pages = Vec::new();
    let mut last = false;
    let mut continuation = None;
    let mut stream = Box::pin(listing.pages());
    while let Some(page) = stream.next().await {
        assert!(!last, "a page after the last one");
        match page {
            Ok(page) => {
                assert_eq!(page.number(), pages.len() as u64 + 1);
                last = page.is_last();
                continuation = page.continuation().cloned();
                let ids = page.records().unwrap().into_iter().map(|record| {
                    serde_json::from_str::<serde_json::Value>(record.get()).unwrap()["id"].as_i64().unwrap()
                });
                pages.push(ids.collect());
            }
            Err(error) => {
                assert!(stream.next().await.is_none(), "something after an error");
                return (pages, Err(error.to_string()), continuation);
            }
        }
    }
    assert!(last, "the end is not proven");
    (pages, Ok(()), continuation)
}

fn next(page_id: u64) -> String {
    // As the live server writes it: another host, a slash after the path, the query encoded anew.
    format!(
        "<http://internal.example/v2025_1/apis/3.0/x/?conditions=LastUpdated+%3e%3d+%5b2025-04-01T20%3a02%3a28Z%5d&pageSize=2&pageId={page_id}>; rel=\"next\""
    )
}

#[tokio::test]
async fn forward_only_follows_the_cursor_on_its_own_host() {
    let server = Server::start([
        Reply::page(&[1, 2], Some(&next(2))),
        Reply::page(&[3], Some(&next(3))),
        // Rows that the role may not see leave holes, even whole pages of them.
        Reply::page(&[], Some(&next(9))),
        Reply::page(&[10, 11], Some(&next(11))),
        Reply::page(&[12], Some("")),
    ])
    .await;
    let (pages, end) = read(server.client.list("/x")).await;
    assert_eq!(end, Ok(()));
    assert_eq!(pages, [vec![1, 2], vec![3], vec![], vec![10, 11], vec![12]]);
    assert_eq!(
        server.targets(),
        [
            "/api/x?pageSize=2",
            "/api/x?pageSize=2&pageId=2",
            "/api/x?pageSize=2&pageId=3",
            "/api/x?pageSize=2&pageId=9",
            "/api/x?pageSize=2&pageId=11",
        ]
    );
}

#[tokio::test]
async fn a_full_page_that_claims_to_be_the_last_is_not_believed() {
    let server = Server::start([Reply::page(&[1, 2], Some("")), Reply::page(&[], Some(""))]).await;
    let (pages, end) = read(server.client.list("/x")).await;
    assert_eq!((pages, end), (vec![vec![1, 2], vec![]], Ok(())));
    assert_eq!(server.targets(), ["/api/x?pageSize=2", "/api/x?pageSize=2&pageId=2"]);
}

#[tokio::test]
async fn without_link_it_goes_on_by_number() {
    for first in [&[1, 2][..], &[1]] {
        let server = Server::start([Reply::page(first, None), Reply::page(&[3], None), Reply::page(&[], None)]).await;
        let (pages, end) = read(server.client.list("/x")).await;
        assert_eq!((pages, end), (vec![first.to_vec(), vec![3], vec![]], Ok(())));
        let seen = server.finish();
        let targets: Vec<_> = seen.iter().map(|seen| seen.target.as_str()).collect();
        assert_eq!(targets, ["/api/x?pageSize=2", "/api/x?pageSize=2&page=2", "/api/x?pageSize=2&page=3"]);
        let headers: Vec<_> = seen.iter().map(|seen| seen.headers.contains_key("pagination-type")).collect();
        assert_eq!(headers, [true, false, false]);
    }
    let server = Server::start([Reply::page(&[], None)]).await;
    assert_eq!(read(server.client.list("/x")).await, (vec![vec![]], Ok(())));
    server.finish();
}

#[tokio::test]
async fn page_numbers_take_no_more_than_the_fact_of_a_next_page_from_the_link() {
    let next =
        "<https://other.example/x/?page=2&pageSize=2>; rel=\"next\", <https://other.example/x/?page=2>; rel=\"last\"";
    let last = "<https://other.example/x/?page=1>; rel=\"first\", <https://other.example/x/?page=1>; rel=\"prev\"";
    let server = Server::start([Reply::page(&[1, 2], Some(next)), Reply::page(&[3], Some(last))]).await;
    // An order is what page numbers are for.
    let listing = server.client.list("/x").order_by("name desc");
    assert_eq!(read(listing).await, (vec![vec![1, 2], vec![3]], Ok(())));
    assert_eq!(
        server.targets(),
        ["/api/x?orderBy=name%20desc&pageSize=2&page=1", "/api/x?orderBy=name%20desc&pageSize=2&page=2"]
    );
}

#[tokio::test]
async fn keyset_adds_its_key_to_the_conditions() {
    let server = Server::start([Reply::page(&[1, 5], None), Reply::page(&[6], None), Reply::page(&[], None)]).await;
    let listing = server.client.list("/x").conditions("a = 1 or b = 2").mode(PagingMode::Keyset);
    assert_eq!(read(listing).await, (vec![vec![1, 5], vec![6], vec![]], Ok(())));
    assert_eq!(
        server.targets(),
        [
            "/api/x?conditions=a%20%3D%201%20or%20b%20%3D%202&orderBy=id%20asc&pageSize=2",
            "/api/x?conditions=(a%20%3D%201%20or%20b%20%3D%202)%20and%20id%20%3E%205&orderBy=id%20asc&pageSize=2",
            "/api/x?conditions=(a%20%3D%201%20or%20b%20%3D%202)%20and%20id%20%3E%206&orderBy=id%20asc&pageSize=2",
        ]
    );
}

#[tokio::test]
async fn keys_that_do_not_advance_are_an_error() {
    let table = [
        (
            PagingMode::ForwardOnly,
            vec![Reply::page(&[1, 2], Some(&next(2))), Reply::page(&[3, 4], Some(&next(2)))],
            "the keys of GET /x don't advance: the server repeats pageId 2; page by number or by keyset",
        ),
        (
            PagingMode::ForwardOnly,
            vec![Reply::page(&[1, 2], Some(&next(2))), Reply::page(&[1, 2], Some(&next(4)))],
            "the keys of GET /x don't advance: the server repeats pageId 2; page by number or by keyset",
        ),
        (
            PagingMode::ForwardOnly,
            vec![Reply::page(&[1, 2], Some("<https://h/x?pageId=abc>; rel=\"next\""))],
            "the Link header of GET /x names a next page without a pageId: page by number or by keyset",
        ),
        (
            PagingMode::PageNumber,
            vec![Reply::page(&[1, 2], None), Reply::page(&[1, 2], None)],
            "the keys of GET /x don't advance: page 2 starts as the one before it, so the endpoint seems to ignore paging; read it with a plain get",
        ),
        (
            PagingMode::Keyset,
            vec![Reply::page(&[1, 2], None), Reply::page(&[2], None)],
            "the keys of GET /x don't advance: id 2 is out of order; page by number or forward-only",
        ),
        (
            PagingMode::Keyset,
            vec![Reply::json("[{\"name\":\"a\"}]")],
            "a record of GET /x has no whole-number id to continue from: add id to the fields, or page by number",
        ),
    ];
    for (mode, replies, expected) in table {
        let pages = replies.len() - 1;
        let server = Server::start(replies).await;
        let (read, end) = read(server.client.list("/x").mode(mode)).await;
        assert_eq!((read.len(), end), (pages, Err(expected.to_owned())), "{mode:?}");
        server.finish();
    }
}

#[tokio::test]
async fn a_listing_goes_on_where_it_failed() {
    let table = [
        (PagingMode::ForwardOnly, Some(next(2)), "/api/x?conditions=a%20%3D%201&pageSize=2&pageId=2"),
        (PagingMode::ForwardOnly, None, "/api/x?conditions=a%20%3D%201&pageSize=2&page=2"),
        (PagingMode::PageNumber, None, "/api/x?conditions=a%20%3D%201&orderBy=id%20asc&pageSize=2&page=2"),
        (PagingMode::Keyset, None, "/api/x?conditions=(a%20%3D%201)%20and%20id%20%3E%202&orderBy=id%20asc&pageSize=2"),
    ];
    for (mode, link, expected) in table {
        let server =
            Server::start([Reply::page(&[1, 2], link.as_deref()), Reply::status(404, ""), Reply::page(&[], Some(""))])
                .await;
        let listing = || server.client.list("/x").conditions("a = 1").mode(mode);
        let (pages, end, continuation) = read_on(listing()).await;
        assert!(pages == [[1, 2]] && end.is_err());

        let saved = serde_json::to_string(&continuation.unwrap()).unwrap();
        let restored: Continuation = serde_json::from_str(&saved).unwrap();
        let rest: Vec<_> = listing().resume(restored.clone()).pages().collect().await;
        let page = rest[0].as_ref().unwrap();
        assert!(rest.len() == 1 && page.is_last() && page.number() == 2);
        assert_eq!(server.targets()[2], expected);

        // Not with another question.
        for other in [listing().conditions("a = 2"), server.client.list("/y").conditions("a = 1").mode(mode)] {
            let pages: Vec<_> = other.resume(restored.clone()).pages().collect().await;
            assert_eq!(pages[0].as_ref().unwrap_err().kind(), ErrorKind::Paging);
        }
        server.finish();
    }
}

#[tokio::test]
async fn a_page_number_of_another_page_size_is_refused() {
    let server = Server::start([Reply::page(&[1, 2], None), Reply::status(404, "")]).await;
    let listing = || server.client.list("/x").mode(PagingMode::PageNumber);
    let (_, _, continuation) = read_on(listing()).await;
    let pages: Vec<_> = listing().page_size(3).resume(continuation.unwrap()).pages().collect().await;
    assert_eq!(
        pages[0].as_ref().unwrap_err().to_string(),
        "the saved continuation belongs to another listing than GET /x: use it with the same path, conditions and page size"
    );
    server.finish();
}

#[tokio::test]
async fn an_array_that_is_cut_without_the_transport_noticing_is_asked_for_again() {
    let server = Server::start([Reply::json("[{\"id\":1},{\"id\""), Reply::page(&[1], Some(""))]).await;
    assert_eq!(read(server.client.list("/x")).await, (vec![vec![1]], Ok(())));
    assert_eq!(server.finish().len(), 2);

    let server = Server::start([Reply::json("[{\"id\":1},{\"id\""), Reply::page(&[1], Some(""))]).await;
    let answer = server.client.request(Method::Get, "/x").expects_array().send().await.unwrap();
    assert_eq!(answer.json::<Vec<serde_json::Value>>().unwrap().len(), 1);
    assert_eq!(server.finish().len(), 2);
}

#[tokio::test]
async fn records_keep_their_text() {
    let server = Server::start([Reply::json("[ {\"id\":1, \"cost\":1.10} , 5,\"x\" ]")
        .header("link", "")
        .header("x-cw-request-id", "r-1")])
    .await;
    let pages: Vec<_> = server.client.list("/x").page_size(5).pages().collect().await;
    let page = pages[0].as_ref().unwrap();
    let records: Vec<_> = page.records().unwrap().into_iter().map(|record| record.get().to_owned()).collect();
    assert_eq!(records, ["{\"id\":1, \"cost\":1.10}", "5", "\"x\""]);
    assert_eq!(page.request_id(), Some("r-1"));
    server.finish();
}
