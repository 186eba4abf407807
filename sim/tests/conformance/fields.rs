//! `fields`, single records and counts.

use serde_json::{Value, json};

use crate::client::{Client, ENTITIES};

#[tokio::test]
async fn fields_keep_what_is_named_and_drop_the_rest_with_info() {
    let client = Client::start(100).await;
    let truth = client.truth("TimeEntry").await;
    let pick = |row: &Value, paths: &[&str]| {
        let mut out = json!({});
        for path in paths {
            let Some(value) = row.pointer(&format!("/{path}")) else { continue };
            let (mut at, names): (&mut Value, Vec<&str>) = (&mut out, path.split('/').collect());
            for name in &names[..names.len() - 1] {
                at = at.as_object_mut().unwrap().entry(*name).or_insert(json!({}));
            }
            at.as_object_mut().unwrap().insert(names[names.len() - 1].to_owned(), value.clone());
        }
        out
    };
    for (fields, paths) in [
        ("id", &["id"] as &[&str]),
        ("id,_info/lastUpdated", &["id", "_info/lastUpdated"]),
        ("ID, Company/Id ,company/name", &["id", "company/id", "company/name"]),
        ("company,company/id", &["company"]),
        ("company/id,company", &["company"]),
        ("_info", &["_info"]),
        ("id,member/_info/member_href", &["id", "member/_info/member_href"]),
        (
            "notes,hourlyCost,actualHours,invoiceFlag,timeStart",
            &["notes", "hourlyCost", "actualHours", "invoiceFlag", "timeStart"],
        ),
    ] {
        let rows = client.get("/time/entries", &[("fields", fields), ("pageSize", "1000")]).await.rows();
        let expected: Vec<Value> = truth.iter().map(|row| pick(row, paths)).collect();
        assert_eq!(rows, expected, "{fields}");
    }
}

#[tokio::test]
async fn fields_reach_into_collections() {
    let client = Client::start(100).await;
    let rows = client.get("/finance/agreements", &[("fields", "id,customFields/caption")]).await.rows();
    assert_eq!(rows[0]["customFields"][0], json!({ "caption": "Samningsnúmer" }));
    assert_eq!(rows[0].as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn a_field_that_the_entity_lacks_fails_the_whole_request() {
    let client = Client::start(10).await;
    assert_eq!(client.post("/switches", r#"{"unknown-fields":"refused"}"#).await.status, 200);
    for fields in ["addressLine9", "id,company/colour", "id/x"] {
        let answer = client.get("/company/companies", &[("fields", fields)]).await;
        assert_eq!(answer.status, 400, "{fields}");
        assert!(answer.json()["message"].as_str().unwrap().ends_with("is not a recognized name."));
    }
}

#[tokio::test]
async fn a_record_is_found_by_its_id_and_only_by_that() {
    let client = Client::start(100).await;
    for (entity, path) in ENTITIES {
        let truth = client.truth(entity).await;
        for row in [&truth[0], &truth[truth.len() / 2], &truth[truth.len() - 1]] {
            let answer = client.get(&format!("{path}/{}", row["id"]), &[]).await;
            assert_eq!((answer.status, answer.json()), (200, row.clone()), "{entity}");
        }
        let id = truth[1]["id"].as_i64().unwrap() - 1;
        if truth[0]["id"] != id {
            let answer = client.get(&format!("{path}/{id}"), &[]).await;
            assert_eq!(
                (answer.status, answer.json()["message"].as_str()),
                (404, Some(format!("{entity} {id} not found").as_str()))
            );
        }
        let one = client.get(&format!("{path}/{}", truth[0]["id"]), &[("fields", "id")]).await;
        assert_eq!(one.json(), json!({ "id": truth[0]["id"] }));
    }
}

#[tokio::test]
async fn counts_agree_with_the_truth() {
    let client = Client::start(700).await;
    for (entity, path) in ENTITIES {
        let rows = client.truth(entity).await.len();
        let expected = format!("{{\"count\":{rows}}}");
        assert_eq!(client.get(&format!("{path}/count"), &[]).await.text, expected, "{entity}");
        assert_eq!(client.own(&format!("/truth/{}/count", entity.to_lowercase())).await.text, expected, "{entity}");
    }
    assert_eq!(client.truth("TimeEntry").await.len(), 700);
}
