//! `connectwise-etl run`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::output::{Output, table, thousands};
use super::progress::{Progress, changes};
use super::settings::Settings;
use crate::catalog;
use crate::error::{Error, Result};
use crate::lake::Layer;
use crate::run::{Mode, Outcome, Plan, Report, execute};

/// Load what the API has into the lakehouse, layer by layer
///
/// An entity that fails doesn't stop the others. What is written is always whole: a read that can't prove its end
/// replaces nothing and moves no watermark.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  connectwise-etl run --mode full
  connectwise-etl run --mode incremental --entities TimeEntry,Agreement --lookback-days 7
  connectwise-etl run --layers silver,gold          rebuild from bronze, without asking the API")]
pub(super) struct Run {
    /// Layers to build, comma-separated: bronze, silver, gold
    #[arg(long, value_delimiter = ',', default_value = "bronze,silver,gold")]
    layers: Vec<String>,
    /// How much is read
    #[arg(long, value_enum, default_value = "incremental")]
    mode: ModeArg,
    /// Days that every business-date window goes back, in place of those of the catalogue
    #[arg(long, value_name = "DAYS")]
    lookback_days: Option<u32>,
    /// Entities, comma-separated [default: all]
    #[arg(long, value_delimiter = ',')]
    entities: Vec<String>,
    /// Records a page, 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1000))]
    page_size: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ModeArg {
    Full,
    Incremental,
}

impl Run {
    pub(super) async fn execute(self, settings: &Settings, output: &Output) -> Result<ExitCode> {
        let layers = parse_layers(&self.layers)?;
        let entities = match self.entities.as_slice() {
            [] => catalog::entities().iter().collect(),
            names => names.iter().map(|name| catalog::entity(name)).collect::<Result<_>>()?,
        };
        let lake = settings.lake()?;
        // Layers above bronze need no tenant, and so no credentials.
        let client = if layers.contains(&Layer::Bronze) { Some(settings.client()?) } else { None };
        let mode = match self.mode {
            ModeArg::Full => Mode::Full,
            ModeArg::Incremental => Mode::Incremental,
        };
        let plan = Plan {
            layers,
            mode,
            entities,
            lookback_days: self.lookback_days,
            page_size: self.page_size,
            privacy: settings.keyed_privacy()?,
            gold: settings.gold.clone(),
        };
        let report = execute(&lake, client.as_ref(), &plan, &Progress::new(*output)).await?;
        show(&report, output)?;
        Ok(exit_code(&report))
    }
}

fn parse_layers(names: &[String]) -> Result<Vec<Layer>> {
    let layers: Vec<Layer> = names.iter().map(|name| name.parse()).collect::<Result<_>>()?;
    if layers.is_empty() {
        return Err(Error::usage("--layers names no layer: the layers are bronze, silver and gold"));
    }
    Ok(layers)
}

/// 0 done, 1 some steps failed, 3 nothing could run.
pub(super) fn exit_code(report: &Report) -> ExitCode {
    match (report.is_total_loss(), report.failed().count()) {
        (true, _) => ExitCode::from(3),
        (false, 0) => ExitCode::SUCCESS,
        (false, _) => ExitCode::from(1),
    }
}

/// Prints what a run did.
pub(super) fn show(report: &Report, output: &Output) -> Result<()> {
    if output.is_json() {
        return output.json(report);
    }
    let rows = report.steps.iter().map(|step| {
        let what = match &step.outcome {
            Outcome::Failed(_) => "failed".to_owned(),
            Outcome::Unchanged => "unchanged".to_owned(),
            Outcome::Skipped => "nothing to build it from".to_owned(),
            Outcome::Written => changes(step),
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
    for warning in &report.warnings {
        output.note(&format!("warning: {warning}"));
    }
    for step in &report.steps {
        for warning in &step.warnings {
            output.note(&format!("warning: {}/{}: {warning}", step.layer, step.table));
        }
    }
    let failed: Vec<String> = report.failed().map(|step| format!("{}/{}", step.layer, step.table)).collect();
    if !failed.is_empty() {
        // Why was said when it happened.
        output.note(&format!("failed, and left as they were: {}", failed.join(", ")));
    }
    Ok(())
}
