//! The examples run to their end against a simulated server, and have something to say.

#![allow(clippy::unwrap_used, reason = "clippy takes what tests share for library code")]

use std::{path::PathBuf, process::Command};

use connectwise_sim::Simulator;

const EXAMPLES: [&str; 21] = [
    "blocking",
    "bulk",
    "company",
    "configurations",
    "expense",
    "failures",
    "finance",
    "hours_by_member",
    "marketing",
    "mock",
    "note_and_close",
    "procurement",
    "project",
    "resume",
    "sales",
    "schedule",
    "service",
    "system",
    "tables",
    "tickets_of_a_board",
    "time",
];

/// Cargo puts examples beside the directory of the tests.
fn program(example: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
    let name = format!("{example}{}", std::env::consts::EXE_SUFFIX);
    let program = profile.join("examples").join(name);
    assert!(
        program.exists(),
        "the example {example} isn't built: run all tests, or build it with `cargo build -p connectwise-sdk --features full,arrow,blocking --examples`"
    );
    program
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_runs_against_the_simulator() {
    let simulator = Simulator::builder().scale(50).start().await.unwrap();
    for example in EXAMPLES {
        let mut command = Command::new(program(example));
        command
            .env("CW_BASE_URL", simulator.base_url())
            .env_remove("CW_SITE")
            .env("CW_AUTH_USERNAME", simulator.username())
            .env("CW_AUTH_PASSWORD", simulator.password())
            .env("CW_CLIENTID", "11111111-2222-3333-4444-555555555555");
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{example}: {}: {errors}", output.status);
        assert!(!output.stdout.is_empty(), "{example} printed nothing: {errors}");
    }
}

/// What people copy hides no failure and cuts no id.
#[test]
fn no_example_panics_or_casts() {
    for example in EXAMPLES {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("examples/{example}.rs"));
        let text = std::fs::read_to_string(file).unwrap();
        for word in [".unwrap()", ".expect(", "panic!", " as i32", " as i64", " as u64", "::try_from("] {
            assert!(!text.contains(word), "{example} has {word}");
        }
        assert!(text.starts_with("//! ") && text.contains("--example "), "{example} doesn't say how it is run");
    }
}

/// An example that isn't run here could be broken.
#[test]
fn no_example_is_left_out() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<String> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    found.sort();
    assert_eq!(found, EXAMPLES);
}
