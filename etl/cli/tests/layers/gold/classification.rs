//! How agreements are classified where no rules are configured: by what they and their types say of how they are billed.

use connectwise_pipeline::gold::GoldConfig;
use connectwise_pipeline::silver::{BuildOutcome, Mode};
use serde_json::{Value, json};

use super::tenant::{Tenant, configured};

const FIRST: &str = "2024-07-01T06:00:00Z";
const SECOND: &str = "2024-07-01T18:00:00Z";

fn agreements() -> Value {
    json!([
        // Each has what a later setting would say, too.
        {"id": 1, "typeId": 2, "typeName": "Own work", "chargeToFirm": true, "applicationLimit": "10", "coverAgreementTime": true},
        {"id": 2, "typeId": 2, "typeName": "Block", "applicationUnits": "Hours", "applicationLimit": "20", "coverAgreementTime": true},
        {"id": 3, "typeId": 2, "typeName": "Block", "applicationUnits": "Amount", "applicationLimit": "500", "billTime": "Billable"},
        {"id": 4, "typeId": 2, "typeName": "Block", "applicationLimit": "20", "applicationUnlimitedFlag": true, "coverAgreementTime": true, "billTime": "Billable"},
        {"id": 5, "typeId": 2, "typeName": "Block", "applicationLimit": "0", "billTime": "NoCharge"},
        {"id": 6, "typeId": 2, "typeName": "Block", "billTime": "DoNotBill"},
        {"id": 7, "typeId": 2, "typeName": "Block", "billTime": "Billable"},
        {"id": 8, "typeId": 2, "typeName": "Block", "billTime": "NoDefault"},
        // Their types say more than they do themselves.
        {"id": 9, "typeId": 3, "typeName": "Internal"},
        {"id": 10, "typeId": 4, "typeName": "Hours ahead", "billTime": "Billable"},
        {"id": 11, "typeId": 5, "typeName": "Covered"},
        // Its own setting counts, and its type's for what it leaves open.
        {"id": 12, "typeId": 5, "typeName": "Covered", "coverAgreementTime": false},
        {"id": 13, "typeId": 6, "typeName": "Mystery"},
        {"id": 14, "typeId": 6, "typeName": "Mystery", "isDeleted": true}
    ])
}

fn types() -> Value {
    json!([
        {"id": 3, "name": "Internal", "chargeToFirmFlag": true, "prePaymentFlag": true},
        {"id": 4, "name": "Hours ahead", "prePaymentFlag": true},
        {"id": 5, "name": "Covered", "coverAgreementTimeFlag": true, "billTime": "Billable"},
        {"id": 6, "name": "Mystery"},
        {"id": 7, "name": "By the hour", "applicationUnlimitedFlag": true, "applicationLimit": "5", "billTime": "Billable"}
    ])
}

/// An entry for each agreement and one for an agreement that was not loaded, of the same ids.
fn entries() -> Value {
    let entry = |id: i32| {
        json!({"id": id, "agreementId": id, "billableOption": "Billable", "status": "Open", "actualHours": "1", "hourlyRate": "100",
               "timeStart": "2024-06-17T09:00:00Z", "agreementType": "Stated"})
    };
    (1..=13).chain([77]).map(entry).collect()
}

async fn tenant() -> Tenant {
    let tenant = Tenant::empty();
    tenant.put("Agreement", agreements()).await;
    tenant.put("AgreementType", types()).await;
    tenant.put("TimeEntry", entries()).await;
    tenant
}

#[tokio::test]
async fn agreements_are_classified_by_their_own_settings() {
    let tenant = tenant().await;
    let report = tenant.build(Mode::Full, FIRST, &GoldConfig::default()).await;
    assert!(report.tables.iter().all(|table| table.error.is_none()), "{:?}", report.tables);
    // The deleted one isn't counted.
    assert_eq!(report.unmatched_agreement_types, [("Mystery".to_owned(), 1)].into());
    assert_eq!(
        tenant
            .rows(
                "select agreementId, agreementTypeNormalized, billingBehavior from dimagreement \
                 where agreementId is not null order by 1"
            )
            .await,
        [
            "1 | internal_project | internal",
            "2 | prepaid_hours | prepaid",
            "3 | prepaid_hours | prepaid",
            "4 | operations | operations",
            "5 | operations | operations",
            "6 | operations | operations",
            "7 | billable_service | billable",
            "8 | billable_service | billable",
            "9 | internal_project | internal",
            "10 | prepaid_hours | prepaid",
            "11 | operations | operations",
            "12 | billable_service | billable",
            "13 | other | unknown",
            "14 | other | unknown",
            "77 | other | unknown",
        ]
    );
    assert_eq!(
        tenant.rows("select typeId, agreementCategory from dimagreementtype where typeId is not null order by 1").await,
        [
            "2 | other",
            "3 | internal_project",
            "4 | prepaid_hours",
            "5 | operations",
            "6 | other",
            "7 | billable_service"
        ]
    );
    // Billable work under an agreement that covers it, or of which nobody knows, has none of the statuses.
    assert_eq!(
        tenant
            .rows(
                "select timeEntryId, agreement_type_normalized, effectiveBillingStatus from fact_timeentry order by 1"
            )
            .await,
        [
            "1 | internal_project | Internal",
            "2 | prepaid_hours | Prepaid",
            "3 | prepaid_hours | Prepaid",
            "4 | operations | NULL",
            "5 | operations | NULL",
            "6 | operations | NULL",
            "7 | billable_service | Billable",
            "8 | billable_service | Billable",
            "9 | internal_project | Internal",
            "10 | prepaid_hours | Prepaid",
            "11 | operations | NULL",
            "12 | billable_service | Billable",
            "13 | other | NULL",
            "77 | other | NULL",
        ]
    );
    // Prepaid and internal work isn't to be billed: 14 entries less 1, 2, 3, 9 and 10.
    assert_eq!(
        tenant.rows("select sourceId from fact_invoiceline order by 1").await,
        ["4", "5", "6", "7", "8", "11", "12", "13", "77"]
    );
}

#[tokio::test]
async fn a_changed_setting_of_a_type_reaches_the_rows_of_its_agreements() {
    let tenant = tenant().await;
    tenant.build(Mode::Full, FIRST, &GoldConfig::default()).await;
    let mut changed = types();
    changed[3]["prePaymentFlag"] = json!(true);
    tenant.put("AgreementType", changed).await;
    let report = tenant.build(Mode::Incremental, SECOND, &GoldConfig::default()).await;
    assert!(report.unmatched_agreement_types.is_empty(), "{:?}", report.unmatched_agreement_types);
    let written = format!("_etl_batch_id = 'run-{SECOND}'");
    assert_eq!(
        tenant
            .rows(&format!("select timeEntryId, effectiveBillingStatus from fact_timeentry where {written} order by 1"))
            .await,
        ["13 | Prepaid"]
    );
    assert_eq!(tenant.rows("select sourceId from fact_invoiceline where sourceId = 13").await, [""; 0]);
    let full = tenant.build(Mode::Full, SECOND, &GoldConfig::default()).await;
    assert!(full.tables.iter().all(|table| table.outcome == BuildOutcome::Unchanged), "{:?}", full.tables);
}

#[tokio::test]
async fn where_rules_are_configured_settings_count_for_nothing() {
    let tenant = tenant().await;
    tenant.build(Mode::Full, FIRST, &GoldConfig::default()).await;
    let report = tenant.build(Mode::Incremental, SECOND, &configured()).await;
    // None of the names is Icelandic. Agreements 2 to 8 are of one type.
    let unmatched =
        [("Block", 7), ("Covered", 2), ("Hours ahead", 1), ("Internal", 1), ("Mystery", 1), ("Own work", 1)];
    assert_eq!(report.unmatched_agreement_types, unmatched.map(|(name, count)| (name.to_owned(), count)).into());
    for sql in [
        "select distinct agreementTypeNormalized from dimagreement where agreementId is not null",
        "select distinct agreementCategory from dimagreementtype where typeId is not null",
        "select distinct agreement_type_normalized from fact_timeentry",
    ] {
        assert_eq!(tenant.rows(sql).await, ["other"], "{sql}");
    }
    assert_eq!(tenant.rows("select count(*) from fact_invoiceline").await, ["14"], "all of it is to be billed");
}
