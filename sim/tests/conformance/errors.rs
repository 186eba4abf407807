//! Who is let in, and what is said to those who aren't.

use crate::client::{Answer, Client};

#[tokio::test]
async fn credentials_are_asked_for_and_checked() {
    let client = Client::start(10).await;
    // Of another company the server hears nothing where a gateway stands before it.
    assert_eq!(client.post("/switches", r#"{"routing":"server"}"#).await.status, 200);
    let url = format!("{}/time/entries", client.simulator.base_url());
    let ask = async |request: reqwest::RequestBuilder| {
        Answer::of(request.header("clientId", "x").send().await.unwrap()).await
    };
    let answer = ask(client.http.get(&url)).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (401, Some("UserNotAuthenticated")));
    for (username, password) in
        [("simco+public", "wrong"), ("simco+public", ""), ("other+public", "private"), ("simco", "private"), ("", "")]
    {
        let answer = ask(client.http.get(&url).basic_auth(username, Some(password))).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (401, Some("Unauthorized")), "{username}");
    }
    for header in ["Bearer abc", "Basic", "Basic ???", "Basic c2ltY28="] {
        assert_eq!(ask(client.http.get(&url).header("authorization", header)).await.status, 401, "{header}");
    }
    assert_eq!(ask(client.http.get(&url).basic_auth("simco+public", Some("private"))).await.status, 200);
}

#[tokio::test]
async fn credentials_can_be_chosen() {
    let simulator =
        connectwise_sim::Simulator::builder().scale(10).credentials("acme+key", "secret").start().await.unwrap();
    assert!(!format!("{simulator:?}").contains("secret"));
    let client = Client::around(simulator);
    let stranger = client.get("/time/entries", &[]).await;
    assert_eq!((stranger.status, stranger.text.as_str()), (400, "Cannot route. Codebase/company is invalid"));
    let url = format!("{}/time/entries", client.simulator.base_url());
    let request = client.http.get(url).basic_auth("acme+key", Some("secret")).header("clientid", "x");
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_missing_client_id_is_forbidden() {
    let client = Client::start(10).await;
    let url = format!("{}/time/entries", client.simulator.base_url());
    for id in [None, Some("")] {
        let mut request = client.http.get(&url).basic_auth("simco+public", Some("private"));
        if let Some(id) = id {
            request = request.header("clientId", id);
        }
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.status, 403);
        assert!(answer.json()["message"].is_string() && answer.json()["errors"].is_null());
    }
}

#[tokio::test]
async fn versions_are_checked() {
    let client = Client::start(10).await;
    let ask = async |accept: &str| {
        Answer::of(client.request("/system/info", &[]).header("accept", accept).send().await.unwrap()).await
    };
    for accept in [
        "application/json",
        "application/vnd.connectwise.com+json; version=2025.1",
        "application/vnd.connectwise.com+json; version=2020.4",
    ] {
        assert_eq!(ask(accept).await.status, 200, "{accept}");
    }
    for (version, named) in [("2030.1", "2030.1"), ("1.0", "1.0"), ("latest", "0.0")] {
        let answer = ask(&format!("application/vnd.connectwise.com+json; version={version}")).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (400, Some("ConnectWiseApi")));
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(
            message.starts_with("The HTTP resource that matches the request URI '/v4_6_release/apis/3.0/system/info'")
        );
        assert!(message.ends_with(&format!("does not support the API version '{named}'.")));
    }
}

#[tokio::test]
async fn routes_that_do_not_exist_are_404_and_some_403() {
    let client = Client::start(10).await;
    for path in [
        "/nothing",
        "/time",
        "/finance/invoices/posted",
        "/time/entries/x",
        "/time/entries/0/audits",
        "/time/entries/-1/audits",
    ] {
        let answer = client.get(path, &[]).await;
        assert_eq!(
            (answer.status, answer.json()["message"].as_str()),
            (404, Some("The endpoint does not exist.")),
            "{path}"
        );
    }
    for path in ["/finance/invoices/2/timeentries", "/finance/invoices/2/expenses", "/finance/invoices/2/products"] {
        assert_eq!(client.get(path, &[]).await.status, 403, "{path}");
    }
    // Another codebase than the router's and the present one: as after an upgrade.
    for (codebase, status) in [("v4_6_release", 200), ("v2025_8", 200), ("v2019_5", 400)] {
        let url = format!("{}/{codebase}/apis/3.0/time/entries", client.simulator.url());
        let request = client.http.get(url).basic_auth("simco+public", Some("private")).header("clientId", "x");
        assert_eq!(request.send().await.unwrap().status().as_u16(), status, "{codebase}");
    }
}

#[tokio::test]
async fn methods_that_a_path_lacks_are_refused() {
    let client = Client::start(10).await;
    let url = format!("{}/time/entries/count", client.simulator.base_url());
    let request = client.http.post(url).basic_auth("simco+public", Some("private")).header("clientId", "x");
    assert_eq!(request.send().await.unwrap().status(), 405);
}

#[tokio::test]
async fn the_server_says_what_it_is() {
    let client = Client::start(10).await;
    let info = client.get("/system/info", &[]).await.json();
    assert!(info["version"].as_str().unwrap().starts_with("v2025.8."));
    assert_eq!(info["serverTimeZone"], "GMT Standard Time");
    let ask = async |company: &str| {
        let url = format!("{}/login/companyinfo/{company}", client.simulator.url());
        Answer::of(client.http.get(url).send().await.unwrap()).await
    };
    let known = ask("SimCo").await.json();
    assert_eq!((known["Codebase"].as_str(), known["CompanyID"].as_str()), (Some("v2025_8/"), Some("simco")));
    let unknown = ask("nobody").await;
    assert_eq!((unknown.status, unknown.text.as_str()), (200, "null"));
}

#[tokio::test]
async fn every_answer_says_its_version_and_its_request() {
    let client = Client::start(10).await;
    let mut seen = std::collections::BTreeSet::new();
    for path in ["/time/entries", "/time/entries/count", "/nothing", "/time/entries/999999"] {
        let answer = client.get(path, &[]).await;
        assert_eq!(answer.header("api-current-version"), Some("2025.8"));
        assert!(answer.header("content-type").unwrap().starts_with("application/vnd.connectwise.com+json"));
        assert!(seen.insert(answer.header("x-cw-request-id").unwrap().to_owned()), "each request has its own id");
    }
}

#[tokio::test]
async fn a_key_that_is_not_known_may_find_the_connection_closed() {
    let client = Client::start(10).await;
    client.post("/switches", r#"{"bad-credentials":"drop"}"#).await;
    let url = format!("{}/time/entries", client.simulator.base_url());
    let asked = client.http.get(url).basic_auth("simco+other", Some("private")).header("clientId", "x").send().await;
    assert!(asked.is_err());
    assert_eq!(client.get("/time/entries", &[]).await.status, 200);
}
