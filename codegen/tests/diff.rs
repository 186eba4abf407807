//! What a new version changes: every kind of change, on a small pair of documents.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod tiny;

use std::path::Path;

use connectwise_codegen::{Api, Diff, Document, Lake, Severity, diff, unreadable};
use serde_json::{Value, json};

fn tiny_diff(old: &Value, new: &Value) -> Diff {
    let api = Api::parse(Path::new("api.toml"), tiny::API).unwrap();
    let lake = Lake::parse(Path::new("lake.toml"), tiny::LAKE).unwrap();
    let read = |document: &Value| Document::parse("tiny", &serde_json::to_vec(document).unwrap()).unwrap();
    diff(&api, &lake, &read(old), &read(new)).unwrap()
}

fn tiny_document() -> Value {
    serde_json::from_slice(tiny::DOCUMENT).unwrap()
}

/// The tiny document, some places of it set or, with null, removed.
fn with(changes: &[(&str, Value)]) -> Value {
    let mut document = tiny_document();
    document["info"]["version"] = json!("2.0");
    for (pointer, value) in changes {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let key = key.replace("~1", "/");
        let parent = document.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}")).as_object_mut().unwrap();
        if value.is_null() {
            parent.remove(&key).unwrap_or_else(|| panic!("no {pointer}"));
        } else {
            parent.insert(key, value.clone());
        }
    }
    document
}

/// One of each: an operation gone, renamed, taking or answering with something else; a schema, a property and a value gone; a
/// type changed; demands raised, on what was there and by what is new; an entity's window gone; faults of the document mended,
/// an exclusion without its path, and a path without module.
fn broken() -> Value {
    let widget = "/components/schemas/Widget";
    let part = "/components/schemas/Part/properties";
    let properties = format!("{widget}/properties");
    with(&[
        ("/paths/~1shop~1widgets~1{id}/delete", Value::Null),
        ("/paths/~1shop~1widgets~1{name}~1log/get/operationId", json!("getShopWidgetsByNameDiary")),
        (
            "/paths/~1shop~1widgets~1search/post/requestBody/content/application~1json/schema",
            json!({"$ref": "#/components/schemas/Part"}),
        ),
        ("/paths/~1shop~1archive~1parts", Value::Null),
        ("/paths/~1shop~1cut~1{id:regex(^(", Value::Null),
        ("/paths/~1shop~1notes~1{id}", Value::Null),
        ("/paths/~1shop~1widgets~1info", Value::Null),
        ("/paths/~1shop~1widgets~1{id}~1info", Value::Null),
        ("/components/schemas/WidgetInfo", Value::Null),
        ("/components/schemas/OwnerReference/required", json!(["region"])),
        ("/components/schemas/OwnerReference/properties/region", json!({"type": "string"})),
        (
            "/paths/~1market~1stalls",
            json!({"get": {"operationId": "getMarketStalls", "responses": {"204": {"description": "No Content"}}}}),
        ),
        ("/components/schemas/Part/required", Value::Null),
        (
            "/components/schemas/Shelf",
            json!({"type": "object", "required": ["room"], "properties": {"room": {"type": "string"}}}),
        ),
        (&format!("{widget}/required"), json!(["name", "type"])),
        (&format!("{properties}/boughtOn"), Value::Null),
        (&format!("{properties}/serialNumber"), json!({"type": "string"})),
        (&format!("{properties}/soldAt"), json!({"type": "string", "format": "date-time", "nullable": true})),
        (&format!("{properties}/colour"), json!({"type": "string"})),
        (&format!("{properties}/listPrice"), json!({"type": "number"})),
        (&format!("{properties}/cycle/enum"), json!(["2Weeks", "Unknown", "Yearly"])),
        (&format!("{properties}/name/maxLength"), json!(20)),
        (&format!("{part}/rank/maximum"), json!(400)),
        (&format!("{part}/initial"), json!({"type": "string"})),
        ("/components/schemas/OwnerReference/properties/dailyCapacity", json!({"type": "integer", "format": "int32"})),
    ])
}

#[test]
fn every_kind_of_change_is_told_with_what_it_does() {
    let diff = tiny_diff(&tiny_document(), &broken());
    insta::assert_snapshot!(diff.to_string());
    assert_eq!((diff.old.as_str(), diff.new.as_str()), ("1.0", "2.0"));
    assert_eq!(diff.breaking + diff.tolerant + diff.additive, diff.changes.len());
    assert!(diff.changes.is_sorted_by_key(|change| change.severity));
}

#[test]
fn a_key_that_is_gone_says_what_it_does_to_its_table() {
    let diff = tiny_diff(&tiny_document(), &with(&[("/components/schemas/Widget/properties/id", Value::Null)]));
    let told = diff.to_string();
    for line in [
        "- `generation` stops: lake.toml: the entity Widget lists /shop/widgets, which lists a schema without the key property",
        "- `Widget.id` is gone",
        "  - SDK: field `Widget::id` is gone; a value that still comes is kept in `extra`",
        "  - tables: column `widget.id` is no longer filled",
        "  - lake.toml: remove `widget.id` from key of Widget",
    ] {
        assert!(told.lines().any(|found| found == line), "{line}: {told}");
    }
    assert!(diff.breaking >= 2);
}

#[test]
fn what_only_adds_breaks_nothing_and_the_way_back_does() {
    let new = with(&[
        ("/components/schemas/Widget/properties/listPrice", json!({"type": "number"})),
        ("/components/schemas/Shelf", json!({"type": "object", "properties": {"room": {"type": "string"}}})),
        (
            "/paths/~1shop~1shelves",
            json!({"get": {"operationId": "getShopShelves", "responses": {"204": {"description": "No Content"}}}}),
        ),
    ]);
    let up = tiny_diff(&tiny_document(), &new);
    assert_eq!((up.breaking, up.tolerant, up.additive), (0, 0, 3), "{up}");
    let down = tiny_diff(&new, &tiny_document());
    assert_eq!((down.breaking, down.tolerant, down.additive), (3, 0, 0), "{down}");
    let same = tiny_diff(&new, &new);
    assert!(same.changes.is_empty(), "{same}");
}

#[test]
fn the_tiny_pair_agrees_with_the_generator_about_what_stops_it() {
    let text = serde_json::to_vec(&broken()).unwrap();
    let sources = tiny::sources(tiny::API, tiny::LAKE, &text).unwrap();
    let error = tiny::generate(&sources).unwrap_err().to_string();
    let diff = tiny_diff(&tiny_document(), &broken());
    let told =
        |change: &connectwise_codegen::Change| change.severity == Severity::Breaking && change.what.contains(&error);
    assert!(diff.changes.iter().any(told), "{error}");
}

/// A document whose faults are of every kind that stops the generator, and can be read.
#[test]
fn everything_that_stops_the_generator_is_told_at_once_and_first() {
    let properties = "/components/schemas/Widget/properties";
    let new = with(&[
        ("/components/schemas/widget", json!({"type": "object", "properties": {"id": {"type": "integer"}}})),
        ("/components/schemas/Loose", json!({"type": "string"})),
        (&format!("{properties}/unit_cost"), json!({"type": "string"})),
        (&format!("{properties}/extra"), json!({"type": "string"})),
        ("/components/schemas/Part/properties/Initial", json!({"type": "string"})),
        (&format!("{properties}/cycle/enum"), json!(["2Weeks", "2 weeks", "CalendarMonth", "Calendar month"])),
        (&format!("{properties}/owner"), json!({"type": "integer"})),
        (
            "/paths/~1shop~1widgets~1{id}~1{rest",
            json!({"get": {"operationId": "cut", "responses": {"204": {"description": "x"}}}}),
        ),
        ("/paths/~1shop~1widgets/head", json!({"operationId": "head", "responses": {"204": {"description": "x"}}})),
        (
            "/paths/~1market~1stalls",
            json!({"get": {"operationId": "stalls", "responses": {"204": {"description": "x"}}}}),
        ),
        (
            "/paths/~1market~1shops",
            json!({"get": {"operationId": "shops", "responses": {"204": {"description": "x"}}}}),
        ),
    ]);
    let lake =
        tiny::LAKE.replace("load = \"incremental\"", "load = \"incremental\"\ndecimals = [\"owner/id\", \"boughtOn\"]");
    let api = Api::parse(Path::new("api.toml"), tiny::API).unwrap();
    let lake = Lake::parse(Path::new("lake.toml"), &lake).unwrap();
    let read = |document: &Value| Document::parse("tiny", &serde_json::to_vec(document).unwrap()).unwrap();
    let told = diff(&api, &lake, &read(&tiny_document()), &read(&new)).unwrap();
    let first: Vec<&str> = told
        .changes
        .iter()
        .take_while(|change| change.subject == "generation")
        .map(|change| change.what.as_str())
        .collect();
    assert_eq!(first.len(), told.changes.iter().filter(|change| change.subject == "generation").count());
    insta::assert_snapshot!(first.join("\n"));
}

#[test]
fn what_cant_be_read_at_all_is_told_at_once_too() {
    let new = with(&[
        ("/paths/~1shop~1widgets/get/operationId", json!(7)),
        ("/components/schemas/Widget/properties/owner", json!({"$ref": "#/components/schemas/Gone"})),
        ("/components/schemas/Part/properties/rank/type", json!("whole")),
        ("/paths/~1shop~1a\n\u{7}b", json!({})),
    ]);
    let error = Document::parse("new.json", &serde_json::to_vec(&new).unwrap()).unwrap_err();
    let told = unreadable(&Document::parse("tiny", tiny::DOCUMENT).unwrap(), "new.json", &error);
    insta::assert_snapshot!(told.to_string(), @r"
    # 1.0 -> new.json

    4 breaking, 0 tolerant, 0 additive

    ## Breaking: code, columns or generation

    - `generation` stops: expected a path without line breaks and other control characters at /paths/~1shop~1a\n\u{7}b
    - `generation` stops: expected a reference to a schema of the document at /components/schemas/Widget/properties/owner
    - `generation` stops: expected a text at /paths/~1shop~1widgets/get/operationId
    - `generation` stops: expected one of the types integer, number, boolean, string, array and object at /components/schemas/Part/properties/rank
    ");
    assert_eq!((told.breaking, told.changes.len()), (4, 4));
    // Faults that only openapiv3 sees.
    let new = with(&[
        ("/components/schemas/Part/properties/rank/maxLength", json!("x")),
        ("/components/schemas/Widget/properties/name/maxLength", json!(-1)),
        ("/paths/~1shop~1widgets/get/responses/200/description", Value::Null),
    ]);
    let error = Document::parse("new.json", &serde_json::to_vec(&new).unwrap()).unwrap_err();
    assert_eq!(error.others().len(), 2, "{error}: {:?}", error.others());
}
