//! `connectwise-etl status --run`: what one run did to each table.

use connectwise_pipeline::error::Result;
use connectwise_pipeline::ledger::{RunDetail, RunStatus, StepStatus};

use super::status::{minute, wrap};
use crate::output::{Output, table, thousands};

pub(crate) fn show(found: &RunDetail, output: &Output) -> Result<()> {
    if output.is_json() {
        return output.json(found);
    }
    output.line(&wrap(&headline(&found.run)))?;
    output.line(&wrap(&versions(&found.run)))?;
    if found.steps.is_empty() {
        output.line("it left no step: it was cut off before the first, or had nothing to do")?;
    } else {
        let header = [
            "table",
            "outcome",
            "read",
            "new",
            "changed",
            "unchanged",
            "deleted",
            "rescued",
            "quarantined",
            "requests",
            "repeats",
            "MB",
            "seconds",
            "proof",
        ];
        output.line(&table(&header, &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], found.steps.iter().map(row)))?;
    }
    if !found.chunks.is_empty() {
        let rows: u64 = found.chunks.iter().map(|chunk| chunk.rows).sum();
        let text = format!("{} parts of loads with {} rows were safe on the way", found.chunks.len(), thousands(rows));
        output.line(&text)?;
    }
    for step in &found.steps {
        if let Some(error) = &step.error {
            output.line(&wrap(&format!("{}/{} {}: {error}", step.layer, step.table_name, step.outcome)))?;
        }
        for warning in &step.warnings {
            output.line(&wrap(&format!("{}/{}: {warning}", step.layer, step.table_name)))?;
        }
    }
    Ok(())
}

fn headline(run: &RunStatus) -> String {
    let ended = run.ended.map(|ended| format!(", ended {}", minute(ended))).unwrap_or_default();
    format!("{}: {}, {} of {}, started {}{ended}", run.run_id, run.outcome, run.mode, run.layers, minute(run.started))
}

fn versions(run: &RunStatus) -> String {
    let asked = run.asked_version.as_ref().map(|version| format!(", asked for {version}")).unwrap_or_default();
    let server = run.server_version.as_ref().map(|version| format!(", the server runs {version}")).unwrap_or_default();
    format!("interface document {}{asked}{server}", run.api_version)
}

fn row(step: &StepStatus) -> Vec<String> {
    let rows = |count: u64| if count == 0 { String::new() } else { thousands(count) };
    vec![
        step.table_name.clone(),
        step.outcome.clone(),
        thousands(step.rows_read),
        rows(step.rows_inserted),
        rows(step.rows_updated),
        rows(step.rows_unchanged),
        rows(step.rows_deleted),
        rows(step.rows_rescued),
        rows(step.quarantined),
        step.requests.map(rows).unwrap_or_default(),
        step.retries.map(rows).unwrap_or_default(),
        step.bytes.filter(|bytes| *bytes > 0).map(|bytes| format!("{:.1}", bytes as f64 / 1e6)).unwrap_or_default(),
        format!("{:.1}", step.seconds),
        proof(step),
    ]
}

/// Whether the read was whole, and by what that is known.
fn proof(step: &StepStatus) -> String {
    let Some(complete) = step.complete else { return String::new() };
    let mut words = vec![if complete { "whole" } else { "not whole" }.to_owned()];
    match (step.counted_before, step.counted_after) {
        (Some(before), Some(after)) if before != after => words.push(format!("counted {before}, then {after}")),
        (Some(counted), _) | (None, Some(counted)) => words.push(format!("counted {counted}")),
        (None, None) => {}
    }
    let fact = |fact: Option<bool>, yes: &str, no: &str| fact.map(|is| if is { yes } else { no }.to_owned());
    words.extend(fact(step.end_page_seen, "end seen", "no end seen"));
    words.extend(fact(step.keys_ascending, "keys rise", "keys don't rise"));
    words.join(", ")
}
