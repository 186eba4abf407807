//! Changes of lists, those that show at the row above and those that don't, and loads that meet.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use connectwise_extract::catalog;
use connectwise_lakehouse::{Layer, TableName};
use connectwise_pipeline::bronze::Options;
use connectwise_pipeline::ledger;
use connectwise_pipeline::run::{Mode, Plan, Quiet, execute};
use serde_json::{Value, json};

use super::{Tenant, additions, hanging, parent};
use crate::steer::post;

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_touch_the_parent_are_there_after_one_run() {
    let tenant = Tenant::start(900).await;
    post(&tenant.simulator, "switches", json!({ "children-touch-parents": "yes" })).await;
    let names: Vec<&str> = hanging().iter().map(|entity| entity.name).collect();
    assert_eq!(tenant.run(Mode::Full, &names).await.outcome(), "done");
    post(&tenant.simulator, "advance", json!({ "days": 3 })).await;
    let mut changed = 0;
    for entity in hanging() {
        changed += tenant.differences(entity).await;
    }
    assert!(changed > 5, "{changed}");
    tenant.forget("requests").await;
    assert_eq!(tenant.run(Mode::Incremental, &names).await.outcome(), "done");
    let (bundled, alone) = tenant.requests().await;
    assert!(bundled > 0 && alone <= 2 * bundled, "{bundled} {alone}");
    let mut left = BTreeMap::new();
    for entity in hanging() {
        left.insert(entity.name, tenant.differences(entity).await);
    }
    // Parents that were deleted are found out by the round: here their lists are the only ones left.
    for (name, differences) in left {
        let entity = catalog::entity(name).unwrap();
        let (truth, bronze) = (tenant.truth(entity).await, tenant.bronze(entity).await);
        let living: Vec<i64> = {
            let above = catalog::entity(entity.parent().unwrap().entity).unwrap();
            let rows = tenant.own(&format!("truth{}", above.path)).await;
            rows.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
        };
        let orphans = bronze.iter().filter(|(_, row)| !living.contains(&parent(row))).count();
        assert_eq!(differences, orphans, "{name}: {} rows", truth.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_leave_no_trace_are_there_after_a_round() {
    let tenant = Tenant::start(900).await;
    let runs = u64::from(additions().parent().unwrap().runs);
    tenant.load(Mode::Full, additions().name).await;
    // Additions change, and their agreements keep their change time: see children-touch-parents.
    let mut agreements: Vec<i64> = tenant.truth(additions()).await.values().map(parent).collect();
    agreements.sort_unstable();
    agreements.dedup();
    let lists: Vec<i64> = agreements.iter().copied().step_by(5).collect();
    assert!(lists.len() > 3, "{agreements:?}");
    let path = |agreement: &i64| format!("/finance/agreements/{agreement}/additions");
    let mut changes: serde_json::Map<String, Value> =
        lists.iter().map(|agreement| (path(agreement), json!({ "edit": 1, "insert": 1, "delete": 1 }))).collect();
    // An agreement that goes takes its additions with it.
    changes.insert("Agreement".to_owned(), json!({ "delete": 1 }));
    // All of that in one day.
    post(&tenant.simulator, "advance", changes.into()).await;
    let parents = tenant.own("truth/finance/agreements/count").await["count"].as_u64().unwrap();
    let before = tenant.differences(additions()).await;
    assert!(before > 3, "{before}");
    let mut left = vec![before];
    let (mut deleted, mut lists) = (0, 0);
    for run in 1..=runs {
        tenant.forget("requests").await;
        let step = tenant.load(Mode::Incremental, additions().name).await;
        deleted += step.rows_deleted;
        lists += tenant.requests().await.0;
        post(&tenant.simulator, "advance", json!({})).await;
        left.push(tenant.differences(additions()).await);
        assert!(run == runs || step.read.unwrap().complete);
    }
    assert_eq!(left.last(), Some(&0), "{left:?}");
    // It took the round, and no single run read it all.
    assert!(left[1] > 0 && left.is_sorted_by(|a, b| a >= b), "{left:?}");
    assert!(deleted > 0 && lists <= 4 * runs, "{deleted} deleted, {lists} requests for {parents} parents");
    // The next round begins at the start, and finds nothing.
    let version = tenant.version(additions()).await;
    let step = tenant.load(Mode::Incremental, additions().name).await;
    assert_eq!((step.rows_inserted, step.rows_updated, step.rows_deleted), (0, 0, 0));
    assert_eq!(tenant.version(additions()).await, version + 1, "the round is kept in the table's own commit");
    // So soon after the last part only the agreement that changed last is looked at, and there is nothing to keep.
    tenant.forget("requests").await;
    tenant.load(Mode::Incremental, additions().name).await;
    assert_eq!((tenant.requests().await, tenant.version(additions()).await), ((2, 0), version + 1));
}

/// Lists of 640 tickets are due in a day, twice, and eight requests may be spent on both: two or three bundles and a count each, as one of
/// them asks for the ids of both. So it takes three or four days to come around.
#[tokio::test(flavor = "multi_thread")]
async fn the_rolling_refresh_keeps_to_its_requests_and_says_how_old_its_oldest_look_is() {
    let tenant = Tenant::start(2_000).await;
    let names = ["ServiceTicket", "ServiceNote", "ServiceTask", "Board", "Company", "WorkType"];
    let notes = catalog::entity("ServiceNote").unwrap();
    let run = async |mode, refresh_days| {
        let load = Options { refresh_requests: Some(8), refresh_days: Some(refresh_days), ..Options::default() };
        tenant.forget("requests").await;
        let entities = names.iter().map(|name| catalog::entity(name).unwrap()).collect();
        let plan = Plan { load, ..Plan::new(vec![Layer::Bronze], mode, entities) };
        let report = execute(tenant.lakehouse.lake(), Some(&tenant.client), &plan, &Quiet).await.unwrap();
        assert_eq!(report.outcome(), "done", "{report:#?}");
        report
    };
    let oldest = async || {
        let status = ledger::status(tenant.lakehouse.lake()).await.unwrap().unwrap();
        let name = TableName::bronze(notes.table).name;
        status.tables.into_iter().find(|table| table.table_name == name).unwrap().oldest_look.unwrap()
    };
    let clock = async || tenant.own("clock").await["now"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    run(Mode::Full, 1).await;
    let first = oldest().await;
    assert!((clock().await - first).num_minutes() <= 1, "{first}");
    // Without a trace at their tickets.
    let mut tickets: Vec<i64> = tenant.truth(notes).await.values().map(parent).collect();
    tickets.sort_unstable();
    tickets.dedup();
    let changes =
        tickets.iter().step_by(3).map(|ticket| (format!("/service/tickets/{ticket}/notes"), json!({ "edit": 1 })));
    post(&tenant.simulator, "advance", Value::Object(changes.collect())).await;
    let all = tenant.differences(notes).await;
    assert!(all > 50, "{all}");
    let (mut left, mut looks, mut slow) = (vec![all], Vec::new(), Vec::new());
    let mut began = Vec::new();
    for _ in 0..5 {
        began.push(clock().await);
        let total = run(Mode::Incremental, 1).await;
        let name = TableName::bronze(notes.table).name;
        let told = &total.steps.iter().find(|step| step.table == name).unwrap().warnings;
        slow.push(told.iter().any(|warning| warning.contains("refresh_requests")));
        // In a year's round nothing is due so soon.
        let others = run(Mode::Incremental, 365).await;
        let refresh = total.requests - others.requests;
        // Counts may take one more of each, and so may a bundle of twice the size, which the server refuses. All lists would be fourteen bundles, and
        // as many counts.
        assert!((1..=8 + 2 + 2).contains(&refresh), "{refresh} requests of {}", total.requests);
        left.push(tenant.differences(notes).await);
        looks.push(oldest().await);
        post(&tenant.simulator, "advance", json!({})).await;
    }
    // Until the round is over, tickets of its last part are the oldest.
    let round = looks.iter().position(|look| *look != first).unwrap();
    assert!((2..=3).contains(&round), "{looks:?}");
    assert!(left.is_sorted_by(|one, other| one >= other) && left[1] > 0, "{left:?}");
    assert_eq!(left[round + 1], 0, "{left:?}");
    // The first part of the round is the oldest once it is over, to the minute.
    let minute = |time: DateTime<Utc>| time.timestamp() / 60;
    assert_eq!(minute(looks[round]), minute(began[0]), "{looks:?} {began:?}");
    assert!(looks.is_sorted(), "{looks:?}");
    // It is told of where the oldest look is more than twice the day ago in which all are to be read, and the run doesn't come around.
    let late = (0..5).map(|run| run != round && (began[run] - looks[run]).num_days() > 2);
    assert_eq!(slow, late.collect::<Vec<_>>(), "{looks:?} {began:?}");
    assert!(slow.contains(&true));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_loads_at_once_end_in_the_same_table() {
    let tenant = Tenant::start(300).await;
    let both = async |mode| {
        let (one, two) = futures::join!(tenant.load(mode, additions().name), tenant.load(mode, additions().name));
        assert!(one.version.is_some() && two.version.is_some());
        assert_eq!(tenant.differences(additions()).await, 0);
    };
    both(Mode::Full).await;
    post(&tenant.simulator, "switches", json!({ "children-touch-parents": "yes" })).await;
    let agreement = parent(tenant.truth(additions()).await.values().next().unwrap());
    let path = format!("/finance/agreements/{agreement}/additions");
    post(&tenant.simulator, "advance", json!({ path: { "edit": 1, "insert": 2, "delete": 1 } })).await;
    assert!(tenant.differences(additions()).await > 0);
    both(Mode::Incremental).await;
}
