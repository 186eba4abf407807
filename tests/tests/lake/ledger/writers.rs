//! Runs that write to the ledger at once, and a ledger that can't be written.

use connectwise_extract::catalog;
use connectwise_lakehouse::{Layer, TableName};
use connectwise_pipeline::ledger;
use connectwise_pipeline::run::{Mode, Plan, Quiet, execute};
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, client};
use serde_json::json;

use super::{rows, small, start};

#[tokio::test(flavor = "multi_thread")]
async fn writers_at_the_same_time_lose_nothing() {
    let lakehouse = Lakehouse::empty().unwrap();
    // The first of them have to create the table, all at once.
    let writers = (0..8).map(|writer| {
        let lake = lakehouse.lake().clone();
        tokio::spawn(async move {
            for run in 0..4 {
                ledger::begin(&lake, start(&format!("{writer}-{run}"), run)).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let counts = rows(&lakehouse, "select count(*) as n, count(distinct \"runId\") as runs from etl_runs").await;
    assert_eq!(counts, [json!({ "n": 32, "runs": 32 })]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_cannot_be_written_is_a_warning() {
    let simulator = Simulator::builder().seed(24).scale(100).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    std::fs::create_dir(lakehouse.path().join("etl")).unwrap();
    std::fs::write(lakehouse.path().join("etl/etl_runs"), "in the way").unwrap();
    let report = small(&lakehouse, &simulator, Mode::Full).await;
    assert_eq!(report.failed().count(), 0);
    let (written, others): (Vec<&String>, Vec<&String>) =
        report.warnings.iter().partition(|warning| warning.starts_with("the ledger can't be written"));
    assert_eq!(written.len(), 1, "it is told once: {:#?}", report.warnings);
    assert!(others.iter().all(|warning| warning.starts_with("etl/etl_runs can't be read")), "{others:#?}");
    assert_eq!(lakehouse.lake().table(&TableName::bronze("timeentry")).await.unwrap().row_count().await.unwrap(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_is_written_where_its_tenant_cannot_be_recorded() {
    let simulator = Simulator::builder().seed(24).scale(100).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    std::fs::create_dir(lakehouse.path().join("etl")).unwrap();
    std::fs::write(lakehouse.path().join("etl/etl_tenant"), "in the way").unwrap();
    let plan = Plan::new(vec![Layer::Bronze], Mode::Full, vec![catalog::entity("TimeEntry").unwrap()]);
    let refused = execute(lakehouse.lake(), Some(&client(&simulator).unwrap()), &plan, &Quiet).await.unwrap_err();
    assert!(refused.report().contains("etl/etl_tenant can't be read"), "{refused:?}");
    assert_eq!(lakehouse.lake().table(&TableName::bronze("timeentry")).await.unwrap().version(), None);
}

/// Two that create a table at once must not both write its columns into the log.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_created_once_whoever_comes_first() {
    for _ in 0..5 {
        let lakehouse = Lakehouse::empty().unwrap();
        let writers = (0..6).map(|writer| {
            let lake = lakehouse.lake().clone();
            tokio::spawn(async move { ledger::begin(&lake, start(&writer.to_string(), writer)).await.unwrap() })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        let log = lakehouse.path().join("etl/etl_runs/_delta_log");
        let commits = std::fs::read_dir(log).unwrap().map(|entry| entry.unwrap().path());
        let texts = commits.filter(|path| path.extension().is_some_and(|kind| kind == "json"));
        let creations = texts.filter(|path| std::fs::read_to_string(path).unwrap().contains("\"metaData\"")).count();
        assert_eq!(creations, 1);
        assert_eq!(rows(&lakehouse, "select * from etl_runs").await.len(), 6);
    }
}
