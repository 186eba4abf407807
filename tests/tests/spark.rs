//! The gold models are SQL that Spark shares: the same files on Spark SQL give the same rows.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use connectwise_etl::catalog;
use connectwise_etl::gold;
use connectwise_etl::lake::TableName;
use connectwise_etl::run::Mode;
use connectwise_etl::silver::history;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, Python};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "fetches 600 MB of packages on its first run: ./test runs it"]
async fn every_model_gives_the_same_rows_on_spark_sql() {
    let simulator = Simulator::builder().seed(7).scale(2_000).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let report = lakehouse.load(&simulator, Mode::Full).await.unwrap();
    assert_eq!(report.failed().count(), 0, "{:?}", report.failed().map(|step| &step.outcome).collect::<Vec<_>>());

    let day = report.started.date_naive().to_string();
    let folder = lakehouse.path().to_str().unwrap().to_owned();
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../etl/models").display().to_string();
    let script = move || Python::with_spark()?.run("gold_in_spark.py", &[&folder, &models, &day]);
    let printed = tokio::task::spawn_blocking(script).await.unwrap().unwrap();
    let compared: BTreeMap<String, Value> = serde_json::from_str(&printed).unwrap();

    // Keys are the runner's, and days are computed and not selected.
    let selected = gold::tables().into_iter().filter(|table| !["dimension_keys", "dimdate"].contains(table));
    for table in selected {
        let one = compared.get(table).unwrap_or_else(|| panic!("{table} was not run on Spark"));
        assert_eq!(one["differences"], json!([]), "{table}");
        assert!(one["rows"].as_u64().unwrap() > 3, "{table} has {} rows, which compares nothing", one["rows"]);
    }

    let silver = catalog::entities().iter().map(|entity| TableName::silver(entity.table));
    let histories = catalog::entities().iter().filter(|entity| entity.history).map(history::table);
    for table in silver.chain(histories).chain(gold::tables().into_iter().map(TableName::gold)) {
        let counted = compared.get(&table.to_string()).unwrap_or_else(|| panic!("{table} was not read on Spark"));
        let rows = lakehouse.lake().row_count(&table).await.unwrap();
        assert_eq!(counted["rows"].as_u64().unwrap(), rows, "{table}");
    }
}
