//! Where the API is, by asking the server, and again when it has moved.

use connectwise_sdk::{Config, ConfigParts, ErrorKind, Method};
use futures::StreamExt as _;

use crate::server::{Reply, Server, parts, without_port};

fn info(codebase: &str) -> Reply {
    Reply::json(&format!(
        r#"{{"CompanyName":"Acme","Codebase":"{codebase}","VersionCode":"v2025.8","VersionNumber":"v2025.8.1","CompanyID":"acme","IsCloud":"True","SiteUrl":"evil.example"}}"#
    ))
}

fn site(host: String) -> Config {
    Config::from_parts(ConfigParts { site: Some(host), ..parts() }).unwrap()
}

fn base(path: &'static str) -> impl FnOnce(String) -> Config {
    move |host| Config::from_parts(ConfigParts { base_url: Some(format!("{host}{path}")), ..parts() }).unwrap()
}

#[tokio::test]
async fn a_site_is_asked_once_and_without_credentials() {
    let server = Server::at([info("v2025_8/"), Reply::json("{}"), Reply::json("{}")], site).await;
    server.client.get_raw("/x").await.unwrap();
    server.client.clone().get_raw("/y").await.unwrap();
    let seen = server.finish();
    let targets: Vec<_> = seen.iter().map(|seen| seen.target.as_str()).collect();
    assert_eq!(targets, ["/login/companyinfo/acme", "/v2025_8/apis/3.0/x", "/v2025_8/apis/3.0/y"]);
    let with_credentials: Vec<_> = seen
        .iter()
        .map(|seen| seen.headers.contains_key("authorization") || seen.headers.contains_key("clientid"))
        .collect();
    assert_eq!(with_credentials, [false, true, true]);
    assert!(server.client.base_url().ends_with("/v2025_8/apis/3.0"));
}

#[tokio::test]
async fn the_answer_can_be_looked_at() {
    let server = Server::at([info("v2025_8/")], site).await;
    let info = server.client.company_info().await.unwrap();
    assert_eq!((info.codebase.as_str(), info.is_cloud), ("v2025_8/", Some(true)));
    assert_eq!(info.version_number.as_deref(), Some("v2025.8.1"));
    server.finish();
}

#[tokio::test]
async fn what_is_wrong_with_the_site_is_said() {
    let table = [
        (
            Reply::json("null"),
            ErrorKind::Config,
            "the server knows no company \"acme\": check CW_COMPANY, or the company before + in CW_AUTH_USERNAME, and CW_SITE",
        ),
        (
            info("../../evil"),
            ErrorKind::Config,
            "the server names \"../../evil\" as its codebase, which can't be part of an address: give the whole one as CW_BASE_URL",
        ),
        (
            Reply::status(200, "<html><title>Welcome</title></html>").header("content-type", "text/html"),
            ErrorKind::Decode,
            "the answer to GET /login/companyinfo/acme is not JSON but an HTML page (Welcome): http://127.0.0.1:PORT was asked for the company \"acme\"; check that CW_BASE_URL names the API host, as https://api-na.myconnectwise.net does, and not the web client or a proxy, and that the company before + in CW_AUTH_USERNAME is right",
        ),
    ];
    for (reply, kind, expected) in table {
        let server = Server::at([reply], site).await;
        let error = server.client.get_raw("/x").await.unwrap_err();
        assert_eq!((error.kind(), without_port(&error.to_string()).as_str()), (kind, expected));
        // Nothing was sent to an address that was guessed.
        assert_eq!(server.finish().len(), 1);
    }
}

#[tokio::test]
async fn a_404_asks_where_the_api_went_and_tries_once_more() {
    let replies = [
        Reply::status(404, r#"{"code":"NotFound","message":"The endpoint does not exist."}"#),
        info("v2025_8/"),
        Reply::page(&[1], Some("")),
        Reply::json("{\"count\":1}"),
    ];
    let server = Server::at(replies, base("/v2025_1/apis/3.0")).await;
    let pages: Vec<_> = server.client.list("/time/entries").pages().collect().await;
    assert!(pages.len() == 1 && pages[0].as_ref().unwrap().is_last());
    assert_eq!(server.client.count("/time/entries", None).await.unwrap(), 1);
    assert_eq!(
        server.targets(),
        [
            "/v2025_1/apis/3.0/time/entries?pageSize=1000",
            "/login/companyinfo/acme",
            "/v2025_8/apis/3.0/time/entries?pageSize=1000",
            "/v2025_8/apis/3.0/time/entries/count",
        ]
    );
}

#[tokio::test]
async fn a_404_that_stays_one_is_one() {
    let not_found = || Reply::status(404, "{}");
    // The codebase is right, so the path is wrong; the next 404 isn't worth another question.
    let server = Server::at([not_found(), info("v2025_8/"), not_found()], base("/v2025_8/apis/3.0")).await;
    assert!(server.client.get_raw("/x").await.unwrap_err().is_not_found());
    assert!(server.client.get_raw("/x").await.unwrap_err().is_not_found());
    server.finish();
    // It has moved, but there it is unknown too.
    let server = Server::at([not_found(), info("v2025_8/"), not_found()], base("/v2025_1/apis/3.0")).await;
    assert!(server.client.get_raw("/x").await.unwrap_err().is_not_found());
    server.finish();
    // The server doesn't say.
    let server = Server::at([not_found(), Reply::json("null")], base("/v2025_1/apis/3.0")).await;
    assert!(server.client.get_raw("/x").await.unwrap_err().is_not_found());
    server.finish();
}

#[tokio::test]
async fn nobody_is_asked_about_a_write_or_an_address_that_does_not_go_out_of_date() {
    let not_found = || [Reply::status(404, "{}")];
    let server = Server::at(not_found(), base("/v2025_1/apis/3.0")).await;
    assert!(server.client.request(Method::Post, "/x").send().await.unwrap_err().is_not_found());
    server.finish();
    for path in ["/v4_6_release/apis/3.0", "/api", ""] {
        let server = Server::at(not_found(), base(path)).await;
        assert!(server.client.get_raw("/x").await.unwrap_err().is_not_found());
        server.finish();
    }
}
