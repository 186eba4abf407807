//! Time: ordinary days, earlier moments, rows that change while they are read.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::client::{Client, ids};

fn by_id(rows: Vec<Value>) -> BTreeMap<i64, Value> {
    rows.into_iter().map(|row| (row["id"].as_i64().unwrap(), row)).collect()
}

fn listed(answer: &Value, entity: &str, what: &str) -> BTreeSet<i64> {
    answer["changed"][entity][what].as_array().into_iter().flatten().map(|id| id.as_i64().unwrap()).collect()
}

#[tokio::test]
async fn ordinary_days_edit_insert_and_delete_and_merge_companies_without_a_trace() {
    let client = Client::start(6_000).await;
    let companies = by_id(client.truth("Company").await);
    let invoices = by_id(client.truth("Invoice").await);
    let answer = client.post("/advance", r#"{"days":40}"#).await.json();
    assert_eq!(answer["now"], "2026-02-24T08:00:00Z");
    for entity in ["TimeEntry", "Ticket", "ExpenseEntry", "UnpostedInvoice"] {
        assert!(!listed(&answer, entity, "inserted").is_empty(), "{entity}");
        assert!(!listed(&answer, entity, "deleted").is_empty(), "{entity}");
    }
    // A merge flips deletedFlag and leaves lastUpdated where it was.
    let edited = listed(&answer, "Company", "edited");
    let merged = listed(&answer, "Company", "merged");
    assert!(!merged.is_empty());
    let now = by_id(client.truth("Company").await);
    for id in merged.difference(&edited) {
        if let (Some(before), Some(after)) = (companies.get(id), now.get(id)) {
            assert_eq!(after["deletedFlag"], true, "{id}");
            assert_eq!(before["_info"]["lastUpdated"], after["_info"]["lastUpdated"], "{id}");
        }
    }
    // Batching leaves the unposted ones and shows on created ones.
    let after = by_id(client.truth("Invoice").await);
    let edited = listed(&answer, "Invoice", "edited");
    let batched = |row: &Value| row["glBatch"]["id"].is_i64();
    assert!(edited.iter().any(|id| invoices.get(id).is_some_and(|row| !batched(row)) && batched(&after[id])));
}

#[tokio::test]
async fn the_same_days_give_the_same_tenant_one_by_one_or_together() {
    let (one, other) = (Client::start(300).await, Client::start(300).await);
    one.post("/advance", r#"{"days":6}"#).await;
    for _ in 0..3 {
        other.post("/advance", r#"{"days":2}"#).await;
    }
    for entity in ["TimeEntry", "Ticket", "Company", "UnpostedInvoice"] {
        assert_eq!(one.truth(entity).await, other.truth(entity).await, "{entity}");
    }
}

#[tokio::test]
async fn the_truth_of_an_earlier_moment_is_what_was_there_then() {
    let client = Client::start(300).await;
    let mut moments = Vec::new();
    for _ in 0..4 {
        let now = client.own("/clock").await.json()["now"].as_str().unwrap().to_owned();
        moments.push((now, client.truth("TimeEntry").await));
        client.post("/advance", r#"{"days":3}"#).await;
    }
    for (at, expected) in moments {
        let all = client.own(&format!("/truth/TimeEntry?at={at}")).await.rows();
        let (gone, there): (Vec<Value>, Vec<Value>) = all.into_iter().partition(|row| row.get("_deletedAt").is_some());
        assert_eq!(there, expected, "{at}");
        assert!(gone.iter().all(|row| row["_deletedAt"].as_str().unwrap() <= at.as_str()));
    }
    let last = client.own("/truth/TimeEntry?at=2030-01-01").await.rows();
    assert!(last.iter().any(|row| row.get("_deletedAt").is_some()), "deletes are marked");
}

#[tokio::test]
async fn numbered_pages_lose_and_repeat_rows_while_they_drift_and_forward_only_ones_do_not() {
    let client = Client::start(300).await;
    let first = ids(&client.truth("TimeEntry").await);
    assert_eq!(
        client.post("/drift", r#"{"every":1,"edit":1,"insert":0,"delete":4,"path":"/time/entries"}"#).await.status,
        200
    );
    let mut numbered = Vec::new();
    for page in 1..=12 {
        let page = page.to_string();
        numbered.extend(client.get("/time/entries", &[("pageSize", "25"), ("page", &page)]).await.ids());
    }
    client.own_delete("/drift").await;
    let there = ids(&client.truth("TimeEntry").await);
    assert!(there.len() < first.len());
    assert!(there.iter().any(|id| !numbered.contains(id)), "a row that was there all the time was never shown");
    // The same by id: nothing that stays is lost.
    client.post("/drift", r#"{"every":1,"delete":4,"insert":0,"path":"/time/entries"}"#).await;
    let (mut seen, mut after) = (Vec::new(), "0".to_owned());
    loop {
        let page = client.forward("/time/entries", &[("pageSize", "25"), ("pageId", &after)]).await.ids();
        let Some(last) = page.last() else { break };
        after = last.to_string();
        seen.extend(page);
    }
    client.own_delete("/drift").await;
    assert!(ids(&client.truth("TimeEntry").await).iter().all(|id| seen.contains(id)));
    assert!(seen.is_sorted_by(|a, b| a < b));
}

#[tokio::test]
async fn what_changed_while_reading_is_later_than_the_last_second_before() {
    let client = Client::start(100).await;
    client.post("/drift", r#"{"edit":3,"insert":0,"delete":0}"#).await;
    client.get("/time/entries", &[]).await;
    client.own_delete("/drift").await;
    let changed = client.get("/time/entries", &[("conditions", "lastUpdated > [2026-01-15T08:00:00Z]")]).await.rows();
    assert_eq!(changed.len(), 3);
    assert!(
        changed.iter().all(|row| row["_info"]["lastUpdated"] == "2026-01-15T08:00:01Z"),
        "a burst shares one second"
    );
}
