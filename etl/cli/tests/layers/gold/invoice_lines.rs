//! What stands on invoices, and what could.

use connectwise_pipeline::gold::{GoldConfig, Severity};
use connectwise_pipeline::silver::Mode;
use serde_json::{Value, json};

use super::tenant::Tenant;

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
        {"id": 1, "date": "2025-01-31", "serviceTotal": "30", "expenseTotal": "5", "productTotal": "-10"},
        {"id": 2, "date": "2025-01-31"}
    ]);
    tenant.put("Invoice", header).await;
    let lines = "select lineNumber, lineSource, sourceId, LineType, lineAmount, margin, marginPercentage, isDeleted from fact_invoiceline order by 1";
    let report = tenant.build(Mode::Full, "2024-07-02T06:00:00Z", &GoldConfig::default()).await;
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
    let report = tenant.build(Mode::Incremental, "2024-07-02T07:00:00Z", &GoldConfig::default()).await;
    let odd: Vec<_> =
        report.tests.iter().filter(|test| test.table.name == "fact_invoiceline" && !test.passed()).collect();
    assert_eq!(odd.len(), 1);
    assert_eq!(odd[0].found, "invoice 1 has 25.0000 in its header and 15.0000 in its lines");
    assert_eq!(
        tenant.rows(lines).await[..2],
        [
            "1 | time | 1 | SERVICE | 10.0000 | 10.0000 | 100.0000 | true",
            "2 | time | 2 | SERVICE | 20.0000 | 20.0000 | 100.0000 | false",
        ]
    );
}

#[tokio::test]
async fn lines_without_a_header_are_told_where_invoices_are_loaded() {
    let tenant = Tenant::empty();
    let line = |id: i32, invoice: i32| json!({"id": id, "invoiceId": invoice, "extendedInvoiceAmount": "0"});
    tenant.put("TimeEntry", json!([line(1, 1), line(2, 1), line(3, 2), line(4, 3)])).await;
    let faults = async |at: &str| {
        let report = tenant.build(Mode::Full, at, &GoldConfig::default()).await;
        let faults = report.tests.into_iter().filter(|test| test.test.starts_with("agrees with what silver says"));
        faults.map(|test| (test.severity, test.failures, test.found)).collect::<Vec<_>>()
    };
    assert_eq!(faults("2024-07-02T06:00:00Z").await, [(Severity::Warn, 0, String::new())], "none can be missing");
    // The header of 2 is gone at the source, and that of 1 never came.
    tenant.put("Invoice", json!([{"id": 2, "isDeleted": true}, {"id": 3}])).await;
    let found = "invoice 1 has lines (2) and no header, invoice 2 has lines (1) and no header".to_owned();
    assert_eq!(faults("2024-07-02T07:00:00Z").await, [(Severity::Warn, 2, found)]);
}
