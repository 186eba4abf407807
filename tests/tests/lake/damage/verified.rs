//! What `maintain --verify` finds, and what repairs it.

use std::collections::BTreeSet;
use std::fs;

use connectwise_extract::extra::ExtraColumns;
use connectwise_extract::privacy::Privacy;
use connectwise_lakehouse::{Changes, Commit, Lake, Layer, TableName};
use connectwise_pipeline::gold::GoldConfig;
use connectwise_pipeline::run::{Mode, Plan, Quiet, execute};
use connectwise_pipeline::{query, verify};
use connectwise_tests::{Lakehouse, client};

use super::tenant::{TECHNICAL, time_entry};
use super::{Harm, Tenant, files, place, run, said};
use crate::alike::{assert_same, columns, listed};
use crate::truth::truth;

/// What `maintain --verify` says.
async fn verified(lake: &Lake, repair: bool) -> verify::VerificationReport {
    let (privacy, extra, gold) = (Privacy::default(), ExtraColumns::default(), GoldConfig::default());
    let mut layers = Layer::ALL.to_vec();
    layers.push(Layer::Ledger);
    let run_id = "verify".to_owned();
    let request = verify::VerificationRequest { run_id, layers, privacy: &privacy, extra: &extra, gold: &gold, repair };
    let report = verify::run(lake, &request, &()).await.unwrap();
    for finding in &report.findings {
        assert!(finding.count > 0 && !finding.advice.is_empty(), "{finding:?}");
    }
    report
}

/// What it finds, by table and kind.
pub(super) async fn found(lake: &Lake, repair: bool) -> BTreeSet<(String, &'static str)> {
    let report = verified(lake, repair).await;
    report.findings.iter().map(|finding| (finding.table.clone(), finding.finding)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn verifying_finds_what_differs_and_changes_nothing() {
    let tenant = Tenant::shared().await;
    let whole = verified(tenant.lakehouse.lake(), false).await;
    assert!(whole.findings.is_empty() && whole.notes.is_empty(), "a lakehouse as runs leave it: {whole:#?}");
    let harms = [
        (TableName::bronze("timeentry"), Harm::FileMissing),
        (TableName::silver("timeentry"), Harm::FileCut),
        (TableName::gold("dimmember"), Harm::CommitBinary),
        (TableName::ledger("gold_parts"), Harm::CommitMissing),
        (TableName::ledger("etl_runs"), Harm::FileEmpty),
    ];
    let (_folder, lake) = tenant.copy();
    for (table, harm) in &harms {
        harm.does(&lake, table).await;
    }
    let before = harms.each_ref().map(|(table, _)| files(&place(&lake, table)));
    let broken = found(&lake, false).await;
    for (table, _) in &harms {
        assert!(broken.contains(&(table.to_string(), "unreadable")), "{table}: {broken:?}");
    }
    assert_eq!(harms.each_ref().map(|(table, _)| files(&place(&lake, table))), before);
    // A byte within a file: its size is what it was.
    let (_folder, lake) = tenant.copy();
    let table = TableName::silver("timeentry");
    for uri in lake.table(&table).await.unwrap().files().unwrap() {
        let path = place(&lake, &table).join(uri.rsplit('/').next().unwrap());
        let mut bytes = fs::read(&path).unwrap();
        bytes[4..64].fill(0xff);
        fs::write(path, bytes).unwrap();
    }
    let found = found(&lake, false).await;
    assert!(found.contains(&(table.to_string(), "unreadable")), "{found:?}");
}

/// Takes rows out of silver in a way that the log doesn't tell: through this program's own writer.
async fn take_out(tenant: &Tenant, lake: &Lake, rows: usize) -> TableName {
    let entity = time_entry();
    let silver = TableName::silver(entity.table);
    let keys: Vec<i64> = truth(&tenant.simulator, entity).await.keys().copied().take(rows).collect();
    let schema = lake.table(&silver).await.unwrap().schema().unwrap();
    let changes = Changes::upserts("id", Vec::new()).deleting(keys);
    lake.table(&silver).await.unwrap().merge(&schema, changes, &Commit::new("own")).await.unwrap();
    silver
}

#[tokio::test(flavor = "multi_thread")]
async fn verifying_compares_the_layers_and_the_next_run_repairs_what_was_marked() {
    let tenant = Tenant::shared().await;
    let (_folder, lake) = tenant.copy();
    let silver = take_out(&tenant, &lake, 5).await;
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
    let tenant = Tenant::shared().await;
    let (_folder, lake) = tenant.copy();
    take_out(&tenant, &lake, 50).await;
    let report = run(&lake, None, Mode::Incremental).await;
    assert_eq!(report.exit_code(), 0, "{}", said(&report));
    assert!(said(&report).contains("has fewer rows than bronze"), "{}", said(&report));
    tenant.assert_silver(&lake, true).await;
    tenant.assert_gold(&lake, false).await;
}

/// A value is changed within a data file of bronze before silver is built from it, so that the log and silver agree with the file.
#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_was_changed_in_bronze_alone_is_found_and_repaired() {
    let tenant = Tenant::shared().await;
    let lakehouse = Lakehouse::empty().unwrap();
    let lake = lakehouse.lake();
    let load = async |layers: &[Layer], mode: Mode| {
        let plan = Plan::new(layers.to_vec(), mode, vec![time_entry()]);
        let report = execute(lake, Some(&client(&tenant.simulator).unwrap()), &plan, &Quiet).await.unwrap();
        assert_eq!(report.exit_code(), 0, "{}", said(&report));
    };
    load(&[Layer::Bronze], Mode::Full).await;
    let bronze = TableName::bronze("timeentry");
    change_a_value(lake, &bronze).await;
    load(&[Layer::Silver], Mode::Full).await;
    let expected: BTreeSet<(String, &'static str)> = [(bronze.to_string(), "altered")].into();
    assert_eq!(found(lake, true).await, expected);
    load(&[Layer::Bronze, Layer::Silver], Mode::Incremental).await;
    assert_eq!(found(lake, false).await, BTreeSet::new());
    let silver = TableName::silver("timeentry");
    let all = listed(&columns(lake, &silver).await, &TECHNICAL);
    let sql = format!("select {all} from {} where not \"isDeleted\"", silver.name);
    assert_same(&silver, &sql, lake, tenant.lakehouse.lake()).await;
}

/// Changes a byte of a data file such that it can still be read, says something else, and has the keys and hashes that it had.
async fn change_a_value(lake: &Lake, table: &TableName) {
    let read = async |columns: &str| {
        let rows = query::select(lake, &format!("select {columns} from {}", table.name)).await;
        rows.and_then(|rows| query::json(&rows)).ok()
    };
    let (all, same) = (read("*").await.unwrap(), read("id, _etl_content_hash").await.unwrap());
    let uris = lake.table(table).await.unwrap().files().unwrap();
    let path = place(lake, table).join(uris.first().unwrap().rsplit('/').next().unwrap());
    let bytes = fs::read(&path).unwrap();
    for at in (4..bytes.len()).step_by(41) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(&path, changed).unwrap();
        if read("*").await.is_some_and(|now| now != all) && read("id, _etl_content_hash").await.as_ref() == Some(&same)
        {
            return;
        }
    }
    panic!("no value could be changed in {}", path.display());
}

/// Whoever writes a file without a checksum may copy all that commits of this program say.
#[tokio::test(flavor = "multi_thread")]
async fn files_without_a_checksum_are_told_of() {
    let tenant = Tenant::shared().await;
    let (_folder, lake) = tenant.copy();
    let table = TableName::bronze("timeentry");
    let folder = place(&lake, &table);
    for uri in lake.table(&table).await.unwrap().files().unwrap() {
        let name = uri.rsplit('/').next().unwrap();
        let plain = format!("{}.snappy.parquet", &name[..41]);
        fs::rename(folder.join(name), folder.join(&plain)).unwrap();
        for entry in fs::read_dir(folder.join("_delta_log")).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap().replace(name, &plain);
            fs::write(path, text).unwrap();
        }
    }
    let report = verified(&lake, false).await;
    let sentence = "bronze/bronze_cw_timeentry have files without a checksum in their name";
    let told = report.notes.iter().any(|note| note.starts_with(sentence));
    assert!(told && report.findings.is_empty(), "{report:#?}");
}
