//! The small tenant's gold, every row and column of it, against what was worked out by hand from the contract of the star
//! schema: `tests/golden/gold` has a file a table. A column that a row doesn't name is as `unless_said` has it, else NULL; `_why`
//! says how an amount or a day follows.
//!
//! Keys are numbered in the order of the natural keys, because everything arrived at once.
//!
//! A CSV file can't say why. `fact_capacity.csv` has the weekdays from 1 January 2024, the day of entry 10, to 1 July, that of the build:
//! for member 10 all 131 of them, of 7.5 hours, which entry 1 states, as her calendar has no hours; for member 11 the 110 until he left on
//! 31 May, of the 8 hours of his calendar, and 6 on the 22 Fridays;
//! for member 12, who is deleted, and member 99, who is on no list, the day of their only entries (9, and 3), of 8 hours, as nothing says
//! otherwise. Holidays of Iceland on these days are 1 January, 28 and 29 March, 1 and 25 April, 1, 9 and 20 May, and 17 June. Entry 15
//! takes 4 hours off 18 June, entry 17 the 7.5 that 19 June has of its 10; entry 16 is on a holiday. The list of holidays of member 10's calendar
//! has 26 June, and three hours of 25 June.

use std::collections::BTreeMap;
use std::path::Path;

use connectwise_pipeline::gold::{self, GoldConfig, Severity};
use connectwise_pipeline::silver::Mode;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::tenant::{Tenant, configured, golden};

const STARTED: &str = "2024-07-01T06:00:00Z";

/// A row by the names of its columns; NULL has no entry.
type Row = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    unless_said: Map<String, Value>,
    rows: Vec<Map<String, Value>>,
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

fn expected(table: &str) -> Vec<Row> {
    let folder = golden().join("gold");
    match std::fs::read_to_string(folder.join(format!("{table}.csv"))) {
        Ok(lines) => from_csv(&lines),
        Err(_) => from_json(&folder.join(format!("{table}.json"))),
    }
}

fn from_json(file: &Path) -> Vec<Row> {
    let content = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let expected: Expected = serde_json::from_str(&content).unwrap();
    let row = |row: Map<String, Value>| {
        let mut whole = expected.unless_said.clone();
        whole.extend(row);
        whole.remove("_why");
        whole.into_iter().filter_map(|(name, value)| Some((name, text(value)?))).collect()
    };
    expected.rows.into_iter().map(row).collect()
}

fn from_csv(lines: &str) -> Vec<Row> {
    let mut lines = lines.lines().map(|line| line.split(','));
    let names: Vec<&str> = lines.next().unwrap().collect();
    let row = |line: std::str::Split<'_, char>| {
        let named = names.iter().zip(line).filter(|(_, value)| !value.is_empty());
        named.map(|(name, value)| ((*name).to_owned(), value.to_owned())).collect()
    };
    lines.map(row).collect()
}

#[tokio::test]
async fn every_row_of_every_table_is_as_written_down() {
    let tenant = Tenant::small().await;
    let report = tenant.build(Mode::Full, STARTED, &configured()).await;
    let odd = report.tests.iter().filter(|test| !test.passed());
    let odd: Vec<_> = odd.map(|test| (&*test.table.name, test.severity, &*test.found)).collect();
    assert_eq!(
        odd,
        [
            // A status and a kind of charge that the API doesn't name.
            ("dimtimeentrystatus", Severity::Warn, "1 rows, as {\"Paused\"}"),
            ("dimchargetype", Severity::Warn, "1 rows, as {\"Project\"}"),
            ("fact_timeentry", Severity::Warn, "1 rows, as {\"Paused\"}"),
            // A completion and an unposted invoice above the sum of their lines, and an invoice whose subtotal and tax don't
            // make its total.
            (
                "fact_invoice",
                Severity::Warn,
                "invoice INV-507 has 6250.0000 in its header and 0.0000 in its lines, \
                 invoice INV-509 has 150.0000 in its header and 100.0000 in its lines, \
                 invoice INV-510 has 110.0000 in its header and 0.0000 in its lines, and 2 more"
            ),
            // Entry 13 is on an invoice without a header, entry 37 and product 21 on a deleted one; entry 10 is to be billed and has no known amount.
            (
                "fact_invoiceline",
                Severity::Warn,
                "invoice 503 has lines (1) and no header, \
                 invoice 512 was deleted, and lines (2) name it, which are neither revenue nor to bill, \
                 work to bill (1 rows) has no amount: neither one of its own, nor hours and a rate"
            ),
            // Ticket 14 is closed and nothing tells since when; ticket 10 has a status of no board.
            (
                "fact_ticket",
                Severity::Warn,
                "closed tickets (1) have no closing date, so that nothing tells on which day they were closed, \
                 tickets (1) have a status that no board has, so that only their own flag tells whether they are closed"
            ),
            // Ticket 25 has no date at all.
            ("fact_backlog", Severity::Warn, "no date tells on which day tickets came or were closed (1 times)"),
            // Addition 4; addition 11 is billed once.
            (
                "fact_agreementaddition",
                Severity::Warn,
                "active additions (1) have a billing cycle whose months are not known (Every now and then), and so no \
                 recurring revenue"
            ),
            // Agreement 103.
            (
                "fact_prepaid",
                Severity::Warn,
                "agreements (1) have a limit, and nothing tells since when they run, so that no period is known"
            ),
            // Opportunities 7 and 6.
            (
                "fact_opportunity",
                Severity::Warn,
                "open opportunities (1) have a probability that is no number, so that nothing weighs them, \
                 opportunities (1) have a status that no list has, so that only a closing date tells whether they are closed"
            ),
            // Result 5, twice.
            (
                "fact_surveyresult",
                Severity::Warn,
                "answered surveys (1) have no points, \
                 answered surveys (1) name a ticket that no list has, so that nobody knows whose work they rate"
            ),
        ]
    );
    assert!(report.tests.len() >= 107, "{}", report.tests.len());
    assert_eq!(report.unmatched_agreement_types, [("Managed Services".to_owned(), 1)].into());
    assert_expected(&tenant, |_, _| ()).await;
}

#[tokio::test]
async fn captions_and_fiscal_years_are_as_configured() {
    let tenant = Tenant::small().await;
    let config = GoldConfig {
        agreement_number_caption: Some("365 tenant ".to_owned()),
        fiscal_year_start_month: 7,
        ..configured()
    };
    tenant.build(Mode::Full, STARTED, &config).await;
    // Fiscal year and quarter of each month of 2024.
    let fiscal = [
        ("2024", "3"),
        ("2024", "3"),
        ("2024", "3"),
        ("2024", "4"),
        ("2024", "4"),
        ("2024", "4"),
        ("2025", "1"),
        ("2025", "1"),
        ("2025", "1"),
        ("2025", "2"),
        ("2025", "2"),
        ("2025", "2"),
    ];
    assert_expected(&tenant, |table, row| {
        // The number of agreement 105 is in another field: it has that of its parent.
        let number = if table == "dimagreement" { "number" } else { "final_agreement_number" };
        if row.get("agreementId").is_some_and(|id| id == "105") && row.contains_key(number) {
            row.insert(number.to_owned(), "S-100".to_owned());
        }
        if table == "dimdate"
            && let Some(month) = row.get("month")
        {
            let (year, quarter) = fiscal[month.parse::<usize>().unwrap() - 1];
            row.insert("fiscalYear".to_owned(), year.to_owned());
            row.insert("fiscalQuarter".to_owned(), quarter.to_owned());
        }
    })
    .await;
}

/// Compares all tables with the expected rows, each as `change` makes it.
async fn assert_expected(tenant: &Tenant, change: impl Fn(&str, &mut Row)) {
    for table in gold::tables().unwrap().into_iter().filter(|table| *table != "dimension_keys") {
        let (names, rows) = tenant.texts(&format!("select * from {table}")).await;
        let key = &names[0];
        let rows = rows.into_iter().map(|row| {
            names.iter().cloned().zip(row).filter_map(|(name, value)| Some((name, value?))).collect::<Row>()
        });
        let mut found: BTreeMap<String, Row> = rows.map(|row| (row[key].clone(), row)).collect();
        for mut expected in expected(table) {
            change(table, &mut expected);
            for name in expected.keys() {
                assert!(names.contains(name), "the expected rows of {table} name {name}, which is no column");
            }
            let mut row = found.remove(&expected[key]).unwrap_or_else(|| panic!("{table} lacks {expected:?}"));
            let technical: Vec<String> = ["_etl_gold_processed_at", "_etl_batch_id", "_etl_source"]
                .iter()
                .map(|name| row.remove(*name).unwrap_or_default())
                .collect();
            assert_eq!(technical[..2], [STARTED.to_owned(), format!("run-{STARTED}")], "{table}");
            assert!(technical[2].starts_with("silver_cw_") || technical[2] == "calendar", "{table}: {technical:?}");
            let differs = |name: &&String| row.get(*name) != expected.get(*name);
            let odd: Vec<String> = names
                .iter()
                .filter(differs)
                .map(|name| format!("{name} is {:?} and not {:?}", row.get(name), expected.get(name)))
                .collect();
            assert!(odd.is_empty(), "{table} {key} {}: {odd:#?}", expected[key]);
        }
        assert!(found.is_empty(), "{table} has rows too many: {found:#?}");
    }
}
