//! Conditions, each held against a naive evaluation over the truth.

use serde_json::Value;

use crate::client::{Client, ids};

type Naive = fn(&Value) -> bool;

fn text<'a>(row: &'a Value, pointer: &str) -> Option<&'a str> {
    row.pointer(pointer).and_then(Value::as_str)
}

fn number(row: &Value, pointer: &str) -> Option<f64> {
    row.pointer(pointer).and_then(Value::as_f64)
}

const TIME_ENTRIES: &[(&str, Naive)] = &[
    ("", |_| true),
    ("   ", |_| true),
    ("id > 100", |r| r["id"].as_i64() > Some(100)),
    ("id>=100", |r| r["id"].as_i64() >= Some(100)),
    ("id<100", |r| r["id"].as_i64() < Some(100)),
    ("id <= 100", |r| r["id"].as_i64() <= Some(100)),
    ("ID != 1", |r| r["id"].as_i64() != Some(1)),
    ("id > -5", |_| true),
    ("billableOption = \"Billable\"", |r| r["billableOption"] == "Billable"),
    ("billableOption = 'DoNotBill'", |r| r["billableOption"] == "DoNotBill"),
    ("BILLABLEoption='nocharge'", |r| r["billableOption"] == "NoCharge"),
    ("status != 'Billed'", |r| r["status"] != "Billed"),
    ("company/id = 250", |r| r["company"]["id"] == 250),
    ("company/id > 270 and company/id < 290", |r| number(r, "/company/id").is_some_and(|id| id > 270.0 && id < 290.0)),
    ("Company/Identifier like 'J*'", |r| text(r, "/company/identifier").is_some_and(|t| t.starts_with('J'))),
    ("company/name like '%ehf.%'", |r| text(r, "/company/name").is_some_and(|t| t.contains("ehf."))),
    ("company/name contains 'ehf'", |r| text(r, "/company/name").is_some_and(|t| t.contains("ehf"))),
    ("company/name not like '*ehf*'", |r| text(r, "/company/name").is_some_and(|t| !t.contains("ehf"))),
    ("company/name like \"*Þ*\"", |r| text(r, "/company/name").is_some_and(|t| t.contains(['Þ', 'þ']))),
    ("actualHours > 1.5", |r| number(r, "/actualHours") > Some(1.5)),
    ("actualHours = 0.25", |r| number(r, "/actualHours") == Some(0.25)),
    ("hourlyRate = null", |r| r.get("hourlyRate").is_none()),
    ("hourlyRate != null", |r| r.get("hourlyRate").is_some()),
    ("hourlyRate != 0", |r| number(r, "/hourlyRate").is_some_and(|rate| rate != 0.0)),
    ("hourlyRate = 0", |r| number(r, "/hourlyRate") == Some(0.0)),
    ("invoice = NULL", |r| r.get("invoice").is_none()),
    ("invoice/id != null", |r| r.get("invoice").is_some()),
    ("project/id = null and ticket/id != null", |r| r.get("project").is_none() && r.get("ticket").is_some()),
    ("invoiceFlag = True", |r| r["invoiceFlag"] == true),
    ("invoiceFlag=FALSE", |r| r["invoiceFlag"] == false),
    ("workType/utilizationFlag = false", |r| r["workType"]["utilizationFlag"] == false),
    ("chargeToType in ('Activity', \"ChargeCode\")", |r| {
        r["chargeToType"] == "Activity" || r["chargeToType"] == "ChargeCode"
    }),
    ("chargeToType not in ('ServiceTicket','ProjectTicket')", |r| {
        r["chargeToType"] != "ServiceTicket" && r["chargeToType"] != "ProjectTicket"
    }),
    ("id in (1,2,3,4,5,6)", |r| r["id"].as_i64().is_some_and(|id| id <= 6)),
    ("hourlyRate in (0, 23800)", |r| [Some(0.0), Some(23_800.0)].contains(&number(r, "/hourlyRate"))),
    ("hourlyRate not in (0)", |r| number(r, "/hourlyRate").is_some_and(|rate| rate != 0.0)),
    ("internalNotes = ''", |r| r["internalNotes"] == ""),
    ("internalNotes != ''", |r| text(r, "/internalNotes").is_some_and(|t| !t.is_empty())),
    ("agreementType = 'Tímapottur'", |r| {
        text(r, "/agreementType").is_some_and(|t| t.trim_end().to_lowercase() == "tímapottur")
    }),
    ("hourlyCost = '8900.00'", |r| r["hourlyCost"] == "8900.00"),
    ("lastUpdated >= [2025-06-01T00:00:00Z]", |r| text(r, "/_info/lastUpdated") >= Some("2025-06-01T00:00:00Z")),
    ("LastUpdated < [2025-06-01]", |r| text(r, "/_info/lastUpdated") < Some("2025-06-01T00:00:00Z")),
    ("_info/lastUpdated > [2025-01-01T12:30:15Z]", |r| text(r, "/_info/lastUpdated") > Some("2025-01-01T12:30:15Z")),
    ("_INFO/LASTUPDATED = [2025-09-01T03:00:00Z]", |r| text(r, "/_info/lastUpdated") == Some("2025-09-01T03:00:00Z")),
    ("_info/updatedBy like 'g*'", |r| text(r, "/_info/updatedBy").is_some_and(|t| t.starts_with('g'))),
    ("dateEntered >= [2025-12-01] and dateEntered < [2026-01-01]", |r| {
        text(r, "/dateEntered").is_some_and(|t| t.starts_with("2025-12"))
    }),
    ("timeStart != [2025-12-01T08:00:00Z]", |r| text(r, "/timeStart") != Some("2025-12-01T08:00:00Z")),
    ("id < 50 or (id > 600 and invoiceFlag = true)", |r| {
        r["id"].as_i64().is_some_and(|id| id < 50 || (id > 600 && r["invoiceFlag"] == true))
    }),
    ("(id < 50 or id > 600) and invoiceFlag = true", |r| {
        r["id"].as_i64().is_some_and(|id| !(50..=600).contains(&id) && r["invoiceFlag"] == true)
    }),
    ("((id<50)) Or (id>600)", |r| r["id"].as_i64().is_some_and(|id| !(50..=600).contains(&id))),
    ("(chargeToType='ServiceTicket' OR chargeToType='ProjectTicket') AND chargeToId>200", |r| {
        (r["chargeToType"] == "ServiceTicket" || r["chargeToType"] == "ProjectTicket")
            && r["chargeToId"].as_i64() > Some(200)
    }),
    ("(lastUpdated >= [2025-12-20T00:00:00Z]) or (dateEntered >= [2025-12-01T00:00:00Z])", |r| {
        text(r, "/_info/lastUpdated") >= Some("2025-12-20T00:00:00Z")
            || text(r, "/dateEntered") >= Some("2025-12-01T00:00:00Z")
    }),
    ("member/name = 'nobody' or member/dailyCapacity = 7.5", |r| number(r, "/member/dailyCapacity") == Some(7.5)),
    ("mobileGuid = null", |_| false),
    ("emailCc contains '@example.com'", |r| text(r, "/emailCc").is_some_and(|t| t.contains("@example.com"))),
    ("locationName = 'Austurland'", |r| text(r, "/locationName").is_some_and(|t| t.trim_end() == "Austurland")),
];

async fn check(client: &Client, entity: &str, path: &str, cases: &[(&str, Naive)]) {
    let truth = client.truth(entity).await;
    let mut hits = 0;
    for (condition, naive) in cases {
        let expected: Vec<i64> = ids(&truth.iter().filter(|row| naive(row)).cloned().collect::<Vec<_>>());
        hits += usize::from(!expected.is_empty() && expected.len() < truth.len());
        let query = [("conditions", *condition), ("pageSize", "1000")];
        assert_eq!(client.get(path, &query).await.ids(), expected, "by page: {condition}");
        assert_eq!(client.forward(path, &query).await.ids(), expected, "forward-only: {condition}");
        let count = client.get(&format!("{path}/count"), &query[..1]).await;
        assert_eq!(count.text, format!("{{\"count\":{}}}", expected.len()), "{condition}");
    }
    assert!(hits * 10 >= cases.len() * 7, "only {hits} of {} conditions tell rows apart", cases.len());
}

/// Conditions that some servers refuse or ignore mean something to others.
async fn understand_all(client: &Client) {
    let lenient = r#"{"enumerations":"texts","null-references":"understood","percent":"wildcard"}"#;
    assert_eq!(client.post("/switches", lenient).await.status, 200);
}

#[tokio::test]
async fn conditions_select_the_rows_that_a_naive_reader_selects() {
    let client = Client::start(600).await;
    understand_all(&client).await;
    check(&client, "TimeEntry", "/time/entries", TIME_ENTRIES).await;
}

#[tokio::test]
async fn conditions_on_other_entities_too() {
    let client = Client::start(4_000).await;
    understand_all(&client).await;
    check(
        &client,
        "Agreement",
        "/finance/agreements",
        &[
            ("type/name = 'Office 365'", |r| r["type"]["name"] == "Office 365"),
            ("parentAgreement/id != null", |r| r.get("parentAgreement").is_some()),
            ("endDate < [2026-01-01] and noEndingDateFlag = false", |r| {
                text(r, "/endDate").is_some_and(|t| t < "2026-01-01T00:00:00Z")
            }),
            ("startDate >= [2025-10-01] or endDate >= [2025-10-01]", |r| {
                text(r, "/startDate") >= Some("2025-10-01T00:00:00Z")
                    || text(r, "/endDate") >= Some("2025-10-01T00:00:00Z")
            }),
            ("_info/createdDate < [2022-01-01]", |r| text(r, "/_info/createdDate") < Some("2022-01-01T00:00:00Z")),
        ],
    )
    .await;
    check(
        &client,
        "Company",
        "/company/companies",
        &[
            ("dateAcquired = [1900-01-01]", |r| text(r, "/dateAcquired") == Some("1900-01-01T00:00:00Z")),
            ("status/id in (1,5)", |r| r["status"]["id"] == 1 || r["status"]["id"] == 5),
            ("city like 'Akur%'", |r| r["city"] == "Akureyri"),
        ],
    )
    .await;
    check(
        &client,
        "UnpostedInvoice",
        "/finance/accounting/unpostedinvoices",
        &[
            // A date to the server, a string to the interface document.
            ("invoiceDate >= [2026-01-03]", |r| text(r, "/invoiceDate") >= Some("2026-01-03T00:00:00Z")),
            ("total > 100000.5", |r| number(r, "/total") > Some(100_000.5)),
        ],
    )
    .await;
}

#[tokio::test]
async fn every_entity_answers_to_last_updated_even_where_it_shows_none() {
    let client = Client::start(100).await;
    for (entity, path) in crate::client::ENTITIES {
        let all = client.truth(entity).await.len();
        let ask = async |condition: &str| {
            client.get(path, &[("conditions", condition), ("pageSize", "1000")]).await.ids().len()
        };
        let before = ask("lastUpdated < [2025-09-01T00:00:00Z]").await;
        let after = ask("lastUpdated >= [2025-09-01T00:00:00Z]").await;
        assert_eq!(before + after, all, "{entity}");
        assert_eq!(ask("lastUpdated > [2026-01-15T08:00:00Z]").await, 0, "{entity}");
    }
}

#[tokio::test]
async fn a_name_that_the_entity_lacks_is_refused_in_the_apis_words() {
    let client = Client::start(10).await;
    for (name, path) in [
        ("resources/identifier", "/time/entries"),
        ("nothing", "/company/companies"),
        ("company/nothing", "/time/entries"),
        ("company/id/x", "/time/entries"),
        ("timeStart", "/finance/invoices"),
    ] {
        let condition = format!("{name} = 1");
        for path in [path.to_owned(), format!("{path}/count")] {
            let answer = client.get(&path, &[("conditions", &condition)]).await;
            assert_eq!(answer.status, 400);
            let expected = serde_json::json!({ "code": "ApiFindCondition", "message": format!("{name} is not a recognized name.") });
            assert_eq!(answer.json(), expected);
        }
    }
}

#[tokio::test]
async fn values_of_the_wrong_type_and_collections_are_refused() {
    let client = Client::start(10).await;
    let ask = async |condition: &str| client.get("/time/entries", &[("conditions", condition)]).await;
    let answer = ask("invoiceFlag = 1").await;
    assert!(answer.json()["message"].as_str().unwrap().starts_with(
        "Expected a boolean value, not a numeric. String values should be enclosed with double or single quotes; DateTime values \
         should be enclosed in square brackets;"
    ));
    for condition in [
        "id = 'x'",
        "id = true",
        "id = [2025-01-01]",
        "timeStart > 2025",
        "timeStart > '2025-01-01'",
        "status = 5",
        "notes = true",
        "invoiceFlag = 'true'",
        "id like '1*'",
        "company = 5",
        "customFields = null",
        "customFields/value = 'x'",
        "id > null",
        "id in (1, 'x')",
        "timeStart >= [2025-01-01T00:00:00+00:00]",
        "id = 1 &&",
        "id",
        "(id = 1",
        "id in ()",
        "' = 1",
        "\u{0}",
        "🙂 = 1",
    ] {
        let answer = ask(condition).await;
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (400, Some("ApiFindCondition")),
            "{condition}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn conditions_on_what_hangs_on_rows_are_not_silently_ignored() {
    let client = Client::start(10).await;
    for name in ["childConditions", "customFieldConditions"] {
        assert_eq!(client.get("/company/companies", &[(name, "nothing != null")]).await.status, 400);
    }
}
