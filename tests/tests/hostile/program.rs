//! The program as a process: what it said, how it ended and how much memory it took.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::case::records;
use crate::server::{Scripts, Server};

/// Memory that the program may take whatever a server does, in kB.
pub(crate) const MOST_MEMORY: u64 = 400 * 1024;

/// A program that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(90);

const TABLE: &str = "bronze/bronze_cw_workrole";

/// How a program ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// Standard output and error.
    pub(crate) said: String,
    /// The most memory that it had, in kB.
    pub(crate) memory: u64,
}

/// A lakehouse in a temporary folder.
pub(crate) struct Lakehouse {
    folder: TempDir,
}

impl Lakehouse {
    /// One that was loaded from a server with the records of [`records`].
    pub(crate) fn loaded() -> Self {
        let lakehouse = Self { folder: tempfile::tempdir().unwrap() };
        let server = Server::start(records(), Scripts::new());
        let ended = lakehouse.run(&server, &[]);
        assert_eq!(ended.code, Some(0), "{}", ended.said);
        lakehouse
    }

    pub(crate) fn copy(&self) -> Self {
        let copy = Self { folder: tempfile::tempdir().unwrap() };
        copy_folder(self.folder.path(), copy.folder.path());
        copy
    }

    /// Loads the one entity.
    pub(crate) fn run(&self, server: &Server, settings: &[(&str, &str)]) -> Ended {
        let mut command = self.command();
        command
            .args(["run", "--layers", "bronze", "--entities", "WorkRole"])
            .env("CW_BASE_URL", format!("http://127.0.0.1:{}", server.port))
            .env("CW_AUTH_USERNAME", "acme+public")
            .env("CW_AUTH_PASSWORD", "geheim-4711")
            .env("CW_CLIENTID", "11111111-2222-3333-4444-555555555555")
            .env("CW_PAGE_SIZE", "10")
            .env("CW_ATTEMPTS", "2")
            .env("CW_READ_TIMEOUT", "2")
            .envs(settings.iter().copied());
        end(command)
    }

    /// The rows of the table, as JSON.
    pub(crate) fn rows(&self) -> String {
        let mut command = self.command();
        command.args(["query", "--json", "select id, name, hourlyRate, _rescued from bronze_cw_workrole order by id"]);
        end(command).said
    }

    /// Reasons of what is in quarantine.
    pub(crate) fn quarantine(&self) -> String {
        let mut command = self.command();
        command.args(["query", "--json", "select record, reason from bronze_cw_quarantine order by record"]);
        end(command).said
    }

    /// The files of the table, with their sizes: the same as long as nobody wrote it.
    pub(crate) fn files(&self) -> Vec<(String, u64)> {
        let mut files = Vec::new();
        list(&self.folder.path().join(TABLE), &mut files);
        files.sort();
        files.iter_mut().for_each(|(name, _)| *name = name.split_off(self.folder.path().to_string_lossy().len()));
        files
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_etl-under-test"));
        command.env_clear().current_dir(self.folder.path()).args(["--lakehouse", "."]);
        command
    }
}

/// Waits for the end, and watches how much memory is taken: the kernel keeps the highest value, so that nothing between two
/// looks is lost.
fn end(mut command: Command) -> Ended {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let read = |mut pipe: Box<dyn std::io::Read + Send>| {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            pipe.read_to_end(&mut text).ok();
            String::from_utf8_lossy(&text).into_owned()
        })
    };
    let pipes = [read(Box::new(child.stdout.take().unwrap())), read(Box::new(child.stderr.take().unwrap()))];
    let (started, mut memory) = (Instant::now(), 0);
    let status = loop {
        memory = memory.max(highest(child.id()).unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > LONGEST {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let said = pipes.map(|pipe| pipe.join().unwrap()).concat();
    Ended { code: status.code(), said, memory }
}

/// The most memory that a process has had so far, in kB; `None` where the system doesn't tell.
fn highest(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn list(folder: &Path, files: &mut Vec<(String, u64)>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            list(&entry.path(), files);
        } else {
            files.push((entry.path().to_string_lossy().into_owned(), entry.metadata().unwrap().len()));
        }
    }
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
