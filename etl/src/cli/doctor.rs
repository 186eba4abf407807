//! `connectwise-etl doctor`.

use std::process::ExitCode;

use chrono::Utc;
use clap::Args;

use super::output::{Output, table, thousands};
use super::settings::Settings;
use crate::catalog;
use crate::doctor::{Access, EntityFinding, Examination, Health, Verdict, examine, watermarks};
use crate::error::Result;

/// Find out whether your tenant can be loaded, and what to ask its administrator for
///
/// Asks the server and writes nothing. Looks at credentials, codebase, version and clock; at the rights and rows of every
/// entity, and of a list below one of its records; at the change time that incremental runs need; and at how the server reads
/// dates and quotes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  connectwise-etl doctor
  connectwise-etl doctor --entities TimeEntry,Agreement
  connectwise-etl doctor --json

Exit codes: 0 all can be loaded (doubts are told), 1 some of it can't or not as it should, 2 usage or configuration,
3 no answer, or nobody is let in.")]
pub(super) struct Doctor {
    /// Entities, comma-separated [default: all]
    #[arg(long, value_delimiter = ',')]
    entities: Vec<String>,
}

impl Doctor {
    pub(super) async fn execute(self, settings: &Settings, output: &Output) -> Result<ExitCode> {
        let entities = match self.entities.as_slice() {
            [] => catalog::entities().iter().collect(),
            names => names.iter().map(|name| catalog::entity(name)).collect::<Result<Vec<_>>>()?,
        };
        let mut examination = examine(&settings.client()?, &entities, &Utc::now).await;
        watermarks(&settings.lake()?, &mut examination).await?;
        if output.is_json() {
            output.json(&examination)?;
        } else {
            show(&examination, output)?;
        }
        Ok(match examination.health {
            Health::Good => ExitCode::SUCCESS,
            Health::Ailing => ExitCode::from(1),
            Health::Unreachable => ExitCode::from(3),
        })
    }
}

fn show(examination: &Examination, output: &Output) -> Result<()> {
    output.line(&format!("{}, interface {}\n", examination.base_url, examination.api_version))?;
    for finding in &examination.checks {
        output.line(&format!("{} {}: {}", mark(finding.verdict), finding.check, finding.found))?;
        if let Some(advice) = &finding.advice {
            output.line(&format!("  → {advice}"))?;
        }
    }
    if !examination.entities.is_empty() {
        output.line("")?;
        let rows = examination.entities.iter().map(row);
        output.line(&table(&["entity", "list", "access", "rows", "change time"], &[3], rows))?;
    }
    if !examination.ask.is_empty() {
        output.line(
            "\nAsk the PSA administrator for these rights of the API member's security role, each Inquire = All:",
        )?;
        let rows = examination
            .ask
            .iter()
            .map(|ask| vec![ask.module.to_owned(), ask.permission.to_owned(), ask.entities.join(", ")]);
        output.line(&table(&["module", "permission", "for"], &[], rows))?;
    }
    if !examination.settings.is_empty() {
        output.line("\nTo set in connectwise-etl.toml:\n[source]")?;
        for setting in &examination.settings {
            output.line(setting)?;
        }
    }
    output.line(match examination.health {
        Health::Good => "\nAll of it can be loaded: connectwise-etl run",
        Health::Ailing => "\nSome of it can't be loaded as it should; the rest can: connectwise-etl run",
        Health::Unreachable => "\nNothing can be loaded.",
    })
}

fn mark(verdict: Verdict) -> char {
    match verdict {
        Verdict::Good => '✓',
        Verdict::Doubt => '?',
        Verdict::Bad => '✗',
        Verdict::Unknown => '·',
    }
}

fn row(finding: &EntityFinding) -> Vec<String> {
    let access = match &finding.access {
        Access::Readable => "yes",
        Access::Parents => "no record to ask with",
        Access::Forbidden => "no (403)",
        Access::NotFound => "no (404)",
        Access::Failed(why) => why,
    };
    let change_time = match finding.change_time {
        Some(true) => "yes",
        Some(false) => "hidden",
        None => "",
    };
    vec![
        finding.entity.to_owned(),
        finding.path.to_owned(),
        access.to_owned(),
        finding.rows.map(thousands).unwrap_or_default(),
        change_time.to_owned(),
    ]
}
