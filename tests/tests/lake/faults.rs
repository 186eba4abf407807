//! Every fault of the simulator, alone and mixed, with rows that change under the reader's hands and one or two tables a run:
//! whatever a read meets, nothing is lost, invented or doubled, and the run's end says how it went.

use std::collections::BTreeMap;
use std::time::Duration;

use connectwise_extract::catalog;
use connectwise_lakehouse::Layer;
use connectwise_pipeline::bronze::Options;
use connectwise_pipeline::run::{Mode, Plan, Quiet, RunReport, Step, StepOutcome, execute};
use connectwise_sdk::catalog::{Entity, Load};
use connectwise_sdk::{Client, RetryPolicy};
use connectwise_sim::Simulator;
use connectwise_tests::{Draws, Lakehouse, config, impatient};
use serde_json::{Value, json};

use crate::steer::{forget, post};
use crate::truth::{Rows, assert_truth, stored, truth};

/// Scenarios of a run of all tests: every fault alone on every entity, and mixed ones. `CW_SCENARIOS` says another number.
const SCENARIOS: u64 = 168;

/// Tenants that go through them side by side, as many as there are switches, and not in step with the faults.
const TENANTS: u64 = 7;

/// Scenarios after which a tenant starts with an empty lakehouse: first loads meet faults, too.
const AGE: u64 = 25;

/// Of each way of loading, and of both ways of paging.
const ENTITIES: [&str; 6] =
    ["TimeEntry", "Agreement", "ExpenseEntry", "Member", "UnpostedInvoice", "AgreementAddition"];

/// What isn't sure about the real server, each way of it.
const SWITCHES: [&str; TENANTS as usize] = [
    "last-link=full",
    "last-link=exact",
    "last-link=always",
    "and-or=and-first",
    "bundle-status=200",
    "bundle-limit=7",
    "times=naive",
];

/// Pages are small, so that a read has several, and a list of all rows is long enough to be read by ranges of its keys.
const PAGE_SIZE: u32 = 5;

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
    before: BTreeMap<&'static str, Rows>,
    tally: Tally,
}

/// How often things went which way, so that a test in which nothing happens can't pass.
#[derive(Debug, Default)]
struct Tally {
    scenarios: u64,
    steps: u64,
    written: u64,
    unchanged: u64,
    failed: u64,
    partly: u64,
    lies_found: u64,
    moving: u64,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.scenarios += other.scenarios;
        self.steps += other.steps;
        self.written += other.written;
        self.unchanged += other.unchanged;
        self.failed += other.failed;
        self.partly += other.partly;
        self.lies_found += other.lies_found;
        self.moving += other.moving;
    }
}

/// What a run meets.
struct Trouble {
    /// In words, for whoever reads of a failure.
    what: String,
    /// Whether one of the rules lies.
    lies: bool,
    /// Whether rows change while they are read.
    moving: bool,
}

impl Tenant {
    async fn new(seed: u64) -> Self {
        let switch = SWITCHES[seed as usize % SWITCHES.len()];
        let simulator = Simulator::builder().seed(seed).scale(60).switch(switch).start().await.unwrap();
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
            tally: Tally::default(),
        }
    }

    async fn run(&self, client: &Client, entities: &[&'static Entity], mode: Mode) -> RunReport {
        let plan = Plan {
            page_size: PAGE_SIZE,
            // Files are as small as pages, so that a load that is cut off leaves some of them to the next.
            load: Options { max_share: 100.0, chunk_rows: 15, ..Options::default() },
            ..Plan::new(vec![Layer::Bronze], mode, entities.to_vec())
        };
        execute(self.lakehouse.lake(), Some(client), &plan, &Quiet).await.unwrap()
    }

    /// What is read, how, and whether only one fault is in its way: first each fault alone meets each entity.
    fn draw(&mut self, number: u64) -> (Vec<&'static Entity>, Mode, bool) {
        let entity = number as usize / FAULTS.len();
        let alone = entity < ENTITIES.len();
        let mut entities = vec![catalog::entity(ENTITIES[entity % ENTITIES.len()]).unwrap()];
        // What hits one table must leave the other alone.
        if !alone && self.draws.below(2) == 0 {
            let more = 1 + self.draws.below(ENTITIES.len() as u64 - 1) as usize;
            entities.push(catalog::entity(ENTITIES[(entity + more) % ENTITIES.len()]).unwrap());
        }
        // A change below a row leaves no trace at it, so that only full reads are sure to see it.
        let below = entities.iter().any(|entity| entity.parent().is_some());
        let full = below || self.draws.below(3) == 0;
        (entities, if full { Mode::Full } else { Mode::Incremental }, alone)
    }

    /// A list of the entity, as the simulator calls it: all of them, or those below one row.
    async fn list(&mut self, entity: &Entity) -> String {
        if entity.parent().is_none() {
            return entity.name.to_owned();
        }
        let rows: Vec<Value> = truth(&self.simulator, entity).await.into_values().collect();
        let row = &rows[self.draws.below(rows.len() as u64) as usize];
        entity.path.replace("{parentId}", &row["_parentId"].as_f64().unwrap().to_string())
    }

    /// One to three faults, on an entity's own requests or on all.
    async fn spoil(&mut self, entities: &[&'static Entity], number: u64, alone: bool) -> Trouble {
        let (mut rules, mut lies) = (Vec::new(), false);
        let others = if alone { 0 } else { self.draws.below(3) };
        for more in 0..=others {
            // The first one goes through all of them, so that none is left out.
            let drawn = if more == 0 { number } else { self.draws.below(FAULTS.len() as u64) };
            let (fault, lie) = FAULTS[drawn as usize % FAULTS.len()];
            let entity = entities[self.draws.below(entities.len() as u64) as usize];
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
                let path = entity.path.split('{').next().unwrap();
                rule["path"] = format!("{path}*").into();
            }
            rules.push(rule);
        }
        let what = format!("{rules:?}");
        post(&self.simulator, "faults", rules.into()).await;
        // Not in step with the faults.
        let moving = !alone && number.is_multiple_of(5);
        if moving {
            // Rarely enough that lists don't grow without end over the scenarios.
            let every = 4 + self.draws.below(8);
            post(&self.simulator, "drift", json!({ "every": every, "edit": 1, "insert": 1, "delete": 0 })).await;
        }
        Trouble { what, lies, moving }
    }

    async fn scenario(&mut self, number: u64) {
        let (entities, mode, alone) = self.draw(number);
        let mut change = serde_json::Map::new();
        for entity in &entities {
            // Only whole reads see what is deleted.
            let deleted = u64::from(is_whole(entity, mode) && self.draws.below(3) == 0);
            // Now and then so many that the changes are read by ranges, too.
            let edited = if self.draws.below(6) == 0 { 50 } else { self.draws.below(4) };
            let inserted = deleted + self.draws.below(2);
            let amounts = json!({ "edit": edited, "insert": inserted, "delete": deleted });
            change.insert(self.list(entity).await, amounts);
        }
        post(&self.simulator, "advance", change.into()).await;
        let mut trouble = self.spoil(&entities, number, alone).await;
        let names: Vec<_> = entities.iter().map(|entity| entity.name).collect();
        trouble.what = format!("scenario {number}: {names:?} {mode:?} under {}", trouble.what);
        let what = &trouble.what;

        let report = self.run(&self.hasty, &entities, mode).await;
        forget(&self.simulator, "faults").await;
        forget(&self.simulator, "drift").await;
        // A run stops where every other list would fail in the same way.
        assert_eq!(report.steps.len() + report.not_tried.len(), entities.len(), "{what}");
        let failed = report.failed().count();
        assert!(report.not_tried.is_empty() || failed > 0, "{what}: {:?}", report.not_tried);
        let code = match failed {
            0 if report.steps.iter().any(Step::is_incomplete) => 1,
            0 => 0,
            all if all == report.steps.len() => 3,
            _ => 1,
        };
        assert_eq!(report.exit_code(), code, "{what}: {:?}", report.steps);
        self.tally.scenarios += 1;
        self.tally.partly += u64::from(code == 1);
        self.tally.moving += u64::from(trouble.moving);
        let mut servers = Vec::new();
        let mut whole = true;
        for (at, entity) in entities.iter().enumerate() {
            let server = truth(&self.simulator, entity).await;
            whole &= match report.steps.get(at) {
                Some(step) => self.judge(entity, step, mode, &trouble, &server).await,
                None => self.assert_untouched(entity, what).await,
            };
            servers.push(server);
        }
        if !whole {
            let report = self.run(&self.patient, &entities, mode).await;
            assert_eq!(report.failed().count(), 0, "{what}: {:?}", report.steps);
            assert_truth(&self.simulator, &self.lakehouse, entities.iter().copied(), &format!("after {what}")).await;
        }
        self.before.extend(names.into_iter().zip(servers));
    }

    /// An entity that wasn't tried is as it was. It can't count as whole.
    async fn assert_untouched(&self, entity: &Entity, what: &str) -> bool {
        if let Some(before) = self.before.get(entity.name).filter(|before| !before.is_empty()) {
            assert_eq!(&stored(&self.lakehouse, entity).await, before, "{what}: what wasn't tried was changed");
        }
        false
    }

    /// Whether bronze has all that the server has; fails when it has what it can't have.
    async fn judge(&mut self, entity: &Entity, step: &Step, mode: Mode, trouble: &Trouble, server: &Rows) -> bool {
        let what = &trouble.what;
        let (none, tally) = (Rows::new(), &mut self.tally);
        let before = self.before.get(entity.name).unwrap_or(&none);
        let is_there = step.version.is_some() || !before.is_empty();
        let after = if is_there { stored(&self.lakehouse, entity).await } else { Rows::new() };
        tally.steps += 1;
        if matches!(step.outcome, StepOutcome::Failed(_)) {
            tally.failed += 1;
            tally.lies_found += u64::from(trouble.lies);
            assert_eq!(&after, before, "{what}: a step that failed changed the table");
            return false;
        }
        *(if step.outcome == StepOutcome::Written { &mut tally.written } else { &mut tally.unchanged }) += 1;
        assert!(before.keys().all(|key| after.contains_key(key) || !server.contains_key(key)), "{what}: lost");
        // What changes while it is read may be there as it was in between.
        if trouble.moving {
            assert!(after.keys().all(|key| server.contains_key(key) || before.contains_key(key)), "{what}: invented");
            return false;
        }
        // A part of a list that lies looks like any other; the next run reads over it again.
        // What the server can't give is left out, and asked for again by the next run.
        let is_whole = (is_whole(entity, mode) || !trouble.lies) && !step.is_incomplete();
        assert!(!is_whole || &after == server, "{what}: bronze has {after:#?}, the server {server:#?}");
        let known = |(key, row): (&i64, &Value)| server.get(key) == Some(row) || before.get(key) == Some(row);
        assert!(after.iter().all(known), "{what}: a row is neither the server's nor what was there");
        is_whole
    }
}

/// Whether a run reads all of an entity.
fn is_whole(entity: &Entity, mode: Mode) -> bool {
    mode == Mode::Full || entity.load == Load::Snapshot
}

#[test]
fn whatever_a_read_meets_nothing_is_lost_invented_or_doubled() {
    let wanted = std::env::var("CW_SCENARIOS").map_or(SCENARIOS, |wanted| wanted.parse().unwrap());
    let tenants = (0..TENANTS).map(|first| {
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let mut tenant = Tenant::new(first).await;
                for (age, number) in (first..wanted).step_by(TENANTS as usize).enumerate() {
                    if (age as u64).is_multiple_of(AGE) {
                        tenant.lakehouse = Lakehouse::empty().unwrap();
                        tenant.before.clear();
                    }
                    tenant.scenario(number).await;
                }
                tenant.tally
            })
        })
    });
    let mut all = Tally::default();
    for tenant in tenants.collect::<Vec<_>>() {
        all.add(&tenant.join().unwrap());
    }
    assert_eq!((all.scenarios, all.written + all.unchanged + all.failed), (wanted, all.steps));
    let few = wanted / 50;
    assert!(all.written > few && all.failed > few && all.lies_found > 0 && all.partly > 0, "{all:?}");
    assert!(all.moving > 0 || wanted < (FAULTS.len() * ENTITIES.len()) as u64 + 5, "{all:?}");
}
