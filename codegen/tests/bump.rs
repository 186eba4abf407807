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

/// A folder for another version. It stays: `.ci/older-interface` compiles what is generated from it.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
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
    let folder = folder("older-interface");
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

/// Schemas that are called like what generated text uses: of Rust, of its prelude and of the SDK. Whether their models compile is for
/// `.ci/older-interface` to tell.
#[test]
fn names_of_rust_are_names_of_schemas() {
    const NAMES: [&str; 36] = [
        "Option",
        "String",
        "Vec",
        "Box",
        "Result",
        "Some",
        "None",
        "Ok",
        "Err",
        "Default",
        "Clone",
        "Debug",
        "PartialEq",
        "Iterator",
        "From",
        "Into",
        "Send",
        "Sync",
        "Value",
        "Record",
        "Path",
        "Resource",
        "Extra",
        "Client",
        "Error",
        "Timestamp",
        "Download",
        "Self",
        "Bool",
        "I32",
        "F64",
        "Str",
        "Type",
        "Fn",
        "Std",
        "Serde",
    ];
    let pinned = openapi();
    let folder = folder("names-of-rust");
    for file in ["api.toml", "lake.toml"] {
        std::fs::copy(pinned.join(file), folder.join(file)).unwrap();
    }
    let api = connectwise_codegen::Api::read(&pinned.join("api.toml")).unwrap();
    let mut document: Value = serde_json::from_str(&text(&pinned.join(api.document_file()))).unwrap();
    let reference = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    for name in NAMES {
        let path = format!("/time/{}", name.to_lowercase());
        let list = json!({"application/json": {"schema": {"type": "array", "items": reference(name)}}});
        let one = json!({"application/json": {"schema": reference(name)}});
        document["paths"][&path] = json!({
            "get": {"operationId": format!("getTime{name}"), "responses": {"200": {"description": "OK", "content": list}}},
            "post": {
                "operationId": format!("postTime{name}"),
                "requestBody": {"required": true, "content": one},
                "responses": {"201": {"description": "Created", "content": one}},
            },
        });
        let properties = json!({
            "id": {"type": "integer", "format": "int32"},
            "name": {"type": "string", "maxLength": 5},
            "since": {"type": "string", "format": "date-time"},
            "kind": {"type": "string", "enum": ["Some", "None", "Self"]},
            "password": {"type": "string"},
            "next": reference(name),
            "all": {"type": "array", "items": reference("Option")},
        });
        document["components"]["schemas"][name] = json!({"type": "object", "properties": properties});
    }
    let download = folder.join("download.json");
    std::fs::write(&download, serde_json::to_vec(&document).unwrap()).unwrap();
    let (code, imported) = run(&folder, &["import", &download.display().to_string()]);
    assert_eq!(code, 0, "{imported}");
    std::fs::remove_file(&download).unwrap();
    let (code, checked) = run(&folder, &["check", "--write"]);
    assert_eq!(code, 0, "{checked}");
    assert_eq!(checked["figures"]["records"], 833 + NAMES.len());
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
    let target = openapi().join(format!("older/{}.json", back.version));
    std::fs::write(target, serde_json::to_string_pretty(&back).unwrap() + "\n").unwrap();
}
