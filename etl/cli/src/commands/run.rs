//! `connectwise-etl run`.

use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use connectwise_lakehouse::Layer;
use connectwise_pipeline::error::Result;
use connectwise_pipeline::run::{Mode, RunReport, StepOutcome};

use super::reconcile::percent;
use crate::entities::EntityArgs;
use crate::output::{Output, table, thousands};
use crate::progress::{Progress, changes};
use crate::settings::Settings;
use crate::tasks::{self, RunRequest};

/// Load what the API has into the lakehouse, layer by layer
///
/// An entity that fails doesn't stop the others. What is written is always whole: a read that can't prove its end
/// replaces nothing and moves no watermark. A full read that lacks too many of a table's rows updates the others and removes
/// none: a lost right looks like that.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  connectwise-etl run --full
  connectwise-etl run --entities TimeEntry,Agreement --lookback-days 7
  connectwise-etl run --exclude 'purchase*' --optional Member
  connectwise-etl run --since 2026-01-01            read again what changed since then
  connectwise-etl run --layers silver,gold          rebuild from bronze, without asking the API")]
pub(crate) struct Run {
    /// Layers to build, comma-separated: bronze, silver, gold
    #[arg(long, value_delimiter = ',', default_value = "bronze,silver,gold")]
    layers: Vec<String>,
    /// How much is read
    #[arg(long, value_enum, default_value = "incremental")]
    mode: ModeArg,
    /// Read everything: the same as --mode full
    #[arg(long, conflicts_with_all = ["mode", "since", "lookback_days"])]
    full: bool,
    /// Read again what changed since this day or time (UTC); a time after the last run changes nothing
    #[arg(long, value_name = "DATE", value_parser = tasks::moment)]
    since: Option<DateTime<Utc>>,
    /// Days that every business-date window goes back, in place of those of the catalogue
    #[arg(long, value_name = "DAYS")]
    lookback_days: Option<u32>,
    #[command(flatten)]
    entities: EntityArgs,
    /// Take over a lakehouse that belongs to another tenant, for a tenant whose server or company id has changed
    ///
    /// The move is recorded in etl_tenant, and every table is read in full, in this run or a later one. Rows that the tenant
    /// lacks leave bronze and are marked as deleted in silver; when they are too many, --max-share has to allow it.
    #[arg(long, conflicts_with_all = ["entities", "include", "exclude", "since", "lookback_days"])]
    adopt_tenant: bool,
    /// Replace tables that another program made where this one writes its own, in a lakehouse that was never loaded
    ///
    /// Without it such a lakehouse is refused. Each table is replaced when it is built, in one commit: earlier versions stay readable by
    /// time travel, until `maintain` removes old files.
    #[arg(long)]
    adopt: bool,
    /// Largest share of a table's rows that may be missing from a full read, 0 to 100 [default: 5]
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    max_share: Option<f64>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ModeArg {
    Full,
    Incremental,
}

impl Run {
    pub(crate) async fn execute(self, settings: &Settings, output: &Output) -> Result<u8> {
        let mode = match self.mode {
            _ if self.full => Mode::Full,
            ModeArg::Full => Mode::Full,
            ModeArg::Incremental => Mode::Incremental,
        };
        let request = RunRequest {
            layers: self.layers.iter().map(|name| name.parse()).collect::<Result<_, _>>()?,
            mode,
            since: self.since,
            lookback_days: self.lookback_days,
            entities: self.entities,
            adopt_tenant: self.adopt_tenant,
            adopt: self.adopt,
            max_share: self.max_share,
            cluster: None,
        };
        let report = tasks::run(settings, request, &Progress::new(*output)).await?;
        Ok(output.done(show(&report, output), report.exit_code()))
    }
}

/// Prints what a run did.
pub(crate) fn show(report: &RunReport, output: &Output) -> Result<()> {
    if output.is_json() {
        return output.json(report);
    }
    let rows = report.steps.iter().map(|step| {
        let what = match &step.outcome {
            StepOutcome::Failed(_) => "failed".to_owned(),
            StepOutcome::Incomplete(_) => format!("incomplete, {}", changes(step)),
            StepOutcome::Unchanged => "unchanged".to_owned(),
            StepOutcome::Skipped if step.layer == Layer::Bronze => "skipped".to_owned(),
            StepOutcome::Skipped => "nothing to build it from".to_owned(),
            StepOutcome::Written => changes(step),
        };
        let version = step.version.map_or_else(String::new, |version| version.to_string());
        vec![
            format!("{}/{}", step.layer, step.table),
            thousands(step.rows_read),
            what,
            version,
            format!("{:.1}", step.seconds),
        ]
    });
    output.line(&table(&["table", "rows read", "changes", "version", "seconds"], &[1, 3, 4], rows))?;
    for layer in Layer::ALL {
        if let Some((rows, rate)) = report.rows_per_second(layer) {
            output.line(&format!("{layer}: {} rows, {} rows a second", thousands(rows), thousands(rate as u64)))?;
        }
    }
    output.line(&format!(
        "run {} took {:.1} s, {} requests ({} repeated), {:.1} MB; the tables are in {}",
        report.run_id,
        report.seconds,
        thousands(report.requests),
        thousands(report.retries),
        report.bytes as f64 / 1e6,
        report.lakehouse
    ))?;
    if !report.not_tried.is_empty() {
        output.note(&format!("not tried, since everything fails: {}", report.not_tried.join(", ")));
    }
    for warning in &report.warnings {
        output.note(&format!("warning: {warning}"));
    }
    for step in &report.steps {
        for warning in &step.warnings {
            output.note(&format!("warning: {}/{}: {warning}", step.layer, step.table));
        }
    }
    let incomplete: Vec<String> = report.incomplete().map(|step| format!("{}/{}", step.layer, step.table)).collect();
    if !incomplete.is_empty() {
        output.note(&format!("incomplete, and asked for again by the next run: {}", incomplete.join(", ")));
    }
    let failed: Vec<String> = report.failed().map(|step| format!("{}/{}", step.layer, step.table)).collect();
    if !failed.is_empty() {
        // Why was said when it happened.
        output.note(&format!("failed, and left as they were: {}", failed.join(", ")));
    }
    Ok(())
}
