//! `connectwise-sim`: runs the simulator until Ctrl-C or SIGTERM.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use connectwise_sim::Simulator;

/// Any client id is let in; this one is for those who have none.
const CLIENT_ID: &str = "00000000-0000-4000-8000-000000000001";

const EXAMPLES: &str = "Examples:
  connectwise-sim                                  5,000 time entries on a free port
  connectwise-sim --port 8080 --scale 1000000      a million of them, on port 8080
  connectwise-sim --samples recorded/              the answers recorded in a folder
  connectwise-sim --faults faults.toml --role mine a bad day, and few rights
  connectwise-sim --latency 400ms                  answers that take as long as over a network
  connectwise-sim --switch last-link=exact         a server that knows its last page
  curl -u simco+public:private -H 'clientId: any' \"$CW_BASE_URL/time/entries?pageSize=2\"";

/// A PSA server on loopback, to test a ConnectWise integration without a tenant.
#[derive(Debug, Parser)]
#[command(name = "connectwise-sim", version, after_help = EXAMPLES, after_long_help = help())]
struct Arguments {
    /// Port of 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Seed of the data: the same seed gives the same bytes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of time entries, up to 10,000,000; the other entities follow in proportion.
    #[arg(long, default_value_t = 5_000, value_name = "N")]
    scale: u64,
    /// Serve the recorded answers of a folder (TimeEntry.json, PostedInvoice.json, ..) instead.
    #[arg(long, value_name = "DIR")]
    samples: Option<PathBuf>,
    /// The release whose shapes are served.
    #[arg(long, default_value = connectwise_openapi::VERSION, value_name = "RELEASE")]
    api_version: String,
    /// Serve the resources of another interface document.
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
    /// The security role of those who ask: full, mine, without:<path>=<id>, no-info, no-members, no-<module>, or several with commas between.
    #[arg(long, default_value = "full", value_name = "ROLE")]
    role: String,
    /// Choose the other behaviour where the facts are uncertain; more than once for several. They are listed below.
    #[arg(long = "switch", value_name = "NAME=VALUE")]
    switches: Vec<String>,
    /// Start with the fault rules of a script, TOML or JSON.
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Of 10,000 rows so many have what the interface document doesn't know.
    #[arg(long, default_value_t = 0, value_name = "N")]
    unknown: u64,
    /// Time that an answer is on its way, such as 400ms, within a quarter of it to either side as the seed draws it.
    #[arg(long, default_value = "0ms", value_name = "TIME", value_parser = connectwise_sim::duration)]
    latency: Duration,
    /// Time that each row adds to an answer, such as 0.5ms.
    #[arg(long, default_value = "0ms", value_name = "TIME", value_parser = connectwise_sim::duration)]
    latency_per_row: Duration,
    /// Print the environment as JSON.
    #[arg(long)]
    json: bool,
}

fn help() -> String {
    format!("{EXAMPLES}\n\n{}", connectwise_sim::switches())
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // Help and version are printed in full.
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            return fail(&format!("{}: --help tells what there is", first.strip_prefix("error: ").unwrap_or(first)));
        }
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("can't start: {error}")),
    };
    runtime.block_on(run(arguments))
}

async fn run(arguments: Arguments) -> ExitCode {
    let builder = Simulator::builder()
        .port(arguments.port)
        .seed(arguments.seed)
        .scale(arguments.scale)
        .api_version(arguments.api_version)
        .role(arguments.role)
        .unknown_to_document(arguments.unknown)
        .latency(arguments.latency, arguments.latency_per_row);
    let mut builder = arguments.switches.into_iter().fold(builder, connectwise_sim::Builder::switch);
    if let Some(document) = arguments.document {
        builder = builder.document(document);
    }
    if let Some(script) = arguments.faults {
        builder = builder.faults(script);
    }
    if let Some(folder) = arguments.samples {
        builder = builder.samples(folder);
    }
    let simulator = match builder.start().await {
        Ok(simulator) => simulator,
        Err(error) => return fail(&error.to_string()),
    };
    // Before it says where it is: who reads that may stop it at once.
    let stop = match told_to_stop() {
        Ok(stop) => stop,
        Err(error) => return fail(&format!("can't wait for Ctrl-C: {error}")),
    };
    if let Err(error) = announce(&simulator, arguments.json) {
        return fail(&format!("can't print the environment: {error}"));
    }
    stop.await;
    ExitCode::SUCCESS
}

/// Handles Ctrl-C and the SIGTERM by which a container is stopped, which the kernel drops where the first process has no
/// handler. The future ends at the first of them.
#[cfg(unix)]
fn told_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    })
}

#[cfg(windows)]
fn told_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move { drop(interrupt.recv().await) })
}

/// Prints what a client needs, in the form of a `.env` file or as JSON.
fn announce(simulator: &Simulator, json: bool) -> std::io::Result<()> {
    let environment = [
        ("CW_BASE_URL", simulator.base_url()),
        ("CW_AUTH_USERNAME", simulator.username().to_owned()),
        ("CW_AUTH_PASSWORD", simulator.password().to_owned()),
        ("CW_CLIENTID", CLIENT_ID.to_owned()),
    ];
    let mut out = std::io::stdout().lock();
    if json {
        let object: serde_json::Map<_, _> =
            environment.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        writeln!(out, "{}", serde_json::Value::Object(object))?;
    } else {
        for (name, value) in environment {
            writeln!(out, "{name}={value}")?;
        }
    }
    out.flush()
}

/// One sentence on standard error; exit code 2.
fn fail(message: &str) -> ExitCode {
    // Where nobody reads standard error there is nobody to tell.
    drop(writeln!(std::io::stderr().lock(), "connectwise-sim: {message}"));
    ExitCode::from(2)
}
