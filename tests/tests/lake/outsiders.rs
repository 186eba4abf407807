//! What an outsider can do to a table: after the next run bronze, silver and gold equal the truth and the run says what it
//! found, or the run fails and says what to do.

use std::collections::BTreeMap;

use crate::alike::{columns, copy, listed, rows};
use crate::others::{Deed, does};
use crate::steer::post;
use crate::truth::assert_truth;
use chrono::Utc;
use connectwise_etl::bronze::Options;
use connectwise_etl::catalog;
use connectwise_etl::gold;
use connectwise_etl::lake::{Lake, Layer, TableName};
use connectwise_etl::privacy::Privacy;
use connectwise_etl::run::{Mode, Outcome, Plan, Quiet, Report, execute};
use connectwise_etl::silver::{self, history};
use connectwise_sdk::catalog::Entity;
use connectwise_sim::Simulator;
use connectwise_tests::{Draws, Lakehouse, client};
use serde_json::json;

/// Random mixes of a run of all tests; `CW_OUTSIDERS` says another number.
const MIXES: u64 = 1;

/// Deeds of a mix.
const DEEDS: u64 = 6;

/// One with a history, one that is read whole each time, one that hangs on another, and what a fact is made of.
const ENTITIES: [&str; 6] = ["Agreement", "AgreementAddition", "Board", "Company", "Member", "TimeEntry"];

fn entities() -> impl Iterator<Item = &'static Entity> {
    ENTITIES.into_iter().map(|name| catalog::entity(name).unwrap())
}

struct Tenant {
    names: &'static [&'static str],
    simulator: Simulator,
    lakehouse: Lakehouse,
}

impl Tenant {
    async fn loaded(seed: u64, layers: &[Layer]) -> Self {
        Self::of(seed, layers, &ENTITIES).await
    }

    /// A tenant of which some entities are loaded.
    async fn of(seed: u64, layers: &[Layer], names: &'static [&'static str]) -> Self {
        let simulator = Simulator::builder().seed(seed).scale(120).start().await.unwrap();
        let tenant = Self { names, simulator, lakehouse: Lakehouse::empty().unwrap() };
        let report = tenant.run(Mode::Full, layers).await;
        assert_eq!(report.failed().count(), 0, "{:?}", report.steps);
        tenant
    }

    fn entities(&self) -> impl Iterator<Item = &'static Entity> {
        self.names.iter().map(|name| catalog::entity(name).unwrap())
    }

    async fn run(&self, mode: Mode, layers: &[Layer]) -> Report {
        // In a tenant as small as this one a single row is a large share.
        let load = Options { max_share: 100.0, ..Options::default() };
        let plan = Plan { load, page_size: 50, ..Plan::new(layers.to_vec(), mode, self.entities().collect()) };
        execute(self.lakehouse.lake(), Some(&client(&self.simulator).unwrap()), &plan, &Quiet).await.unwrap()
    }

    /// Something happens at the source.
    async fn change(&self) {
        let some = json!({ "edit": 10, "insert": 2 });
        post(&self.simulator, "advance", json!({ "Company": some, "TimeEntry": some, "Agreement": { "edit": 2 } }))
            .await;
    }

    /// Bronze is what the server has, silver what a silver is that was never touched, gold what such a gold is.
    async fn assert_equal(&self, layers: &[Layer], when: &str) {
        let own = self.lakehouse.lake();
        assert_truth(&self.simulator, &self.lakehouse, self.entities(), when).await;
        let fresh = Lakehouse::empty().unwrap();
        copy(&self.lakehouse.path().join("bronze"), &fresh.path().join("bronze"));
        for entity in self.entities() {
            let privacy = Privacy::default();
            silver::build(fresh.lake(), entity, &privacy, Mode::Full, "fresh", Utc::now()).await.unwrap();
            let table = TableName::silver(entity.table);
            assert_same(own, fresh.lake(), &table, "not \"isDeleted\"", when).await;
            if entity.history {
                history::build(fresh.lake(), entity, &privacy, Mode::Full, "fresh").await.unwrap();
                assert_same(own, fresh.lake(), &history::table(entity), "\"isCurrent\"", when).await;
            }
        }
        if !layers.contains(&Layer::Gold) {
            return;
        }
        let config = gold::GoldConfig::default();
        gold::build(fresh.lake(), Mode::Full, "fresh", Utc::now(), &config).await.unwrap();
        for table in gold::tables().into_iter().filter(|table| *table != "dimension_keys").map(TableName::gold) {
            assert_same(own, fresh.lake(), &table, "true", when).await;
        }
    }
}

async fn assert_same(own: &Lake, fresh: &Lake, table: &TableName, live: &str, when: &str) {
    let (stored, wanted) = (columns(own, table).await, columns(fresh, table).await);
    assert_eq!(stored, wanted, "{when}: columns of {table}");
    let models = gold::plan().unwrap();
    let keys = models.iter().filter(|model| model.name.starts_with("dim") && model.name != "dimdate");
    let technical =
        ["etlTimestamp", "_etl_run_id", "historyKey", "validFrom", "_etl_gold_processed_at", "_etl_batch_id"];
    let own_affair: Vec<&str> = technical.into_iter().chain(keys.map(|model| model.key.as_str())).collect();
    let sql = format!("select {} from {} where {live}", listed(&wanted, &own_affair), table.name);
    let (stored, wanted) = (rows(own, &sql).await, rows(fresh, &sql).await);
    assert_eq!(stored.len(), wanted.len(), "{when}: rows of {table}");
    let only: Vec<_> = stored.iter().filter(|row| !wanted.contains(row)).take(3).collect();
    assert!(stored == wanted, "{when}: {table} has {only:#?}");
}

/// What a run says of a table.
fn said(report: &Report, table: &TableName) -> String {
    let steps = report.steps.iter().filter(|step| step.layer == table.layer && step.table == table.name);
    steps.flat_map(|step| step.warnings.clone()).collect::<Vec<_>>().join("; ")
}

/// Deeds at a table, one after the other, each mended by the next run, which names the table.
async fn every_deed(tenant: &Tenant, table: &TableName, layers: &[Layer], deeds: &[Deed]) {
    for deed in deeds.iter().copied() {
        tenant.change().await;
        let report = tenant.run(Mode::Incremental, layers).await;
        assert_eq!(report.failed().count(), 0, "before {deed:?}: {:?}", report.steps);
        let when = format!("after {deed:?} at {table}");
        if !does(deed, &tenant.lakehouse, table).await {
            continue;
        }
        let report = tenant.run(Mode::Incremental, layers).await;
        assert_eq!(report.failed().count(), 0, "{when}: {:?}", report.steps);
        tenant.assert_equal(layers, &when).await;
        let said = said(&report, table);
        assert_eq!(said.contains(&table.to_string()), deed.changes(), "{when}: {said:?}");
        // It is as it has to be, and so the next run has nothing to say.
        let again = tenant.run(Mode::Incremental, layers).await;
        assert_eq!(self::said(&again, table), "", "{when}");
    }
}

/// Deeds for tables that go the same way as one at which every deed is tried.
const SOME: [Deed; 5] = [Deed::Restore, Deed::Update, Deed::Partition, Deed::Retype, Deed::Recreate];

const BELOW_GOLD: [Layer; 2] = [Layer::Bronze, Layer::Silver];

#[tokio::test(flavor = "multi_thread")]
async fn bronze_that_others_changed_is_read_again() {
    let tenant = Tenant::of(41, &BELOW_GOLD, &["Agreement", "AgreementAddition", "Board", "Company"]).await;
    for (entity, deeds) in [("Company", &Deed::ALL[..]), ("Board", &SOME), ("AgreementAddition", &SOME)] {
        let table = TableName::bronze(catalog::entity(entity).unwrap().table);
        every_deed(&tenant, &table, &BELOW_GOLD, deeds).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silver_that_others_changed_is_built_anew() {
    let tenant = Tenant::of(42, &BELOW_GOLD, &["Agreement"]).await;
    let agreement = catalog::entity("Agreement").unwrap();
    every_deed(&tenant, &TableName::silver(agreement.table), &BELOW_GOLD, &Deed::ALL).await;
    every_deed(&tenant, &history::table(agreement), &BELOW_GOLD, &SOME).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gold_that_others_changed_is_built_anew() {
    let tenant = Tenant::loaded(43, &Layer::ALL).await;
    every_deed(&tenant, &TableName::gold("fact_timeentry"), &Layer::ALL, &Deed::ALL).await;
    every_deed(&tenant, &TableName::gold("dimcompany"), &Layer::ALL, &SOME).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_table_is_read_again_and_the_run_says_what_was_restored() {
    let tenant = Tenant::of(44, &BELOW_GOLD, &["Company"]).await;
    let table = TableName::bronze("company");
    post(&tenant.simulator, "advance", json!({ "Company": { "edit": 10 } })).await;
    tenant.run(Mode::Incremental, &BELOW_GOLD).await;
    assert!(does(Deed::Restore, &tenant.lakehouse, &table).await);
    let report = tenant.run(Mode::Incremental, &BELOW_GOLD).await;
    tenant.assert_equal(&BELOW_GOLD, "after a RESTORE").await;
    let said = said(&report, &table);
    assert!(said.contains("was changed by another writer (RESTORE, version 2"), "{said}");
    assert!(said.contains("so that all of it was read again"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_begins_again_is_new_to_those_that_are_made_from_it() {
    let tenant = Tenant::loaded(46, &Layer::ALL).await;
    let tables = [TableName::bronze("company"), TableName::silver("timeentry")];
    let at = async |table| tenant.lakehouse.lake().version(table).await.unwrap();
    tenant.change().await;
    for table in &tables {
        assert_eq!(at(table).await, Some(0));
        assert!(does(Deed::Remove, &tenant.lakehouse, table).await);
    }
    tenant.run(Mode::Incremental, &Layer::ALL).await;
    for table in &tables {
        assert_eq!(at(table).await, Some(0), "{table} has the version again that was seen");
    }
    tenant.assert_equal(&Layer::ALL, "after folders were taken away").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_isnt_made_from_one_that_others_changed() {
    let tenant = Tenant::of(45, &BELOW_GOLD, &["Company"]).await;
    let (bronze, silver) = (TableName::bronze("company"), TableName::silver("company"));
    let before = tenant.lakehouse.lake().version(&silver).await.unwrap();
    assert!(does(Deed::Update, &tenant.lakehouse, &bronze).await);
    let report = tenant.run(Mode::Full, &[Layer::Silver]).await;
    let step = report.steps.iter().find(|step| step.table == silver.name).unwrap();
    let Outcome::Failed(why) = &step.outcome else { panic!("{step:?}") };
    assert!(why.contains("was changed by another writer (UPDATE") && why.contains("run --layers bronze"), "{why}");
    assert_eq!(tenant.lakehouse.lake().version(&silver).await.unwrap(), before);
    assert_eq!(report.exit_code(), 3, "nothing but that was asked for: {:?}", report.steps);
}

/// A mix of deeds at any tables, runs between them, and changes at the source.
async fn mix(seed: u64) -> BTreeMap<Deed, usize> {
    let (mut draws, tenant) = (Draws::new(seed), Tenant::loaded(seed, &Layer::ALL).await);
    let mut tables: Vec<TableName> =
        entities().flat_map(|entity| [TableName::bronze(entity.table), TableName::silver(entity.table)]).collect();
    tables.extend(entities().filter(|entity| entity.history).map(history::table));
    tables.extend(["dimcompany", "dimmember", "fact_timeentry", "dimension_keys"].map(TableName::gold));
    tables.extend(["gold_lookups", "gold_parts"].map(TableName::ledger));
    let mut one = |of: usize| usize::try_from(draws.below(of as u64)).unwrap();
    let (mut done, mut story) = (BTreeMap::new(), Vec::new());
    for _ in 0..DEEDS {
        if one(2) == 0 {
            tenant.change().await;
            story.push("the source changes".to_owned());
        }
        let (deed, table) = (Deed::ALL[one(Deed::ALL.len())], &tables[one(tables.len())]);
        let is_there = tenant.lakehouse.lake().state(table).await.unwrap().is_some();
        if is_there && does(deed, &tenant.lakehouse, table).await {
            story.push(format!("{deed:?} at {table}"));
            *done.entry(deed).or_default() += 1;
        }
        if one(3) == 0 {
            let mode = if one(2) == 0 { Mode::Full } else { Mode::Incremental };
            tenant.run(mode, &Layer::ALL).await;
            story.push(format!("a {mode:?} run"));
        }
    }
    let report = tenant.run(Mode::Incremental, &Layer::ALL).await;
    let failed: Vec<_> = report.failed().map(|step| format!("{}: {:?}", step.table, step.outcome)).collect();
    assert!(failed.iter().all(|why| why.contains("run ")), "{story:#?}: a step doesn't say what to do: {failed:#?}");
    if !failed.is_empty() {
        let report = tenant.run(Mode::Full, &Layer::ALL).await;
        assert_eq!(report.failed().count(), 0, "{story:#?}: {:#?}", report.steps);
    }
    tenant.assert_equal(&Layer::ALL, &format!("seed {seed}: {story:#?}")).await;
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn any_mix_of_deeds_ends_equal_to_the_truth() {
    let mixes = std::env::var("CW_OUTSIDERS").map_or(MIXES, |wanted| wanted.parse().unwrap());
    for seed in 1..=mixes {
        let done = mix(seed).await;
        println!("mix {seed}: {done:?}");
        assert!(!done.is_empty(), "mix {seed} did nothing");
    }
}
