//! Every fault of the simulator, alone and mixed: whatever a read meets, nothing is lost, invented or doubled, and the run's
//! end says how it went.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod steer;
mod truth;

use std::collections::BTreeMap;
use std::time::Duration;

use connectwise_etl::bronze::Options;
use connectwise_etl::catalog;
use connectwise_etl::lake::Layer;
use connectwise_etl::run::{Mode, Outcome, Plan, Quiet, Report, execute};
use connectwise_sdk::catalog::{Entity, Load};
use connectwise_sdk::{Client, RetryPolicy};
use connectwise_sim::Simulator;
use connectwise_tests::{Draws, Lakehouse, config, impatient};
use serde_json::{Value, json};
use steer::{forget, post};
use truth::{assert_truth, stored, truth};

/// Scenarios of a run of all tests: every fault alone on every entity, and some mixed ones. `CW_SCENARIOS` says another number.
const SCENARIOS: u64 = 150;

/// Tenants that go through them side by side.
const TENANTS: u64 = 4;

/// Scenarios after which a tenant starts with an empty lakehouse: first loads meet faults, too.
const AGE: u64 = 25;

/// Of each way of loading, and of both ways of paging.
const ENTITIES: [&str; 5] = ["TimeEntry", "Agreement", "ExpenseEntry", "Member", "UnpostedInvoice"];

/// Pages are small, so that a read has several.
const PAGE_SIZE: u32 = 10;

/// Everything that the simulator can do to a request, and whether it is a lie: an answer that looks right and isn't.
const FAULTS: [(&str, bool); 24] = [
    (r#"{"status":429,"retryAfter":0}"#, false),
    (r#"{"status":429,"retryAfter":"Mon, 01 Jan 2001 00:00:00 GMT"}"#, false),
    (r#"{"status":429}"#, false),
    (r#"{"status":429,"retryAfter":3600}"#, false),
    (r#"{"status":500}"#, false),
    (r#"{"status":502,"html":true}"#, false),
    (r#"{"status":503,"html":true}"#, false),
    (r#"{"status":504}"#, false),
    (r#"{"status":401}"#, false),
    (r#"{"status":403}"#, false),
    (r#"{"status":404}"#, false),
    (r#"{"status":404,"html":true}"#, false),
    (r#"{"cut":true}"#, false),
    (r#"{"stall":true}"#, false),
    (r#"{"close":true}"#, false),
    (r#"{"refuse":true}"#, false),
    (r#"{"slow":200000}"#, false),
    (r#"{"contentType":"text/html"}"#, false),
    (r#"{"status":400,"body":"no JSON"}"#, false),
    (r#"{"status":500,"holdsId":0}"#, false),
    (r#"{"perMinute":7}"#, false),
    (r#"{"perMinute":7,"silent":true}"#, false),
    (r#"{"missing":true}"#, true),
    (r#"{"duplicate":true}"#, true),
];

struct Tenant {
    simulator: Simulator,
    lakehouse: Lakehouse,
    /// Gives up soon, so that faults have their effect.
    hasty: Client,
    patient: Client,
    draws: Draws,
    /// What bronze has of each entity.
    before: BTreeMap<&'static str, BTreeMap<i64, Value>>,
}

/// How often things went which way, so that a test in which nothing happens can't pass.
#[derive(Debug, Default)]
struct Tally {
    written: u64,
    unchanged: u64,
    failed: u64,
    lies_found: u64,
}

impl Tenant {
    async fn new(seed: u64) -> Self {
        let simulator = Simulator::builder().seed(seed).scale(60).start().await.unwrap();
        let config = config(&simulator).unwrap().with_page_size(PAGE_SIZE);
        let patient = Client::new(config.clone()).unwrap();
        let hasty = config
            .with_retry(RetryPolicy { max_retry_after: Duration::from_secs(1), ..impatient(3) })
            .with_read_timeout(Duration::from_millis(300));
        Self {
            simulator,
            lakehouse: Lakehouse::empty().unwrap(),
            hasty: Client::new(hasty).unwrap(),
            patient,
            draws: Draws::new(seed),
            before: BTreeMap::new(),
        }
    }

    async fn run(&self, client: &Client, entity: &'static Entity, mode: Mode) -> Report {
        let plan = Plan {
            page_size: PAGE_SIZE,
            // Files are as small as pages, so that a load that is cut off leaves some of them to the next.
            load: Options { max_share: 100.0, chunk_rows: 15, ..Options::default() },
            ..Plan::new(vec![Layer::Bronze], mode, vec![entity])
        };
        execute(self.lakehouse.lake(), Some(client), &plan, &Quiet).await.unwrap()
    }

    /// One to three faults, on the entity's own requests or on all; whether one of them lies. First each of them alone.
    async fn spoil(&mut self, entity: &Entity, of: usize) -> (Vec<Value>, bool) {
        let mut lies = false;
        let mut rules = Vec::new();
        let others = if of < FAULTS.len() * ENTITIES.len() { 0 } else { self.draws.below(3) };
        for more in 0..=others {
            // The first one goes through all of them, so that none is left out.
            let drawn = if more == 0 { of } else { self.draws.below(FAULTS.len() as u64) as usize };
            let (fault, lie) = FAULTS[drawn % FAULTS.len()];
            let mut rule: Value = serde_json::from_str(fault).unwrap();
            lies |= lie;
            rule["seed"] = self.draws.below(1 << 32).into();
            match self.draws.below(3) {
                0 => rule["nth"] = (1 + self.draws.below(6)).into(),
                1 => rule["probability"] = 0.2.into(),
                _ => rule["probability"] = 0.7.into(),
            }
            // A record that the server has, and can't give.
            if rule.get("holdsId").is_some() {
                let keys: Vec<i64> = truth(&self.simulator, entity).await.into_keys().collect();
                rule["holdsId"] = keys[self.draws.below(keys.len() as u64) as usize].into();
                rule["nth"] = 1.into();
                rule["times"] = 1_000_000.into();
            }
            // Who refuses a connection hasn't heard the path.
            if self.draws.below(2) == 0 && rule.get("refuse").is_none() {
                rule["path"] = format!("{}*", entity.path).into();
            }
            rules.push(rule);
        }
        post(&self.simulator, "faults", rules.clone().into()).await;
        (rules, lies)
    }

    async fn scenario(&mut self, number: u64, tally: &mut Tally) {
        let pass = number as usize / FAULTS.len();
        let entity = catalog::entity(ENTITIES[pass % ENTITIES.len()]).unwrap();
        let mode = if self.draws.below(3) == 0 { Mode::Full } else { Mode::Incremental };
        let whole = mode == Mode::Full || entity.load == Load::Snapshot;
        // Only whole reads see what is deleted.
        let deleted = u64::from(whole && self.draws.below(3) == 0);
        let edited = self.draws.below(4);
        let change = json!({ "edit": edited, "insert": deleted + self.draws.below(2), "delete": deleted });
        post(&self.simulator, "advance", json!({ entity.name: change })).await;
        let (rules, lies) = self.spoil(entity, number as usize).await;
        let what = format!("scenario {number}: {} {mode:?} under {rules:?}", entity.name);

        let report = self.run(&self.hasty, entity, mode).await;
        forget(&self.simulator, "faults").await;
        let [step] = report.steps.as_slice() else { panic!("{what}: {:?}", report.steps) };
        let code = match &step.outcome {
            Outcome::Failed(_) => 3,
            _ if step.is_incomplete() => 1,
            _ => 0,
        };
        assert_eq!(report.exit_code(), code, "{what}: {step:?}");
        let before = self.before.remove(entity.name).unwrap_or_default();
        let server = truth(&self.simulator, entity).await;
        let is_there = step.version.is_some() || !before.is_empty();
        let after = if is_there { stored(&self.lakehouse, entity).await } else { BTreeMap::new() };
        let mended = match &step.outcome {
            Outcome::Failed(_) => {
                tally.failed += 1;
                tally.lies_found += u64::from(lies);
                assert_eq!(after, before, "{what}: a step that failed changed the table");
                false
            }
            outcome => {
                *(if *outcome == Outcome::Written { &mut tally.written } else { &mut tally.unchanged }) += 1;
                // A part of a list that lies looks like any other; the next run reads over it again.
                // What the server can't give is left out, and asked for again by the next run.
                let is_whole = (whole || !lies) && !step.is_incomplete();
                assert!(!is_whole || after == server, "{what}: bronze has {after:#?}, the server {server:#?}");
                let known = |(key, row): (&i64, &Value)| server.get(key) == Some(row) || before.get(key) == Some(row);
                assert!(after.iter().all(known), "{what}: a row is neither the server's nor what was there");
                assert!(before.keys().all(|key| after.contains_key(key) || !server.contains_key(key)), "{what}: lost");
                is_whole
            }
        };
        if !mended {
            let report = self.run(&self.patient, entity, mode).await;
            assert_eq!(report.failed().count(), 0, "{what}: {:?}", report.steps);
            assert_truth(&self.simulator, &self.lakehouse, [entity], &format!("after {what}")).await;
        }
        self.before.insert(entity.name, server);
    }
}

#[test]
fn whatever_a_read_meets_nothing_is_lost_invented_or_doubled() {
    let wanted = std::env::var("CW_SCENARIOS").map_or(SCENARIOS, |wanted| wanted.parse().unwrap());
    let tenants = (0..TENANTS).map(|first| {
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let mut tally = Tally::default();
                let mut tenant = Tenant::new(first).await;
                for (age, number) in (first..wanted).step_by(TENANTS as usize).enumerate() {
                    if (age as u64).is_multiple_of(AGE) {
                        tenant.lakehouse = Lakehouse::empty().unwrap();
                        tenant.before.clear();
                    }
                    tenant.scenario(number, &mut tally).await;
                }
                tally
            })
        })
    });
    let mut all = Tally::default();
    for tenant in tenants.collect::<Vec<_>>() {
        let tally = tenant.join().unwrap();
        all.written += tally.written;
        all.unchanged += tally.unchanged;
        all.failed += tally.failed;
        all.lies_found += tally.lies_found;
    }
    assert_eq!(all.written + all.unchanged + all.failed, wanted);
    let few = wanted / 50;
    assert!(all.written > few && all.failed > few && all.lies_found > 0, "{all:?}");
}
