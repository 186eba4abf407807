//! Recurring revenue: what moves it, and that a closed month stays as it was.

use connectwise_pipeline::silver::Mode;
use serde_json::{Value, json};

use super::invoice_lines::followed;
use super::tenant::{Tenant, configured};

const MONTHS: &str =
    "select monthKey, additionId, mrr, previousMrr, movement, isReconstructed, isClosed from fact_mrr order by 2, 1";

fn agreement(name: &str) -> Value {
    json!([{
        "historyKey": 1, "id": 7, "isCurrent": true, "validFrom": "2024-01-01T00:00:00Z", "etlTimestamp": "2024-02-05T06:00:00Z",
        "companyId": 3, "billingCycleName": name
    }])
}

/// A version of an addition: its key, id and amount, since when and until when it was valid, and when it was read.
fn version(key: i32, id: i32, price: &str, valid: (&str, Option<&str>), read: &str) -> Value {
    json!({
        "historyKey": key, "id": id, "agreementId": 7, "_etl_parent_id": 7, "quantity": price, "extPrice": price,
        "effectiveDate": "2024-01-10", "dateEntered": "2024-01-10T10:00:00Z", "validFrom": valid.0, "validTo": valid.1,
        "isCurrent": valid.1.is_none(), "etlTimestamp": read
    })
}

async fn start(versions: Value) -> Tenant {
    let tenant = Tenant::empty();
    tenant.put("Agreement", json!([{"id": 7, "companyId": 3, "billingCycleName": "Monthly"}])).await;
    tenant.put_history("Agreement", agreement("Monthly")).await;
    tenant.put_history("AgreementAddition", versions).await;
    tenant
}

#[tokio::test]
async fn what_is_read_after_a_month_was_closed_leaves_it_as_it_was() {
    let (began, first) = ("2024-01-10T10:00:00Z", "2024-02-05T06:00:00Z");
    let tenant = start(json!([version(1, 1, "100", (began, None), first)])).await;
    tenant.build(Mode::Full, "2024-03-02T06:00:00Z", &configured()).await;
    let closed = [
        "202401 | 1 | 100.0000 | 0.0000 | new | true | true",
        "202402 | 1 | 100.0000 | 100.0000 | none | false | true",
    ];
    let open = "202403 | 1 | 100.0000 | 100.0000 | none | false | false";
    assert_eq!(tenant.rows(MONTHS).await, [&closed[..], &[open]].concat());

    // Changed on 20 February, and an addition of January: read in March, after February was closed.
    let (changed, late) = ("2024-02-20T10:00:00Z", "2024-03-02T07:00:00Z");
    let versions = json!([
        version(1, 1, "100", (began, Some(changed)), first),
        version(2, 1, "160", (changed, None), late),
        json!({
            "historyKey": 3, "id": 2, "agreementId": 7, "_etl_parent_id": 7, "extPrice": "40", "effectiveDate": "2024-01-10",
            "dateEntered": "2024-02-20T10:00:00Z", "validFrom": changed, "isCurrent": true, "etlTimestamp": late
        })
    ]);
    tenant.put_history("AgreementAddition", versions.clone()).await;
    let months = [
        &closed[..],
        &[
            "202403 | 1 | 160.0000 | 100.0000 | expansion | false | false",
            "202403 | 2 | 40.0000 | 0.0000 | new | false | false",
        ],
    ]
    .concat();
    assert_eq!(followed(&tenant, "2024-03-02T08:00:00Z", MONTHS).await, months);
    let before = "select count(*) from fact_mrr where isClosed and _etl_batch_id <> 'run-2024-03-02T06:00:00Z'";
    assert_eq!(tenant.rows(before).await, ["0"], "no row of a closed month was written again");

    // Nothing happens, and April comes: March is closed on its second day.
    for (at, is_closed) in [("2024-04-01T06:00:00Z", false), ("2024-04-02T06:00:00Z", true)] {
        let closed = format!("select count(*) from fact_mrr where monthKey = 202403 and isClosed = {is_closed}");
        assert_eq!(followed(&tenant, at, &closed).await, ["2"]);
    }
    let april = "select additionId, mrr, movement from fact_mrr where monthKey = 202404 order by 1";
    assert_eq!(tenant.rows(april).await, ["1 | 160.0000 | none", "2 | 40.0000 | none"]);

    // The agreement is billed every year from now on: a month brings a twelfth, and the months before stay.
    let mut terms = agreement("Monthly");
    terms[0]["isCurrent"] = json!(false);
    terms[0]["validTo"] = json!("2024-04-03T10:00:00Z");
    let mut yearly = agreement("Yearly")[0].take();
    yearly["historyKey"] = json!(2);
    yearly["validFrom"] = json!("2024-04-03T10:00:00Z");
    yearly["etlTimestamp"] = json!("2024-04-04T06:00:00Z");
    terms.as_array_mut().unwrap().push(yearly);
    tenant.put_history("Agreement", terms).await;
    assert_eq!(followed(&tenant, "2024-04-04T07:00:00Z", april).await, ["1 | 13.3333 | price", "2 | 3.3333 | price"]);
    let kept = "select monthKey, sum(mrr) from fact_mrr where monthKey < 202404 group by monthKey order by 1";
    assert_eq!(tenant.rows(kept).await, ["202401 | 100.0000", "202402 | 100.0000", "202403 | 200.0000"]);
}

#[tokio::test]
async fn an_addition_that_went_and_came_back_is_churn_and_reactivation() {
    let (began, first) = ("2024-01-10T10:00:00Z", "2024-02-05T06:00:00Z");
    // Runs noticed on 20 March that it was gone, and on 10 May that it was back.
    let versions = json!([
        version(1, 1, "100", (began, Some("2024-03-20T06:00:00Z")), first),
        version(2, 1, "100", ("2024-05-10T06:00:00Z", None), "2024-05-10T06:00:00Z")
    ]);
    let tenant = start(versions).await;
    tenant.build(Mode::Full, "2024-06-15T06:00:00Z", &configured()).await;
    assert_eq!(
        tenant.rows(MONTHS).await,
        [
            "202401 | 1 | 100.0000 | 0.0000 | new | true | true",
            "202402 | 1 | 100.0000 | 100.0000 | none | false | true",
            "202403 | 1 | 0.0000 | 100.0000 | churn | false | true",
            "202405 | 1 | 100.0000 | 0.0000 | reactivation | false | true",
            "202406 | 1 | 100.0000 | 100.0000 | none | false | false"
        ]
    );
}

#[tokio::test]
async fn an_agreement_that_is_gone_takes_its_additions_with_it() {
    let (began, first) = ("2024-01-10T10:00:00Z", "2024-02-05T06:00:00Z");
    let mut other = version(2, 2, "40", (began, None), first);
    other["agreementId"] = json!(8);
    let tenant = start(json!([version(1, 1, "100", (began, None), first), other])).await;
    // Runs noticed on 20 March that agreement 7 was gone, and have its addition still. Agreement 8 was never read.
    let mut terms = agreement("Monthly");
    terms[0]["isCurrent"] = json!(false);
    terms[0]["validTo"] = json!("2024-03-20T06:00:00Z");
    tenant.put_history("Agreement", terms).await;
    tenant.build(Mode::Full, "2024-05-15T06:00:00Z", &configured()).await;
    assert_eq!(
        tenant.rows(MONTHS).await,
        [
            "202401 | 1 | 100.0000 | 0.0000 | new | true | true",
            "202402 | 1 | 100.0000 | 100.0000 | none | false | true",
            "202403 | 1 | 0.0000 | 100.0000 | churn | false | true",
            "202401 | 2 | NULL | 0.0000 | none | true | true",
            "202402 | 2 | NULL | 0.0000 | none | false | true",
            "202403 | 2 | NULL | 0.0000 | none | false | true",
            "202404 | 2 | NULL | 0.0000 | none | false | true",
            "202405 | 2 | NULL | 0.0000 | none | false | false"
        ]
    );
}
