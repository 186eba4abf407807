//! Recorded answers instead of made-up rows.

use std::path::Path;

use connectwise_sim::Simulator;
use serde_json::json;

use crate::client::{Client, ENTITIES};

/// Spacing, key order and number forms as no serialiser would write them.
const ENTRY: &str = r#"{ "id": 7,  "actualHours": 0.730, "zeta": [1,  2], "hourlyCost": "10800.00", "company": {"name": "Norðurn ", "id": 250},
  "timeStart": "2018-05-05T14:00:00Z", "_info": {"lastUpdated": "2018-05-06T10:00:00Z"} }"#;

fn write(folder: &Path, file: &str, text: &str) {
    std::fs::write(folder.join(file), text).unwrap();
}

async fn start(folder: &Path) -> Client {
    Client::around(Simulator::builder().samples(folder).start().await.unwrap())
}

#[tokio::test]
async fn recorded_rows_are_served_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "TimeEntry.json", ENTRY);
    write(folder.path(), "PostedInvoice.json", r#"[{"id":9,"total":182714.0},{"id":2,"total":1.50}]"#);
    let client = start(folder.path()).await;
    assert_eq!(client.get("/time/entries", &[]).await.text, format!("[{ENTRY}]"));
    assert_eq!(client.get("/time/entries/7", &[]).await.text, ENTRY);
    assert_eq!(client.own("/truth/timeentry").await.text, format!("[{ENTRY}]"));
    let invoices = r#"[{"id":2,"total":1.50},{"id":9,"total":182714.0}]"#;
    assert_eq!(client.get("/finance/invoices", &[]).await.text, invoices);
    for (entity, path) in ENTITIES.into_iter().filter(|(entity, _)| !["TimeEntry", "Invoice"].contains(entity)) {
        assert_eq!(client.get(path, &[]).await.text, "[]", "{entity}");
        assert_eq!(client.own(&format!("/truth/{entity}/count")).await.text, "{\"count\":0}", "{entity}");
    }
}

#[tokio::test]
async fn recorded_rows_are_paged_filtered_and_cut_like_others() {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<_> = (1..=5)
        .map(|id| json!({ "id": id * 10, "total": f64::from(id) + 0.5, "company": { "id": id % 2, "name": "Ís ehf. " }, "date": "2025-03-01T00:00:00Z" }))
        .collect();
    write(folder.path(), "PostedInvoice.json", &serde_json::to_string(&rows).unwrap());
    let client = start(folder.path()).await;
    let ask = async |query: &[(&str, &str)]| client.get("/finance/invoices", query).await;
    let first = client.forward("/finance/invoices", &[("pageSize", "2")]).await;
    assert_eq!((first.ids(), first.link("next").is_some()), (vec![10, 20], true));
    let rest = client.forward("/finance/invoices", &[("pageId", "20")]).await;
    assert_eq!((rest.ids(), rest.header("link")), (vec![30, 40, 50], Some("")));
    assert_eq!(ask(&[("page", "2"), ("pageSize", "2")]).await.ids(), [30, 40]);
    assert_eq!(ask(&[("conditions", "company/id = 1 and total > 2")]).await.ids(), [30, 50]);
    assert_eq!(ask(&[("conditions", "date = [2025-03-01] and company/name = 'ís ehf.'")]).await.ids().len(), 5);
    assert_eq!(ask(&[("conditions", "invoiceNumber = null")]).await.ids().len(), 5);
    assert_eq!(ask(&[("orderBy", "total desc")]).await.ids(), [50, 40, 30, 20, 10]);
    assert_eq!(
        ask(&[("fields", "id,company/id"), ("pageSize", "1")]).await.rows()[0],
        json!({ "id": 10, "company": { "id": 1 } })
    );
    assert_eq!(client.post("/advance", "{}").await.status, 400);
}

#[tokio::test]
async fn files_that_cannot_be_served_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["", "{", r#"{"name":"no id"}"#, r#"[{"id":1},{"id":1}]"#, r#"[5]"#, r#"{"id":"1"}"#] {
        write(folder.path(), "Agreement.json", text);
        let error = Simulator::builder().samples(folder.path()).start().await.unwrap_err().to_string();
        assert!(error.contains("Agreement.json can't be served: "), "{error}");
    }
    let missing = folder.path().join("missing");
    let error = Simulator::builder().samples(&missing).start().await.unwrap_err().to_string();
    assert_eq!(
        error,
        format!("there is no samples folder {}: name a folder with files like TimeEntry.json", missing.display())
    );
}
