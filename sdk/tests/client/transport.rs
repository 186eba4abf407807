//! A transport of one's own: what it is given, and that everything above it is as over the network.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use connectwise_sdk::transport::{Carried, Transport, TransportBody, TransportError};
use connectwise_sdk::{Attempt, AttemptResult, Client, Config, ConfigParts, ErrorKind, Method, Observer};
use futures::future::BoxFuture;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;

use crate::server::{TestClock, config, parts};

/// Answers from a list, and keeps what it was given.
#[derive(Clone, Default)]
struct Played {
    answers: Arc<Mutex<Vec<Answer>>>,
    seen: Arc<Mutex<Vec<http::Request<Bytes>>>>,
}

type Answer = Box<dyn FnOnce() -> Carried + Send>;

impl Transport for Played {
    fn carry(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Carried> {
        self.seen.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().remove(0);
        Box::pin(async move { answer() })
    }
}

impl Played {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Self::default() }
    }

    fn client(&self, config: Config) -> (Client, Arc<TestClock>) {
        let clock = Arc::new(TestClock::default());
        (Client::with_clock(config.with_transport(self.clone()), clock.clone()).unwrap(), clock)
    }

    fn targets(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        assert!(self.answers.lock().unwrap().is_empty());
        seen.iter().map(|request| format!("{} {}", request.method(), request.uri())).collect()
    }
}

fn answer(status: u16, body: &'static str) -> Answer {
    Box::new(move || Ok(http::Response::builder().status(status).body(body.into()).unwrap()))
}

fn page(body: &'static str, link: &'static str) -> Answer {
    Box::new(move || Ok(http::Response::builder().header("link", link).body(body.into()).unwrap()))
}

fn failure(error: fn(&'static str) -> TransportError) -> Answer {
    Box::new(move || Err(error("the cable is out")))
}

fn psa() -> Config {
    config("https://na.myconnectwise.net".to_owned())
}

const ROOT: &str = "https://api-na.myconnectwise.net/v4_6_release/apis/3.0";

#[tokio::test]
async fn it_is_given_whole_requests() {
    let played = Played::new([answer(201, "{}")]);
    let (client, _) = played.client(psa().with_user_agent("nightly export 1.0").unwrap());
    let request = client.request(Method::Post, "/time/entries").query("a", "b c").header("x-mine", "1");
    request.json(&json!({"id": 1})).unwrap().send().await.unwrap();
    assert_eq!(played.targets(), [format!("POST {ROOT}/time/entries?a=b%20c")]);
    let seen = played.seen.lock().unwrap();
    assert_eq!(seen[0].body(), "{\"id\":1}");
    let mut headers: Vec<_> =
        seen[0].headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    headers.sort();
    // printf 'acme+pub:geheim' | base64
    let expected = [
        "accept: application/vnd.connectwise.com+json; version=2025.8",
        "authorization: Basic YWNtZStwdWI6Z2VoZWlt",
        "clientid: 11111111-2222-3333-4444-555555555555",
        "content-type: application/json",
        "user-agent: nightly export 1.0",
        "x-mine: 1",
    ];
    assert_eq!(headers, expected);
    assert!(seen[0].headers()["authorization"].is_sensitive());
}

/// Hears how attempts ended.
#[derive(Debug, Default)]
struct Heard(Mutex<Vec<HeardAttempt>>);

/// Number, status and kind of failure of an attempt.
type HeardAttempt = (u32, Option<u16>, Option<ErrorKind>);

impl Observer for Heard {
    fn finished(&self, attempt: &Attempt<'_>, result: &AttemptResult<'_>) {
        self.0.lock().unwrap().push((attempt.number, result.status, result.error));
    }
}

#[tokio::test]
async fn retries_pages_counters_and_observers_are_as_ever() {
    let heard = Arc::new(Heard::default());
    let busy: Answer =
        Box::new(|| Ok(http::Response::builder().status(503).header("retry-after", "3").body("".into()).unwrap()));
    let next = "<https://elsewhere/?pageId=2>; rel=\"next\"";
    let played = Played::new([busy, page("[{\"id\":1},{\"id\":2}]", next), page("[{\"id\":3}]", "")]);
    let (client, clock) = played.client(psa().with_observer(heard.clone()));
    let pages: Vec<_> = client.list("/time/entries").pages().try_collect().await.unwrap();
    let ids: Vec<usize> = pages.iter().map(|page| page.records().unwrap().len()).collect();
    assert_eq!((ids, pages[1].is_last()), (vec![2, 1], true));
    assert_eq!(clock.pauses()[0], 3_000);
    let stats = client.stats();
    assert_eq!((stats.requests, stats.retries), (3, 1));
    let ends = [(1, Some(503), Some(ErrorKind::Status)), (2, Some(200), None), (1, Some(200), None)];
    assert_eq!(*heard.0.lock().unwrap(), ends);
    assert!(played.targets()[2].contains("pageId=2"), "{:?}", played.targets());
}

#[tokio::test]
async fn the_server_is_asked_where_the_api_is() {
    let info = r#"{"CompanyName":"Acme","Codebase":"v2025_8/","VersionCode":"v2025.8","CompanyID":"acme"}"#;
    let played = Played::new([answer(200, info), answer(200, "{}")]);
    let site = ConfigParts { site: Some("na.myconnectwise.net".to_owned()), ..parts() };
    let (client, _) = played.client(Config::from_parts(site).unwrap());
    client.get_raw("/x").await.unwrap();
    let targets = played.targets();
    assert!(
        targets[0].ends_with("/login/companyinfo/acme") && targets[1].ends_with("/v2025_8/apis/3.0/x"),
        "{targets:?}"
    );
    assert!(!played.seen.lock().unwrap()[0].headers().contains_key("authorization"));
}

/// What a transport says of a failure decides whether a write is sent again.
#[tokio::test]
async fn a_write_is_repeated_only_if_it_never_left() {
    type Make = fn(&'static str) -> TransportError;
    let table: [(Make, ErrorKind, bool); 3] = [
        (|text| TransportError::not_sent(text), ErrorKind::Connect, true),
        (|text| TransportError::timed_out(text), ErrorKind::Timeout, false),
        (|text| TransportError::interrupted(text), ErrorKind::Interrupted, false),
    ];
    for (make, kind, again) in table {
        let answers = [answer(200, "{}"), failure(make)].into_iter().chain(again.then(|| answer(201, "{}")));
        let played = Played::new(answers);
        let (client, _) = played.client(psa());
        // Who was reached once is worth more attempts.
        client.get_raw("/x").await.unwrap();
        let end = client.request(Method::Post, "/x").send().await;
        assert_eq!(played.targets().len(), if again { 3 } else { 2 }, "{kind:?}");
        if !again {
            let error = end.unwrap_err();
            assert_eq!(error.kind(), kind);
            assert!(error.may_have_been_carried_out() && !error.is_retryable(), "{error}");
            assert!(format!("{error:?}").ends_with("caused by: the cable is out"), "{error:?}");
        } else {
            end.unwrap();
        }
        // A read is repeated whatever it was.
        let played = Played::new([answer(200, "{}"), failure(make), answer(200, "{}")]);
        let (client, _) = played.client(psa());
        client.get_raw("/x").await.unwrap();
        client.get_raw("/x").await.unwrap();
        assert_eq!(played.targets().len(), 3, "{kind:?}");
    }
}

#[tokio::test]
async fn a_server_that_was_never_reached_is_given_up_soon() {
    let played = Played::new((0..4).map(|_| failure(TransportError::not_sent)));
    let (client, _) = played.client(psa());
    let error = client.get_raw("/x").await.unwrap_err();
    assert!(error.to_string().starts_with("no connection to api-na.myconnectwise.net for GET /x"), "{error}");
    assert_eq!(played.targets().len(), 4);
}

fn pieces(pieces: impl IntoIterator<Item = Result<&'static str, TransportError>>) -> Answer {
    let pieces: Vec<_> = pieces.into_iter().map(|piece| piece.map(Bytes::from)).collect();
    Box::new(move || Ok(http::Response::new(TransportBody::from_stream(stream::iter(pieces)))))
}

#[tokio::test]
async fn a_body_that_breaks_is_asked_for_again_and_a_download_says_so() {
    let broken = || pieces([Ok("[{\"id\""), Err(TransportError::interrupted("reset"))]);
    let played = Played::new([broken(), pieces([Ok("[{\"id\""), Ok(":1}]")]), broken()]);
    let (client, _) = played.client(psa());
    assert_eq!(client.get_raw("/x").await.unwrap(), "[{\"id\":1}]");
    let mut body = Box::pin(client.request(Method::Get, "/x").download().await.unwrap().into_stream());
    assert_eq!(body.next().await.unwrap().unwrap(), "[{\"id\"");
    let error = body.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert!(body.next().await.is_none());
    assert_eq!(played.targets().len(), 3);
}

/// Nothing of a request is shown by the settings, and nothing of an answer.
#[tokio::test]
async fn nothing_is_shown() {
    let config = psa().with_transport(Played::default());
    assert!(format!("{config:?}").contains("transport: Some(Transport)"), "{config:?}");
    assert_eq!(format!("{:?}", TransportBody::from("Meier")), "TransportBody { .. }");
    // What a transport says is cleaned, as what a network says is.
    let played =
        Played::new([failure(|_| TransportError::interrupted("sent authorization: Basic YWNtZStwdWI6Z2VoZWlt"))]);
    let (client, _) = played.client(psa().with_retry(connectwise_sdk::RetryPolicy::never()));
    let error = client.get_raw("/x").await.unwrap_err();
    assert!(!format!("{error:?} {error:#?}").contains("YWNtZStwdWI6Z2VoZWlt"), "{error:?}");
}

#[tokio::test]
async fn a_function_is_a_transport() {
    let config = psa().with_transport(|request: http::Request<Bytes>| async move {
        match request.uri().path().rsplit('/').next() {
            Some("count") => Ok(http::Response::new("{\"count\":7}".into())),
            _ => Err(TransportError::not_sent("nobody is there")),
        }
    });
    let client = Client::new(config).unwrap();
    assert_eq!(client.count("/time/entries", None).await.unwrap(), 7);
}
