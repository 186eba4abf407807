//! Faults of connections and bodies, callbacks, roles, releases: what takes more than one request to see.

use std::time::Duration;

use base64::Engine;
use connectwise_sim::Simulator;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::client::{Answer, Client};

#[tokio::test]
async fn connections_can_be_closed_or_refused() {
    let client = Client::start(10).await;
    client.post("/faults", r#"{"path":"/time/entries","close":true}"#).await;
    assert!(client.request("/time/entries", &[]).send().await.is_err(), "closed without an answer");
    assert_eq!(client.get("/time/entries", &[]).await.status, 200);
    client.post("/faults", r#"{"refuse":true,"times":1000}"#).await;
    // What is open stays open; a client of its own needs a connection.
    let url = format!("{}/time/entries", client.simulator.base_url());
    assert!(reqwest::Client::new().get(url).send().await.is_err());
    client.own_delete("/faults").await;
}

#[tokio::test]
async fn a_stalled_body_ends_with_the_simulator() {
    let client = Client::start(100).await;
    client.post("/faults", r#"{"path":"/time/entries","stall":true}"#).await;
    let stalled = client.request("/time/entries", &[]).send().await.unwrap();
    assert_eq!(stalled.status(), 200);
    let Client { simulator, .. } = client;
    simulator.shutdown().await;
    assert!(stalled.text().await.is_err(), "half a body is no body");
}

#[tokio::test]
async fn a_slow_body_is_whole() {
    let client = Client::start(10).await;
    let whole = client.get("/service/boards", &[("fields", "id")]).await.text;
    client.post("/faults", r#"{"path":"/service/boards","slow":1000000}"#).await;
    assert_eq!(client.get("/service/boards", &[("fields", "id")]).await.text, whole);
}

#[tokio::test]
async fn faults_come_from_a_script_and_by_chance() {
    let script = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(script.path(), "[[rule]]\npath = \"/time/*\"\nstatus = 503\nprobability = 0.5\nseed = 4\n").unwrap();
    let client = Client::around(Simulator::builder().scale(10).faults(script.path()).start().await.unwrap());
    let mut failed = 0;
    for _ in 0..40 {
        failed += u32::from(client.get("/time/entries", &[("pageSize", "1")]).await.status == 503);
    }
    assert!((8..=32).contains(&failed), "{failed} of 40");
    let metrics = client.own("/metrics").await.text;
    assert!(metrics.contains(&format!("connectwise_sim_requests_total{{status=\"503\"}} {failed}\n")), "{metrics}");
    assert!(metrics.contains(&format!("connectwise_sim_faults_total{{fault=\"status\"}} {failed}\n")), "{metrics}");
}

/// Takes one request and answers it; the head and the body of what came.
async fn take(listener: &TcpListener, status: &str) -> (String, Vec<u8>) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut got = Vec::new();
    let (head, length) = loop {
        stream.read_buf(&mut got).await.unwrap();
        if let Some(end) = got.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(got[..end].to_vec()).unwrap();
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap().parse().unwrap();
            break (head, length);
        }
    };
    let mut body = got[head.len() + 4..].to_vec();
    while body.len() < length {
        stream.read_buf(&mut body).await.unwrap();
    }
    stream.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes()).await.unwrap();
    (head, body)
}

fn hmac(key: &[u8], body: &[u8]) -> Vec<u8> {
    let pad = |with: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ with).collect() };
    let inner = Sha256::digest([pad(0x36), body.to_vec()].concat());
    Sha256::digest([pad(0x5c), inner.to_vec()].concat()).to_vec()
}

#[tokio::test]
async fn callbacks_are_signed_and_tried_again_and_lost_as_documented() {
    let simulator = Simulator::builder().scale(50).callback_waits([Duration::ZERO; 2]).start().await.unwrap();
    let client = Client::around(simulator);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let write = async |method: reqwest::Method, path: &str, body: String| {
        let request = client.http.request(method, format!("{}{path}", client.simulator.base_url()));
        let request = request.basic_auth("simco+public", Some("private")).header("clientId", "x").body(body);
        Answer::of(request.send().await.unwrap()).await
    };
    let url = format!("http://{}/hook?recordId=", listener.local_addr().unwrap());
    let entry = format!(r#"{{"url":"{url}","objectId":1,"type":"ticket","level":"owner","description":"a"}}"#);
    assert_eq!(write(reqwest::Method::POST, "/system/callbacks", entry).await.status, 201);
    // A project is none of its business, a ticket is.
    write(reqwest::Method::PATCH, "/project/projects/1", r#"[{"op":"replace","path":"name","value":"x"}]"#.into())
        .await;
    write(reqwest::Method::PATCH, "/service/tickets/1", r#"[{"op":"replace","path":"summary","value":"x"}]"#.into())
        .await;
    let (head, body) = take(&listener, "200 OK").await;
    assert!(head.starts_with("POST /hook?recordId=1&action=updated HTTP/1.1"), "{head}");
    let message: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (message["Action"].as_str(), message["Type"].as_str(), message["ID"].as_i64()),
        (Some("updated"), Some("ticket"), Some(1))
    );
    let entity: Value = serde_json::from_str(message["Entity"].as_str().unwrap()).unwrap();
    assert_eq!(entity["summary"], "x");
    let key = client.http.get(message["Metadata"]["key_url"].as_str().unwrap());
    let key = key.basic_auth("simco+public", Some("private")).send().await.unwrap();
    let key: Value = serde_json::from_str(&key.text().await.unwrap()).unwrap();
    let expected = hmac(&Sha256::digest(key["signing_key"].as_str().unwrap()), &body);
    let expected = base64::engine::general_purpose::STANDARD.encode(expected);
    assert!(head.lines().any(|line| line == format!("x-content-signature: {expected}")), "{head}");
    // 429 is tried again; a deleted row has no entity; 500 is lost at once.
    write(reqwest::Method::DELETE, "/service/tickets/1", String::new()).await;
    take(&listener, "429 Too Many Requests").await;
    let (_, body) = take(&listener, "204 No Content").await;
    let message: Value = serde_json::from_slice(&body).unwrap();
    assert!(message["Entity"].is_null() && message["Action"] == "deleted");
    write(reqwest::Method::DELETE, "/service/tickets/2", String::new()).await;
    take(&listener, "500 Internal Server Error").await;
    loop {
        let counts = client.own("/callbacks").await.json();
        if counts["lost"] == 1 {
            assert_eq!((counts["delivered"].as_i64(), counts["retried"].as_i64()), (Some(2), Some(1)));
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_role_that_sees_its_own_gets_fewer_rows_and_no_error() {
    let client = Client::start(300).await;
    let all = client.truth("TimeEntry").await.len();
    client.post("/role", r#"{"role":"mine"}"#).await;
    let mine = client.get("/time/entries", &[("pageSize", "1000")]).await.ids();
    assert!(mine.len() > all / 20 && mine.len() < all / 2, "{} of {all}", mine.len());
    assert_eq!(client.get("/time/entries/count", &[]).await.json()["count"], mine.len());
    let hidden =
        client.truth("TimeEntry").await.iter().map(|row| row["id"].as_i64().unwrap()).find(|id| !mine.contains(id));
    assert_eq!(client.get(&format!("/time/entries/{}", hidden.unwrap()), &[]).await.status, 404);
    assert_eq!(client.get("/service/boards", &[]).await.rows().len(), 4, "set-up tables are everybody's");
}

#[tokio::test]
async fn an_older_release_has_its_own_shapes_and_codebase() {
    let client = Client::around(Simulator::builder().scale(50).api_version("2025.1").start().await.unwrap());
    let info = client.get("/system/info", &[]).await;
    assert!(info.json()["version"].as_str().unwrap().starts_with("v2025.1."));
    assert_eq!(info.header("api-current-version"), Some("2025.1"));
    assert!(info.header("content-type").unwrap().ends_with("version=2025.1"));
    assert_eq!(client.get("/service/templates/1/tasks", &[]).await.status, 404);
    assert_eq!(client.get("/company/companies", &[("conditions", "creditLimit>0")]).await.status, 400);
    let newer =
        client.request("/time/entries", &[]).header("accept", "application/x; version=2025.8").send().await.unwrap();
    assert_eq!(newer.status(), 400);
    assert!(Simulator::builder().api_version("1999.1").start().await.is_err());
}

#[tokio::test]
async fn what_the_document_does_not_know_comes_as_often_as_asked() {
    let client = Client::around(Simulator::builder().scale(400).unknown_to_document(2_000).start().await.unwrap());
    let rows = client.truth("TimeEntry").await;
    let unknown = rows.iter().filter(|row| row.get("introducedLater").is_some()).count();
    assert!((40..=120).contains(&unknown), "{unknown} of 400");
    assert!(rows.iter().any(|row| row["status"] == "IntroducedLater" || row["billableOption"] == "IntroducedLater"));
}

#[tokio::test]
async fn another_document_has_other_resources() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let document = r##"{"paths":{"/zoo/animals":{"get":{"responses":{"200":{"content":{"application/json":{"schema":{"type":
        "array","items":{"$ref":"#/components/schemas/Animal"}}}}}}}}},"components":{"schemas":{"Animal":{"properties":{"id":
        {"type":"integer"},"name":{"type":"string"}}}}}}"##;
    std::fs::write(file.path(), document).unwrap();
    let client = Client::around(Simulator::builder().document(file.path()).start().await.unwrap());
    assert!(!client.get("/zoo/animals", &[("conditions", "name != null")]).await.rows().is_empty());
    assert_eq!(client.get("/time/entries", &[]).await.status, 404);
    std::fs::write(file.path(), "{}").unwrap();
    assert!(Simulator::builder().document(file.path()).start().await.is_err());
}

#[tokio::test]
async fn documents_are_uploaded_and_come_back() {
    let client = Client::start(20).await;
    let form = "--xy\r\nContent-Disposition: form-data; name=\"recordType\"\r\n\r\nCompany\r\n--xy\r\nContent-Disposition: form-data; \
                name=\"recordId\"\r\n\r\n250\r\n--xy\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n\
                þetta\r\n--xy--\r\n";
    let request = client.http.post(format!("{}/system/documents", client.simulator.base_url()));
    let request = request.basic_auth("simco+public", Some("private")).header("clientId", "x");
    let request = request.header("content-type", "multipart/form-data; boundary=xy").body(form);
    let made = Answer::of(request.send().await.unwrap()).await;
    assert_eq!((made.status, made.json()["fileName"].as_str()), (201, Some("a.txt")));
    let bytes = client.get(&format!("/system/documents/{}/download", made.json()["id"]), &[]).await;
    assert_eq!(bytes.text, "þetta");
    assert!(bytes.header("content-disposition").unwrap().contains("a.txt"));
}

#[tokio::test]
async fn references_of_made_rows_lead_to_rows() {
    let client = Client::start(200).await;
    for (list, pointer, target) in [
        ("/service/tickets", "/company/id", "/company/companies"),
        ("/service/tickets", "/priority/id", "/service/priorities"),
        ("/service/tickets", "/contact/id", "/company/contacts"),
        ("/project/tickets", "/project/id", "/project/projects"),
        ("/company/contacts", "/company/id", "/company/companies"),
        ("/time/entries", "/timeSheet/id", "/time/sheets"),
        ("/time/entries", "/workRole/id", "/time/workRoles"),
        ("/time/entries", "/activity/id", "/sales/activities"),
        ("/expense/entries", "/expenseReport/id", "/expense/reports"),
        ("/procurement/products", "/catalogItem/id", "/procurement/catalog"),
        ("/finance/invoices", "/glBatch/id", "/finance/accounting/batches"),
    ] {
        let rows = client.get(list, &[("pageSize", "40")]).await.rows();
        let found: Vec<i64> = rows.iter().filter_map(|row| row.pointer(pointer)?.as_i64()).collect();
        assert!(!found.is_empty(), "{list} {pointer}");
        for id in found {
            assert_eq!(
                client.get(&format!("{target}/{id}"), &[("fields", "id")]).await.status,
                200,
                "{list} {pointer} {id}"
            );
        }
    }
    // A ticket is in the list of its sort, and in no other.
    for row in client.get("/time/entries", &[("pageSize", "60"), ("conditions", "ticket/id != null")]).await.rows() {
        let project = row["chargeToType"] == "ProjectTicket";
        let (own, other) = if project { ("project", "service") } else { ("service", "project") };
        let id = &row["ticket"]["id"];
        let ask =
            async |module: &str| client.get(&format!("/{module}/tickets/{id}"), &[("fields", "id,status/name")]).await;
        let (there, elsewhere) = (ask(own).await, ask(other).await);
        assert_eq!((there.status, elsewhere.status), (200, 404), "{row}");
        assert_eq!(there.json()["status"]["name"], row["ticketStatus"]);
    }
}
