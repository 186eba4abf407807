//! Generated text of the tiny document, to be read by eye.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod tiny;

use std::path::Path;

use connectwise_codegen::{check, generate, report};

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
