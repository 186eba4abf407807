//! The facts form.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod tiny;

use connectwise_codegen::{Document, facts, import};

const VENDOR: &[u8] = include_bytes!("vendor.json");

#[test]
fn the_facts_form_is_its_own_import() {
    let facts = facts(&Document::parse("tiny", tiny::DOCUMENT).unwrap());
    assert_eq!(facts.as_bytes(), tiny::DOCUMENT);
}

#[test]
fn a_document_with_prose_in_another_order_becomes_the_same_facts() {
    let facts = facts(&Document::parse("vendor", VENDOR).unwrap());
    assert_eq!(facts, String::from_utf8(tiny::DOCUMENT.to_vec()).unwrap());
}

#[test]
fn an_import_pins_what_it_wrote_and_a_second_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("vendor.json");
    std::fs::write(&source, VENDOR).unwrap();
    let target = folder.path().join("openapi");
    let first = import(&source, &target).unwrap();
    assert_eq!((first.version.as_str(), first.operations, first.unchanged), ("1.0", 24, false));
    let api = std::fs::read_to_string(target.join("api.toml")).unwrap();
    assert!(api.contains(&first.sha256));

    let second = import(&first.file, &target).unwrap();
    assert!(second.unchanged);
    assert_eq!(second.sha256, first.sha256);
    assert_eq!(std::fs::read_to_string(target.join("api.toml")).unwrap(), api);
    assert_eq!(std::fs::read(&second.file).unwrap(), tiny::DOCUMENT);
}

#[test]
fn a_failed_import_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("broken.json");
    std::fs::write(
        &source,
        br#"{"openapi": "3.0.1", "info": {"title": "T", "version": "1"}, "paths": {"/a": {"get": {}}}}"#,
    )
    .unwrap();
    let target = folder.path().join("openapi");
    let error = import(&source, &target).unwrap_err();
    assert_eq!(error.pointer(), Some("/paths/~1a/get/operationId"));
    assert!(!target.exists());
}

/// One that the fuzzer found: as a float it is read as another number than the one it was written from.
#[test]
fn a_number_that_no_float_holds_is_refused() {
    let document = |number: &str| {
        let schema = format!(r#"{{"type": "number", "enum": [0.5, {number}]}}"#);
        let text = format!(
            r#"{{"openapi": "3.0.1", "info": {{"title": "x", "version": "1"}}, "paths": {{}},
                "components": {{"schemas": {{"A": {schema}}}}}}}"#
        );
        Document::parse("numbers.json", text.as_bytes())
    };
    assert!(document("33.25").is_ok());
    let refused = document("33333333333337333333333333").unwrap_err().to_string();
    assert!(refused.contains("a number of at most 15 digits") && refused.contains("/enum/1"), "{refused}");
}
