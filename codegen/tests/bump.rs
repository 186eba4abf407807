//! From one real interface version to the next and back, as a person would do it: with the program, and without an edit.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod older;

use std::path::{Path, PathBuf};
use std::process::Command;

use older::{Older, openapi};
use serde_json::{Value, json};

/// Runs the program on a folder, and gives its exit code and its answer.
fn run(folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let program = env!("CARGO_BIN_EXE_connectwise-codegen");
    let output = Command::new(program).arg("--json").arg("--openapi").arg(folder).args(arguments).output().unwrap();
    let code = output.status.code().unwrap();
    let answer = serde_json::from_slice(&output.stdout);
    (code, answer.unwrap_or_else(|error| panic!("{arguments:?}: {code}, {error}, {output:?}")))
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn counts(diff: &Value) -> [&Value; 3] {
    [&diff["breaking"], &diff["tolerant"], &diff["additive"]]
}

/// A folder for the older version. It stays: `.ci/older-interface` compiles an SDK that is generated from it.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("older-interface");
    // It may be left from the last run.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn going_back_to_2025_1_and_forth_to_2025_8_needs_no_edit() {
    let pinned = openapi();
    let back = Older::read();
    let newer = pinned.join(format!("connectwise-psa-{}.json", back.newer));
    let folder = folder();
    for file in ["api.toml", "lake.toml", "figures.toml"] {
        std::fs::copy(pinned.join(file), folder.join(file)).unwrap();
    }
    let download = folder.join("download.json");
    std::fs::write(&download, back.document(&std::fs::read(&newer).unwrap())).unwrap();
    let (download, newer) = (download.display().to_string(), newer.display().to_string());

    // 2025.8 has 9 operations, 3 schemas and 84 properties more than 2025.1; nothing is removed or changed.
    let (code, diff) = run(&folder, &["diff", &newer, &download]);
    assert_eq!((code, counts(&diff)), (1, [&json!(96), &json!(0), &json!(0)]), "{diff}");
    let (code, diff) = run(&folder, &["diff", &download, &newer]);
    assert_eq!((code, counts(&diff)), (0, [&json!(0), &json!(0), &json!(96)]), "{diff}");
    let named = |what: &str| {
        let changes = diff["changes"].as_array().unwrap().iter();
        changes.filter(|change| change["subject"].as_str().unwrap().contains(what)).count()
    };
    assert_eq!([named(" /"), named("."), 96 - named(" /") - named(".")], [9, 84, 3]);

    let (code, imported) = run(&folder, &["import", &download]);
    assert_eq!((code, &imported["version"], &imported["operations"]), (0, &json!("2025.1"), &json!(3053)));
    assert_eq!(imported["sha256"], back.sha256);
    let (code, checked) = run(&folder, &["check", "--write"]);
    assert_eq!(code, 0, "{checked}");
    let figures = &checked["figures"];
    assert_eq!([&figures["operations"], &figures["excluded"], &figures["properties"]], [3053, 2, 8369]);
    let operations = figures["verbs"].as_u64().unwrap() + figures["functions"].as_u64().unwrap();
    assert_eq!(operations, 3051);

    let forth = tempfile::tempdir().unwrap();
    for file in ["api.toml", "lake.toml"] {
        std::fs::copy(folder.join(file), forth.path().join(file)).unwrap();
    }
    let (code, imported) = run(forth.path(), &["import", &newer]);
    assert_eq!((code, &imported["unchanged"]), (0, &json!(true)));
    for file in ["api.toml", "lake.toml"] {
        assert_eq!(text(&forth.path().join(file)), text(&pinned.join(file)));
    }
    std::fs::copy(pinned.join("figures.toml"), forth.path().join("figures.toml")).unwrap();
    let (code, checked) = run(forth.path(), &["check"]);
    assert_eq!(code, 0, "{checked}");
}

/// Follows a bump: `OLDER=<facts of the version before> cargo test -p connectwise-codegen --test bump -- --ignored`.
#[test]
#[ignore = "writes the way back to the version that is named"]
fn write_the_way_back() {
    let file = PathBuf::from(std::env::var_os("OLDER").expect("OLDER names the facts of the version before"));
    let folder = tempfile::tempdir().unwrap();
    let imported = connectwise_codegen::import(&file, folder.path()).unwrap();
    let pinned = connectwise_codegen::Sources::read(&openapi()).unwrap();
    let newer = openapi().join(format!("connectwise-psa-{}.json", pinned.api.document.version));
    let older = std::fs::read(&imported.file).unwrap();
    let back = Older::between(&std::fs::read(newer).unwrap(), &older, imported.sha256);
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/older/{}.json", back.version));
    std::fs::write(target, serde_json::to_string_pretty(&back).unwrap() + "\n").unwrap();
}
