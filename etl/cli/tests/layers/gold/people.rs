//! Capacity of members: what is time off by configuration, and for how long who left has any.

use connectwise_pipeline::gold::{GoldConfig, GoldReport};
use connectwise_pipeline::silver::Mode;
use serde_json::{Value, json};

use super::tenant::Tenant;

const STARTED: &str = "2024-07-01T06:00:00Z";
/// Wednesday to Friday of the last week of June.
const DAYS: &str = "select memberId, `date`, capacityHours, timeOffHours, availableHours from fact_capacity \
                    where `date` between date '2024-06-26' and date '2024-06-28' order by 1, 2";

/// Entries of member 10: on charge code 42 and of a work type by its name, in the name's place in the list and in the entry.
fn entries() -> Value {
    json!([
        {"id": 1, "memberId": 10, "actualHours": "1", "timeStart": "2024-06-03T09:00:00Z"},
        {"id": 2, "memberId": 10, "actualHours": "2", "timeStart": "2024-06-26T09:00:00Z", "chargeToType": "ChargeCode", "chargeToId": 42},
        // A company's id is none of a charge code.
        {"id": 3, "memberId": 10, "actualHours": "1", "timeStart": "2024-06-26T12:00:00Z", "chargeToType": "Company", "chargeToId": 42},
        {"id": 4, "memberId": 10, "actualHours": "3", "timeStart": "2024-06-27T09:00:00Z", "workTypeId": 9, "workTypeName": "Old name"},
        // On a ticket it is work.
        {"id": 5, "memberId": 10, "actualHours": "4", "timeStart": "2024-06-27T12:00:00Z", "workTypeId": 9, "chargeToType": "ServiceTicket"},
        {"id": 6, "memberId": 10, "actualHours": "5", "timeStart": "2024-06-28T09:00:00Z", "workTypeId": 7, "workTypeName": " AWAY "},
        {"id": 7, "memberId": 10, "actualHours": "5", "timeStart": "2024-06-28T14:00:00Z", "workTypeId": 9, "isDeleted": true}
    ])
}

async fn tenant() -> Tenant {
    let tenant = Tenant::small().await;
    tenant.put("TimeEntry", entries()).await;
    tenant.put("WorkType", json!([{"id": 9, "name": "Sick leave"}])).await;
    tenant.put("Member", json!([{"id": 10, "dailyCapacity": "6"}])).await;
    tenant
}

fn warnings(report: &GoldReport) -> Vec<&str> {
    let tests = report.tests.iter().filter(|test| test.table.name == "fact_capacity" && !test.passed());
    tests.map(|test| test.found.as_str()).collect()
}

#[tokio::test]
async fn time_off_is_what_the_configuration_calls_so() {
    let tenant = tenant().await;
    let report = tenant.build(Mode::Full, STARTED, &GoldConfig::default()).await;
    assert_eq!(warnings(&report), [""; 0]);
    let working = [
        "10 | 2024-06-26 | 6.0000 | 0.0000 | 6.0000",
        "10 | 2024-06-27 | 6.0000 | 0.0000 | 6.0000",
        "10 | 2024-06-28 | 6.0000 | 0.0000 | 6.0000",
    ];
    assert_eq!(tenant.rows(DAYS).await, working);

    let config = GoldConfig {
        time_off: vec!["sick LEAVE ".to_owned(), "Away".to_owned(), "Vacations".to_owned()],
        time_off_charge_codes: vec![42],
        ..GoldConfig::default()
    };
    let report = tenant.build(Mode::Incremental, STARTED, &config).await;
    assert_eq!(
        tenant.rows(DAYS).await,
        [
            "10 | 2024-06-26 | 6.0000 | 2.0000 | 4.0000",
            "10 | 2024-06-27 | 6.0000 | 3.0000 | 3.0000",
            "10 | 2024-06-28 | 6.0000 | 5.0000 | 1.0000",
        ]
    );
    // No work type of the list has these names, though an entry has one of them.
    assert_eq!(
        warnings(&report),
        ["no work type is called \"away\", whose hours are configured as time off, \
          no work type is called \"vacations\", whose hours are configured as time off"]
    );
    tenant.build(Mode::Incremental, STARTED, &GoldConfig::default()).await;
    assert_eq!(tenant.rows(DAYS).await, working);
}

#[tokio::test]
async fn who_left_has_no_capacity_from_then_on() {
    let tenant = tenant().await;
    let days = "select min(`date`), max(`date`) from fact_capacity";
    for (member, first, last) in [
        (json!({"id": 10}), "2024-06-03", "2024-07-01"),
        (json!({"id": 10, "hireDate": "2024-06-10", "inactiveDate": "2024-06-27"}), "2024-06-10", "2024-06-27"),
        // The first entry of all is of 3 June, and the last of this member of 28 June.
        (json!({"id": 10, "hireDate": "2020-01-01", "inactiveFlag": true}), "2024-06-03", "2024-06-28"),
        (json!({"id": 10, "isDeleted": true}), "2024-06-03", "2024-06-28"),
        (json!({"id": 11}), "2024-06-03", "2024-06-28"),
    ] {
        tenant.put("Member", json!([member])).await;
        tenant.build(Mode::Incremental, STARTED, &GoldConfig::default()).await;
        assert_eq!(tenant.rows(days).await, [format!("{first} | {last}")], "{member}");
    }
    // A day later there is a day more of it, of those who stayed.
    tenant.put("Member", json!([{"id": 10}])).await;
    tenant.build(Mode::Incremental, "2024-07-02T06:00:00Z", &GoldConfig::default()).await;
    assert_eq!(tenant.rows(days).await, ["2024-06-03 | 2024-07-02"]);
}
