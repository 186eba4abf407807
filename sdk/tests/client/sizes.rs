//! How large an answer may be, how slowly it may come, and how long a list may go on.

use connectwise_sdk::{Error, ErrorKind, Method, Page, Result, RetryPolicy};
use futures::{StreamExt as _, TryStreamExt as _};

use crate::raw::{Bytes, Raw, answer, bomb};
use crate::server::{Reply, Server, config};

const MB: u64 = 1024 * 1024;

/// Answers whose body is gzip that never ends.
fn bombs(status: &'static str) -> impl Fn(&str) -> Bytes + Send + Sync {
    move |_| {
        let (start, more) = bomb();
        Bytes::Endless(answer(status, "content-encoding: gzip\r\ncontent-type: application/json\r\n", &start), more)
    }
}

async fn at_bombs(status: &'static str) -> Raw {
    Raw::start(|host| config(format!("{host}/v2025_1/apis/3.0")).with_retry(RetryPolicy::never()), bombs(status)).await
}

fn told(error: &Error, kind: ErrorKind, expected: &str) {
    assert_eq!((error.kind(), error.to_string().as_str()), (kind, expected));
}

#[tokio::test]
async fn an_answer_is_refused_at_the_limit_of_its_kind() {
    let raw = at_bombs("200 OK").await;
    let error = raw.client.get_raw("/x").await.unwrap_err();
    let advice = "which no answer of its kind is: check that CW_BASE_URL names the API host and not a proxy, or ask for fewer fields";
    told(&error, ErrorKind::TooLarge, &format!("the answer to GET /x is larger than 32 MB, {advice}"));
    assert_eq!(raw.client.stats().bytes, 32 * MB, "not a byte more is kept");

    let counting = raw.client.with_own_stats();
    let error = counting.count("/x", None).await.unwrap_err();
    told(&error, ErrorKind::TooLarge, &format!("the answer to GET /x/count is larger than 4 KB, {advice}"));
    let error = counting.company_info().await.unwrap_err();
    told(
        &error,
        ErrorKind::TooLarge,
        &format!("the answer to GET /login/companyinfo/acme is larger than 64 KB, {advice}"),
    );
    assert_eq!(counting.stats().bytes, (4 + 64) * 1024);

    let own = raw.client.request(Method::Get, "/x").largest_answer(1_000).send().await.unwrap_err();
    told(&own, ErrorKind::TooLarge, &format!("the answer to GET /x is larger than 1000 bytes, {advice}"));
    assert!(!own.is_retryable());
    assert_eq!(raw.requests(), 4, "what is too large isn't asked for again");
}

#[tokio::test]
async fn the_rest_of_an_errors_body_is_ignored() {
    let raw = at_bombs("403 Forbidden").await;
    let error = raw.client.get_raw("/x").await.unwrap_err();
    assert_eq!(error.status(), Some(403));
    assert!(error.to_string().contains("(403 Forbidden: the answer says nothing more)"), "{error}");
    assert_eq!(raw.client.stats().bytes, 64 * 1024);

    let body = format!("upstream connect error {}", "x".repeat(1_000_000));
    let server = Server::start([Reply::status(403, &body)]).await;
    let error = server.client.get_raw("/x").await.unwrap_err();
    assert!(error.to_string().contains("(403 Forbidden: upstream connect error xxx"), "{error}");
    assert_eq!(server.client.stats().bytes, 64 * 1024);
}

#[tokio::test]
async fn a_page_that_is_too_large_is_asked_for_in_smaller_ones() {
    let all = bombs("200 OK");
    let raw = Raw::start(
        |host| config(format!("{host}/api")).with_retry(RetryPolicy::never()),
        move |head| {
            let number = |name: &str| -> Option<i64> {
                let value = head.split_once(&format!("{name}="))?.1;
                value.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
            };
            let (size, after) = (number("pageSize").unwrap(), number("pageId").unwrap_or(0));
            if size > 4 {
                return all(head);
            }
            let ids: Vec<String> = (after + 1..=(after + size).min(10)).map(|id| format!("{{\"id\":{id}}}")).collect();
            let next = after + size;
            let link = if next < 10 { format!("</x?pageId={next}>; rel=\"next\"") } else { String::new() };
            Bytes::All(answer("200 OK", &format!("link: {link}\r\n"), format!("[{}]", ids.join(",")).as_bytes()))
        },
    )
    .await;
    let pages: Vec<Page> = raw.client.list("/x").page_size(8).pages().try_collect().await.unwrap();
    let sizes: Vec<usize> = pages.iter().map(|page| page.records().unwrap().len()).collect();
    assert!(sizes.iter().sum::<usize>() == 10 && sizes.iter().all(|size| (1..=4).contains(size)), "{sizes:?}");
}

#[tokio::test]
async fn a_list_of_nothing_but_large_answers_ends() {
    let raw = at_bombs("200 OK").await;
    let pages: Vec<Result<Page>> = raw.client.list("/x").page_size(1).skip_unreadable().pages().collect().await;
    assert_eq!(pages.len(), 1);
    assert_eq!(pages[0].as_ref().unwrap_err().kind(), ErrorKind::TooLarge);
    assert!(raw.client.stats().bytes <= 70 * MB, "{}", raw.client.stats().bytes);
}

#[tokio::test]
async fn a_page_has_no_more_elements_than_pages_have() {
    let server = Server::start([Reply::json(&format!("[{}0]", "0,".repeat(200_000)))]).await;
    let pages: Vec<Result<Page>> = server.client.list("/x").pages().collect().await;
    told(
        pages[0].as_ref().unwrap_err(),
        ErrorKind::TooLarge,
        "the answer to GET /x has more than 100000 elements, and a page has 1000 at most: check that CW_BASE_URL names the API host and not a proxy",
    );
}

#[tokio::test]
async fn a_download_has_no_largest_size() {
    let raw = at_bombs("200 OK").await;
    let download = raw.client.request(Method::Get, "/system/documents/7/download").download().await.unwrap();
    let mut body = Box::pin(download.into_stream());
    let mut bytes = 0;
    while bytes < 40 * MB {
        bytes += body.next().await.unwrap().unwrap().len() as u64;
    }
}

#[tokio::test]
async fn a_body_that_comes_byte_by_byte_is_given_up_and_asked_for_again() {
    let slow = |_: &str| Bytes::Slow(answer("200 OK", "content-type: application/json\r\n", b"["));
    let raw = Raw::start(|host| config(format!("{host}/api")).with_retry(RetryPolicy::never()), slow).await;
    let error = raw.client.get_raw("/x").await.unwrap_err();
    told(&error, ErrorKind::Timeout, "the answer to GET /x comes with less than 1 KB in a second: try again later");
    assert!(error.is_retryable());
    let bytes = raw.client.stats().bytes;
    assert!((50..10_000).contains(&bytes), "{bytes} came in a minute");

    let error =
        raw.client.request(Method::Get, "/x").download().await.unwrap().into_stream().try_collect::<Vec<_>>().await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Timeout);

    let patient = RetryPolicy { max_attempts: 2, ..RetryPolicy::default() };
    let raw = Raw::start(|host| config(format!("{host}/api")).with_retry(patient), slow).await;
    assert!(raw.client.get_raw("/x").await.unwrap_err().is_timeout());
    assert_eq!(raw.requests(), 2);

    // A list that comes so isn't asked for again in smaller pages, which come no faster.
    for numbered in [false, true] {
        let mut list = raw.client.list("/x");
        if numbered {
            list = list.order_by("name");
        }
        assert!(list.pages().try_collect::<Vec<_>>().await.unwrap_err().is_timeout());
    }
    assert_eq!(raw.requests(), 6);
}

/// A list whose pages name a next one for ever, and which counts that many records.
async fn endless(counted: Option<u64>, empty: bool) -> Raw {
    Raw::start(
        |host| config(format!("{host}/api")).with_retry(RetryPolicy::never()).with_most_records(40_000),
        move |head| {
            let target = head.split_whitespace().nth(1).unwrap();
            if target.contains("/count") {
                return Bytes::All(match counted {
                    Some(count) => answer("200 OK", "", format!("{{\"count\":{count}}}").as_bytes()),
                    None => answer("400 Bad Request", "", b""),
                });
            }
            let after: u64 = target.split_once("pageId=").map_or(0, |(_, id)| id.parse().unwrap());
            let ids: Vec<String> = (after + 1..=after + 1_000).map(|id| format!("{{\"id\":{id}}}")).collect();
            let body = if empty { "[]".to_owned() } else { format!("[{}]", ids.join(",")) };
            let link = format!("link: </x?pageId={}>; rel=\"next\"\r\n", after + 1_000);
            Bytes::All(answer("200 OK", &link, body.as_bytes()))
        },
    )
    .await
}

#[tokio::test]
async fn a_list_without_end_ends_at_twice_what_is_counted() {
    let raw = endless(Some(3_000), false).await;
    let pages: Vec<Result<Page>> = raw.client.list("/x").page_size(1_000).pages().collect().await;
    assert_eq!(pages.len(), 17, "twice 3,000, 10,000, and the page that is too much");
    told(
        pages[16].as_ref().unwrap_err(),
        ErrorKind::Paging,
        "the list GET /x doesn't end: the server counts 3000 records and has sent 17000; page by number or by keyset, or report it to whoever runs the server",
    );
    assert_eq!(raw.requests(), 18, "it is counted once, when it is long");

    // Whoever has counted already says so.
    let list = raw.client.list("/x").page_size(1_000).counted(0);
    assert_eq!(list.pages().collect::<Vec<_>>().await.len(), 11);
    assert_eq!(raw.requests(), 18 + 11);

    // A route that can't count goes on, as long as any list may be; and a count that can't be helps nobody.
    for counted in [None, Some(u64::MAX)] {
        let raw = endless(counted, false).await;
        let pages: Vec<Result<Page>> = raw.client.list("/x").page_size(1_000).pages().collect().await;
        assert_eq!((pages.len(), raw.requests()), (41, 42), "{counted:?}");
        told(
            pages[40].as_ref().unwrap_err(),
            ErrorKind::Paging,
            "the list GET /x doesn't end: it has brought more than 40000 records, which no list is expected to have; raise most_records if this one has, or report it to whoever runs the server",
        );
    }
}

#[tokio::test]
async fn empty_pages_without_end_end() {
    let raw = endless(None, true).await;
    let pages: Vec<Result<Page>> = raw.client.list("/x").page_size(1_000).pages().collect().await;
    assert_eq!(pages.len(), 100);
    told(
        pages[99].as_ref().unwrap_err(),
        ErrorKind::Paging,
        "the list GET /x doesn't end: 100 pages in a row are empty, and each names a next one; page by number or by keyset",
    );
}
