//! Lists, rows above them and records of them that the server can't give or the role may not see.

use std::collections::BTreeMap;

use connectwise_lakehouse::TableName;
use connectwise_pipeline::run::{Mode, Step, StepOutcome};
use serde_json::{Value, json};

use super::{Tenant, additions, parent};
use crate::steer::post;
use crate::truth::Rows;

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_cannot_be_read_is_named_left_alone_and_asked_for_again() {
    let tenant = Tenant::start(900).await;
    let truth = tenant.truth(additions()).await;
    // An agreement with several additions.
    let mut below: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    truth.iter().for_each(|(key, row)| below.entry(parent(row)).or_default().push(*key));
    let (bad, keys) = below.iter().find(|(_, keys)| keys.len() >= 3).unwrap();
    let list = format!("/finance/agreements/{bad}/additions");
    let rule = |id: i64| json!({ "path": list, "holdsId": id, "status": 500, "times": 100_000 });
    for id in keys {
        post(&tenant.simulator, "faults", rule(*id)).await;
    }
    // A first load has all the others.
    let named = |step: &Step| {
        let StepOutcome::Incomplete(what) = &step.outcome else { panic!("{step:?}") };
        assert!(what.contains(&format!("the lists of Agreement {bad} can't be read")), "{what}");
        assert!(!step.read.as_ref().unwrap().complete);
    };
    let report = tenant.run(Mode::Full, &[additions().name]).await;
    assert_eq!((report.outcome(), report.failed().count(), report.incomplete().count()), ("partly", 0, 1));
    named(&report.steps[0]);
    let stored = tenant.bronze(additions()).await;
    assert!(stored.values().all(|row| parent(row) != *bad));
    assert_eq!(stored.len(), truth.len() - keys.len());

    // It is asked for although nothing says that it changed, whichever part of the round it is.
    named(&tenant.step(Mode::Incremental, additions().name).await);
    tenant.forget("faults").await;
    tenant.load(Mode::Incremental, additions().name).await;
    assert_eq!(tenant.differences(additions()).await, 0);

    // Rows that are there stay as they were, while those of other lists change.
    let other = below.keys().find(|parent| *parent != bad).unwrap();
    for path in [list.clone(), format!("/finance/agreements/{other}/additions")] {
        post(&tenant.simulator, "advance", json!({ path: { "edit": 1, "insert": 1, "delete": 1 } })).await;
    }
    post(&tenant.simulator, "advance", json!({ "Agreement": { "edit": 1000 } })).await;
    let now: Vec<i64> = tenant
        .own(&format!("truth{list}"))
        .await
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_i64().unwrap())
        .collect();
    for id in now {
        post(&tenant.simulator, "faults", rule(id)).await;
    }
    let before = tenant.bronze(additions()).await;
    for mode in [Mode::Incremental, Mode::Full, Mode::Incremental] {
        named(&tenant.step(mode, additions().name).await);
        let (stored, truth) = (tenant.bronze(additions()).await, tenant.truth(additions()).await);
        let of = |rows: &Rows, its: bool| -> Rows {
            rows.iter().filter(|(_, row)| (parent(row) == *bad) == its).map(|(key, row)| (*key, row.clone())).collect()
        };
        assert_eq!(of(&stored, true), of(&before, true));
        assert_eq!(of(&stored, false), of(&truth, false));
    }
    tenant.forget("faults").await;
    tenant.load(Mode::Incremental, additions().name).await;
    assert_eq!(tenant.differences(additions()).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_cannot_be_given_takes_nothing_away() {
    let tenant = Tenant::start(900).await;
    tenant.load(Mode::Full, additions().name).await;
    // The first one, so that it is in the first part of the round.
    let bad = tenant.truth(additions()).await.values().map(parent).min().unwrap();
    let rule = json!({ "path": "/finance/agreements", "holdsId": bad, "status": 500, "times": 100_000 });
    post(&tenant.simulator, "faults", rule).await;
    // Its list is asked for all the same.
    let path = format!("/finance/agreements/{bad}/additions");
    post(&tenant.simulator, "advance", json!({ path: { "edit": 1, "insert": 1 } })).await;
    let rows = tenant.bronze(additions()).await;
    for mode in [Mode::Full, Mode::Incremental] {
        // A day later the round comes on.
        post(&tenant.simulator, "advance", json!({})).await;
        let step = tenant.step(mode, additions().name).await;
        let StepOutcome::Incomplete(what) = &step.outcome else { panic!("{step:?}") };
        assert!(what.contains("the server can't give 1 of the records of Agreement"), "{what}");
        assert_eq!(step.rows_deleted, 0, "{step:?}");
        assert_eq!(tenant.differences(additions()).await, 0, "{mode:?}");
    }
    assert_eq!(tenant.bronze(additions()).await.len(), rows.len() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_a_list_that_cannot_be_given_keeps_no_other_back() {
    let tenant = Tenant::start(900).await;
    tenant.load(Mode::Full, additions().name).await;
    let mut below: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    let truth = tenant.truth(additions()).await;
    truth.iter().for_each(|(key, row)| below.entry(parent(row)).or_default().push(*key));
    let (above, keys) = below.iter().find(|(_, keys)| keys.len() >= 3).unwrap();
    let path = format!("/finance/agreements/{above}/additions");
    post(&tenant.simulator, "advance", json!({ &path: { "edit": 100, "insert": 1 } })).await;
    post(&tenant.simulator, "advance", json!({ "Agreement": { "edit": 1000 } })).await;
    let rule = json!({ "path": path, "holdsId": keys[1], "status": 500, "times": 100_000 });
    post(&tenant.simulator, "faults", rule).await;
    let (before, truth) = (tenant.bronze(additions()).await, tenant.truth(additions()).await);
    let step = tenant.step(Mode::Incremental, additions().name).await;
    let StepOutcome::Incomplete(what) = &step.outcome else { panic!("{step:?}") };
    assert!(what.contains(&format!("the lists of Agreement {above} can't be read")), "{what}");
    for (key, row) in tenant.bronze(additions()).await {
        assert_eq!(&row, if key == keys[1] { &before[&key] } else { &truth[&key] });
    }
    tenant.forget("faults").await;
    tenant.load(Mode::Incremental, additions().name).await;
    assert_eq!(tenant.differences(additions()).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_lists_that_cannot_be_read_leave_the_table_as_it_was() {
    let tenant = Tenant::start(300).await;
    let mut faults = vec![json!({ "path": "/system/bundles", "status": 404, "times": 100_000 })];
    for agreement in tenant.own("truth/finance/agreements").await.as_array().unwrap() {
        let path = format!("/finance/agreements/{}/additions", agreement["id"]);
        faults.push(json!({ "path": path, "status": 403, "times": 100_000 }));
    }
    let faults = Value::from(faults);
    // A first load makes no table.
    post(&tenant.simulator, "faults", faults.clone()).await;
    let failed = |step: &Step| {
        let StepOutcome::Failed(why) = &step.outcome else { panic!("{step:?}") };
        assert!(why.contains("the lists of more than 8 parents can't be read"), "{why}");
    };
    let report = tenant.run(Mode::Full, &[additions().name]).await;
    assert_eq!(report.outcome(), "failed");
    failed(&report.steps[0]);
    let table = TableName::bronze(additions().table);
    assert_eq!(tenant.lakehouse.lake().table(&table).await.unwrap().version(), None);

    tenant.forget("faults").await;
    tenant.load(Mode::Full, additions().name).await;
    let (version, rows) = (tenant.version(additions()).await, tenant.bronze(additions()).await);
    post(&tenant.simulator, "advance", json!({ "Agreement": { "edit": 1000 } })).await;
    post(&tenant.simulator, "faults", faults).await;
    for mode in [Mode::Incremental, Mode::Full] {
        failed(&tenant.step(mode, additions().name).await);
        assert_eq!(tenant.version(additions()).await, version, "nothing was committed, marks included");
        assert_eq!(tenant.bronze(additions()).await, rows);
    }
    tenant.forget("faults").await;
    tenant.load(Mode::Incremental, additions().name).await;
    assert_eq!(tenant.differences(additions()).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrowed_role_takes_nothing_away() {
    let tenant = Tenant::start(900).await;
    tenant.load(Mode::Full, additions().name).await;
    let rows = tenant.bronze(additions()).await;
    post(&tenant.simulator, "role", json!({ "role": "mine" })).await;
    let mut refused = 0;
    for _ in 0..additions().parent().unwrap().runs {
        post(&tenant.simulator, "advance", json!({})).await;
        let step = tenant.step(Mode::Incremental, additions().name).await;
        if let StepOutcome::Incomplete(why) = &step.outcome {
            assert!(why.contains("are believed, so nothing was deleted"), "{why}");
            refused += 1;
        }
        assert_eq!(step.rows_deleted, 0, "{step:?}");
        assert_eq!(tenant.bronze(additions()).await, rows);
    }
    assert!(refused > 0);
    post(&tenant.simulator, "role", json!({ "role": "full" })).await;
    tenant.load(Mode::Incremental, additions().name).await;
    assert_eq!(tenant.differences(additions()).await, 0);
}
