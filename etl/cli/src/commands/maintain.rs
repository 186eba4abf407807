//! `connectwise-etl maintain`.

use clap::Args;
use connectwise_pipeline::error::Result;
use connectwise_pipeline::maintain::MaintenanceReport;
use connectwise_pipeline::verify;

use crate::output::{Output, table, thousands};
use crate::parts::Parts;
use crate::settings::Settings;
use crate::tasks::{self, MaintainRequest};

/// Put small files together and remove what nothing needs any more
///
/// Small files that lie side by side become larger ones; files of old versions go after the retention, and files that no
/// commit names, which runs leave that were killed, after a safe age; logs get a checkpoint. No row changes. It may run beside
/// other runs as long as none of them takes longer than the safe age.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  connectwise-etl maintain --dry-run
  connectwise-etl maintain --verify                 read every table and compare the layers
  connectwise-etl maintain --verify --repair        and let the next run load or build what differs
  connectwise-etl maintain --layers bronze,silver --retention-hours 720")]
pub(crate) struct Maintain {
    /// Layers, comma-separated: bronze, silver, gold, etl
    #[arg(long, value_delimiter = ',', default_value = "bronze,silver,gold,etl")]
    layers: Vec<String>,
    /// Find out everything and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Read every file of every table and compare each layer with the one below; change nothing. Findings give exit code 1
    #[arg(long, conflicts_with_all = ["dry_run", "retention_hours", "orphan_hours"])]
    verify: bool,
    /// Leave word with tables that --verify found something of: the next run loads or builds all of them
    #[arg(long, requires = "verify")]
    repair: bool,
    /// Hours that files of old versions stay: so far back they can be read
    #[arg(long, value_name = "HOURS", default_value_t = 168)]
    retention_hours: u32,
    /// Hours that files stay which no commit names: longer than any run takes
    #[arg(long, value_name = "HOURS", default_value_t = 168)]
    orphan_hours: u32,
}

impl Maintain {
    pub(crate) async fn execute(self, settings: &Settings, output: &Output) -> Result<u8> {
        let layers = tasks::layers_of_upkeep(&self.layers)?;
        if self.verify {
            let report = tasks::verify(settings, layers, self.repair, &Parts::new(*output)).await?;
            show_findings(&report, output)?;
            return Ok(u8::from(!report.findings.is_empty()));
        }
        let Self { dry_run, retention_hours, orphan_hours, .. } = self;
        let request = MaintainRequest { layers, dry_run, retention_hours, orphan_hours };
        let (report, told) = tasks::maintain(settings, &request, &Parts::new(*output)).await?;
        let shown = show(&report, output);
        if let Err(error) = told {
            output.note(&error.report());
        }
        Ok(output.done(shown, u8::from(report.failed().next().is_some())))
    }
}

fn show(report: &MaintenanceReport, output: &Output) -> Result<()> {
    if output.is_json() {
        return output.json(report);
    }
    let rows = report.tables.iter().map(|one| {
        let metrics = &one.metrics;
        let compacted = if metrics.compacted == 0 {
            String::new()
        } else {
            format!("{} into {}", thousands(metrics.compacted), thousands(metrics.compacted_into))
        };
        vec![
            one.table.clone(),
            thousands(metrics.files),
            compacted,
            thousands(metrics.expired),
            thousands(metrics.orphans + metrics.staged),
            format!("{:.1}", metrics.removed_bytes as f64 / 1e6),
            metrics.checkpoint.map(|version| version.to_string()).unwrap_or_default(),
        ]
    });
    let header = ["table", "files", "put together", "expired", "orphans", "MB removed", "checkpoint"];
    output.line(&table(&header, &[1, 3, 4, 5, 6], rows))?;
    if report.dry_run {
        output.line("a dry run: nothing was changed")?;
    }
    for one in &report.tables {
        if let Some(why) = &one.error {
            output.note(&format!("{} was left as it was: {why}", one.table));
        }
    }
    Ok(())
}

fn show_findings(report: &verify::VerificationReport, output: &Output) -> Result<()> {
    if output.is_json() {
        return output.json(report);
    }
    let rows = report.findings.iter().map(|one| {
        vec![one.table.clone(), one.finding.to_owned(), thousands(one.count), one.what.clone(), one.advice.clone()]
    });
    if !report.findings.is_empty() {
        output.line(&table(&["table", "finding", "count", "what was found", "what to do"], &[2], rows))?;
    }
    let rows: u64 = report.tables.iter().map(|table| table.rows).sum();
    let tables = report.tables.len() as u64;
    let findings = report.findings.len() as u64;
    let seconds = report.seconds;
    output.line(&format!(
        "{} tables with {} rows were read in {seconds:.1} s: {} findings",
        thousands(tables),
        thousands(rows),
        thousands(findings)
    ))?;
    for note in &report.notes {
        output.note(note);
    }
    for table in &report.marked {
        output.note(&format!("{table} is marked: the next run loads or builds all of it"));
    }
    Ok(())
}
