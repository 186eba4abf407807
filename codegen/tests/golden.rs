//! Generated text of the tiny document, to be read by eye.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod tiny;

use std::path::Path;

use connectwise_codegen::{Sources, check, generate, report};
use serde_json::{Value, json};

#[test]
fn generated_text() {
    let sources = tiny::sources(tiny::API, tiny::LAKE, tiny::DOCUMENT).unwrap();
    for (file, text) in generate(&sources).unwrap().files {
        insta::assert_snapshot!(file, text);
    }
}

#[test]
fn check_holds_for_the_tiny_folder() {
    let checked = check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny")).unwrap();
    assert_eq!(checked.version, "1.0");
    assert_eq!(checked.entities, 1);
    assert!(checked.fixups.iter().all(|bite| bite.places > 0));
}

#[test]
fn check_tells_an_edited_document_and_an_edited_pin() {
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny");
    let folder = tempfile::tempdir().unwrap();
    for file in ["api.toml", "lake.toml", "connectwise-psa-1.0.json"] {
        std::fs::copy(tiny.join(file), folder.path().join(file)).unwrap();
    }
    check(folder.path()).unwrap();
    std::fs::write(folder.path().join("connectwise-psa-1.0.json"), tiny::with("boughtOn", "boughtIn")).unwrap();
    let error = check(folder.path()).unwrap_err();
    assert!(error.is_stale());
    assert!(error.to_string().starts_with("connectwise-psa-1.0.json is pinned with SHA-256 "), "{error}");

    std::fs::remove_file(folder.path().join("connectwise-psa-1.0.json")).unwrap();
    assert!(!check(folder.path()).unwrap_err().is_stale());
}

#[test]
fn report_accounts_for_every_operation() {
    let sources = tiny::sources(tiny::API, tiny::LAKE, tiny::DOCUMENT).unwrap();
    let report = report(&sources).unwrap();
    assert_eq!((report.total, report.generated), (6, 5));
    let calls: Vec<_> = report.operations.iter().map(|operation| operation.generated_as.as_deref()).collect();
    let expected = [
        None,
        Some("Widget: list"),
        Some("Widget: create"),
        Some("Widget: count"),
        Some("Widget: delete"),
        Some("Widget: get"),
    ];
    assert_eq!(calls, expected);
    assert_eq!(report.operations[0].reason.as_deref(), Some("excluded: the path template is cut off"));
    assert_eq!(report.not_generated.values().sum::<usize>() + report.generated, report.total);
}

#[test]
fn the_checked_in_interface_is_what_would_be_generated() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi");
    check(&folder).unwrap();
    let report = report(&Sources::read(&folder).unwrap()).unwrap();
    assert_eq!(report.total, 3062);
    // Seven verbs of six resources; members cannot be deleted, unposted invoices only be read.
    assert_eq!(report.generated, 6 * 7 + 6 + 3);
    assert_eq!(report.not_generated.values().sum::<usize>() + report.generated, report.total);
    assert_eq!(report.not_generated.keys().filter(|reason| reason.starts_with("excluded: ")).count(), 2);
}

#[test]
fn deep_objects_become_json_and_equal_objects_share_their_columns() {
    let mut document: Value = serde_json::from_slice(tiny::DOCUMENT).unwrap();
    let schemas = document.pointer_mut("/components/schemas").unwrap();
    let reference = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let levels = ["LevelA", "LevelB", "LevelC", "LevelD", "LevelE", "LevelF", "LevelG"];
    for (level, next) in levels.iter().zip(levels.iter().skip(1).chain(["Count"].iter())) {
        schemas[*level] = json!({"type": "object", "properties": {"next": reference(next)}});
    }
    let widget = &mut schemas["Widget"]["properties"];
    widget["deep"] = reference("LevelA");
    widget["seller"] = reference("OwnerReference");
    widget["maker"] = reference("OwnerReference");
    let text = serde_json::to_vec(&document).unwrap();
    let files = generate(&tiny::sources(tiny::API, tiny::LAKE, &text).unwrap()).unwrap().files;
    let lake = &files["lake.rs"];
    let levels: Vec<_> = lake.lines().filter(|line| line.contains("\"next\"")).map(str::trim).collect();
    assert_eq!(levels.len(), 6, "{levels:?}");
    assert_eq!(levels[0], r#"Column { name: "next", kind: Kind::Json, meaning: Meaning::Plain },"#);
    assert_eq!(levels[5], r#"Column { name: "next", kind: Kind::Struct(LEVEL_B_COLUMNS), meaning: Meaning::Plain },"#);
    // `owner/id` is personal, the other two owners are alike.
    assert_eq!(lake.matches("const OWNER_REFERENCE_COLUMNS").count(), 2);
}
