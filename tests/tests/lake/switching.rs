//! A lakehouse that holds the tables of the PySpark package which this program replaces: refused, replaced on request, and facts under
//! the names that reports are bound to.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{DataType, Field};
use connectwise_lakehouse::Layer;
use connectwise_pipeline::gold::{GoldConfig, stored_names};
use connectwise_pipeline::query;
use connectwise_pipeline::run::{Mode, Plan, Quiet, RunReport, StepOutcome, execute};
use connectwise_tests::{Lakehouse, client};
use deltalake::DeltaTable;
use url::Url;

use crate::loaded::{Tenant, assert_same, content, entities, gold_tables, silver_tables, simulator};
use crate::tenants::files;
use crate::truth::assert_truth;

/// Rows of each of the old tables.
const ROWS: i64 = 3;

fn numbers() -> ArrayRef {
    Arc::new((1..=ROWS).collect::<Int64Array>())
}

fn texts(text: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![text; 3]))
}

/// Table and rows in the shape of the old package: nested records in bronze, floating-point numbers, and timestamps as texts.
fn old_tables() -> Vec<(&'static str, RecordBatch)> {
    let hours: ArrayRef = Arc::new(Float64Array::from(vec![0.25, 1.5, 8.0]));
    let company: ArrayRef = Arc::new(StructArray::from(vec![
        (Arc::new(Field::new("id", DataType::Int64, true)), numbers()),
        (Arc::new(Field::new("identifier", DataType::Utf8, true)), texts("ACME")),
    ]));
    let read = || ("etlTimestamp", texts("2025-03-01T02:00:00Z"));
    let of = |columns: Vec<(&str, ArrayRef)>| RecordBatch::try_from_iter(columns).unwrap();
    vec![
        (
            "bronze/bronze_cw_timeentry",
            of(vec![("id", numbers()), ("actualHours", hours.clone()), ("company", company), read()]),
        ),
        ("bronze/bronze_cw_company", of(vec![("id", numbers()), ("identifier", texts("ACME")), read()])),
        ("silver/silver_cw_timeentry", of(vec![("id", numbers()), ("actualHours", hours.clone()), read()])),
        (
            "gold/dimcompany",
            of(vec![("CompanyKey", numbers()), ("companyId", numbers()), ("companyName", texts("Acme")), read()]),
        ),
        ("gold/gold_cw_fact_timeentry", of(vec![("TimeentrySK", texts("1")), ("actualHours", hours)])),
    ]
}

async fn write_old_tables(lakehouse: &Lakehouse) {
    for (table, rows) in old_tables() {
        let folder = lakehouse.path().join(table);
        std::fs::create_dir_all(&folder).unwrap();
        let new = DeltaTable::try_from_url(Url::from_directory_path(&folder).unwrap()).await.unwrap();
        new.write(vec![rows]).await.unwrap();
    }
}

async fn run(
    lakehouse: &Lakehouse,
    plan: &Plan,
    simulator: &connectwise_sim::Simulator,
) -> connectwise_pipeline::error::Result<RunReport> {
    Box::pin(execute(lakehouse.lake(), Some(&client(simulator).unwrap()), plan, &Quiet)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_another_program_are_refused_and_replaced_on_request_with_their_history() {
    let (simulator, lakehouse) = (simulator().await, Lakehouse::empty().unwrap());
    write_old_tables(&lakehouse).await;
    let before = files(lakehouse.path());
    let plan = Tenant::plan(Mode::Incremental, &Layer::ALL);
    for layers in [&Layer::ALL[..], &[Layer::Silver, Layer::Gold]] {
        let error = run(&lakehouse, &Plan { layers: layers.to_vec(), ..plan.clone() }, &simulator).await.unwrap_err();
        assert!(error.is_usage(), "{error:?}");
        let said = error.to_string();
        for part in [
            "bronze/bronze_cw_company, bronze/bronze_cw_timeentry, silver/silver_cw_timeentry and one more table",
            "run --adopt",
        ] {
            assert!(said.contains(part), "{said}");
        }
    }
    assert_eq!(files(lakehouse.path()), before, "nothing is written");

    let report = run(&lakehouse, &Plan { adopt: true, ..plan.clone() }, &simulator).await.unwrap();
    assert_eq!(report.failed().count(), 0, "{:?}", report.steps);
    assert!(report.warnings.iter().any(|warning| warning.contains("were made by another program and are replaced")));
    assert_truth(&simulator, &lakehouse, entities(), "after others' tables were replaced").await;
    let fresh = Lakehouse::empty().unwrap();
    run(&fresh, &plan, &simulator).await.unwrap();
    for tables in [silver_tables(), gold_tables()] {
        let wanted = content(fresh.lake(), &tables).await;
        assert_same(&content(lakehouse.lake(), &tables).await, &wanted, "after others' tables were replaced");
    }
    for (table, rows) in old_tables() {
        let url = Url::from_directory_path(lakehouse.path().join(table)).unwrap();
        let mut old = deltalake::open_table(url).await.unwrap();
        old.load_version(0).await.unwrap();
        let session = lakehouse.lake().session().unwrap();
        session.register_table("old", old.table_provider().await.unwrap()).unwrap();
        let read = session.table("old").await.unwrap().collect().await.unwrap();
        assert_eq!(read.iter().map(RecordBatch::num_rows).sum::<usize>(), rows.num_rows(), "version 0 of {table}");
    }

    let report = run(&lakehouse, &plan, &simulator).await.unwrap();
    assert_eq!((report.failed().count(), report.warnings.len()), (0, 0), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_are_stored_under_the_names_that_reports_are_bound_to() {
    let (simulator, lakehouse) = (simulator().await, Lakehouse::empty().unwrap());
    write_old_tables(&lakehouse).await;
    let gold = GoldConfig { fact_prefix: "gold_cw_".to_owned(), ..GoldConfig::default() };
    let lake = lakehouse.lake().clone().with_stored_names(stored_names(&gold).unwrap());
    let plan = Plan { gold, adopt: true, ..Tenant::plan(Mode::Incremental, &Layer::ALL) };
    let client = client(&simulator).unwrap();
    let report = Box::pin(execute(&lake, Some(&client), &plan, &Quiet)).await.unwrap();
    assert_eq!(report.failed().count(), 0, "{:?}", report.steps);
    let folders = std::fs::read_dir(lakehouse.path().join("gold")).unwrap();
    let folders: Vec<String> = folders.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    assert!(folders.iter().all(|name| !name.starts_with("fact_")), "{folders:?}");
    assert!(folders.iter().any(|name| name == "gold_cw_fact_timeentry"), "{folders:?}");
    // Queries take either name.
    let count = async |table: &str| {
        let rows = query::select(&lake, &format!("select count(*) as n from {table}")).await.unwrap();
        format!("{rows:?}")
    };
    assert_eq!(count("fact_timeentry").await, count("gold_cw_fact_timeentry").await);
    let unprefixed = Tenant::loaded().await;
    let facts: Vec<_> = gold_tables();
    assert_same(&content(&lake, &facts).await, &content(unprefixed.lake(), &facts).await, "under other names");
    let again = Box::pin(execute(&lake, Some(&client), &Plan { adopt: false, ..plan }, &Quiet)).await.unwrap();
    let rewritten = again.steps.iter().filter(|step| step.layer == Layer::Gold && step.outcome == StepOutcome::Written);
    assert_eq!(rewritten.count(), 0, "{:?}", again.steps);
}

#[test]
fn a_prefix_that_makes_no_names_is_refused() {
    for prefix in ["gold-", "2_", "gold/", "a b"] {
        let gold = GoldConfig { fact_prefix: prefix.to_owned(), ..GoldConfig::default() };
        let error = gold.check().unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("fact_prefix"), "{error}");
    }
}
