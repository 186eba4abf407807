//! Faults on demand, and the log of requests.

use crate::client::Client;

#[tokio::test]
async fn too_many_requests_have_their_own_shape_and_say_when_to_come_back() {
    let client = Client::start(100).await;
    let rule = r#"{"path":"/time/entries","nth":3,"status":429,"retryAfter":1,"times":2}"#;
    assert_eq!(client.post("/faults", rule).await.status, 200);
    let mut seen = Vec::new();
    for _ in 0..6 {
        let answer = client.get("/time/entries", &[]).await;
        if answer.status == 429 {
            assert_eq!(answer.header("retry-after"), Some("1"));
            let expected = serde_json::json!({
                "error": "ConnectWiseAPI", "message": "Too many requests. Please try again in 1 seconds.",
            });
            assert_eq!(answer.json(), expected);
        }
        seen.push(answer.status);
    }
    assert_eq!(seen, [200, 200, 429, 429, 200, 200]);
    assert_eq!(client.get("/company/companies", &[]).await.status, 200);
}

#[tokio::test]
async fn server_errors_come_as_json_or_as_a_web_page_until_cleared() {
    let client = Client::start(100).await;
    client.post("/faults", r#"{"path":"/time/*","status":500,"times":1000}"#).await;
    let answer = client.get("/time/entries", &[]).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (500, Some("ConnectWiseApi")));
    assert_eq!(client.get("/time/entries/count", &[]).await.status, 500);
    client.own_delete("/faults").await;
    assert_eq!(client.get("/time/entries", &[]).await.status, 200);
    client.post("/faults", r#"{"status":502,"html":true}"#).await;
    let answer = client.get("/system/members", &[]).await;
    assert_eq!((answer.status, answer.header("content-type")), (502, Some("text/html")));
    assert!(answer.text.starts_with("<html>"));
}

#[tokio::test]
async fn a_body_can_be_cut() {
    let client = Client::start(100).await;
    client.post("/faults", r#"{"path":"/time/entries","cut":true}"#).await;
    let cut = client.request("/time/entries", &[]).send().await.unwrap();
    assert_eq!(cut.status(), 200);
    assert!(cut.text().await.is_err(), "half a body is no body");
    assert_eq!(client.get("/time/entries", &[]).await.rows().len(), 25);
}

#[tokio::test]
async fn one_bad_row_fails_every_page_that_holds_it() {
    let client = Client::start(100).await;
    let bad = client.truth("TimeEntry").await[30]["id"].as_i64().unwrap();
    client.post("/faults", &format!(r#"{{"path":"/time/entries","holdsId":{bad},"status":500,"times":1000}}"#)).await;
    let mut statuses = Vec::new();
    for page in ["1", "2", "3", "4"] {
        statuses.push(client.get("/time/entries", &[("page", page)]).await.status);
    }
    assert_eq!(statuses, [200, 500, 200, 200]);
    let around = format!("id != {bad}");
    assert_eq!(client.get("/time/entries", &[("page", "2"), ("conditions", &around)]).await.status, 200);
}

#[tokio::test]
async fn faults_that_make_no_sense_are_refused() {
    let client = Client::start(10).await;
    for body in ["", "{}", "[]", r#"{"status":200}"#, r#"{"status":500,"nth":0}"#, r#"{"status":500,"colour":"red"}"#] {
        let answer = client.post("/faults", body).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.json()["message"].as_str().unwrap().starts_with("no such fault"));
    }
}

#[tokio::test]
async fn requests_are_counted_by_path_and_status() {
    let client = Client::start(10).await;
    client.get("/time/entries", &[("pageSize", "3")]).await;
    client.get("/time/entries", &[]).await;
    client.get("/nothing", &[]).await;
    let log = client.own("/requests").await.json();
    assert_eq!(log["total"], 3);
    let expected = serde_json::json!([
        { "path": "/nothing", "status": 404, "count": 1 },
        { "path": "/time/entries", "status": 200, "count": 2 },
    ]);
    assert_eq!(log["counts"], expected);
    assert_eq!(log["recent"][0]["query"], "pageSize=3");
    client.own_delete("/requests").await;
    assert_eq!(client.own("/requests").await.json()["total"], 0);
}
