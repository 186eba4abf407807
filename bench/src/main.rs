//! Whole loads, measured from outside: the programs run as their own processes against a simulated server, and what is told is
//! their time, their peak memory and what the server counted. `docs/performance.md` has the results.

mod measure;
mod network;
mod scenario;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Loads a simulated tenant with connectwise-etl and with Python peers, and compares
#[derive(Debug, Parser)]
#[command(after_help = "\
Examples:
  cargo build --release -p connectwise-etl -p connectwise-sim -p connectwise-bench
  target/release/connectwise-bench --rows 1000000,10000000
  python3 -m venv target/bench-venv && target/bench-venv/bin/pip install -r bench/peers/requirements.txt
  target/release/connectwise-bench --rows 100000 --peers target/bench-venv/bin/python
  target/release/connectwise-bench --rows 20000 --network 400ms --concurrency 1,4,8 --rate 0
  target/release/connectwise-bench --rows 1000000 --network 400ms --concurrency 1,4,8 --rate 0 --entities TimeEntry --runs full
  target/release/connectwise-bench --rows 20000 --network 400ms --concurrency 4 --peers target/bench-venv/bin/python")]
pub(crate) struct Arguments {
    /// Time entries of the tenants, comma-separated
    #[arg(long, value_delimiter = ',', default_value = "1000000")]
    rows: Vec<u64>,
    /// Changed rows that are merged into each, comma-separated for one merge after the other: nine in ten are among the
    /// newest twentieth of the keys, and what is more than these have is left out
    #[arg(long, value_delimiter = ',', default_value = "10000")]
    changes: Vec<u64>,
    /// Key ranges that are read at once
    #[arg(long, default_value_t = 1)]
    ranges: u32,
    /// Python with the peers' packages (bench/peers/requirements.txt); without it only connectwise-etl is measured
    #[arg(long, value_name = "PROGRAM")]
    peers: Option<PathBuf>,
    /// Largest tenant that the peers load too
    #[arg(long, value_name = "ROWS", default_value_t = 1_000_000)]
    peers_up_to: u64,
    /// Python that changes rows at the server; any 3.10 or newer
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,
    /// Instead, load all lists with this latency of each request, such as 400ms
    #[arg(long, value_name = "TIME")]
    network: Option<String>,
    /// Latency that each row adds, with --network
    #[arg(long, value_name = "TIME", default_value = "0.5ms")]
    latency_per_row: String,
    /// Most requests of connectwise-etl in a second, with --network; 0 = no limit
    #[arg(long, value_name = "N", default_value = "16")]
    rate: String,
    /// Most requests under way at once, with --network; comma-separated values are run in sequence
    #[arg(long, value_delimiter = ',', default_value = "1,4,8")]
    concurrency: Vec<u32>,
    /// Lists to load, with --network and without peers, comma-separated; all of them if none is named
    #[arg(long, value_name = "NAMES", conflicts_with = "peers")]
    entities: Option<String>,
    /// Layers that connectwise-etl builds, with --network
    #[arg(long, value_name = "NAMES", default_value = "bronze")]
    layers: String,
    /// Runs to measure, with --network, comma-separated and in this order: those after the first need it
    #[arg(long, value_delimiter = ',', default_value = "full,unchanged,day")]
    runs: Vec<network::Run>,
    /// Folder for the tables, which are removed afterwards
    #[arg(long, value_name = "DIR", default_value = "target/bench-data")]
    folder: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut out = std::io::stdout().lock();
    let ended = match &arguments.network {
        Some(latency) => network::run(&arguments, latency, &mut out),
        None => scenario::run(&arguments, &mut out),
    };
    match ended.and_then(|()| out.flush().map_err(|error| error.to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            // Nothing is left to do when standard error is gone too.
            let _ = writeln!(std::io::stderr(), "the benchmark stopped: {reason}");
            ExitCode::from(3)
        }
    }
}
