//! What tickets say, and what their time entries and the statuses of their boards say of them.

use connectwise_extract::catalog;
use connectwise_extract::privacy::{Privacy, PrivacyConfig};
use connectwise_lakehouse::TableName;
use connectwise_pipeline::gold::GoldConfig;
use connectwise_pipeline::silver::{self, Mode};
use serde_json::{Value, json};

use super::invoice_lines::{followed, row};
use super::tenant::{Tenant, configured};
use crate::rows;

const FIRST: &str = "2024-06-28T06:00:00Z";

#[tokio::test]
async fn entries_count_for_their_ticket_whichever_comes_first() {
    let tenant = Tenant::empty();
    let entry = |id: i32, ticket: i32, hash: i64| json!({"id": id, "ticketId": ticket, "memberId": 5, "actualHours": "1.5", "_etl_content_hash": hash});
    tenant.put("TimeEntry", json!([entry(1, 1, 0), entry(2, 1, 0)])).await;
    tenant.put("Member", json!([{"id": 5, "hourlyCost": "10"}])).await;
    tenant.put("ServiceTicket", json!([{"id": 2, "closedFlag": true}])).await;
    tenant.put("ProjectTicket", json!([{"id": 3}])).await;
    tenant.build(Mode::Full, FIRST, &configured()).await;
    let tickets = "select ticketId, recordType, actualHours, laborCost, entryCount, isFirstTouch from fact_ticket \
                   where ticketId < 3 order by 1";
    let none = "2 | ServiceTicket | 0.0000 | 0.0000 | 0 | false";
    assert_eq!(tenant.rows(tickets).await, [none]);

    // The ticket arrives after its entries.
    tenant.merge("ProjectTicket", &row(json!({"id": 1}))).await;
    let both = "1 | ProjectTicket | 3.0000 | 30.0000 | 2 | false";
    assert_eq!(followed(&tenant, "2024-06-28T07:00:00Z", tickets).await, [both, none]);

    // An entry moves to another ticket, and both are looked at.
    tenant.merge("TimeEntry", &row(entry(2, 2, 1))).await;
    let one = |id: i32, list: &str| format!("{id} | {list} | 1.5000 | 15.0000 | 1 | true");
    assert_eq!(
        followed(&tenant, "2024-06-28T08:00:00Z", tickets).await,
        [one(1, "ProjectTicket"), one(2, "ServiceTicket")]
    );

    // The cost of the member reaches the tickets of its entries.
    tenant.put("Member", json!([{"id": 5, "hourlyCost": "20"}])).await;
    let costs = "select laborCost from fact_ticket where ticketId < 3 order by ticketId";
    assert_eq!(followed(&tenant, "2024-06-28T09:00:00Z", costs).await, ["30.0000", "30.0000"]);
}

#[tokio::test]
async fn a_status_that_becomes_a_closing_one_closes_its_tickets_and_touches_no_others() {
    let tenant = Tenant::empty();
    let status = |id: i32, closes: bool, hash: i64| json!({"id": id, "boardId": 1, "closedStatus": closes, "_etl_parent_id": 1, "_etl_content_hash": hash});
    tenant.put("BoardStatus", json!([status(1, false, 0), status(2, false, 0)])).await;
    let ticket = |id: i32, status: i32| json!({"id": id, "statusId": status, "dateEntered": "2024-06-28T01:00:00Z", "closedDate": "2024-06-28T02:00:00Z"});
    tenant.put("ServiceTicket", json!([ticket(1, 1), ticket(2, 2)])).await;
    tenant.put("ProjectTicket", json!([ticket(3, 1)])).await;
    tenant.build(Mode::Full, FIRST, &configured()).await;
    let tickets = "select ticketId, isClosed, sameDayClose, ageDays, _etl_batch_id from fact_ticket order by 1";
    let open = |id: i32| format!("{id} | false | NULL | 0 | run-{FIRST}");
    assert_eq!(tenant.rows(tickets).await, [open(1), open(2), open(3)]);

    tenant.merge("BoardStatus", &row(status(1, true, 1))).await;
    let closed = |id: i32| format!("{id} | true | true | NULL | run-2024-06-28T07:00:00Z");
    assert_eq!(followed(&tenant, "2024-06-28T07:00:00Z", tickets).await, [closed(1), open(2), closed(3)]);

    // The status is changed back: the tickets are open again, and keep their closing date.
    tenant.merge("BoardStatus", &row(status(1, false, 2))).await;
    let tickets = "select ticketId, isClosed, ClosedDateSK from fact_ticket order by 1";
    assert_eq!(
        followed(&tenant, "2024-06-28T08:00:00Z", tickets).await,
        ["1 | false | 20240628", "2 | false | 20240628", "3 | false | 20240628"]
    );
}

#[tokio::test]
async fn a_ticket_that_is_opened_again_counts_it_where_a_run_saw_it() {
    let tenant = Tenant::empty();
    let versions = |closed: &[bool]| -> Value {
        let version = |(at, closed): (usize, &bool)| json!({"historyKey": at, "id": 1, "closedFlag": closed, "validFrom": format!("2024-06-{:02}T08:00:00Z", 1 + at)});
        closed.iter().enumerate().map(version).collect()
    };
    tenant.put("ServiceTicket", json!([{"id": 1}, {"id": 2}])).await;
    tenant.put_history("ServiceTicket", versions(&[true])).await;
    tenant.build(Mode::Full, FIRST, &configured()).await;
    let tickets = "select ticketId, reopenCount, _etl_batch_id from fact_ticket order by 1";
    let other = format!("2 | 0 | run-{FIRST}");
    assert_eq!(tenant.rows(tickets).await, [format!("1 | 0 | run-{FIRST}"), other.clone()]);

    let again = "2024-06-28T07:00:00Z";
    tenant.put_history("ServiceTicket", versions(&[true, false, false, true, false])).await;
    assert_eq!(followed(&tenant, again, tickets).await, [format!("1 | 2 | run-{again}"), other]);
}

#[tokio::test]
async fn a_new_status_begins_a_period_and_moves_the_backlog() {
    let tenant = Tenant::empty();
    let status = |id: i32, closes: bool| json!({"id": id, "boardId": 1, "closedStatus": closes, "_etl_parent_id": 1});
    tenant.put("BoardStatus", json!([status(1, false), status(2, true)])).await;
    let ticket = |id: i32, status: i32, changed: &str, hash: i64| json!({"id": id, "companyId": 3, "statusId": status, "dateEntered": "2024-06-20T08:00:00Z", "lastUpdated": changed, "_etl_content_hash": hash});
    let version = |key: i32, id: i32, status: i32, from: &str| json!({"historyKey": key, "id": id, "statusId": status, "validFrom": from});
    let [came, closed, reopened] = ["2024-06-20T08:00:00Z", "2024-06-21T09:30:00Z", "2024-06-24T09:30:59Z"];
    let mut versions = vec![version(1, 1, 1, came), version(2, 2, 1, came)];
    for last in [0, 1] {
        versions[last]["isCurrent"] = json!(true);
    }
    tenant.put("ServiceTicket", json!([ticket(1, 1, came, 0), ticket(2, 1, came, 0)])).await;
    tenant.put_history("ServiceTicket", json!(versions)).await;
    tenant.build(Mode::Full, FIRST, &configured()).await;
    let periods = "select ticketId, periodNumber, statusId, minutesInStatus, isReopened, _etl_batch_id from fact_ticketstatus order by 1, 2";
    let backlog = "select date, opened, closed, reopened, openAtEnd, nextChangeDate from fact_backlog order by 1";
    let other = format!("2 | 1 | 1 | NULL | false | run-{FIRST}");
    assert_eq!(tenant.rows(periods).await, [format!("1 | 1 | 1 | NULL | false | run-{FIRST}"), other.clone()]);
    assert_eq!(tenant.rows(backlog).await, ["2024-06-20 | 2 | 0 | 0 | 2 | NULL"]);

    // Closed without a closing date: on the day of the change.
    let second = "2024-06-28T07:00:00Z";
    versions[0]["isCurrent"] = json!(false);
    versions[0]["validTo"] = json!(closed);
    versions.push(version(3, 1, 2, closed));
    versions[2]["isCurrent"] = json!(true);
    tenant.merge("ServiceTicket", &row(ticket(1, 2, closed, 1))).await;
    tenant.put_history("ServiceTicket", json!(versions)).await;
    assert_eq!(
        followed(&tenant, second, periods).await,
        [
            format!("1 | 1 | 1 | 1530 | false | run-{second}"),
            format!("1 | 2 | 2 | NULL | false | run-{second}"),
            other.clone()
        ]
    );
    assert_eq!(
        tenant.rows(backlog).await,
        ["2024-06-20 | 2 | 0 | 0 | 2 | 2024-06-21", "2024-06-21 | 0 | 1 | 0 | 1 | NULL"]
    );

    let third = "2024-06-28T08:00:00Z";
    versions[2]["isCurrent"] = json!(false);
    versions[2]["validTo"] = json!(reopened);
    versions.push(version(4, 1, 1, reopened));
    versions[3]["isCurrent"] = json!(true);
    tenant.merge("ServiceTicket", &row(ticket(1, 1, reopened, 2))).await;
    tenant.put_history("ServiceTicket", json!(versions)).await;
    assert_eq!(
        followed(&tenant, third, periods).await,
        [
            format!("1 | 1 | 1 | 1530 | false | run-{second}"),
            format!("1 | 2 | 2 | 4320 | false | run-{third}"),
            format!("1 | 3 | 1 | NULL | true | run-{third}"),
            other
        ]
    );
    assert_eq!(
        tenant.rows(backlog).await,
        [
            "2024-06-20 | 2 | 0 | 0 | 2 | 2024-06-21",
            "2024-06-21 | 0 | 1 | 0 | 1 | 2024-06-24",
            "2024-06-24 | 0 | 0 | 1 | 2 | NULL"
        ]
    );

    // Merged into another one it counts on no day.
    let mut merged = ticket(1, 1, reopened, 3);
    merged["mergedParentTicketId"] = json!(2);
    tenant.merge("ServiceTicket", &row(merged)).await;
    assert_eq!(followed(&tenant, "2024-06-28T09:00:00Z", backlog).await, ["2024-06-20 | 1 | 0 | 0 | 1 | NULL"]);
}

/// A record that went, came back and went again as it was has the same content in two versions.
#[tokio::test]
async fn a_ticket_that_is_gone_again_ends_its_period() {
    let tenant = Tenant::empty();
    tenant.put("ServiceTicket", json!([{"id": 1}])).await;
    let version = |key: i32, from: &str, to: Option<&str>| json!({"historyKey": key, "id": 1, "statusId": 1, "validFrom": from, "validTo": to, "isCurrent": to.is_none(), "isDeleted": to.is_some()});
    let first = version(1, "2024-06-01T08:00:00Z", Some("2024-06-02T08:00:00Z"));
    let again = |to: Option<&str>| json!([first.clone(), version(2, "2024-06-03T08:00:00Z", to)]);
    tenant.put_history("ServiceTicket", again(None)).await;
    tenant.build(Mode::Full, FIRST, &configured()).await;
    let periods = "select periodNumber, minutesInStatus, isCurrent from fact_ticketstatus";
    assert_eq!(tenant.rows(periods).await, ["1 | NULL | true"]);

    tenant.put_history("ServiceTicket", again(Some("2024-06-04T08:00:00Z"))).await;
    assert_eq!(followed(&tenant, "2024-06-28T07:00:00Z", periods).await, ["1 | 4320 | false"]);
}

#[tokio::test]
async fn open_tickets_grow_older_every_day_and_closed_ones_do_not() {
    let tenant = Tenant::empty();
    let ticket = |id: i32, closed: bool| json!({"id": id, "closedFlag": closed, "dateEntered": "2024-06-20T08:00:00Z", "lastUpdated": "2024-06-24T08:00:00Z"});
    tenant.put("ServiceTicket", json!([ticket(1, false), ticket(2, true)])).await;
    tenant.put("ProjectTicket", json!([ticket(3, false)])).await;
    tenant.build(Mode::Full, FIRST, &configured()).await;
    let tickets = "select ticketId, ageDays, daysSinceUpdate, isStale, _etl_batch_id from fact_ticket order by 1";
    let closed = format!("2 | NULL | NULL | false | run-{FIRST}");
    // Four business days after Monday 24 June.
    let fresh = |id: i32| format!("{id} | 8 | 4 | false | run-{FIRST}");
    assert_eq!(tenant.rows(tickets).await, [fresh(1), closed.clone(), fresh(3)]);

    // Monday 1 July is the fifth.
    let monday = "2024-07-01T06:00:00Z";
    let stale = |id: i32| format!("{id} | 11 | 7 | true | run-{monday}");
    assert_eq!(followed(&tenant, monday, tickets).await, [stale(1), closed.clone(), stale(3)]);

    // Another configuration is another day.
    let config = GoldConfig { stale_ticket_business_days: 6, ..configured() };
    let later = "2024-07-01T07:00:00Z";
    tenant.build(Mode::Incremental, later, &config).await;
    let patient = |id: i32| format!("{id} | 11 | 7 | false | run-{later}");
    assert_eq!(tenant.rows(tickets).await, [patient(1), closed, patient(3)]);
}

/// By default no name of a contact is kept.
#[tokio::test]
async fn a_contact_has_a_name_where_the_privacy_policy_keeps_it() {
    let tenant = Tenant::empty();
    let ticket = |name: Option<&str>| -> Value {
        let mut ticket = json!({"id": 1, "contactId": 4});
        if let Some(name) = name {
            ticket["contactName"] = json!(name);
        }
        ticket
    };
    let contacts = "select contactId, contactName from fact_ticket";
    tenant.put("ServiceTicket", json!([ticket(Some("Dóra"))])).await;
    tenant.build(Mode::Full, FIRST, &configured()).await;
    assert_eq!(tenant.rows(contacts).await, ["4 | Dóra"]);

    let entity = catalog::entity("ServiceTicket").unwrap();
    let schema = silver::stored_schema(entity, &Privacy::new(&PrivacyConfig::default()).unwrap()).unwrap();
    let unless_said = json!({
        "isDeleted": false, "etlTimestamp": "2024-07-01T00:00:00Z", "_etl_run_id": "put", "_etl_content_hash": 0
    });
    let table = TableName::silver(entity.table);
    rows::put(&tenant.lake, &table, &schema, unless_said.as_object().unwrap(), &row(ticket(None))).await;
    tenant.build(Mode::Full, FIRST, &configured()).await;
    assert_eq!(tenant.rows(contacts).await, ["4 | NULL"]);
}
