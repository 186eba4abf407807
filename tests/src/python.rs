//! A Python with the independent readers in it, set up on first use.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A Python interpreter that has what a file of `tests/readers/` names.
#[derive(Debug, Clone)]
pub struct Python {
    interpreter: PathBuf,
}

impl Python {
    /// The interpreter with the readers, kept beside the build so that only the first run fetches packages.
    ///
    /// # Errors
    /// What is missing on this machine and how to get it.
    pub fn with_readers() -> Result<Self, String> {
        static READY: OnceLock<Result<Python, String>> = OnceLock::new();
        READY.get_or_init(|| set_up("requirements.txt", "readers-venv")).clone()
    }

    /// The interpreter with Spark SQL, which is 600 MB of packages, kept likewise.
    ///
    /// # Errors
    /// As [`Python::with_readers`].
    pub fn with_spark() -> Result<Self, String> {
        static READY: OnceLock<Result<Python, String>> = OnceLock::new();
        READY.get_or_init(|| set_up("spark.txt", "spark-venv")).clone()
    }

    /// Runs a script of `tests/readers/` and gives what it printed.
    ///
    /// # Errors
    /// The script's own error output.
    pub fn run(&self, script: &str, arguments: &[&str]) -> Result<String, String> {
        run(Command::new(&self.interpreter).arg(readers().join(script)).args(arguments))
    }
}

fn set_up(requirements: &str, folder: &str) -> Result<Python, String> {
    let requirements = readers().join(requirements);
    let wanted =
        std::fs::read_to_string(&requirements).map_err(|error| format!("{}: {error}", requirements.display()))?;
    let folder = build_folder()?.join(folder);
    let (interpreter, stamp) = (folder.join("bin/python"), folder.join("requirements.txt"));
    if std::fs::read_to_string(&stamp).is_ok_and(|present| present == wanted) {
        return Ok(Python { interpreter });
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder)).map_err(|error| {
        format!("the independent readers need Python 3.10 or newer with venv (python3 -m venv): {error}")
    })?;
    run(Command::new(&interpreter).args(["-m", "pip", "install", "--quiet", "-r"]).arg(&requirements))?;
    std::fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))?;
    Ok(Python { interpreter })
}

fn readers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("readers")
}

/// The target directory, wherever it was put: test programs live in `<target>/<profile>/deps`.
fn build_folder() -> Result<PathBuf, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    program
        .ancestors()
        .nth(3)
        .map(Path::to_path_buf)
        .ok_or_else(|| format!("{} lies in no target directory", program.display()))
}

fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr)))
}
