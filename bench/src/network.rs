//! Cost of runs with a network's latency per request, which the simulator adds: a full load of all lists, an incremental load
//! without changes, and one after a day of changes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Arguments;
use crate::measure::{Measured, Server, run as measured};

/// A simulator with latency, and how to reach its own routes.
struct Network {
    server: Server,
    root: String,
    python: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, latency: &str, out: &mut impl Write) -> Result<(), String> {
    let programs = std::env::current_exe().map_err(|error| error.to_string())?;
    let programs = programs.parent().ok_or("the benchmark lies nowhere")?.to_path_buf();
    let mut line = |text: &str| writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| error.to_string());
    line(
        "| time entries | requests at once | run | rows read | requests | seconds | most at once | most in a second | peak MB |",
    )?;
    line("|---|---|---|---|---|---|---|---|---|")?;
    for rows in &arguments.rows {
        for concurrency in &arguments.concurrency {
            let delays = ["--latency", latency, "--latency-per-row", &arguments.latency_per_row];
            let network = Network::start(&programs.join("connectwise-sim"), *rows, &delays, &arguments.python)?;
            let folder = arguments.folder.join(format!("network-{rows}-{concurrency}"));
            std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            for (what, mode) in
                [("full", "full"), ("nothing changed", "incremental"), ("a day of changes", "incremental")]
            {
                if what == "a day of changes" {
                    network.own("POST", "advance", r#"{"days":1}"#)?;
                }
                network.own("DELETE", "requests", "")?;
                let told = network.load(&programs, &folder, *concurrency, mode)?;
                let asked = network.own("GET", "requests", "")?;
                let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_u64).unwrap_or_default();
                let steps = told.said.get("steps").and_then(Value::as_array).cloned().unwrap_or_default();
                let read: u64 = steps.iter().map(|step| number(step, "rowsRead")).sum();
                line(&format!(
                    "| {rows} | {concurrency} | {what} | {read} | {} | {:.1} | {} | {} | {:.0} |",
                    number(&asked, "total"),
                    told.seconds,
                    number(&asked, "mostUnderWay"),
                    number(&asked, "mostInASecond"),
                    told.peak
                ))?;
            }
            // A folder that can't be removed stays.
            let _ = std::fs::remove_dir_all(&folder);
        }
    }
    Ok(())
}

impl Network {
    fn start(program: &Path, rows: u64, delays: &[&str], python: &Path) -> Result<Self, String> {
        let server = Server::start(program, rows, delays)?;
        let base = server.environment.iter().find(|(name, _)| name == "CW_BASE_URL").map(|(_, url)| url.clone());
        let root =
            base.and_then(|url| Some(url.split("/v4_6").next()?.to_owned())).ok_or("the simulator has no address")?;
        Ok(Self { server, root, python: python.to_owned() })
    }

    fn load(&self, programs: &Path, folder: &Path, concurrency: u32, mode: &str) -> Result<Measured, String> {
        let mut command = Command::new(programs.join("connectwise-etl"));
        command
            .current_dir(folder)
            .args(["run", "--json", "--layers", "bronze", "--mode", mode, "--lakehouse", "."])
            .args(["--rate", "16", "--concurrency", &concurrency.to_string()])
            .envs(self.server.environment.iter().cloned());
        measured(&mut command)
    }

    /// Calls one of the simulator's own routes. Python sends the request, as for the peers: the benchmark has no HTTP client.
    fn own(&self, method: &str, route: &str, body: &str) -> Result<Value, String> {
        const ASK: &str = "import sys, urllib.request as u\n\
                           method, url, body = sys.argv[1:]\n\
                           print(u.urlopen(u.Request(url, body.encode() or None, method=method)).read().decode())";
        let url = format!("{}/_sim/{route}", self.root);
        let asked = Command::new(&self.python).args(["-c", ASK, method, &url, body]).output();
        let asked = asked.map_err(|error| error.to_string())?;
        if !asked.status.success() {
            return Err(format!("{method} {url}: {}", String::from_utf8_lossy(&asked.stderr)));
        }
        serde_json::from_slice(&asked.stdout).map_err(|error| format!("{method} {url}: {error}"))
    }
}
