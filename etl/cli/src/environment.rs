//! What variables say: those of the process, and below the configuration file those of `.env` in the folder where the program
//! runs. No other folder's `.env` is read, and nothing of it gets into the process's environment.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::Path;

use connectwise_pipeline::error::{Error, Kind, Result};

use super::dotenv;

const FILE: &str = ".env";

/// Longer files aren't such.
const LONGEST: u64 = 1024 * 1024;

/// What decides to whom connections go and whom they trust, which a file that lies in a folder must not, and what other parts
/// of the program take from the process alone.
const PROCESS_ONLY: [&str; 8] =
    ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "RUST_BACKTRACE", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR"];

/// The variables of the process and of `.env`.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    file: BTreeMap<String, String>,
    /// What people should know of the file.
    remarks: Vec<String>,
}

impl Environment {
    /// Reads `.env`, where there is one.
    ///
    /// # Errors
    /// [`Kind::Config`] when it can't be read, by its line.
    pub(crate) fn read() -> Result<Self> {
        let wrong = |why: String| Error::new(Kind::Config, format!("the file {FILE} can't be read: {why}"));
        let path = Path::new(FILE);
        let Ok(metadata) = path.metadata() else { return Ok(Self::default()) };
        if !metadata.is_file() {
            return Err(wrong("it is no file".to_owned()));
        }
        let mut text = Vec::new();
        let file =
            std::fs::File::open(path).map_err(|error| wrong("it can't be opened".to_owned()).with_source(error))?;
        file.take(LONGEST + 1)
            .read_to_end(&mut text)
            .map_err(|error| wrong("reading it failed".to_owned()).with_source(error))?;
        if text.len() as u64 > LONGEST {
            return Err(wrong("it is larger than 1 MB".to_owned()));
        }
        let text = String::from_utf8(text).map_err(|error| {
            let before = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
            wrong(format!("line {} isn't UTF-8 text", 1 + before.filter(|byte| **byte == b'\n').count()))
        })?;
        // The line itself may hold a secret.
        let file = dotenv::parse(&text).map_err(|fault| wrong(format!("line {}: {}", fault.line, fault.problem)))?;
        let mut remarks: Vec<String> = Vec::new();
        if let Some(mode) = open_to_others(&metadata).filter(|_| file.keys().any(|name| is_secret(name))) {
            remarks.push(format!(
                "warning: {FILE} holds secrets and others on this machine can read it (mode {mode:04o}): chmod 600 {FILE}"
            ));
        }
        let ignored: Vec<&str> = file
            .keys()
            .map(String::as_str)
            .filter(|name| PROCESS_ONLY.contains(&name.to_uppercase().as_str()))
            .collect();
        if !ignored.is_empty() {
            remarks.push(format!(
                "warning: {} in {FILE} has no effect: set it in the environment of the process",
                ignored.join(", ")
            ));
        }
        Ok(Self { file, remarks })
    }

    /// What people should know of the file, whatever they called.
    pub(crate) fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// Which variables the file sets, and which of them the process sets too; names only.
    pub(crate) fn told(&self) -> Option<String> {
        if self.file.is_empty() {
            return None;
        }
        let (shadowed, used): (Vec<&str>, Vec<&str>) =
            self.file.keys().map(String::as_str).partition(|name| process(name).is_some());
        let mut text = format!(
            "./{FILE} was read and sets {}",
            if used.is_empty() { "nothing".to_owned() } else { used.join(", ") }
        );
        if !shadowed.is_empty() {
            text.push_str(&format!("; the environment sets {} too, and counts more", shadowed.join(", ")));
        }
        Some(text)
    }

    /// What the file says.
    pub(crate) fn file(&self, name: &str) -> Option<String> {
        self.file.get(name).and_then(|value| given(value))
    }

    /// What the process's environment says, or else the file.
    pub(crate) fn either(&self, name: &str) -> Option<String> {
        process(name).or_else(|| self.file(name))
    }

    /// The same, but letter for letter: what a key is changes everything that was made with it.
    pub(crate) fn exactly(&self, name: &str) -> Option<String> {
        let process = std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        process.or_else(|| self.file.get(name).filter(|value| !value.trim().is_empty()).cloned())
    }

    /// Settings of object stores that only the file has.
    pub(crate) fn stores(&self) -> HashMap<String, String> {
        let settings = self.file.iter().filter(|(name, _)| name.starts_with("AZURE_") && process(name).is_none());
        settings.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect()
    }
}

/// What the process's environment says, if it says anything.
pub(crate) fn process(name: &str) -> Option<String> {
    std::env::var(name).ok().and_then(|value| given(&value))
}

/// A value without the quotation marks that `docker --env-file` leaves.
fn given(value: &str) -> Option<String> {
    let mut value = value.trim();
    for quote in ['"', '\''] {
        value = value.strip_prefix(quote).and_then(|inner| inner.strip_suffix(quote)).unwrap_or(value);
    }
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

fn is_secret(name: &str) -> bool {
    ["KEY", "PASSWORD", "SECRET", "TOKEN"].iter().any(|word| name.to_ascii_uppercase().contains(word))
}

/// The mode of a file that others than its owner can read.
#[cfg(unix)]
fn open_to_others(file: &std::fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;

    let mode = file.permissions().mode() & 0o7777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn open_to_others(_: &std::fs::Metadata) -> Option<u32> {
    None
}
