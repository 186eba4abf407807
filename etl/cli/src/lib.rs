//! The program `connectwise-etl`: one file per command, and one each for settings, output and progress. Other programs can call
//! the same functions: [`Settings`] and [`tasks`].
//!
//! Exit codes: 0 done, 1 some steps failed, 2 usage or configuration (nothing was touched), 3 nothing could run.

mod commands;
pub mod dotenv;
mod entities;
mod environment;
mod error;
mod file;
mod output;
mod parts;
mod progress;
pub mod report;
mod settings;
mod signals;
mod source;
mod spreadsheet;
mod target;
pub mod tasks;
mod terminal;
mod waiting;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use clap::{Parser, Subcommand};
use connectwise_pipeline::error::{Kind, Result};

use commands::{
    ask, demo, doctor, drift, extract, lineage, maintain, quarantine, query, reconcile, report as page, run, schema,
    status,
};
pub use entities::EntityArgs;
pub use environment::Environment;
use output::Output;
pub use settings::{Settings, check_configuration};
use source::{Source, SourceArgs, SourceTable};
use waiting::Waiting;

/// Loads ConnectWise PSA into a lakehouse of Delta tables, and answers from it.
#[derive(Debug, Parser)]
#[command(
    name = "connectwise-etl",
    version,
    max_term_width = 110,
    after_help = "\
Examples:
  connectwise-etl demo                             the whole way on a simulated tenant, no account needed
  connectwise-etl doctor                           whether your tenant can be loaded, and what is missing
  connectwise-etl run                              what changed in your tenant since the last run
  connectwise-etl ask \"agreement profit\"           what agreements earn; ask alone lists all questions
  connectwise-etl query \"select * from dimcompany\"

Exit codes: 0 done, 1 some steps failed, 2 usage or configuration (nothing was touched), 3 nothing could run.
Credentials come from CW_BASE_URL, CW_AUTH_USERNAME, CW_AUTH_PASSWORD and CW_CLIENTID, also from a file .env
in the folder where the program runs; docs/configuration.md has all names that are understood."
)]
struct Args {
    #[command(flatten)]
    global: settings::Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Doctor(doctor::Doctor),
    Run(run::Run),
    Reconcile(reconcile::Reconcile),
    Maintain(maintain::Maintain),
    Quarantine(quarantine::Quarantine),
    Extract(extract::Extract),
    Schema(schema::Schema),
    Ask(ask::Ask),
    Query(query::Query),
    Lineage(lineage::Lineage),
    Status(status::Status),
    Drift(drift::DriftArgs),
    Report(page::Report),
}

/// Runs the program with the process's own arguments.
pub fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os()))
}

/// Runs the program with these arguments, of which the first is its name, and returns the exit code. The process isn't ended.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(told) => {
            tell(&told);
            return u8::try_from(told.exit_code()).unwrap_or(2);
        }
    };
    let output = Output::new(args.global.json);
    let environment = match Environment::read() {
        Ok(environment) => environment,
        Err(error) => {
            output.error(&error);
            return 2;
        }
    };
    if let Err(error) = clock(SystemTime::now()) {
        output.error(&error);
        return 2;
    }
    // A fault in a task ends that task, and the step that waits for it says so; a backtrace in between helps nobody.
    std::panic::set_hook(Box::new(|fault| tracing::error!(%fault, "a task was lost")));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output.error(&error::no_threads().with_source(error));
            return 3;
        }
    };
    let ended = runtime.block_on(async {
        tokio::select! {
            // Signals first: their handlers are there before anything else is done.
            biased;
            code = signals::told_to_stop() => Err(code),
            ended = dispatch(args, environment, &output) => Ok(ended),
        }
    });
    // A blocking task, such as a slow file system, must not hold back a program that was told to stop.
    runtime.shutdown_background();
    match ended {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            output.error(&error);
            if error.is_usage() || error.kind() == Kind::Sql { 2 } else { 3 }
        }
        Err(code) => {
            output.note("interrupted: every table is at its last commit, run again to go on");
            code
        }
    }
}

/// Prints what the parser of the arguments says: what is wrong, help or the version. It repeats what was typed, which may be a
/// credential behind the wrong option.
fn tell(told: &clap::Error) {
    let text = told.to_string();
    // Help and the version repeat nothing.
    let clean = if told.use_stderr() { without_credentials(&text) } else { None };
    match clean.filter(|clean| *clean != text) {
        Some(clean) => drop(std::io::stderr().write_all(clean.as_bytes())),
        // If the stream is closed, nobody is left to tell.
        None => drop(told.print()),
    }
}

/// The text without the configured credentials; `None` where none can be read.
fn without_credentials(text: &str) -> Option<String> {
    let environment = Environment::read().ok()?;
    let source = Source::new(SourceArgs::default(), SourceTable::default(), &environment).ok()?;
    Some(source.client(&environment, None).ok()?.redact(text))
}

/// Runs, files and rows carry times that can't be told from a clock that stands before 1970.
fn clock(now: SystemTime) -> Result<()> {
    now.duration_since(SystemTime::UNIX_EPOCH).map(|_| ()).map_err(|_| error::clock())
}

async fn dispatch(args: Args, environment: Environment, output: &Output) -> Result<u8> {
    let unread = settings::log(args.global.verbose, environment.either("RUST_LOG").as_deref());
    unread.iter().for_each(|remark| output.note(remark));
    environment.remarks().iter().for_each(|remark| output.note(remark));
    if let Some(told) = environment.told().filter(|_| args.global.verbose > 0) {
        output.note(&told);
    }
    let settings = Settings::load(&args.global, environment)?.watched(Arc::new(Waiting::new(*output)));
    match execute(args.command, &settings, output).await {
        Err(error) => Err(tasks::explained(&settings, error).await),
        ended => ended,
    }
}

async fn execute(command: Command, settings: &Settings, output: &Output) -> Result<u8> {
    match command {
        Command::Demo(command) => command.execute(settings, output).await,
        Command::Doctor(command) => command.execute(settings, output).await,
        Command::Run(command) => command.execute(settings, output).await,
        Command::Reconcile(command) => command.execute(settings, output).await,
        Command::Maintain(command) => command.execute(settings, output).await,
        Command::Quarantine(command) => command.execute(settings, output).await,
        Command::Extract(command) => command.execute(settings, output).await,
        Command::Schema(command) => command.execute(settings, output).await,
        Command::Ask(command) => command.execute(settings, output).await,
        Command::Query(command) => command.execute(settings, output).await,
        Command::Lineage(command) => command.execute(settings, output).await,
        Command::Status(command) => command.execute(settings, output).await,
        Command::Drift(command) => command.execute(settings, output).await,
        Command::Report(command) => command.execute(settings, output).await,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_before_1970_is_one_sentence() {
        let error = clock(SystemTime::UNIX_EPOCH - Duration::from_secs(1)).unwrap_err();
        assert!(error.is_usage());
        assert_eq!(error.report(), "this machine's clock says a time before 1970: set it, and run again");
        assert!(clock(SystemTime::UNIX_EPOCH).is_ok());
    }
}
