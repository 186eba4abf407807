//! Lists that hang on rows, against the truth: after full loads and incremental ones, with bundles and without, and with lists
//! that the server can't give.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use connectwise_extract::catalog;
use connectwise_lakehouse::{Layer, TableName};
use connectwise_pipeline::bronze::Options;
use connectwise_pipeline::run::{Mode, Outcome, Plan, Quiet, Report, Step, execute};
use connectwise_pipeline::{ledger, reconcile};
use connectwise_sdk::Client;
use connectwise_sdk::catalog::Entity;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, config, impatient};
use serde_json::{Value, json};

use crate::steer::{ask, forget, post};
use crate::truth::Rows;

/// What a row hangs on.
fn parent(row: &Value) -> i64 {
    row["_parentId"].as_f64().unwrap() as i64
}

struct Tenant {
    simulator: Simulator,
    lakehouse: Lakehouse,
    client: Client,
}

impl Tenant {
    async fn start(scale: u64) -> Self {
        let simulator = Simulator::builder().seed(5).scale(scale).start().await.unwrap();
        // As stubborn as usual, and without waiting for a server on the same machine.
        let client = Client::new(config(&simulator).unwrap().with_retry(impatient(4))).unwrap();
        Self { simulator, lakehouse: Lakehouse::empty().unwrap(), client }
    }

    async fn run(&self, mode: Mode, entities: &[&str]) -> Report {
        let plan =
            Plan::new(vec![Layer::Bronze], mode, entities.iter().map(|name| catalog::entity(name).unwrap()).collect());
        execute(self.lakehouse.lake(), Some(&self.client), &plan, &Quiet).await.unwrap()
    }

    /// One step of a run that went well.
    async fn load(&self, mode: Mode, entity: &str) -> Step {
        let step = self.step(mode, entity).await;
        assert!(matches!(step.outcome, Outcome::Written | Outcome::Unchanged), "{step:?}");
        assert!(step.read.as_ref().unwrap().complete);
        step
    }

    async fn step(&self, mode: Mode, entity: &str) -> Step {
        self.run(mode, &[entity]).await.steps.into_iter().next().unwrap()
    }

    async fn own(&self, route: &str) -> Value {
        ask(&self.simulator, route).await
    }

    async fn forget(&self, what: &str) {
        forget(&self.simulator, what).await;
    }

    /// Requests of the API since they were forgotten: to bundles, and to lists below rows.
    async fn requests(&self) -> (u64, u64) {
        let log = self.own("requests").await;
        let count = |wanted: fn(&str) -> bool| -> u64 {
            let counts = log["counts"].as_array().unwrap().iter();
            counts
                .filter(|count| wanted(count["path"].as_str().unwrap()))
                .map(|count| count["count"].as_u64().unwrap())
                .sum()
        };
        let below = |path: &str| path.split('/').any(|step| step.parse::<i64>().is_ok() || step.starts_with('{'));
        (count(|path| path.contains("/system/bundles")), count(below))
    }

    /// Requests to a path that were answered with this status.
    async fn asked(&self, path: &str, status: u64) -> u64 {
        let log = self.own("requests").await;
        let counts = log["counts"].as_array().unwrap().iter();
        let counts = counts.filter(|count| count["path"] == path && count["status"] == status);
        counts.map(|count| count["count"].as_u64().unwrap()).sum()
    }

    async fn truth(&self, entity: &Entity) -> Rows {
        crate::truth::truth(&self.simulator, entity).await
    }

    async fn bronze(&self, entity: &Entity) -> Rows {
        crate::truth::stored(&self.lakehouse, entity).await
    }

    /// How many rows differ.
    async fn differences(&self, entity: &Entity) -> usize {
        let (truth, bronze) = (self.truth(entity).await, self.bronze(entity).await);
        assert!(!truth.is_empty(), "{}", entity.name);
        let changed = truth.iter().filter(|(key, row)| bronze.get(*key) != Some(*row)).count();
        changed + bronze.keys().filter(|key| !truth.contains_key(*key)).count()
    }

    async fn version(&self, entity: &Entity) -> u64 {
        self.lakehouse.lake().table(&TableName::bronze(entity.table)).await.unwrap().version().unwrap()
    }
}

fn hanging() -> Vec<&'static Entity> {
    catalog::entities().iter().filter(|entity| entity.parent().is_some()).collect()
}

fn additions() -> &'static Entity {
    catalog::entity("AgreementAddition").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_is_loaded_in_full_and_by_bundle() {
    let tenant = Tenant::start(900).await;
    assert_eq!(hanging().len(), 12);
    for entity in hanging() {
        let above = catalog::entity(entity.parent().unwrap().entity).unwrap();
        tenant.forget("requests").await;
        let step = tenant.load(Mode::Full, entity.name).await;
        let (bundled, alone) = tenant.requests().await;
        let rows = tenant.own(&format!("truth{}", above.path)).await;
        // The list of service tickets holds project tickets too, which aren't asked for.
        let has_list =
            |row: &&Value| entity.parent().unwrap().conditions.is_none() || row["recordType"] == "ServiceTicket";
        let parents = rows.as_array().unwrap().iter().filter(has_list).count() as u64;
        let stored = tenant.bronze(entity).await;
        assert_eq!(tenant.differences(entity).await, 0, "{}", entity.name);
        assert_eq!((step.rows_read, step.rows_inserted), (stored.len() as u64, stored.len() as u64));
        // A hundred lists a bundle; a larger one is tried once and refused. The first bundle is counted, and few others are.
        let refused = tenant.asked("/system/bundles", 400).await;
        let counts = tenant.asked("/system/bundles/count", 207).await;
        let bundles = parents.div_ceil(100);
        assert!(
            refused <= 1 && (1..=bundles).contains(&counts),
            "{}: {refused} refused, {counts} counted",
            entity.name
        );
        assert_eq!((bundled, alone), (bundles + refused + counts, 0), "{}: {parents} parents", entity.name);
        // Again, and nothing is to be done.
        let version = tenant.version(entity).await;
        let step = tenant.load(Mode::Incremental, entity.name).await;
        assert_eq!((step.rows_inserted, step.rows_updated, step.rows_deleted), (0, 0, 0), "{}", entity.name);
        assert_eq!(step.outcome, Outcome::Unchanged);
        assert!(tenant.version(entity).await <= version + 1, "a commit with marks, and no more");
    }
    assert!(reconcile::wanted(hanging()).is_empty(), "each list is compared as a whole when it is read");
}

/// Lists of several entities are loaded at once, and most of these have more than the hundred lists that a bundle may hold here.
#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_was_refused_teaches_all_loads_of_the_run() {
    for (limit, refused) in [("100", 1), ("none", 0)] {
        let tenant = Tenant::start(900).await;
        post(&tenant.simulator, "switches", json!({ "bundle-limit": limit })).await;
        let names = ["ServiceTicket", "ServiceNote", "ServiceTask", "ProjectTicket", "TicketNote", "TicketTask"];
        assert_eq!(tenant.run(Mode::Full, &names).await.outcome(), "done");
        assert_eq!(tenant.asked("/system/bundles", 400).await, refused, "{limit}");
        for name in ["ServiceNote", "ServiceTask", "TicketNote", "TicketTask"] {
            assert_eq!(tenant.differences(catalog::entity(name).unwrap()).await, 0, "{limit}: {name}");
        }
    }
}

/// With lists that show how much a bundle can return, beside child lists that are shorter.
const SHOWN: [&str; 11] = [
    "Company",
    "Contact",
    "Board",
    "WorkType",
    "WorkRole",
    "Agreement",
    "AgreementAddition",
    "ServiceTicket",
    "ServiceNote",
    "ProjectTicket",
    "TicketNote",
];

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_counted_only_where_a_count_adds_proof() {
    let tenant = Tenant::start(2_000).await;
    assert_eq!(tenant.run(Mode::Full, &SHOWN).await.outcome(), "done");
    // Notes of 640 service tickets and 320 project tickets, additions of 24 agreements, and the flat lists.
    let bundles = tenant.asked("/system/bundles", 207).await;
    let counts = tenant.asked("/system/bundles/count", 207).await;
    assert!(bundles >= 12 && counts <= bundles / 2 + 2, "{bundles} bundles, {counts} bundles of counts");
    for name in ["AgreementAddition", "ServiceNote", "TicketNote"] {
        assert_eq!(tenant.differences(catalog::entity(name).unwrap()).await, 0, "{name}");
    }
}

/// Servers that return only the first records of a list, or records of the first lists only, and claim that this is all.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cuts_bundles_without_a_word_is_found_out() {
    for (switch, most) in
        [("bundle-page", 1), ("bundle-page", 2), ("bundle-page", 4), ("bundle-lists", 40), ("bundle-lists", 150)]
    {
        let tenant = Tenant::start(900).await;
        post(&tenant.simulator, "switches", json!({ "bundle-limit": "none", switch: most })).await;
        for names in [&SHOWN[..], &["ServiceNote"]] {
            let report = tenant.run(Mode::Full, names).await;
            assert_eq!(report.outcome(), "done", "{switch} {most}: {report:#?}");
            for name in names.iter().filter(|name| catalog::entity(name).unwrap().parent().is_some()) {
                let differences = tenant.differences(catalog::entity(name).unwrap()).await;
                assert_eq!(differences, 0, "{switch} {most}: {name}");
            }
        }
        assert!(tenant.requests().await.1 > 0, "{switch} {most}: no list was read on its own");
    }
}

/// The first count shows that lists lack records, and then nothing is counted any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cuts_bundles_and_stops_counting_is_not_believed() {
    let tenant = Tenant::start(900).await;
    post(&tenant.simulator, "switches", json!({ "bundle-page": 2 })).await;
    let refused = json!({ "path": "/system/bundles/count", "nth": 2, "status": 403, "times": 1_000_000 });
    post(&tenant.simulator, "faults", refused).await;
    assert_eq!(tenant.run(Mode::Full, &["ServiceNote"]).await.outcome(), "done");
    assert_eq!(tenant.asked("/system/bundles/count", 207).await, 1);
    assert!(tenant.asked("/system/bundles/count", 403).await > 0);
    assert_eq!(tenant.differences(catalog::entity("ServiceNote").unwrap()).await, 0);
}

/// A server that begins to return nothing takes no row away, and what is new comes all the same.
#[tokio::test(flavor = "multi_thread")]
async fn lists_that_come_empty_are_counted() {
    let tenant = Tenant::start(900).await;
    post(&tenant.simulator, "switches", json!({ "children-touch-parents": "yes" })).await;
    let names = ["ServiceTicket", "ServiceNote"];
    let notes = catalog::entity("ServiceNote").unwrap();
    assert_eq!(tenant.run(Mode::Full, &names).await.outcome(), "done");
    post(&tenant.simulator, "switches", json!({ "bundle-lists": 1 })).await;
    post(&tenant.simulator, "advance", json!({ "days": 2 })).await;
    assert!(tenant.differences(notes).await > 0);
    assert_eq!(tenant.run(Mode::Incremental, &names).await.outcome(), "done");
    let (truth, bronze) = (tenant.truth(notes).await, tenant.bronze(notes).await);
    assert!(
        truth.iter().all(|(key, row)| bronze.get(key) == Some(row)),
        "what is below deleted tickets may still be there"
    );
    assert_eq!(tenant.run(Mode::Full, &names).await.outcome(), "done");
    assert_eq!(tenant.differences(notes).await, 0);
}

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

/// Lists of 640 tickets are due in a day, twice, and six requests may be spent on both: two bundles and a count each, so that it takes four
/// days to come around.
#[tokio::test(flavor = "multi_thread")]
async fn the_rolling_refresh_keeps_to_its_requests_and_says_how_old_its_oldest_look_is() {
    let tenant = Tenant::start(2_000).await;
    let names = ["ServiceTicket", "ServiceNote", "ServiceTask", "Board", "Company", "WorkType"];
    let notes = catalog::entity("ServiceNote").unwrap();
    let run = async |mode, refresh_days| {
        let load = Options { refresh_requests: Some(6), refresh_days: Some(refresh_days), ..Options::default() };
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
        // One lists the tickets, and counts may take one more of each. All lists would be fourteen bundles, and counts.
        assert!((1..=6 + 1 + 2).contains(&refresh), "{refresh} requests of {}", total.requests);
        left.push(tenant.differences(notes).await);
        looks.push(oldest().await);
        post(&tenant.simulator, "advance", json!({})).await;
    }
    assert!(left.is_sorted_by(|one, other| one >= other) && left[1] > 0 && left[2] > 0, "{left:?}");
    assert_eq!(left[4], 0, "{left:?}");
    assert_eq!(looks[..3], [first; 3], "tickets of the last part");
    // The first part of the round is the oldest once it is over, to the minute; then the second.
    let minute = |time: DateTime<Utc>| time.timestamp() / 60;
    assert_eq!((minute(looks[3]), minute(looks[4])), (minute(began[0]), minute(began[1])), "{looks:?} {began:?}");
    // Three days are more than twice the day in which all are to be read.
    assert_eq!(slow, [false, false, true, false, true], "{slow:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_bundles_lists_are_read_one_by_one() {
    for fault in [
        json!({ "path": "/system/bundles", "status": 404, "times": 100_000 }),
        json!({ "path": "/system/bundles*", "status": 403, "times": 100_000 }),
        json!({ "path": "/system/bundles", "status": 503, "times": 100_000 }),
        json!({ "path": "/system/bundles", "cut": true, "times": 100_000 }),
        json!({ "path": "/system/bundles/count", "status": 500, "times": 100_000 }),
    ] {
        let tenant = Tenant::start(300).await;
        post(&tenant.simulator, "faults", fault.clone()).await;
        let step = tenant.load(Mode::Full, additions().name).await;
        assert_eq!(tenant.differences(additions()).await, 0, "{fault}");
        let parents = tenant.own("truth/finance/agreements/count").await["count"].as_u64().unwrap();
        let (_, alone) = tenant.requests().await;
        assert!(alone >= 2 * parents, "{fault}: {alone} requests for {parents} lists and their counts");
        // What fails may work the next time; what is refused isn't asked for again, and the step says so.
        let refused = fault["status"] == 404 || fault["status"] == 403;
        assert_eq!(step.warnings.iter().any(|warning| warning.contains("one by one")), refused, "{step:?}");
    }
    // A server that takes fewer lists at once gets fewer, and one that can't count by bundle is believed.
    let tenant = Tenant::start(300).await;
    post(&tenant.simulator, "switches", json!({ "bundle-limit": "7" })).await;
    post(&tenant.simulator, "faults", json!({ "path": "/system/bundles/count", "status": 501, "times": 100_000 }))
        .await;
    let step = tenant.load(Mode::Full, additions().name).await;
    assert_eq!((tenant.differences(additions()).await, tenant.requests().await.1), (0, 0));
    assert!(step.warnings.iter().any(|warning| warning.contains("taken at their word")), "{step:?}");
}

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
        let Outcome::Incomplete(what) = &step.outcome else { panic!("{step:?}") };
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
        let Outcome::Incomplete(what) = &step.outcome else { panic!("{step:?}") };
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
    let Outcome::Incomplete(what) = &step.outcome else { panic!("{step:?}") };
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
        let Outcome::Failed(why) = &step.outcome else { panic!("{step:?}") };
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
        if let Outcome::Incomplete(why) = &step.outcome {
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
