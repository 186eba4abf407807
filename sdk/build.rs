//! Generates the catalogue, the models, the resources and the raw operations that the enabled features ask for from the facts of
//! `connectwise-openapi` into `OUT_DIR`.

#![allow(clippy::print_stdout, reason = "a build script speaks to cargo on standard output")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use connectwise_codegen::{Api, Lake, Selection, Sources, generate};

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
    // The facts are linked in: cargo runs another build script when they change.
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set: run this through cargo")?);
    let api = Api::parse(Path::new("api.toml"), connectwise_openapi::API)?;
    let lake = Lake::parse(Path::new("lake.toml"), connectwise_openapi::LAKE)?;
    let file = api.document_file();
    let sources = Sources::new(api, lake, &file, connectwise_openapi::DOCUMENT.into())?;
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
