//! Change times in the future, and watermarks that can't be right: nothing is missed, and it is said.

use chrono::{DateTime, TimeDelta, Utc};
use connectwise_extract::catalog;
use connectwise_extract::doctor::{self, Verdict};
use connectwise_lakehouse::{Commit, Layer, TableName};
use connectwise_pipeline::bronze;
use connectwise_pipeline::run::{Mode, Plan, Quiet, ReadProof, Step, execute};
use connectwise_sdk::catalog::Entity;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, client};
use serde_json::json;

use crate::steer::{ask, forget, post};
use crate::truth::{assert_truth, stored, truth};

/// The mark that a table's watermark is stored under.
const WATERMARK: &str = "connectwise-etl:watermark";
const OVERLAP: TimeDelta = TimeDelta::minutes(15);

struct Tenant {
    simulator: Simulator,
    lakehouse: Lakehouse,
    entity: &'static Entity,
}

impl Tenant {
    /// An entity without business dates, which would find again by themselves what a watermark misses.
    async fn start(seed: u64) -> Self {
        let simulator = Simulator::builder().seed(seed).scale(600).start().await.unwrap();
        Self { simulator, lakehouse: Lakehouse::empty().unwrap(), entity: catalog::entity("Contact").unwrap() }
    }

    async fn run(&self, mode: Mode) -> Step {
        let plan = Plan::new(vec![Layer::Bronze], mode, vec![self.entity]);
        let client = client(&self.simulator).unwrap();
        let report = execute(self.lakehouse.lake(), Some(&client), &plan, &Quiet).await.unwrap();
        assert_eq!(report.outcome(), "done", "{report:#?}");
        report.steps.into_iter().next().unwrap()
    }

    /// A run after which bronze is what the server has.
    async fn run_whole(&self, mode: Mode, when: &str) -> Step {
        let step = self.run(mode).await;
        assert_truth(&self.simulator, &self.lakehouse, [self.entity], when).await;
        let read = step.read.clone().unwrap();
        assert!(read.watermark_after.unwrap() <= self.clock().await - OVERLAP, "{when}: {read:?}");
        step
    }

    async fn clock(&self) -> DateTime<Utc> {
        ask(&self.simulator, "clock").await["now"].as_str().unwrap().parse().unwrap()
    }

    async fn set_time(&self, id: i64, time: &str) {
        let set = json!({ "_info/lastUpdated": time });
        post(&self.simulator, "plant", json!({ "path": self.entity.path, "id": id, "set": set })).await;
    }

    async fn edit(&self, rows: u64) -> Vec<i64> {
        let answer = post(&self.simulator, "advance", json!({ "Contact": { "edit": rows } })).await;
        serde_json::from_value(answer["changed"]["Contact"]["edited"].clone()).unwrap()
    }

    /// Keys in their order.
    async fn keys(&self) -> Vec<i64> {
        truth(&self.simulator, self.entity).await.into_keys().collect()
    }

    /// The number of records that the server counted for the load: all of them where it read everything.
    async fn read_everything(&self, read: &ReadProof) -> bool {
        read.counted_before == Some(truth(&self.simulator, self.entity).await.len() as u64)
    }
}

fn says(step: &Step, what: &str) -> bool {
    step.warnings.iter().any(|warning| warning.contains(what))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_in_the_future_hides_no_other() {
    let tenant = Tenant::start(51).await;
    tenant.run_whole(Mode::Full, "at first").await;
    let bad = tenant.keys().await[3];
    tenant.edit(5).await;
    tenant.set_time(bad, "2099-01-01T00:00:00Z").await;
    for run in 0..3 {
        let step = tenant.run_whole(Mode::Incremental, "with a row of 2099").await;
        assert!(says(&step, "changed in the future") && says(&step, &format!("1 ({bad})")), "{:?}", step.warnings);
        assert!(!tenant.read_everything(&step.read.unwrap()).await, "run {run} reads what changed and no more");
        tenant.edit(5).await;
    }
    // Put right to a time that lies far behind the watermark, as a script at the source would.
    tenant.set_time(bad, "2025-03-01T00:00:00Z").await;
    let step = tenant.run_whole(Mode::Incremental, "after it was put right").await;
    assert!(!says(&step, "in the future") && !tenant.read_everything(&step.read.unwrap()).await);
    let step = tenant.run_whole(Mode::Incremental, "and once more").await;
    assert_eq!(step.warnings, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_load_takes_no_watermark_from_the_future() {
    let tenant = Tenant::start(52).await;
    let keys = tenant.keys().await;
    for bad in &keys[..3] {
        tenant.set_time(*bad, "2099-01-01T00:00:00Z").await;
    }
    let step = tenant.run_whole(Mode::Full, "at first").await;
    assert!(says(&step, "changed in the future") && says(&step, ": 3 ("), "{:?}", step.warnings);
    tenant.edit(5).await;
    tenant.run_whole(Mode::Incremental, "after edits").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_both() {
    let tenant = Tenant::start(58).await;
    let client = client(&tenant.simulator).unwrap();
    let examined = async || {
        let mut found = doctor::examine(&client, &[tenant.entity], &Utc::now, &()).await;
        let table = TableName::bronze(tenant.entity.table);
        let opened = tenant.lakehouse.lake().table(&table).await.unwrap();
        let stored = bronze::watermark(&opened).await.unwrap();
        doctor::watermarks(&mut found, &stored.map(|stored| (tenant.entity.name, stored)).into_iter().collect());
        let told = |name| {
            found.checks.iter().find(|check| check.check == name).map(|check| (check.verdict, check.found.clone()))
        };
        (told("change times").unwrap(), told("watermarks"))
    };
    assert!(matches!(examined().await, ((Verdict::Good, _), None)), "there is no lakehouse");
    tenant.run_whole(Mode::Full, "at first").await;
    assert!(matches!(examined().await, ((Verdict::Good, _), Some((Verdict::Good, _)))));
    let bad = tenant.keys().await[3];
    tenant.set_time(bad, "2099-01-01T00:00:00Z").await;
    poison(&tenant, "2099-01-01T00:00:00Z").await;
    let (changes, watermarks) = examined().await;
    let watermarks = watermarks.unwrap();
    assert_eq!((changes.0, watermarks.0), (Verdict::Doubt, Verdict::Doubt));
    assert!(changes.1.ends_with(&format!(": Contact {bad} (2099-01-01 00:00 UTC)")), "{}", changes.1);
    assert!(watermarks.1.ends_with(": Contact (2099-01-01 00:00 UTC)"), "{}", watermarks.1);
}

/// As an earlier version left it: it took the highest change time, whatever the clock said.
async fn poison(tenant: &Tenant, time: &str) {
    let (lake, table) = (tenant.lakehouse.lake(), TableName::bronze(tenant.entity.table));
    let time: DateTime<Utc> = time.parse().unwrap();
    let commit = Commit::new("an earlier version").transaction(WATERMARK, time.timestamp_micros());
    let table = lake.table(&table).await.unwrap();
    table.commit_transactions(&commit).await.unwrap();
    let stored = table.refresh().await.unwrap().transaction(WATERMARK).await.unwrap();
    assert_eq!(stored, Some(time.timestamp_micros()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watermark_ahead_of_the_servers_clock_heals_by_itself() {
    for mode in [Mode::Incremental, Mode::Full] {
        let tenant = Tenant::start(53).await;
        tenant.run_whole(Mode::Full, "at first").await;
        tenant.edit(5).await;
        poison(&tenant, "2099-01-01T00:00:00Z").await;
        let step = tenant.run_whole(mode, "from a watermark of 2099").await;
        assert!(says(&step, "2099-01-01 00:00 UTC lay ahead of the server's clock"), "{:?}", step.warnings);
        let read = step.read.unwrap();
        assert!(tenant.read_everything(&read).await);
        tenant.edit(5).await;
        let step = tenant.run_whole(Mode::Incremental, "afterwards").await;
        assert_eq!((step.warnings.len(), step.read.unwrap().watermark_before), (0, read.watermark_after));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newest_change_below_the_watermark_is_told_and_a_week_is_read_again() {
    for mode in [Mode::Incremental, Mode::Full] {
        let tenant = Tenant::start(54).await;
        tenant.run_whole(Mode::Full, "at first").await;
        tenant.edit(5).await;
        // Ahead of every change and behind the clock: only the newest change tells.
        let watermark = tenant.clock().await - TimeDelta::minutes(20);
        poison(&tenant, &watermark.to_rfc3339()).await;
        let step = tenant.run_whole(mode, "from a watermark that is too late").await;
        assert!(says(&step, "changed as late as the stored watermark"), "{:?}", step.warnings);
        let step = tenant.run_whole(Mode::Incremental, "afterwards").await;
        assert_eq!(step.warnings, Vec::<String>::new(), "it is told once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_clock_goes_back_hides_nothing() {
    let tenant = Tenant::start(55).await;
    tenant.run_whole(Mode::Full, "at first").await;
    tenant.edit(5).await;
    let clock = tenant.clock().await;
    tenant.run_whole(Mode::Incremental, "before").await;
    // Three hours back; what changes from here on is older than the watermark by the clock of before.
    post(&tenant.simulator, "switches", json!({ "date-header": 3 * 3_600 })).await;
    let changed = tenant.keys().await[5];
    let time = (clock - TimeDelta::hours(2)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    tenant.set_time(changed, &time).await;
    // The watermark follows the newest change, so it may lie behind both clocks.
    poison(&tenant, &(clock - OVERLAP).to_rfc3339()).await;
    let step = tenant.run(Mode::Incremental).await;
    assert!(says(&step, "lay ahead of the server's clock"), "{:?}", step.warnings);
    assert_truth(&tenant.simulator, &tenant.lakehouse, [tenant.entity], "after the clock went back").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_its_time_is_read_from_a_day_before() {
    let tenant = Tenant::start(56).await;
    post(&tenant.simulator, "switches", json!({ "date-header": "nonsense" })).await;
    tenant.run(Mode::Full).await;
    for _ in 0..2 {
        tenant.edit(5).await;
        let step = tenant.run(Mode::Incremental).await;
        assert_eq!(step.warnings, Vec::<String>::new());
        assert_truth(&tenant.simulator, &tenant.lakehouse, [tenant.entity], "without a date").await;
    }
    let bad = tenant.keys().await[3];
    tenant.set_time(bad, "2099-01-01T00:00:00Z").await;
    tenant.edit(5).await;
    let step = tenant.run(Mode::Incremental).await;
    assert!(says(&step, "changed in the future"), "{:?}", step.warnings);
    assert!(step.read.unwrap().watermark_after.unwrap() < Utc::now() - TimeDelta::days(1));
    tenant.edit(5).await;
    tenant.run(Mode::Incremental).await;
    assert_truth(&tenant.simulator, &tenant.lakehouse, [tenant.entity], "with a row of 2099").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_below_a_parent_of_the_future_are_read() {
    let simulator = Simulator::builder().seed(57).scale(600).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let entity = catalog::entity("AgreementAddition").unwrap();
    let parent = catalog::entity("Agreement").unwrap();
    let run = async |mode| {
        let plan = Plan::new(vec![Layer::Bronze], mode, vec![entity]);
        let report = execute(lakehouse.lake(), Some(&client(&simulator).unwrap()), &plan, &Quiet).await.unwrap();
        assert_eq!(report.outcome(), "done", "{report:#?}");
        report.steps.into_iter().next().unwrap()
    };
    post(&simulator, "switches", json!({ "children-touch-parents": "yes" })).await;
    run(Mode::Full).await;
    let parents: Vec<i64> = truth(&simulator, parent).await.into_keys().collect();
    let set = json!({ "_info/lastUpdated": "2099-01-01T00:00:00Z" });
    post(&simulator, "plant", json!({ "path": parent.path, "id": parents[0], "set": set })).await;
    for _ in 0..3 {
        let rows = stored(&lakehouse, entity).await;
        let touched = rows
            .values()
            .map(|row| row["_parentId"].as_f64().unwrap() as i64)
            .filter(|id| *id != parents[0])
            .max()
            .unwrap();
        let path = entity.path.replace("{parentId}", &touched.to_string());
        post(&simulator, "advance", json!({ path: { "edit": 2, "insert": 1 } })).await;
        let step = run(Mode::Incremental).await;
        assert!(says(&step, "records of Agreement say that they changed in the future"), "{:?}", step.warnings);
        assert_truth(&simulator, &lakehouse, [entity], "below a parent of 2099").await;
    }
    forget(&simulator, "requests").await;
}
