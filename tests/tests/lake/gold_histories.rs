//! Histories of a simulated tenant, through the real extract: after any sequence of incremental runs silver and gold are what a
//! full rebuild makes of the same input, and keys that were given stay.
//!
//! A history is drawn from a seed. Rows are edited, inserted, deleted and merged; agreements get other types and parents, members
//! other costs, rows other agreements and days long past; classification rules come and go, and the business moves to another time
//! zone. Not every entity is loaded every day,
//! so that rows arrive before what they name and after it, and now and then upkeep takes the files that tables no longer have.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use connectwise_extract::catalog;
use connectwise_extract::extra::ExtraColumns;
use connectwise_extract::privacy::Privacy;
use connectwise_lakehouse::{Lake, Layer, TableName};
use connectwise_pipeline::bronze::Options;
use connectwise_pipeline::gold::{self, AgreementRule, GoldConfig};
use connectwise_pipeline::maintain;
use connectwise_pipeline::reconcile;
use connectwise_pipeline::run::{Mode, Plan, Quiet, execute};
use connectwise_pipeline::silver::{self, BuildOutcome, TableReport, history};
use connectwise_sdk::catalog::Entity;
use connectwise_sdk::{Client, Method};
use connectwise_sim::Simulator;
use connectwise_tests::{Draws, Lakehouse, client};
use connectwise_upkeep::MaintenanceOptions;
use serde_json::{Map, Value, json};

use crate::alike::{assert_same, columns, copy, listed, rows};
use crate::steer::post;
use crate::truth::truth;

/// Histories of a run of all tests; `CW_HISTORIES` says another number.
const HISTORIES: u64 = 1;

/// Days of the first history after its first; each of the next three has one more.
const DAYS: u64 = 2;

/// Kinds of changes beside those that the simulator makes by itself.
const KINDS: u64 = 15;
/// How many of them a day has, so that a history has each.
const A_DAY: u64 = 5;

const FACTS: [&str; 3] = ["TimeEntry", "ExpenseEntry", "ProductItem"];

/// How much may go at once: in a tenant as small as this one a single row is a large share.
const ANY_SHARE: f64 = 100.0;

/// What gold is made of, and what has a history.
static ENTITIES: LazyLock<Vec<&Entity>> = LazyLock::new(|| {
    let inputs: BTreeSet<String> = gold::plan().unwrap().into_iter().flat_map(|model| model.inputs).collect();
    catalog::entities().iter().filter(|entity| entity.history || inputs.contains(entity.table)).collect()
});

fn entities() -> impl Iterator<Item = &'static Entity> {
    ENTITIES.iter().copied()
}

struct History {
    simulator: Simulator,
    client: Client,
    lakehouse: Lakehouse,
    draws: Draws,
    config: GoldConfig,
    /// What happened, so that a test in which nothing happens can't pass.
    happened: BTreeMap<&'static str, u64>,
}

impl History {
    async fn start(seed: u64) -> Self {
        let simulator = Simulator::builder().seed(seed).scale(120).start().await.unwrap();
        let client = client(&simulator).unwrap();
        let lakehouse = Lakehouse::empty().unwrap();
        let config = GoldConfig { time_zone: "America/New_York".to_owned(), ..GoldConfig::default() };
        let happened = BTreeMap::new();
        Self { simulator, client, lakehouse, draws: Draws::new(seed), config, happened }
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.draws.below(of.len() as u64)).unwrap()].clone()
    }

    fn count(&mut self, what: &'static str, times: usize) {
        *self.happened.entry(what).or_default() += times as u64;
    }

    /// A day passes at the source. The time at its end.
    async fn day(&mut self) -> DateTime<Utc> {
        let mut wanted = Map::new();
        // What hangs on rows changes with them.
        for entity in entities().filter(|entity| entity.parent().is_none()) {
            let [edit, insert, delete, merge] = [5, 3, 2, 2].map(|bound| self.draws.below(bound));
            let amounts = json!({ "edit": edit, "insert": insert, "delete": delete, "merge": merge });
            wanted.insert(entity.path.to_owned(), amounts);
        }
        let told = post(&self.simulator, "advance", wanted.into()).await;
        for entity in told["changed"].as_object().unwrap().values() {
            for action in ["edited", "inserted", "deleted", "merged"] {
                self.count(action, entity[action].as_array().unwrap().len());
            }
        }
        told["now"].as_str().unwrap().parse().unwrap()
    }

    /// Any row as others refer to it.
    async fn reference(&mut self, entity: &'static str) -> Value {
        let rows: Vec<_> = truth(&self.simulator, catalog::entity(entity).unwrap()).await.into_iter().collect();
        let (id, row) = self.one(&rows);
        let said = ["name", "identifier"].into_iter().filter(|property| row[property].is_string());
        let mut reference: Map<String, Value> = said.map(|name| (name.to_owned(), row[name].clone())).collect();
        reference.insert("id".to_owned(), json!(id));
        if entity == "Agreement" {
            reference.insert("type".to_owned(), row["type"]["name"].clone());
        }
        reference.into()
    }

    /// Somebody sets a property of a row.
    async fn set(&mut self, entity: &'static str, property: &str, value: Value) {
        let id = self.reference(entity).await["id"].clone();
        let path = format!("{}/{id}", catalog::entity(entity).unwrap().path);
        let patch = json!([{ "op": "replace", "path": property, "value": value }]);
        self.client.request(Method::Patch, &path).json(&patch).unwrap().send().await.unwrap();
    }

    async fn change(&mut self, kind: u64) {
        match kind % KINDS {
            0 => {
                let of = self.reference("AgreementType").await;
                self.set("Agreement", "type", of).await;
            }
            1 => {
                let parent = self.reference("Agreement").await;
                self.set("Agreement", "parentAgreement", parent).await;
            }
            2 => self.set("Agreement", "parentAgreement", Value::Null).await,
            3 => {
                let cost = self.draws.below(90);
                self.set("Member", "hourlyCost", json!(cost)).await;
            }
            4 => {
                let (fact, agreement) = (self.one(&FACTS), self.reference("Agreement").await);
                self.set(fact, "agreement", agreement).await;
            }
            5 => {
                let (fact, company) = (self.one(&FACTS), self.reference("Company").await);
                self.set(fact, "company", company).await;
            }
            6 => {
                let member = self.reference("Member").await;
                self.set("TimeEntry", "member", member).await;
            }
            7 => {
                let day = format!("20{:02}-03-04T10:00:00Z", 10 + self.draws.below(10));
                self.set("TimeEntry", "timeStart", json!(day)).await;
            }
            8 => {
                let company = self.reference("Company").await;
                self.set("Invoice", "company", company).await;
            }
            9 => {
                let option = self.one(&["Billable", "DoNotBill", "NoCharge", "NoDefault"]);
                let fact = self.one(&FACTS);
                self.set(fact, "billableOption", json!(option)).await;
            }
            10 => {
                let (money, amount) =
                    (self.one(&["total", "salesTax", "downpaymentApplied"]), self.draws.below(900_000));
                self.set("Invoice", money, json!(amount)).await;
            }
            11 => {
                let method = self.one(&["FixedFee", "ActualRates", "NotToExceed"]);
                self.set("Project", "billingMethod", json!(method)).await;
            }
            12 => {
                let sort = self.one(&["DownPayment", "Agreement", "Standard", "CreditMemo"]);
                self.set("Invoice", "type", json!(sort)).await;
            }
            13 => {
                self.config.time_zone = self.one(&["Australia/Sydney", "America/Los_Angeles"]).to_owned();
                // One rule less, or none: agreements are then classified by their own settings.
                let some = self.draws.below(3) > 0;
                let rules = self.config.agreement_rules.take().filter(|rules| some && !rules.is_empty());
                self.config.agreement_rules = rules.map(|mut rules| {
                    rules.remove(usize::try_from(self.draws.below(rules.len() as u64)).unwrap());
                    rules
                });
            }
            _ => {
                let rule = AgreementRule {
                    pattern: self.one(&["vinna", "tímapottur$", "þjónusta", "^v"]).to_owned(),
                    normalized: self.one(&["internal_project", "prepaid_hours", "ours"]).to_owned(),
                    behavior: self.one(&["billable", "internal"]).to_owned(),
                };
                self.config.agreement_rules.get_or_insert_with(AgreementRule::icelandic_msp).insert(0, rule);
            }
        }
    }

    /// Loads some of the entities, or all of them.
    async fn load(&mut self, all: bool) {
        let some: Vec<_> = entities().filter(|_| all || self.draws.below(3) > 0).collect();
        self.count("left out", ENTITIES.len() - some.len());
        let load = Options { max_share: ANY_SHARE, ..Options::default() };
        let plan = Plan { load, page_size: 50, ..Plan::new(vec![Layer::Bronze], Mode::Incremental, some.clone()) };
        let report = execute(self.lakehouse.lake(), Some(&self.client), &plan, &Quiet).await.unwrap();
        let failed: Vec<_> = report.failed().map(|step| format!("{}: {:?}", step.table, step.outcome)).collect();
        assert!(failed.is_empty(), "{failed:#?}");
        let request = reconcile::ReconcileOptions { max_share: ANY_SHARE, ..reconcile::ReconcileOptions::new(false) };
        let report = reconcile::run(self.lakehouse.lake(), &self.client, &reconcile::wanted(some), &request).await;
        let refused: Vec<_> = report.refused().collect();
        assert!(refused.is_empty(), "{refused:#?}");
        let found = report.entities.iter().map(|entity| entity.deleted.len()).sum();
        self.count("found deleted", found);
    }

    async fn build(&mut self, at: DateTime<Utc>) {
        let built = build(self.lakehouse.lake(), Mode::Incremental, at, &self.config).await;
        let later = |table: &&TableReport| table.outcome == BuildOutcome::Written && table.written.version > 0;
        for layer in [Layer::Silver, Layer::Gold] {
            let written = built.iter().filter(|table| table.table.layer == layer).filter(later).count();
            self.count(if layer == Layer::Gold { "written to gold" } else { "written to silver" }, written);
        }
    }

    /// A full build has to find nothing to change. It is made in a copy, so that what incremental builds remember stays as they
    /// left it.
    async fn assert_nothing_to_rebuild(&self, at: DateTime<Utc>) {
        let copied = Lakehouse::empty().unwrap();
        copy(self.lakehouse.path(), copied.path());
        let full = build(copied.lake(), Mode::Full, at, &self.config).await;
        let changed = full.iter().filter(|table| table.outcome == BuildOutcome::Written);
        let changed: Vec<String> = changed.map(|table| table.table.to_string()).collect();
        assert_eq!(changed, [""; 0], "a full rebuild on {at} changes tables");
    }

    /// Files that tables have no more are taken, and small ones put together.
    async fn upkeep(&mut self) {
        let (retention, orphan_age) = (TimeDelta::zero(), TimeDelta::zero());
        let upkeep = MaintenanceOptions { run_id: "upkeep".to_owned(), dry_run: false, retention, orphan_age };
        let lake = self.lakehouse.lake();
        let kept = maintain::run(lake, &[Layer::Silver, Layer::Gold], &self.config, &upkeep, &()).await.unwrap();
        assert_eq!(kept.failed().count(), 0, "{kept:?}");
        self.count("kept up", 1);
    }

    /// Held against lakehouses that have their input at once: silver from bronze, gold from silver. What is gone at the source
    /// is in bronze no more, and only a silver that saw it keeps it.
    async fn assert_equal_to_one_build(&self, at: DateTime<Utc>) {
        let own = self.lakehouse.lake();
        let fresh = Lakehouse::empty().unwrap();
        copy(&self.lakehouse.path().join("bronze"), &fresh.path().join("bronze"));
        build_silver(fresh.lake(), Mode::Full).await;
        for entity in entities() {
            let silver = (TableName::silver(entity.table), "not \"isDeleted\"");
            let history = entity.history.then(|| (history::table(entity), "\"isCurrent\""));
            for (table, live) in std::iter::once(silver).chain(history) {
                let (wanted, stored) = (columns(fresh.lake(), &table).await, columns(own, &table).await);
                assert!(stored.is_superset(&wanted), "{table} lacks {:?}", wanted.difference(&stored));
                // When a version was read, and so when it began, is the runs' own affair.
                let technical = ["etlTimestamp", "_etl_run_id", "historyKey", "validFrom"];
                let rows = format!("select {} from {} where {live}", listed(&wanted, &technical), table.name);
                assert_same(&table, &rows, own, fresh.lake()).await;
            }
        }
        let fresh = Lakehouse::empty().unwrap();
        copy(&self.lakehouse.path().join("silver"), &fresh.path().join("silver"));
        gold::build(fresh.lake(), Mode::Full, "at once", at, &self.config).await.unwrap();
        let models = gold::plan().unwrap();
        // Days have the key that they are called by.
        let keys = models.iter().filter(|model| model.name.starts_with("dim") && model.name != "dimdate");
        let technical = ["_etl_gold_processed_at", "_etl_batch_id"].into_iter();
        let own_affair: Vec<&str> = technical.chain(keys.map(|model| model.key.as_str())).collect();
        for table in gold::tables().unwrap().into_iter().filter(|table| *table != "dimension_keys").map(TableName::gold)
        {
            let columns = columns(fresh.lake(), &table).await;
            let rows = format!("select {} from {}", listed(&columns, &own_affair), table.name);
            assert_same(&table, &rows, own, fresh.lake()).await;
        }
    }
}

/// Builds silver and gold as a run does, gold on a day of the simulator's. Nothing may fail.
async fn build(lake: &Lake, mode: Mode, at: DateTime<Utc>, config: &GoldConfig) -> Vec<TableReport> {
    let mut built = build_silver(lake, mode).await;
    built.extend(gold::build(lake, mode, &format!("{mode:?} {at}"), at, config).await.unwrap().tables);
    let failed: Vec<_> = built.iter().filter_map(|table| table.error.as_deref()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    built
}

/// By this machine's clock, as bronze: what is gone is found to be so after it was read.
async fn build_silver(lake: &Lake, mode: Mode) -> Vec<TableReport> {
    let (privacy, extra, now) = (Privacy::default(), ExtraColumns::default(), Utc::now());
    let mut built = Vec::new();
    for entity in entities() {
        let request =
            silver::SilverRequest { entity, privacy: &privacy, extra: &extra, run_id: "silver", started: now };
        let bronze = lake.table(&TableName::bronze(entity.table)).await.unwrap();
        let silver = lake.table(&TableName::silver(entity.table)).await.unwrap();
        built.push(silver::build(&bronze, &silver, &request, mode).await.unwrap());
        if entity.history {
            let history = lake.table(&history::table(entity)).await.unwrap();
            built.push(history::build(&silver.refresh().await.unwrap(), &history, &request, mode).await.unwrap());
        }
    }
    built
}

async fn play(seed: u64) -> BTreeMap<&'static str, u64> {
    let mut history = History::start(seed).await;
    let last = DAYS + (seed - 1) % 4;
    let keys = "select key, \"surrogateKey\" from dimension_keys";
    let mut given = Vec::new();
    for day in 0..=last {
        let at = history.day().await;
        for kind in 0..A_DAY {
            history.change(A_DAY * day + kind).await;
        }
        history.load(day == last).await;
        history.build(at).await;
        let now = rows(history.lakehouse.lake(), keys).await;
        assert!(given.iter().all(|key| now.contains(key)), "day {day}: keys that were given are other ones");
        given = now;
        if day > 0 {
            history.assert_nothing_to_rebuild(at).await;
        }
        if day == last {
            history.assert_equal_to_one_build(at).await;
        } else if day % 2 == 1 {
            history.upkeep().await;
        }
    }
    history.happened
}

#[tokio::test(flavor = "multi_thread")]
async fn any_history_ends_where_a_full_rebuild_ends() {
    let histories = std::env::var("CW_HISTORIES").map_or(HISTORIES, |wanted| wanted.parse().unwrap());
    for seed in 1..=histories {
        let happened = play(seed).await;
        println!("history {seed}: {happened:?}");
        let wanted = [
            "edited",
            "inserted",
            "deleted",
            "merged",
            "found deleted",
            "left out",
            "kept up",
            "written to silver",
            "written to gold",
        ];
        assert!(wanted.iter().all(|what| happened.get(what) > Some(&0)), "history {seed}: {happened:?}");
    }
}
