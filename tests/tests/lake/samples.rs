//! Every value of API answers as they are is found again in bronze: in a column, or rescued.

use std::path::Path;

use connectwise_extract::catalog;
use connectwise_pipeline::run::Mode;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, as_numbers};
use serde_json::Value;

/// File of a record, and the entity it is of.
const SAMPLES: [(&str, &str); 6] = [
    ("TimeEntry.json", "TimeEntry"),
    ("Agreement.json", "Agreement"),
    ("ExpenseEntry.json", "ExpenseEntry"),
    ("ProductItem.json", "ProductItem"),
    ("PostedInvoice.json", "Invoice"),
    ("UnpostedInvoice.json", "UnpostedInvoice"),
];

/// Our own answers, made to hold what live ones were seen to hold; `CW_SAMPLES` names a folder of others.
fn folder() -> std::path::PathBuf {
    std::env::var_os("CW_SAMPLES").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("samples"), Into::into)
}

fn records(file: &Path) -> Vec<Value> {
    match serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap() {
        Value::Array(records) => records,
        record => vec![record],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_value_of_every_sample_is_found_again_in_bronze() {
    let folder = folder();
    let simulator = Simulator::builder().samples(folder.clone()).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let report = lakehouse.load(&simulator, Mode::Full).await.unwrap();
    let failed: Vec<_> = report.failed().map(|step| format!("{}: {:?}", step.table, step.outcome)).collect();
    assert!(failed.is_empty(), "{failed:#?}");

    for (file, name) in SAMPLES {
        let entity = catalog::entity(name).unwrap();
        let mut found: Vec<Value> = lakehouse.records(entity).await.unwrap().iter().map(as_numbers).collect();
        found.sort_by_key(|record| record["id"].as_f64().map(f64::to_bits));
        let sent: Vec<Value> = records(&folder.join(file)).iter().map(as_numbers).collect();
        assert!(!sent.is_empty());
        assert_eq!(found, sent, "{file}");
    }
}
