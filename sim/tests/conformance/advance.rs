//! `POST /_sim/advance`: a day passes, rows change.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::client::{Client, ENTITIES};

fn by_id(rows: Vec<Value>) -> BTreeMap<i64, Value> {
    rows.into_iter().map(|row| (row["id"].as_i64().unwrap(), row)).collect()
}

fn listed(answer: &Value, entity: &str, what: &str) -> Vec<i64> {
    answer["changed"][entity][what].as_array().unwrap().iter().map(|id| id.as_i64().unwrap()).collect()
}

#[tokio::test]
async fn exactly_the_rows_that_an_advance_names_change() {
    let client = Client::start(300).await;
    for (entity, path) in ENTITIES {
        let before = by_id(client.truth(entity).await);
        let body = format!(r#"{{"{entity}":{{"edit":4,"insert":3,"delete":2}}}}"#);
        let answer = client.post("/advance", &body).await.json();
        let (edited, inserted, deleted) = (
            listed(&answer, entity, "edited"),
            listed(&answer, entity, "inserted"),
            listed(&answer, entity, "deleted"),
        );
        assert_eq!((edited.len(), inserted.len(), deleted.len()), (4, 3, 2), "{entity}");
        let after = by_id(client.truth(entity).await);
        for (id, row) in &before {
            match after.get(id) {
                None => assert!(deleted.contains(id), "{entity} {id} is gone"),
                Some(now) => assert_eq!(now != row, edited.contains(id), "{entity} {id}"),
            }
        }
        let new: Vec<i64> = after.keys().filter(|id| !before.contains_key(id)).copied().collect();
        assert_eq!(new, inserted, "{entity}");
        assert!(new[0] > *before.keys().max().unwrap(), "new ids come last");
        for id in &deleted {
            assert_eq!(client.get(&format!("{path}/{id}"), &[]).await.status, 404);
        }
        assert_eq!(client.get(&format!("{path}/count"), &[]).await.json()["count"], after.len());
    }
}

#[tokio::test]
async fn what_changed_is_later_than_all_before_and_not_later_than_the_clock() {
    let client = Client::start(300).await;
    let mut clock = "2026-01-15T08:00:00Z".to_owned();
    for day in 16..20 {
        let answer = client.post("/advance", r#"{"timeentry":{"edit":20,"insert":10}}"#).await.json();
        let now = answer["now"].as_str().unwrap().to_owned();
        assert_eq!(now, format!("2026-01-{day}T08:00:00Z"));
        let mut changed = listed(&answer, "TimeEntry", "edited");
        changed.extend(listed(&answer, "TimeEntry", "inserted"));
        changed.sort_unstable();
        let condition = format!("lastUpdated > [{clock}]");
        let rows =
            client.get("/time/entries", &[("conditions", condition.as_str()), ("pageSize", "1000")]).await.rows();
        assert_eq!(crate::client::ids(&rows), changed);
        let stamps: Vec<&str> = rows.iter().map(|row| row["_info"]["lastUpdated"].as_str().unwrap()).collect();
        assert!(stamps.iter().all(|stamp| *stamp <= now.as_str()));
        let distinct = stamps.iter().collect::<std::collections::BTreeSet<_>>().len();
        assert!(distinct < stamps.len(), "some changes share a second");
        clock = now;
    }
}

#[tokio::test]
async fn an_edit_shows_beyond_its_timestamp() {
    let client = Client::start(300).await;
    for (entity, _) in ENTITIES {
        let before = by_id(client.truth(entity).await);
        let answer = client.post("/advance", &format!(r#"{{"{entity}":{{"edit":5}}}}"#)).await.json();
        let after = by_id(client.truth(entity).await);
        for id in listed(&answer, entity, "edited") {
            let strip = |row: &Value| {
                let mut row = row.clone();
                row.as_object_mut().unwrap().remove("_info");
                row
            };
            assert_ne!(strip(&before[&id]), strip(&after[&id]), "{entity} {id}");
        }
    }
}

#[tokio::test]
async fn a_day_without_changes_changes_nothing() {
    let client = Client::start(50).await;
    let before = client.truth("TimeEntry").await;
    assert_eq!(client.post("/advance", "").await.json()["now"], "2026-01-16T08:00:00Z");
    assert_eq!(client.truth("TimeEntry").await, before);
}

#[tokio::test]
async fn the_same_advances_give_the_same_data() {
    let (one, other) = (Client::start(200).await, Client::start(200).await);
    for client in [&one, &other] {
        client
            .post("/advance", r#"{"TimeEntry":{"edit":5,"insert":5,"delete":5},"UnpostedInvoice":{"delete":3}}"#)
            .await;
        client.post("/advance", r#"{"TimeEntry":{"edit":5,"insert":5,"delete":5}}"#).await;
    }
    for entity in ["TimeEntry", "UnpostedInvoice"] {
        assert_eq!(one.truth(entity).await, other.truth(entity).await);
    }
}

#[tokio::test]
async fn advances_that_make_no_sense_are_refused_and_change_nothing() {
    let client = Client::start(20).await;
    for body in [
        r#"{"Nothing":{"edit":1}}"#,
        r#"{"TimeEntry":{"edit":-1}}"#,
        r#"{"TimeEntry":5}"#,
        r#"{"TimeEntry":{"rename":1}}"#,
        "x",
        r#"{"TimeEntry":{"insert":99999999}}"#,
        r#"{"TimeEntry":{},"timeentry":{}}"#,
    ] {
        assert_eq!(client.post("/advance", body).await.status, 400, "{body}");
    }
    assert_eq!(client.post("/advance", "{}").await.json()["advances"], 1);
}
