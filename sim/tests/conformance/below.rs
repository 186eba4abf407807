//! Lists below rows that say more of what their rows, or others, say already: payments, forecasts, targets, answers to surveys.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::client::Client;

/// Ten-thousandths, so that sums are exact.
fn money(value: &Value) -> i64 {
    (value.as_f64().unwrap_or_default() * 10_000.0).round() as i64
}

async fn list(client: &Client, path: &str) -> Vec<Value> {
    client.get(path, &[("pageSize", "1000")]).await.rows()
}

/// What was paid of every invoice is what its payments add up to. Returns how many invoices were paid.
async fn check_payments(client: &Client) -> usize {
    let mut paid = 0;
    for invoice in client.truth("Invoice").await {
        let id = invoice["id"].as_i64().unwrap();
        let payments = list(client, &format!("/finance/invoices/{id}/payments")).await;
        let sum: i64 = payments.iter().map(|payment| money(&payment["amount"])).sum();
        assert_eq!(sum, money(&invoice["payments"]), "{invoice} {payments:?}");
        for payment in &payments {
            assert_eq!(payment["invoice"]["id"], id);
            assert!(payment["paymentDate"].as_str() >= invoice["date"].as_str(), "{invoice} {payment}");
        }
        paid += usize::from(!payments.is_empty());
    }
    paid
}

#[tokio::test]
async fn payments_add_up_to_what_their_invoice_says_was_paid() {
    let client = Client::start(1_000).await;
    let before = check_payments(&client).await;
    assert!(before > 40, "{before}");
    assert_eq!(client.post("/advance", r#"{"days":40}"#).await.status, 200);
    let after = check_payments(&client).await;
    assert!(after > before, "{before} and {after}");
}

#[tokio::test]
async fn a_forecast_comes_to_what_its_included_items_do() {
    let client = Client::start(1_000).await;
    let (mut open, mut won) = (0, 0);
    for sale in list(&client, "/sales/opportunities").await {
        let forecasts = list(&client, &format!("/sales/opportunities/{}/forecast", sale["id"])).await;
        let [forecast] = forecasts.as_slice() else { panic!("{forecasts:?}") };
        let sum = |property: &str| {
            let items = forecast["forecastItems"].as_array().unwrap().iter();
            items.filter(|item| item["includeFlag"] == true).map(|item| money(&item[property])).sum::<i64>()
        };
        let totals = &forecast["forecastRevenueTotals"];
        assert_eq!([money(&totals["revenue"]), money(&totals["cost"])], [sum("revenue"), sum("cost")], "{forecast}");
        let of = |name: &str| money(&forecast[name]["revenue"]);
        let sorts = ["productRevenue", "serviceRevenue", "agreementRevenue", "otherRevenue1", "otherRevenue2"];
        assert_eq!(sorts.map(of).iter().sum::<i64>(), sum("revenue"));
        assert_eq!(of("openRevenue") + of("wonRevenue") + of("lostRevenue"), sum("revenue"));
        let is_open = sale["closedDate"].is_null();
        assert_eq!(of("openRevenue") > 0, is_open, "{sale} {forecast}");
        open += usize::from(is_open);
        won += usize::from(of("wonRevenue") > 0);
    }
    assert!(open > 2 && won > 2, "{open} and {won}");
}

#[tokio::test]
async fn tickets_are_within_their_sla_by_the_targets_of_their_priority() {
    let client = Client::start(400).await;
    let mut targets: BTreeMap<i64, [i64; 3]> = BTreeMap::new();
    for sla in list(&client, "/service/SLAs").await {
        for target in list(&client, &format!("/service/SLAs/{}/priorities", sla["id"])).await {
            assert_eq!(target["sla"]["id"], sla["id"]);
            let minutes = ["respondHours", "planWithin", "resolutionHours"]
                .map(|hours| (target[hours].as_f64().unwrap() * 60.0).round() as i64);
            let known = targets.entry(target["priority"]["id"].as_i64().unwrap()).or_insert(minutes);
            assert_eq!(*known, minutes, "every SLA has the same");
        }
    }
    let (mut within, mut late) = (0, 0);
    for ticket in list(&client, "/service/tickets").await {
        let Some(target) = ticket.pointer("/priority/id").and_then(Value::as_i64).map(|id| targets[&id]) else {
            continue;
        };
        let Some(is_in) = ticket["isInSla"].as_bool() else { continue };
        let steps = ["respondMinutes", "resPlanMinutes", "resolveMinutes"].map(|minutes| ticket[minutes].as_i64());
        let met = steps.iter().zip(target).all(|(minutes, target)| minutes.is_none_or(|minutes| minutes <= target));
        assert_eq!(is_in, met, "{ticket}");
        within += usize::from(met);
        late += usize::from(!met);
    }
    assert!(within > 50 && late > 10, "{within} and {late}");
}

#[tokio::test]
async fn surveys_are_answered_by_the_contacts_of_closed_tickets() {
    let client = Client::start(2_000).await;
    let tickets: BTreeMap<i64, Value> = client
        .truth("service/tickets")
        .await
        .into_iter()
        .map(|ticket| (ticket["id"].as_i64().unwrap(), ticket))
        .collect();
    let mut scores = BTreeSet::new();
    for survey in list(&client, "/service/surveys").await {
        for result in list(&client, &format!("/service/surveys/{}/results", survey["id"])).await {
            assert_eq!(result["surveyId"], survey["id"]);
            let ticket = &tickets[&result["ticketId"].as_i64().unwrap()];
            assert_eq!(
                [&result["company"]["id"], &result["contact"]["id"]],
                [&ticket["company"]["id"], &ticket["contact"]["id"]]
            );
            let (answered, closed) = (&result["_info"]["dateEntered"], &ticket["dateResolved"]);
            assert!(answered.as_str() > closed.as_str(), "{result} {ticket}");
            let points = result["results"].as_array().unwrap().iter();
            let sum: i64 = points.map(|answer| answer["answer"].as_str().unwrap().parse::<i64>().unwrap()).sum();
            assert_eq!(result["totalPoints"], sum, "{result}");
            scores.insert(sum);
        }
    }
    assert!(scores.len() > 3, "{scores:?}");
}

#[tokio::test]
async fn holidays_stock_and_adjustments_name_the_row_that_they_are_below() {
    let client = Client::start(400).await;
    for (above, below, reference) in [
        ("/schedule/holidayLists", "holidays", "/holidayList/id"),
        ("/procurement/warehouseBins", "inventoryOnHand", "/warehouseBin/id"),
        ("/finance/agreements", "adjustments", "/agreementId"),
    ] {
        let mut found = 0;
        for parent in list(&client, above).await {
            for row in list(&client, &format!("{above}/{}/{below}", parent["id"])).await {
                assert_eq!(row.pointer(reference), Some(&parent["id"]), "{below}");
                found += 1;
            }
        }
        assert!(found > 4, "{below}: {found}");
    }
    let days: Vec<Value> = list(&client, "/schedule/holidayLists/1/holidays").await;
    let days: Vec<&str> = days.iter().map(|day| day["date"].as_str().unwrap()).collect();
    assert!(days.contains(&"2025-06-17") && days.contains(&"2026-12-25"), "{days:?}");
}
