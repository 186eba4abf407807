//! `connectwise-etl run`.

use std::process::ExitCode;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use clap::{Args, ValueEnum};
use connectwise_extract::read::Window;
use connectwise_extract::selection::Selected;
use connectwise_lakehouse::Layer;
use connectwise_pipeline::error::{Error, Result};
use connectwise_pipeline::gold;
use connectwise_pipeline::run::{Mode, Outcome, Plan, Report, execute};

use super::reconcile::percent;
use crate::entities::EntityArgs;
use crate::output::{Output, table, thousands};
use crate::progress::{Progress, changes};
use crate::settings::Settings;

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
    #[arg(long, value_name = "DATE", value_parser = moment)]
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
    /// Largest share of a table's rows that may be missing from a full read, 0 to 100 [default: 5]
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    max_share: Option<f64>,
}

/// `2026-01-31`, or `2026-01-31T08:00:00Z`.
fn moment(text: &str) -> std::result::Result<DateTime<Utc>, String> {
    let day =
        text.parse::<NaiveDate>().ok().and_then(|day| day.and_hms_opt(0, 0, 0)).map(|midnight| midnight.and_utc());
    let time = || DateTime::parse_from_rfc3339(text).ok().map(|time| time.with_timezone(&Utc));
    day.or_else(time).ok_or_else(|| "write it as 2026-01-31 or 2026-01-31T08:00:00Z".to_owned())
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ModeArg {
    Full,
    Incremental,
}

impl Run {
    pub(crate) async fn execute(self, settings: &Settings, output: &Output) -> Result<ExitCode> {
        let layers = parse_layers(&self.layers)?;
        if self.adopt_tenant && !layers.contains(&Layer::Bronze) {
            return Err(Error::usage(
                "--adopt-tenant reads all of bronze again, so bronze has to be among the --layers",
            ));
        }
        let Selected { entities, optional } = self.entities.selected(settings)?;
        // Layers above bronze need no credentials. Those of bronze are compared with the tenant of the lakehouse as the run begins.
        let asks = layers.contains(&Layer::Bronze);
        let lake = if asks { settings.lake()? } else { settings.own_lake().await? };
        gold::check(&lake, &settings.gold).await?;
        let client = asks.then(|| settings.client()).transpose()?;
        let mode = match self.mode {
            _ if self.full => Mode::Full,
            ModeArg::Full => Mode::Full,
            ModeArg::Incremental => Mode::Incremental,
        };
        let mut window = Window { since: self.since, lookback_days: self.lookback_days, ..Window::default() };
        if let Some(minutes) = settings.source.overlap_minutes() {
            window.overlap = TimeDelta::minutes(i64::from(minutes));
        }
        let plan = Plan {
            layers,
            mode,
            entities,
            optional,
            window,
            page_size: settings.source.page_size(),
            privacy: settings.keyed_privacy()?,
            load: settings.options(self.max_share),
            gold: settings.gold.clone(),
            adopt_tenant: self.adopt_tenant,
        };
        let report = execute(&lake, client.as_ref(), &plan, &Progress::new(*output)).await?;
        Ok(output.done(show(&report, output), report.exit_code()))
    }
}

fn parse_layers(names: &[String]) -> Result<Vec<Layer>> {
    let layers: Vec<Layer> = names.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
    if layers.is_empty() {
        return Err(Error::usage("--layers names no layer: the layers are bronze, silver and gold"));
    }
    Ok(layers)
}

/// Prints what a run did.
pub(crate) fn show(report: &Report, output: &Output) -> Result<()> {
    if output.is_json() {
        return output.json(report);
    }
    let rows = report.steps.iter().map(|step| {
        let what = match &step.outcome {
            Outcome::Failed(_) => "failed".to_owned(),
            Outcome::Incomplete(_) => format!("incomplete, {}", changes(step)),
            Outcome::Unchanged => "unchanged".to_owned(),
            Outcome::Skipped if step.layer == Layer::Bronze => "skipped".to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_day_or_an_instant() {
        let told = |text: &str| moment(text).map(|time| time.to_rfc3339());
        assert_eq!(told("2026-01-31").unwrap(), "2026-01-31T00:00:00+00:00");
        assert_eq!(told("2026-01-31T08:00:00Z").unwrap(), "2026-01-31T08:00:00+00:00");
        assert_eq!(told("2026-01-31T08:00:00+02:00").unwrap(), "2026-01-31T06:00:00+00:00");
        for text in ["", "yesterday", "2026-02-30", "31.01.2026"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}
