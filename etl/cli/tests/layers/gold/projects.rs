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
