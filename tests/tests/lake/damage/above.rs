//! What is built from bronze, and what no run may fail over. Tables that don't hang on each other are harmed in one copy.

use connectwise_extract::catalog;
use connectwise_lakehouse::TableName;
use connectwise_pipeline::quarantine;
use connectwise_pipeline::run::Mode;
use connectwise_pipeline::silver::history;

use super::{Harm, Harmed, Tenant, run, said};
use crate::alike::{assert_same, rows};

#[tokio::test(flavor = "multi_thread")]
async fn silver_is_built_again_by_any_run_that_says_what_is_lost() {
    let tenant = Tenant::shared().await;
    let table = TableName::silver("timeentry");
    for harm in Harm::WITH_A_LOG {
        let when = format!("{harm:?}");
        let (_folder, lake) = tenant.copy();
        let harmed = Harmed::by(harm, &lake, std::slice::from_ref(&table)).await;
        let report = run(&lake, None, Mode::Incremental).await;
        let told = &harmed.assert_mended(&report, &lake, &when)[&table];
        let lost = told.contains("had been deleted in ConnectWise") || told.contains("were deleted in ConnectWise");
        assert_eq!(lost, harm.is_of_files() || harm == Harm::CommitMissing, "{when}: {told}");
        tenant.assert_silver(&lake, lost).await;
        let deleted = rows(&lake, "select id from silver_cw_timeentry where \"isDeleted\"").await.len() as u64;
        assert!(deleted == tenant.gone || lost, "{when}: {deleted}");
        tenant.assert_gold(&lake, lost).await;
    }
}

/// What the tables of a group remember of each other is in another group.
#[tokio::test(flavor = "multi_thread")]
async fn all_else_is_mended_by_any_run_and_keeps_what_can_be_read() {
    let tenant = Tenant::shared().await;
    let versions = history::table(catalog::entity("Agreement").unwrap());
    let keys = TableName::gold("dimension_keys");
    let one = [
        TableName::gold("fact_timeentry"),
        keys.clone(),
        TableName::ledger("gold_parts"),
        TableName::ledger("etl_runs"),
        quarantine::table(),
    ];
    let other = [
        TableName::gold("dimmember"),
        TableName::ledger("gold_lookups"),
        TableName::ledger("etl_steps"),
        versions.clone(),
    ];
    let all = [
        Harm::FileMissing,
        Harm::FileCut,
        Harm::CommitEmpty,
        Harm::CommitBinary,
        Harm::CommitMissing,
        Harm::CheckpointBroken,
    ];
    for (tables, harm) in [one.as_slice(), &other].into_iter().flat_map(|tables| all.map(|harm| (tables, harm))) {
        let when = format!("{}, {harm:?}", tables[0]);
        let (_folder, lake) = tenant.copy();
        let harmed = Harmed::by(harm, &lake, tables).await;
        let report = run(&lake, None, Mode::Incremental).await;
        let told = harmed.assert_mended(&report, &lake, &when);
        let loses =
            [TableName::ledger("etl_runs"), TableName::ledger("etl_steps"), quarantine::table(), versions.clone()];
        for (table, told) in told.iter().filter(|(table, _)| loses.contains(table)) {
            if harm.is_harmless() {
                assert!(told.contains("nothing is lost"), "{when}, {table}: {told}");
            } else {
                assert!(told.contains("lost") || told.contains("come back"), "{when}, {table}: {told}");
            }
        }
        tenant.assert_gold(&lake, false).await;
        let current = format!("select id, _etl_content_hash from {} where \"isCurrent\"", versions.name);
        assert_same(&versions, &current, &lake, tenant.lakehouse.lake()).await;
        let runs = connectwise_pipeline::ledger::runs(&lake, 10).await.unwrap();
        assert!(
            runs.iter().any(|one| one.run_id == report.run_id),
            "{when}: the run isn't in the ledger: {}",
            said(&report)
        );
    }
}
