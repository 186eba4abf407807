//! Properties that the interface document lacks, as typed columns.

use connectwise_extract::catalog;
use connectwise_pipeline::silver::{BuildOutcome, Mode, history};
use serde_json::{Value, json};

use super::house::House;
use crate::rows;

const STATUS: &str = "\"AgreementAddition.additionStatus\" = \"string\"";

/// An addition, with a property that the interface document lacks.
fn addition(id: i32, quantity: i32, changed: &str, status: &str) -> Value {
    let rescued = json!({ "/additionStatus": status }).to_string();
    json!({
        "id": id, "quantity": quantity, "_info": {"lastUpdated": changed}, "_etl_parent_id": 9, "_rescued": rescued
    })
}

async fn build(house: &House) -> [BuildOutcome; 2] {
    let silver = house.build("AgreementAddition", Mode::Incremental).await;
    let versions = house.build_history("AgreementAddition", Mode::Incremental).await;
    assert_eq!((silver.warnings, versions.warnings), (Vec::new(), Vec::new()), "no policy took anything");
    [silver.outcome, versions.outcome]
}

async fn silver(house: &House) -> Vec<String> {
    house.rows("AgreementAddition", "id, additionStatus, isDeleted").await
}

async fn versions(house: &House) -> Vec<String> {
    let session = house.lake.session().unwrap();
    let table = history::table(catalog::entity("AgreementAddition").unwrap());
    house.lake.register(&session, "t", &table).await.unwrap();
    rows::lines(&session, "select id, quantity, additionStatus, isCurrent from t order by id, validFrom").await
}

#[tokio::test]
async fn values_are_typed_and_what_fits_no_type_is_counted() {
    let mut house = House::new();
    house.set_extra(
        r#"
        "TimeEntry.grade" = "string"
        "TimeEntry.points" = "integer"
        "TimeEntry.weight" = "decimal"
        "TimeEntry.onSite" = "boolean"
        "TimeEntry.reviewedOn" = "date"
        "TimeEntry.reviewedAt" = "timestamp"
        "TimeEntry.member/rank/name" = "string"
        "#,
    );
    let typed = r#"{"/grade":" A ","/points":9007199254740993,"/weight":"12.34565","/onSite":true,"/other":1,
        "/reviewedOn":"2024-05-17T00:00:00Z","/reviewedAt":"2024-05-17T10:00:00+02:00","/member/rank":{"name":"senior"}}"#;
    // Other ways to write the same types, and what says as little as no property.
    let written = r#"{"/grade":12.50,"/points":"7","/weight":3,"/onSite":"no","/reviewedOn":" ","/reviewedAt":null,
        "/member/rank":"senior"}"#;
    let misfits = r#"{"/grade":{"a":1},"/points":5.5,"/weight":"much","/onSite":"perhaps","/reviewedOn":20240517,
        "/reviewedAt":"soon","/member/rank":{"name":["a"]}}"#;
    let entry = |id: i32, rescued: Option<&str>| json!({"id": id, "notes": "n", "_rescued": rescued});
    house
        .load(
            "TimeEntry",
            json!([entry(1, Some(typed)), entry(2, Some(written)), entry(3, Some(misfits)), entry(4, None)]),
        )
        .await;
    let report = house.build("TimeEntry", Mode::Full).await;
    let names = ["grade", "points", "weight", "onSite", "reviewedOn", "reviewedAt", "memberRankName"];
    assert_eq!(report.unreadable, names.map(|name| (name.to_owned(), 1)).into(), "those of row 3");
    let none = |id: i32| format!("{id}{}", " | NULL".repeat(names.len()));
    assert_eq!(
        house.rows("TimeEntry", &format!("id, {}", names.join(", "))).await,
        [
            // 9007199254740993 is 2^53 + 1, which no double holds; 12.34565 has a digit too many, and half is rounded up.
            "1 | A | 9007199254740993 | 12.3457 | true | 2024-05-17 | 2024-05-17T08:00:00Z | senior".to_owned(),
            "2 | 12.50 | 7 | 3.0000 | false | NULL | NULL | NULL".to_owned(),
            none(3),
            none(4),
        ]
    );
    for mode in [Mode::Full, Mode::Incremental] {
        assert_eq!(house.build("TimeEntry", mode).await.outcome, BuildOutcome::Unchanged, "{mode:?}");
    }
}

#[tokio::test]
async fn an_entry_rewrites_its_table_and_its_history_and_no_other() {
    use BuildOutcome::{Unchanged, Written};
    let mut house = House::new();
    house.load("TimeEntry", json!([{"id": 1, "_rescued": "{\"/additionStatus\":\"Active\"}"}])).await;
    house.build("TimeEntry", Mode::Full).await;
    let first =
        json!([addition(1, 2, "2024-01-01T00:00:00Z", "Active"), addition(3, 1, "2024-01-03T00:00:00Z", "Active")]);
    house.load_at("AgreementAddition", first, "2024-01-10T00:00:00Z").await;
    build(&house).await;
    let second = |status: &str, changed: &str| {
        json!([addition(1, 3, "2024-02-01T00:00:00Z", "Cancelled"), addition(2, 1, changed, status)])
    };
    house.load_at("AgreementAddition", second("Active", "2024-02-02T00:00:00Z"), "2024-02-10T00:00:00Z").await;
    assert_eq!(build(&house).await, [Written, Written]);
    assert!(house.schema("AgreementAddition").await.field_with_name("additionStatus").is_err());

    house.set_extra(STATUS);
    assert_eq!(build(&house).await, [Written, Written], "bronze is what it was");
    assert_eq!(silver(&house).await, ["1 | Cancelled | false", "2 | Active | false", "3 | NULL | true"]);
    // The current version is the record that bronze has; of the one before, and of the one that is gone, nothing is known.
    let filled = [
        "1 | 2.0000 | NULL | false",
        "1 | 3.0000 | Cancelled | true",
        "2 | 1.0000 | Active | true",
        "3 | 1.0000 | NULL | false",
    ];
    assert_eq!(versions(&house).await, filled);
    assert_eq!(build(&house).await, [Unchanged, Unchanged]);
    assert_eq!(house.build("AgreementAddition", Mode::Full).await.outcome, Unchanged);
    let other = house.build("TimeEntry", Mode::Incremental).await;
    assert_eq!((other.outcome, other.written.version), (Unchanged, 0), "another table has nothing to do with it");

    // A change is one of the record, and so a version of its own.
    house.load_at("AgreementAddition", second("Ended", "2024-03-02T00:00:00Z"), "2024-03-10T00:00:00Z").await;
    assert_eq!(house.build("AgreementAddition", Mode::Incremental).await.rows, 1, "only what changed is written");
    house.build_history("AgreementAddition", Mode::Incremental).await;
    assert_eq!(silver(&house).await[1], "2 | Ended | false");
    assert_eq!(versions(&house).await[2..4], ["2 | 1.0000 | Active | false", "2 | 1.0000 | Ended | true"]);

    // Without the entry the column stays, so that what is bound to it still finds it.
    house.set_extra("");
    assert_eq!(build(&house).await, [Written, Written]);
    assert_eq!(silver(&house).await, ["1 | NULL | false", "2 | NULL | false", "3 | NULL | true"]);
    assert!(versions(&house).await.iter().all(|line| line.contains(" | NULL | ")));
    assert_eq!(build(&house).await, [Unchanged, Unchanged]);
    assert_eq!(house.build("AgreementAddition", Mode::Full).await.outcome, Unchanged);

    // It comes back with what bronze has.
    house.set_extra(STATUS);
    assert_eq!(build(&house).await, [Written, Written]);
    assert_eq!(silver(&house).await, ["1 | Cancelled | false", "2 | Ended | false", "3 | NULL | true"]);
    assert_eq!(versions(&house).await[2..4], ["2 | 1.0000 | NULL | false", "2 | 1.0000 | Ended | true"]);

    // Another type makes another column under the same name: no status is a boolean.
    house.set_extra("\"AgreementAddition.additionStatus\" = \"boolean\"");
    let report = house.build("AgreementAddition", Mode::Incremental).await;
    assert_eq!(report.unreadable, [("additionStatus".to_owned(), 2)].into());
    house.build_history("AgreementAddition", Mode::Incremental).await;
    assert_eq!(silver(&house).await, ["1 | NULL | false", "2 | NULL | false", "3 | NULL | true"]);
    assert!(versions(&house).await.iter().all(|line| line.contains(" | NULL | ")));
    assert_eq!(build(&house).await, [Unchanged, Unchanged]);
}

#[tokio::test]
async fn custom_fields_stand_behind_and_keep_their_columns() {
    let mut house = House::new();
    let field = json!([{"id": 20, "caption": "Tenant", "type": "Text", "value": "\"a\""}]);
    house.load("Company", json!([{"id": 1, "customFields": field, "_rescued": "{\"/tier\":\"gold\"}"}])).await;
    house.build("Company", Mode::Full).await;
    house.set_extra("\"Company.tier\" = \"string\"");
    assert_eq!(house.build("Company", Mode::Incremental).await.outcome, BuildOutcome::Written);
    assert_eq!(house.rows("Company", "cf20_tenant, tier").await, ["a | gold"]);
    let more = json!([{"id": 20, "caption": "Tenant", "type": "Text", "value": "\"b\""},
                      {"id": 21, "caption": "Size", "type": "Number", "value": "7"}]);
    house.load("Company", json!([{"id": 1, "customFields": more, "_rescued": "{\"/tier\":\"silver\"}"}])).await;
    assert_eq!(house.build("Company", Mode::Incremental).await.written.updated, 1, "a new field widens the table");
    assert_eq!(house.rows("Company", "cf20_tenant, cf21_size, tier").await, ["b | 7.0000 | silver"]);
    for mode in [Mode::Full, Mode::Incremental] {
        assert_eq!(house.build("Company", mode).await.outcome, BuildOutcome::Unchanged, "{mode:?}");
    }
}

#[tokio::test]
async fn the_policy_holds_and_no_text_holds_a_secret() {
    let mut house = House::new();
    house.set_extra("\"Contact.privateMail\" = \"string\"\n\"Contact.badge\" = \"string\"");
    let badge = r#"{\"colour\":\"blue\",\"apiKey\":\"planted\"}"#;
    let rescued = format!("{{\"/privateMail\":\"a@example.com\",\"/badge\":\"{badge}\"}}");
    house.load("Contact", json!([{"id": 1, "_rescued": rescued}])).await;
    house.set_privacy("[columns]\n\"Contact.privateMail\" = \"keep\"", None);
    house.build("Contact", Mode::Full).await;
    assert_eq!(house.rows("Contact", "privateMail, badge").await, ["a@example.com | {\"colour\":\"blue\"}"]);

    house.set_privacy("[columns]\n\"Contact.privateMail\" = \"drop\"", None);
    let report = house.build("Contact", Mode::Incremental).await;
    assert!(report.warnings[0].starts_with("the privacy policy drops or hashes privateMail from now on"), "{report:?}");
    assert_eq!(house.rows("Contact", "privateMail").await, ["NULL"]);

    house.set_privacy("[columns]\n\"Contact.privateMail\" = \"hash\"", Some("a key for the tests"));
    house.build("Contact", Mode::Incremental).await;
    let hash = &house.rows("Contact", "privateMail").await[0];
    assert!(hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit()), "{hash}");
    assert_eq!(house.build("Contact", Mode::Full).await.outcome, BuildOutcome::Unchanged);
}
