//! Command line.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use connectwise_codegen::{
    Api, Checked, Diff, Document, Error, Imported, Lake, Report, Sources, check, check_and_write, diff, import, report,
    unreadable,
};
use serde::Serialize;

/// Interface documents of the ConnectWise PSA REST API: import, check, diff, report
#[derive(Debug, Parser)]
#[command(name = "connectwise-codegen", version, arg_required_else_help = true)]
struct Cli {
    /// Folder with api.toml, lake.toml and the pinned document
    #[arg(long, global = true, value_name = "DIR", default_value = "openapi")]
    openapi: PathBuf,
    /// Answer in JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the facts form of an OpenAPI document and pin it in api.toml
    ///
    /// Prose is dropped and everything sorted; the same input gives the same bytes.
    #[command(after_help = "Example:\n  connectwise-codegen import ~/Downloads/All.json")]
    Import {
        /// A ConnectWise PSA OpenAPI 3.0 document in JSON
        file: PathBuf,
    },
    /// Tell whether what is checked in is what would be generated
    ///
    /// The pinned hash, the facts form, every fixup, every entity of lake.toml, the figures, and that generating twice gives
    /// the same.
    /// Exit code 1 when something differs.
    #[command(after_help = "Example:\n  connectwise-codegen check --openapi openapi")]
    Check {
        /// Write the figures of what is generated instead of comparing them
        #[arg(long)]
        write: bool,
    },
    /// Tell what changes from one document to another, and what that does to the SDK, to tables and to lake.toml
    ///
    /// Exit code 1 when something breaks.
    #[command(
        after_help = "Example:\n  connectwise-codegen diff openapi/connectwise-psa-2025.8.json ~/Downloads/All.json"
    )]
    Diff {
        /// The document that is used now
        old: PathBuf,
        /// The document that may follow
        new: PathBuf,
    },
    /// Account for every operation: generated, or listed with the reason
    #[command(after_help = "Example:\n  connectwise-codegen report --json")]
    Report,
}

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let mut out = std::io::stdout().lock();
    let done = match &cli.command {
        Command::Import { file } => import(file, &cli.openapi).map(|imported| answer(&cli, &imported, imported_text)),
        Command::Check { write: true } => {
            check_and_write(&cli.openapi).map(|checked| answer(&cli, &checked, checked_text))
        }
        Command::Check { write: false } => check(&cli.openapi).map(|checked| answer(&cli, &checked, checked_text)),
        Command::Diff { old, new } => match compare(&cli.openapi, old, new) {
            Ok(diff) => {
                let _ = out.write_all(answer(&cli, &diff, Diff::to_string).as_bytes());
                return ExitCode::from(u8::from(diff.breaking > 0));
            }
            Err(error) => Err(error),
        },
        Command::Report => Sources::read(&cli.openapi)
            .and_then(|sources| report(&sources))
            .map(|report| answer(&cli, &report, report_text)),
    };
    match done {
        // A reader that closed the pipe has had enough: that is no failure.
        Ok(text) => {
            let _ = out.write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => fail(&cli, &error),
    }
}

fn compare(folder: &Path, old: &Path, new: &Path) -> Result<Diff, Error> {
    let api = Api::read(&folder.join("api.toml"))?;
    let lake = Lake::read(&folder.join("lake.toml"))?;
    let old = Document::read(old)?;
    match Document::read(new) {
        Ok(new) => {
            api.check_is_ours(&new)?;
            diff(&api, &lake, &old, &new)
        }
        Err(error) if error.is_in_document() => Ok(unreadable(&old, &new.display().to_string(), &error)),
        Err(error) => Err(error),
    }
}

fn fail(cli: &Cli, error: &Error) -> ExitCode {
    let code = if matches!(cli.command, Command::Check { .. }) && error.is_stale() { 1 } else { 2 };
    let text = if cli.json {
        let facts = serde_json::json!({
            "error": error.to_string(),
            "operation": error.operation(),
            "pointer": error.pointer(),
            "others": error.others().iter().map(Error::to_string).collect::<Vec<_>>(),
        });
        let _ = writeln!(std::io::stdout().lock(), "{facts}");
        return ExitCode::from(code);
    } else {
        let all = std::iter::once(error).chain(error.others());
        all.map(|error| format!("error: {error}\n")).collect::<String>()
    };
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
    ExitCode::from(code)
}

fn answer<T: Serialize>(cli: &Cli, value: &T, text: fn(&T) -> String) -> String {
    match serde_json::to_string_pretty(value) {
        Ok(json) if cli.json => json + "\n",
        _ => text(value),
    }
}

fn imported_text(imported: &Imported) -> String {
    let form = if imported.unchanged {
        "the input was in the facts form already"
    } else {
        "the input was brought into the facts form"
    };
    format!(
        "{}: version {}, {} operations; {form}\npinned SHA-256 {}\n",
        imported.file.display(),
        imported.version,
        imported.operations,
        imported.sha256
    )
}

fn checked_text(checked: &Checked) -> String {
    let lines: usize = checked.files.values().sum();
    let places: usize = checked.fixups.iter().map(|bite| bite.places).sum();
    format!(
        "version {}: {} entities, {} fixups in {places} places, {} generated files with {lines} lines: all as checked in\n",
        checked.version,
        checked.entities,
        checked.fixups.len(),
        checked.files.len()
    )
}

fn report_text(report: &Report) -> String {
    let mut text =
        format!("version {}: {} of {} operations generated\n", report.version, report.generated, report.total);
    for (module, counts) in &report.modules {
        text.push_str(&format!("  {module:<16}{:>5} of {:>5}\n", counts.generated, counts.total));
    }
    text.push_str("not generated:\n");
    for (reason, count) in &report.not_generated {
        text.push_str(&format!("  {count:>5}  {reason}\n"));
    }
    text
}
