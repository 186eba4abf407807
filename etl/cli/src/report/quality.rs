//! Data tests, what had no place, and drift.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use connectwise_pipeline::ledger;
use connectwise_pipeline::ledger::drift::KnownDeviation;
use connectwise_pipeline::telemetry::DriftKind;

use super::card::{card, more, sentence, wide};
use super::chart::{Item, Series, bars};
use super::html::{Html, table};
use super::operations::Operations;
use super::words::{minute, whole};

/// Rows of a table on the page.
const MOST: usize = 40;
/// Bars of a picture.
const MOST_BARS: usize = 12;

pub(super) fn cards(html: &mut Html, operations: &Operations) {
    tests(html, operations);
    rescued(html, operations);
    quarantined(html, operations);
    drift(html, operations);
}

fn tests(html: &mut Html, operations: &Operations) {
    let tests = &operations.tests;
    let failing: Vec<Vec<String>> = tests
        .iter()
        .filter(|test| !test.passed)
        .map(|test| {
            let found = test.found.clone().unwrap_or_default();
            vec![test.table_name.clone(), test.test.clone(), test.severity.clone(), found, minute(test.started)]
        })
        .collect();
    let passed = tests.len() - failing.len();
    let mut content = sentence(&match tests.len() {
        0 => "No data test has run yet.".to_owned(),
        all => format!("{passed} of {all} data tests passed when their tables were last looked at."),
    });
    if !failing.is_empty() {
        let header = ["table", "test", "severity", "found", "when"];
        content.html(&cut(&header, &[], &failing, MOST, "tests that failed"));
    }
    wide(html, "Data tests", &content);
}

/// The first rows of a table, and how many there are besides.
fn cut(header: &[&'static str], right: &[usize], rows: &[Vec<String>], most: usize, what: &str) -> Html {
    let shown = rows.get(..most).unwrap_or(rows);
    let mut html = table(header, right, shown);
    more(&mut html, rows.len(), shown.len(), what);
    html
}

/// Bars from the longest on, and how many there are besides.
fn longest(title: &str, series: &[Series], mut items: Vec<Item>, what: &str) -> Html {
    let length = |item: &Item| item.values.iter().sum::<f64>();
    items.sort_by(|one, other| length(other).total_cmp(&length(one)).then_with(|| one.label.cmp(&other.label)));
    let shown = items.get(..MOST_BARS).unwrap_or(&items);
    let mut html = bars(title, series, shown);
    more(&mut html, items.len(), shown.len(), what);
    html
}

/// Where values had no place: paths and types, and never the values themselves.
fn rescued(html: &mut Html, operations: &Operations) {
    let mut known: Vec<&KnownDeviation> =
        operations.drift.deviations.iter().filter(|known| known.kind != DriftKind::Value).collect();
    known.sort_by_key(|known| (Reverse(known.count), &known.entity, &known.path));
    if known.is_empty() {
        return card(html, "Rescued paths", &sentence("Every value had its place: nothing was rescued."));
    }
    let mut paths: BTreeMap<String, u64> = BTreeMap::new();
    for known in &known {
        *paths.entry(format!("{} {}", known.entity, known.path)).or_default() += known.count;
    }
    let items = paths.into_iter().map(|(label, rows)| Item {
        label,
        values: vec![rows as f64],
        note: format!("{} rows", whole(rows as f64)),
    });
    let series = [Series { class: "b", name: "rows" }];
    let mut content = sentence("Rows of the run that saw a path first, in which its value went to _rescued.");
    content.html(&longest("Rescued rows by path", &series, items.collect(), "paths"));
    let rows: Vec<Vec<String>> = known
        .iter()
        .map(|known| vec![known.entity.clone(), known.path.clone(), known.found.clone(), whole(known.count as f64)])
        .collect();
    content.html(&cut(&["entity", "path", "found", "rows"], &[3], &rows, MOST, "ways"));
    card(html, "Rescued paths", &content);
}

fn quarantined(html: &mut Html, operations: &Operations) {
    let records = &operations.quarantined;
    if records.is_empty() {
        return card(html, "Quarantine", &sentence("No record is in quarantine."));
    }
    let items = records.iter().map(|found| Item {
        label: format!("{} {}", found.entity, found.reason),
        values: vec![found.records as f64],
        note: format!("{} records", whole(found.records as f64)),
    });
    let series = [Series { class: "c", name: "records" }];
    let mut content = longest("Records in quarantine by reason", &series, items.collect(), "reasons");
    let rows: Vec<Vec<String>> = records
        .iter()
        .map(|found| vec![found.entity.clone(), found.reason.clone(), whole(found.records as f64)])
        .collect();
    content.html(&cut(&["entity", "reason", "records"], &[2], &rows, MOST, "reasons"));
    card(html, "Quarantine", &content);
}

fn drift(html: &mut Html, operations: &Operations) {
    let drift = &operations.drift;
    let unseen: usize = drift.unseen.iter().map(|entity| entity.never_seen.len()).sum();
    let mut content = sentence(&format!(
        "Against the interface document {}: {} deviations; {} of its properties never had a value.",
        drift.api_version,
        drift.deviations.len(),
        whole(unseen as f64)
    ));
    if !drift.deviations.is_empty() {
        content.html(&by_entity(&drift.deviations));
        let rows: Vec<Vec<String>> = drift
            .deviations
            .iter()
            .map(|known| {
                vec![
                    known.entity.clone(),
                    known.kind.name().to_owned(),
                    known.path.clone(),
                    known.found.clone(),
                    whole(known.count as f64),
                    minute(known.first_seen),
                    ledger::short(&known.run_id).to_owned(),
                ]
            })
            .collect();
        let header = ["entity", "drift", "property", "found", "rows then", "first seen", "by run"];
        content.html(&cut(&header, &[4], &rows, 3 * MOST, "deviations: connectwise-etl drift lists them"));
    }
    wide(html, "Drift against the document", &content);
}

/// How many deviations of each kind an entity has.
fn by_entity(deviations: &[KnownDeviation]) -> Html {
    let kinds = [DriftKind::Property, DriftKind::Type, DriftKind::Value];
    let series = [
        Series { class: "a", name: "unknown properties" },
        Series { class: "c", name: "other types" },
        Series { class: "b", name: "unknown values" },
    ];
    let mut entities: BTreeMap<&str, Vec<&KnownDeviation>> = BTreeMap::new();
    for known in deviations {
        entities.entry(&known.entity).or_default().push(known);
    }
    let items = entities.into_iter().map(|(entity, known)| {
        let count = |kind| known.iter().filter(|known| known.kind == kind).count();
        Item {
            label: entity.to_owned(),
            values: kinds.map(|kind| count(kind) as f64).to_vec(),
            note: kinds.map(|kind| count(kind).to_string()).join(" / "),
        }
    });
    longest("Deviations by entity", &series, items.collect(), "entities")
}
