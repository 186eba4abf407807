//! Each fixup bites on a document that has its fault, and complains about one that hasn't.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod tiny;

use connectwise_codegen::fixups::FIXUPS;
use connectwise_codegen::{Document, check, facts, import};

fn apply(name: &str) -> Document {
    let fixup = FIXUPS.iter().find(|fixup| fixup.name == name).unwrap();
    fixup.apply_alone(&tiny::document()).unwrap()
}

/// Lines that a fixup changed, as the facts form writes them.
fn changes(name: &str) -> String {
    let before = String::from_utf8(tiny::DOCUMENT.to_vec()).unwrap();
    let after = facts(&apply(name));
    let count = |text: &str, line: &str| text.lines().filter(|other| *other == line).count();
    let mut changed: Vec<String> = Vec::new();
    for (sign, text, other) in [('-', &before, &after), ('+', &after, &before)] {
        for line in text.lines().filter(|line| count(text, line) > count(other, line)) {
            let line = format!("{sign} {}", line.trim());
            if !changed.contains(&line) {
                changed.push(line);
            }
        }
    }
    changed.join("\n")
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
fn a_dead_fixup_stops_the_check_of_the_pinned_document_and_no_other_version() {
    let without = tiny::with(r#""required": ["Serial"]"#, r#""required": ["serial"]"#);
    let told = "fixup required-in-other-case no longer bites: the document has nothing left that it repairs, remove it";
    let generated = tiny::generate(&tiny::sources(tiny::API, tiny::LAKE, &without).unwrap()).unwrap();
    assert_eq!(generated.left_over.iter().map(ToString::to_string).collect::<Vec<_>>(), [told]);

    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("download.json");
    for (file, text) in [("api.toml", tiny::API.as_bytes()), ("lake.toml", tiny::LAKE.as_bytes())] {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    std::fs::write(&document, without).unwrap();
    import(&document, folder.path()).unwrap();
    let error = check(folder.path()).unwrap_err();
    assert!(error.is_stale());
    assert_eq!((error.to_string().as_str(), error.dead_fixup()), (told, Some("required-in-other-case")));
}

#[test]
fn vendor_media_type() {
    let after = facts(&apply("vendor-media-type"));
    assert!(!after.contains("vnd.connectwise.com"));
    let before = String::from_utf8(tiny::DOCUMENT.to_vec()).unwrap();
    assert_eq!(after.matches("application/json").count(), before.matches("application/").count());
}

#[test]
fn object_in_path() {
    insta::assert_snapshot!(changes("object-in-path"), @r##"
    - "parameters": [{"name": "request", "in": "path", "required": true, "schema": {"$ref": "#/components/schemas/Blob"}}, {"$ref": "#/components/parameters/clientId"}],
    + "parameters": [{"$ref": "#/components/parameters/clientId"}],
    + "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Blob"}}}},
    "##);
}

#[test]
fn parameter_without_segment() {
    insta::assert_snapshot!(changes("parameter-without-segment"), @r##"
    - "/shop/types{id}/copy": {
    + "/shop/types/{id}/copy": {
    "##);
}

#[test]
fn parameter_twice() {
    insta::assert_snapshot!(changes("parameter-twice"), @r##"
    - "/shop/widgets/{parentId}/parts/{id}{id}": {
    + "/shop/widgets/{parentId}/parts/{id}": {
    "##);
}

#[test]
fn path_parameter_not_in_template() {
    insta::assert_snapshot!(changes("path-parameter-not-in-template"), @r##"
    - "parameters": [{"name": "request", "in": "path", "required": true, "schema": {"$ref": "#/components/schemas/Blob"}}, {"$ref": "#/components/parameters/clientId"}],
    - "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer", "format": "int32"}}, {"name": "transferId", "in": "path", "required": true, "schema": {"type": "integer", "format": "int32"}}, {"$ref": "#/components/parameters/clientId"}],
    + "parameters": [{"name": "request", "in": "query", "schema": {"$ref": "#/components/schemas/Blob"}}, {"$ref": "#/components/parameters/clientId"}],
    + "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer", "format": "int32"}}, {"name": "transferId", "in": "query", "schema": {"type": "integer", "format": "int32"}}, {"$ref": "#/components/parameters/clientId"}],
    "##);
}

#[test]
fn object_in_query() {
    insta::assert_snapshot!(changes("object-in-query"), @r##"
    - "parameters": [{"name": "owner", "in": "query", "schema": {"$ref": "#/components/schemas/OwnerReference"}}, {"$ref": "#/components/parameters/clientId"}],
    + "parameters": [{"name": "owner", "in": "query", "schema": {"type": "string"}}, {"$ref": "#/components/parameters/clientId"}],
    "##);
}

#[test]
fn list_parameters_on_one_record() {
    insta::assert_snapshot!(changes("list-parameters-on-one-record"), @r##"
    - "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer", "format": "int32"}}, {"$ref": "#/components/parameters/page"}, {"$ref": "#/components/parameters/clientId"}],
    + "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer", "format": "int32"}}, {"$ref": "#/components/parameters/clientId"}],
    "##);
}

#[test]
fn default_answer() {
    insta::assert_snapshot!(changes("default-answer"), @r##"
    - "responses": {"default": {"description": "Default"}}
    + "responses": {"200": {"description": "OK"}}
    "##);
}

#[test]
fn body_of_no_content() {
    insta::assert_snapshot!(changes("body-of-no-content"), @r##"
    - "responses": {"204": {"description": "No Content", "content": {"application/vnd.connectwise.com+json; version=1.0": {"schema": {"$ref": "#/components/schemas/Blob"}}}}}
    + "responses": {"204": {"description": "No Content"}}
    "##);
}

#[test]
fn download_without_content() {
    insta::assert_snapshot!(changes("download-without-content"), @r##"
    - "responses": {"200": {"description": "OK"}}
    + "responses": {"200": {"description": "OK", "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}
    "##);
}

#[test]
fn count_answer() {
    insta::assert_snapshot!(changes("count-answer"), @r##"
    - "responses": {"200": {"description": "OK", "content": {"application/vnd.connectwise.com+json; version=1.0": {"schema": {"$ref": "#/components/schemas/Part"}}}}}
    + "responses": {"200": {"description": "OK", "content": {"application/vnd.connectwise.com+json; version=1.0": {"schema": {"$ref": "#/components/schemas/Count"}}}}}
    "##);
}

#[test]
fn bulk_answer() {
    insta::assert_snapshot!(changes("bulk-answer"), @r##"
    - "responses": {"207": {"description": "Multi-Status", "content": {"application/vnd.connectwise.com+json; version=1.0": {"schema": {"$ref": "#/components/schemas/Widget"}}}}}
    + "responses": {"207": {"description": "Multi-Status", "content": {"application/vnd.connectwise.com+json; version=1.0": {"schema": {"$ref": "#/components/schemas/BulkResult"}}}}}
    "##);
}

#[test]
fn bulk_delete_without_body() {
    insta::assert_snapshot!(changes("bulk-delete-without-body"), @r##"+ "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/IdCollection"}}}},"##);
}

/// The facts form has no place for what it leaves behind: what is generated tells.
#[test]
fn record_by_id_as_array() {
    apply("record-by-id-as-array");
    let sources = tiny::sources(tiny::API, tiny::LAKE, tiny::DOCUMENT).unwrap();
    let operations = tiny::generate(&sources).unwrap().files.remove("operations_shop_1.rs").unwrap();
    let answers = |records: &str| operations.contains(&format!("ResponseValue<{records}>"));
    assert!(answers("crate::operation::OneOrMany<crate::models::WidgetInfo>"), "{operations}");
    assert!(answers("::std::vec::Vec<crate::models::Widget>"), "a list stays one: {operations}");
}

/// As above: the two spellings are one resource, and each operation is called by its own.
#[test]
fn collection_in_two_spellings() {
    apply("collection-in-two-spellings");
    let sources = tiny::sources(tiny::API, tiny::LAKE, tiny::DOCUMENT).unwrap();
    let resources = tiny::generate(&sources).unwrap().files.remove("resources_shop_1.rs").unwrap();
    for line in [
        r#"const PATH: &'static str = "/shop/archive/parts";"#,
        r#"const COUNT_PATH: &'static str = "/shop/Archive/parts/count";"#,
        r#"const PATH: &'static str = "/shop/widgets/{parentId}/parts";"#,
        r#"const CREATE_PATH: Option<&'static str> = Some("/shop/widgets/{parentId}/parts/");"#,
    ] {
        assert!(resources.contains(line), "{line}: {resources}");
    }
}

#[test]
fn framework_type_as_answer() {
    insta::assert_snapshot!(changes("framework-type-as-answer"), @r##"
    - "responses": {"200": {"description": "OK", "content": {"application/vnd.connectwise.com+json; version=1.0": {"schema": {"$ref": "#/components/schemas/HttpResponseMessage"}}}}}
    + "responses": {"200": {"description": "OK", "content": {"application/vnd.connectwise.com+json; version=1.0": {"schema": {}}}}}
    "##);
}

#[test]
fn patch_without_body() {
    insta::assert_snapshot!(changes("patch-without-body"), @r##"
    + "requestBody": {"required": true, "content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/PatchOperation"}}}}},
    "##);
}

#[test]
fn required_in_other_case() {
    insta::assert_snapshot!(changes("required-in-other-case"), @r##"
    - "required": ["Serial"],
    + "required": ["serial"],
    "##);
}

#[test]
fn scalar_declared_as_object() {
    insta::assert_snapshot!(changes("scalar-declared-as-object"), @r##"
    - "value": {"type": "object"}
    + "value": {}
    "##);
}

#[test]
fn limits_on_reading() {
    insta::assert_snapshot!(changes("limits-on-reading"), @r##"
    - "rank": {"type": "integer", "format": "int32", "nullable": true, "minimum": 1, "maximum": 500},
    - "name": {"type": "string", "maxLength": 50},
    + "rank": {"type": "integer", "format": "int32", "nullable": true},
    + "name": {"type": "string"},
    "##);
}

#[test]
fn required_on_reading() {
    insta::assert_snapshot!(changes("required-on-reading"), @r##"
    - "required": ["Serial"],
    - "required": ["name"],
    "##);
}

#[test]
fn open_enums() {
    insta::assert_snapshot!(changes("open-enums"), @r##"
    - "cycle": {"type": "string", "nullable": true, "enum": ["2Weeks", "CalendarMonth", "Unknown"]},
    + "cycle": {"$ref": "#/components/schemas/WidgetCycle"},
    + "WidgetCycle": {"type": "string", "nullable": true, "enum": ["2Weeks", "CalendarMonth", "Unknown"]},
    "##);
}

#[test]
fn an_exclusion_that_matches_nothing_is_told() {
    let api = format!("{}\n[[exclude]]\npath = \"/shop/cat\"\nreason = \"it is no shop\"\n", tiny::API);
    assert_eq!(
        tiny::complaint(&api, tiny::LAKE, tiny::DOCUMENT),
        "left over: api.toml excludes the path /shop/cat, which the document does not have: remove the exclusion"
    );
}

#[test]
fn a_cut_off_template_that_is_not_excluded_is_an_error() {
    let api = tiny::API.split("[[exclude]]").next().unwrap();
    let error = tiny::generate(&tiny::sources(api, tiny::LAKE, tiny::DOCUMENT).unwrap()).unwrap_err();
    assert_eq!(error.operation(), Some("getShopCut"));
    assert_eq!(
        error.to_string(),
        "the path /shop/cut/{id:regex(^( (getShopCut) is not a template that can be filled: leave it out in api.toml, with the reason"
    );
}
