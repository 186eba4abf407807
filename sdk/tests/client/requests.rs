//! What goes over the wire.

use connectwise_sdk::{Client, Condition, Method, PagingMode, conditions::field};
use futures::StreamExt as _;

use crate::server::{Reply, Server, config};

#[tokio::test]
async fn a_listing_is_rendered() {
    let server = Server::start([Reply::page(&[1], Some(""))]).await;
    let changed: Condition =
        field("_info/lastUpdated").ge("2024-05-06T07:08:09Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap());
    let pages: Vec<_> = server
        .client
        .list("/time/entries")
        .conditions(changed | Condition::raw("name = 'a&b'"))
        .child_conditions("types/name = \"x\"")
        .custom_field_conditions("caption=\"50%\"")
        .fields("id,_info/lastUpdated")
        .page_size(1000)
        .pages()
        .collect()
        .await;
    assert!(pages[0].as_ref().unwrap().is_last());
    let seen = server.finish();
    // printf 'acme+pub:geheim' | base64
    assert_eq!(seen[0].headers["authorization"], "Basic YWNtZStwdWI6Z2VoZWlt");
    assert_eq!(seen[0].headers["clientid"], "11111111-2222-3333-4444-555555555555");
    insta::assert_snapshot!(seen[0].show(), @r"
    GET /api/time/entries?conditions=(_info/lastUpdated%20%3E%3D%20%5B2024-05-06T07:08:09Z%5D%20or%20(name%20%3D%20%27a%26b%27))&childConditions=types/name%20%3D%20%22x%22&customFieldConditions=caption%3D%2250%25%22&fields=id,_info/lastUpdated&pageSize=1000
    accept-encoding: gzip
    accept: application/vnd.connectwise.com+json; version=2025.8
    authorization: [redacted]
    clientid: [redacted]
    pagination-type: forward-only
    user-agent: connectwise-sdk/0.1.0
    ");
}

#[tokio::test]
async fn each_mode_asks_in_its_own_way() {
    for (mode, expected) in [
        (PagingMode::ForwardOnly, "/api/x?conditions=a%20%3D%201&pageSize=2"),
        (PagingMode::PageNumber, "/api/x?conditions=a%20%3D%201&orderBy=id%20asc&pageSize=2&page=1"),
        (PagingMode::Keyset, "/api/x?conditions=a%20%3D%201&orderBy=id%20asc&pageSize=2"),
    ] {
        let server = Server::start([Reply::page(&[], Some(""))]).await;
        let pages: Vec<_> = server.client.list("x").conditions("a = 1").mode(mode).pages().collect().await;
        assert!(pages.len() == 1 && pages[0].as_ref().unwrap().is_last());
        let seen = server.finish();
        assert_eq!(seen[0].target, expected);
        assert_eq!(seen[0].headers.contains_key("pagination-type"), mode == PagingMode::ForwardOnly);
    }
}

#[tokio::test]
async fn the_untyped_way_out_sends_anything() {
    let server = Server::start([Reply::status(201, "{\"id\":7}").header("content-type", "application/json")]).await;
    let response = server
        .client
        .request(Method::Post, "/service/tickets/search")
        .query("pageSize", "5")
        .header("x-cw-usertype", "integrator")
        .json(&serde_json::json!({"conditions": "id > 5"}))
        .unwrap()
        .send()
        .await
        .unwrap();
    assert_eq!((response.status(), response.body().as_ref()), (201, &b"{\"id\":7}"[..]));
    insta::assert_snapshot!(server.finish()[0].show(), @r#"
    POST /api/service/tickets/search?pageSize=5
    accept-encoding: gzip
    accept: application/vnd.connectwise.com+json; version=2025.8
    authorization: [redacted]
    clientid: [redacted]
    content-length: 23
    content-type: application/json
    user-agent: connectwise-sdk/0.1.0
    x-cw-usertype: integrator
    {"conditions":"id > 5"}
    "#);
}

#[tokio::test]
async fn counting_uses_the_same_conditions() {
    let server = Server::start([Reply::json("{\"count\":41}"), Reply::json("{\"count\":42}")]).await;
    assert_eq!(server.client.count("/time/entries", Some("id > 5")).await.unwrap(), 41);
    assert_eq!(server.client.count("/sales/orders/1/lineitems/", None).await.unwrap(), 42);
    assert_eq!(
        server.targets(),
        ["/api/time/entries/count?conditions=id%20%3E%205", "/api/sales/orders/1/lineitems/count"]
    );
}

#[tokio::test]
async fn another_api_version_is_asked_for() {
    let server = Server::with([Reply::json("{}")], |config| config.with_version("2025.1").unwrap()).await;
    server.client.get_raw("/system/info").await.unwrap();
    assert_eq!(server.finish()[0].headers["accept"], "application/vnd.connectwise.com+json; version=2025.1");
}

#[tokio::test]
async fn what_cannot_be_sent_is_not_sent() {
    let server = Server::start([]).await;
    let listing = || server.client.list("/x");
    let table = [
        (listing().page_size(0), "the page size 0 is outside 1 to 1000, which the API allows"),
        (listing().page_size(1001), "the page size 1001 is outside 1 to 1000, which the API allows"),
        (
            listing().order_by("name").mode(PagingMode::ForwardOnly),
            "forward-only paging is always in id order: leave order_by out, or page by number",
        ),
        (
            listing().order_by("name").mode(PagingMode::Keyset),
            "keyset paging is always in id order: leave order_by out, or page by number",
        ),
        (
            server.client.list("https://evil.example/x"),
            "the path \"/https://evil.example/x\" is a whole URL: give the path below the API root, for example /time/entries",
        ),
    ];
    for (listing, expected) in table {
        let pages: Vec<_> = listing.pages().collect().await;
        assert_eq!(pages.len(), 1);
        assert_eq!(pages[0].as_ref().unwrap_err().to_string(), expected);
    }
    server.finish();
}

/// Some routes only know some versions of the API.
#[tokio::test]
async fn a_route_can_have_a_version_of_its_own() {
    let server = Server::with(vec![Reply::json("{\"count\":1}"); 7], |config| {
        config
            .with_version_for("/company/communicationTypes", "2020.4")
            .and_then(|config| config.with_version_for("company/communicationTypes/info/", "2019.5"))
            .and_then(|config| config.with_version_for("/COMPANY/communicationTypes/info", "2021.1"))
            .unwrap()
    })
    .await;
    for path in [
        "/company/communicationTypes",
        "/company/CommunicationTypes/5",
        "/company/communicationTypes/info",
        "/company/communicationTypesOther",
        "/time/entries",
    ] {
        server.client.get_raw(path).await.unwrap();
    }
    // Who asks for a version gets that one.
    let pages = server.client.list("/company/communicationTypes").version("2022.1").pages();
    let _ = Box::pin(pages).next().await;
    server.client.request(Method::Get, "/company/communicationTypes/7").version("2023.1").send().await.unwrap();
    let versions: Vec<String> = server
        .finish()
        .iter()
        .map(|seen| seen.headers["accept"].to_str().unwrap().rsplit_once("version=").unwrap().1.to_owned())
        .collect();
    assert_eq!(versions, ["2020.4", "2020.4", "2021.1", "2025.8", "2025.8", "2022.1", "2023.1"]);
}

#[tokio::test]
async fn the_servers_time_comes_with_its_answer() {
    // The example of RFC 9110, and what is no date.
    for (header, expected) in [("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)), ("soon", None)] {
        let server = Server::start([Reply::json("{}").header("date", header)]).await;
        let date = server.client.request(Method::Get, "/x").send().await.unwrap().date();
        let seconds = date.map(|date| date.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs());
        assert_eq!(seconds, expected, "{header}");
        server.finish();
    }
}

#[tokio::test]
async fn a_proxy_and_a_name_of_ones_own_are_used() {
    let proxy = Server::start([Reply::json("[]")]).await;
    let (address, _) = proxy.client.config().base_url().trim_start_matches("http://").split_once('/').unwrap();
    let with_password = format!("http://carl:geheim@{address}");
    let named = config("http://127.0.0.1:1/api".to_owned()).with_user_agent("nightly export 1.0").unwrap();
    let settings = named.with_proxy(&with_password).unwrap();
    assert!(!format!("{settings:?}").contains("geheim"), "{settings:?}");
    Client::new(settings).unwrap().get_raw("/x").await.unwrap();
    let seen = &proxy.finish()[0];
    assert_eq!(seen.target, "http://127.0.0.1:1/api/x");
    assert_eq!(seen.headers["user-agent"], "nightly export 1.0");
    assert_eq!(seen.headers["proxy-authorization"], "Basic Y2FybDpnZWhlaW0=");

    let plain = || config("http://127.0.0.1:1/api".to_owned());
    let told = |error: connectwise_sdk::Error| error.to_string();
    assert_eq!(
        told(plain().with_proxy("proxy.example.com").unwrap_err()),
        "the proxy must be a URL such as http://proxy.example.com:8080"
    );
    assert_eq!(
        told(plain().with_user_agent("caf\u{e9}\n").unwrap_err()),
        "the user agent must be of ASCII letters, digits, signs and blanks"
    );
}
