//! What counts for which project.

use connectwise_pipeline::silver::Mode;
use serde_json::json;

use super::invoice_lines::{followed, row};
use super::tenant::{Tenant, configured};

const FIRST: &str = "2024-06-28T06:00:00Z";
const BILLED: &str = "select projectId, billedAmount, revenueAmount from fact_project order by 1";

#[tokio::test]
async fn what_is_on_a_deleted_invoice_is_not_billed() {
    let tenant = Tenant::empty();
    let invoice = |id: i32, hash: i64, is_deleted: bool| json!({"id": id, "date": "2024-06-01", "total": "30", "isDeleted": is_deleted, "_etl_content_hash": hash});
    let expense = |id: i32, invoice: i32, amount: &str| json!({"id": id, "invoiceId": invoice, "projectId": 4, "amount": amount, "date": "2024-06-01"});
    tenant.put("Project", json!([{"id": 4}])).await;
    tenant.put("Invoice", json!([invoice(50, 0, false), invoice(51, 0, true)])).await;
    // Invoice 52 isn't in the list, and its line counts all the same.
    tenant.put("ExpenseEntry", json!([expense(1, 50, "30"), expense(2, 51, "8"), expense(3, 52, "5")])).await;
    tenant.build(Mode::Full, FIRST, &configured()).await;
    // 30 + 5; expense 2 is on a deleted invoice.
    assert_eq!(tenant.rows(BILLED).await, ["4 | 35.0000 | 35.0000"]);

    tenant.merge("Invoice", &row(invoice(50, 1, true))).await;
    assert_eq!(followed(&tenant, "2024-06-28T07:00:00Z", BILLED).await, ["4 | 5.0000 | 5.0000"]);
}

#[tokio::test]
async fn an_invoice_for_a_phase_is_one_of_the_project_of_the_phase() {
    let tenant = Tenant::empty();
    let phase = |id: i32, project: i32, hash: i64| json!({"id": id, "projectId": project, "_etl_parent_id": project, "_etl_content_hash": hash});
    tenant.put("Project", json!([{"id": 4}, {"id": 5}])).await;
    tenant.put("ProjectPhase", json!([phase(16, 4, 0), phase(17, 5, 0)])).await;
    let invoices = json!([
        {"id": 50, "date": "2024-06-01", "total": "30", "applyToType": "ProjectPhase", "applyToId": 16},
        {"id": 51, "date": "2024-06-01", "total": "7", "phaseId": 17},
        // What an invoice says itself comes first.
        {"id": 52, "date": "2024-06-01", "total": "2", "phaseId": 17, "projectId": 4}
    ]);
    tenant.put("Invoice", invoices).await;
    tenant.build(Mode::Full, FIRST, &configured()).await;
    let rows = "select i.invoiceId, i.projectId, l.projectId, l.lineAmount, i._etl_batch_id \
                from fact_invoice i join fact_invoiceline l on l.invoiceId = i.invoiceId order by 1";
    let first = format!("run-{FIRST}");
    let of =
        |id: i32, project: i32, amount: &str, run: &str| format!("{id} | {project} | {project} | {amount} | {run}");
    assert_eq!(
        tenant.rows(rows).await,
        [of(50, 4, "30.0000", &first), of(51, 5, "7.0000", &first), of(52, 4, "2.0000", &first)]
    );
    assert_eq!(tenant.rows(BILLED).await, ["4 | 32.0000 | 32.0000", "5 | 7.0000 | 7.0000"]);

    // The phase turns out to be of the other project; what doesn't depend on it stays as it is.
    tenant.merge("ProjectPhase", &row(phase(16, 5, 1))).await;
    let at = "2024-06-28T07:00:00Z";
    assert_eq!(
        followed(&tenant, at, rows).await,
        [of(50, 5, "30.0000", &format!("run-{at}")), of(51, 5, "7.0000", &first), of(52, 4, "2.0000", &first)]
    );
    assert_eq!(tenant.rows(BILLED).await, ["4 | 2.0000 | 2.0000", "5 | 37.0000 | 37.0000"]);
}
