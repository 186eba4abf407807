//! The facts form.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod tiny;

use connectwise_codegen::{Document, check_and_write, facts, import};

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
fn an_import_into_an_empty_folder_writes_all_that_is_generated_from() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("vendor.json");
    std::fs::write(&source, VENDOR).unwrap();
    let target = folder.path().join("openapi");
    import(&source, &target).unwrap();
    let api = std::fs::read_to_string(target.join("api.toml")).unwrap();
    let behind = api.split_once("[modules]").unwrap().1;
    insta::assert_snapshot!(behind, @r#"
    "shop" = "shop"

    [models]
    # Texts that `Debug` never shows, by property name or `Schema/name`: look for more.
    secrets = ["password"]

    [[exclude]]
    path = "/shop/cut/{id:regex(^("
    reason = "the path template can't be filled"
    "#);
    let checked = check_and_write(&target).unwrap();
    assert_eq!((checked.version.as_str(), checked.entities), ("1.0", 0));
    assert_eq!(checked.figures.verbs + checked.figures.functions + checked.figures.excluded, 24);

    // What is there already is kept.
    std::fs::write(target.join("lake.toml"), tiny::LAKE).unwrap();
    import(&source, &target).unwrap();
    assert_eq!(std::fs::read_to_string(target.join("lake.toml")).unwrap(), tiny::LAKE);
    assert_eq!(std::fs::read_to_string(target.join("api.toml")).unwrap(), api);
}

#[test]
fn documents_that_are_something_else_are_called_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("All.json");
    let utf16: Vec<u8> = "{\"openapi\": \"3.0.1\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [&[0xff, 0xfe][..], &utf16].concat();
    let cases: [(&[u8], &str); 17] = [
        (br#"{"swagger": "2.0", "info": {"title": "T", "version": "1"}, "paths": {}}"#, "a Swagger 2.0 document"),
        (br#"{"openapi": "3.1.0", "info": {"title": "T", "version": "1"}}"#, "an OpenAPI 3.1.0 document"),
        (br#"{"openapi": "2.0"}"#, "an OpenAPI 2.0 document"),
        (br#"{"asyncapi": "2.6.0"}"#, "an AsyncAPI 2.6.0 document"),
        (br#"{"info": {"_postman_id": "1"}, "item": []}"#, "a Postman collection"),
        (br#"{"log": {"entries": []}}"#, "a recording of requests (HAR)"),
        (br#"{"$schema": "x"}"#, "a JSON Schema"),
        (b"[1]", "JSON, and no object"),
        (b"{\"a\": 1}", "JSON without `openapi`, which says of which version of OpenAPI it is"),
        (b"# The API\nopenapi: 3.0.1\ninfo:\n  title: T\n", "an OpenAPI document in YAML"),
        (b"swagger: '2.0'\n", "a Swagger document in YAML"),
        (b"---\na: 1\n", "YAML"),
        (b"\n<!DOCTYPE html><html>", "an HTML page, such as one to sign in"),
        (b"<?xml version=\"1.0\"?>", "XML"),
        (b"PK\x03\x04rest", "a ZIP archive"),
        (&utf16, "text in UTF-16"),
        (&marked, "text in UTF-16"),
    ];
    for (bytes, is) in cases {
        std::fs::write(&file, bytes).unwrap();
        let told = import(&file, &folder.path().join("openapi")).unwrap_err().to_string();
        let expected = format!("{} is {is}: only OpenAPI 3.0 documents in JSON (UTF-8) can be read", file.display());
        assert_eq!(told, expected);
    }
    let vendor: &[&[u8]] = &[b"\xef\xbb\xbf", VENDOR];
    std::fs::write(&file, vendor.concat()).unwrap();
    import(&file, &folder.path().join("openapi")).unwrap();
    // The folder has the modules of one API now.
    let other = String::from_utf8(tiny::DOCUMENT.to_vec()).unwrap().replace("\"/shop/", "\"/pets/");
    std::fs::write(&file, other).unwrap();
    let told = import(&file, &folder.path().join("openapi")).unwrap_err().to_string();
    assert!(told.starts_with("the document describes another API, by its title `"), "{told}");
}

#[test]
fn a_document_of_a_million_values_is_refused_before_it_takes_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("All.json");
    std::fs::write(&file, format!("[{}0]", "0,".repeat(1_000_000))).unwrap();
    let told = import(&file, folder.path()).unwrap_err().to_string();
    assert!(told.contains(" has 1000002 values, and at most 1000000 are read"), "{told}");
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
