//! Each fixup bites on a document that has its fault, and complains about one that hasn't.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod tiny;

use connectwise_codegen::fixups::{FIXUPS, repair};
use connectwise_codegen::{Api, Document, facts};
use std::path::Path;

fn apply(name: &str) -> Document {
    let fixup = FIXUPS.iter().find(|fixup| fixup.name == name).unwrap();
    fixup.apply_alone(&tiny::document()).unwrap()
}

/// Lines that a fixup changed, as the facts form writes them.
fn changes(name: &str) -> String {
    let before = String::from_utf8(tiny::DOCUMENT.to_vec()).unwrap();
    let after = facts(&apply(name)).unwrap();
    let (before, after): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let gone = before.iter().filter(|line| !after.contains(line)).map(|line| format!("- {}", line.trim()));
    let new = after.iter().filter(|line| !before.contains(line)).map(|line| format!("+ {}", line.trim()));
    gone.chain(new).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_fixup_bites_once_and_only_once() {
    for fixup in &FIXUPS {
        let repaired = fixup.apply_alone(&tiny::document()).unwrap();
        let error = fixup.apply_alone(&repaired).unwrap_err();
        assert_eq!(error.dead_fixup(), Some(fixup.name));
        let expected =
            format!("fixup {} no longer bites: the document has nothing left that it repairs, remove it", fixup.name);
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_dead_fixup_stops_the_generator() {
    let without = tiny::with(r#", "maxLength": 50"#, "");
    let complaint = tiny::complaint(tiny::API, tiny::LAKE, &without);
    assert_eq!(
        complaint,
        "fixup limits-on-reading no longer bites: the document has nothing left that it repairs, remove it"
    );
}

#[test]
fn path_parameter_not_in_template() {
    let after = changes("path-parameter-not-in-template");
    assert!(after.contains(r#"+ "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer", "format": "int32"}}, {"name": "transferId", "in": "query", "schema": {"type": "integer", "format": "int32"}}"#), "{after}");
}

#[test]
fn vendor_media_type() {
    let after = facts(&apply("vendor-media-type")).unwrap();
    assert!(!after.contains("vnd.connectwise.com"));
    assert_eq!(after.matches("application/json").count(), 5);
}

#[test]
fn scalar_declared_as_object() {
    insta::assert_snapshot!(changes("scalar-declared-as-object"), @r#"
    - "value": {"type": "object"}
    + "value": {}
    "#);
}

#[test]
fn limits_on_reading() {
    insta::assert_snapshot!(changes("limits-on-reading"), @r#"
    - "name": {"type": "string", "maxLength": 50},
    + "name": {"type": "string"},
    "#);
}

#[test]
fn required_on_reading() {
    insta::assert_snapshot!(changes("required-on-reading"), @r#"- "required": ["name"],"#);
}

#[test]
fn open_enums() {
    insta::assert_snapshot!(changes("open-enums"), @r##"
    - "cycle": {"type": "string", "nullable": true, "enum": ["2Weeks", "CalendarMonth", "Unknown"]},
    + "cycle": {"$ref": "#/components/schemas/WidgetCycle"},
    + "WidgetCycle": {"type": "string", "nullable": true, "enum": ["2Weeks", "CalendarMonth", "Unknown"]}
    "##);
}

#[test]
fn an_exclusion_that_matches_nothing_is_an_error() {
    let api = Api::parse(Path::new("api.toml"), &tiny::API.replace("/shop/cut", "/shop/cat")).unwrap();
    let error = repair(&tiny::document(), &api.exclusions).unwrap_err();
    assert_eq!(
        error.to_string(),
        "api.toml excludes the path /shop/cat/{id:regex(^(, which the document does not have: remove the exclusion"
    );
}

#[test]
fn a_cut_off_template_that_is_not_excluded_is_an_error() {
    let error = repair(&tiny::document(), &[]).unwrap_err();
    assert_eq!(error.operation(), Some("getShopCut"));
    assert_eq!(
        error.to_string(),
        "the path /shop/cut/{id:regex(^( (getShopCut) is not a template that can be filled: leave it out in api.toml, with the reason"
    );
}
