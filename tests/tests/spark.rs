//! The gold models are SQL that Spark shares: the same files on Spark SQL give the same rows, in the types of the contract.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "what is put and read back elsewhere")]
#[path = "../../etl/cli/tests/layers/rows.rs"]
mod rows;
#[allow(dead_code, reason = "what is put and read back elsewhere")]
#[path = "../../etl/cli/tests/layers/gold/tenant.rs"]
mod tenant;

use std::collections::BTreeMap;
use std::path::Path;

use connectwise_extract::catalog;
use connectwise_lakehouse::{Lake, TableName};
use connectwise_pipeline::gold::{self, GoldConfig, OwnModels};
use connectwise_pipeline::measures::{self, AskRequest, Catalog};
use connectwise_pipeline::query;
use connectwise_pipeline::run::Mode;
use connectwise_pipeline::silver::history;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, Python};
use serde_json::{Value, json};

use tenant::{Tenant, configured};

/// The saved questions, with the SELECT that each asks, and the answers.
async fn answers(lake: &Lake) -> Value {
    let catalog = Catalog::load(&OwnModels::default()).unwrap();
    let mut answers = serde_json::Map::new();
    for question in catalog.questions() {
        let asked = catalog.asked(&question.name).unwrap();
        let answer = measures::ask(lake, &asked, &AskRequest::default()).await.unwrap();
        let rows: Value = serde_json::from_slice(&query::json(&answer.rows).unwrap()).unwrap();
        let columns: Vec<&str> = answer.columns.iter().map(|column| column.name.as_str()).collect();
        answers.insert(question.name.clone(), json!({ "sql": answer.sql, "columns": columns, "rows": rows }));
    }
    Value::Object(answers)
}

/// The names by which the script knows how agreements are classified.
const OWN_SETTINGS: &str = "none";
const ICELANDIC_MSP: &str = "icelandic-msp";

/// What Spark says of every table of a lakehouse whose gold was built on a day of a time zone, and of every saved question; fails where
/// a model gives other rows or types or has fewer rows than are to be compared, and where a question has another answer.
async fn compared(
    lakehouse: &Path,
    day: &str,
    zone: &str,
    rules: &'static str,
    at_least: u64,
) -> BTreeMap<String, Value> {
    let (folder, day, zone) = (lakehouse.to_str().unwrap().to_owned(), day.to_owned(), zone.to_owned());
    let answers = answers(&Lake::open(&folder).unwrap()).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), answers.to_string()).unwrap();
    let said = file.path().to_str().unwrap().to_owned();
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../etl/pipeline/models").display().to_string();
    let script = move || Python::with_spark()?.run("gold_in_spark.py", &[&folder, &models, &day, &zone, rules, &said]);
    let printed = tokio::task::spawn_blocking(script).await.unwrap().unwrap();
    let compared: BTreeMap<String, Value> = serde_json::from_str(&printed).unwrap();
    // Keys are the runner's.
    for table in gold::tables().unwrap().into_iter().filter(|table| *table != "dimension_keys") {
        let one = compared.get(table).unwrap_or_else(|| panic!("{table} was not run on Spark"));
        assert_eq!(one["differences"], json!([]), "{table}");
        assert!(one["rows"].as_u64().unwrap() >= at_least, "{table} has {} rows, which compares nothing", one["rows"]);
    }
    for question in answers.as_object().unwrap().keys() {
        let one = compared.get(question).unwrap_or_else(|| panic!("{question} was not asked on Spark"));
        assert_eq!(one["differences"], json!([]), "{question}");
        // In the small tenant every question has an answer.
        assert!(at_least != 1 || one["rows"].as_u64().unwrap() > 0, "nothing answers {question}");
    }
    compared
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "fetches 600 MB of packages on its first run: ./test runs it"]
async fn every_model_gives_the_same_rows_on_spark_sql() {
    let simulator = Simulator::builder().seed(7).scale(2_000).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let report = lakehouse.load(&simulator, Mode::Full).await.unwrap();
    assert_eq!(report.failed().count(), 0, "{:?}", report.failed().map(|step| &step.outcome).collect::<Vec<_>>());
    let day = report.started.date_naive().to_string();
    let compared = compared(lakehouse.path(), &day, "UTC", OWN_SETTINGS, 2).await;

    let silver = catalog::entities().iter().map(|entity| TableName::silver(entity.table));
    let histories = catalog::entities().iter().filter(|entity| entity.history).map(history::table);
    for table in silver.chain(histories).chain(gold::tables().unwrap().into_iter().map(TableName::gold)) {
        let counted = compared.get(&table.to_string()).unwrap_or_else(|| panic!("{table} was not read on Spark"));
        let rows = lakehouse.lake().table(&table).await.unwrap().row_count().await.unwrap();
        assert_eq!(counted["rows"].as_u64().unwrap(), rows, "{table}");
    }
}

/// The tenant whose gold was worked out by hand: each branch of the models is taken by a row of it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "fetches 600 MB of packages on its first run: ./test runs it"]
async fn every_branch_gives_the_same_rows_on_spark_sql() {
    let tenant = Tenant::small().await;
    let report = tenant.build(Mode::Full, "2024-07-01T06:00:00Z", &configured()).await;
    assert!(report.tables.iter().all(|table| table.error.is_none()), "{:?}", report.tables);
    compared(tenant.path(), "2024-07-01", "UTC", ICELANDIC_MSP, 1).await;
}

/// Days of a zone, on both sides of UTC and about the nights on which clocks change.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "fetches 600 MB of packages on its first run: ./test runs it"]
async fn days_of_a_time_zone_are_the_same_on_spark_sql() {
    let tenant = Tenant::of_zones().await;
    for (zone, day) in [("America/New_York", "2024-11-04"), ("Australia/Sydney", "2024-11-05")] {
        let config = GoldConfig { time_zone: zone.to_owned(), ..configured() };
        let report = tenant.build(Mode::Incremental, "2024-11-05T04:00:00Z", &config).await;
        assert!(report.tables.iter().all(|table| table.error.is_none()), "{:?}", report.tables);
        compared(tenant.path(), day, zone, ICELANDIC_MSP, 0).await;
    }
}
