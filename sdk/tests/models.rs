//! Models read what the live API sends and write the same back.

#![cfg(feature = "lake")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use connectwise_sdk::models::{
    Agreement, Company, CompanyReference, CustomFieldValue, ExpenseEntry, Invoice, Member, TimeEntry,
    TimeEntryBillableOption, TimeEntryStatus, UnpostedInvoice, UserDefinedField,
};
use connectwise_sdk::resource::{Count, Resource};
use connectwise_sdk::{Patch, Record, Timestamp, Write};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

#[track_caller]
fn round_trip<T: Serialize + DeserializeOwned>(record: &Value) -> T {
    let read: T = serde_json::from_value(record.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), *record);
    read
}

#[test]
fn a_record_as_the_api_sends_it() {
    let entry: TimeEntry = round_trip(&json!({
        "id": 4711,
        "company": {"id": 2, "identifier": "Acme", "name": "Acme Ltd", "_info": {"company_href": "https://x/company/2"}},
        "chargeToType": "ServiceTicket",
        "member": {"id": 7, "dailyCapacity": 7.5},
        "billableOption": "Billable",
        "hourlyCost": "55.25",
        "actualHours": 1.25,
        "timeStart": "2025-05-06T09:39:56Z",
        "emailCc": "",
        "customFields": [
            {"id": 1, "caption": "Floor", "type": "Number", "value": 3.5},
            {"id": 2, "caption": "Door", "type": "Text", "value": "blue"},
            {"id": 3, "caption": "Open", "type": "Checkbox", "value": true},
            {"id": 4, "caption": "Unset", "type": "Text"}
        ],
        "_info": {"lastUpdated": "2025-05-06T10:00:00Z", "updatedBy": "jdoe", "dateDeleted": null}
    }));
    assert_eq!(entry.id(), Some(4711));
    assert_eq!(entry.last_updated(), Some(Timestamp::new("2025-05-06T10:00:00Z")));
    assert_eq!((entry.updated_by(), entry.info_text("dateDeleted")), (Some("jdoe"), None));
    assert_eq!(TimeEntry::default().last_updated(), None);
    assert_eq!(serde_json::to_value(CompanyReference::by_id(2)).unwrap(), json!({"id": 2}));
    assert_eq!(entry.billable_option, Some(TimeEntryBillableOption::Billable));
    assert_eq!(entry.hourly_cost.as_deref(), Some("55.25"));
    assert_eq!(entry.member.unwrap().daily_capacity, Some(7.5));
    assert_eq!(entry.time_start.unwrap().instant().unwrap().timestamp(), 1_746_524_396);
    assert_eq!(entry.custom_fields.unwrap()[1].value, Some(json!("blue")));
    assert_eq!(entry.info.unwrap()["updatedBy"].as_deref(), Some("jdoe"));
}

#[test]
fn an_unknown_enumeration_value_is_kept() {
    let entry: TimeEntry = round_trip(&json!({"status": "ApprovedByRobot"}));
    let status = entry.status.unwrap();
    assert_eq!(status, TimeEntryStatus::Unknown("ApprovedByRobot".to_owned()));
    assert_eq!(status.to_string(), "ApprovedByRobot");
    assert_eq!("Open".parse(), Ok(TimeEntryStatus::Open));
    assert_eq!(TimeEntryStatus::from("Open").as_str(), "Open");
}

#[test]
fn unknown_properties_are_kept_at_every_depth() {
    let entry: TimeEntry = round_trip(&json!({
        "id": 1,
        "brandNew": {"a": [1, 2]},
        "company": {"id": 2, "region": "north"},
        "customFields": [{"id": 1, "rowNum": 12}]
    }));
    assert_eq!(entry.extra["brandNew"], json!({"a": [1, 2]}));
    assert_eq!(entry.company.unwrap().extra["region"], json!("north"));
    assert_eq!(entry.custom_fields.unwrap()[0].extra["rowNum"], json!(12));
}

#[test]
fn null_is_absence() {
    let read: Agreement = serde_json::from_value(json!({
        "id": null, "name": null, "company": null, "customFields": null, "billTime": null, "startDate": null, "_info": null
    }))
    .unwrap();
    assert_eq!(read, Agreement::default());
    assert_eq!(serde_json::to_value(&read).unwrap(), json!({}));
}

#[test]
fn required_properties_may_be_missing() {
    assert_eq!(round_trip::<Invoice>(&json!({})), Invoice::default());
    assert_eq!(round_trip::<UnpostedInvoice>(&json!({"invoiceDate": "2025-04-25T00:00:00Z"})).id(), None);
}

#[test]
fn keywords_are_escaped() {
    let entry: ExpenseEntry = round_trip(&json!({"type": {"id": 3, "name": "Mileage"}}));
    assert_eq!(entry.type_.unwrap().name.as_deref(), Some("Mileage"));
}

#[test]
fn a_wrong_scalar_refuses_the_record() {
    for record in [
        json!({"id": "4711"}),
        json!({"actualHours": "1.5"}),
        json!({"company": 7}),
        json!({"status": 3}),
        json!({"timeStart": 17}),
        json!({"emailCcFlag": "yes"}),
        json!([]),
    ] {
        assert!(serde_json::from_value::<TimeEntry>(record.clone()).is_err(), "{record}");
    }
}

#[test]
fn debug_shows_no_secret() {
    let member = Member {
        id: Some(1),
        password: Some("hunter2".to_owned()),
        token: Some("t0ken".to_owned()),
        custom_fields: Some(vec![CustomFieldValue { value: Some(json!("pa55")), ..CustomFieldValue::default() }]),
        extra: serde_json::from_value(json!({"newSecret": "s3cret"})).unwrap(),
        ..Member::default()
    };
    let shown = format!("{member:?} {member:#?}");
    for secret in ["hunter2", "t0ken", "pa55", "s3cret"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("password: Some(***)"), "{shown}");
    assert!(shown.contains("newSecret"), "{shown}");
    let none = format!("{:?}", Member::default());
    assert!(none.contains("password: None"), "{none}");
}

#[test]
fn resources_know_their_paths() {
    assert_eq!(
        (<TimeEntry as Record>::NAME, TimeEntry::PATH, TimeEntry::COUNT_PATH),
        ("TimeEntry", "/time/entries", "/time/entries/count")
    );
    assert_eq!(Member::PATH, "/system/members");
}

#[test]
fn what_the_document_demands_is_told_before_sending() {
    let told = |agreement: &Agreement, write| {
        let violations = agreement.validate(write).unwrap_err();
        violations.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let missing = told(&Agreement::default(), Write::Create);
    assert!(missing.contains(&"name is required".to_owned()), "{missing:?}");
    let agreement = Agreement { name: Some("x".repeat(101)), ..Agreement::default() };
    let violations = told(&agreement, Write::Create);
    assert!(violations.contains(&"name has 101 characters, and at most 100 are stored".to_owned()), "{violations:?}");

    // Only an update takes the hourly rate.
    let entry = TimeEntry { hourly_rate: Some(10.0), ..TimeEntry::default() };
    let violations = entry.validate(Write::Create).unwrap_err();
    let told: Vec<_> = violations.iter().map(ToString::to_string).collect();
    assert!(told.contains(&"hourlyRate can only be set in an update".to_owned()), "{told:?}");
    assert!(violations.iter().any(|violation| violation.is_missing() && violation.path() == "timeStart"), "{told:?}");
    let updated = entry.validate(Write::Update).unwrap_err();
    assert!(updated.iter().all(|violation| violation.path() != "hourlyRate"), "{updated:?}");

    // Only an update has to say how time is billed.
    let says = |told: Vec<String>, sentence: &str| told.iter().any(|found| found == sentence);
    assert!(says(told_of(&Agreement::default(), Write::Update), "billTime is required"));
    assert!(!says(told_of(&Agreement::default(), Write::Create), "billTime is required"));
    // Only a create takes the types of a company.
    let company = Company { types: Some(Vec::new()), ..Company::default() };
    assert!(says(told_of(&company, Write::Update), "types can only be set in a create"));
    assert!(!says(told_of(&company, Write::Create), "types can only be set in a create"));
    let field = UserDefinedField { sequence_number: Some(501), ..UserDefinedField::default() };
    assert!(says(told_of(&field, Write::Create), "sequenceNumber is more than 500"));
}

/// In a function that gives the crate's own errors, too.
#[test]
fn violations_are_an_error() {
    fn sent(entry: &TimeEntry) -> connectwise_sdk::Result<()> {
        entry.validate(Write::Create)?;
        Ok(())
    }
    let error = sent(&TimeEntry::default()).unwrap_err();
    assert_eq!(error.kind(), connectwise_sdk::ErrorKind::Request);
    assert_eq!(error.to_string(), "a TimeEntry like this would be refused: timeStart is required");
    let start: chrono::DateTime<chrono::Utc> = "2026-01-15T08:00:00Z".parse().unwrap();
    let entry = TimeEntry::default().with_time_start(start).with_notes("Paper").with_actual_hours(1.5);
    sent(&entry).unwrap();
    let written = json!({"timeStart": "2026-01-15T08:00:00Z", "notes": "Paper", "actualHours": 1.5});
    assert_eq!(serde_json::to_value(&entry).unwrap(), written);
}

fn told_of<T: Record>(record: &T, write: Write) -> Vec<String> {
    record.validate(write).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn a_patch_leaves_out_what_only_a_create_takes() {
    let before = Company { name: Some("old".to_owned()), ..Company::default() };
    let after = Company { name: Some("new".to_owned()), types: Some(Vec::new()), ..Company::default() };
    let patch = Patch::between(&before, &after).unwrap();
    assert_eq!(serde_json::to_value(&patch).unwrap(), json!([{"op": "replace", "path": "name", "value": "new"}]));
}

#[test]
fn a_patch_between_two_records_leaves_out_what_the_server_keeps_for_itself() {
    let before: Agreement = serde_json::from_value(json!({
        "id": 7, "name": "old", "noEndingDateFlag": true, "company": {"id": 2, "_info": {"company_href": "x"}},
        "_info": {"lastUpdated": "2025-01-01T00:00:00Z"}
    }))
    .unwrap();
    let mut after = before.clone();
    after.id = Some(8);
    after.name = Some("new".to_owned());
    after.no_ending_date_flag = None;
    after.company.as_mut().unwrap().id = Some(3);
    after.customer_po = Some("PO 1".to_owned());
    after.info = None;
    let patch = Patch::between(&before, &after).unwrap();
    let expected = json!([
        {"op": "replace", "path": "company", "value": {"id": 3}},
        {"op": "replace", "path": "customerPO", "value": "PO 1"},
        {"op": "replace", "path": "name", "value": "new"},
        {"op": "remove", "path": "noEndingDateFlag"},
    ]);
    assert_eq!(serde_json::to_value(&patch).unwrap(), expected);
    assert!(Patch::between(&before, &before).unwrap().is_empty());
}

#[test]
fn money_in_a_text_reads_as_a_decimal() {
    let entry: TimeEntry = round_trip(&json!({"hourlyCost": "55.25"}));
    assert_eq!(entry.hourly_cost_decimal().unwrap().to_string(), "55.25");
    assert_eq!(round_trip::<TimeEntry>(&json!({"hourlyCost": "n/a"})).hourly_cost_decimal(), None);
    assert_eq!(TimeEntry::default().hourly_cost_decimal(), None);
}
