//! The program: exit codes, one sentence an error, JSON.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny")
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_connectwise-codegen");
    Command::new(program).arg("--openapi").arg(folder).args(arguments).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn is(output: &Output, code: i32, stdout: &str, stderr: &str) {
    assert_eq!(String::from_utf8_lossy(&output.stderr), stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout), stdout);
    assert_eq!(output.status.code(), Some(code));
}

/// A folder with the tiny sources, for tests that change them.
fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in ["api.toml", "lake.toml", "figures.toml", "connectwise-psa-1.0.json"] {
        std::fs::copy(tiny().join(file), folder.path().join(file)).unwrap();
    }
    folder
}

#[test]
fn report_in_words_and_in_json() {
    let text = "version 1.0: 23 of 24 operations generated\n  shop               23 of    24\nnot generated:\n      1  excluded: the path template is cut off\n";
    is(&run(&tiny(), &["report"]), 0, text, "");
    let answer = json(&run(&tiny(), &["report", "--json"]));
    assert_eq!((&answer["total"], &answer["generated"]), (&24.into(), &23.into()));
    assert_eq!(answer["operations"][0]["generated_as"], "ShopArchiveParts: count");
}

#[test]
fn check_fails_with_1_when_something_differs_and_with_2_when_it_cannot_tell() {
    let folder = copy();
    assert_eq!(run(folder.path(), &["check"]).status.code(), Some(0));
    assert_eq!(json(&run(folder.path(), &["check", "--json"]))["entities"], 1);

    let lake = std::fs::read_to_string(folder.path().join("lake.toml")).unwrap();
    std::fs::write(folder.path().join("lake.toml"), lake.replace("*Cost", "*Price")).unwrap();
    let error = "lake.toml: [shared] has `*Price` under decimals, which matches no property: remove or repair it";
    is(&run(folder.path(), &["check"]), 1, "", &format!("error: {error}\n"));
    let answer = run(folder.path(), &["check", "--json"]);
    assert_eq!(answer.status.code(), Some(1));
    assert_eq!(json(&answer)["error"], error);

    std::fs::write(folder.path().join("lake.toml"), lake.replace("\"*Cost\"", "\"*Cost\", \"*Price?\"")).unwrap();
    assert_eq!(run(folder.path(), &["check"]).status.code(), Some(0), "an optional pattern may match nothing");

    let file = folder.path().join("figures.toml");
    let figures = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, figures.replace("operations = 24", "operations = 19")).unwrap();
    let answer = run(folder.path(), &["check"]);
    assert_eq!(answer.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&answer.stderr).contains("does not hold the figures of what is generated"));
    assert_eq!(run(folder.path(), &["check", "--write"]).status.code(), Some(0));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), figures);

    std::fs::remove_file(folder.path().join("lake.toml")).unwrap();
    assert_eq!(run(folder.path(), &["check"]).status.code(), Some(2));
}

#[test]
fn import_of_something_else_is_one_sentence_and_2() {
    let folder = copy();
    let file = folder.path().join("note.txt");
    std::fs::write(&file, "hello").unwrap();
    let name = file.display().to_string();
    let error = format!("error: {name} is not JSON: expected value at line 1 column 1\n");
    is(&run(folder.path(), &["import", &name]), 2, "", &error);
}

#[test]
fn every_command_has_help_with_an_example() {
    for command in ["import", "check", "diff", "report"] {
        let output = run(&tiny(), &[command, "--help"]);
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8_lossy(&output.stdout).contains(&format!("connectwise-codegen {command}")));
    }
    assert_eq!(run(&tiny(), &["explode"]).status.code(), Some(2));
}

#[test]
fn diff_fails_with_1_when_something_breaks() {
    let folder = tempfile::tempdir().unwrap();
    let old = tiny().join("connectwise-psa-1.0.json");
    let new = folder.path().join("new.json");
    let text = std::fs::read_to_string(&old).unwrap();
    std::fs::write(&new, text.replace("\"serialNumber\"", "\"serial\"")).unwrap();
    let (old, new) = (old.display().to_string(), new.display().to_string());
    let output = run(&tiny(), &["diff", &old, &new]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.starts_with("# 1.0 -> 1.0\n\n1 breaking, 0 tolerant, 1 additive\n"), "{text}");
    let answer = json(&run(&tiny(), &["diff", "--json", &new, &new]));
    assert_eq!((&answer["breaking"], &answer["changes"]), (&0.into(), &Value::Array(Vec::new())));
    assert_eq!(run(&tiny(), &["diff", &old, &old]).status.code(), Some(0));
    assert_eq!(run(&tiny(), &["diff", &old, "missing.json"]).status.code(), Some(2));
}
