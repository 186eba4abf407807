//! Generates the catalogue, the models, the resources and the raw operations that the enabled features ask for from
//! `openapi/`, or from the folder that `CONNECTWISE_OPENAPI` names, into `OUT_DIR`.

#![allow(clippy::print_stdout, reason = "a build script speaks to cargo on standard output")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use connectwise_codegen::{Selection, Sources, generate};

/// Variable with another folder of interface facts, for the SDK of another version of the interface.
const FOLDER: &str = "CONNECTWISE_OPENAPI";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error={error}");
            if let Some(error) = error.downcast_ref::<connectwise_codegen::Error>() {
                error.others().iter().for_each(|other| println!("cargo::error={other}"));
            }
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    // Asked for when it runs: a compiled build script can be reused by another checkout of the same sources.
    let package =
        std::env::var_os("CARGO_MANIFEST_DIR").ok_or("CARGO_MANIFEST_DIR is not set: run this through cargo")?;
    println!("cargo::rerun-if-env-changed={FOLDER}");
    let openapi = match std::env::var_os(FOLDER) {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(&package).join("../openapi"),
    };
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set: run this through cargo")?);
    println!("cargo::rerun-if-changed={}", openapi.display());
    let sources = Sources::read(&openapi)?;
    let has = |feature: &str| std::env::var_os(format!("CARGO_FEATURE_{}", feature.to_uppercase())).is_some();
    let modules = sources.api.modules.values().filter(|module| has(module)).cloned();
    let selection = Selection::new(has("lake"), modules).with_raw(has("raw"));
    let generated = generate(&sources, &selection)?;
    for (file, text) in generated.files {
        std::fs::write(out.join(file), text)?;
    }
    // `connectwise-codegen check` refuses it; an SDK of another version is generated all the same.
    for left_over in generated.left_over {
        println!("cargo::warning={left_over}");
    }
    Ok(())
}
