//! The answers to the saved questions over the small tenant, against what was worked out by hand (`tests/golden/measures.json`), and
//! questions that are narrowed, cut otherwise or wrong.

use std::collections::BTreeMap;

use arrow::array::Array;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use connectwise_pipeline::gold::{GoldConfig, OwnModels};
use connectwise_pipeline::measures::{self, Answer, AskRequest, Catalog, Cell};
use connectwise_pipeline::silver::Mode;
use serde::Deserialize;

use super::tenant::{Tenant, configured, golden};

const STARTED: &str = "2024-07-01T06:00:00Z";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    columns: Vec<String>,
    #[serde(rename = "_why")]
    _why: String,
    rows: Vec<Vec<Option<String>>>,
}

async fn built() -> Tenant {
    let tenant = Tenant::small().await;
    let report = tenant.build(Mode::Full, STARTED, &configured()).await;
    assert!(report.tables.iter().all(|table| table.error.is_none()), "{:?}", report.tables);
    tenant
}

fn catalog() -> Catalog {
    Catalog::load(&OwnModels::default()).unwrap()
}

/// A number without what says nothing: 7912.0000 is 7912.
fn plain(text: &str) -> String {
    let is_number = text.parse::<f64>().is_ok() && text.contains('.');
    if is_number { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
}

/// Columns and rows of an answer, as texts.
fn texts(answer: &Answer) -> (Vec<String>, Vec<Vec<Option<String>>>) {
    let (mut names, mut rows) = (Vec::new(), Vec::new());
    for batch in &answer.rows {
        names = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
        let options = FormatOptions::new();
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let values = columns.iter().zip(batch.columns());
            rows.push(
                values
                    .map(|(text, column)| column.is_valid(row).then(|| plain(&text.value(row).to_string())))
                    .collect(),
            );
        }
    }
    (names, rows)
}

async fn asked(tenant: &Tenant, question: &str, request: &AskRequest) -> Result<Answer, String> {
    let catalog = catalog();
    let asked = catalog.asked(question).map_err(|error| error.report())?;
    measures::ask(&tenant.lake, &asked, request).await.map_err(|error| error.report())
}

fn narrowed(by: &[&str], company: Option<&str>, from: Option<&str>, to: Option<&str>) -> AskRequest {
    let owned = |text: &str| text.to_owned();
    AskRequest {
        by: by.iter().copied().map(owned).collect(),
        company: company.map(owned),
        from: from.map(owned),
        to: to.map(owned),
    }
}

#[tokio::test]
async fn every_question_has_the_answer_that_was_worked_out_by_hand() {
    let tenant = built().await;
    let text = std::fs::read_to_string(golden().join("measures.json")).unwrap();
    let expected: BTreeMap<String, Expected> = serde_json::from_str(&text).unwrap();
    let catalog = catalog();
    let names: Vec<&str> = catalog.questions().into_iter().map(|question| question.name.as_str()).collect();
    for name in expected.keys() {
        assert!(names.contains(&name.as_str()), "{name} is no question");
    }
    for name in names {
        let expected =
            expected.get(name).unwrap_or_else(|| panic!("{name} has no answer in tests/golden/measures.json"));
        let answer = asked(&tenant, name, &AskRequest::default()).await.unwrap();
        let (columns, rows) = texts(&answer);
        assert_eq!(columns, expected.columns, "{name}");
        assert_eq!(rows, expected.rows, "{name}");
        let known: Vec<&str> = answer.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(known, columns, "{name}");
    }
}

#[tokio::test]
async fn a_question_is_narrowed_and_cut_otherwise() {
    let tenant = built().await;
    let rows = |question: &'static str, request: AskRequest| {
        let tenant = &tenant;
        async move {
            let (_, rows) = texts(&asked(tenant, question, &request).await.unwrap());
            rows.into_iter()
                .map(|row| row.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>().join(" "))
                .collect::<Vec<_>>()
        }
    };
    // Acme by its name in any case, its identifier and its id: product 12 and entry 13 in May, invoice 507 in June.
    for name in ["acme", "ACME", " Acme ", "1"] {
        let request = narrowed(&["month"], Some(name), Some("2024-05"), Some("2024-06"));
        assert_eq!(rows("revenue", request).await, ["2024-05 140", "2024-06 6250"], "{name}");
    }
    // Both ends count: entry 13's invoice is of 31 May, invoice 505 of 1 June.
    let request = narrowed(&["day"], None, Some("2024-05-31"), Some("2024-06-01"));
    assert_eq!(rows("revenue", request).await, ["2024-05-31 80", "2024-06-01 1500"]);
    assert_eq!(rows("revenue", narrowed(&["total"], None, Some("2024"), None)).await, ["20022"]);
    assert_eq!(
        rows("revenue", narrowed(&["quarter"], None, None, Some("2024-05"))).await,
        ["2024 Q1 110", "2024 Q2 100"]
    );
    // A cut before another is in the order of its names, and the last by the measure.
    assert_eq!(
        rows(
            "revenue by source",
            narrowed(&["year", "company", "source"], None, Some("2024-06-20"), Some("2024-06-30"))
        )
        .await,
        [
            // Beta: expense 3, entry 11 and the refund; 88: expense 8; 89: entry 36, and 50 that no line explains.
            "2024 2 Beta time 0 0 0 ",
            "2024 2 Beta expenses 15 0 15 100",
            "2024 2 Beta products -10 -4 -6 ",
            "2024 88 Billed only expenses 7 0 7 100",
            "2024 89 Drafted for time 100 0 100 100",
            "2024 89 Drafted for no line explains 50 0 50 100",
        ]
    );
    assert!(rows("revenue", narrowed(&["month"], None, Some("2030"), None)).await.is_empty());
    let total = asked(&tenant, "revenue", &narrowed(&["total"], None, Some("2030"), None)).await.unwrap();
    assert_eq!(total.cells().unwrap(), [[Cell::Nothing]], "the sum of nothing isn't known");
}

#[tokio::test]
async fn values_are_bound_and_never_part_of_the_text() {
    let tenant = built().await;
    let request = narrowed(&["month"], Some("Acme"), Some("2024-05"), Some("2024-06"));
    let answer = asked(&tenant, "revenue", &request).await.unwrap();
    assert!(answer.sql.contains("q.companyId in ($company0) and q.day >= $from and q.day <= $to"), "{}", answer.sql);
    for value in ["2024", "Acme"] {
        assert!(!answer.sql.contains(value), "{}", answer.sql);
    }
    let hostile = "x' or 'a' = 'a";
    let said = asked(&tenant, "revenue", &narrowed(&[], Some(hostile), None, None)).await.unwrap_err();
    assert_eq!(
        said,
        format!("there is no company {hostile:?}: connectwise-etl query \"select * from dimcompany\" lists all")
    );
    let said = asked(&tenant, "revenue", &narrowed(&["month from dimdate --"], None, None, None)).await.unwrap_err();
    assert!(said.starts_with("the rows \"profit\" can't be cut by \"month from dimdate --\""), "{said}");
}

#[tokio::test]
async fn what_cannot_be_asked_is_one_sentence() {
    let tenant = built().await;
    let periods = "day, month, quarter, year, company, age, currency, invoiceType are known, and total for one row";
    for (question, request, expected) in [
        (
            "revenu by month",
            AskRequest::default(),
            "there is no saved question \"revenu by month\": did you mean revenue by month",
        ),
        ("revenue", narrowed(&[], Some("Acmee"), None, None), "there is no company \"Acmee\": did you mean Acme?"),
        (
            "revenue",
            narrowed(&[], None, Some("2024-13"), None),
            "\"2024-13\" is no day, month or year: write it as 2026-01-31, 2026-01 or 2026",
        ),
        (
            "revenue",
            narrowed(&[], None, Some("2024-06"), Some("2024-05")),
            "a period from 2024-06-01 to 2024-05-31 has no day: the first day comes first",
        ),
        (
            "open tickets by age",
            narrowed(&[], None, Some("2024"), None),
            "\"open tickets by age\" takes no period: it is about what is, as of the last build of gold",
        ),
        (
            "utilisation",
            narrowed(&[], Some("Acme"), None, None),
            "\"utilisation\" isn't known by company: ask it of all of them",
        ),
        (
            "receivables by age",
            narrowed(&["member"], None, None, None),
            &format!("the rows \"receivables\" can't be cut by \"member\": {periods}"),
        ),
        ("receivables by age", narrowed(&["age", "AGE"], None, None, None), "age is said twice: name each cut once"),
    ] {
        let said = asked(&tenant, question, &request).await.unwrap_err();
        assert!(said.starts_with(expected), "{said}\n{expected}");
    }
    let empty = Tenant::empty();
    let said = asked(&empty, "agreement profit", &AskRequest::default()).await.unwrap_err();
    assert!(said.contains("isn't there yet: run connectwise-etl run --layers gold first"), "{said}");
}

const ROWS: &str = r#"
[[rows]]
name = "printers"
description = "a ticket about a printer"
period = "the day on which it was opened"
dimensions = ["company:companyId"]
sql = """
select d.`Date` as day, c.companyId, c.companyName as company
from fact_ticket t
join dimdate d on d.DateKey = t.EnteredDateSK
join dimcompany c on c.CompanyKey = t.CompanyKey
where t.summary = 'Printer'
"""
"#;
const MEASURE: &str = r##"
[[measure]]
name = "printer tickets"
description = "Tickets about printers."
rows = ["printers"]
unit = "tickets"
format = "#,0"
sql = "count(*)"
"##;
const QUESTION: &str = r#"
[[question]]
name = "printers by company"
group = "Printers"
description = "Whose printers are broken."
rows = "printers"
measures = ["printer tickets"]
by = ["company"]
"#;

fn project(text: &str) -> GoldConfig {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("measures.toml"), text).unwrap();
    GoldConfig { models: OwnModels::read(folder.path()).unwrap(), ..configured() }
}

#[tokio::test]
async fn a_project_has_measures_of_its_own() {
    let tenant = built().await;
    let config = project(&[ROWS, MEASURE, QUESTION].concat());
    let catalog = Catalog::load(&config.models).unwrap();
    measures::check(&tenant.lake, &config, &catalog).await.unwrap();
    let asked = catalog.asked("printers by company").unwrap();
    let answer = measures::ask(&tenant.lake, &asked, &narrowed(&[], None, Some("2024-06"), None)).await.unwrap();
    // Ticket 7.
    assert_eq!(texts(&answer).1, [["1", "Acme", "1"].map(|text| Some(text.to_owned()))]);
    assert_eq!(catalog.questions().last().map(|question| question.name.as_str()), Some("printers by company"));
    // A measure of its own over rows that are built in.
    let config = project(&MEASURE.replace("\"printers\"", "\"tickets\", \"invoices\""));
    let catalog = Catalog::load(&config.models).unwrap();
    measures::check(&tenant.lake, &config, &catalog).await.unwrap();
    let answer = measures::ask(&tenant.lake, &catalog.asked("printer tickets").unwrap(), &AskRequest::default()).await;
    assert_eq!(texts(&answer.unwrap()).1.len(), 3, "June, July, and a ticket that nothing dates");
}

#[tokio::test]
async fn a_measure_of_a_project_that_is_broken_is_one_sentence() {
    let tenant = Tenant::empty();
    for (text, expected) in [
        (ROWS.replace("t.summary =", "t.sumary ="), "is wrong: the rows \"printers\" can't be planned: "),
        (ROWS.replace("fact_ticket", "fact_tickets"), "is wrong: the rows \"printers\" can't be planned: "),
        (ROWS.replace("select d", "delete from x; select d"), "is wrong: the rows \"printers\" can't be planned: "),
        (ROWS.replace("[\"company", "[\"board\", \"company"), "is wrong: the rows \"printers\" can't be planned: "),
        (
            [ROWS, &MEASURE.replace("count(*)", "sum(r.hours)")].concat(),
            "is wrong: the measure \"printer tickets\" can't be planned: ",
        ),
        (
            [ROWS, MEASURE, &QUESTION.replace("[\"company\"]", "[\"board\"]")].concat(),
            "is wrong: the question \"printers by company\" can't be cut: ",
        ),
        ("[[rows]\n".to_owned(), "is wrong: line 1: "),
    ] {
        let config = project(&text);
        let said = match Catalog::load(&config.models) {
            Ok(catalog) => measures::check(&tenant.lake, &config, &catalog).await.unwrap_err(),
            Err(error) => error,
        };
        let said = said.report();
        assert!(said.contains("measures.toml ") && said.contains(expected), "{said}\n{expected}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
