//! What happens when gold is built again.

use arrow::array::RecordBatch;
use connectwise_lakehouse::{Commit, Source, TableName};
use connectwise_pipeline::gold::{self, AgreementRule};
use connectwise_pipeline::silver::{BuildOutcome, Mode};
use serde_json::{Map, Value, json};

use super::tenant::{Tenant, configured, instant, silver_of};

const FIRST: &str = "2024-07-01T06:00:00Z";
const SECOND: &str = "2024-07-01T18:00:00Z";

#[tokio::test]
async fn without_a_change_nothing_is_committed() {
    let tenant = Tenant::small().await;
    let config = configured();
    tenant.build(Mode::Full, FIRST, &config).await;
    let versions = tenant.versions().await;
    assert_eq!(versions.len(), gold::schemas().unwrap().len());
    for mode in [Mode::Incremental, Mode::Full, Mode::Incremental] {
        let report = tenant.build(mode, SECOND, &config).await;
        assert!(
            report.tables.iter().all(|table| table.outcome == BuildOutcome::Unchanged),
            "{mode:?}: {:?}",
            report.tables
        );
        assert_eq!(tenant.versions().await, versions);
    }
}

#[tokio::test]
async fn an_incremental_run_rewrites_only_rows_whose_inputs_changed() {
    let tenant = Tenant::small().await;
    let config = configured();
    tenant.build(Mode::Incremental, FIRST, &config).await;
    let keys = "select dimension, naturalKey, surrogateKey from dimension_keys order by dimension, naturalKey";
    let before = tenant.rows(keys).await;

    let mut changed = silver_of("Member");
    changed[0]["hourlyCost"] = json!("60");
    tenant.put("Member", changed).await;
    let report = tenant.build(Mode::Incremental, SECOND, &config).await;
    let written: Vec<_> = report
        .tables
        .iter()
        .filter(|table| table.outcome == BuildOutcome::Written)
        .map(|table| table.table.to_string())
        .collect();
    assert_eq!(written, ["gold/fact_timeentry", "gold/fact_invoiceline", "gold/fact_ticket"]);
    assert_eq!(
        tenant.rows("select timeEntryId, actualCost from fact_timeentry where _etl_batch_id = 'run-2024-07-01T18:00:00Z' order by 1").await,
        ["1 | 120.0000", "4 | 19.9980", "12 | -60.0000", "15 | 240.0000", "16 | 480.0000", "17 | 600.0000"]
    );
    assert_eq!(tenant.rows(keys).await, before);
}

#[tokio::test]
async fn new_members_get_the_next_key_and_old_ones_keep_theirs() {
    let tenant = Tenant::small().await;
    let config = configured();
    tenant.build(Mode::Full, FIRST, &config).await;
    let mut entries = silver_of("TimeEntry");
    // Company 77 is named no more, 76 and 78 are new: 77 keeps its key and nobody else gets it.
    entries[2]["companyId"] = json!(78);
    entries[3]["companyId"] = json!(76);
    tenant.put("TimeEntry", entries).await;
    let mut products = silver_of("ProductItem");
    products[4]["companyId"] = json!(null);
    tenant.put("ProductItem", products).await;
    tenant.build(Mode::Incremental, SECOND, &config).await;
    let companies = "select CompanyKey, companyId from dimcompany order by CompanyKey";
    assert_eq!(
        tenant.rows(companies).await,
        [
            "-1 | NULL",
            "1 | 1",
            "2 | 2",
            "3 | 3",
            "5 | 88",
            "6 | 89",
            "7 | 90",
            "8 | 91",
            "9 | 92",
            "10 | 93",
            "11 | 76",
            "12 | 78"
        ]
    );
    assert_eq!(
        tenant.rows("select CompanyKey from fact_timeentry where timeEntryId in (3, 4) order by timeEntryId").await,
        ["12", "11"]
    );
    tenant.put("TimeEntry", silver_of("TimeEntry")).await;
    tenant.build(Mode::Full, "2024-07-01T19:00:00Z", &config).await;
    assert_eq!(
        tenant.rows(companies).await,
        ["-1 | NULL", "1 | 1", "2 | 2", "3 | 3", "4 | 77", "5 | 88", "6 | 89", "7 | 90", "8 | 91", "9 | 92", "10 | 93"]
    );
}

#[tokio::test]
async fn a_full_rebuild_equals_any_sequence_of_incremental_runs() {
    let config = configured();
    let step_by_step = Tenant::small().await;
    step_by_step.build(Mode::Incremental, FIRST, &config).await;
    let mut entries = silver_of("TimeEntry");
    entries[0]["status"] = json!("ReadyToBill");
    entries[1]["isDeleted"] = json!(true);
    entries
        .as_array_mut()
        .unwrap()
        .push(json!({"id": 99, "billableOption": "NoDefault", "companyId": 5, "timeStart": "2026-01-01T00:00:00Z"}));
    step_by_step.put("TimeEntry", entries.clone()).await;
    step_by_step.build(Mode::Incremental, SECOND, &config).await;
    let mut agreements = silver_of("Agreement");
    agreements[0]["customFields"] = json!("[{\"id\":4,\"value\":\"S-200\"}]");
    agreements[3]["typeName"] = json!("Alrekstur");
    step_by_step.put("Agreement", agreements.clone()).await;
    step_by_step.build(Mode::Incremental, SECOND, &config).await;

    let at_once = Tenant::small().await;
    at_once.put("TimeEntry", entries).await;
    at_once.put("Agreement", agreements).await;
    at_once.build(Mode::Full, SECOND, &config).await;
    for (table, _) in gold::schemas().unwrap().iter().filter(|(table, _)| table != "dimension_keys") {
        assert_eq!(step_by_step.content(table).await, at_once.content(table).await, "{table}");
    }
    assert_eq!(
        at_once.rows("select final_agreement_number from fact_timeentry where timeEntryId = 2").await,
        ["S-200"],
        "the parent's new number reaches the child's rows"
    );
}

#[tokio::test]
async fn a_changed_rule_reaches_the_rows_it_is_about() {
    let tenant = Tenant::small().await;
    tenant.build(Mode::Full, FIRST, &configured()).await;
    let mut config = configured();
    let rule =
        AgreementRule { pattern: "managed".into(), normalized: "managed_service".into(), behavior: "billable".into() };
    config.agreement_rules.as_mut().unwrap().push(rule);
    let report = tenant.build(Mode::Incremental, SECOND, &config).await;
    assert!(report.unmatched_agreement_types.is_empty());
    assert_eq!(
        tenant
            .rows("select timeEntryId, effectiveBillingStatus from fact_timeentry where _etl_batch_id = 'run-2024-07-01T18:00:00Z' order by 1")
            .await,
        ["6 | DoNotBill", "7 | Billable", "13 | Invoiced"]
    );
}

#[tokio::test]
async fn entities_that_were_not_loaded_are_empty() {
    let tenant = Tenant::empty();
    tenant.put("TimeEntry", silver_of("TimeEntry")).await;
    tenant.build(Mode::Full, FIRST, &configured()).await;
    assert_eq!(tenant.rows("select count(*) from fact_timeentry").await, ["37"]);
    assert_eq!(tenant.rows("select count(*) from fact_productitem").await, ["0"]);
    assert_eq!(
        tenant.rows("select memberName from dimmember order by MemberKey").await,
        ["Unknown", "Anna", "NULL", "NULL", "Left", "Gone"],
        "members come from the facts where their own table is missing"
    );
    for (table, name, expected) in [
        ("dimworktype", "workTypeName", &["Renamed", "Standby", "Unknown", "Vacation"][..]),
        ("dimworkrole", "workRoleName", &["Engineer", "Lead", "Unknown"][..]),
        ("dimdepartment", "departmentName", &["Service", "Unknown"][..]),
    ] {
        let names = format!("select {name} from {table} order by 1");
        assert_eq!(tenant.rows(&names).await, expected, "{table}");
    }
    // Entry 8 says by itself what its agreement is.
    assert_eq!(
        tenant
            .rows("select typeName, agreementTypeNormalized, billingBehavior from dimagreement where agreementId = 999")
            .await,
        ["Tímapottur | prepaid_hours | prepaid"]
    );
    assert_eq!(
        tenant.rows("select count(*) from dimagreementtype").await,
        ["1"],
        "types have ids, and no row names one"
    );
}

#[tokio::test]
async fn an_agreement_that_only_facts_name_is_of_the_newest_type_they_say() {
    let tenant = Tenant::empty();
    let entries = json!([
        {"id": 1, "agreementId": 7, "agreementName": "Old", "agreementType": "Alrekstur", "lastUpdated": "2024-01-01T00:00:00Z"},
        {"id": 2, "agreementId": 7, "agreementName": "New", "agreementAgreementType": "Tímapottur :", "lastUpdated": "2024-02-01T00:00:00Z"},
        {"id": 3, "agreementId": 7, "agreementName": "Newest", "lastUpdated": "2024-03-01T00:00:00Z"}
    ]);
    tenant.put("TimeEntry", entries).await;
    let invoices = json!([{"id": 1, "agreementId": 8, "agreementName": "Billed", "agreementType": "Office 365", "date": "2024-03-01"}]);
    tenant.put("Invoice", invoices).await;
    tenant.build(Mode::Full, FIRST, &configured()).await;
    let said = "select agreementName, typeName, agreementTypeNormalized, billingBehavior, isActive from dimagreement \
                where agreementId is not null order by agreementId";
    assert_eq!(
        tenant.rows(said).await,
        [
            "Newest | Tímapottur : | prepaid_hours | prepaid | true",
            "Billed | Office 365 | software_service | billable | false"
        ]
    );
}

#[tokio::test]
async fn a_full_build_heals_what_was_kept_wrongly() {
    let tenant = Tenant::small().await;
    let config = configured();
    tenant.build(Mode::Full, FIRST, &config).await;
    let good = tenant.content("dimmember").await;

    // The memory says that no row names a member.
    let table = TableName::ledger("gold_parts");
    let session = tenant.lake.session().unwrap();
    assert!(tenant.lake.register(&session, "kept", &table).await.unwrap());
    let tampered = "select k.`table`, k.files, k.`select`, k.number, \
                    case when k.`select` = 'member_uses' then e.content else k.content end as content \
                    from kept k cross join (select cast('' as bytea) as content) e";
    let frame = session.sql(tampered).await.unwrap();
    let schema = tenant.lake.table(&table).await.unwrap().schema().unwrap();
    // Readers hand out texts in more than one form.
    let fitted = |batch: RecordBatch| {
        let columns = batch.columns().iter().zip(schema.fields());
        let columns = columns.map(|(column, field)| arrow::compute::cast(column, field.data_type()).unwrap()).collect();
        RecordBatch::try_new(schema.clone(), columns).unwrap()
    };
    let batches = frame.collect().await.unwrap().into_iter().map(fitted).collect();
    let source = Source::batches(&session, batches).unwrap();
    let opened = tenant.lake.table(&table).await.unwrap();
    opened.overwrite(&schema, source, &Commit::new("tampered")).await.unwrap();

    let touch = async |cost: &str| {
        let mut members = silver_of("Member");
        members[0]["hourlyCost"] = json!(cost);
        tenant.put("Member", members).await;
    };
    touch("60").await;
    tenant.build(Mode::Incremental, SECOND, &config).await;
    assert_ne!(tenant.content("dimmember").await, good, "an incremental build goes by what was kept");
    let report = tenant.build(Mode::Full, SECOND, &config).await;
    assert!(report.tables.iter().all(|table| table.error.is_none()), "{:?}", report.tables);
    assert_eq!(tenant.content("dimmember").await, good);
    touch("61").await;
    tenant.build(Mode::Incremental, SECOND, &config).await;
    assert_eq!(tenant.content("dimmember").await, good, "what is kept is right again");
}

#[tokio::test]
async fn without_any_silver_table_nothing_is_made() {
    let tenant = Tenant::empty();
    let report = tenant.build(Mode::Full, FIRST, &configured()).await;
    assert!(report.tables.iter().all(|table| table.outcome == BuildOutcome::NoInput));
    assert!(tenant.versions().await.is_empty());
}

#[tokio::test]
async fn a_bad_rule_stops_before_anything_is_written() {
    let tenant = Tenant::small().await;
    let mut config = configured();
    config.agreement_rules.as_mut().unwrap()[0].pattern = "[".to_owned();
    let error = gold::build(&tenant.lake, Mode::Full, "run", instant(FIRST), &config).await.unwrap_err();
    assert!(error.is_usage());
    assert!(tenant.versions().await.is_empty());
}

#[tokio::test]
async fn what_was_never_loaded_keeps_no_change_from_its_fact() {
    let tenant = Tenant::empty();
    for entity in ["Company", "Agreement", "TimeEntry", "Invoice"] {
        tenant.put(entity, silver_of(entity)).await;
    }
    tenant.build(Mode::Incremental, FIRST, &configured()).await;
    let mut entries: Vec<Map<String, Value>> = serde_json::from_value(silver_of("TimeEntry")).unwrap();
    entries.retain(|entry| entry["id"] == 4);
    entries[0].insert("hourlyRate".to_owned(), json!("1"));
    entries[0].insert("_etl_content_hash".to_owned(), json!(1));
    tenant.merge("TimeEntry", &entries).await;
    let built = tenant.build(Mode::Incremental, SECOND, &configured()).await;
    let errors: Vec<_> = built.tables.iter().filter_map(|table| table.error.as_deref()).collect();
    assert_eq!(errors, [""; 0]);
    let of = |name: &str| built.tables.iter().find(|table| table.table.name == name).unwrap().outcome;
    assert_eq!((of("fact_timeentry"), of("fact_invoiceline")), (BuildOutcome::Written, BuildOutcome::Written));
}
