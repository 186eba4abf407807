//! Data files in their size whose content is none. The log tells nothing of them, and only those who read them find out.

use connectwise_lakehouse::{Layer, TableName};
use connectwise_pipeline::quarantine;
use connectwise_pipeline::run::{Mode, StepOutcome};

use super::verified::found;
use super::{Harm, Harmed, Tenant, run, said};

const HARMS: [Harm; 2] = [Harm::FileGarbage, Harm::PagesGarbage];

/// What has to be compared with the table makes it be mended first. A list below rows is replaced without a look at the one before.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_run_loads_and_builds_the_table_again() {
    let tenant = Tenant::shared().await;
    let tables = [
        TableName::bronze("timeentry"),
        TableName::bronze("agreementaddition"),
        TableName::silver("timeentry"),
        TableName::gold("fact_timeentry"),
        TableName::gold("dimension_keys"),
    ];
    for (harm, table) in HARMS.iter().flat_map(|harm| tables.iter().map(move |table| (*harm, table))) {
        let when = format!("{harm:?} of {table}");
        let (_folder, lake) = tenant.copy();
        let harmed = Harmed::by(harm, &lake, std::slice::from_ref(table)).await;
        let report = run(&lake, Some(&tenant.simulator), Mode::Full).await;
        if *table == TableName::bronze("agreementaddition") {
            assert_eq!(report.exit_code(), 0, "{when}: {}", said(&report));
        } else {
            harmed.assert_mended(&report, &lake, &when);
        }
        tenant.assert_bronze(&lake, &when).await;
        let lost = table.layer == Layer::Silver;
        tenant.assert_silver(&lake, lost).await;
        tenant.assert_gold(&lake, lost).await;
        let report = run(&lake, Some(&tenant.simulator), Mode::Incremental).await;
        assert_eq!(report.exit_code(), 0, "{when}: {}", said(&report));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_verifying_marks_is_mended_by_any_run() {
    let tenant = Tenant::shared().await;
    let tables = [
        TableName::bronze("timeentry"),
        TableName::silver("agreement"),
        TableName::gold("dimmember"),
        TableName::ledger("gold_parts"),
        TableName::ledger("etl_steps"),
        quarantine::table(),
    ];
    for harm in HARMS {
        let when = format!("{harm:?}");
        let (_folder, lake) = tenant.copy();
        let harmed = Harmed::by(harm, &lake, &tables).await;
        let told = found(&lake, true).await;
        for table in &tables {
            assert!(told.contains(&(table.to_string(), "unreadable")), "{when}, {table}: {told:?}");
        }
        let report = run(&lake, Some(&tenant.simulator), Mode::Incremental).await;
        harmed.assert_mended(&report, &lake, &when);
        tenant.assert_bronze(&lake, &when).await;
        tenant.assert_silver(&lake, false).await;
        tenant.assert_gold(&lake, false).await;
        assert!(found(&lake, false).await.is_empty(), "{when}");
    }
}

/// Gold reads silver, which the run doesn't: it says what is wrong, and the next run builds silver again.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_layer_above_finds_is_mended_by_the_next_run() {
    let tenant = Tenant::shared().await;
    let table = TableName::silver("timeentry");
    let (folder, lake) = tenant.copy();
    std::fs::remove_dir_all(folder.path().join("gold/fact_timeentry")).unwrap();
    let harmed = Harmed::by(Harm::PagesGarbage, &lake, std::slice::from_ref(&table)).await;
    let report = run(&lake, None, Mode::Incremental).await;
    let told = said(&report);
    assert!(report.exit_code() == 1 && told.contains(&format!("{table} can't be read: the data file")), "{told}");
    let report = run(&lake, None, Mode::Incremental).await;
    harmed.assert_mended(&report, &lake, "the next run");
    tenant.assert_silver(&lake, true).await;
    tenant.assert_gold(&lake, true).await;
}

/// Bronze is read again only where somebody says so.
#[tokio::test(flavor = "multi_thread")]
async fn an_incremental_run_says_what_reads_bronze_again() {
    let tenant = Tenant::shared().await;
    let table = TableName::bronze("timeentry");
    let (folder, lake) = tenant.copy();
    std::fs::remove_dir_all(folder.path().join("silver/silver_cw_timeentry")).unwrap();
    let harmed = Harmed::by(Harm::FileGarbage, &lake, std::slice::from_ref(&table)).await;
    let report = run(&lake, None, Mode::Incremental).await;
    let step = report.steps.iter().find(|step| step.table == "silver_cw_timeentry").unwrap();
    let StepOutcome::Failed(why) = &step.outcome else { panic!("{step:?}") };
    assert!(why.contains(&format!("{table} can't be read: the data file")), "{why}");
    assert!(why.contains("`connectwise-etl run --full --entities TimeEntry` loads it again"), "{why}");
    let report = run(&lake, Some(&tenant.simulator), Mode::Full).await;
    harmed.assert_mended(&report, &lake, "a full run");
    tenant.assert_silver(&lake, true).await;
}
