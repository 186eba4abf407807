//! What is measured: a full load and the merge of changes, by connectwise-etl and by Python peers that do the same job.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Arguments;
use crate::measure::{Measured, Server, peer, run as measured};

/// Scripts that do the same job, and what they are.
const PEERS: [(&str, &str); 2] = [("dlt_peer.py", "dlt"), ("script_peer.py", "requests + pydantic + deltalake")];

pub(crate) fn run(arguments: &Arguments, out: &mut impl Write) -> Result<(), String> {
    let mut table = Table { out };
    table.line(
        "| what | rows | seconds | rows/s | requests | MB received | peak MB | times connectwise-etl's seconds |",
    )?;
    table.line("|---|---|---|---|---|---|---|---|")?;
    // Seconds of each merge, by size, so that sizes can be compared.
    let mut merges: Vec<(u64, u64, f64)> = Vec::new();
    for rows in &arguments.rows {
        let tenant = Tenant::new(arguments, *rows)?;
        let ours = tenant.load("full")?;
        table.row("connectwise-etl, full load", &ours, None)?;
        for (script, name) in tenant.peers() {
            table.row(&format!("{name}, full load"), &tenant.peer(script)?, Some(&ours))?;
        }
        for changes in arguments.changes.iter().filter(|changes| tenant.has_room(**changes)) {
            tenant.change(*changes)?;
            let ours = tenant.load("incremental")?;
            table.row(&format!("connectwise-etl, {changes} changed rows read, compared, merged"), &ours, None)?;
            let merge = last_commit(&tenant.ours.0.join("bronze/bronze_cw_timeentry/_delta_log"))?;
            let number = |name: &str| merge.get(name).and_then(Value::as_u64).unwrap_or_default();
            let seconds = number("executionTimeMs") as f64 / 1000.0;
            let copied = number("numTargetFilesRemoved");
            let files = number("numTargetFilesBefore");
            let updated = number("numTargetRowsUpdated");
            table.line(&format!(
                "| of that the merge ({copied} of {files} files copied) | {updated} | {seconds:.2} | | | | | |"
            ))?;
            merges.push((*rows, *changes, seconds));
            for (script, name) in tenant.peers() {
                let what = format!("{name}, {changes} changed rows read and merged");
                table.row(&what, &tenant.peer(script)?, Some(&ours))?;
            }
        }
    }
    for (rows, changes, seconds) in &merges {
        let smallest = merges.iter().find(|(_, same, _)| same == changes).filter(|(fewer, ..)| fewer < rows);
        if let Some((fewer, _, least)) = smallest {
            let times = seconds / least;
            table.line(&format!(
                "\n{changes} changed rows: the merge into {rows} rows takes {times:.2} times that into {fewer}."
            ))?;
        }
    }
    Ok(())
}

/// A simulated server, and a folder for everyone who loads it.
struct Tenant<'a> {
    arguments: &'a Arguments,
    programs: PathBuf,
    rows: u64,
    server: Server,
    ours: Folder,
    theirs: Folder,
}

impl<'a> Tenant<'a> {
    fn new(arguments: &'a Arguments, rows: u64) -> Result<Self, String> {
        let programs = std::env::current_exe().map_err(|error| error.to_string())?;
        let programs = programs.parent().ok_or("the benchmark lies nowhere")?.to_path_buf();
        let server = Server::start(&programs.join("connectwise-sim"), rows, &[])?;
        let ours = Folder::new(arguments.folder.join(format!("etl-{rows}")))?;
        let theirs = Folder::new(arguments.folder.join(format!("peers-{rows}")))?;
        if arguments.ranges > 1 {
            let settings = format!("[load]\nranges = {}\n", arguments.ranges);
            let file = ours.0.join("connectwise-etl.toml");
            std::fs::write(file, settings).map_err(|error| error.to_string())?;
        }
        Ok(Self { arguments, programs, rows, server, ours, theirs })
    }

    /// The load by connectwise-etl, without the limit of requests that spares a real server: peers have none.
    fn load(&self, mode: &str) -> Result<Measured, String> {
        let mut command = Command::new(self.programs.join("connectwise-etl"));
        command
            .current_dir(&self.ours.0)
            .args(["run", "--json", "--layers", "bronze", "--entities", "TimeEntry", "--lookback-days", "1"])
            .args(["--mode", mode, "--lakehouse", ".", "--rate", "0", "--read-timeout", "600"])
            .envs(self.server.environment.iter().cloned());
        measured(&mut command)
    }

    /// Those who take part at this size.
    fn peers(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let takes_part = self.arguments.peers.is_some() && self.rows <= self.arguments.peers_up_to;
        PEERS.into_iter().filter(move |_| takes_part)
    }

    /// The load by a peer: all of it the first time, then what changed since.
    fn peer(&self, script: &str) -> Result<Measured, String> {
        let python = self.arguments.peers.as_ref().ok_or("there is no Python for the peers")?;
        measured(&mut peer(python, script, &self.theirs.0, &self.server))
    }

    /// Whether nine in ten of the changes are less than all rows of the newest twentieth.
    fn has_room(&self, changes: u64) -> bool {
        changes * 9 / 10 < self.rows / 20
    }

    /// Changes rows at the server.
    fn change(&self, changes: u64) -> Result<(), String> {
        let mut command = peer(&self.arguments.python, "change.py", &self.ours.0, &self.server);
        let change = command.arg(changes.to_string()).output().map_err(|error| error.to_string())?;
        if change.status.success() {
            return Ok(());
        }
        Err(format!("the change failed: {}", String::from_utf8_lossy(&change.stderr)))
    }
}

/// Markdown, written line by line, as measuring takes long.
struct Table<'a, W> {
    out: &'a mut W,
}

impl<W: Write> Table<'_, W> {
    fn line(&mut self, text: &str) -> Result<(), String> {
        writeln!(self.out, "{text}").and_then(|()| self.out.flush()).map_err(|error| error.to_string())
    }

    /// What a program took, and how many times as long as `ours`.
    fn row(&mut self, what: &str, measured: &Measured, ours: Option<&Measured>) -> Result<(), String> {
        let number = |name: &str| measured.said.get(name).and_then(Value::as_f64).unwrap_or_default();
        let steps = measured.said.get("steps").and_then(Value::as_array);
        let rows = steps.and_then(|steps| steps.first()?.get("rowsRead")?.as_f64()).unwrap_or_else(|| number("rows"));
        let times = ours.map(|ours| format!("{:.1}", measured.seconds / ours.seconds)).unwrap_or_default();
        self.line(&format!(
            "| {what} | {rows} | {:.1} | {:.0} | {} | {:.0} | {:.0} | {times} |",
            measured.seconds,
            rows / measured.seconds,
            number("requests"),
            number("bytes") / 1e6,
            measured.peak
        ))
    }
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
