//! A server that plays a script and writes down what it was asked.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use connectwise_sdk::{Client, Clock, Config, ConfigParts};
use futures::{StreamExt as _, future::BoxFuture, stream};
use tokio::net::TcpListener;

/// One scripted answer.
#[derive(Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    ending: Ending,
}

#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Whole,
    /// The connection closes before the end of the body.
    Cut,
    /// No answer at all.
    Silent,
    /// The beginning of a body, and then nothing more.
    Stuck,
}

impl Reply {
    pub(crate) fn json(body: &str) -> Self {
        Self::status(200, body).header("content-type", "application/json; charset=utf-8")
    }

    pub(crate) fn status(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.to_owned(), ending: Ending::Whole }
    }

    /// A page of records with these ids, and this `Link`.
    pub(crate) fn page(ids: &[i64], link: Option<&str>) -> Self {
        let records: Vec<String> = ids.iter().map(|id| format!("{{\"id\":{id}}}")).collect();
        let reply = Self::json(&format!("[{}]", records.join(",")));
        match link {
            Some(link) => reply.header("link", link),
            None => reply,
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn cut(mut self) -> Self {
        self.ending = Ending::Cut;
        self
    }

    pub(crate) fn stuck(mut self) -> Self {
        self.ending = Ending::Stuck;
        self
    }

    pub(crate) fn silent() -> Self {
        Self { ending: Ending::Silent, ..Self::status(200, "") }
    }

    async fn play(self) -> Response {
        let mut response = match self.ending {
            Ending::Silent => std::future::pending().await,
            Ending::Whole => self.body.into_response(),
            Ending::Cut => {
                let parts = [Ok(Bytes::from(self.body)), Err(io::Error::other("cut"))];
                Body::from_stream(stream::iter(parts)).into_response()
            }
            Ending::Stuck => {
                let begun = stream::iter([Ok::<_, io::Error>(Bytes::from(self.body))]);
                Body::from_stream(begun.chain(stream::pending())).into_response()
            }
        };
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap();
        response.headers_mut().remove("content-type");
        for (name, value) in self.headers {
            response.headers_mut().append(name, value.parse().unwrap());
        }
        response
    }
}

/// A sentence that names a server on loopback, the same whatever port that has.
pub(crate) fn without_port(text: &str) -> String {
    let mut parts = text.split("127.0.0.1:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "127.0.0.1:PORT" + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

/// One request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    /// The request as text, with its secrets and its port taken out.
    pub(crate) fn show(&self) -> String {
        let mut lines = vec![format!("{} {}", self.method, self.target)];
        let mut headers: Vec<String> = self
            .headers
            .iter()
            .filter(|(name, _)| *name != "host")
            .map(|(name, value)| match name.as_str() {
                "authorization" | "clientid" => format!("{name}: [redacted]"),
                _ => format!("{name}: {}", value.to_str().unwrap()),
            })
            .collect();
        headers.sort();
        lines.extend(headers);
        if !self.body.is_empty() {
            lines.push(self.body.clone());
        }
        lines.join("\n")
    }
}

type Script = Arc<Mutex<(VecDeque<Reply>, Vec<Seen>)>>;

pub(crate) struct Server {
    script: Script,
    pub(crate) client: Client,
    pub(crate) clock: Arc<TestClock>,
}

impl Server {
    /// A server with this script, and a client of it.
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::with(replies, |config| config).await
    }

    pub(crate) async fn with(replies: impl IntoIterator<Item = Reply>, change: impl FnOnce(Config) -> Config) -> Self {
        Self::at(replies, |host| change(config(format!("{host}/api")))).await
    }

    /// A server with this script, and a client with settings of its own for `http://127.0.0.1:PORT`.
    pub(crate) async fn at(replies: impl IntoIterator<Item = Reply>, settings: impl FnOnce(String) -> Config) -> Self {
        let script: Script = Arc::new(Mutex::new((replies.into_iter().collect(), Vec::new())));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(script.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let clock = Arc::new(TestClock::default());
        let client = Client::with_clock(settings(host), clock.clone()).unwrap();
        Self { script, client, clock }
    }

    /// What was asked. The script must have been played to its end, and not beyond.
    pub(crate) fn finish(&self) -> Vec<Seen> {
        let script = self.script.lock().unwrap();
        let left = script.0.len();
        let played = script.1.iter().filter(|seen| seen.method != "UNEXPECTED").count();
        assert_eq!((left, script.1.len()), (0, played), "replies left, requests in all: {:#?}", script.1);
        script.1.clone()
    }

    pub(crate) fn targets(&self) -> Vec<String> {
        self.finish().into_iter().map(|seen| seen.target).collect()
    }
}

pub(crate) fn parts() -> ConfigParts {
    ConfigParts {
        username: Some("acme+pub".to_owned()),
        password: Some("geheim".into()),
        client_id: Some("11111111-2222-3333-4444-555555555555".to_owned()),
        ..ConfigParts::default()
    }
}

pub(crate) fn config(base_url: String) -> Config {
    Config::from_parts(ConfigParts { base_url: Some(base_url), ..parts() }).unwrap().with_page_size(2)
}

async fn answer(State(script): State<Script>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let reply = {
        let mut script = script.lock().unwrap();
        let reply = script.0.pop_front();
        script.1.push(Seen {
            method: if reply.is_some() { parts.method.to_string() } else { "UNEXPECTED".to_owned() },
            target: parts.uri.to_string(),
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        });
        reply
    };
    match reply {
        Some(reply) => reply.play().await,
        None => (StatusCode::IM_A_TEAPOT, "the script is over").into_response(),
    }
}

/// A clock that only pauses move, without waiting, and that has no chance in it.
#[derive(Debug, Default)]
pub(crate) struct TestClock {
    pauses: Mutex<Vec<Duration>>,
}

impl TestClock {
    /// The pauses so far, in milliseconds.
    pub(crate) fn pauses(&self) -> Vec<u128> {
        self.pauses.lock().unwrap().iter().map(Duration::as_millis).collect()
    }
}

impl Clock for TestClock {
    /// `Sun, 06 Nov 1994 08:49:37 GMT`, and the pauses.
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777) + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.pauses.lock().unwrap().iter().sum()
    }

    fn random(&self) -> f64 {
        0.0
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.pauses.lock().unwrap().push(duration);
        Box::pin(std::future::ready(()))
    }
}
