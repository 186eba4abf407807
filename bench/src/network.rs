//! Cost of runs with a network's latency per request, which the simulator adds: a full load of all lists, an incremental load
//! without changes, and one after a day of changes; and what peers need for the same lists, without those that hang on records.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Arguments;
use crate::measure::{Measured, Server, peer, run as measured};

/// Who loads the lists, and the script of a peer.
const PROGRAMS: [(&str, Option<&str>); 3] = [
    ("connectwise-etl", None),
    ("dlt, resources in parallel", Some("dlt_network.py")),
    ("requests + deltalake, page after page", Some("script_network.py")),
];

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Run {
    /// The first load, of everything.
    Full,
    /// A load when nothing has changed.
    Unchanged,
    /// A load after a day of changes.
    Day,
}

impl Run {
    fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Unchanged => "nothing changed",
            Self::Day => "a day of changes",
        }
    }
}

/// A simulator with latency, and how to reach its own routes.
struct Network<'a> {
    server: Server,
    root: String,
    programs: PathBuf,
    arguments: &'a Arguments,
}

pub(crate) fn run(arguments: &Arguments, latency: &str, out: &mut impl Write) -> Result<(), String> {
    let mut line = |text: &str| writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| error.to_string());
    line(
        "| time entries | requests at once | run | program | rows read | requests | seconds | times the wait | times ours \
         | most at once | most in a second | peak MB |",
    )?;
    line("|---|---|---|---|---|---|---|---|---|---|---|---|")?;
    let wait = seconds(latency)?;
    let mut needed = Vec::new();
    for rows in &arguments.rows {
        for concurrency in &arguments.concurrency {
            let network = Network::start(arguments, *rows, latency)?;
            let folder = arguments.folder.join(format!("network-{rows}-{concurrency}"));
            std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            let has_peers = arguments.peers.is_some() && *rows <= arguments.peers_up_to;
            let mut before = String::new();
            let mut unchanged = None;
            for run in &arguments.runs {
                let mode = if *run == Run::Full { "full" } else { "incremental" };
                if *run == Run::Day {
                    before = network.now()?;
                    network.own("POST", "advance", r#"{"days":1}"#)?;
                }
                let what = run.name();
                let mut ours = None;
                for (program, script) in PROGRAMS.into_iter().filter(|(_, script)| script.is_none() || has_peers) {
                    network.own("DELETE", "requests", "")?;
                    let told = match script {
                        Some(script) => network.peer(script, &folder, *concurrency)?,
                        None => network.load(&folder, *concurrency, mode)?,
                    };
                    let asked = network.own("GET", "requests", "")?;
                    let number =
                        |value: &Value, name: &str| value.get(name).and_then(Value::as_u64).unwrap_or_default();
                    let steps = told.said.get("steps").and_then(Value::as_array);
                    let is_bronze = |step: &&Value| step.get("layer").and_then(Value::as_str) == Some("bronze");
                    let read = steps.map_or_else(
                        || number(&told.said, "rows"),
                        |steps| steps.iter().filter(is_bronze).map(|step| number(step, "rowsRead")).sum(),
                    );
                    if ours.is_none() && *run == Run::Unchanged {
                        unchanged = Some(number(&asked, "total"));
                    }
                    if let (None, Run::Day, Some(unchanged)) = (ours, *run, unchanged) {
                        needed.push((*rows, number(&asked, "total"), unchanged, network.needed(&before)?));
                    }
                    let times = ours.map(|ours| format!("{:.1}", told.seconds / ours)).unwrap_or_default();
                    ours = ours.or(Some(told.seconds));
                    // As long as the requests take at best, without a row that adds to their latency.
                    let least = number(&asked, "total") as f64 * wait / f64::from(*concurrency);
                    line(&format!(
                        "| {rows} | {concurrency} | {what} | {program} | {read} | {} | {:.1} | {:.2} | {times} | {} | {} | {:.0} |",
                        number(&asked, "total"),
                        told.seconds,
                        told.seconds / least,
                        number(&asked, "mostUnderWay"),
                        number(&asked, "mostInASecond"),
                        told.peak
                    ))?;
                }
            }
            // A folder that can't be removed stays.
            let _ = std::fs::remove_dir_all(&folder);
        }
    }
    for (rows, sent, unchanged, needs) in needed {
        let number = |name: &str| needs.get(name).and_then(Value::as_u64).unwrap_or_default();
        let least = unchanged + number("requests");
        line(&format!(
            "\n{rows} time entries: the {} rows that changed in a day need {least} requests, {unchanged} to find out what changed, {} pages \
             of a thousand rows, and {} bundles of the {} lists below them. connectwise-etl sent {sent}, {:.2} times as many.",
            number("rows"),
            number("pages"),
            number("bundles"),
            number("lists"),
            sent as f64 / least as f64
        ))?;
    }
    Ok(())
}

/// A time as the simulator takes it, in seconds.
fn seconds(time: &str) -> Result<f64, String> {
    let (number, of_a_second) = match time.strip_suffix("ms") {
        Some(number) => (number, 1_000.0),
        None => (time.strip_suffix('s').unwrap_or(time), 1.0),
    };
    number
        .trim()
        .parse()
        .map(|number: f64| number / of_a_second)
        .map_err(|_| format!("{time} is no time such as 400ms"))
}

impl<'a> Network<'a> {
    fn start(arguments: &'a Arguments, rows: u64, latency: &str) -> Result<Self, String> {
        let programs = std::env::current_exe().map_err(|error| error.to_string())?;
        let programs = programs.parent().ok_or("the benchmark lies nowhere")?.to_path_buf();
        let delays = ["--latency", latency, "--latency-per-row", &arguments.latency_per_row];
        let server = Server::start(&programs.join("connectwise-sim"), rows, &delays)?;
        let base = server.environment.iter().find(|(name, _)| name == "CW_BASE_URL").map(|(_, url)| url.clone());
        let root =
            base.and_then(|url| Some(url.split("/v4_6").next()?.to_owned())).ok_or("the simulator has no address")?;
        Ok(Self { server, root, programs, arguments })
    }

    /// The load by connectwise-etl; beside peers without the lists that hang on records, which they don't read.
    fn load(&self, folder: &Path, concurrency: u32, mode: &str) -> Result<Measured, String> {
        let mut command = Command::new(self.programs.join("connectwise-etl"));
        command
            .current_dir(folder)
            .args(["run", "--json", "--layers", &self.arguments.layers, "--mode", mode, "--lakehouse", "."])
            .args(["--rate", &self.arguments.rate, "--concurrency", &concurrency.to_string()])
            .envs(self.server.environment.iter().cloned());
        if self.arguments.peers.is_some() {
            command.args(["--entities", &self.flat()?]);
        } else if let Some(entities) = &self.arguments.entities {
            command.args(["--entities", entities]);
        }
        measured(&mut command)
    }

    /// The load by a peer: all of it the first time, then what changed since.
    fn peer(&self, script: &str, folder: &Path, concurrency: u32) -> Result<Measured, String> {
        let python = self.arguments.peers.as_ref().ok_or("there is no Python for the peers")?;
        let mut command = peer(python, script, folder, &self.server);
        measured(command.arg(concurrency.to_string()))
    }

    /// The simulated time.
    fn now(&self) -> Result<String, String> {
        let clock = self.own("GET", "clock", "")?;
        clock.get("now").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| format!("no time is in {clock}"))
    }

    /// What the rows need that changed since a simulated time (`bench/peers/needed.py`).
    fn needed(&self, since: &str) -> Result<Value, String> {
        let told = self.python(&["import runpy; runpy.run_path('needed.py')", since])?;
        serde_json::from_str(&told).map_err(|error| format!("needed.py: {error}"))
    }

    /// Names of the lists that peers read.
    fn flat(&self) -> Result<String, String> {
        const NAMES: &str = "import lists; print(','.join(name for name, *_ in lists.lists()))";
        self.python(&[NAMES])
    }

    /// Calls one of the simulator's own routes. Python sends the request, as for the peers: the benchmark has no HTTP client.
    fn own(&self, method: &str, route: &str, body: &str) -> Result<Value, String> {
        const ASK: &str = "import sys, urllib.request as u\n\
                           method, url, body = sys.argv[1:]\n\
                           print(u.urlopen(u.Request(url, body.encode() or None, method=method)).read().decode())";
        let url = format!("{}/_sim/{route}", self.root);
        let told = self.python(&[ASK, method, &url, body])?;
        serde_json::from_str(&told).map_err(|error| format!("{method} {url}: {error}"))
    }

    /// What a few lines of Python print.
    fn python(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new(&self.arguments.python);
        command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")).arg("-c").args(arguments);
        command.envs(self.server.environment.iter().cloned());
        let told = command.output().map_err(|error| error.to_string())?;
        if !told.status.success() {
            return Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&told.stderr)));
        }
        Ok(String::from_utf8_lossy(&told.stdout).trim().to_owned())
    }
}
