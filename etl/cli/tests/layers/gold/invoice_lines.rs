//! What stands on invoices, and what could.

use connectwise_pipeline::gold::Severity;
use connectwise_pipeline::silver::{BuildOutcome, Mode};
use serde_json::{Map, Value, json};

use super::tenant::{Tenant, configured};

#[tokio::test]
async fn lines_are_numbered_within_their_invoice_and_held_against_its_totals() {
    let tenant = Tenant::empty();
    let time = |gone: bool| -> Value {
        json!([
            {"id": 2, "invoiceId": 1, "extendedInvoiceAmount": "20", "billableOption": "Billable"},
            {"id": 1, "invoiceId": 1, "extendedInvoiceAmount": "10", "billableOption": "Sometimes", "isDeleted": gone}
        ])
    };
    tenant.put("TimeEntry", time(false)).await;
    tenant.put("ExpenseEntry", json!([{"id": 3, "invoiceId": 1, "amount": "4", "invoiceAmount": "5"}])).await;
    let credit = json!([{"id": 1, "invoiceId": 1, "productClass": "Agreement", "quantity": "-1", "price": "10", "extPrice": "-10", "extCost": "-4"}]);
    tenant.put("ProductItem", credit).await;
    let header = json!([
        {"id": 1, "date": "2025-01-31", "subtotal": "25", "salesTax": "6", "total": "31"},
        {"id": 2, "date": "2025-01-31", "total": "0"}
    ]);
    tenant.put("Invoice", header).await;
    let lines = "select lineNumber, lineSource, sourceId, LineType, lineAmount, margin, marginPercentage, isDeleted from fact_invoiceline order by 1";
    let report = tenant.build(Mode::Full, "2024-07-02T06:00:00Z", &configured()).await;
    let odd: Vec<_> = report
        .tests
        .iter()
        .filter(|test| !test.passed())
        .map(|test| (&*test.table.name, &*test.test, test.severity, &*test.found))
        .collect();
    let unknown = |table| (table, "billableOption has known values", Severity::Warn, "1 rows, as {\"Sometimes\"}");
    assert_eq!(odd, [unknown("dimbillablestatus"), unknown("fact_timeentry")]);
    assert_eq!(
        tenant.rows(lines).await,
        [
            "1 | time | 1 | SERVICE | 10.0000 | 10.0000 | 100.0000 | false",
            "2 | time | 2 | SERVICE | 20.0000 | 20.0000 | 100.0000 | false",
            "3 | expense | 3 | EXPENSE | 5.0000 | 5.0000 | 100.0000 | false",
            "4 | product | 1 | AGREEMENT | -10.0000 | -6.0000 | 0.0000 | false",
        ]
    );
    tenant.put("TimeEntry", time(true)).await;
    let report = tenant.build(Mode::Incremental, "2024-07-02T07:00:00Z", &configured()).await;
    let odd: Vec<_> =
        report.tests.iter().filter(|test| test.table.name.starts_with("fact_invoice") && !test.passed()).collect();
    assert_eq!(odd.len(), 1, "{odd:?}");
    assert_eq!(odd[0].found, "invoice 1 has 25.0000 in its header and 15.0000 in its lines");
    assert_eq!(
        tenant.rows(lines).await,
        [
            "1 | time | 1 | SERVICE | 10.0000 | 10.0000 | 100.0000 | true",
            "2 | time | 2 | SERVICE | 20.0000 | 20.0000 | 100.0000 | false",
            "3 | expense | 3 | EXPENSE | 5.0000 | 5.0000 | 100.0000 | false",
            "4 | product | 1 | AGREEMENT | -10.0000 | -6.0000 | 0.0000 | false",
            "5 | header | 1 | ADJUSTMENT | 10.0000 | 10.0000 | 100.0000 | false",
        ]
    );
}

#[tokio::test]
async fn lines_without_a_header_are_told_where_invoices_are_loaded() {
    let tenant = Tenant::empty();
    let line = |id: i32, invoice: i32| json!({"id": id, "invoiceId": invoice, "extendedInvoiceAmount": "0"});
    tenant.put("TimeEntry", json!([line(1, 1), line(2, 1), line(3, 2), line(4, 3)])).await;
    let faults = async |at: &str| {
        let report = tenant.build(Mode::Full, at, &configured()).await;
        let faults = report.tests.into_iter().filter(|test| {
            test.table.name == "fact_invoiceline" && test.test.starts_with("agrees with what silver says")
        });
        faults.map(|test| (test.severity, test.failures, test.found)).collect::<Vec<_>>()
    };
    assert_eq!(faults("2024-07-02T06:00:00Z").await, [(Severity::Warn, 0, String::new())], "none can be missing");
    // The header of 2 is gone at the source, and that of 1 never came.
    tenant.put("Invoice", json!([{"id": 2, "isDeleted": true}, {"id": 3}])).await;
    let found = "invoice 1 has lines (2) and no header, \
                 invoice 2 was deleted, and lines (1) name it, which are neither revenue nor to bill"
        .to_owned();
    assert_eq!(faults("2024-07-02T07:00:00Z").await, [(Severity::Warn, 2, found)]);
}

/// Builds incrementally and queries; then a full build has to leave every table unchanged.
pub(super) async fn followed(tenant: &Tenant, at: &str, sql: &str) -> Vec<String> {
    let report = tenant.build(Mode::Incremental, at, &configured()).await;
    assert!(report.tables.iter().all(|table| table.error.is_none()), "{:?}", report.tables);
    let found = tenant.rows(sql).await;
    let full = tenant.build(Mode::Full, at, &configured()).await;
    assert!(full.tables.iter().all(|table| table.outcome == BuildOutcome::Unchanged), "{:?}", full.tables);
    found
}

pub(super) fn row(row: Value) -> Vec<Map<String, Value>> {
    vec![row.as_object().unwrap().clone()]
}

#[tokio::test]
async fn a_line_that_moves_leaves_both_invoices_whole() {
    let tenant = Tenant::empty();
    let time = |id: i32, invoice: i32, hash: i64| json!({"id": id, "invoiceId": invoice, "extendedInvoiceAmount": "10", "billableOption": "Billable", "_etl_content_hash": hash});
    tenant.put("TimeEntry", json!([time(1, 1, 0), time(2, 1, 0)])).await;
    tenant.put("Invoice", json!([{"id": 1, "total": "20"}, {"id": 2, "total": "10"}])).await;
    tenant.build(Mode::Full, "2024-07-01T06:00:00Z", &configured()).await;
    let invoices = "select invoiceId, lineCount, lineTotal, unexplainedAmount from fact_invoice order by 1";
    assert_eq!(tenant.rows(invoices).await, ["1 | 2 | 20.0000 | 0.0000", "2 | 0 | 0.0000 | 10.0000"]);
    tenant.merge("TimeEntry", &row(time(2, 2, 1))).await;
    let lines = "select invoiceId, lineNumber, lineSource, sourceId, lineAmount from fact_invoiceline order by 1, 2";
    assert_eq!(
        followed(&tenant, "2024-07-01T07:00:00Z", lines).await,
        ["1 | 1 | time | 1 | 10.0000", "1 | 2 | header | 1 | 10.0000", "2 | 1 | time | 2 | 10.0000"]
    );
    assert_eq!(tenant.rows(invoices).await, ["1 | 1 | 10.0000 | 10.0000", "2 | 1 | 10.0000 | 0.0000"]);
}

#[tokio::test]
async fn a_deleted_line_keeps_its_number_and_is_not_counted() {
    let tenant = Tenant::empty();
    let time = |id: i32, is_deleted: bool| json!({"id": id, "invoiceId": 1, "extendedInvoiceAmount": "10", "isDeleted": is_deleted, "_etl_content_hash": i64::from(is_deleted)});
    // To bill, and deleted: it waits for no invoice.
    let gone = json!({"id": 3, "billableOption": "Billable", "actualHours": "1", "timeStart": "2024-06-01T09:00:00Z", "isDeleted": true});
    tenant.put("TimeEntry", json!([time(1, false), time(2, false), gone])).await;
    tenant.put("Invoice", json!([{"id": 1, "total": "30"}])).await;
    tenant.build(Mode::Full, "2024-07-01T06:00:00Z", &configured()).await;
    let invoices = "select lineCount, lineTotal, unexplainedAmount from fact_invoice";
    assert_eq!(tenant.rows(invoices).await, ["2 | 20.0000 | 10.0000"]);
    let ages = "select ageDays, agingBucket from fact_invoiceline where sourceId = 3";
    assert_eq!(tenant.rows(ages).await, ["NULL | NULL"]);
    tenant.merge("TimeEntry", &row(time(2, true))).await;
    let lines =
        "select lineNumber, lineSource, lineAmount, isDeleted from fact_invoiceline where isInvoiced order by 1";
    assert_eq!(
        followed(&tenant, "2024-07-01T07:00:00Z", lines).await,
        ["1 | time | 10.0000 | false", "2 | time | 10.0000 | true", "3 | header | 20.0000 | false"]
    );
    assert_eq!(tenant.rows(invoices).await, ["1 | 10.0000 | 20.0000"]);
}

#[tokio::test]
async fn lines_go_and_come_back_with_their_invoice() {
    let tenant = Tenant::empty();
    let time = json!([{"id": 1, "invoiceId": 1, "ticketId": 5, "billableOption": "Billable", "status": "ReadyToBill",
                       "actualHours": "1", "hourlyRate": "10", "timeStart": "2024-06-01T09:00:00Z"}]);
    tenant.put("TimeEntry", time).await;
    let product = json!([{"id": 1, "invoiceId": 1, "billableOption": "Billable", "extPrice": "20", "purchaseDate": "2024-06-01"}]);
    tenant.put("ProductItem", product).await;
    tenant.put("ServiceTicket", json!([{"id": 5}])).await;
    let header = |is_deleted: bool| json!({"id": 1, "total": "36", "isDeleted": is_deleted, "_etl_content_hash": i64::from(is_deleted)});
    tenant.put("Invoice", json!([header(false), {"id": 2, "total": "7"}])).await;
    tenant.build(Mode::Full, "2024-07-01T06:00:00Z", &configured()).await;
    let lines =
        "select invoiceId, lineSource, lineAmount, isInvoiced, ageDays, isDeleted from fact_invoiceline order by 1, 2";
    let there = [
        "1 | header | 6.0000 | true | NULL | false",
        "1 | product | 20.0000 | true | NULL | false",
        "1 | time | 10.0000 | true | NULL | false",
        "2 | header | 7.0000 | true | NULL | false",
    ];
    assert_eq!(tenant.rows(lines).await, there);
    let billed = "select billedAmount from fact_ticket";
    assert_eq!(tenant.rows(billed).await, ["10.0000"]);
    tenant.merge("Invoice", &row(header(true))).await;
    let gone = there.map(|line| if line.starts_with('1') { line.replace("false", "true") } else { line.to_owned() });
    assert_eq!(followed(&tenant, "2024-07-01T07:00:00Z", lines).await, gone);
    assert_eq!(tenant.rows(billed).await, ["0.0000"]);
    tenant.merge("Invoice", &row(header(false))).await;
    assert_eq!(followed(&tenant, "2024-07-01T08:00:00Z", lines).await, there);
    assert_eq!(tenant.rows(billed).await, ["10.0000"]);
    // It is gone, and the source has put the work back.
    tenant.merge("Invoice", &row(header(true))).await;
    tenant
        .merge("TimeEntry", &row(json!({"id": 1, "ticketId": 5, "billableOption": "Billable", "status": "ReadyToBill", "actualHours": "1",
                                        "hourlyRate": "10", "timeStart": "2024-06-01T09:00:00Z", "_etl_content_hash": 1})))
        .await;
    assert_eq!(
        followed(&tenant, "2024-07-01T09:00:00Z", lines).await,
        [
            "1 | header | 16.0000 | true | NULL | true",
            "1 | product | 20.0000 | true | NULL | true",
            "2 | header | 7.0000 | true | NULL | false",
            "NULL | time | 10.0000 | false | 30 | false",
        ]
    );
}

#[tokio::test]
async fn a_posted_invoice_takes_the_place_of_its_unposted_self() {
    let tenant = Tenant::empty();
    let unposted = |gone: bool| {
        json!({"id": 7, "billingLogId": 1, "invoiceType": "Standard", "subTotal": "10", "salesTaxAmount": "2", "total": "12",
               "isDeleted": gone})
    };
    tenant.put("UnpostedInvoice", json!([unposted(false)])).await;
    tenant.put("Invoice", json!([{"id": 2, "total": "1"}])).await;
    tenant.build(Mode::Full, "2024-07-01T06:00:00Z", &configured()).await;
    let invoices = "select i.invoiceId, i.isPosted, i.isDeleted, i.revenueAmount, l.lineAmount from fact_invoice i \
                    join fact_invoiceline l on l.invoiceId = i.invoiceId order by 1";
    assert_eq!(
        tenant.rows(invoices).await,
        ["1 | false | false | 10.0000 | 10.0000", "2 | true | false | 1.0000 | 1.0000"]
    );
    tenant.merge("UnpostedInvoice", &row(unposted(true))).await;
    tenant
        .merge("Invoice", &row(json!({"id": 1, "type": "Standard", "salesTax": "2", "total": "13", "glBatchId": 3})))
        .await;
    assert_eq!(
        followed(&tenant, "2024-07-01T07:00:00Z", invoices).await,
        ["1 | true | false | 11.0000 | 11.0000", "2 | true | false | 1.0000 | 1.0000"]
    );
    // The posting is undone: the invoice is deleted, and the unposted one is back.
    let gone = json!({"id": 1, "type": "Standard", "salesTax": "2", "total": "13", "glBatchId": 3, "isDeleted": true});
    tenant.merge("Invoice", &row(gone)).await;
    tenant.merge("UnpostedInvoice", &row(unposted(false))).await;
    assert_eq!(
        followed(&tenant, "2024-07-01T08:00:00Z", invoices).await,
        ["1 | false | false | 10.0000 | 10.0000", "2 | true | false | 1.0000 | 1.0000"]
    );
}

#[tokio::test]
async fn what_an_opportunity_offers_is_to_bill_once_it_is_on_something_else() {
    let tenant = Tenant::empty();
    let offered = |id: i32, on: Value| {
        let mut product = json!({"id": id, "opportunityId": 9, "billableOption": "Billable", "extPrice": "10"});
        product.as_object_mut().unwrap().extend(on.as_object().unwrap().clone());
        product
    };
    let products = json!([
        offered(1, json!({})),
        // An agreement says who covers it, and not that it was sold.
        offered(2, json!({"agreementId": 7})),
        offered(3, json!({"ticketId": 1})),
        offered(4, json!({"projectId": 1})),
        offered(5, json!({"salesOrderId": 1})),
        offered(6, json!({"invoiceId": 1})),
        offered(7, json!({"salesOrderId": 1, "cancelledFlag": true})),
    ]);
    tenant.put("ProductItem", products).await;
    tenant.build(Mode::Full, "2024-07-01T06:00:00Z", &configured()).await;
    let lines = "select sourceId, isInvoiced from fact_invoiceline order by 1";
    assert_eq!(tenant.rows(lines).await, ["3 | false", "4 | false", "5 | false", "6 | true"]);
    let mut sold = offered(1, json!({"salesOrderId": 2}));
    sold["_etl_content_hash"] = json!(1);
    tenant.merge("ProductItem", &row(sold)).await;
    assert_eq!(
        followed(&tenant, "2024-07-01T07:00:00Z", lines).await,
        ["1 | false", "3 | false", "4 | false", "5 | false", "6 | true"]
    );
}

#[tokio::test]
async fn what_is_open_grows_older_every_day_and_nothing_else_does() {
    let tenant = Tenant::empty();
    let time = |id: i32, more: Value| {
        let mut entry = json!({"id": id, "actualHours": "1", "hourlyRate": "1", "billableOption": "Billable", "timeStart": "2024-06-30T09:00:00Z"});
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        entry
    };
    tenant.put("TimeEntry", json!([time(1, json!({})), time(2, json!({"invoiceId": 1}))])).await;
    let due = |id: i32, balance: &str| json!({"id": id, "total": "1", "balance": balance, "date": "2024-06-01", "dueDate": "2024-06-30"});
    tenant.put("Invoice", json!([due(1, "0"), due(2, "1")])).await;
    tenant.build(Mode::Full, "2024-06-30T06:00:00Z", &configured()).await;
    let rows = "select invoiceId, daysPastDue, agingBucket, _etl_batch_id from fact_invoice union all \
                select sourceId, ageDays, agingBucket, _etl_batch_id from fact_invoiceline where lineSource = 'time' order by 1, 2";
    let before = [
        "1 | 0 | Current | run-2024-06-30T06:00:00Z",
        "1 | NULL | NULL | run-2024-06-30T06:00:00Z",
        "2 | 0 | Current | run-2024-06-30T06:00:00Z",
        "2 | NULL | NULL | run-2024-06-30T06:00:00Z",
    ];
    assert_eq!(tenant.rows(rows).await, before);
    assert_eq!(
        followed(&tenant, "2024-07-31T06:00:00Z", rows).await,
        [
            "1 | 31 | 31-60 | run-2024-07-31T06:00:00Z",
            before[1],
            "2 | 31 | 31-60 | run-2024-07-31T06:00:00Z",
            before[3]
        ]
    );
}
