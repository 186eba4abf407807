//! Invoices: what they add up to, and what becomes of them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::client::Client;

fn by_id(rows: Vec<Value>) -> BTreeMap<i64, Value> {
    rows.into_iter().map(|row| (row["id"].as_i64().unwrap(), row)).collect()
}

/// Ten-thousandths, so that sums are exact.
fn money(value: &Value) -> i64 {
    (value.as_f64().unwrap() * 10_000.0).round() as i64
}

/// The total of every invoice is the sum of its lines, fees and tax, less down payments; lines have the invoice's company. Down
/// payments and credits have no lines.
async fn check_sums(client: &Client) -> usize {
    let invoices = by_id(client.truth("Invoice").await);
    let mut sums: BTreeMap<i64, [i64; 3]> = BTreeMap::new();
    let lines =
        [("TimeEntry", "extendedInvoiceAmount"), ("ExpenseEntry", "invoiceAmount"), ("ProductItem", "extPrice")];
    for (at, (entity, amount)) in lines.into_iter().enumerate() {
        for row in client.truth(entity).await {
            let Some(id) = row.pointer("/invoice/id").and_then(Value::as_i64) else { continue };
            sums.entry(id).or_default()[at] += money(&row[amount]);
            let invoice = &invoices[&id];
            assert_eq!(row["company"]["id"], invoice["company"]["id"], "{entity} {row}");
            assert_eq!(row["invoice"]["identifier"], invoice["invoiceNumber"]);
            if let Some(end) = row["timeEnd"].as_str() {
                assert!(invoice["date"].as_str().unwrap() > end, "an invoice is made after the work: {invoice} {row}");
            }
        }
    }
    for (id, row) in &invoices {
        let [service, expense, product] = sums.get(id).copied().unwrap_or_default();
        let found = [money(&row["serviceTotal"]), money(&row["expenseTotal"]), money(&row["productTotal"])];
        let (sort, subtotal, ahead) =
            (row["type"].as_str().unwrap(), money(&row["subtotal"]), money(&row["downpaymentApplied"]));
        assert_eq!(found[1..], [expense, product], "{row}");
        let fee = found[0] - service;
        assert!(fee == 2 * ahead || (sort == "Agreement" && fee > 0 && ahead == 0), "{row}");
        if matches!(sort, "DownPayment" | "CreditMemo") {
            assert_eq!((found, subtotal < 0), ([0; 3], sort == "CreditMemo"), "{row}");
            assert!(!sums.contains_key(id), "{row}");
        } else {
            assert_eq!(subtotal, found.iter().sum::<i64>() + money(&row["agreementAmount"]), "{row}");
        }
        assert_eq!(money(&row["total"]), subtotal - ahead + money(&row["salesTax"]), "{row}");
        let settled = money(&row["payments"]) + money(&row["credits"]);
        assert_eq!(money(&row["balance"]), money(&row["total"]) - settled, "{row}");
    }
    // Each down payment is deducted by a later invoice of the same project.
    let of_projects = |wanted: fn(&Value) -> Option<i64>| {
        let told = invoices.values().filter_map(|row| Some((row.pointer("/project/id")?.as_i64()?, wanted(row)?)));
        let mut told: Vec<(i64, i64)> = told.collect();
        told.sort_unstable();
        told
    };
    let ahead = of_projects(|row| (row["type"] == "DownPayment").then(|| money(&row["subtotal"])));
    let taken = of_projects(|row| Some(money(&row["downpaymentApplied"])).filter(|taken| *taken > 0));
    assert!(ahead.len() > 1 && !taken.is_empty() && taken.iter().all(|one| ahead.contains(one)), "{ahead:?} {taken:?}");
    sums.len()
}

#[tokio::test]
async fn invoices_are_the_sums_of_their_lines_and_stay_so() {
    let client = Client::start(3_000).await;
    let first = check_sums(&client).await;
    assert!(first > 20, "{first}");
    client.post("/advance", r#"{"days":60}"#).await;
    client.post("/advance", r#"{"Invoice":{"insert":30},"TimeEntry":{"edit":900,"delete":300}}"#).await;
    client
        .post("/advance", r#"{"ExpenseEntry":{"edit":100,"delete":60},"ProductItem":{"edit":200,"delete":100}}"#)
        .await;
    let then = check_sums(&client).await;
    assert!(then > first + 20, "{first} {then}");
}

#[tokio::test]
async fn an_unposted_invoice_is_a_created_one_until_it_is_batched() {
    let client = Client::start(2_000).await;
    let mut posted = 0;
    for _ in 0..20 {
        let before = by_id(client.truth("UnpostedInvoice").await);
        let invoices = by_id(client.truth("Invoice").await);
        let mut unposted = 0;
        for row in before.values() {
            let invoice = &invoices[&row["billingLogId"].as_i64().unwrap()];
            assert!(invoice.get("glBatch").is_none(), "{invoice}");
            assert_eq!(money(&invoice["payments"]), 0);
            unposted += 1;
            for (of_unposted, of_invoice) in [
                ("invoiceNumber", "invoiceNumber"),
                ("invoiceDate", "date"),
                ("company", "company"),
                ("total", "total"),
            ] {
                assert_eq!(row[of_unposted], invoice[of_invoice], "{row}");
            }
        }
        assert_eq!(invoices.values().filter(|row| row.get("glBatch").is_none()).count(), unposted);
        client.post("/advance", r#"{"days":3}"#).await;
        let after = by_id(client.truth("UnpostedInvoice").await);
        let invoices = by_id(client.truth("Invoice").await);
        let batches = by_id(client.own("/truth/finance/accounting/batches").await.rows());
        for (id, row) in before.iter().filter(|(id, _)| !after.contains_key(id)) {
            let invoice = &invoices[&row["billingLogId"].as_i64().unwrap()];
            assert!(batches.contains_key(&invoice["glBatch"]["id"].as_i64().unwrap()), "{id}: {invoice}");
            posted += 1;
        }
    }
    assert!(posted > 3, "{posted}");
}

#[tokio::test]
async fn a_deleted_invoice_is_not_unposted_either() {
    let client = Client::start(100).await;
    let unposted = client.truth("UnpostedInvoice").await;
    let invoice = unposted[0]["billingLogId"].as_i64().unwrap();
    let url = format!("{}/finance/invoices/{invoice}", client.simulator.base_url());
    let request = client.http.delete(url).basic_auth("simco+public", Some("private")).header("clientId", "x");
    assert_eq!(request.send().await.unwrap().status(), 204);
    assert_eq!(client.truth("UnpostedInvoice").await, unposted[1..]);
}
