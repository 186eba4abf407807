//! A year, day by day, of everything that tables are made of: what the lists show is what the truth says, and a reader that
//! goes by change times sees every change that has one.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::client::{Client, ids};

const FLAT: [&str; 36] = [
    "/time/entries",
    "/finance/agreements",
    "/company/companies",
    "/system/members",
    "/finance/invoices",
    "/finance/accounting/unpostedinvoices",
    "/expense/entries",
    "/procurement/products",
    "/service/tickets",
    "/project/tickets",
    "/company/contacts",
    "/company/configurations",
    "/project/projects",
    "/sales/opportunities",
    "/sales/activities",
    "/sales/orders",
    "/schedule/entries",
    "/procurement/purchaseorders",
    "/procurement/catalog",
    "/time/sheets",
    "/expense/reports",
    "/service/boards",
    "/company/companies/statuses",
    "/company/companies/types",
    "/service/priorities",
    "/time/workTypes",
    "/time/workRoles",
    "/system/locations",
    "/system/departments",
    "/finance/agreements/types",
    "/finance/billingTerms",
    "/finance/billingCycles",
    "/finance/taxCodes",
    "/finance/currencies",
    "/system/userDefinedFields",
    "/schedule/types",
];

const BELOW: [&str; 8] = [
    "/finance/agreements/*/additions",
    "/service/tickets/*/notes",
    "/service/tickets/*/tasks",
    "/project/tickets/*/notes",
    "/project/projects/*/phases",
    "/procurement/purchaseorders/*/lineitems",
    "/company/companies/*/sites",
    "/service/boards/*/statuses",
];

async fn forward_only(client: &Client, path: &str, condition: &str) -> Vec<Value> {
    let (mut rows, mut after) = (Vec::new(), "0".to_owned());
    loop {
        let query = [("pageSize", "1000"), ("pageId", after.as_str()), ("conditions", condition)];
        let page = client.forward(path, &query).await.rows();
        let Some(last) = page.last() else { return rows };
        after = last["id"].to_string();
        rows.extend(page);
    }
}

fn last_updated(row: &Value) -> Option<&str> {
    row.pointer("/_info/lastUpdated").and_then(Value::as_str)
}

#[tokio::test]
async fn every_list_shows_what_the_truth_says_after_a_month() {
    let client = Client::start(300).await;
    // Rows that are found by their ids, too.
    assert_eq!(client.post("/switches", r#"{"service-tickets":"service"}"#).await.status, 200);
    client.post("/advance", r#"{"days":20}"#).await;
    let since = client.own("/clock").await.json()["now"].as_str().unwrap().to_owned();
    client.post("/advance", r#"{"days":10}"#).await;
    for path in FLAT {
        let truth = client.own(&format!("/truth{path}")).await.rows();
        let counted = client.get(&format!("{path}/count"), &[]).await.json();
        assert_eq!(counted["count"], truth.len(), "{path}");
        assert_eq!(client.own(&format!("/truth{path}/count")).await.json(), counted, "{path}");
        assert_eq!(forward_only(&client, path, "").await, truth, "{path}");
        // Backwards, by page number.
        let first = client.get(path, &[("orderBy", "id desc"), ("pageSize", "7")]).await.ids();
        let mut expected: Vec<i64> = ids(&truth).into_iter().rev().take(7).collect();
        assert_eq!(first, expected, "{path}");
        // What changed lately, and one row.
        if truth.iter().all(|row| last_updated(row).is_some()) {
            let changed = forward_only(&client, path, &format!("lastUpdated >= [{since}]")).await;
            expected = ids(&truth.iter().filter(|row| last_updated(row) >= Some(&since)).cloned().collect::<Vec<_>>());
            assert_eq!(ids(&changed), expected, "{path}");
        }
        let last = truth.last().unwrap();
        let condition = format!("id = {}", last["id"]);
        assert_eq!(client.get(path, &[("conditions", &condition)]).await.rows(), std::slice::from_ref(last), "{path}");
        assert_eq!(client.get(&format!("{path}/{}", last["id"]), &[]).await.json(), *last, "{path}");
    }
}

#[tokio::test]
async fn lists_below_rows_show_what_the_truth_says_of_all_parents_at_once() {
    let client = Client::start(100).await;
    client.post("/switches", r#"{"service-tickets":"service"}"#).await;
    client.post("/advance", r#"{"days":60}"#).await;
    for path in BELOW {
        let mut truth: BTreeMap<i64, Vec<Value>> = BTreeMap::new();
        let all = client.own(&format!("/truth{path}")).await.rows();
        assert!(!all.is_empty(), "{path}");
        assert_eq!(client.own(&format!("/truth{path}/count")).await.json()["count"], all.len(), "{path}");
        for mut row in all {
            let parent = row.as_object_mut().unwrap().remove("_parentId").unwrap().as_i64().unwrap();
            truth.entry(parent).or_default().push(row);
        }
        let (parents, below) = path.split_once("/*").unwrap();
        let mut all_ids = std::collections::BTreeSet::new();
        for parent in ids(&client.own(&format!("/truth{parents}")).await.rows()) {
            let expected = truth.remove(&parent).unwrap_or_default();
            let list = format!("{parents}/{parent}{below}");
            assert_eq!(client.get(&list, &[("pageSize", "1000")]).await.rows(), expected, "{list}");
            assert_eq!(client.get(&format!("{list}/count"), &[]).await.json()["count"], expected.len(), "{list}");
            assert_eq!(client.own(&format!("/truth{list}")).await.rows(), expected, "{list}");
            assert!(ids(&expected).into_iter().all(|id| all_ids.insert(id)), "{list}: an id twice");
        }
        assert!(truth.is_empty(), "{path}: rows below rows that are gone");
    }
}

/// The lists below rows by the names that bundles know them by.
const BUNDLED: [(&str, &str); 10] = [
    ("addition", "/finance/agreements/*/additions"),
    ("servicenote", "/service/tickets/*/notes"),
    ("servicetask", "/service/tickets/*/tasks"),
    ("ticketnote", "/project/tickets/*/notes"),
    ("tickettask", "/project/tickets/*/tasks"),
    ("projectphase", "/project/projects/*/phases"),
    ("purchaseorderlineitem", "/procurement/purchaseorders/*/lineitems"),
    ("companysite", "/company/companies/*/sites"),
    ("boardstatus", "/service/boards/*/statuses"),
    ("contactcommunication", "/company/contacts/*/communications"),
];

#[tokio::test]
async fn lists_below_rows_are_read_by_bundles_of_a_hundred() {
    let client = Client::start(60).await;
    client.post("/switches", r#"{"service-tickets":"service"}"#).await;
    client.post("/advance", r#"{"days":30}"#).await;
    let bundle = async |requests: &[Value]| {
        let url = format!("{}/system/bundles", client.simulator.base_url());
        let request = client.http.post(url).basic_auth("simco+public", Some("private")).header("clientId", "x");
        let body = serde_json::json!({ "requests": requests }).to_string();
        crate::client::Answer::of(request.body(body).send().await.unwrap()).await
    };
    for (kind, path) in BUNDLED {
        let truth = client.own(&format!("/truth{path}")).await.rows();
        let parents = ids(&client.own(&format!("/truth{}", path.split_once("/*").unwrap().0)).await.rows());
        let mut read = Vec::new();
        for parents in parents.chunks(100) {
            let requests: Vec<Value> = parents
                .iter()
                .enumerate()
                .map(|(at, parent)| {
                    serde_json::json!({
                        "Version": "2019.5", "SequenceNumber": at, "ResourceType": kind,
                        "ApiRequest": { "ParentId": parent, "GrandParentId": 0, "Page": { "page": 1, "pageSize": 1000 } },
                    })
                })
                .collect();
            let answer = bundle(&requests).await;
            assert_eq!(answer.status, 207, "{}", answer.text);
            for (result, parent) in answer.json()["results"].as_array().unwrap().iter().zip(parents) {
                assert_eq!((&result["success"], &result["statusCode"]), (&true.into(), &200.into()), "{kind} {parent}");
                let entities = result["entities"].as_array().unwrap();
                assert_eq!(result["count"], entities.len());
                read.extend(entities.iter().map(|row| {
                    let mut row = row.clone();
                    row["_parentId"] = (*parent).into();
                    row
                }));
            }
        }
        assert_eq!(read, truth, "{kind}");
    }
    // One more than a hundred is refused as a whole; an unknown parent, or a condition that is none, alone.
    let one = |parent: i64, condition: &str| {
        serde_json::json!({
            "sequenceNumber": 1, "resourceType": "addition",
            "apiRequest": { "parentId": parent, "filters": { "conditions": condition } },
        })
    };
    assert_eq!(bundle(&vec![one(3, ""); 101]).await.status, 400);
    let agreement = ids(&client.own("/truth/finance/agreements").await.rows())[0];
    let mixed = bundle(&[one(agreement, ""), one(99_999_999, ""), one(agreement, "nothing = 1")]).await;
    let statuses: Vec<i64> =
        mixed.json()["results"].as_array().unwrap().iter().map(|r| r["statusCode"].as_i64().unwrap()).collect();
    assert_eq!((mixed.status, statuses), (207, vec![200, 404, 400]));
    // A request of a bundle is one to whoever counts.
    client
        .post("/faults", &format!(r#"{{"path":"/finance/agreements/{agreement}/additions","holdsId":1,"status":500}}"#))
        .await;
    let rows = client.get(&format!("/finance/agreements/{agreement}/additions"), &[]).await.ids();
    if let Some(bad) = rows.first() {
        let rule =
            format!(r#"{{"path":"/finance/agreements/{agreement}/additions","holdsId":{bad},"status":500,"times":9}}"#);
        client.post("/faults", &rule).await;
        let answer = bundle(&[one(agreement, "")]).await.json();
        assert_eq!(answer["results"][0]["statusCode"], 500, "{answer}");
    }
}

/// The state that a reader ends up with who asks for what changed each day, and looks for deletes.
#[tokio::test]
async fn a_year_of_days_changes_everything_and_leaves_a_trace_of_every_edit() {
    let client = Client::start(60).await;
    let mut seen: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for _ in 0..365 {
        let answer = client.post("/advance", r#"{"days":1}"#).await.json();
        for (name, counts) in [("Ticket", 3), ("Company", 4), ("Addition", 3), ("Board", 2)] {
            let key = if name == "Addition" { "/finance/agreements/{parentId}/additions" } else { name };
            for (at, what) in ["edited", "inserted", "deleted", "merged"].into_iter().enumerate().take(counts) {
                let changed = answer["changed"][key][what].as_array().map_or(0, Vec::len);
                seen.entry(name).or_default()[at] += changed;
            }
        }
    }
    assert_eq!(client.own("/clock").await.json()["now"], "2027-01-15T08:00:00Z");
    for name in ["Ticket", "Addition"] {
        assert!(seen[name][..3].iter().all(|count| *count > 0), "{name}: {seen:?}");
    }
    assert!(seen["Company"][3] > 10 && seen["Board"][0] > 0, "{seen:?}");
    // What is there now and changed after a moment, is in the truth of that moment in another form or not at all.
    let moment = "2026-07-01T08:00:00Z";
    for path in FLAT {
        let before: BTreeMap<i64, Value> = client
            .own(&format!("/truth{path}?at={moment}"))
            .await
            .rows()
            .into_iter()
            .map(|row| (row["id"].as_i64().unwrap(), row))
            .collect();
        for row in client.own(&format!("/truth{path}")).await.rows() {
            let was = before.get(&row["id"].as_i64().unwrap());
            let Some(stamp) = last_updated(&row) else { continue };
            match was {
                Some(was) if stamp <= moment => {
                    // A merge is the one change that leaves no trace.
                    assert!(path == "/company/companies" || *was == row, "{path}: {was} {row}");
                }
                Some(was) => assert_ne!(*was, row, "{path}"),
                None => assert!(stamp > moment, "{path}: {row}"),
            }
        }
    }
}

#[tokio::test]
async fn what_hangs_on_a_row_comes_and_goes_with_it() {
    let client = Client::start(100).await;
    let added = client.post("/advance", r#"{"Agreement":{"insert":3}}"#).await.json();
    let moment = added["now"].as_str().unwrap().to_owned();
    let parents: Vec<i64> = serde_json::from_value(added["changed"]["Agreement"]["inserted"].clone()).unwrap();
    let all = client.own("/truth/finance/agreements/*/additions").await.rows();
    let of_new: Vec<&Value> = all.iter().filter(|row| parents.contains(&row["_parentId"].as_i64().unwrap())).collect();
    assert!(!of_new.is_empty());
    for row in of_new {
        assert!(last_updated(row).unwrap() > "2026-01-15T08:00:00Z", "{row}");
    }
    let count = client.own("/truth/finance/agreements").await.rows().len();
    client.post("/advance", &format!(r#"{{"Agreement":{{"delete":{count}}}}}"#)).await;
    assert_eq!(client.own("/truth/finance/agreements/*/additions").await.rows(), Vec::<Value>::new());
    let past = client.own(&format!("/truth/finance/agreements/*/additions?at={moment}")).await.rows();
    assert_eq!(past, all);
    let now = client.own("/truth/finance/agreements/*/additions?at=2030-01-01").await.rows();
    assert!(now.len() >= all.len() && now.iter().all(|row| row.get("_deletedAt").is_some()));
}

#[tokio::test]
async fn a_list_below_a_row_can_be_longer_than_a_page() {
    let client = Client::start(20).await;
    let agreement = client.get("/finance/agreements", &[("pageSize", "1")]).await.ids()[0];
    let list = format!("/finance/agreements/{agreement}/additions");
    client.post("/advance", &format!(r#"{{"{list}":{{"insert":1100}}}}"#)).await;
    let rows = forward_only(&client, &list, "").await;
    assert!(rows.len() >= 1_100, "{}", rows.len());
    let ids = ids(&rows);
    assert!(ids.is_sorted_by(|a, b| a < b) && ids.iter().all(|id| *id < i64::from(i32::MAX)));
    assert_eq!(client.get(&format!("{list}/{}", ids[1_050]), &[]).await.json()["id"], ids[1_050]);
}
