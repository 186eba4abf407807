//! Limits of agreements: which periods there are, and what is carried from one to the next.

use connectwise_pipeline::silver::Mode;
use serde_json::{Value, json};

use super::tenant::{Tenant, configured};

const PERIODS: &str = "select agreementId, periodStart, nextPeriodStart from fact_prepaid order by 1, 2";
const BALANCES: &str =
    "select periodNumber, granted, carriedOver, used, expired, remaining, isCurrent from fact_prepaid order by 1";

fn limit(id: i32, cycle: &str, start: &str) -> Value {
    json!({"id": id, "applicationUnits": "Hours", "applicationLimit": "10", "applicationCycle": cycle, "startDate": start})
}

fn entry(id: i32, day: &str, hours: &str) -> Value {
    json!({"id": id, "agreementId": 1, "agreementHours": hours, "timeStart": format!("{day}T09:30:00Z"), "timeEnd": format!("{day}T10:30:00Z")})
}

async fn of(agreements: Value, entries: Value, at: &str) -> Tenant {
    let tenant = Tenant::empty();
    tenant.put("Agreement", agreements).await;
    if entries.as_array().is_some_and(|entries| !entries.is_empty()) {
        tenant.put("TimeEntry", entries).await;
    }
    let report = tenant.build(Mode::Full, at, &configured()).await;
    assert!(report.tables.iter().all(|table| table.error.is_none()), "{:?}", report.tables);
    tenant
}

#[tokio::test]
async fn periods_are_those_of_the_calendar_or_of_the_contract() {
    let agreements = json!([
        limit(1, "CalendarQuarter", "2023-11-15"),
        limit(2, "ContractQuarter", "2023-11-30"),
        limit(3, "CalendarYear", "2023-11-15"),
        limit(4, "ContractYear", "2023-02-28"),
        limit(5, "Contract2Weeks", "2024-02-20"),
        limit(6, "CalendarWeek", "2024-03-06"),
        limit(7, "CalendarMonth", "2024-04-02"),
    ]);
    let tenant = of(agreements, json!([]), "2024-03-20T12:00:00Z").await;
    assert_eq!(
        tenant.rows(PERIODS).await,
        [
            "1 | 2023-11-15 | 2024-01-01",
            "1 | 2024-01-01 | 2024-04-01",
            // Three months after 30 November is the last day of February.
            "2 | 2023-11-30 | 2024-02-29",
            "2 | 2024-02-29 | 2024-05-30",
            "3 | 2023-11-15 | 2024-01-01",
            "3 | 2024-01-01 | 2025-01-01",
            "4 | 2023-02-28 | 2024-02-28",
            "4 | 2024-02-28 | 2025-02-28",
            // 2024 is a leap year.
            "5 | 2024-02-20 | 2024-03-05",
            "5 | 2024-03-05 | 2024-03-19",
            "5 | 2024-03-19 | 2024-04-02",
            // From a Wednesday to the next Mondays. Agreement 7 hasn't begun.
            "6 | 2024-03-06 | 2024-03-11",
            "6 | 2024-03-11 | 2024-03-18",
            "6 | 2024-03-18 | 2024-03-25",
        ]
    );
}

#[tokio::test]
async fn the_oldest_hours_are_used_first_and_expire_first() {
    let mut agreement = limit(1, "CalendarMonth", "2024-01-01");
    agreement["carryOverUnused"] = json!(true);
    // 45 days after a month, the next one and half of another are over: its hours can be used in the next month and in the one after.
    agreement["expiredDays"] = json!(45);
    let entries = json!([
        entry(1, "2024-01-10", "4"),
        entry(2, "2024-03-10", "3"),
        entry(3, "2024-05-10", "35"),
        entry(4, "2024-07-01", "1"),
    ]);
    let tenant = of(json!([agreement]), entries, "2024-07-31T12:00:00Z").await;
    let closed = [
        "1 | 10.0000 | 0.0000 | 4.0000 | 0.0000 | 6.0000 | false",
        "2 | 10.0000 | 6.0000 | 0.0000 | 0.0000 | 16.0000 | false",
        // 3 of January's 6 are used, and the other 3 expire: until 16 March they could be used, and April begins later.
        "3 | 10.0000 | 16.0000 | 3.0000 | 3.0000 | 20.0000 | false",
        // February's 10: until 15 April.
        "4 | 10.0000 | 20.0000 | 0.0000 | 10.0000 | 20.0000 | false",
        // March's and April's 20 and May's 10 are used, and 5 that weren't there. Nothing of that is owed in June.
        "5 | 10.0000 | 20.0000 | 35.0000 | 0.0000 | -5.0000 | false",
        "6 | 10.0000 | 0.0000 | 0.0000 | 0.0000 | 10.0000 | false",
    ];
    let july = "7 | 10.0000 | 10.0000 | 1.0000 | 0.0000 | 19.0000";
    assert_eq!(tenant.rows(BALANCES).await, [&closed[..], &[&format!("{july} | true")]].concat());

    // A day later another month has begun. 9 of June's 10 could be used until 15 August, and so can they in August.
    tenant.build(Mode::Incremental, "2024-08-01T12:00:00Z", &configured()).await;
    let august = "8 | 10.0000 | 19.0000 | 0.0000 | 0.0000 | 29.0000 | true";
    assert_eq!(tenant.rows(BALANCES).await, [&closed[..], &[&format!("{july} | false"), august]].concat());
}
