//! Where the server fails on a page every time, its records are asked for in smaller ones, and a bad one is named.

use std::{error::Error as _, time::Duration};

use connectwise_sdk::{Continuation, Error, ErrorKind, ListRequest, PagingMode, RetryPolicy};
use futures::StreamExt as _;
use serde_json::Value;

use crate::rows::{Habits, Rows};

/// What a listing came to.
#[derive(Debug, Default)]
struct Read {
    ids: Vec<i64>,
    /// Id, id before and id behind of what was skipped.
    unreadable: Vec<(Option<i64>, Option<i64>, Option<i64>)>,
    /// How to ask for what was skipped.
    conditions: Vec<String>,
    last: bool,
    error: Option<Error>,
    continuation: Option<Continuation>,
}

async fn read(listing: ListRequest) -> Read {
    let mut read = Read::default();
    let mut pages = Box::pin(listing.pages());
    while let Some(page) = pages.next().await {
        assert!(!read.last && read.error.is_none(), "something after the end");
        match page {
            Ok(page) => {
                let id = |record: &str| serde_json::from_str::<Value>(record).unwrap()["id"].as_i64().unwrap();
                read.ids.extend(page.records().unwrap().into_iter().map(|record| id(record.get())));
                for record in page.unreadable() {
                    assert_eq!(record.error().status(), Some(500));
                    read.unreadable.push((record.id(), record.after(), record.before()));
                    read.conditions.push(record.condition().to_string());
                }
                read.last = page.is_last();
                read.continuation = page.continuation().cloned();
            }
            Err(error) => read.error = Some(error),
        }
    }
    read
}

fn without(rows: impl IntoIterator<Item = i64>, bad: &[i64]) -> Vec<i64> {
    rows.into_iter().filter(|id| !bad.contains(id)).collect()
}

#[tokio::test]
async fn a_bad_row_is_found_named_and_skipped_with_the_fewest_requests() {
    for mode in [PagingMode::ForwardOnly, PagingMode::Keyset] {
        let server = Rows::start(Habits::rows(1..=20).bad(&[6])).await;
        let read = read(server.client.list("/x").page_size(8).mode(mode).skip_unreadable()).await;
        assert_eq!(read.ids, without(1..=20, &[6]), "{mode:?}");
        assert_eq!(read.unreadable, [(Some(6), Some(5), None)]);
        assert_eq!(read.conditions, ["id = 6"]);
        assert!(read.last && read.error.is_none());
        // Three attempts for a page that fails, its id, a last try, and then larger pages again.
        let expected = [
            "8@0", "8@0", "8@0", "4@0", "2@4", "2@4", "2@4", "1@4", "1@5", "1@5", "1@5", "1@5 id", "1@5", "1@6", "2@7",
            "4@9", "8@13", "8@20",
        ];
        assert_eq!(server.asked(), expected, "{mode:?}");
    }
}

#[tokio::test]
async fn a_bad_row_whose_id_cannot_be_had_is_told_from_its_neighbours() {
    for mode in [PagingMode::ForwardOnly, PagingMode::Keyset] {
        let server = Rows::start(Habits { ids_come: false, ..Habits::rows([10, 20, 30, 40]).bad(&[20]) }).await;
        let read = read(server.client.list("/x").conditions("a = 1").page_size(2).mode(mode).skip_unreadable()).await;
        assert_eq!(read.ids, [10, 30, 40]);
        assert_eq!(read.unreadable, [(None, Some(10), Some(30))]);
        assert_eq!(read.conditions, ["(id > 10 and id < 30)"]);
        assert!(read.last);
        let expected = [
            "2@0",
            "2@0",
            "2@0",
            "1@0",
            "1@10",
            "1@10",
            "1@10",
            "1@10 id",
            "1@10p2 id",
            "1@10",
            "1@29",
            "2@30",
            "2@40",
        ];
        assert_eq!(server.asked(), expected, "{mode:?}");
    }
}

#[tokio::test]
async fn bad_rows_are_found_wherever_they_are() {
    let table: [(&[i64], &[i64]); 7] = [
        (&[1, 2, 3, 4, 5], &[1]),
        (&[1, 2, 3, 4, 5], &[5]),
        (&[1], &[1]),
        (&[1, 2, 3, 4, 5], &[2, 3]),
        (&[1, 2, 3], &[1, 2, 3]),
        (&[3, 50, 51, 700, 9_000], &[50, 9_000]),
        (&[5, 6, 7, 8, 9, 10, 11, 12, 13], &[6, 9, 12, 13]),
    ];
    for (rows, bad) in table {
        for (mode, ids_come) in [
            (PagingMode::ForwardOnly, true),
            (PagingMode::ForwardOnly, false),
            (PagingMode::Keyset, true),
            (PagingMode::Keyset, false),
        ] {
            let habits = Habits { ids_come, ..Habits::rows(rows.iter().copied()).bad(bad) };
            let server = Rows::start(habits).await;
            let read = read(server.client.list("/x").page_size(4).mode(mode).skip_unreadable()).await;
            let case = format!("{rows:?} without {bad:?}, {mode:?}, {ids_come}: {read:?}");
            assert_eq!(read.ids, without(rows.iter().copied(), bad), "{case}");
            assert!(read.last, "{case}");
            if ids_come {
                let found: Vec<i64> = read.unreadable.iter().map(|(id, ..)| id.unwrap()).collect();
                assert_eq!(found, bad, "{case}");
            } else {
                // Each bad row lies in one of the gaps that are reported.
                let within = |id: i64| {
                    let gaps = read.unreadable.iter();
                    gaps.filter(|(_, after, before)| {
                        after.is_none_or(|after| id > after) && before.is_none_or(|before| id < before)
                    })
                    .count()
                };
                assert!(bad.iter().all(|id| within(*id) >= 1), "{case}");
            }
        }
    }
}

#[tokio::test]
async fn without_leave_to_skip_it_the_listing_ends_in_an_error_that_names_it() {
    let server = Rows::start(Habits::rows(1..=9).bad(&[6])).await;
    let listing = || server.client.list("/x").page_size(4);
    let first = read(listing()).await;
    assert_eq!(first.ids, [1, 2, 3, 4, 5]);
    assert!(!first.last);
    let error = first.error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Unreadable);
    assert_eq!(
        error.to_string(),
        "the server fails on record 6 of GET /x every time: repair the record, or skip what can't be read and treat the listing as incomplete"
    );
    assert_eq!(
        error.source().unwrap().to_string(),
        "the server failed on GET /x (500 Internal Server Error: ConnectWiseApi: String was not recognized as a valid Boolean): try again later, or with a smaller page size if it is always the same page"
    );

    // Where it stopped it goes on, in another process perhaps, and once the record is repaired it is there.
    let saved = serde_json::to_string(&first.continuation.unwrap()).unwrap();
    let resumed = || listing().resume(serde_json::from_str(&saved).unwrap());
    let skipping = read(resumed().skip_unreadable()).await;
    assert_eq!((skipping.ids, skipping.unreadable.len(), skipping.last), (vec![7, 8, 9], 1, true));
    server.change(|habits| habits.bad.clear());
    let repaired = read(resumed()).await;
    assert_eq!((repaired.ids, repaired.unreadable.len(), repaired.last), (vec![6, 7, 8, 9], 0, true));
}

#[tokio::test]
async fn a_server_that_is_down_is_no_bad_row() {
    let server = Rows::start(Habits { down_until: usize::MAX, ..Habits::rows(1..=9) }).await;
    let read = read(server.client.list("/x").page_size(4).skip_unreadable()).await;
    assert!(read.ids.is_empty() && read.unreadable.is_empty() && !read.last);
    assert_eq!(read.error.unwrap().status(), Some(500));
    let asked = server.asked();
    // Pages of 4, 2 and 1, one id, four neighbours, and in the end all attempts of the policy.
    assert!(asked[22..].iter().all(|asked| *asked == "1@0p2 id"), "{asked:?}");
    assert_eq!(asked.len(), 3 + 3 + 3 + 1 + 4 * 3 + 8);
}

#[tokio::test]
async fn trouble_that_passes_costs_no_row() {
    // Down for so many requests: within the attempts of a page, down to single rows, and while looking around one.
    for down_until in 1..=29 {
        let server = Rows::start(Habits { down_until, ..Habits::rows(1..=9) }).await;
        let read = read(server.client.list("/x").page_size(4)).await;
        assert_eq!(read.ids, (1..=9).collect::<Vec<_>>(), "{down_until}");
        assert!(read.last && read.unreadable.is_empty(), "{down_until}: {read:?}");
    }
    let server = Rows::start(Habits { down_until: 2, ..Habits::rows(1..=4) }).await;
    read(server.client.list("/x").page_size(8)).await;
    assert_eq!(server.asked(), ["8@0", "8@0", "8@0", "8@4"], "not a smaller page at once");
}

#[tokio::test]
async fn pages_that_take_too_long_are_asked_for_in_pieces() {
    for mode in [PagingMode::ForwardOnly, PagingMode::Keyset, PagingMode::PageNumber] {
        let habits = Habits { most: 3, ..Habits::rows(1..=12) };
        let impatient = RetryPolicy { max_attempts: 1, ..RetryPolicy::default() };
        let server =
            Rows::with(habits, |config| config.with_read_timeout(Duration::from_millis(250)).with_retry(impatient))
                .await;
        let read = read(server.client.list("/x").page_size(8).mode(mode)).await;
        assert_eq!(read.ids, (1..=12).collect::<Vec<_>>(), "{mode:?}");
        assert!(read.last && read.unreadable.is_empty());
    }
}

/// What lies behind a bad row can't be told by numbers, so it isn't skipped.
#[tokio::test]
async fn page_numbers_give_what_comes_before_a_bad_row() {
    let server = Rows::start(Habits::rows(1..=20).bad(&[6])).await;
    let read = read(server.client.list("/x").page_size(8).mode(PagingMode::PageNumber).skip_unreadable()).await;
    assert_eq!(read.ids, [1, 2, 3, 4, 5]);
    assert!(!read.last && read.unreadable.is_empty());
    let error = read.error.unwrap();
    assert_eq!((error.status(), error.request().unwrap().attempt), (Some(500), 8));
    let asked = server.asked();
    let expected = ["8@0", "8@0", "8@0", "4@0", "4@0p2", "4@0p2", "4@0p2", "2@0p3", "2@0p3", "2@0p3", "1@0p5"];
    assert_eq!(asked[..11], expected);
    assert_eq!(asked[11..], ["1@0p6"; 8]);
}

#[tokio::test]
async fn page_numbers_go_back_to_whole_pages() {
    let server = Rows::start(Habits { down_until: 7, ..Habits::rows(1..=20) }).await;
    let read = read(server.client.list("/x").page_size(8).mode(PagingMode::PageNumber)).await;
    assert_eq!(read.ids, (1..=20).collect::<Vec<_>>());
    assert!(read.last);
    let expected = ["2@0", "2@0", "2@0p2", "2@0p3", "2@0p4", "8@0p2", "8@0p3", "8@0p4"];
    assert_eq!(server.asked()[6..], expected);
}

/// Page 2 means what page 1 was, so its size stays.
#[tokio::test]
async fn a_route_without_cursor_goes_on_with_the_size_that_worked() {
    let server = Rows::start(Habits { cursor: false, down_until: 3, ..Habits::rows(1..=7) }).await;
    let first = read(server.client.list("/x").page_size(4)).await;
    assert_eq!(first.ids, (1..=7).collect::<Vec<_>>());
    assert!(first.last);
    assert_eq!(server.asked()[3..], ["2@0", "2@0p2", "2@0p3", "2@0p4", "2@0p5"]);
}
