//! Days of instants are those of the business's time zone, and calendar days are nobody's.
//!
//! The rows are in `tests/golden/zones`, and those of other entities in `tests/golden/silver`. The expected values follow from the
//! rules of the zones in 2024: New York is at UTC-5, and at UTC-4 from 10 March, 07:00 UTC, to 3 November, 06:00 UTC; Sydney is at
//! UTC+11 up to 6 April, 16:00 UTC, at UTC+10 then, and at UTC+11 again from 5 October, 16:00 UTC.

use connectwise_pipeline::gold::{GoldConfig, OwnModels};
use connectwise_pipeline::silver::{BuildOutcome, Mode};

use super::tenant::{Tenant, configured};

/// 23:00 on Monday 4 November in New York, 15:00 on Tuesday in Sydney.
const NIGHT: &str = "2024-11-05T04:00:00Z";
/// The same day in all three zones: 07:00 in New York, 23:00 in Sydney.
const SAME_DAY: &str = "2024-11-05T12:00:00Z";
const NEW_YORK: &str = "America/New_York";
const SYDNEY: &str = "Australia/Sydney";

fn in_zone(zone: &str) -> GoldConfig {
    GoldConfig { time_zone: zone.to_owned(), ..configured() }
}

async fn built(zone: &str) -> Tenant {
    let tenant = Tenant::of_zones().await;
    let report = tenant.build(Mode::Full, NIGHT, &in_zone(zone)).await;
    assert!(report.tables.iter().all(|table| table.error.is_none()), "{:?}", report.tables);
    tenant
}

#[tokio::test]
async fn work_is_on_the_day_that_clocks_show() {
    // Each night that changes the clocks has the last second of the day before it, its first, and its last second and the first of
    // the day after: with another offset. Entry 17 has hours and no end, so that its midnight is a calendar day; 18 and 19 begin at an
    // instant.
    let days = "select timeEntryId, WorkDateSK, enteredSameDay from fact_timeentry order by 1";
    assert_eq!(
        built(NEW_YORK).await.rows(days).await,
        [
            "1 | 20240309 | false",
            "2 | 20240310 | NULL",
            "3 | 20240310 | NULL",
            "4 | 20240311 | NULL",
            "5 | 20241102 | NULL",
            "6 | 20241103 | NULL",
            "7 | 20241103 | true",
            "8 | 20241104 | NULL",
            "9 | 20240406 | NULL",
            "10 | 20240406 | NULL",
            "11 | 20240407 | NULL",
            "12 | 20240407 | NULL",
            "13 | 20241005 | NULL",
            "14 | 20241005 | NULL",
            "15 | 20241006 | NULL",
            "16 | 20241006 | NULL",
            "17 | 20240701 | true",
            "18 | 20240630 | NULL",
            "19 | 20240630 | NULL",
            "20 | -1 | NULL",
        ]
    );
    assert_eq!(
        built(SYDNEY).await.rows(days).await,
        [
            "1 | 20240310 | true",
            "2 | 20240310 | NULL",
            "3 | 20240311 | NULL",
            "4 | 20240311 | NULL",
            "5 | 20241103 | NULL",
            "6 | 20241103 | NULL",
            "7 | 20241104 | true",
            "8 | 20241104 | NULL",
            "9 | 20240406 | NULL",
            "10 | 20240407 | NULL",
            "11 | 20240407 | NULL",
            "12 | 20240408 | NULL",
            "13 | 20241005 | NULL",
            "14 | 20241006 | NULL",
            "15 | 20241006 | NULL",
            "16 | 20241007 | NULL",
            "17 | 20240701 | false",
            "18 | 20240701 | NULL",
            "19 | 20240701 | NULL",
            "20 | -1 | NULL",
        ]
    );
}

#[tokio::test]
async fn tickets_are_opened_closed_and_stale_on_days_of_the_zone() {
    let days = "select ticketId, EnteredDateSK, RespondedDateSK, PlannedDateSK, ResolvedDateSK, ClosedDateSK, RequiredDateSK, \
                sameDayClose, ageDays, daysSinceUpdate, isStale from fact_ticket order by 1";
    // Ticket 31 was changed on Tuesday 29 October at 00:30: the sixth day before Monday 4 November, which four business days
    // follow.
    assert_eq!(
        built(NEW_YORK).await.rows(days).await,
        [
            "30 | 20241102 | 20240310 | 20240406 | 20241006 | 20241103 | 20241105 | false | NULL | NULL | false",
            "31 | 20241104 | -1 | -1 | -1 | -1 | -1 | NULL | 0 | 6 | false",
            "32 | 20240309 | -1 | -1 | -1 | 20240310 | 20240310 | false | NULL | NULL | false",
        ]
    );
    // At 15:30 of the same day, the seventh before Tuesday 5 November, with five business days after it.
    assert_eq!(
        built(SYDNEY).await.rows(days).await,
        [
            "30 | 20241103 | 20240311 | 20240407 | 20241007 | 20241103 | 20241105 | true | NULL | NULL | false",
            "31 | 20241104 | -1 | -1 | -1 | -1 | -1 | NULL | 1 | 7 | true",
            "32 | 20240310 | -1 | -1 | -1 | 20240311 | 20240310 | false | NULL | NULL | false",
        ]
    );
}

#[tokio::test]
async fn calendar_days_are_not_converted_and_ages_count_to_today_in_the_zone() {
    let (new_york, sydney) = (built(NEW_YORK).await, built(SYDNEY).await);
    for (query, in_new_york, in_sydney) in [
        ("select ExpenseDateSK, `date` from fact_expenseentry", "20240310 | 2024-03-10", "20240310 | 2024-03-10"),
        ("select PurchaseDateSK from fact_productitem", "20241103", "20241103"),
        (
            "select InvoiceDateSK, `date`, dueDate, daysPastDue, agingBucket from fact_invoice where invoiceId = 500",
            "20240310 | 2024-03-10 | 2024-11-04 | 0 | Current",
            "20240310 | 2024-03-10 | 2024-11-04 | 1 | 1-30",
        ),
        // It ends on the day that is today in New York and yesterday in Sydney, and is cancelled for the next.
        (
            "select startDate, endDate, cancelledDate, isActive, EffectiveDate from dimagreement where agreementId = 100",
            "2024-10-06 | 2024-11-04 | 2024-11-05 | true | 2024-10-06",
            "2024-10-06 | 2024-11-04 | 2024-11-05 | false | 2024-10-06",
        ),
        (
            "select EffectiveDate, EndDate from dimmember where memberId = 10",
            "2024-03-10 | 2024-11-03",
            "2024-03-10 | 2024-11-03",
        ),
        // Acquired on a calendar day, and deleted at 23:30 in New York and at 15:30 of the next day in Sydney.
        (
            "select EffectiveDate, EndDate from dimcompany where companyId = 1",
            "2024-03-10 | 2024-11-03",
            "2024-03-10 | 2024-11-04",
        ),
        // The first work for it is entry 1.
        ("select EffectiveDate from dimcompany where companyId = 2", "2024-03-09", "2024-03-10"),
        // Work to bill of today and of 1 July: 30 days of July, then 31, 30 and 31 lead to 31 October.
        (
            "select `date`, ageDays, agingBucket from fact_invoiceline where sourceId = 8 and lineSource = 'time'",
            "2024-11-04 | 0 | Current",
            "2024-11-04 | 1 | 1-30",
        ),
        (
            "select `date`, ageDays, agingBucket from fact_invoiceline where sourceId = 17 and lineSource = 'time'",
            "2024-07-01 | 126 | 90+",
            "2024-07-01 | 127 | 90+",
        ),
        // Entered in the second before midnight of 9 March and closed at 23:30 of 2 November in New York: 245 days to 9 November, less 7.
        (
            "select EnteredDateSK, ClosedDateSK, daysToClose from fact_opportunity where opportunityId = 1",
            "20240309 | 20241102 | 238",
            "20240310 | 20241103 | 238",
        ),
        // Expected on the day that is today in New York and yesterday in Sydney.
        (
            "select ExpectedCloseDateSK, isOverdue from fact_opportunity where opportunityId = 2",
            "20241104 | false",
            "20241104 | true",
        ),
        (
            "select ExpectedDateSK, daysLate, isLate from fact_purchaseorderline where purchaseOrderLineId = 30",
            "20241104 | 0 | false",
            "20241104 | 1 | true",
        ),
        // At 23:30 in New York.
        ("select StartDateSK from fact_activity where activityId = 1", "20241104", "20241105"),
        // A Sunday night in New York is Monday in Sydney, and the last of June is July there.
        (
            "select d.isWeekend, d.dayName from fact_timeentry f join dimdate d on d.DateKey = f.WorkDateSK where timeEntryId = 7",
            "true | Sunday",
            "false | Monday",
        ),
        (
            "select d.month, d.quarter from fact_timeentry f join dimdate d on d.DateKey = f.WorkDateSK where timeEntryId = 18",
            "6 | 2",
            "7 | 3",
        ),
        // Entry 1; entries 2 and 3 or 1 and 2, and the expense; entry 4 or entries 3 and 4.
        (
            "select sum(case when DateKey = 20240309 then usage_count end), sum(case when DateKey = 20240310 then usage_count end), \
             sum(case when DateKey = 20240311 then usage_count end) from dimdate",
            "1 | 3 | 1",
            "0 | 3 | 2",
        ),
        // Instants stay what they are.
        (
            "select timeStart, dateEntered from fact_timeentry where timeEntryId = 1",
            "2024-03-10T04:59:59Z | 2024-03-10T05:00:00Z",
            "2024-03-10T04:59:59Z | 2024-03-10T05:00:00Z",
        ),
    ] {
        assert_eq!(new_york.rows(query).await, [in_new_york], "{query}");
        assert_eq!(sydney.rows(query).await, [in_sydney], "{query}");
    }
}

#[tokio::test]
async fn a_changed_zone_rewrites_what_depends_on_it_and_nothing_else() {
    let tenant = Tenant::of_zones().await;
    tenant.build(Mode::Full, SAME_DAY, &configured()).await;
    let before = tenant.versions().await;
    let moved = "2024-11-05T12:30:00Z";
    let report = tenant.build(Mode::Incremental, moved, &in_zone(NEW_YORK)).await;
    assert!(report.tables.iter().all(|table| table.error.is_none()), "{:?}", report.tables);

    let after = tenant.versions().await;
    let same: Vec<&str> = before.iter().filter(|table| after.contains(table)).map(|(name, _)| name.as_str()).collect();
    for table in ["dimension_keys", "fact_expenseentry", "fact_productitem", "fact_invoice"] {
        assert!(same.contains(&table), "{table} has a new version");
    }
    for table in ["fact_timeentry", "fact_ticket", "dimdate", "dimcompany"] {
        assert!(!same.contains(&table), "{table} has no new version");
    }
    // Of the tables that depend on it, the rows whose day is another one.
    let rewritten = |table: &str, key: &str| {
        format!("select {key} from {table} where _etl_batch_id = 'run-{moved}' order by {key}")
    };
    let entries = tenant.rows(&rewritten("fact_timeentry", "timeEntryId")).await;
    assert_eq!(entries, ["1", "3", "5", "7", "17", "18", "19"]);
    assert_eq!(tenant.rows(&rewritten("fact_ticket", "ticketId")).await, ["30", "32"]);
    assert_eq!(tenant.rows(&rewritten("dimcompany", "companyId")).await, ["1", "2"]);

    // A full build finds nothing to change, in whatever it looks at, and an incremental one nothing to look at.
    for mode in [Mode::Full, Mode::Incremental] {
        let versions = tenant.versions().await;
        let report = tenant.build(mode, "2024-11-05T12:45:00Z", &in_zone(NEW_YORK)).await;
        let written = report.tables.iter().filter(|table| table.outcome != BuildOutcome::Unchanged);
        assert_eq!(written.map(|table| table.table.to_string()).collect::<Vec<_>>(), [""; 0], "{mode:?}");
        if matches!(mode, Mode::Incremental) {
            assert_eq!(tenant.versions().await, versions);
        }
    }

    // From zone to zone, over days that aren't the same, it ends where one build ends.
    tenant.build(Mode::Incremental, NIGHT, &in_zone(SYDNEY)).await;
    tenant.build(Mode::Incremental, NIGHT, &in_zone(NEW_YORK)).await;
    let at_once = built(NEW_YORK).await;
    for table in connectwise_pipeline::gold::tables().unwrap().into_iter().filter(|table| *table != "dimension_keys") {
        assert_eq!(tenant.content(table).await, at_once.content(table).await, "{table}");
    }
}

#[tokio::test]
async fn models_of_a_user_follow_the_zone_by_themselves_and_through_facts() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        (
            "models.toml",
            "[[model]]\nname = \"evenings\"\nkind = \"fact\"\nkey = \"id\"\ncolumns = \"id:int! day:date\"\n\
             [[model]]\nname = \"busy\"\nkind = \"fact\"\nkey = \"WorkDateSK\"\ncolumns = \"WorkDateSK:int! entries:bigint!\"\n\
             [[model]]\nname = \"bought\"\nkind = \"fact\"\nkey = \"productItemId\"\ncolumns = \"productItemId:int!\"\n",
        ),
        (
            "evenings.sql",
            "select id, cast(from_utc_timestamp(timeStart, '${time_zone}') as date) as day from silver_cw_timeentry where id = 7",
        ),
        (
            "busy.sql",
            "select WorkDateSK, count(*) as entries from fact_timeentry where timeEntryId in (5, 6, 7) group by WorkDateSK",
        ),
        ("bought.sql", "select productItemId from fact_productitem"),
    ];
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let models = OwnModels::read(folder.path()).unwrap();
    let config = |zone: &str| GoldConfig { models: models.clone(), ..in_zone(zone) };
    let tenant = Tenant::of_zones().await;
    tenant.build(Mode::Full, SAME_DAY, &config("UTC")).await;
    assert_eq!(tenant.own_rows("evenings", "id, day").await, ["7 | 2024-11-04"]);
    assert_eq!(tenant.own_rows("busy", "WorkDateSK, entries").await, ["20241103 | 2", "20241104 | 1"]);

    let report = tenant.build(Mode::Incremental, SAME_DAY, &config(NEW_YORK)).await;
    assert_eq!(tenant.own_rows("evenings", "id, day").await, ["7 | 2024-11-03"]);
    assert_eq!(tenant.own_rows("busy", "WorkDateSK, entries").await, ["20241102 | 1", "20241103 | 2"]);
    let of = |name: &str| report.tables.iter().find(|table| table.table.name == name).unwrap();
    assert_eq!(of("busy").outcome, BuildOutcome::Written);
    assert_eq!(of("bought").outcome, BuildOutcome::Unchanged);
}
