//! Tables that can't be read: whatever of a table is missing, cut off or overwritten, the next run, or the next `run --full`, ends
//! with what the server has, or says what to do; and nothing of the old table is thrown away.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::alike::{assert_same, columns, copy, listed};
use crate::steer::post;
use crate::truth::{assert_truth, truth};
use connectwise_etl::catalog;
use connectwise_etl::decode::Rejected;
use connectwise_etl::gold::GoldConfig;
use connectwise_etl::lake::{Lake, Layer, TableName};
use connectwise_etl::privacy::Privacy;
use connectwise_etl::run::{Mode, Outcome, Plan, Quiet, Report, execute};
use connectwise_etl::silver::history;
use connectwise_etl::{quarantine, reconcile, verify};
use connectwise_sdk::catalog::Entity;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, client};
use serde_json::json;
use tempfile::TempDir;

/// A dimension, one with a history, a list that hangs on its rows, and a fact.
const ENTITIES: [&str; 4] = ["Member", "Agreement", "AgreementAddition", "TimeEntry"];

/// Columns that say when and by which run a row was written.
const TECHNICAL: [&str; 4] = ["etlTimestamp", "_etl_run_id", "_etl_gold_processed_at", "_etl_batch_id"];

fn entities() -> Vec<&'static Entity> {
    ENTITIES.iter().map(|name| catalog::entity(name).unwrap()).collect()
}

fn agreement() -> &'static Entity {
    catalog::entity("Agreement").unwrap()
}

/// A loaded tenant, of which copies are damaged.
struct Tenant {
    simulator: Simulator,
    lakehouse: Lakehouse,
    /// Time entries that were deleted at the source: silver alone knows them.
    gone: u64,
}

impl Tenant {
    /// Every table has several versions.
    async fn start() -> Self {
        let simulator = Simulator::builder().seed(31).scale(200).start().await.unwrap();
        let lakehouse = Lakehouse::empty().unwrap();
        let whole = |report: Report| assert_eq!(report.outcome(), "done", "{:#?}", report.steps);
        whole(run(lakehouse.lake(), Some(&simulator), Mode::Full).await);
        let gone = 3;
        let changes = json!({
            "TimeEntry": { "edit": 6, "insert": 4, "delete": gone },
            "Agreement": { "edit": 3, "insert": 2 },
            "Member": { "edit": 2, "insert": 1 },
        });
        post(&simulator, "advance", changes).await;
        let sweep = reconcile::Request::new(false);
        let entity = catalog::entity("TimeEntry").unwrap();
        let swept = reconcile::run(lakehouse.lake(), &client(&simulator).unwrap(), &[entity], &sweep).await;
        assert_eq!(swept.entities[0].deleted.len() as u64, gone, "{swept:?}");
        whole(run(lakehouse.lake(), Some(&simulator), Mode::Incremental).await);
        let rejected = Rejected {
            text: "{\"id\":null}".to_owned(),
            reason: "no key".to_owned(),
            key: None,
            parent: None,
            after: None,
            before: None,
        };
        for which in 0..2 {
            let record = Rejected { text: format!("{}{which}", rejected.text), ..rejected.clone() };
            quarantine::keep(lakehouse.lake(), entity, &[record], "run", chrono::Utc::now()).await.unwrap();
        }
        Self { simulator, lakehouse, gone }
    }

    /// A copy of the lakehouse.
    fn copy(&self) -> (TempDir, Lake) {
        let folder = tempfile::tempdir().unwrap();
        copy(self.lakehouse.path(), folder.path());
        let lake = Lake::open(&folder.path().to_string_lossy()).unwrap();
        (folder, lake)
    }

    async fn assert_bronze(&self, lake: &Lake, when: &str) {
        for entity in entities() {
            let own = TableName::bronze(entity.table);
            let all = columns(self.lakehouse.lake(), &own).await;
            let sql = format!("select {} from {}", listed(&all, &TECHNICAL), own.name);
            let expected = truth(&self.simulator, entity).await.len();
            assert_eq!(crate::alike::rows(lake, &sql).await.len(), expected, "{when}: {own}");
            assert_same(&own, &sql, lake, self.lakehouse.lake()).await;
        }
    }

    /// Silver is what it was, but for rows that are gone at the source where those could be lost.
    async fn assert_silver(&self, lake: &Lake, without_deleted: bool) {
        for entity in entities() {
            let own = TableName::silver(entity.table);
            let all = columns(self.lakehouse.lake(), &own).await;
            let only = if without_deleted { " where not \"isDeleted\"" } else { "" };
            let sql = format!("select {} from {}{only}", listed(&all, &TECHNICAL), own.name);
            assert_same(&own, &sql, lake, self.lakehouse.lake()).await;
        }
    }

    /// Gold is what it was, but for facts of rows that silver has lost.
    async fn assert_gold(&self, lake: &Lake, without_deleted: bool) {
        for name in ["fact_timeentry", "dimmember", "dimagreement"] {
            let own = TableName::gold(name);
            let all = columns(self.lakehouse.lake(), &own).await;
            let only = if without_deleted && name.starts_with("fact") { " where not \"isDeleted\"" } else { "" };
            let sql = format!("select {} from {name}{only}", listed(&all, &TECHNICAL));
            assert_same(&own, &sql, lake, self.lakehouse.lake()).await;
        }
    }
}

async fn run(lake: &Lake, simulator: Option<&Simulator>, mode: Mode) -> Report {
    let client = simulator.map(|simulator| client(simulator).unwrap());
    let layers = if client.is_some() { Layer::ALL.to_vec() } else { vec![Layer::Silver, Layer::Gold] };
    execute(lake, client.as_ref(), &Plan::new(layers, mode, entities()), &Quiet).await.unwrap()
}

/// What bronze is tried with: a full run after each takes its time.
const BRONZE: [Harm; 6] =
    [Harm::FileMissing, Harm::FileCut, Harm::CommitCut, Harm::CommitEmpty, Harm::CommitMissing, Harm::CheckpointBroken];

/// What happens to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Harm {
    FileMissing,
    FileCut,
    FileEmpty,
    CommitCut,
    CommitEmpty,
    CommitBinary,
    CommitMissing,
    CheckpointBroken,
    HintWrong,
}

impl Harm {
    const ALL: [Self; 9] = [
        Self::FileMissing,
        Self::FileCut,
        Self::FileEmpty,
        Self::CommitCut,
        Self::CommitEmpty,
        Self::CommitBinary,
        Self::CommitMissing,
        Self::CheckpointBroken,
        Self::HintWrong,
    ];

    /// Whether another way leads to all rows.
    fn is_harmless(self) -> bool {
        matches!(self, Self::CheckpointBroken | Self::HintWrong)
    }

    fn is_of_files(self) -> bool {
        matches!(self, Self::FileMissing | Self::FileCut | Self::FileEmpty)
    }

    async fn does(self, lake: &Lake, table: &TableName) {
        let folder = place(lake, table);
        let file = || async {
            let files = lake.files(table).await.unwrap();
            let uri = files.iter().next().unwrap().clone();
            folder.join(uri.rsplit('/').next().unwrap())
        };
        let commits = commits(&folder);
        let newest = commits.last().unwrap().clone();
        let cut = |path: &Path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        };
        match self {
            Self::FileMissing => fs::remove_file(file().await).unwrap(),
            Self::FileCut => cut(&file().await),
            Self::FileEmpty => fs::write(file().await, b"").unwrap(),
            Self::CommitCut => cut(&newest),
            Self::CommitEmpty => fs::write(newest, b"").unwrap(),
            Self::CommitBinary => fs::write(newest, [0_u8, 159, 146, 150, 255, 10, 7]).unwrap(),
            Self::CommitMissing => fs::remove_file(&commits[0]).unwrap(),
            Self::CheckpointBroken => {
                let version = commits.len() - 1;
                fs::write(folder.join(format!("_delta_log/{version:020}.checkpoint.parquet")), b"PAR1nothingPAR1")
                    .unwrap();
                fs::write(folder.join("_delta_log/_last_checkpoint"), format!("{{\"version\":{version},\"size\":9}}"))
                    .unwrap();
            }
            Self::HintWrong => {
                fs::write(folder.join("_delta_log/_last_checkpoint"), b"{\"version\":99,\"size\":9}").unwrap();
            }
        }
    }
}

fn place(lake: &Lake, table: &TableName) -> PathBuf {
    lake.root().to_file_path().unwrap().join(table.layer.name()).join(&table.name)
}

/// The commits of a table, oldest first.
fn commits(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder.join("_delta_log"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    found.sort();
    assert!(found.len() > 1, "{} has only one version", folder.display());
    found
}

/// Size of each file below a folder, by its name: names are unique in a table but for those of its log.
fn files(folder: &Path) -> BTreeMap<String, BTreeSet<u64>> {
    let mut found: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let name = entry.file_name().to_string_lossy().into_owned();
                found.entry(name).or_default().insert(entry.metadata().unwrap().len());
            }
        }
    }
    found
}

/// Every file that was there still is, somewhere below the table and in its size.
fn assert_kept(before: &BTreeMap<String, BTreeSet<u64>>, folder: &Path, when: &str) {
    let now = files(folder);
    for (name, sizes) in before {
        assert!(now.get(name).is_some_and(|now| now.is_superset(sizes)), "{when}: {name} of {sizes:?} bytes is gone");
    }
}

/// All that a report says.
fn said(report: &Report) -> String {
    let steps = report.steps.iter().flat_map(|step| {
        let why = match &step.outcome {
            Outcome::Failed(why) | Outcome::Incomplete(why) => Some(why.clone()),
            _ => None,
        };
        step.warnings.iter().cloned().chain(why)
    });
    report.warnings.iter().cloned().chain(steps).collect::<Vec<_>>().join("\n")
}

/// A run tells of a table that was mended: what was wrong, and where the old files are.
fn assert_told(report: &Report, table: &TableName, when: &str) {
    let said = said(report);
    let told = said.lines().find(|line| line.starts_with(&format!("{table} was damaged: ")));
    let told = told.unwrap_or_else(|| panic!("{when}: nothing is told of {table}: {said}"));
    assert!(told.contains("_damaged-"), "{when}: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bronze_is_read_again_by_a_full_run_and_an_incremental_one_says_so() {
    let tenant = Tenant::start().await;
    for (name, harms) in [("TimeEntry", BRONZE.as_slice()), ("AgreementAddition", &[Harm::CommitBinary])] {
        let entity = catalog::entity(name).unwrap();
        let table = TableName::bronze(entity.table);
        for harm in harms {
            let when = format!("{name}, {harm:?}");
            let (_folder, lake) = tenant.copy();
            harm.does(&lake, &table).await;
            let before = files(&place(&lake, &table));
            let report = run(&lake, Some(&tenant.simulator), Mode::Incremental).await;
            if harm.is_harmless() {
                assert_eq!(report.exit_code(), 0, "{when}: {}", said(&report));
            } else {
                let step = report.steps.iter().find(|step| step.layer == Layer::Bronze && step.table == table.name);
                let Outcome::Failed(why) = &step.unwrap().outcome else { panic!("{when}: {step:?}") };
                assert!(why.contains(&format!("run --full --entities {name}")), "{when}: {why}");
                assert!(
                    why.contains("_delta_log") || why.contains("data file") || why.contains("log"),
                    "{when}: {why}"
                );
                assert_eq!(report.exit_code(), 1, "{when}");
                let report = run(&lake, Some(&tenant.simulator), Mode::Full).await;
                assert_eq!(report.exit_code(), 0, "{when}: {}", said(&report));
                assert_told(&report, &table, &when);
            }
            assert_kept(&before, &place(&lake, &table), &when);
            tenant.assert_bronze(&lake, &when).await;
            tenant.assert_silver(&lake, false).await;
            tenant.assert_gold(&lake, false).await;
            if *harm == Harm::FileMissing {
                // And from there on as ever.
                let report = run(&lake, Some(&tenant.simulator), Mode::Incremental).await;
                assert_eq!(report.exit_code(), 0, "{when}: {}", said(&report));
                tenant.assert_bronze(&lake, &when).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silver_is_built_again_by_any_run_that_says_what_is_lost() {
    let tenant = Tenant::start().await;
    let entity = catalog::entity("TimeEntry").unwrap();
    let table = TableName::silver(entity.table);
    for harm in Harm::ALL {
        let when = format!("{harm:?}");
        let (_folder, lake) = tenant.copy();
        harm.does(&lake, &table).await;
        let before = files(&place(&lake, &table));
        let report = run(&lake, None, Mode::Incremental).await;
        assert_eq!(report.exit_code(), 0, "{when}: {}", said(&report));
        assert_told(&report, &table, &when);
        assert_kept(&before, &place(&lake, &table), &when);
        let lost = said(&report).contains("had been deleted in ConnectWise")
            || said(&report).contains("were deleted in ConnectWise");
        assert_eq!(lost, harm.is_of_files() || harm == Harm::CommitMissing, "{when}: {}", said(&report));
        tenant.assert_silver(&lake, lost).await;
        let sql = "select id from silver_cw_timeentry where \"isDeleted\"";
        let deleted = crate::alike::rows(&lake, sql).await.len() as u64;
        assert!(deleted == tenant.gone || lost, "{when}: {deleted}");
        tenant.assert_gold(&lake, lost).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_keeps_every_version_that_can_be_read() {
    let tenant = Tenant::start().await;
    let table = history::table(agreement());
    let current = format!("select id, _etl_content_hash from {} where \"isCurrent\"", table.name);
    for harm in
        [Harm::FileMissing, Harm::FileCut, Harm::CommitCut, Harm::CommitBinary, Harm::CommitMissing, Harm::HintWrong]
    {
        let when = format!("{harm:?}");
        let (_folder, lake) = tenant.copy();
        harm.does(&lake, &table).await;
        let before = files(&place(&lake, &table));
        let report = run(&lake, None, Mode::Incremental).await;
        assert_eq!(report.exit_code(), 0, "{when}: {}", said(&report));
        assert_told(&report, &table, &when);
        assert_kept(&before, &place(&lake, &table), &when);
        if harm.is_harmless() {
            assert!(said(&report).contains("nothing is lost"), "{when}: {}", said(&report));
        } else {
            assert!(said(&report).contains("lost") || said(&report).contains("come back"), "{when}: {}", said(&report));
        }
        assert_same(&table, &current, &lake, tenant.lakehouse.lake()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gold_and_what_builds_remember_are_built_again_with_the_same_keys() {
    let tenant = Tenant::start().await;
    let all = [Harm::FileMissing, Harm::CommitBinary, Harm::CommitMissing, Harm::CheckpointBroken];
    for (table, harms) in [
        (TableName::gold("fact_timeentry"), all.as_slice()),
        (TableName::gold("dimmember"), &all),
        (TableName::gold("dimension_keys"), &all[..3]),
        (TableName::ledger("gold_parts"), &all[..3]),
        (TableName::ledger("gold_lookups"), &all[..3]),
    ] {
        for harm in harms {
            let when = format!("{table}, {harm:?}");
            let (_folder, lake) = tenant.copy();
            harm.does(&lake, &table).await;
            let before = files(&place(&lake, &table));
            let report = run(&lake, None, Mode::Incremental).await;
            assert_eq!(report.exit_code(), 0, "{when}: {}", said(&report));
            assert_told(&report, &table, &when);
            assert_kept(&before, &place(&lake, &table), &when);
            tenant.assert_gold(&lake, false).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_run_fails_over_the_ledger_or_the_quarantine() {
    let tenant = Tenant::start().await;
    for table in [TableName::ledger("etl_runs"), TableName::ledger("etl_steps"), quarantine::table()] {
        for harm in [Harm::FileMissing, Harm::FileCut, Harm::CommitBinary, Harm::CommitEmpty, Harm::CommitMissing] {
            let when = format!("{table}, {harm:?}");
            let (_folder, lake) = tenant.copy();
            harm.does(&lake, &table).await;
            let before = files(&place(&lake, &table));
            let report = run(&lake, None, Mode::Incremental).await;
            assert_eq!(report.exit_code(), 0, "{when}: {}", said(&report));
            assert_told(&report, &table, &when);
            assert!(said(&report).contains("lost"), "{when}: {}", said(&report));
            assert_kept(&before, &place(&lake, &table), &when);
            let runs = connectwise_etl::ledger::runs(&lake, 10).await.unwrap();
            assert!(runs.iter().any(|one| one.run_id == report.run_id), "{when}: the run is in the ledger");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn upkeep_leaves_what_was_set_aside_and_what_belongs_to_it() {
    use chrono::TimeDelta;
    use connectwise_etl::lake::Upkeep;
    let tenant = Tenant::start().await;
    let (_folder, lake) = tenant.copy();
    let table = TableName::bronze("timeentry");
    let before = files(&place(&lake, &table));
    Harm::CommitMissing.does(&lake, &table).await;
    let upkeep = Upkeep {
        run_id: "upkeep".to_owned(),
        dry_run: false,
        retention: TimeDelta::zero(),
        orphan_age: TimeDelta::zero(),
    };
    // Upkeep takes nothing from a table that it can't read, and after the run nothing that was there before.
    let error = lake.maintain(&table, Some("id"), &upkeep).await.unwrap_err();
    assert!(error.to_string().contains("can't be read: commit 0 of its log is missing"), "{error}");
    assert_eq!(run(&lake, Some(&tenant.simulator), Mode::Full).await.exit_code(), 0);
    lake.maintain(&table, Some("id"), &upkeep).await.unwrap();
    let now = files(&place(&lake, &table));
    for name in before.keys().filter(|name| name.ends_with(".parquet")) {
        assert!(now.contains_key(name), "{name} is gone");
    }
}

/// What `maintain --verify` finds, by table and kind.
async fn found(lake: &Lake, repair: bool) -> BTreeSet<(String, &'static str)> {
    let (privacy, gold) = (Privacy::default(), GoldConfig::default());
    let mut layers = Layer::ALL.to_vec();
    layers.push(Layer::Ledger);
    let request = verify::Request { run_id: "verify".to_owned(), layers, privacy: &privacy, gold: &gold, repair };
    let report = verify::run(lake, &request).await.unwrap();
    for finding in &report.findings {
        assert!(finding.count > 0 && !finding.advice.is_empty(), "{finding:?}");
    }
    report.findings.iter().map(|finding| (finding.table.clone(), finding.finding)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn verifying_finds_what_differs_and_changes_nothing() {
    let tenant = Tenant::start().await;
    assert_eq!(found(tenant.lakehouse.lake(), false).await, BTreeSet::new(), "a lakehouse as runs leave it");
    for (table, harm) in [
        (TableName::bronze("timeentry"), Harm::FileMissing),
        (TableName::silver("timeentry"), Harm::FileCut),
        (TableName::gold("dimmember"), Harm::CommitBinary),
        (TableName::ledger("gold_parts"), Harm::CommitMissing),
        (TableName::ledger("etl_runs"), Harm::FileEmpty),
    ] {
        let (_folder, lake) = tenant.copy();
        harm.does(&lake, &table).await;
        let before = files(&place(&lake, &table));
        let found = found(&lake, false).await;
        assert!(found.contains(&(table.to_string(), "unreadable")), "{table}: {found:?}");
        assert_eq!(files(&place(&lake, &table)), before);
    }
    // A byte within a file: its size is what it was.
    let (_folder, lake) = tenant.copy();
    let table = TableName::silver("timeentry");
    for uri in lake.files(&table).await.unwrap() {
        let path = place(&lake, &table).join(uri.rsplit('/').next().unwrap());
        let mut bytes = fs::read(&path).unwrap();
        bytes[4..64].fill(0xff);
        fs::write(path, bytes).unwrap();
    }
    let found = found(&lake, false).await;
    assert!(found.contains(&(table.to_string(), "unreadable")), "{found:?}");
}

/// Rows that somebody took out or changed, in a way that the log doesn't tell: through this program's own writer.
#[tokio::test(flavor = "multi_thread")]
async fn verifying_compares_the_layers_and_the_next_run_repairs_what_was_marked() {
    use connectwise_etl::lake::Commit;
    let tenant = Tenant::start().await;
    let entity = catalog::entity("TimeEntry").unwrap();
    let (_folder, lake) = tenant.copy();
    let silver = TableName::silver(entity.table);
    let session = lake.session().unwrap();
    let keys: Vec<i64> = truth(&tenant.simulator, entity).await.keys().copied().take(5).collect();
    lake.delete(&silver, "id", &keys, &session, &Commit::new("own")).await.unwrap();
    let fact = TableName::gold("dimmember");
    let found_now = found(&lake, false).await;
    assert!(found_now.contains(&(silver.to_string(), "missing")), "{found_now:?}");
    assert!(!found_now.iter().any(|(table, _)| *table == fact.to_string()), "{found_now:?}");
    found(&lake, true).await;
    let report = run(&lake, None, Mode::Incremental).await;
    assert_eq!(report.exit_code(), 0, "{}", said(&report));
    tenant.assert_silver(&lake, true).await;
    tenant.assert_gold(&lake, false).await;
    assert_eq!(found(&lake, false).await, BTreeSet::new());
}

/// The counts of the logs are compared by every run.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_sees_that_silver_has_fewer_rows_than_bronze() {
    use connectwise_etl::lake::Commit;
    let tenant = Tenant::start().await;
    let entity = catalog::entity("TimeEntry").unwrap();
    let (_folder, lake) = tenant.copy();
    let silver = TableName::silver(entity.table);
    let session = lake.session().unwrap();
    let keys: Vec<i64> = truth(&tenant.simulator, entity).await.keys().copied().take(50).collect();
    lake.delete(&silver, "id", &keys, &session, &Commit::new("own")).await.unwrap();
    let report = run(&lake, None, Mode::Incremental).await;
    assert_eq!(report.exit_code(), 0, "{}", said(&report));
    assert!(said(&report).contains("has fewer rows than bronze"), "{}", said(&report));
    tenant.assert_silver(&lake, true).await;
    tenant.assert_gold(&lake, false).await;
}

/// What a write leaves that was ended between its files and its commit goes with the next run, and nothing else does.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_run_removes_what_a_failed_one_left() {
    let tenant = Tenant::start().await;
    let (_folder, lake) = tenant.copy();
    let entity = catalog::entity("TimeEntry").unwrap();
    let (bronze, silver) = (TableName::bronze(entity.table), TableName::silver(entity.table));
    let whole = files(&place(&lake, &bronze));
    // A run that fails: the server is gone.
    let gone = Simulator::builder().seed(1).scale(10).start().await.unwrap();
    let plan = Plan::new(vec![Layer::Bronze], Mode::Incremental, vec![entity]);
    post(&gone, "faults", json!({ "path": "/time/entries", "status": 400, "times": 1_000_000 })).await;
    let report = execute(&lake, Some(&client(&gone).unwrap()), &plan, &Quiet).await.unwrap();
    assert_ne!(report.exit_code(), 0, "{report:?}");
    for table in [&bronze, &silver] {
        let folder = place(&lake, table);
        fs::write(folder.join("part-0.snappy.parquet"), b"half").unwrap();
        fs::write(folder.join("part-1.snappy.parquet#1"), b"half").unwrap();
        fs::write(folder.join("_delta_log/00000000000000000099.json#2"), b"half").unwrap();
        fs::write(folder.join("notes.txt"), b"somebody's").unwrap();
    }
    let report = run(&lake, Some(&tenant.simulator), Mode::Incremental).await;
    assert_eq!(report.exit_code(), 0, "{}", said(&report));
    for table in [&bronze, &silver] {
        let now = files(&place(&lake, table));
        for name in ["part-0.snappy.parquet", "part-1.snappy.parquet#1", "00000000000000000099.json#2"] {
            assert!(!now.contains_key(name), "{table}: {name} is still there");
        }
        assert!(now.contains_key("notes.txt"), "{table}");
    }
    let now = files(&place(&lake, &bronze));
    assert!(whole.keys().all(|name| now.contains_key(name)), "older versions can still be read");
    assert_truth_of(&tenant, &lake).await;
}

async fn assert_truth_of(tenant: &Tenant, lake: &Lake) {
    tenant.assert_bronze(lake, "after a run").await;
    assert_truth(&tenant.simulator, &tenant.lakehouse, entities(), "the original").await;
}
