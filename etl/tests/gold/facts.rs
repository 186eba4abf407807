//! What rows say.

use connectwise_etl::gold::GoldConfig;
use connectwise_etl::silver::Mode;
use tokio::sync::OnceCell;

use crate::tenant::Tenant;

const FIRST: &str = "2024-07-01T06:00:00Z";

/// The tenant, built once for all tests that only read.
pub(crate) async fn built() -> &'static Tenant {
    static TENANT: OnceCell<Tenant> = OnceCell::const_new();
    TENANT
        .get_or_init(async || {
            let tenant = Tenant::small().await;
            let report = tenant.build(Mode::Full, FIRST, &GoldConfig::default()).await;
            let failed: Vec<_> = report.tests.iter().filter(|test| !test.passed()).collect();
            assert!(failed.is_empty() && report.tests.len() >= 85, "{failed:?}");
            assert_eq!(report.unmatched_agreement_types, [("Managed Services".to_owned(), 1)].into());
            tenant
        })
        .await
}

#[tokio::test]
async fn time_entries_are_priced_classified_and_judged() {
    let tenant = built().await;
    let rows = tenant
        .rows(
            "select timeEntryId, effectiveHourlyCost, potentialRevenue, actualCost, margin, marginPercentage, \
             agreement_type_normalized, agreement_billing_behavior, parentAgreementId, final_agreement_number, \
             effectiveBillingStatus, utilizationStatus, WorkDateSK, isDeleted \
             from fact_timeentry order by timeEntryId",
        )
        .await;
    assert_eq!(
        rows,
        [
            "1 | 50.0000 | 200.0000 | 100.0000 | 100.0000 | 50.0000 | billable_service | billable | NULL | S-100 | Billable | Billable - Open | 20240617 | false",
            "2 | 30.0000 | 0.0000 | 45.0000 | -45.0000 | 0.0000 | prepaid_hours | prepaid | 100 | S-100 | Prepaid | Non-Billable - BilledAgreement | 20240617 | false",
            "3 | 0.0000 | NULL | 0.0000 | NULL | NULL | internal_project | internal | NULL | NULL | Internal | Internal - WrittenOff | 20240617 | false",
            // 0.3333 x 23800 = 7932.54, cost 0.3333 x 50 = 16.665; 7915.875 / 7932.54 = 99.789916...%
            "4 | 50.0000 | 7932.5400 | 16.6650 | 7915.8750 | 99.7899 | internal_project | internal | NULL | NULL | Invoiced | Internal - Billed | 20240630 | false",
            "5 | 0.0000 | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL | NoCharge | No Charge - ReadyToBill | -1 | false",
            "6 | 0.0000 | 1.0000 | 0.0000 | 1.0000 | 100.0000 | other | unknown | NULL | NULL | DoNotBill | NULL | 20240617 | false",
            "7 | 2.0000 | 21.0000 | 6.0000 | 15.0000 | 71.4286 | other | unknown | NULL | NULL | NULL | Billable - Open | 20240617 | false",
            "8 | 0.0000 | 1.0000 | 0.0000 | 1.0000 | 100.0000 | prepaid_hours | prepaid | NULL | NULL | Prepaid | Billable - Open | 20240617 | true",
        ]
    );
}

#[tokio::test]
async fn missing_numbers_and_flags_have_their_defaults() {
    let tenant = built().await;
    let rows = tenant
        .rows(
            "select TimeentrySK, actualHours, hourlyRate, hoursBilled, hourlyCost, extendedInvoiceAmount, memberDailyCapacity, \
             invoiceFlag, invoiceReady, workTypeUtilizationFlag, invoiceNumber, agreement_type, agreementType, timeStart, \
             _etl_source, _etl_batch_id, _etl_gold_processed_at \
             from fact_timeentry where timeEntryId in (4, 5) order by timeEntryId",
        )
        .await;
    assert_eq!(
        rows,
        [
            "4b227777d4dd1fc61c6f884f48641d02b4d121d3fd328cb08b5531fcacdabf8a | 0.3333 | 23800.0000 | 0.0000 | 0.0000 | 0.0000 | 8.0000 | \
             false | 0 | false | INV-1 | Innri verkefni | NULL | 2024-06-30T23:59:59Z | \
             silver_cw_timeentry | run-2024-07-01T06:00:00Z | 2024-07-01T06:00:00Z",
            "ef2d127de37b942baad06145e54b0c619a1f22327b2ebbcfbec78f5564afe39d | NULL | 10.0000 | 0.0000 | 0.0000 | 0.0000 | 8.0000 | \
             false | 0 | false | NULL | NULL | NULL | NULL | \
             silver_cw_timeentry | run-2024-07-01T06:00:00Z | 2024-07-01T06:00:00Z",
        ]
    );
}

#[tokio::test]
async fn facts_carry_the_keys_of_their_dimensions() {
    let tenant = built().await;
    // Names looked up through the keys: what has no natural key meets the unknown member.
    let rows = tenant
        .rows(
            "select f.timeEntryId, c.companyName, m.memberName, a.agreementName, t.typeName, b.billableCategory, s.statusCategory, \
             g.chargeCategory, w.workTypeName, r.workRoleName, d.departmentName, u.businessGroupDesc, y.dayName \
             from fact_timeentry f join dimcompany c on c.CompanyKey = f.CompanyKey join dimmember m on m.MemberKey = f.MemberKey \
             join dimagreement a on a.AgreementSK = f.AgreementSK join dimagreementtype t on t.AgreementTypeKey = f.AgreementTypeKey \
             join dimbillablestatus b on b.BillableStatusKey = f.BillableStatusKey \
             join dimtimeentrystatus s on s.TimeEntryStatusKey = f.TimeEntryStatusKey \
             join dimchargetype g on g.ChargeTypeKey = f.ChargeTypeKey join dimworktype w on w.WorkTypeKey = f.WorkTypeKey \
             join dimworkrole r on r.WorkRoleKey = f.WorkRoleKey join dimdepartment d on d.DepartmentKey = f.DepartmentKey \
             join dimbusinessunit u on u.BusinessUnitKey = f.BusinessUnitKey join dimdate y on y.DateKey = f.WorkDateSK \
             order by f.timeEntryId",
        )
        .await;
    let unknown = "Unknown | Unknown | Unknown | Unknown | Unknown";
    assert_eq!(
        rows,
        [
            "1 | Acme | Anna Ásdísardóttir | Parent | yÞjónusta | Billable | Open | Ticket | Renamed | Engineer | Service | Service | Monday".to_owned(),
            "2 | Acme | Björn Karlsson | Hours | Tímapottur : | NonBillable | Billed | Project | Renamed | Unknown | Unknown | Unknown | Monday".to_owned(),
            format!("3 | Only here | Gone | Internal | Innri verkefni | Billable | Closed | {unknown} | Monday"),
            format!("4 | Unknown | Anna Ásdísardóttir | Internal | Innri verkefni | Billable | Billed | {unknown} | Sunday"),
            format!("5 | Unknown | Unknown | Unknown | Unknown | NonBillable | Ready | {unknown} | Unknown"),
            format!("6 | Unknown | Unknown | Mystery | Managed Services | NonBillable | Unknown | {unknown} | Monday"),
            format!("7 | Unknown | Unknown | Mystery | Managed Services | Billable | Open | {unknown} | Monday"),
            format!("8 | Unknown | Unknown | Not loaded | Unknown | Billable | Open | {unknown} | Monday"),
        ]
    );
}

#[tokio::test]
async fn expenses_and_products_have_their_margins() {
    let tenant = built().await;
    assert_eq!(
        tenant
            .rows(
                "select expenseId, amount, quantity, `date`, ExpenseDateSK, totalAmount, totalCost, margin, expenseTypeName, \
                 agreement_type_normalized, final_agreement_number, effectiveBillingStatus from fact_expenseentry order by expenseId"
            )
            .await,
        [
            "1 | 35060.5000 | 1.0000 | 2024-06-18 | 20240618 | 35060.5000 | 0.0000 | 35060.5000 | Travel | billable_service | S-100 | Billable",
            "2 | 0.0000 | 1.0000 | NULL | -1 | 0.0000 | 0.0000 | 0.0000 | NULL | NULL | NULL | NoCharge",
        ]
    );
    assert_eq!(
        tenant
            .rows(
                "select productItemId, quantity, price, extPrice, extCost, margin, marginPercentage, PurchaseDateSK, \
                 agreement_billing_behavior, parentAgreementId, final_agreement_number from fact_productitem order by productItemId"
            )
            .await,
        [
            "4 | 2.0000 | 10.0000 | 20.0000 | 12.0000 | 8.0000 | 40.0000 | 20240701 | prepaid | 100 | S-100",
            "5 | 0.0000 | 0.0000 | 0.0000 | 5.0000 | -5.0000 | 0.0000 | -1 | NULL | NULL | NULL",
        ]
    );
}

#[tokio::test]
async fn dimensions_take_their_own_rows_and_fill_gaps_from_the_facts() {
    let tenant = built().await;
    assert_eq!(
        tenant
            .rows("select * from dimcompany order by CompanyKey")
            .await
            .iter()
            .map(|row| business(row))
            .collect::<Vec<_>>(),
        [
            "-1 | NULL | Unknown | Unknown | Unknown | Unknown | Unknown | 0 | true | NULL | NULL",
            // Two time entries, one expense and one product.
            "1 | 1 | Acme | Client, Vendor | ACME | Active | South | 4 | true | 2020-03-01 | NULL",
            "2 | 2 | Beta | NULL | BETA | NULL | NULL | 0 | false | NULL | 2024-02-03",
            "3 | 77 | Only here | NULL | NULL | NULL | NULL | 1 | true | 2024-06-17 | NULL",
        ]
    );
    assert_eq!(
        tenant
            .rows("select * from dimmember order by MemberKey")
            .await
            .iter()
            .map(|row| business(row))
            .collect::<Vec<_>>(),
        [
            "-1 | NULL | Unknown | Unknown | Unknown | false | 0 | true | NULL | NULL",
            "1 | 10 | Anna Ásdísardóttir | anna | anna@example.com | false | 3 | true | 2019-01-01 | NULL",
            "2 | 11 | Björn Karlsson | bjorn | NULL | true | 1 | false | 2024-06-17 | 2024-05-31",
            "3 | 99 | Gone | NULL | NULL | false | 1 | true | 2024-06-17 | NULL",
        ]
    );
    assert_eq!(
        tenant
            .rows(
                "select AgreementSK, agreementId, number, parentAgreementName, companyName, billingModel, contractLimit, isUnlimited, coversTime, \
                 recurringAmount, startDate, endDate, isOpenEnded, isCancelled, isActive, ageInMonths, durationDays, \
                 agreementTypeNormalized, billingBehavior, usage_count, EffectiveDate from dimagreement order by AgreementSK"
            )
            .await,
        [
            "-1 | NULL | Unknown | Unknown | Unknown | Unknown | NULL | false | false | NULL | NULL | NULL | false | false | true | NULL | NULL | Unknown | Unknown | 0 | NULL",
            "1 | 100 | S-100 | NULL | Acme | Amount | 20.0000 | false | true | 1000.5000 | 2024-01-15 | 2025-01-14 | false | false | true | 6 | 365 | billable_service | billable | 2 | 2024-01-15",
            "2 | 101 | S-100 | Parent | NULL | NULL | NULL | false | false | NULL | 2024-03-01 | 2024-05-31 | false | false | false | 4 | 91 | prepaid_hours | prepaid | 2 | 2024-03-01",
            "3 | 102 | NULL | NULL | NULL | NULL | NULL | false | false | NULL | 2023-12-31 | NULL | true | false | true | 7 | NULL | internal_project | internal | 2 | 2023-12-31",
            "4 | 103 | NULL | NULL | NULL | NULL | NULL | false | false | NULL | NULL | NULL | false | true | false | NULL | NULL | other | unknown | 2 | 2024-06-17",
            // Only a deleted row names it.
            "5 | 999 | NULL | NULL | NULL | NULL | NULL | false | false | NULL | NULL | NULL | false | false | false | NULL | NULL | other | unknown | 0 | NULL",
        ]
    );
    assert_eq!(
        tenant
            .rows("select * from dimbillablestatus order by BillableStatusKey")
            .await
            .iter()
            .map(|row| business(row))
            .collect::<Vec<_>>(),
        [
            "-1 | Unknown | Unknown | 0 | true | NULL | NULL",
            "1 | Billable | Billable | 6 | true | 2024-06-17 | NULL",
            "2 | DoNotBill | NonBillable | 3 | true | 2024-06-17 | NULL",
            "3 | NoCharge | NonBillable | 2 | true | NULL | NULL",
        ]
    );
}

/// A row without its three technical columns, which stand last.
fn business(row: &str) -> &str {
    row.rsplitn(4, " | ").nth(3).unwrap()
}
