//! What whoever counts is told, and what the log's spans hold.

use std::{
    fmt::Debug,
    sync::{Arc, Mutex},
    time::Duration,
};

use connectwise_sdk::{Attempt, AttemptResult, Observer};
use tracing::{
    Event, Id, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Record},
};

use crate::server::{Reply, Server};

#[derive(Debug, Default)]
struct Diary(Mutex<Vec<String>>);

impl Diary {
    fn write(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn read(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

impl Observer for Diary {
    fn started(&self, attempt: &Attempt<'_>) {
        self.write(format!("started {} {} #{}", attempt.method, attempt.path, attempt.number));
    }

    fn waiting(&self, attempt: &Attempt<'_>, waited: Duration) {
        self.write(format!("waiting for #{} after {waited:?}", attempt.number));
    }

    fn finished(&self, attempt: &Attempt<'_>, result: &AttemptResult<'_>) {
        let AttemptResult { status, error, bytes, duration, request_id, dropped, .. } = result;
        let dropped = if *dropped { ", dropped" } else { "" };
        self.write(format!(
            "finished #{}: {status:?} {error:?} {bytes} bytes in {duration:?}, {request_id:?}{dropped}",
            attempt.number
        ));
    }

    fn retried(&self, attempt: &Attempt<'_>, pause: Duration) {
        self.write(format!("retried #{} after {pause:?}", attempt.number));
    }
}

#[tokio::test]
async fn every_attempt_is_told() {
    let diary = Arc::new(Diary::default());
    let replies = [
        Reply::status(500, "oops").header("x-cw-request-id", "r-1"),
        Reply::json("[1,").stuck(),
        Reply::json("{\"a\":1}").header("x-cw-request-id", "r-3"),
        Reply::status(404, "{}"),
    ];
    let server = Server::with(replies, |config| {
        config.with_observer(diary.clone()).with_read_timeout(Duration::from_millis(250))
    })
    .await;
    server.client.get_raw("/time/entries").await.unwrap();
    server.client.request(connectwise_sdk::Method::Post, "/x").query("conditions", "secret").send().await.unwrap_err();
    server.finish();
    insta::assert_snapshot!(diary.read(), @r#"
    started GET /time/entries #1
    finished #1: Some(500) Some(Status) 4 bytes in 0ns, Some("r-1")
    retried #1 after 150ms
    started GET /time/entries #2
    waiting for #2 after 125ms
    finished #2: Some(200) Some(Timeout) 0 bytes in 0ns, None
    retried #2 after 300ms
    started GET /time/entries #3
    finished #3: Some(200) None 7 bytes in 0ns, Some("r-3")
    started POST /x #1
    finished #1: Some(404) Some(Status) 2 bytes in 0ns, None
    "#);
}

/// Whoever counts requests under way would count those for ever.
#[tokio::test]
async fn a_dropped_attempt_is_told_as_over() {
    let diary = Arc::new(Diary::default());
    let server = Server::with([Reply::silent()], |config| config.with_observer(diary.clone())).await;
    let mut answer = Box::pin(server.client.get_raw("/time/entries"));
    while diary.read().is_empty() {
        assert!(futures::poll!(&mut answer).is_pending());
        tokio::task::yield_now().await;
    }
    drop(answer);
    insta::assert_snapshot!(diary.read(), @r"
    started GET /time/entries #1
    finished #1: None None 0 bytes in 0ns, None, dropped
    ");
}

/// Keeps what spans named `request` hold.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<Vec<String>>>>);

struct Fields<'a>(&'a mut Vec<String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push(format!("{field}={value:?}"));
    }
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.target().starts_with("connectwise_sdk")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut spans = self.0.lock().unwrap();
        let mut fields = vec![span.metadata().name().to_owned()];
        span.record(&mut Fields(&mut fields));
        spans.push(fields);
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut spans = self.0.lock().unwrap();
        values.record(&mut Fields(&mut spans[span.into_u64() as usize - 1]));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn spans_hold_the_request_id() {
    let server = Server::start([
        Reply::status(503, "").header("x-cw-request-id", "r-1"),
        Reply::json("{}").header("x-cw-request-id", "r-2"),
    ])
    .await;
    let spans = Spans::default();
    let guard = tracing::subscriber::set_default(spans.clone());
    server.client.get_raw("/time/entries").await.unwrap();
    drop(guard);
    server.finish();
    let spans: Vec<String> = spans.0.lock().unwrap().iter().map(|fields| fields.join(" ")).collect();
    insta::assert_snapshot!(spans.join("\n"), @r#"
    request method="GET" path="/time/entries" attempt=1 status=503 request_id="r-1"
    request method="GET" path="/time/entries" attempt=2 status=200 request_id="r-2"
    "#);
}
