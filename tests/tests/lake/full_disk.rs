//! A disk that is full at some point of a run: the run says so and stops, and the next one, with space, leaves no trace of it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path as Folder, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use connectwise_extract::catalog;
use connectwise_lakehouse::{Lake, Layer, TableName};
use connectwise_pipeline::run::{Mode, Plan, Quiet, execute};
use connectwise_pipeline::{gold, query};
use connectwise_sdk::catalog::Entity;
use connectwise_sdk::{Client, Config, ConfigParts};
use connectwise_sim::Simulator;
use object_store::path::Path;
use object_store::{PutPayload, Result};
use serde_json::Value;

use crate::store::{Watcher, watch};

/// What a process that runs on a full disk is told by: address, user, password, folder and bytes.
const TOLD: &str = "CW_TEST_FULL_DISK";
/// Columns that say when and by which run a row was written.
const TECHNICAL: [&str; 4] = ["etlTimestamp", "_etl_run_id", "_etl_gold_processed_at", "_etl_batch_id"];

/// A disk that takes so many bytes more.
#[derive(Debug)]
struct Disk {
    left: AtomicU64,
}

impl Disk {
    fn take(&self, bytes: usize) -> Result<()> {
        let taken = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(bytes as u64));
        // As the store of local files says it.
        let full = || std::io::Error::from(ErrorKind::StorageFull);
        taken.map(drop).map_err(|_| object_store::Error::Generic { store: "LocalFileSystem", source: Box::new(full()) })
    }
}

impl Watcher for Disk {
    fn put(&self, location: &Path, payload: &PutPayload) -> Result<()> {
        let full = self.take(payload.content_length());
        if full.is_err() {
            // What of a file was written before the disk was full.
            let bytes: Bytes = payload.clone().into();
            let half = PathBuf::from(format!("/{location}#1"));
            std::fs::create_dir_all(half.parent().unwrap()).unwrap();
            std::fs::write(half, bytes.slice(..bytes.len() / 2)).unwrap();
        }
        full
    }

    fn put_part(&self, bytes: usize) -> Result<()> {
        self.take(bytes)
    }
}

fn entities() -> Vec<&'static Entity> {
    ["Member", "Agreement", "TimeEntry"].iter().map(|name| catalog::entity(name).unwrap()).collect()
}

fn client(address: &str, user: &str, password: &str) -> Client {
    let parts = ConfigParts {
        base_url: Some(address.to_owned()),
        username: Some(user.to_owned()),
        password: Some(password.to_owned().into()),
        client_id: Some("00000000-0000-0000-0000-000000000000".to_owned()),
        ..ConfigParts::default()
    };
    Client::new(Config::from_parts(parts).unwrap().with_rate(None)).unwrap()
}

/// Every process has its own disk, so that the run on the full one is another than that of the tests. It does nothing unless it is
/// told what.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_on_a_full_disk() {
    let Ok(told) = std::env::var(TOLD) else { return };
    let [address, user, password, folder, bytes] = told.split(' ').collect::<Vec<_>>()[..] else { panic!("{told}") };
    watch(Arc::new(Disk { left: AtomicU64::new(bytes.parse().unwrap()) }));
    let lake = Lake::open(folder).unwrap();
    let plan = Plan::new(Layer::ALL.to_vec(), Mode::Full, entities());
    let report = execute(&lake, Some(&client(address, user, password)), &plan, &Quiet).await.unwrap();
    let said: Vec<String> = report
        .steps
        .iter()
        .filter_map(|step| serde_json::to_value(step).unwrap()["error"].as_str().map(str::to_owned))
        .chain(report.warnings.clone())
        .collect();
    let told = serde_json::json!({ "code": report.exit_code(), "said": said });
    std::fs::write(format!("{folder}.json"), told.to_string()).unwrap();
}

/// All files below a folder.
fn files(folder: &Folder) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Each data file on disk is one that a commit of its table names, and nothing is half written.
fn assert_nothing_left(root: &Folder, when: &str) {
    let all = files(root);
    let commits = all.iter().filter(|path| path.extension().is_some_and(|of| of == "json"));
    let text: String = commits.map(|path| std::fs::read_to_string(path).unwrap() + "\n").collect();
    let added: BTreeSet<String> = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok()?["add"]["path"].as_str().map(str::to_owned))
        .collect();
    for path in &all {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(!name.contains('#') && name != "_begun", "{when}: {} is left", path.display());
        let named = !name.ends_with(".parquet") || added.contains(name);
        assert!(
            named || path.components().any(|part| part.as_os_str() == "_delta_log"),
            "{when}: {} is left",
            path.display()
        );
    }
}

/// What all tables say, by table.
async fn content(lake: &Lake) -> BTreeMap<String, Vec<String>> {
    let mut tables: Vec<TableName> = entities()
        .iter()
        .flat_map(|entity| [TableName::bronze(entity.table), TableName::silver(entity.table)])
        .collect();
    tables.extend(gold::tables().unwrap().into_iter().map(TableName::gold));
    let mut found = BTreeMap::new();
    for table in tables {
        let Some(state) = lake.table(&table).await.unwrap().state() else { continue };
        let names = state.schema.fields().iter().map(|field| field.name().as_str());
        let names: Vec<String> =
            names.filter(|name| !TECHNICAL.contains(name)).map(|name| format!("\"{name}\"")).collect();
        let rows = query::select(lake, &format!("select {} from {}", names.join(", "), table.name)).await.unwrap();
        let rows: Vec<Value> = serde_json::from_slice(&query::json(&rows).unwrap()).unwrap();
        let mut rows: Vec<String> = rows.iter().map(Value::to_string).collect();
        rows.sort();
        found.insert(table.to_string(), rows);
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_on_a_full_disk_says_so_and_the_next_one_leaves_no_trace_of_it() {
    let simulator = Simulator::builder().seed(5).scale(200).start().await.unwrap();
    let (address, user, password) = (simulator.base_url(), simulator.username(), simulator.password());
    let folder = tempfile::tempdir().unwrap();
    let run = async |lake: &Lake, mode: Mode| {
        let plan = Plan::new(Layer::ALL.to_vec(), mode, entities());
        let report = execute(lake, Some(&client(&address, user, password)), &plan, &Quiet).await.unwrap();
        assert_eq!(report.exit_code(), 0, "{:#?} {:#?}", report.steps, report.warnings);
    };
    let whole = folder.path().join("whole");
    let undisturbed = Lake::open(whole.to_str().unwrap()).unwrap();
    run(&undisturbed, Mode::Full).await;
    let expected = content(&undisturbed).await;
    let written: u64 = files(&whole).iter().map(|path| path.metadata().unwrap().len()).sum();
    for share in [5, 40, 60, 85] {
        let place = folder.path().join(format!("full{share}"));
        let told = format!("{address} {user} {password} {} {}", place.display(), written * share / 100);
        let own = std::env::current_exe().unwrap();
        let ended =
            Command::new(own).args(["--exact", "full_disk::a_run_on_a_full_disk"]).env(TOLD, told).output().unwrap();
        let when = format!("{share} percent");
        assert!(ended.status.success(), "{when}: {}", String::from_utf8_lossy(&ended.stdout));
        let told: Value = serde_json::from_slice(&std::fs::read(format!("{}.json", place.display())).unwrap()).unwrap();
        let code = told["code"].as_u64().unwrap();
        assert!(code == 1 || code == 3, "{when}: {told}");
        let said: Vec<&str> = told["said"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
        let sentence = format!("no space is left on the disk of {}/, so the run stopped: free some, ", place.display());
        assert_eq!(said.iter().filter(|text| text.starts_with(&sentence)).count(), 1, "{when}: {said:#?}");
        assert!(
            said.iter().all(|text| !text.contains("os error") && !text.contains("LocalFileSystem")),
            "{when}: {said:#?}"
        );
        let lake = Lake::open(place.to_str().unwrap()).unwrap();
        run(&lake, Mode::Incremental).await;
        assert_nothing_left(&place, &when);
        let found = content(&lake).await;
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{when}");
        for (table, rows) in &expected {
            assert!(found[table] == *rows, "{when}: {table} differs");
        }
    }
}
