//! Generates the catalogue, the models and the resources from `openapi/` into `OUT_DIR`.

#![allow(clippy::print_stdout, reason = "a build script speaks to cargo on standard output")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    match generate() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error={error}");
            ExitCode::FAILURE
        }
    }
}

fn generate() -> Result<(), Box<dyn Error>> {
    let openapi = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set: run this through cargo")?);
    println!("cargo::rerun-if-changed={}", openapi.display());
    let sources = connectwise_codegen::Sources::read(&openapi)?;
    for (file, text) in connectwise_codegen::generate(&sources)?.files {
        std::fs::write(out.join(file), text)?;
    }
    Ok(())
}
