//! What becomes of tables whose rows fail their tests.

use std::process::Command;

use connectwise_pipeline::gold::{GoldConfig, Severity};
use connectwise_pipeline::silver::{BuildOutcome, Mode};
use serde_json::{Value, json};

use super::tenant::{Tenant, configured, silver_of};

#[tokio::test]
async fn a_failed_test_keeps_the_table_and_stops_only_those_that_read_it() {
    let tenant = Tenant::small().await;
    tenant.build(Mode::Full, "2024-07-01T06:00:00Z", &configured()).await;
    let before = tenant.versions().await;
    // A member that is there twice would double every row that names it.
    let mut twice = silver_of("Member");
    let again = twice[0].clone();
    twice.as_array_mut().unwrap().push(again);
    tenant.put("Member", twice).await;
    let mut more: Value = silver_of("ProductItem");
    more.as_array_mut().unwrap().push(json!({"id": 9, "extPrice": "1"}));
    tenant.put("ProductItem", more).await;

    for mode in [Mode::Incremental, Mode::Full] {
        let report = tenant.build(mode, "2024-07-01T18:00:00Z", &configured()).await;
        let failed: Vec<String> = report
            .tables
            .iter()
            .filter(|table| table.outcome == BuildOutcome::Failed)
            .map(|table| table.table.to_string())
            .collect();
        assert_eq!(
            failed,
            [
                "gold/dimmember",
                "gold/fact_timeentry",
                "gold/fact_expenseentry",
                "gold/fact_invoiceline",
                "gold/fact_ticket",
                "gold/fact_project",
                "gold/fact_opportunity",
                "gold/fact_activity",
                "gold/fact_surveyresult",
                "gold/fact_capacity",
                "gold/fact_timesheet"
            ],
            "each of them names members"
        );
        let errors: Vec<&str> = report.tables.iter().filter_map(|table| table.error.as_deref()).collect();
        assert_eq!(
            errors[..2],
            [
                "the rows for gold/dimmember fail the test that MemberKey is unique (1 rows too many), and the table is as it was",
                "fact_timeentry reads dimmember, which could not be built",
            ]
        );
        let found = report.tests.iter().filter(|test| test.severity == Severity::Error && !test.passed());
        let found: Vec<String> = found.map(|test| format!("{}: {}", test.table, test.test)).collect();
        assert!(found.contains(&"gold/dimmember: MemberKey is unique".to_owned()), "{found:?}");
    }
    let kept = [
        "dimmember",
        "fact_timeentry",
        "fact_expenseentry",
        "fact_invoiceline",
        "fact_ticket",
        "fact_project",
        "fact_opportunity",
        "fact_activity",
        "fact_surveyresult",
        "fact_capacity",
        "fact_timesheet",
    ];
    for ((name, old), (_, new)) in before.iter().zip(tenant.versions().await) {
        if kept.contains(&name.as_str()) {
            assert_eq!(*old, new, "{name}");
        }
    }
    assert_eq!(tenant.rows("select count(*) from fact_productitem").await, ["18"], "others go on");

    tenant.put("Member", silver_of("Member")).await;
    let report = tenant.build(Mode::Incremental, "2024-07-01T19:00:00Z", &configured()).await;
    assert!(report.tables.iter().all(|table| table.error.is_none()), "running again goes on");
    assert_eq!(tenant.rows("select count(*) from fact_timeentry").await, ["37"]);
}

#[tokio::test]
async fn silver_without_news_is_told_in_every_run() {
    let tenant = Tenant::small().await;
    // Its rows were loaded on 1 July.
    for (mode, day, told) in [
        (Mode::Full, "2024-07-08", &[][..]),
        (
            Mode::Incremental,
            "2024-07-10",
            &["fact_timeentry: silver_cw_timeentry", "fact_ticket: silver_cw_serviceticket"][..],
        ),
        (
            Mode::Incremental,
            "2024-08-20",
            &[
                "dimcompany: silver_cw_company",
                "fact_timeentry: silver_cw_timeentry",
                "fact_expenseentry: silver_cw_expenseentry",
                "fact_productitem: silver_cw_productitem",
                "fact_invoiceline: silver_cw_invoice",
                "fact_ticket: silver_cw_serviceticket",
            ],
        ),
    ] {
        let report = tenant.build(mode, &format!("{day}T06:00:00Z"), &configured()).await;
        let stale = report.tests.iter().filter(|test| !test.passed() && test.test.contains("has news"));
        let stale: Vec<String> = stale
            .map(|test| {
                assert_eq!((test.severity, test.found.as_str()), (Severity::Warn, "the last on 2024-07-01"));
                format!("{}: {}", test.table.name, test.test.split('/').nth(1).unwrap().split(' ').next().unwrap())
            })
            .collect();
        assert_eq!(stale, told, "{day}");
    }
}

#[tokio::test]
async fn a_caption_that_no_field_has_is_one_warning() {
    let tenant = Tenant::small().await;
    let mut warnings = Vec::new();
    for caption in [None, Some("Number of the agreement")] {
        let config = GoldConfig { agreement_number_caption: caption.map(str::to_owned), ..configured() };
        let report = tenant.build(Mode::Full, "2024-07-01T06:00:00Z", &config).await;
        warnings.extend(report.tables.into_iter().flat_map(|table| table.warnings));
    }
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let start = "no agreement has a custom field \"Number of the agreement\", so that no agreement has a number: set \
                 agreement_number_caption under [gold] to one of \"";
    assert!(warnings[0].starts_with(start), "{warnings:?}");
}

#[tokio::test]
async fn freshness_lands_in_the_ledger_and_in_the_report() {
    let tenant = Tenant::small().await;
    let program = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_connectwise-etl"))
            .args(arguments)
            .args(["--lakehouse", tenant.path().to_str().unwrap()])
            .env_clear()
            .current_dir(tenant.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    // Its rows were loaded in July 2024, which is longer ago than any entity may be silent.
    program(&["run", "--layers", "gold"]);
    let rows = program(&["query", "select * from etl_tests where test like '%has news%'", "--json"]);
    let rows: Vec<Value> = serde_json::from_str(&rows).unwrap();
    let found: Vec<String> = rows.iter().map(ToString::to_string).collect();
    assert_eq!(rows.len(), 8, "{found:?}");
    assert!(found.iter().all(|row| row.contains("warn") && row.contains("the last on 2024-07-01")), "{found:?}");

    let page = tenant.path().join("report.html");
    program(&["report", "--output", page.to_str().unwrap()]);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("silver_cw_timeentry has news of 7 days") && page.contains("the last on 2024-07-01"));
}
