//! What is measured: a full load, a change, its merge; and the same full load by peers.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Arguments;
use crate::measure::{Measured, Server, run as measured};

pub(crate) fn run(arguments: &Arguments, out: &mut impl Write) -> Result<(), String> {
    let programs = std::env::current_exe().map_err(|error| error.to_string())?;
    let programs = programs.parent().ok_or("the benchmark lies nowhere")?.to_path_buf();
    let mut line = |text: String| writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| error.to_string());
    line("| what | rows | seconds | rows/s | requests | MB received | peak MB |".to_owned())?;
    line("|---|---|---|---|---|---|---|".to_owned())?;
    for rows in &arguments.rows {
        let server = Server::start(&programs.join("connectwise-sim"), *rows)?;
        let lakehouse = Folder::new(arguments.folder.join(format!("etl-{rows}")))?;
        let etl = |mode: &str| {
            let mut command = Command::new(programs.join("connectwise-etl"));
            command
                .current_dir(&lakehouse.0)
                .args(["run", "--json", "--layers", "bronze", "--entities", "TimeEntry", "--lookback-days", "1"])
                .args(["--mode", mode, "--lakehouse", "."])
                .envs(server.environment.iter().cloned());
            measured(&mut command)
        };
        if arguments.ranges > 1 {
            let settings = format!("[load]\nranges = {}\n", arguments.ranges);
            let file = lakehouse.0.join("connectwise-etl.toml");
            std::fs::write(file, settings).map_err(|error| error.to_string())?;
        }
        line(row("connectwise-etl, full load", &etl("full")?))?;
        let change = peer(&arguments.python, "change.py", &server, &lakehouse.0)
            .args([arguments.changes.to_string()])
            .output()
            .map_err(|error| error.to_string())?;
        if !change.status.success() {
            return Err(format!("the change failed: {}", String::from_utf8_lossy(&change.stderr)));
        }
        line(row("connectwise-etl, changed rows: read, compared, merged", &etl("incremental")?))?;
        let metrics = last_commit(&lakehouse.0.join("bronze/bronze_cw_timeentry/_delta_log"))?;
        let number = |name: &str| metrics.get(name).and_then(Value::as_u64).unwrap_or_default();
        line(format!(
            "| of that the merge | {} updated | {:.2} | | | {} of {} files copied | |",
            number("numTargetRowsUpdated"),
            number("executionTimeMs") as f64 / 1000.0,
            number("numTargetFilesRemoved"),
            number("numTargetFilesBefore"),
        ))?;
        for (script, name) in [("dlt_peer.py", "dlt"), ("script_peer.py", "requests + pydantic + deltalake")] {
            let Some(python) = &arguments.peers else { continue };
            let folder = Folder::new(arguments.folder.join(format!("peer-{rows}")))?;
            let mut command = peer(python, script, &server, &folder.0);
            line(row(&format!("{name}, full load"), &measured(&mut command)?))?;
        }
    }
    Ok(())
}

fn peer(python: &Path, script: &str, server: &Server, folder: &Path) -> Command {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let mut command = Command::new(python);
    command
        .arg(scripts.join(script))
        .current_dir(folder)
        .envs(server.environment.iter().cloned())
        .env("RUNTIME__DLTHUB_TELEMETRY", "false");
    command
}

fn row(what: &str, measured: &Measured) -> String {
    let number = |name: &str| measured.said.get(name).and_then(Value::as_f64).unwrap_or_default();
    let steps = measured.said.get("steps").and_then(Value::as_array);
    let rows = steps.and_then(|steps| steps.first()?.get("rowsRead")?.as_f64()).unwrap_or_else(|| number("rows"));
    format!(
        "| {what} | {rows} | {:.1} | {:.0} | {} | {:.0} | {:.0} |",
        measured.seconds,
        rows / measured.seconds,
        number("requests"),
        number("bytes") / 1e6,
        measured.peak
    )
}

/// What the newest commit says of itself.
fn last_commit(log: &Path) -> Result<Value, String> {
    let entries = std::fs::read_dir(log).map_err(|error| format!("{}: {error}", log.display()))?;
    let files = entries.filter_map(Result::ok).map(|entry| entry.path());
    let newest = files.filter(|path| path.extension().is_some_and(|of| of == "json")).max();
    let text = newest.and_then(|path| std::fs::read_to_string(path).ok()).ok_or("there is no commit")?;
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let metrics = lines.filter_map(|action| action.get("commitInfo")?.get("operationMetrics").cloned()).next();
    metrics.ok_or_else(|| "the newest commit doesn't tell what it did".to_owned())
}

/// A folder that is gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(path: PathBuf) -> Result<Self, String> {
        std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        std::path::absolute(&path).map(Self).map_err(|error| error.to_string())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
