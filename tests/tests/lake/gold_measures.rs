//! The answers to all saved questions over a simulated tenant, worked out once more by a reader that knows neither the models nor the
//! measures: DuckDB over bronze, by SQL that was written from the contract of the star schema.

use std::collections::BTreeMap;

use connectwise_lakehouse::Lake;
use connectwise_pipeline::gold::{self, GoldConfig, HolidayCalendar, OwnModels};
use connectwise_pipeline::measures::{self, AskRequest, Asked, Catalog, Role};
use connectwise_pipeline::query;
use connectwise_pipeline::run::Mode;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, Python};
use serde_json::{Value, json};

/// Time entries of the tenant, unless the environment says more.
const SCALE: u64 = 5_000;

/// What an answer is cut by, so that it can be compared: by company and month where it has both.
fn cuts(asked: &Asked<'_>) -> Vec<&'static str> {
    let known = asked.rows.cuts();
    let wanted: [&[&'static str]; 7] = [
        &["company", "finding"],
        &["company", "project"],
        &["company", "age"],
        &["company", "month"],
        &["member", "month"],
        &["company"],
        &["month"],
    ];
    // Contacts are in few rows, and have a question of their own.
    if asked.name == "tickets by contact" {
        return vec!["company", "contact"];
    }
    if asked.name == "product margin by category" {
        return vec!["category", "month"];
    }
    let fits = |by: &&[&str]| by.iter().all(|cut| known.contains(cut));
    wanted.into_iter().find(fits).unwrap_or_else(|| panic!("{} has no cut", asked.name)).to_vec()
}

/// The answers, with the columns that tell rows apart and the measures.
async fn answers(lake: &Lake) -> Value {
    let catalog = Catalog::load(&OwnModels::default()).unwrap();
    let mut answers = serde_json::Map::new();
    for question in catalog.questions() {
        let asked = catalog.asked(&question.name).unwrap();
        let by = cuts(&asked).into_iter().map(str::to_owned).collect();
        let answer = measures::ask(lake, &asked, &AskRequest { by, ..AskRequest::default() }).await.unwrap();
        let rows: Value = serde_json::from_slice(&query::json(&answer.rows).unwrap()).unwrap();
        let is_measure = |role: &Role| matches!(role, Role::Measure { .. });
        let names = |wanted: bool| -> Vec<&str> {
            let columns = answer.columns.iter().filter(|column| is_measure(&column.role) == wanted);
            columns.map(|column| column.name.as_str()).collect()
        };
        answers.insert(question.name.clone(), json!({ "by": names(false), "measures": names(true), "rows": rows }));
    }
    Value::Object(answers)
}

async fn newest_invoice(lake: &Lake) -> String {
    let rows =
        query::select(lake, "select cast(max(\"date\") as varchar) as day from bronze_cw_invoice").await.unwrap();
    let rows: Value = serde_json::from_slice(&query::json(&rows).unwrap()).unwrap();
    rows[0]["day"].as_str().unwrap().get(..10).unwrap().to_owned()
}

/// `CW_MEASURES_SCALE=100000` has as many time entries.
#[tokio::test(flavor = "multi_thread")]
async fn another_reader_of_bronze_answers_every_question_alike() {
    let scale = std::env::var("CW_MEASURES_SCALE").map_or(SCALE, |scale| scale.parse().unwrap());
    let simulator = Simulator::builder().seed(1).scale(scale).start().await.unwrap();
    let lakehouse = Lakehouse::empty().unwrap();
    let report = lakehouse.load(&simulator, Mode::Full).await.unwrap();
    assert_eq!(report.failed().count(), 0, "{:?}", report.failed().map(|step| &step.outcome).collect::<Vec<_>>());
    // What is open, owed or billed lately depends on the day on which gold is built: that of the newest invoice.
    let day = newest_invoice(lakehouse.lake()).await;
    let started = format!("{day}T12:00:00Z").parse().unwrap();
    // Charge codes of the simulator that are vacation, sickness and parental leave; and a calendar with holidays.
    let config = GoldConfig {
        holiday_calendars: vec![HolidayCalendar::Iceland],
        time_off_charge_codes: vec![42, 43, 50],
        ..GoldConfig::default()
    };
    let gold = gold::build(lakehouse.lake(), Mode::Full, "of-that-day", started, &config).await.unwrap();
    assert!(gold.tables.iter().all(|table| table.error.is_none()), "{:?}", gold.tables);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), answers(lakehouse.lake()).await.to_string()).unwrap();
    let folder = lakehouse.path().to_str().unwrap().to_owned();
    let said = file.path().to_str().unwrap().to_owned();
    let script = move || Python::with_readers()?.run("measures.py", &[&folder, &day, &said]);
    let printed = tokio::task::spawn_blocking(script).await.unwrap().unwrap();
    let compared: BTreeMap<String, Value> = serde_json::from_str(&printed).unwrap();
    for (question, one) in &compared {
        println!("{question}: {} groups, {} numbers", one["rows"], one["compared"]);
    }
    let odd: Vec<String> = compared
        .iter()
        .filter_map(|(question, one)| {
            let differing = one["differing"].as_array().unwrap();
            let first = differing.iter().take(5).map(Value::to_string).collect::<Vec<_>>().join("\n  ");
            (!differing.is_empty()).then(|| format!("{question}: {} differ, as\n  {first}", differing.len()))
        })
        .collect();
    assert!(odd.is_empty(), "{}", odd.join("\n"));
    // A question without rows, or a measure that is 0 everywhere, compares nothing. One run can't have seen a ticket reopened, a
    // status end, or a price change.
    let later = ["reopenRate", "ticketsReopened", "reactivatedMrr", "expansionMrr", "priceMrr", "contractionMrr"];
    // All limits of the simulated agreements are hours, and its open opportunities have an amount and a probability.
    let absent = ["amountLeft", "incidentsLeft", "notWeighted"];
    for (question, one) in compared.iter().filter(|(question, _)| *question != "time in status") {
        assert!(one["rows"].as_u64().unwrap() > 0, "nothing answers {question}");
        let nothing: Vec<&str> = one["nothing"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(
            nothing.iter().all(|measure| later.contains(measure) || absent.contains(measure)),
            "{question} has nothing for {nothing:?}"
        );
    }
}
