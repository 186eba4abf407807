//! Secrets never reach silver, and personal columns are what the policy says.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{Field, SchemaRef};
use arrow::util::pretty::pretty_format_batches;
use connectwise_extract::privacy::Privacy;
use connectwise_pipeline::silver::{BuildOutcome, Mode};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::json;

use super::house::House;

const KEY: &str = "a key for the tests";

/// Files of a folder in which a text is, as bytes or as a value.
fn holding(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, text));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let mut shown = String::from_utf8_lossy(&bytes).into_owned();
        if path.extension().is_some_and(|extension| extension == "parquet") {
            let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap().build().unwrap();
            let batches: Vec<_> = reader.map(Result::unwrap).collect();
            // Pages are compressed, so the bytes alone prove nothing.
            shown.push_str(&pretty_format_batches(&batches).unwrap().to_string());
        }
        if shown.contains(text) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[tokio::test]
async fn a_planted_secret_is_in_no_file_of_silver() {
    let mut house = House::new();
    house
        .load(
            "Member",
            json!([{
                "id": 1, "identifier": "anna", "password": "planted-1", "token": "planted-2", "homePhone": "555-0101",
                "_rescued": "{\"/accessToken\":\"planted-3\",\"/password\":{\"was\":\"planted-4\"}}",
                "customFields": [
                    {"id": 7, "caption": "Door", "type": "Password", "value": "\"planted-5\""},
                    {"id": 8, "caption": "Door too", "type": " PASSWORD ", "value": "\"planted-6\""},
                    {"id": 9, "caption": "Extra", "type": "Text", "value": "{\"apiKey\":\"planted-7\",\"colour\":\"blue\"}"}
                ]
            }]),
        )
        .await;
    house.build("Member", Mode::Full).await;
    house.load("Contact", json!([{"id": 1, "firstName": "Anna", "portalPassword": "planted-8"}])).await;
    house.build("Contact", Mode::Incremental).await;
    for config in [
        "personal = \"keep\"",
        "personal = \"hash\"",
        "personal = \"drop\"\n[columns]\n\"Member.customFields\" = \"hash\"",
    ] {
        house.set_privacy(config, Some(KEY));
        house.build("Member", Mode::Incremental).await;
        house.build("Contact", Mode::Incremental).await;
    }
    let bronze = house.path().join("bronze");
    assert_eq!(holding(&bronze, "planted-1").len(), 1, "the scan finds what is there");
    let silver = house.path().join("silver");
    assert_eq!(holding(&silver, "planted-"), Vec::<String>::new());
    assert!(!holding(&silver, "blue").is_empty(), "and the scan reads values");
}

fn member(id: i32) -> serde_json::Value {
    json!({"id": id, "identifier": "anna", "homePhone": " 555-0101", "mobilePhone": null, "inactiveFlag": true})
}

const COLUMNS: &str = "id, homePhone, isDeleted";
/// HMAC-SHA256 of `555-0101` with [`KEY`], computed elsewhere.
const HASH: &str = "7105d2b99257abd17580e028da0990624af773f81d7d7066a37ca21d17811766";

/// The same of the parts of a name.
const NAME_HASH: &str = "bcfc5e5ba4b7b67a563798b500c00f5c0c482c383bae2aef06bfc123bbb9daa8";
const FIRST_HASH: &str = "0c2f3fddb6527cd0a3a1a922c89a186e7f6f6ebd783c1cf1bf849823bf175ba3";
const LAST_HASH: &str = "8cf2943aa5825b5bb8974be384f8b374e8ebde0c1da4c662ea008bfc189047ae";

#[tokio::test]
async fn personal_columns_are_kept_hashed_or_dropped_and_a_changed_policy_rewrites_the_table() {
    let mut house = House::new();
    house.load("Member", json!([member(1), member(2)])).await;
    house.build("Member", Mode::Full).await;
    assert_eq!(
        house.rows("Member", COLUMNS).await,
        ["1 | NULL | false", "2 | NULL | false"],
        "dropped unless a project says otherwise, and the column is there"
    );

    house.set_privacy("personal = \"keep\"", None);
    let report = house.build("Member", Mode::Incremental).await;
    assert_eq!((report.outcome, report.written.version), (BuildOutcome::Written, 1), "bronze is what it was");
    assert_eq!(house.rows("Member", COLUMNS).await, ["1 | 555-0101 | false", "2 | 555-0101 | false"]);
    house.load("Member", json!([member(1)])).await;
    house.build("Member", Mode::Incremental).await;

    house.set_privacy(
        "personal = \"hash\"\n[columns]\n\"Member.inactiveFlag\" = \"hash\"\n\"Member.mobilePhone\" = \"drop\"",
        Some(KEY),
    );
    assert_eq!(house.build("Member", Mode::Incremental).await.outcome, BuildOutcome::Written);
    // Also the row that bronze no longer has.
    assert_eq!(house.rows("Member", COLUMNS).await, [format!("1 | {HASH} | false"), format!("2 | {HASH} | true")]);
    assert_eq!(
        house.rows("Member", "inactiveFlag").await,
        [
            "aaa6d844649c15d8fabe68549620f0d66bc7d3bcc054eab9e03333c43eb9d45b",
            "aaa6d844649c15d8fabe68549620f0d66bc7d3bcc054eab9e03333c43eb9d45b"
        ]
    );
    for mode in [Mode::Incremental, Mode::Full] {
        assert_eq!(house.build("Member", mode).await.outcome, BuildOutcome::Unchanged, "{mode:?}");
    }

    // Another key gives other hashes; of the row that is gone only the old hash is left, which says nothing now.
    house.set_privacy("personal = \"hash\"", Some("another key for the tests"));
    assert_eq!(house.build("Member", Mode::Incremental).await.outcome, BuildOutcome::Written);
    let rows = house.rows("Member", COLUMNS).await;
    assert!(!rows[0].contains(HASH) && rows[0].len() == format!("1 | {HASH} | false").len(), "{rows:?}");
    assert_eq!(rows[1], "2 | NULL | true");

    house.set_privacy("personal = \"keep\"", None);
    house.build("Member", Mode::Incremental).await;
    assert_eq!(house.rows("Member", COLUMNS).await, ["1 | 555-0101 | false", "2 | NULL | true"]);

    let before = house.schema("Member").await;
    house.privacy = Privacy::default();
    house.build("Member", Mode::Incremental).await;
    assert_eq!(house.rows("Member", "id, identifier, homePhone").await, ["1 | anna | NULL", "2 | anna | NULL"]);
    let columns = |schema: &SchemaRef| {
        let of = |field: &Arc<Field>| (field.name().clone(), field.data_type().clone());
        schema.fields().iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(columns(&house.schema("Member").await), columns(&before), "what is bound to a column still finds it");
    assert_eq!(house.build("Member", Mode::Full).await.outcome, BuildOutcome::Unchanged);
}

#[tokio::test]
async fn the_name_of_a_contact_is_treated_alike_in_every_table() {
    let mut house = House::new();
    let ticket = json!([{"id": 1, "contactName": "Ann Lee", "contact": {"id": 7, "name": "Ann Lee"}, "contactPhoneNumber": "1"}]);
    let contact = json!([{"id": 7, "firstName": "Ann", "lastName": "Lee", "defaultPhoneNbr": "1",
        "communicationItems": [{"id": 3, "value": "ann@example.com"}]}]);
    let invoice = json!([{"id": 5, "attention": "Ann Lee"}]);
    for (entity, records) in [("ServiceTicket", ticket), ("Contact", contact), ("Invoice", invoice)] {
        house.load(entity, records).await;
    }
    for (config, key, name, first, last) in [
        ("", None, "Ann Lee", "Ann", "Lee"),
        ("names = \"drop\"", None, "NULL", "NULL", "NULL"),
        ("names = \"hash\"\npersonal = \"drop\"", Some(KEY), NAME_HASH, FIRST_HASH, LAST_HASH),
    ] {
        house.set_privacy(config, key);
        for entity in ["ServiceTicket", "Contact", "Invoice"] {
            house.build(entity, Mode::Incremental).await;
        }
        assert_eq!(
            house.rows("ServiceTicket", "contactName, contactContactName, contactPhoneNumber").await,
            [format!("{name} | {name} | NULL")]
        );
        assert_eq!(
            house.rows("Contact", "firstName, lastName, defaultPhoneNbr, communicationItems").await,
            [format!("{first} | {last} | NULL | NULL")]
        );
        assert_eq!(house.rows("Invoice", "attention").await, [name]);
    }
}

#[tokio::test]
async fn a_custom_field_is_hashed_or_dropped_by_its_id_in_column_and_text() {
    let mut house = House::new();
    let agreement = |id: i32| {
        json!({"id": id, "customFields": [
            {"id": 4, "caption": "Number", "type": "Text", "value": "\"hush\""},
            {"id": 5, "caption": "Other", "type": "Text", "value": "\"loud\""}
        ]})
    };
    house.load("Agreement", json!([agreement(1), agreement(2)])).await;
    house.build("Agreement", Mode::Full).await;
    house.load("Agreement", json!([agreement(1)])).await;
    house.build("Agreement", Mode::Incremental).await;
    assert_eq!(house.rows("Agreement", "cf4_number, cf5_other").await, ["hush | loud", "hush | loud"]);

    house.set_privacy("[columns]\n\"Agreement.cf4\" = \"hash\"", Some(KEY));
    house.build("Agreement", Mode::Incremental).await;
    let text = r#"[{"caption":"Number","id":4,"type":"Text"},{"caption":"Other","id":5,"type":"Text","value":"loud"}]"#;
    let row = format!("2db866f96317334054e4691bd6842b8fe1cd9852e6511c3931c0a4db106df583 | loud | {text}");
    assert_eq!(house.rows("Agreement", "cf4_number, cf5_other, customFields").await, [row.clone(), row]);

    house.set_privacy("[columns]\n\"Agreement.cf4\" = \"drop\"", None);
    house.build("Agreement", Mode::Incremental).await;
    let row = format!("NULL | loud | {text}");
    assert_eq!(house.rows("Agreement", "cf4_number, cf5_other, customFields").await, [row.clone(), row]);
    assert_eq!(house.build("Agreement", Mode::Full).await.outcome, BuildOutcome::Unchanged);
}

#[tokio::test]
async fn a_policy_that_begins_to_drop_says_where_the_values_still_are() {
    let mut house = House::new();
    house.set_privacy("personal = \"keep\"", None);
    house.load("Member", json!([member(1)])).await;
    assert!(house.build("Member", Mode::Full).await.warnings.is_empty());
    house.set_privacy("personal = \"keep\"\n[columns]\n\"Member.homePhone\" = \"drop\"", None);
    let warnings = house.build("Member", Mode::Incremental).await.warnings;
    assert_eq!(
        warnings,
        [
            "the privacy policy drops or hashes homePhone from now on, and older versions of silver/silver_cw_member and of the \
          gold tables made from it still hold the values: `connectwise-etl maintain` removes versions that are older than its \
          --retention-hours (168)"
        ]
    );
    assert!(house.build("Member", Mode::Full).await.warnings.is_empty(), "it is said once");
    house.set_privacy("personal = \"keep\"", None);
    assert!(house.build("Member", Mode::Incremental).await.warnings.is_empty(), "what comes back is no matter");
}
