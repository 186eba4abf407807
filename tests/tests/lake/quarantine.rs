//! Records that can't be rows: a run isn't done while one is open, the next asks for it again, and it closes by itself once it
//! comes as a row.

use std::collections::BTreeSet;

use chrono::Utc;
use connectwise_extract::catalog;
use connectwise_extract::decode::Rejected;
use connectwise_lakehouse::{Changes, Commit, Layer};
use connectwise_pipeline::run::{Mode, Plan, Quiet, RunReport, Step, StepOutcome, execute};
use connectwise_pipeline::{ledger, quarantine};
use connectwise_sdk::catalog::{Entity, Kind};
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, client};
use serde_json::{Value, json};

use crate::steer::post;
use crate::truth::{Rows, assert_truth, stored, truth};

struct Tenant {
    simulator: Simulator,
    lakehouse: Lakehouse,
    entity: &'static Entity,
}

impl Tenant {
    async fn start(seed: u64, entity: &str) -> Self {
        let simulator = Simulator::builder().seed(seed).scale(600).start().await.unwrap();
        Self { simulator, lakehouse: Lakehouse::empty().unwrap(), entity: catalog::entity(entity).unwrap() }
    }

    async fn run(&self, mode: Mode) -> RunReport {
        let plan = Plan { page_size: 50, ..Plan::new(vec![Layer::Bronze], mode, vec![self.entity]) };
        let client = client(&self.simulator).unwrap();
        execute(self.lakehouse.lake(), Some(&client), &plan, &Quiet).await.unwrap()
    }

    async fn run_whole(&self, mode: Mode) -> Step {
        let report = self.run(mode).await;
        assert_eq!((report.outcome(), report.exit_code()), ("done", 0), "{:#?}", report.steps);
        assert_truth(&self.simulator, &self.lakehouse, [self.entity], "after a run").await;
        report.steps.into_iter().next().unwrap()
    }

    /// A run with records in quarantine that are open, so many by its own words.
    async fn run_with_open(&self, mode: Mode, open: usize) -> Step {
        let report = self.run(mode).await;
        assert_eq!((report.exit_code(), report.failed().count()), (1, 0), "{:#?}", report.steps);
        let step = report.steps.into_iter().next().unwrap();
        let StepOutcome::Incomplete(what) = &step.outcome else { panic!("{step:#?}") };
        assert!(what.contains(&format!("can't be rows and are in bronze/bronze_cw_quarantine: {open} (")), "{what}");
        assert!(what.contains("`connectwise-etl quarantine` lists them, and with `--all` acknowledges them"), "{what}");
        assert_eq!(self.open().await.len(), open);
        step
    }

    async fn open(&self) -> Vec<quarantine::Record> {
        quarantine::open(self.lakehouse.lake()).await.unwrap()
    }

    async fn truth(&self) -> Rows {
        truth(&self.simulator, self.entity).await
    }

    async fn advance(&self, what: Value) -> Value {
        let answer = post(&self.simulator, "advance", json!({ self.entity.name: what })).await;
        answer["changed"][self.entity.name].clone()
    }

    /// Shows a row in a form that can't be read, or without a key.
    async fn spoil(&self, id: i64, with_key: bool) {
        let text = if with_key { unreadable(self.entity, id, "") } else { format!("{{\"broken\":\"{id}\"}}") };
        self.show(id, json!(text)).await;
    }

    async fn mend(&self, id: i64) {
        self.show(id, Value::Null).await;
    }

    async fn show(&self, id: i64, text: Value) {
        post(&self.simulator, "plant", json!({ "path": self.entity.path, "id": id, "text": text })).await;
    }
}

/// A record whose text is half a character.
pub(crate) fn unreadable(entity: &Entity, id: i64, more: &str) -> String {
    let text = entity.columns.iter().find(|column| column.kind == Kind::Utf8).unwrap();
    format!("{{\"id\":{id},\"{}\":\"{more}\\ud800\"}}", text.name)
}

fn ids(changed: &Value, what: &str) -> Vec<i64> {
    serde_json::from_value(changed[what].clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_incremental_run_couldnt_read_is_asked_for_until_it_is_mended() {
    let tenant = Tenant::start(61, "Contact").await;
    tenant.run_whole(Mode::Full).await;
    let before = stored(&tenant.lakehouse, tenant.entity).await;
    let changed = ids(&tenant.advance(json!({ "edit": 6 })).await, "edited");
    let truth = tenant.truth().await;
    for (at, id) in changed[..5].iter().enumerate() {
        tenant.spoil(*id, at % 2 == 0).await;
    }
    for run in 0..3 {
        tenant.run_with_open(Mode::Incremental, 5).await;
        let rows = stored(&tenant.lakehouse, tenant.entity).await;
        for (id, row) in &rows {
            let expected = if changed[..5].contains(id) { &before[id] } else { &truth[id] };
            assert_eq!(row, expected, "{id} in run {run}");
        }
        // Newer changes move the watermark past them.
        post(&tenant.simulator, "advance", json!({ "Company": { "edit": 1 } })).await;
    }
    let status = ledger::status(tenant.lakehouse.lake()).await.unwrap().unwrap();
    assert_eq!(status.tables[0].quarantine_open, 5);
    for id in &changed[..4] {
        tenant.mend(*id).await;
    }
    let step = tenant.run_with_open(Mode::Incremental, 1).await;
    assert!(step.warnings.iter().any(|warning| warning.contains("are closed there: 4 (")), "{:?}", step.warnings);
    tenant.mend(changed[4]).await;
    let step = tenant.run_whole(Mode::Incremental).await;
    assert!(step.warnings.iter().any(|warning| warning.contains("are closed there: 1 (")), "{:?}", step.warnings);
    assert!(tenant.open().await.is_empty());
    assert_eq!(tenant.run_whole(Mode::Incremental).await.warnings, Vec::<String>::new());
}

/// The quarantine is a table that others can write. What they take out of it is found in the list again.
#[tokio::test(flavor = "multi_thread")]
async fn what_others_take_out_is_found_again() {
    for harm in ["folder removed", "all rows removed", "a row removed"] {
        let tenant = Tenant::start(67, "Contact").await;
        tenant.run_whole(Mode::Full).await;
        let changed = ids(&tenant.advance(json!({ "edit": 4 })).await, "edited");
        for id in &changed[..3] {
            tenant.spoil(*id, true).await;
        }
        tenant.run_with_open(Mode::Incremental, 3).await;
        let lake = tenant.lakehouse.lake();
        let table = lake.table(&quarantine::table()).await.unwrap();
        let keys: Vec<i64> = tenant.open().await.iter().map(|record| record.quarantine_id).collect();
        let gone = match harm {
            "folder removed" => {
                std::fs::remove_dir_all(tenant.lakehouse.path().join(quarantine::table().to_string())).unwrap();
                3
            }
            "all rows removed" => keys.len(),
            _ => 1,
        };
        if harm != "folder removed" {
            let changes = Changes::upserts("quarantineId", Vec::new()).deleting(keys[..gone].to_vec());
            table.merge(&quarantine::schema(), changes, &Commit::new("another writer")).await.unwrap();
        }
        assert_eq!(tenant.open().await.len(), 3 - gone, "{harm}");
        let step = tenant.run_with_open(Mode::Incremental, 3).await;
        let told = format!("{gone} records of Contact were taken out of bronze/bronze_cw_quarantine by another writer");
        assert!(step.warnings.iter().any(|warning| warning.contains(&told)), "{harm}: {:?}", step.warnings);
        let step = tenant.run_with_open(Mode::Incremental, 3).await;
        assert!(step.rows_read < 20, "{harm}: an incremental run reads few rows again, and not {}", step.rows_read);
        for id in &changed[..3] {
            tenant.mend(*id).await;
        }
        tenant.run_whole(Mode::Incremental).await;
        assert_eq!(tenant.run_whole(Mode::Incremental).await.warnings, Vec::<String>::new(), "{harm}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_load_keeps_their_rows_and_removes_what_is_gone() {
    for entity in ["Contact", "Board"] {
        let tenant = Tenant::start(62, entity).await;
        tenant.run_whole(Mode::Full).await;
        let before = stored(&tenant.lakehouse, tenant.entity).await;
        let changed = tenant.advance(json!({ "edit": 2, "delete": 1 })).await;
        let (edited, deleted) = (ids(&changed, "edited"), ids(&changed, "deleted"));
        let truth = tenant.truth().await;
        for (at, id) in edited.iter().enumerate() {
            tenant.spoil(*id, at == 0).await;
        }
        for _ in 0..2 {
            tenant.run_with_open(Mode::Full, 2).await;
            let rows = stored(&tenant.lakehouse, tenant.entity).await;
            assert!(edited.iter().all(|id| rows[id] == before[id]), "what is stored of them stays");
            assert_eq!(rows.keys().collect::<Vec<_>>(), truth.keys().collect::<Vec<_>>(), "{entity}: {deleted:?}");
        }
        for id in &edited {
            tenant.mend(*id).await;
        }
        tenant.run_whole(Mode::Full).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_may_stay_until_it_changes() {
    let tenant = Tenant::start(63, "Contact").await;
    tenant.run_whole(Mode::Full).await;
    let changed = ids(&tenant.advance(json!({ "edit": 3 })).await, "edited");
    for id in &changed[..2] {
        tenant.spoil(*id, true).await;
    }
    tenant.run_with_open(Mode::Incremental, 2).await;
    let lake = tenant.lakehouse.lake();
    let unknown = quarantine::acknowledge(lake, Some(&[1]), "by hand", Utc::now()).await.unwrap_err();
    assert!(unknown.is_usage() && unknown.to_string().starts_with("1 is no open record"), "{unknown}");
    let one = tenant.open().await[0].quarantine_id;
    quarantine::acknowledge(lake, Some(&[one]), "by hand", Utc::now()).await.unwrap();
    tenant.run_with_open(Mode::Incremental, 1).await;
    assert_eq!(quarantine::acknowledge(lake, None, "by hand", Utc::now()).await.unwrap().len(), 1);
    for mode in [Mode::Incremental, Mode::Full, Mode::Incremental] {
        assert_eq!(tenant.run(mode).await.exit_code(), 0, "{mode:?}");
    }
    // It changes, and still can't be read.
    let id = changed[0];
    let now = tenant.truth_time().await;
    post(
        &tenant.simulator,
        "plant",
        json!({ "path": tenant.entity.path, "id": id, "set": { "_info/lastUpdated": now } }),
    )
    .await;
    tenant.show(id, json!(unreadable(tenant.entity, id, "otherwise"))).await;
    tenant.run_with_open(Mode::Incremental, 1).await;
    let standing = quarantine::standing(lake).await.unwrap();
    let keys: BTreeSet<i64> = standing.iter().filter_map(|record| record.record_id).collect();
    assert_eq!((standing.len(), keys), (2, changed[..2].iter().copied().collect()), "its former form is closed");
    for id in &changed {
        tenant.mend(*id).await;
    }
    tenant.run_whole(Mode::Full).await;
    assert!(quarantine::standing(lake).await.unwrap().is_empty());
}

impl Tenant {
    async fn truth_time(&self) -> String {
        crate::steer::ask(&self.simulator, "clock").await["now"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_of_them_are_few_conditions_and_far_too_many_the_whole_list() {
    let tenant = Tenant::start(64, "TimeEntry").await;
    tenant.run_whole(Mode::Full).await;
    let keys: Vec<i64> = tenant.truth().await.into_keys().collect();
    let changed = ids(&tenant.advance(json!({ "edit": 200 })).await, "edited");
    for id in &changed {
        tenant.spoil(*id, true).await;
    }
    tenant.run_with_open(Mode::Incremental, 200).await;
    crate::steer::forget(&tenant.simulator, "requests").await;
    tenant.run_with_open(Mode::Incremental, 200).await;
    let asked = crate::steer::ask(&tenant.simulator, "requests").await;
    let longest = asked["recent"].as_array().unwrap().iter().map(|asked| asked["query"].as_str().unwrap().len()).max();
    assert!(longest.unwrap() < 2_000, "no condition is longer than servers take: {longest:?}");
    for id in keys.iter().filter(|id| changed.contains(id)) {
        tenant.mend(*id).await;
    }
    tenant.run_whole(Mode::Incremental).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_below_rows_are_asked_for_again_too() {
    let simulator = Simulator::builder().seed(65).scale(600).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let entity = catalog::entity("AgreementAddition").unwrap();
    let run = async |mode, exit: u8| {
        let plan = Plan::new(vec![Layer::Bronze], mode, vec![entity]);
        let report = execute(lakehouse.lake(), Some(&client(&simulator).unwrap()), &plan, &Quiet).await.unwrap();
        assert_eq!(report.exit_code(), exit, "{report:#?}");
    };
    run(Mode::Full, 0).await;
    let before = stored(&lakehouse, entity).await;
    let (id, parent) = before.iter().map(|(id, row)| (*id, row["_parentId"].as_f64().unwrap() as i64)).nth(3).unwrap();
    let path = entity.path.replace("{parentId}", &parent.to_string());
    let show =
        async |text: Value| drop(post(&simulator, "plant", json!({ "path": path, "id": id, "text": text })).await);
    show(json!(unreadable(entity, id, ""))).await;
    for mode in [Mode::Full, Mode::Incremental, Mode::Incremental, Mode::Full] {
        run(mode, 1).await;
        assert_eq!(stored(&lakehouse, entity).await, before, "what is stored of it stays");
    }
    show(Value::Null).await;
    run(Mode::Incremental, 0).await;
    assert_truth(&simulator, &lakehouse, [entity], "once it is mended").await;
    assert!(quarantine::open(lakehouse.lake()).await.unwrap().is_empty());
}

/// Up to 1,000 open records are asked for by their keys, and of more the whole list is read.
#[tokio::test(flavor = "multi_thread")]
async fn more_records_than_can_be_asked_for_are_found_in_the_whole_list() {
    let tenant = Tenant::start(66, "Contact").await;
    let all = tenant.run_whole(Mode::Full).await.rows_read;
    for (count, whole) in [(1_000, false), (1_001, true)] {
        let gone = |at: i64| Rejected {
            text: format!("{{\"id\":{at}}}"),
            reason: "made up".to_owned(),
            key: Some(1_000_000 + at),
            parent: None,
            after: None,
            before: None,
        };
        let records: Vec<Rejected> = (0..count).map(gone).collect();
        let run = format!("run {count}");
        quarantine::keep(tenant.lakehouse.lake(), tenant.entity, &records, &run, Utc::now()).await.unwrap();
        assert_eq!(tenant.open().await.len(), records.len());
        // The server has none of them, which either read shows.
        let step = tenant.run_whole(Mode::Incremental).await;
        assert_eq!(step.rows_read == all, whole, "{count}: {} of {all} rows were read", step.rows_read);
        assert!(tenant.open().await.is_empty());
    }
}
