//! `connectwise-etl status`.

use chrono::{DateTime, Utc};
use clap::Args;
use connectwise_pipeline::error::Result;
use connectwise_pipeline::ledger::drift;
use connectwise_pipeline::ledger::{self, RunStatus, TableStatus};

use crate::output::{Output, table, thousands};
use crate::settings::Settings;

/// Columns that text is wrapped at.
const WIDTH: usize = 100;

/// Show how fresh each table is and how the last runs went, or all of one run
///
/// Every run leaves what it did in the lakehouse itself, in etl_runs, etl_steps, etl_chunks and etl_tests: ask those with
/// query for more. An unfinished run still goes on, or was interrupted and no run has begun since.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  connectwise-etl status
  connectwise-etl status --run last
  connectwise-etl status --json
  connectwise-etl query \"select * from etl_steps where outcome = 'failed' order by started desc\"")]
pub(crate) struct Status {
    /// Show what this run did to each table: the end of its name, or last
    #[arg(long, value_name = "ID")]
    run: Option<String>,
}

impl Status {
    pub(crate) async fn execute(self, settings: &Settings, output: &Output) -> Result<u8> {
        let lake = settings.lake()?;
        settings.note_foreign(&lake, output).await;
        if let Some(wanted) = &self.run {
            super::status_run::show(&ledger::detail(&lake, wanted).await?, output)?;
            return Ok(0);
        }
        let found = ledger::status(&lake).await?;
        if output.is_json() {
            output.json(&found)?;
            return Ok(0);
        }
        let Some(status) = found else {
            output.line(&format!("no run has written to {} yet: start with connectwise-etl run", lake.root()))?;
            return Ok(0);
        };
        if !status.tables.is_empty() {
            let header = ["table", "rows", "last good run", "watermark", "last outcome"];
            output.line(&table(&header, &[1], status.tables.iter().map(table_row)))?;
        }
        let open = status.tables.iter().filter(|table| table.quarantine_open > 0);
        let open: Vec<String> =
            open.map(|table| format!("{} of {}", thousands(table.quarantine_open), table.table_name)).collect();
        if !open.is_empty() {
            let open = open.join(", ");
            output.line(&wrap(&format!("open in quarantine: {open}; connectwise-etl quarantine lists them")))?;
        }
        let looked = status.tables.iter().filter_map(|table| Some((table.oldest_look?, &table.table_name)));
        if let Some((oldest, name)) = looked.min() {
            let old = age((status.now - oldest).num_seconds().max(0));
            output.line(&wrap(&format!("child lists: all were read within {old}, longest ago those of {name}")))?;
        }
        for step in &status.tables {
            if let Some(error) = &step.error {
                let text = format!("{}/{} {}: {}", step.layer, step.table_name, step.outcome, first_sentence(error));
                output.line(&wrap(&text))?;
            }
            if let (Some(error), Some(when)) = (&step.reconcile_error, step.last_reconcile) {
                let name = &step.table_name;
                let why = first_sentence(error);
                let text = format!("{}/{name}: the reconcile of {} deleted nothing: {why}", step.layer, minute(when));
                output.line(&wrap(&text))?;
            }
        }
        output.line("")?;
        let header = ["run", "started", "mode", "layers", "outcome", "failed", "partly", "requests", "seconds"];
        output.line(&table(&header, &[5, 6, 7, 8], status.runs.iter().map(run_row)))?;
        if status.runs.iter().any(|run| run.outcome != "done") {
            output.line("connectwise-etl status --run and the name of a run show what it did to each table")?;
        }
        let drift = drift::read(&lake).await?;
        if !drift.unseen.is_empty() {
            output.line("")?;
            output.line(&wrap(&format!("drift {}; connectwise-etl drift lists it", super::drift::summary(&drift))))?;
        }
        Ok(0)
    }
}

fn table_row(table: &TableStatus) -> Vec<String> {
    vec![
        table.table_name.clone(),
        table.rows.map(thousands).unwrap_or_default(),
        table.age_seconds.map_or_else(|| "never".to_owned(), |seconds| format!("{} ago", age(seconds))),
        table.watermark.map(minute).unwrap_or_default(),
        table.outcome.clone(),
    ]
}

fn run_row(run: &RunStatus) -> Vec<String> {
    vec![
        ledger::short(&run.run_id).to_owned(),
        minute(run.started),
        short(&run.mode, 11),
        if run.layers == "bronze,silver,gold" { "all".to_owned() } else { short(&run.layers, 13) },
        run.outcome.clone(),
        run.steps_failed.map(|failed| failed.to_string()).unwrap_or_default(),
        run.steps_incomplete.map(|incomplete| incomplete.to_string()).unwrap_or_default(),
        run.requests.map(thousands).unwrap_or_default(),
        run.seconds.map(|seconds| format!("{seconds:.0}")).unwrap_or_default(),
    ]
}

pub(crate) fn minute(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M").to_string()
}

/// A time span in its largest unit.
fn age(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// What happened; what to do and the chain of causes are in the ledger.
pub(crate) fn first_sentence(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let sentence = line.split_once("; ").map_or(line, |(first, _)| first);
    let sentence = sentence.split_once(". ").map_or(sentence, |(first, _)| first);
    short(sentence, 3 * WIDTH)
}

/// Breaks a text at spaces, so that no line is longer than a terminal, and indents what goes on.
pub(crate) fn wrap(text: &str) -> String {
    let mut lines = String::new();
    let mut width = 0;
    for word in text.split_whitespace() {
        let more = word.chars().count();
        if width > 0 && width + 1 + more > WIDTH {
            lines.push_str("\n  ");
            width = 2;
        } else if width > 0 {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(word);
        width += more;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        assert_eq!([5, 65, 7_200, 100_000, 864_000].map(age), ["5 s", "1 min", "2 h", "27 h", "10 days"]);
    }

    #[test]
    fn a_long_error_fits_the_terminal() {
        let text = "word ".repeat(60);
        let lines = wrap(&text);
        assert!(lines.lines().all(|line| line.len() <= WIDTH), "{lines}");
        assert_eq!(lines.split_whitespace().count(), 60, "nothing is lost");
        assert_eq!(first_sentence("the read isn't whole; run again. Then"), "the read isn't whole");
        assert_eq!(short("abcdef", 4), "abc…");
    }
}
