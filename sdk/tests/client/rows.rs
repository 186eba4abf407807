//! A server with numbered rows, some of which it can't give.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use connectwise_sdk::{Client, Config};
use tokio::net::TcpListener;
use url::form_urlencoded;

use crate::server::{TestClock, config};

/// How the server behaves.
#[derive(Debug, Clone)]
pub(crate) struct Habits {
    pub(crate) rows: Vec<i64>,
    /// Answers that hold one of these are errors.
    pub(crate) bad: BTreeSet<i64>,
    /// Whether the id alone of a bad row can be had.
    pub(crate) ids_come: bool,
    /// Pages with more records than that are never answered.
    pub(crate) most: usize,
    /// Whether there is a cursor.
    pub(crate) cursor: bool,
    /// Requests, from 1, up to which everything is an error.
    pub(crate) down_until: usize,
}

impl Habits {
    pub(crate) fn rows(rows: impl IntoIterator<Item = i64>) -> Self {
        Self {
            rows: rows.into_iter().collect(),
            bad: BTreeSet::new(),
            ids_come: true,
            most: usize::MAX,
            cursor: true,
            down_until: 0,
        }
    }

    pub(crate) fn bad(mut self, bad: &[i64]) -> Self {
        self.bad = bad.iter().copied().collect();
        self
    }
}

type Shared = Arc<(Mutex<Habits>, Mutex<Vec<String>>)>;

pub(crate) struct Rows {
    shared: Shared,
    pub(crate) client: Client,
}

impl Rows {
    pub(crate) async fn start(habits: Habits) -> Self {
        Self::with(habits, |config| config).await
    }

    pub(crate) async fn with(habits: Habits, change: impl FnOnce(Config) -> Config) -> Self {
        let shared: Shared = Arc::new((Mutex::new(habits), Mutex::default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/api", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let client = Client::with_clock(change(config(base_url)), Arc::new(TestClock::default())).unwrap();
        Self { shared, client }
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Habits)) {
        change(&mut self.shared.0.lock().unwrap());
    }

    /// What was asked, shortly: `8@0` for eight records behind id 0, `1@4p2` for the second page of one record there.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.shared.1.lock().unwrap().clone()
    }
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let parameter = |name: &str| {
        form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let number = |name: &str| parameter(name).and_then(|value| value.parse::<usize>().ok());
    let key = parameter("conditions").and_then(|text| text.rsplit_once("id > ")?.1.parse::<i64>().ok());
    let size = number("pageSize").unwrap();
    let habits = shared.0.lock().unwrap().clone();
    let cursor = habits.cursor && request.headers().contains_key("pagination-type");
    let after = if cursor { number("pageId").map_or(0, |id| id as i64) } else { key.unwrap_or(0) };
    let page = number("page").unwrap_or(1);
    let ids_only = parameter("fields").as_deref() == Some("id");
    let count = {
        let mut asked = shared.1.lock().unwrap();
        let page = if page == 1 { String::new() } else { format!("p{page}") };
        asked.push(format!("{size}@{after}{page}{}", if ids_only { " id" } else { "" }));
        asked.len()
    };
    let rows = habits.rows.iter().copied().filter(|id| *id > after);
    let rows: Vec<i64> = rows.skip((page - 1) * size).take(size).collect();
    if rows.len() > habits.most {
        std::future::pending::<()>().await;
    }
    let fails = rows.iter().any(|id| habits.bad.contains(id)) && !(ids_only && habits.ids_come);
    if fails || count <= habits.down_until {
        let body = r#"{"code":"ConnectWiseApi","message":"String was not recognized as a valid Boolean."}"#;
        return (StatusCode::INTERNAL_SERVER_ERROR, body).into_response();
    }
    let body: Vec<String> = rows.iter().map(|id| format!("{{\"id\":{id}}}")).collect();
    let mut response = format!("[{}]", body.join(",")).into_response();
    if cursor {
        let link = match rows.last() {
            Some(last) => format!("<http://internal/x?pageId={last}>; rel=\"next\""),
            None => String::new(),
        };
        response.headers_mut().insert("link", link.parse().unwrap());
    }
    response
}
