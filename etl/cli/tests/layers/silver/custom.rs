//! Custom fields as typed columns.

use std::collections::BTreeMap;
use std::process::Command;

use arrow::datatypes::DataType;
use connectwise_extract::catalog;
use connectwise_pipeline::silver::{BuildOutcome, Mode, history};
use serde_json::{Value, json};

use super::house::House;

fn field(id: i32, caption: &str, kind: &str, value: &str) -> Value {
    json!({"id": id, "caption": caption, "type": kind, "value": value})
}

fn company(id: i32, fields: Value) -> Value {
    json!({"id": id, "identifier": format!("c{id}"), "customFields": fields})
}

/// The columns of custom fields: name, type, comment.
async fn columns(house: &House) -> Vec<String> {
    let schema = house.schema("Company").await;
    let own = schema.fields().iter().filter(|field| field.metadata().contains_key("connectwise.customField"));
    let mut lines: Vec<_> = own
        .map(|field| format!("{} {} {:?}", field.name(), field.data_type(), field.metadata().get("comment")))
        .collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn every_type_has_its_own_and_a_password_none() {
    let house = House::new();
    house
        .load(
            "Company",
            json!([
                company(1, json!([
                    field(101, "Athugasemd", "TextArea", "\" a note \""), field(102, "Opna kort", "Button", "\"x\""),
                    field(103, "Innborgun", "Currency", "1234.565"), field(104, "Endurskoðað", "Date", "\"2024-05-17T00:00:00Z\""),
                    field(105, "Vefsíða ", "Hyperlink", "\"https://example.com\""), field(106, "IP-tala", "IPAddress", "\"192.0.2.1\""),
                    field(107, "Forgangsþjónusta", "Checkbox", "true"), field(108, "Fjöldi véla", "Number", "\"12\""),
                    field(109, "Afsláttur %", "Percent", "7.5"), field(110, "Beint númer", "PhoneNumber", "\"5550101\""),
                    field(111, "Flokkur", "Text", "38"), field(112, "Lykilorð", "Password", "\"geheim\""),
                    field(113, "…", "Text", "\"no letters\"")
                ])),
                company(2, json!([
                    field(103, "Innborgun", "Currency", "\"much\""), field(104, "Endurskoðað", "Date", "\"soon\""),
                    field(107, "Forgangsþjónusta", "Checkbox", "\"perhaps\""), field(108, "Fjöldi véla", "Number", "\" \""),
                    field(111, "Flokkur", "Text", "\"first\""), field(111, "Flokkur", "Text", "\"second\""),
                    {"caption": "No id", "type": "Text", "value": "\"a\""}, {"id": 114, "caption": "No type", "value": "\"b\""}
                ])),
                {"id": 3, "customFields": null}
            ]),
        )
        .await;
    let report = house.build("Company", Mode::Full).await;
    let unreadable = [("cf103_innborgun", 1), ("cf104_endurskodad", 1), ("cf107_forgangsthjonusta", 1)];
    assert_eq!(report.unreadable, unreadable.map(|(name, count)| (name.to_owned(), count)).into());
    assert_eq!(
        columns(&house).await,
        [
            "cf101_athugasemd Utf8 Some(\"Athugasemd\")",
            "cf102_opnaKort Utf8 Some(\"Opna kort\")",
            "cf103_innborgun Decimal128(19, 4) Some(\"Innborgun\")",
            "cf104_endurskodad Date32 Some(\"Endurskoðað\")",
            "cf105_vefsida Utf8 Some(\"Vefsíða\")",
            "cf106_iPTala Utf8 Some(\"IP-tala\")",
            "cf107_forgangsthjonusta Boolean Some(\"Forgangsþjónusta\")",
            "cf108_fjoldiVela Decimal128(19, 4) Some(\"Fjöldi véla\")",
            "cf109_afslattur Decimal128(19, 4) Some(\"Afsláttur %\")",
            "cf110_beintNumer Utf8 Some(\"Beint númer\")",
            "cf111_flokkur Utf8 Some(\"Flokkur\")",
            "cf113 Utf8 Some(\"…\")",
        ]
    );
    assert_eq!(
        house
            .rows(
                "Company",
                "cf101_athugasemd, cf103_innborgun, cf104_endurskodad, cf107_forgangsthjonusta, cf108_fjoldiVela, cf109_afslattur, \
                 cf111_flokkur, cf113"
            )
            .await,
        [
            "a note | 1234.5650 | 2024-05-17 | true | 12.0000 | 7.5000 | 38 | no letters",
            "NULL | NULL | NULL | NULL | NULL | NULL | first | NULL",
            "NULL | NULL | NULL | NULL | NULL | NULL | NULL | NULL",
        ]
    );
    assert_eq!(house.build("Company", Mode::Full).await.outcome, BuildOutcome::Unchanged);
}

#[tokio::test]
async fn a_column_outlives_its_caption_and_another_type_gets_another_column() {
    let house = House::new();
    let old = || company(1, json!([field(20, "365 Tenant", "Text", "\"norðurn\"")]));
    house.load_at("Company", json!([old(), company(2, json!([]))]), "2024-07-01T00:00:00Z").await;
    house.build("Company", Mode::Incremental).await;
    assert_eq!(columns(&house).await, ["cf20_365Tenant Utf8 Some(\"365 Tenant\")"]);

    // The caption changes; row 1 still has the old one, since nobody touched it.
    let renamed = || company(2, json!([field(20, "Tenant name", "TextArea", "\"suður\"")]));
    house.load_at("Company", json!([old(), renamed()]), "2024-07-02T00:00:00Z").await;
    let report = house.build("Company", Mode::Incremental).await;
    assert_eq!((report.rows, report.written.updated), (1, 1), "only what changed is read");
    assert_eq!(columns(&house).await, ["cf20_365Tenant Utf8 Some(\"Tenant name\")"]);
    assert_eq!(house.rows("Company", "id, cf20_365Tenant").await, ["1 | norðurn", "2 | suður"]);

    // A new field widens the table without a look at the other rows.
    let more = || company(3, json!([field(21, "Machines", "Number", "12"), field(20, "Tenant name", "Number", "7")]));
    house.load_at("Company", json!([old(), renamed(), more()]), "2024-07-03T00:00:00Z").await;
    let report = house.build("Company", Mode::Incremental).await;
    assert_eq!((report.rows, report.written.inserted), (1, 1));
    let all = [
        "cf20_365Tenant Utf8 Some(\"Tenant name\")",
        "cf20_tenantName_number Decimal128(19, 4) Some(\"Tenant name\")",
        "cf21_machines Decimal128(19, 4) Some(\"Machines\")",
    ];
    assert_eq!(columns(&house).await, all);
    let rows = house.rows("Company", "id, cf20_365Tenant, cf20_tenantName_number, cf21_machines").await;
    assert_eq!(rows, ["1 | norðurn | NULL | NULL", "2 | suður | NULL | NULL", "3 | NULL | 7.0000 | 12.0000"]);

    // A full build finds the same columns, though only the newest caption is said of each.
    for mode in [Mode::Full, Mode::Incremental] {
        assert_eq!(house.build("Company", mode).await.outcome, BuildOutcome::Unchanged, "{mode:?}");
    }
    // Fields that no row has any more keep their columns, as rows that are gone keep their values.
    house.load("Company", json!([company(2, json!([]))])).await;
    house.build("Company", Mode::Full).await;
    assert_eq!(columns(&house).await, all);
    assert_eq!(house.rows("Company", "id, cf20_365Tenant, isDeleted").await[0], "1 | norðurn | true");
}

#[tokio::test]
async fn a_caption_alone_is_a_commit_without_rows() {
    let house = House::new();
    let one = |caption: &str| company(1, json!([field(20, caption, "Text", "\"a\"")]));
    house.load_at("Company", json!([one("Old")]), "2024-07-01T00:00:00Z").await;
    house.build("Company", Mode::Full).await;
    house.load_at("Company", json!([one("New")]), "2024-07-02T00:00:00Z").await;
    house.build("Company", Mode::Full).await;
    assert_eq!(columns(&house).await, ["cf20_old Utf8 Some(\"New\")"]);
    let schema = house.schema("Company").await;
    assert_eq!(*schema.field_with_name("cf20_old").unwrap().data_type(), DataType::Utf8);
}

#[tokio::test]
async fn schema_and_lineage_show_the_columns_of_custom_fields_and_histories() {
    let house = House::new();
    let agreement = json!([{"id": 1, "name": "a", "customFields": [field(20, "365 Tenant", "Number", "7")]}]);
    house.load("Agreement", agreement).await;
    house.build("Agreement", Mode::Full).await;
    let entity = catalog::entity("Agreement").unwrap();
    house.build_history("Agreement", Mode::Full).await;

    let shown = |arguments: &[&str]| -> BTreeMap<String, Value> {
        let program = Command::new(env!("CARGO_BIN_EXE_connectwise-etl"))
            .args(arguments)
            .args(["--json", "--lakehouse", house.path().to_str().unwrap()])
            .env_clear()
            .current_dir(house.path())
            .output()
            .unwrap();
        assert!(program.status.success(), "{}", String::from_utf8_lossy(&program.stderr));
        let columns: Vec<Value> = serde_json::from_slice(&program.stdout).unwrap();
        let name = |column: &Value| column.get("name").or(column.get("column")).unwrap().as_str().unwrap().to_owned();
        columns.into_iter().map(|column| (name(&column), column)).collect()
    };
    let name = "cf20_365Tenant";
    let silver = shown(&["schema", "Agreement"]);
    assert_eq!(silver[name]["type"], "decimal(19,4)");
    assert_eq!(silver[name]["customField"], json!({"id": 20, "caption": "365 Tenant"}));
    let versions = shown(&["schema", "silver_cw_agreement_history"]);
    assert_eq!(versions[name]["type"], "decimal(19,4)");
    assert_eq!(versions["validFrom"]["type"], "timestamp");

    let api = json!(["/finance/agreements customFields (field 20 \"365 Tenant\")"]);
    let origins = shown(&["lineage", "silver_cw_agreement"]);
    assert_eq!((&origins[name]["from"], &origins[name]["api"]), (&json!(["bronze_cw_agreement.customFields"]), &api));
    let origins = shown(&["lineage", "silver_cw_agreement_history"]);
    assert_eq!((&origins[name]["from"], &origins[name]["api"]), (&json!(["silver_cw_agreement.cf20_365Tenant"]), &api));
    assert_eq!(origins["companyId"]["api"], json!(["/finance/agreements company/id"]));
    assert_eq!(
        origins["validFrom"]["from"],
        json!(["silver_cw_agreement.lastUpdated", "silver_cw_agreement.etlTimestamp"])
    );
    let stored = house.lake.table(&history::table(entity)).await.unwrap().schema().unwrap();
    let listed: Vec<&String> = origins.keys().collect();
    assert!(stored.fields().iter().all(|field| listed.contains(&field.name())), "{listed:?}");
}
