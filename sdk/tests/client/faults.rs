//! The client against a simulated server and its faults: each ends in success after the fewest requests or in the right
//! error. The simulator shares no code with the client, and it is the one that counts.

use std::time::Duration;

use connectwise_sdk::{Config, Error, ErrorKind, PagingMode, Result};
use futures::StreamExt as _;
use serde_json::Value;

use crate::simulator::Simulated;

/// Pages of 25 records, ten on each.
const PAGES: usize = 3;

/// The ids of a listing, and how it ended.
async fn read(simulated: &Simulated, mode: PagingMode) -> (Vec<i64>, Result<()>) {
    let mut pages = Box::pin(simulated.client.list("/time/entries").mode(mode).pages());
    let mut ids = Vec::new();
    let mut ended = false;
    while let Some(page) = pages.next().await {
        let page = match page {
            Ok(page) => page,
            Err(error) => return (ids, Err(error)),
        };
        let records = page.records().unwrap();
        let id = |text: &str| serde_json::from_str::<Value>(text).unwrap()["id"].as_i64().unwrap();
        ids.extend(records.into_iter().map(|record| id(record.get())));
        ended = page.is_last();
    }
    assert!(ended, "a listing that ends without its last page ends in an error");
    (ids, Ok(()))
}

/// Shortens the read time-out for faults that stall. The others keep the default minute, however busy the machine is.
fn impatient(fault: &str, longest: Duration) -> impl FnOnce(Config) -> Config {
    let stops = stops(fault);
    move |config| if stops { config.with_read_timeout(longest) } else { config }
}

fn stops(fault: &str) -> bool {
    fault.contains("stall")
}

#[tokio::test]
async fn without_faults_a_listing_takes_one_request_a_page() {
    let simulated = Simulated::start().await;
    let (ids, end) = read(&simulated, PagingMode::ForwardOnly).await;
    assert!(end.is_ok() && ids.len() == 25 && ids.is_sorted());
    assert_eq!(simulated.requests().await, vec!["GET /time/entries"; PAGES]);
}

#[tokio::test]
async fn trouble_that_passes_costs_one_request_and_the_right_pause() {
    let table: [(&str, &[u128]); 15] = [
        (r#""status":429,"retryAfter":2"#, &[2_000]),
        // Ten seconds after the test's clock.
        (r#""status":429,"retryAfter":"Sun, 06 Nov 1994 08:49:47 GMT""#, &[10_000]),
        // Its text names 30 seconds.
        (r#""status":429"#, &[30_000]),
        (r#""status":429,"html":true"#, &[2_400]),
        (r#""status":500"#, &[150]),
        (r#""status":500,"times":2"#, &[150, 300]),
        (r#""status":502,"html":true"#, &[150]),
        (r#""status":503,"html":true"#, &[150]),
        (r#""status":503,"html":true,"retryAfter":3"#, &[3_000]),
        (r#""status":504,"html":true"#, &[150]),
        (r#""cut":true"#, &[150]),
        (r#""close":true"#, &[150]),
        (r#""stall":true"#, &[150]),
        // No trouble at all: it goes on coming, and JSON is JSON whatever the header calls it.
        (r#""slow":100000"#, &[]),
        (r#""contentType":"text/html""#, &[]),
    ];
    for (fault, pauses) in table {
        let simulated = Simulated::with(impatient(fault, Duration::from_secs(5))).await;
        simulated.fault(&format!(r#"{{"path":"/time/entries","nth":2,{fault}}}"#)).await;
        let (ids, end) = read(&simulated, PagingMode::ForwardOnly).await;
        assert!(end.is_ok() && ids.len() == 25, "{fault}: {end:?}");
        assert_eq!(simulated.requests().await, vec!["GET /time/entries"; PAGES + pauses.len()], "{fault}");
        assert_eq!(simulated.clock.pauses(), pauses, "{fault}");
    }
}

#[tokio::test]
async fn a_connection_that_is_refused_is_made_again() {
    let simulated = Simulated::start().await;
    // The rule counts connections from the one on, that follows the request which made it.
    simulated.fault(r#"{"refuse":true}"#).await;
    let (ids, end) = read(&simulated, PagingMode::ForwardOnly).await;
    assert!(end.is_ok() && ids.len() == 25, "{end:?}");
    assert_eq!(simulated.bitten("refuse").await, 1);
    assert_eq!(simulated.requests().await.len(), PAGES);
}

#[tokio::test]
async fn trouble_that_lasts_ends_in_the_right_error_after_all_attempts() {
    type Question = fn(&Error) -> bool;
    let table: [(&str, Question); 8] = [
        (r#""status":429"#, Error::is_rate_limited),
        (r#""status":500"#, |error| error.status() == Some(500)),
        (r#""status":502,"html":true"#, |error| error.status() == Some(502)),
        (r#""status":503,"html":true"#, |error| error.status() == Some(503)),
        (r#""status":504,"html":true"#, |error| error.status() == Some(504)),
        (r#""cut":true"#, |error| error.kind() == ErrorKind::Interrupted),
        (r#""close":true"#, |error| error.kind() == ErrorKind::Interrupted),
        (r#""stall":true"#, Error::is_timeout),
    ];
    for (fault, question) in table {
        let simulated = Simulated::with(impatient(fault, Duration::from_millis(150))).await;
        simulated.fault(&format!(r#"{{"times":1000,{fault}}}"#)).await;
        let error = simulated.client.get_raw("/time/entries").await.unwrap_err();
        assert!(question(&error) && error.is_retryable(), "{fault}: {error}");
        assert_eq!(error.request().unwrap().attempt, 8, "{fault}");
        assert_eq!(simulated.client.stats().requests, 8, "{fault}");
        // With the short time-out, a busy machine may see the client hang up before the server has read its request.
        let arrived = simulated.requests().await.len();
        assert!(arrived == 8 || (arrived < 8 && stops(fault)), "{fault}: {arrived}");
    }
}

#[tokio::test]
async fn an_answer_of_another_kind_is_an_error_at_once() {
    let simulated = Simulated::start().await;
    let wanted = simulated.client.list("/system/info").pages();
    let error = Box::pin(wanted).next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    assert_eq!(simulated.requests().await, ["GET /system/info"]);
}

/// The bodies that errors have: with details, without, a bare message, the rate limit's, a web page, and nothing.
const SHAPES: [(&str, &str); 7] = [
    (r#","body":"{\"code\":\"C\",\"message\":\"M.\",\"errors\":[{\"code\":\"E\",\"field\":\"f\"}]}""#, "C: M (f: E)"),
    (r#","body":"{\"code\":\"C\",\"message\":\"M.\",\"errors\":null}""#, "C: M"),
    (r#","body":"{\"code\":\"C\",\"message\":\"M.\"}""#, "C: M"),
    (r#","body":"{\"message\":\"M.\"}""#, "M"),
    (r#","body":"{\"error\":\"C\",\"message\":\"M.\"}""#, "C: M"),
    (r#","html":true"#, "Unauthorized|Forbidden|Not Found"),
    (r#","body":"""#, "the answer says nothing more"),
];

#[tokio::test]
async fn a_refusal_is_the_right_error_in_every_shape_after_one_request() {
    type Question = fn(&Error) -> bool;
    let table: [(u16, Question); 3] =
        [(401, Error::is_unauthorized), (403, Error::is_forbidden), (404, Error::is_not_found)];
    for (status, question) in table {
        for (shape, words) in SHAPES {
            let simulated = Simulated::start().await;
            simulated.fault(&format!(r#"{{"path":"/time/entries","status":{status}{shape}}}"#)).await;
            let (ids, end) = read(&simulated, PagingMode::ForwardOnly).await;
            let error = end.unwrap_err();
            assert!(ids.is_empty() && question(&error) && !error.is_retryable(), "{status} {shape}: {error}");
            let told = error.api().unwrap().to_string();
            assert!(words.split('|').any(|words| told.ends_with(words)), "{status} {shape}: {told}");
            assert_eq!(simulated.requests().await, ["GET /time/entries"], "{status} {shape}");
            assert!(simulated.clock.pauses().is_empty());
        }
    }
}

#[tokio::test]
async fn refusals_that_nobody_has_to_inject_are_told_apart_too() {
    let simulated = Simulated::start().await;
    let stranger = simulated.client(|parts| connectwise_sdk::ConfigParts { password: Some("wrong".into()), ..parts });
    assert!(stranger.get_raw("/time/entries").await.unwrap_err().is_unauthorized());
    assert!(simulated.client.get_raw("/time/nothing").await.unwrap_err().is_not_found());
    let gone = simulated.client.get_raw("/time/entries/999999999").await.unwrap_err();
    assert!(gone.is_not_found());
    assert_eq!(gone.api().unwrap().message.as_deref(), Some("TimeEntry 999999999 not found"));
    let unknown = simulated.client.count("/time/entries", Some("colour = 1")).await.unwrap_err();
    assert_eq!((unknown.status(), unknown.api().unwrap().code.as_deref()), (Some(400), Some("ApiFindCondition")));
    assert_eq!(simulated.requests().await.len(), 4);
}

/// A record on which the server fails every time, also when it is asked for alone or for no more than its id.
#[tokio::test]
async fn a_bad_record_is_named_and_all_others_come() {
    for mode in [PagingMode::ForwardOnly, PagingMode::Keyset] {
        let simulated = Simulated::start().await;
        let (ids, end) = read(&simulated, mode).await;
        assert!(end.is_ok());
        let (bad, undisturbed) = (ids[11], simulated.requests().await.len());
        simulated.fault(&format!(r#"{{"path":"/time/entries","holdsId":{bad},"status":500,"times":100000}}"#)).await;

        let (before, end) = read(&simulated, mode).await;
        assert_eq!(end.unwrap_err().kind(), ErrorKind::Unreadable, "{mode:?}");
        assert_eq!(before, ids[..11], "{mode:?}");
        let failing = simulated.requests().await.len() - undisturbed;
        assert!(failing < 60, "{mode:?}: {failing} requests");

        let mut pages = Box::pin(simulated.client.list("/time/entries").mode(mode).skip_unreadable().pages());
        let (mut others, mut skipped, mut last) = (Vec::new(), 0, false);
        while let Some(page) = pages.next().await {
            let page = page.unwrap();
            let id = |text: &str| serde_json::from_str::<Value>(text).unwrap()["id"].as_i64().unwrap();
            others.extend(page.records().unwrap().into_iter().map(|record| id(record.get())));
            skipped += page.unreadable().len();
            last = page.is_last();
        }
        let wanted: Vec<i64> = ids.iter().copied().filter(|id| *id != bad).collect();
        assert_eq!((others, skipped, last), (wanted, 1, true), "{mode:?}");
    }
}
