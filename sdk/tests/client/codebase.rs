//! A client whose address has an old codebase, against the simulated server, which knows only its own.

use std::sync::Arc;

use connectwise_sdk::{Client, Config, ConfigParts, Method, Page};
use connectwise_sim::Simulator;
use futures::{StreamExt as _, TryStreamExt as _, future::join_all};

use crate::server::TestClock;
use crate::simulator::{Simulated, access};

const STALE: &str = "/v2025_1/apis/3.0";
const ASKED: &str = "GET /login/companyinfo/simco";

/// A client of the simulated server by an address that was right before an upgrade.
fn stale(simulated: &Simulated) -> Client {
    simulated.client(|parts| {
        let root = parts.base_url.as_deref().and_then(|url| url.split("/v4_6_release").next()).map(str::to_owned);
        ConfigParts { base_url: root.map(|root| root + STALE), ..parts }
    })
}

#[tokio::test]
async fn every_read_finds_the_new_codebase_with_two_requests_more() {
    let paths = ["/time/entries", "/time/entries/count", "/time/entries/{id}", "/system/members/{id}/image"];
    // A gateway says of the old one that it can't route, in plain text; the server that there is no such endpoint.
    for (routing, path) in
        ["routing=gateway", "routing=server"].into_iter().flat_map(|way| paths.map(|path| (way, path)))
    {
        let simulated = Simulated::of(Simulator::builder().switch(routing), |config| config).await;
        let client = stale(&simulated);
        let list = path.split("/{id}").next().unwrap();
        let id = simulated.first_id(list.trim_end_matches("/count")).await;
        let path = path.replace("{id}", &id.to_string());
        client.get_raw(&path).await.unwrap();
        let expected = [format!("GET {STALE}{path}"), ASKED.to_owned(), format!("GET {path}")];
        assert_eq!(simulated.requests().await, expected);
        // The others go there at once, those of clones too.
        client.clone().get_raw(&path).await.unwrap();
        client.get_raw("/time/entries").await.unwrap();
        assert_eq!(simulated.requests().await[3..], [format!("GET {path}"), "GET /time/entries".to_owned()]);
        assert!(simulated.clock.pauses().is_empty());
    }
}

#[tokio::test]
async fn reads_that_are_under_way_together_ask_once() {
    let simulated = Simulated::start().await;
    let client = stale(&simulated);
    for answer in join_all((0..4).map(|_| client.get_raw("/time/entries"))).await {
        answer.unwrap();
    }
    let requests = simulated.requests().await;
    let count = |request: &str| requests.iter().filter(|asked| *asked == request).count();
    assert_eq!(count(ASKED), 1, "{requests:?}");
    assert_eq!(count("GET /time/entries"), 4, "{requests:?}");
    assert!(count(&format!("GET {STALE}/time/entries")) <= 4, "{requests:?}");
}

/// A record that isn't there is worth one question in a minute, and no second try where the codebase is right.
#[tokio::test]
async fn a_record_that_is_gone_stays_gone() {
    let simulated = Simulated::start().await;
    let client = stale(&simulated);
    for id in [999_999_998, 999_999_999] {
        assert!(client.get_raw(&format!("/time/entries/{id}")).await.unwrap_err().is_not_found());
    }
    let expected = [
        format!("GET {STALE}/time/entries/999999998"),
        ASKED.to_owned(),
        "GET /time/entries/999999998".to_owned(),
        "GET /time/entries/999999999".to_owned(),
    ];
    assert_eq!(simulated.requests().await, expected);
}

#[tokio::test]
async fn a_write_to_an_old_codebase_is_sent_once() {
    let simulated = Simulated::start().await;
    let client = stale(&simulated);
    let request = client.request(Method::Post, "/company/noteTypes").json(&serde_json::json!({"name": "New"})).unwrap();
    assert!(request.send().await.unwrap_err().is_unroutable());
    assert_eq!(simulated.requests().await, [format!("POST {STALE}/company/noteTypes")]);
}

#[tokio::test]
async fn a_site_is_asked_for_its_codebase_first() {
    let simulated = Simulated::start().await;
    let client = simulated.client(|parts| {
        let site = parts.base_url.as_deref().and_then(|url| url.split("/v4_6_release").next()).map(str::to_owned);
        ConfigParts { base_url: None, site, ..parts }
    });
    client.get_raw("/time/entries").await.unwrap();
    assert_eq!(simulated.requests().await, [ASKED, "GET /time/entries"]);
    assert!(client.base_url().ends_with("/v2025_8/apis/3.0"), "{}", client.base_url());
}

/// The server is upgraded between two pages.
#[tokio::test]
async fn a_listing_goes_on_behind_an_upgrade() {
    let start = |port: u16, release: &str| Simulator::builder().scale(25).port(port).api_version(release).start();
    let before = start(0, "2025.1").await.unwrap();
    let port = before.port();
    let parts = ConfigParts { base_url: Some(format!("{}{STALE}", before.url())), ..access(&before) };
    let config = Config::from_parts(parts).unwrap().with_version("2025.1").unwrap().with_page_size(10);
    let client = Client::with_clock(config, Arc::new(TestClock::default())).unwrap();

    let mut pages = Box::pin(client.list("/time/entries").pages());
    let first = pages.next().await.unwrap().unwrap();
    before.shutdown().await;
    let after = start(port, "2025.8").await.unwrap();
    let rest: Vec<Page> = pages.try_collect().await.unwrap();
    let pages = [vec![first], rest].concat();
    assert_eq!(pages.iter().map(|page| page.records().unwrap().len()).sum::<usize>(), 25);
    assert!(pages.last().unwrap().is_last());
    assert!(client.base_url().ends_with("/v2025_8/apis/3.0"), "{}", client.base_url());
    after.shutdown().await;
}
