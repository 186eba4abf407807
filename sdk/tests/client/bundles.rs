//! Many lists in one request: which answer belongs to which list, and which holds all of it.

use connectwise_sdk::models::Addition;
use connectwise_sdk::{Bundle, BundledList, Record};
use serde_json::{Value, json};

use crate::server::{Reply, Server};
use crate::simulator::Simulated;

fn lists(parents: &[i64]) -> Vec<BundledList> {
    parents.iter().map(|parent| BundledList::new("addition", *parent).page_size(3)).collect()
}

/// Parent -> the ids of its answer, if it is whole.
fn whole(bundle: &Bundle) -> Vec<(i64, Option<Vec<i64>>)> {
    let ids = |text: &&serde_json::value::RawValue| {
        serde_json::from_str::<Value>(text.get()).unwrap()["id"].as_i64().unwrap()
    };
    let answers = bundle.answers().unwrap().into_iter();
    answers
        .map(|(list, answer)| {
            let whole = answer.filter(connectwise_sdk::BundledAnswer::is_whole);
            (list.parent(), whole.map(|answer| answer.records.iter().map(ids).collect()))
        })
        .collect()
}

#[tokio::test]
async fn an_answer_counts_only_if_it_shows_that_it_is_whole() {
    let result = |number: i64, more: Value| {
        let mut result = json!({"sequenceNumber": number, "resourceType": "Addition", "success": true,
            "statusCode": 200, "count": 1, "entities": [{"id": 10 + number}]});
        result.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        result
    };
    let answer = json!({"results": [
        // In any order.
        result(1, json!({})),
        result(0, json!({"count": 2, "entities": [{"id": 7}, {"id": 8}]})),
        // No records is a list too, but no list is none.
        result(2, json!({"count": 0, "entities": []})),
        result(3, json!({"entities": null})),
        // As many as were asked for: there may be more.
        result(4, json!({"count": 3, "entities": [{"id": 1}, {"id": 2}, {"id": 3}]})),
        result(5, json!({"count": 9})),
        result(6, json!({"count": null})),
        result(7, json!({"success": false})),
        result(8, json!({"statusCode": 500})),
        result(9, json!({"resourceType": "agreement"})),
        // Twice.
        result(10, json!({})),
        result(10, json!({})),
        // Asked by nobody, or no answer at all.
        result(99, json!({})),
        "x",
    ]});
    let server = Server::start([Reply::status(207, &answer.to_string())]).await;
    let parents: Vec<i64> = (100..112).collect();
    let bundle = server.client.bundle(lists(&parents)).await.unwrap();
    let mut expected: Vec<_> = parents.iter().map(|parent| (*parent, None)).collect();
    (expected[0].1, expected[1].1, expected[2].1) = (Some(vec![7, 8]), Some(vec![11]), Some(vec![]));
    assert_eq!(whole(&bundle), expected);
}

#[tokio::test]
async fn another_answer_is_an_error() {
    for (body, expected) in [("{\"results\":5}", "results"), ("[]", "results"), ("<html>", "JSON")] {
        let server = Server::start([Reply::json(body)]).await;
        let bundle = server.client.bundle(lists(&[1])).await.unwrap();
        let error = bundle.answers().unwrap_err().to_string();
        assert!(error.contains(expected), "{body}: {error}");
    }
}

#[tokio::test]
async fn a_simulated_server_answers_as_if_each_list_were_asked_for() {
    let simulated = Simulated::start().await;
    let agreements: Vec<i64> = {
        let answer = simulated.client.get_raw("/finance/agreements").await.unwrap();
        let rows: Vec<Value> = serde_json::from_slice(&answer).unwrap();
        rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
    };
    // It only reads, so what fails in passing is repeated, although it is a POST.
    simulated.fault(r#"{"path":"/system/bundles","status":503,"times":2}"#).await;
    let ask = agreements.iter().map(|agreement| BundledList::new("addition", *agreement)).collect::<Vec<_>>();
    let bundle = simulated.client.bundle(ask.clone()).await.unwrap();
    assert_eq!(simulated.bitten("status").await, 2);
    let counts = simulated.client.bundle_counts(ask).await.unwrap();
    let counts: Vec<_> = counts.answers().unwrap().into_iter().map(|(_, answer)| answer.unwrap().count).collect();
    let mut all = 0;
    for ((agreement, found), count) in whole(&bundle).into_iter().zip(counts) {
        let found = found.unwrap();
        let path = format!("/finance/agreements/{agreement}/additions");
        assert_eq!((found.len(), count), (simulated.rows(&path).await, Some(found.len() as u64)), "{path}");
        all += found.len();
    }
    assert!(all > 0);
    let error = simulated.client.bundle(vec![BundledList::new("addition", 1); 101]).await.unwrap_err();
    assert_eq!(error.status(), Some(400));
}

#[tokio::test]
async fn records_below_many_parents_come_whole_and_in_few_requests() {
    let simulated = Simulated::start().await;
    let agreements = simulated.ids("/finance/agreements");
    let found = simulated.client.bundle_of::<Addition>(agreements.clone()).await.unwrap();
    assert_eq!(simulated.requests().await, vec!["POST /system/bundles"; agreements.len().div_ceil(100)]);
    assert_eq!(found.iter().map(|(parent, _)| *parent).collect::<Vec<_>>(), agreements);
    let mut all = 0;
    for (agreement, additions) in found {
        let expected = simulated.ids(&format!("/finance/agreements/{agreement}/additions"));
        assert_eq!(additions.iter().filter_map(Record::id).collect::<Vec<_>>(), expected, "{agreement}");
        all += additions.len();
    }
    assert!(all > 0);
}

/// What isn't whole, has a record that isn't one, or is refused, is read from the list itself.
#[tokio::test]
async fn a_list_that_its_bundle_does_not_show_whole_is_read_by_itself() {
    let answer = json!({"results": [
        {"sequenceNumber": 0, "success": true, "statusCode": 200, "count": 1, "entities": [{"id": 1}]},
        {"sequenceNumber": 1, "success": true, "statusCode": 200, "count": 9, "entities": [{"id": 2}]},
        {"sequenceNumber": 2, "success": false, "statusCode": 404, "count": 0},
    ]});
    let replies = [
        Reply::json(&answer.to_string()),
        Reply::page(&[2, 3], Some("<http://127.0.0.1/api?pageId=3>; rel=\"next\"")),
        Reply::page(&[4], Some("")),
        Reply::page(&[], Some("")),
    ];
    let server = Server::start(replies).await;
    let ids = |found: Vec<(i64, Vec<Addition>)>| -> Vec<(i64, Vec<i64>)> {
        found.into_iter().map(|(parent, of)| (parent, of.iter().filter_map(Record::id).collect())).collect()
    };
    let found = server.client.bundle_of::<Addition>([10, 20, 30]).await.unwrap();
    assert_eq!(ids(found), [(10, vec![1]), (20, vec![2, 3, 4]), (30, vec![])]);
    let targets = server.targets();
    assert!(targets[1].starts_with("/api/finance/agreements/20/additions?"), "{targets:?}");
    assert!(targets[3].starts_with("/api/finance/agreements/30/additions?"), "{targets:?}");

    // A server without bundles, and one that fails.
    let server = Server::start([Reply::status(404, ""), Reply::page(&[5], Some(""))]).await;
    assert_eq!(ids(server.client.bundle_of::<Addition>([10]).await.unwrap()), [(10, vec![5])]);
    let server = Server::start(vec![Reply::status(500, ""); 3]).await;
    let error = server.client.bundle_of::<Addition>([10]).await.unwrap_err();
    assert_eq!((error.status(), server.finish().len()), (Some(500), 3));
    let server = Server::start([]).await;
    assert!(server.client.bundle_of::<Addition>(Vec::<i64>::new()).await.unwrap().is_empty());
}
