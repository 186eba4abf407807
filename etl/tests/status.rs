//! `connectwise-etl status` as people see it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn run(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_connectwise-etl"));
    let output = command.env_clear().current_dir(folder).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_lakehouse_without_runs_gets_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let text = run(folder.path(), &["status"]);
    assert_eq!(text.lines().count(), 1);
    assert!(text.starts_with("no run has written to file://"), "{text}");
    assert!(text.ends_with("/lakehouse/ yet: start with connectwise-etl run\n"), "{text}");
    assert_eq!(run(folder.path(), &["status", "--json"]), "null\n");
    assert!(!folder.path().join("lakehouse").exists(), "asking leaves nothing behind");
}

#[test]
fn after_a_demo_every_table_is_there_within_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let report: Value = serde_json::from_str(&run(folder.path(), &["demo", "--scale", "100", "--json"])).unwrap();
    let steps = report["report"]["steps"].as_array().unwrap();

    let text = run(folder.path(), &["status"]);
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{} characters: {line}", line.chars().count());
    }
    for step in steps {
        let name = step["table"].as_str().unwrap();
        assert!(text.contains(&format!(" {name} ")), "{name} is missing:\n{text}");
    }
    let status: Value = serde_json::from_str(&run(folder.path(), &["status", "--json"])).unwrap();
    assert_eq!(status["tables"].as_array().unwrap().len(), steps.len());
    assert_eq!(status["runs"][0]["runId"], report["report"]["runId"]);
    assert_eq!(status["runs"][0]["outcome"], "done");

    let runs = run(folder.path(), &["query", "select outcome from etl_runs order by ended nulls first", "--json"]);
    let runs: Value = serde_json::from_str(&runs).unwrap();
    assert_eq!(runs, serde_json::json!([{ "outcome": "started" }, { "outcome": "done" }]));
}
