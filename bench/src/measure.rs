//! A process, its time and its memory.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// What a program took, and the JSON that it printed.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) seconds: f64,
    /// Largest resident set, in megabytes; 0 where the system doesn't tell.
    pub(crate) peak: f64,
    pub(crate) said: Value,
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command) -> Result<Measured, String> {
    let named = format!("{command:?}");
    let clock = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| format!("{named}: {error}"))?;
    let mut output = child.stdout.take().ok_or("a program without output")?;
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        output.read_to_string(&mut text).map(|_| text)
    });
    let mut peak: f64 = 0.0;
    let status = loop {
        peak = peak.max(high_water(child.id()));
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let seconds = clock.elapsed().as_secs_f64();
    let text = reader.join().map_err(|_| "the reader was lost")?.map_err(|error| error.to_string())?;
    if !status.success() {
        return Err(format!("{named} ended with {status}: {text}"));
    }
    let said = serde_json::from_str(text.trim()).map_err(|error| format!("{named} printed no JSON: {error}"))?;
    Ok(Measured { seconds, peak, said })
}

/// The system keeps the high water mark of a process itself, so that looking now and then misses nothing but its last moment.
fn high_water(id: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: Option<f64> = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kilobytes.unwrap_or_default() / 1000.0
}

/// A script of `bench/peers/`, which loads from the server into a folder.
pub(crate) fn peer(python: &Path, script: &str, folder: &Path, server: &Server) -> Command {
    // A path is meant from here, and not from the folder in which the script runs.
    let python = if python.components().count() > 1 { std::path::absolute(python) } else { Ok(python.to_owned()) };
    let mut command = Command::new(python.unwrap_or_default());
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(script))
        .current_dir(folder)
        .envs(server.environment.iter().cloned())
        .env("RUNTIME__DLTHUB_TELEMETRY", "false");
    command
}

/// A simulated server that ends with its handle.
pub(crate) struct Server {
    child: Child,
    /// Environment that programs need to ask it.
    pub(crate) environment: Vec<(String, String)>,
}

impl Server {
    /// Starts a simulator with `rows` time entries and these further options.
    pub(crate) fn start(program: &Path, rows: u64, options: &[&str]) -> Result<Self, String> {
        let mut command = Command::new(program);
        command.args(["--json", "--scale", &rows.to_string()]).args(options).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
        let output = child.stdout.take().ok_or("the simulator has no output")?;
        let mut lines = BufReader::new(output);
        let mut text = String::new();
        let environment = loop {
            if lines.read_line(&mut text).map_err(|error| error.to_string())? == 0 {
                return Err(format!("the simulator printed no environment: {text}"));
            }
            if let Ok(Value::Object(environment)) = serde_json::from_str(&text) {
                break environment;
            }
        };
        let environment =
            environment.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect();
        Ok(Self { child, environment })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
