//! What tickets say, and what their time entries and the statuses of their boards say of them.

use connectwise_extract::catalog;
use connectwise_extract::privacy::{Privacy, PrivacyConfig};
use connectwise_lakehouse::TableName;
use connectwise_pipeline::gold::GoldConfig;
use connectwise_pipeline::silver::{self, Mode};
use serde_json::{Value, json};

use super::invoice_lines::{followed, row};
use super::tenant::Tenant;
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
    tenant.build(Mode::Full, FIRST, &GoldConfig::default()).await;
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
    tenant.build(Mode::Full, FIRST, &GoldConfig::default()).await;
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
    tenant.build(Mode::Full, FIRST, &GoldConfig::default()).await;
    let tickets = "select ticketId, reopenCount, _etl_batch_id from fact_ticket order by 1";
    let other = format!("2 | 0 | run-{FIRST}");
    assert_eq!(tenant.rows(tickets).await, [format!("1 | 0 | run-{FIRST}"), other.clone()]);

    let again = "2024-06-28T07:00:00Z";
    tenant.put_history("ServiceTicket", versions(&[true, false, false, true, false])).await;
    assert_eq!(followed(&tenant, again, tickets).await, [format!("1 | 2 | run-{again}"), other]);
}

#[tokio::test]
async fn open_tickets_grow_older_every_day_and_closed_ones_do_not() {
    let tenant = Tenant::empty();
    let ticket = |id: i32, closed: bool| json!({"id": id, "closedFlag": closed, "dateEntered": "2024-06-20T08:00:00Z", "lastUpdated": "2024-06-24T08:00:00Z"});
    tenant.put("ServiceTicket", json!([ticket(1, false), ticket(2, true)])).await;
    tenant.put("ProjectTicket", json!([ticket(3, false)])).await;
    tenant.build(Mode::Full, FIRST, &GoldConfig::default()).await;
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
    let config = GoldConfig { stale_ticket_business_days: 6, ..GoldConfig::default() };
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
    tenant.build(Mode::Full, FIRST, &GoldConfig::default()).await;
    assert_eq!(tenant.rows(contacts).await, ["4 | Dóra"]);

    let entity = catalog::entity("ServiceTicket").unwrap();
    let schema = silver::stored_schema(entity, &Privacy::new(&PrivacyConfig::default()).unwrap()).unwrap();
    let unless_said = json!({
        "isDeleted": false, "etlTimestamp": "2024-07-01T00:00:00Z", "_etl_run_id": "put", "_etl_content_hash": 0
    });
    let table = TableName::silver(entity.table);
    rows::put(&tenant.lake, &table, &schema, unless_said.as_object().unwrap(), &row(ticket(None))).await;
    tenant.build(Mode::Full, FIRST, &GoldConfig::default()).await;
    assert_eq!(tenant.rows(contacts).await, ["4 | NULL"]);
}
