//! Variables of settings, by rank: those that the caller gives, those of the process, and, below the configuration file, those
//! of `.env` in the working directory. No other `.env` is read, and none of it gets into the process's environment.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::io::{ErrorKind, Read};
use std::path::Path;

use connectwise_pipeline::error::Result;

use super::dotenv;
use crate::error;

const FILE: &str = ".env";

/// What names of settings begin with, those of the store of the lakehouse included.
const SETTINGS: [&str; 5] = ["CW_", "CONNECTWISE_", "AZURE_", "AWS_", "GOOGLE_"];

/// How the names of settings of object stores begin.
const OF_STORES: [&str; 3] = ["AZURE_", "AWS_", "GOOGLE_"];

/// Longer files aren't such.
const LONGEST: u64 = 1024 * 1024;

/// What decides to whom connections go and whom they trust, which a file that lies in a folder must not, and what other parts
/// of the program take from the process alone.
const PROCESS_ONLY: [&str; 8] =
    ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "RUST_BACKTRACE", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR"];

/// Variables by their origin.
#[derive(Default)]
pub struct Environment {
    /// Variables that the calling program gives; they rank first.
    given: BTreeMap<String, String>,
    process: BTreeMap<String, String>,
    file: BTreeMap<String, String>,
    /// What people should know of the file.
    remarks: Vec<String>,
}

impl std::fmt::Debug for Environment {
    /// Names only, as values may be secrets; none of the process's variables.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("given", &self.given.keys())
            .field("file", &self.file.keys())
            .finish_non_exhaustive()
    }
}

impl Environment {
    /// The variables of this process, and of `.env` if there is one.
    ///
    /// # Errors
    /// [`Kind::Config`](connectwise_pipeline::error::Kind::Config) when `.env` can't be read; the error names the line. And when the value
    /// of a setting isn't UTF-8.
    pub fn read() -> Result<Self> {
        Self::of(BTreeMap::new(), texts(std::env::vars_os())?)
    }

    /// Variables that the caller gives, those of its process, and those of `.env` if there is one. A caller that serves several
    /// tenants gives each of them its own.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn of(given: BTreeMap<String, String>, process: BTreeMap<String, String>) -> Result<Self> {
        // On Windows, names of variables don't depend on case.
        let process = match cfg!(windows) {
            true => process.into_iter().map(|(name, value)| (name.to_ascii_uppercase(), value)).collect(),
            false => process,
        };
        Ok(Self { given, process, ..Self::from_file()? })
    }

    fn from_file() -> Result<Self> {
        let wrong = |why: String| error::variables_file(FILE, why);
        let path = Path::new(FILE);
        let metadata = match path.metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(wrong("it can't be opened".to_owned()).with_source(error)),
        };
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
        Ok(Self { file, remarks, ..Self::default() })
    }

    /// What people should know of the file, whatever they called.
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// Which variables the file sets, and which of them the process sets too; names only.
    pub(crate) fn told(&self) -> Option<String> {
        if self.file.is_empty() {
            return None;
        }
        let (shadowed, used): (Vec<&str>, Vec<&str>) =
            self.file.keys().map(String::as_str).partition(|name| self.said(name).is_some());
        let mut text = format!(
            "./{FILE} was read and sets {}",
            if used.is_empty() { "nothing".to_owned() } else { used.join(", ") }
        );
        if !shadowed.is_empty() {
            text.push_str(&format!("; the environment sets {} too, and counts more", shadowed.join(", ")));
        }
        Some(text)
    }

    /// The value that the caller gives.
    pub(crate) fn given(&self, name: &str) -> Option<String> {
        self.given.get(name).and_then(|value| plain(value))
    }

    /// The value in the process's environment.
    pub(crate) fn process(&self, name: &str) -> Option<String> {
        self.process.get(name).and_then(|value| plain(value))
    }

    /// The value from the caller, else from the process.
    pub(crate) fn said(&self, name: &str) -> Option<String> {
        self.given(name).or_else(|| self.process(name))
    }

    /// What the file says.
    pub(crate) fn file(&self, name: &str) -> Option<String> {
        self.file.get(name).and_then(|value| plain(value))
    }

    /// The value from the caller, else from the process, else from `.env`.
    pub(crate) fn either(&self, name: &str) -> Option<String> {
        self.said(name).or_else(|| self.file(name))
    }

    /// The same, but letter for letter: what a key is changes everything that was made with it.
    pub(crate) fn exactly(&self, name: &str) -> Option<String> {
        let places = [&self.given, &self.process, &self.file];
        places.into_iter().filter_map(|place| place.get(name)).find(|value| !value.trim().is_empty()).cloned()
    }

    /// Settings of object stores: those that the caller gives, those of the process, and those of `.env`.
    pub(crate) fn stores(&self) -> [HashMap<String, String>; 3] {
        let of_store = |(name, value): (&String, &String)| {
            let is_one = OF_STORES.iter().any(|beginning| name.starts_with(beginning));
            is_one.then(|| plain(value)).flatten().map(|value| (name.clone(), value))
        };
        [&self.given, &self.process, &self.file].map(|place| place.iter().filter_map(of_store).collect())
    }
}

/// Variables of a process as text. What isn't UTF-8 can be none of the settings, which a value in place of it would take over unseen.
fn texts(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<BTreeMap<String, String>> {
    let mut texts = BTreeMap::new();
    for (name, value) in variables {
        // No setting has such a name.
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => drop(texts.insert(name, value)),
            Err(_) if SETTINGS.iter().any(|start| name.to_ascii_uppercase().starts_with(start)) => {
                return Err(error::variable_text(&name));
            }
            Err(_) => {}
        }
    }
    Ok(texts)
}

/// A value without the quotation marks that `docker --env-file` leaves.
fn plain(value: &str) -> Option<String> {
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

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn a_setting_that_is_no_text_is_refused_and_nothing_else() {
        let variables = |name: &str| {
            let value = OsString::from_vec(b"/data/\xff".to_vec());
            texts([(OsString::from("HOME"), OsString::from("/home")), (OsString::from(name), value)])
        };
        let names = [
            "CW_LAKEHOUSE",
            "CONNECTWISE_COMPANY",
            "AZURE_STORAGE_ACCOUNT_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "GOOGLE_SERVICE_ACCOUNT_KEY",
        ];
        for name in names {
            let error = variables(name).unwrap_err();
            assert_eq!(error.report(), format!("the value of {name} isn't UTF-8 text"));
        }
        assert_eq!(variables("LS_COLORS").unwrap(), BTreeMap::from([("HOME".to_owned(), "/home".to_owned())]));
    }
}
