//! Names the files of the pinned version to `src/lib.rs`: those beside this one, or those of the folder that
//! `CONNECTWISE_OPENAPI` names.

#![allow(clippy::print_stdout, reason = "a build script speaks to cargo on standard output")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Variable with another folder of interface facts, for everything of another version of the interface.
const FOLDER: &str = "CONNECTWISE_OPENAPI";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error={error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed={FOLDER}");
    // Asked for when it runs: a compiled build script can be reused by another checkout of the same sources.
    let package =
        std::env::var_os("CARGO_MANIFEST_DIR").ok_or("CARGO_MANIFEST_DIR is not set: run this through cargo")?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set: run this through cargo")?);
    let folder = std::env::var_os(FOLDER).map_or_else(|| PathBuf::from(&package), PathBuf::from);
    let folder = folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?;

    let api = folder.join("api.toml");
    let text = std::fs::read_to_string(&api).map_err(|error| format!("cannot read {}: {error}", api.display()))?;
    let version = version(&text).ok_or_else(|| format!("{} has no version under [document]", api.display()))?;
    let document = folder.join(format!("connectwise-psa-{version}.json"));
    let mut texts = vec![
        format!("/// Version of the interface.\npub const VERSION: &str = {version:?};\n"),
        constant("API", "`api.toml`: which document it is, its modules, and what is left out.", &api),
        constant("LAKE", "`lake.toml`: which lists become tables.", &folder.join("lake.toml")),
        constant("DOCUMENT", "The interface document, in the facts form.", &document),
    ];
    let mut older = Vec::new();
    if let Ok(entries) = std::fs::read_dir(folder.join("older")) {
        for entry in entries {
            older.push(entry?.path());
        }
    }
    older.sort();
    older.iter().for_each(|file| watch(file));
    let older: String =
        older.iter().map(|file| format!("    include_str!({:?}),\n", file.display().to_string())).collect();
    texts.push(format!("/// Ways back to versions before, each in JSON.\npub const OLDER: &[&str] = &[\n{older}];\n"));
    std::fs::write(out.join("facts.rs"), texts.concat())?;
    Ok(())
}

fn watch(file: &Path) {
    println!("cargo::rerun-if-changed={}", file.display());
}

fn constant(name: &str, what: &str, file: &Path) -> String {
    watch(file);
    format!("/// {what}\npub const {name}: &str = include_str!({:?});\n", file.display().to_string())
}

/// The pinned version, from the lines that `connectwise-codegen import` writes.
fn version(api: &str) -> Option<String> {
    let (_, document) = api.split_once("[document]")?;
    let lines = document.lines().skip(1).take_while(|line| !line.trim_start().starts_with('['));
    let version = lines.filter_map(|line| line.split_once('=')).find(|(key, _)| key.trim() == "version")?;
    let version = version.1.trim().trim_matches('"');
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (!version.is_empty() && version.chars().all(plain)).then(|| version.to_owned())
}
