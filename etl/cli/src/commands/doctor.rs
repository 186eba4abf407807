//! `connectwise-etl doctor`.

use std::io::Write;
use std::path::Path;

use clap::Args;
use connectwise_extract::doctor::{Access, EntityFinding, Examination, Health, Verdict};
use connectwise_pipeline::error::Result;

use crate::entities::EntityArgs;
use crate::error;
use crate::output::{Output, table, thousands};
use crate::parts::Parts;
use crate::settings::Settings;
use crate::tasks;

/// Find out whether your tenant can be loaded, and what to ask its administrator for
///
/// Asks the server and writes nothing but the configuration, where that is asked for. Looks at credentials, codebase, version and clock; at the rights and rows of every
/// entity, and of a list below one of its records; at the change time that incremental runs need; and at how the server reads
/// dates and quotes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  connectwise-etl doctor
  connectwise-etl doctor --entities TimeEntry,Agreement
  connectwise-etl doctor --write-config
  connectwise-etl doctor --json

Exit codes: 0 all can be loaded (doubts are told), 1 some of it can't or not as it should, 2 usage or configuration,
3 no answer, or nobody is let in.")]
pub(crate) struct Doctor {
    #[command(flatten)]
    entities: EntityArgs,
    /// Write what fits this tenant and role into the configuration, or print it where there is one
    #[arg(long)]
    write_config: bool,
}

impl Doctor {
    pub(crate) async fn execute(self, settings: &Settings, output: &Output) -> Result<u8> {
        let selected = self.entities.selected(settings)?;
        let examination = tasks::diagnose(settings, &selected, &Parts::new(*output)).await?;
        if output.is_json() {
            output.json(&examination)?;
        } else {
            show(&examination, output)?;
        }
        if self.write_config && examination.health != Health::Unreachable {
            write_config(&settings.file, &examination, &selected.optional, output)?;
        }
        Ok(match examination.health {
            Health::Good => 0,
            Health::Ailing => 1,
            Health::Unreachable => 3,
        })
    }
}

/// The lines that fit the tenant and the role; `None` where the defaults do.
fn fitting(examination: &Examination, optional: &[&str]) -> Option<String> {
    let mut block = String::new();
    if !examination.settings.is_empty() {
        block.push_str(&format!("[source]\n{}\n", examination.settings.join("\n")));
    }
    let mut names = examination.shut();
    names.extend(optional);
    names.sort_unstable();
    names.dedup();
    if !names.is_empty() {
        let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        let gap = if block.is_empty() { "" } else { "\n" };
        block.push_str(&format!(
            "{gap}[load]\n# The role may not read these: they are skipped, and a run says when it may.\noptional = [{}]\n",
            names.join(", ")
        ));
    }
    (!block.is_empty()).then_some(block)
}

/// Makes the configuration, or says what belongs into the one that is there: its comments and its order are somebody's.
fn write_config(file: &Path, examination: &Examination, optional: &[&str], output: &Output) -> Result<()> {
    let Some(block) = fitting(examination, optional) else {
        output.note("the configuration needs nothing for this tenant and role");
        return Ok(());
    };
    let failed = |error| error::unwritten(&file.display().to_string()).with_source(error);
    match std::fs::OpenOptions::new().write(true).create_new(true).open(file) {
        Ok(mut new) => {
            new.write_all(block.as_bytes()).map_err(failed)?;
            output.note(&format!("{} was made", file.display()));
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            output.note(&format!(
                "{} is there and was left as it is; put these lines into its tables of the same names:\n\n{block}",
                file.display()
            ));
        }
        Err(error) => return Err(failed(error)),
    }
    Ok(())
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
