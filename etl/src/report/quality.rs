//! Data tests, what had no place, and drift.

use super::card::{card, sentence, wide};
use super::html::{Html, table};
use super::operations::Operations;
use super::words::{minute, whole};
use crate::drift::DriftKind;

/// Rows of a table on the page.
const MOST: usize = 40;

pub(super) fn cards(html: &mut Html, operations: &Operations) {
    tests(html, operations);
    rescued(html, operations);
    drift(html, operations);
}

fn tests(html: &mut Html, operations: &Operations) {
    let tests = &operations.tests;
    let failing: Vec<Vec<String>> = tests
        .iter()
        .filter(|test| !test.passed)
        .take(MOST)
        .map(|test| {
            let found = test.found.clone().unwrap_or_default();
            vec![test.table_name.clone(), test.test.clone(), test.severity.clone(), found, minute(test.started)]
        })
        .collect();
    let passed = tests.iter().filter(|test| test.passed).count();
    let mut content = sentence(&match tests.len() {
        0 => "No data test has run yet.".to_owned(),
        all => format!("{passed} of {all} data tests passed when their tables were last looked at."),
    });
    if !failing.is_empty() {
        content.html(&table(&["table", "test", "severity", "found", "when"], &[], &failing));
    }
    wide(html, "Data tests", &content);
}

fn rescued(html: &mut Html, operations: &Operations) {
    let known = operations.drift.deviations.iter().filter(|known| known.kind != DriftKind::Value);
    let rows: Vec<Vec<String>> = known
        .take(MOST)
        .map(|known| vec![known.entity.clone(), known.path.clone(), known.found.clone(), whole(known.count as f64)])
        .collect();
    let content = match rows.as_slice() {
        [] => sentence("Every value had its place: nothing was rescued."),
        rows => table(&["entity", "path", "found", "rows"], &[3], rows),
    };
    card(html, "Rescued paths", &content);
    let rows: Vec<Vec<String>> = operations
        .quarantined
        .iter()
        .map(|record| vec![record.entity.clone(), record.reason.clone(), whole(record.records as f64)])
        .collect();
    let content = match rows.as_slice() {
        [] => sentence("No record is in quarantine."),
        rows => table(&["entity", "reason", "records"], &[2], rows),
    };
    card(html, "Quarantine", &content);
}

fn drift(html: &mut Html, operations: &Operations) {
    let drift = &operations.drift;
    let rows: Vec<Vec<String>> = drift
        .deviations
        .iter()
        .take(3 * MOST)
        .map(|known| {
            vec![
                known.entity.clone(),
                known.kind.name().to_owned(),
                known.path.clone(),
                known.found.clone(),
                whole(known.count as f64),
                minute(known.first_seen),
            ]
        })
        .collect();
    let unseen: usize = drift.unseen.iter().map(|entity| entity.never_seen.len()).sum();
    let mut content = sentence(&format!(
        "Against the interface document {}: {} deviations; {} of its properties never had a value.",
        drift.api_version,
        drift.deviations.len(),
        whole(unseen as f64)
    ));
    if !rows.is_empty() {
        content.html(&table(&["entity", "drift", "property", "found", "rows then", "first seen"], &[4], &rows));
    }
    wide(html, "Drift against the document", &content);
}
