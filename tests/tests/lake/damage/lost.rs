//! Tables whose log is gone, which are no first loads that were cut off.

use std::collections::BTreeSet;

use connectwise_lakehouse::{Lake, Layer, TableName};
use connectwise_pipeline::run::{Mode, Plan, Quiet, execute};
use connectwise_pipeline::{quarantine, query};
use connectwise_tests::{Lakehouse, client};
use connectwise_upkeep as upkeep;

use super::leftovers::at_once;
use super::tenant::time_entry;
use super::verified::found;
use super::{Harm, Harmed, Tenant, run, said};
use crate::truth::assert_truth;

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_lost_its_log_is_told_of_and_loaded_or_built_anew() {
    let tenant = Tenant::shared().await;
    let (_folder, lake) = tenant.copy();
    let bronze = [TableName::bronze("timeentry"), TableName::bronze("agreementaddition")];
    let tables: Vec<TableName> = bronze
        .iter()
        .cloned()
        .chain([
            TableName::silver("member"),
            TableName::gold("dimagreement"),
            TableName::ledger("gold_parts"),
            TableName::ledger("etl_steps"),
            quarantine::table(),
        ])
        .collect();
    let harmed = Harmed::by(Harm::LogMissing, &lake, &tables).await;
    let unreadable: BTreeSet<String> = found(&lake, false)
        .await
        .into_iter()
        .filter(|(_, what)| *what == "unreadable")
        .map(|(table, _)| table)
        .collect();
    assert_eq!(unreadable, tables.iter().map(ToString::to_string).collect());
    let report = run(&lake, Some(&tenant.simulator), Mode::Incremental).await;
    let told = harmed.assert_mended(&report, &lake, "without a log");
    for (table, told) in &told {
        assert!(told.starts_with(&format!("{table} was damaged: its log is missing, and ")), "{told}");
    }
    assert!(bronze.iter().all(|table| told[table].ends_with("all of it is read again")), "{told:#?}");
    tenant.assert_bronze(&lake, "without a log").await;
    tenant.assert_silver(&lake, false).await;
    tenant.assert_gold(&lake, false).await;
    for table in &tables {
        upkeep::maintain(&lake, table, None, &at_once()).await.unwrap();
    }
    harmed.assert_kept(&lake, "after upkeep");
    let report = run(&lake, Some(&tenant.simulator), Mode::Incremental).await;
    assert_eq!((report.exit_code(), said(&report).contains("was damaged")), (0, false), "{}", said(&report));
    assert_eq!(found(&lake, false).await, BTreeSet::new());
}

/// Files of a load that was cut off before its first commit, staged or not, are neither damage nor told of, and go.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_load_that_was_cut_off_has_lost_no_log() {
    let tenant = Tenant::shared().await;
    let lakehouse = Lakehouse::empty().unwrap();
    let lake = lakehouse.lake();
    let table = TableName::bronze("timeentry");
    let schema = connectwise_extract::contract::bronze(time_entry());
    let opened = lake.table(&table).await.unwrap();
    let mut writer = opened.file_writer(&schema, "id").await.unwrap();
    for batch in query::select(tenant.lakehouse.lake(), "select * from bronze_cw_timeentry").await.unwrap() {
        let columns = batch.columns().iter().zip(schema.fields());
        let columns = columns.map(|(column, field)| arrow::compute::cast(column, field.data_type()).unwrap()).collect();
        writer.write(&arrow::array::RecordBatch::try_new(schema.clone(), columns).unwrap()).unwrap();
    }
    writer.finish().await.unwrap().unwrap();
    assert_eq!(found(lake, false).await, BTreeSet::new());
    assert!(lake.table(&table).await.unwrap().version().is_none());
    let plan = Plan::new(vec![Layer::Bronze], Mode::Incremental, vec![time_entry()]);
    let report = execute(lake, Some(&client(&tenant.simulator).unwrap()), &plan, &Quiet).await.unwrap();
    assert_eq!((report.exit_code(), said(&report)), (0, String::new()));
    assert_truth(&tenant.simulator, &lakehouse, [time_entry()], "after a load that was cut off").await;
    upkeep::maintain(lake, &table, Some("id"), &at_once()).await.unwrap();
    let left: Vec<String> = super::files(&super::place(lake, &table)).into_keys().collect();
    let data = left.iter().filter(|name| name.ends_with(".parquet")).count();
    assert_eq!((data, left.iter().any(|name| name.starts_with("_begun"))), (1, false), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_about_a_damaged_table_is_answered_by_what_mends_it() {
    let tenant = Tenant::shared().await;
    let (_folder, lake) = tenant.copy();
    let ask = async |lake: &Lake, table: &str| query::select(lake, &format!("select * from {table}")).await;
    for (harm, table, why, advice) in [
        (
            Harm::FileMissing,
            TableName::bronze("timeentry"),
            "the data file part-",
            "`connectwise-etl run --full --entities TimeEntry` loads it again",
        ),
        (
            Harm::LogMissing,
            TableName::bronze("member"),
            "its log is missing, and ",
            "`connectwise-etl run --full --entities Member` loads it again",
        ),
        (
            Harm::CommitBinary,
            TableName::silver("agreement"),
            "commit ",
            "`connectwise-etl run --layers silver` builds it again",
        ),
        (
            Harm::FileCut,
            TableName::gold("dimmember"),
            "the data file part-",
            "`connectwise-etl run --layers gold` builds it again",
        ),
        (
            Harm::LogMissing,
            TableName::ledger("etl_runs"),
            "its log is missing, and ",
            "the next `connectwise-etl run` mends it",
        ),
    ] {
        harm.does(&lake, &table).await;
        let error = ask(&lake, &table.name).await.unwrap_err();
        let text = error.report();
        assert!(text.starts_with(&format!("{table} can't be read: {why}")), "{text}");
        assert!(text.ends_with(&format!("; {advice} and keeps the old files")), "{text}");
    }
    // The ledger's own questions are answered likewise.
    let error = connectwise_pipeline::ledger::status(&lake).await.unwrap_err();
    assert!(error.report().contains("etl/etl_runs can't be read: its log is missing"), "{error:?}");
}
