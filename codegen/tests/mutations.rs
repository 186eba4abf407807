//! No document makes the generator panic: mutated ones are generated from, compared and written in the facts form, or
//! refused with a complaint that says where.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod tiny;

use std::path::Path;

use connectwise_codegen::{Api, Document, Error, Lake, diff, facts};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::{Value, json};

/// Pointers of all nodes below the root.
fn pointers(value: &Value, pointer: &str, all: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(object) => {
            object.iter().map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        Value::Array(array) => array.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        let pointer = format!("{pointer}/{key}");
        all.push(pointer.clone());
        pointers(child, &pointer, all);
    }
}

fn mutate(document: &mut Value, node: usize, kind: u8, other: usize) {
    let mut all = Vec::new();
    pointers(document, "", &mut all);
    let pointer = all[node % all.len()].clone();
    let copy = document.pointer(&all[other % all.len()]).cloned().unwrap_or(Value::Null);
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    if kind == 0 {
        match document.pointer_mut(parent).unwrap() {
            Value::Object(object) => drop(object.remove(&key)),
            Value::Array(array) => drop(array.remove(key.parse().unwrap())),
            _ => unreachable!("only objects and arrays have children"),
        }
        return;
    }
    if kind == 1 {
        if let Some(object) = document.pointer_mut(parent).unwrap().as_object_mut() {
            let value = object.remove(&key).unwrap();
            let names = [
                "",
                "1",
                "fn",
                "größe",
                "a/b~c",
                "type",
                "self",
                "Extra",
                "#/components/schemas/Widget",
                "{",
                "\u{0}\"\\",
            ];
            object.insert(names[other % names.len()].to_owned(), value);
        }
        return;
    }
    *document.pointer_mut(&pointer).unwrap() = match kind {
        2 => Value::Null,
        3 => json!(-1.5),
        4 => json!([]),
        5 => json!({}),
        6 => json!("\u{0}{}/~\"*/"),
        7 => json!("#/components/schemas/Widget"),
        8 => json!([{"$ref": "#/components/schemas/Widget"}]),
        9 => json!(true),
        _ => copy,
    };
}

/// A complaint is one line and says where: at a place that the document has, or that lacks in one that it has, and in which
/// operation if it is within one. What has no place is about the configuration, or about a fixup that has nothing to repair.
fn check_complaint(error: &Error, document: &Value) -> Result<(), TestCaseError> {
    let text = error.to_string();
    prop_assert!(!text.contains('\n'), "{}", text);
    let Some(pointer) = error.pointer() else {
        let known =
            error.dead_fixup().is_some() || ["lake.toml: ", "api.toml "].iter().any(|file| text.starts_with(file));
        prop_assert!(known, "no place: {}", text);
        return Ok(());
    };
    let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
    prop_assert!(document.pointer(parent).is_some(), "no such place: {}", text);
    let steps: Vec<&str> = pointer.split('/').collect();
    if let ["", "paths", path, method, ..] = steps[..]
        && let Some(Value::String(id)) = document.pointer(&format!("/paths/{path}/{method}/operationId"))
        && steps.last() != Some(&"operationId")
    {
        prop_assert_eq!(error.operation(), Some(id.as_str()), "{}", text);
    }
    Ok(())
}

/// What is done with a document, whatever it is.
fn check_document(document: &Value, api: &str, lake: &str, old: &Document) -> Result<(), TestCaseError> {
    let text = serde_json::to_vec(document).unwrap();
    let new = match Document::parse("mutated", &text) {
        Ok(new) => new,
        Err(error) => return check_complaint(&error, document),
    };
    let imported = facts(&new);
    let again = Document::parse("imported", imported.as_bytes()).unwrap();
    prop_assert_eq!(facts(&again), imported);
    let (api_read, lake_read) =
        (Api::parse(Path::new("api.toml"), api).unwrap(), Lake::parse(Path::new("lake.toml"), lake).unwrap());
    match diff(&api_read, &lake_read, old, &new) {
        Ok(diff) => prop_assert_eq!(diff.changes.len(), diff.breaking + diff.tolerant + diff.additive),
        Err(error) => check_complaint(&error, document)?,
    }
    match tiny::sources(api, lake, &text).and_then(|sources| tiny::generate(&sources)) {
        Err(error) => check_complaint(&error, document)?,
        Ok(generated) => {
            for (file, text) in generated.files {
                prop_assert!(syn::parse_file(&text).is_ok(), "{}: {}", file, text);
            }
        }
    }
    Ok(())
}

/// Places to change, how, and what else of the document to put there.
fn changes(most: usize) -> impl Strategy<Value = Vec<(usize, u8, usize)>> {
    prop::collection::vec((any::<usize>(), 0_u8..12, any::<usize>()), 1..=most)
}

/// The fixups refer to some schemas: a complaint about one that lacks can't be at a place that a fixup made.
#[test]
fn a_schema_that_lacks_is_complained_of_at_a_place_of_the_document() {
    let whole: Value = serde_json::from_slice(tiny::DOCUMENT).unwrap();
    for name in whole["components"]["schemas"].as_object().unwrap().keys() {
        let mut document = whole.clone();
        document["components"]["schemas"].as_object_mut().unwrap().remove(name);
        check_document(&document, tiny::API, tiny::LAKE, &tiny::document()).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn mutated_documents_never_panic(changes in changes(4)) {
        let mut document: Value = serde_json::from_slice(tiny::DOCUMENT).unwrap();
        for (node, kind, other) in changes {
            mutate(&mut document, node, kind, other);
        }
        check_document(&document, tiny::API, tiny::LAKE, &tiny::document())?;
    }

    #[test]
    fn text_that_is_no_document_never_panics(
        text in any::<Vec<u8>>(),
        // Without the space behind it the document would still be whole.
        cut in 0..tiny::DOCUMENT.trim_ascii_end().len(),
    ) {
        let beginning = &tiny::DOCUMENT[..cut];
        for text in [&text, beginning, &[beginning, &text].concat()] {
            let error = Document::parse("text", text).unwrap_err();
            let told = error.to_string();
            prop_assert!(error.pointer().is_some() || told.starts_with("text is not JSON: "), "{}", told);
        }
    }
}

/// The whole interface, mutated as the runner says.
fn mutate_the_interface(mut runner: TestRunner, most: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi");
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    let (api, lake) = (read("api.toml"), read("lake.toml"));
    let file = Api::parse(Path::new("api.toml"), &api).unwrap().document_file();
    let text = read(&file);
    let whole: Value = serde_json::from_str(&text).unwrap();
    let old = Document::parse("whole", text.as_bytes()).unwrap();
    let tried = runner.run(&changes(most), |changes| {
        let mut document = whole.clone();
        for (node, kind, other) in changes {
            mutate(&mut document, node, kind, other);
        }
        check_document(&document, &api, &lake, &old)
    });
    tried.unwrap();
}

/// The same few mutations in every run: the whole interface takes seconds a case.
#[test]
fn the_interface_with_one_mutation_never_panics() {
    let config =
        ProptestConfig { cases: 6, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() };
    mutate_the_interface(TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32])), 1);
}

/// `PROPTEST_CASES=500 cargo test --release -p connectwise-codegen --test mutations -- --ignored`.
#[test]
#[ignore = "takes minutes, and other mutations in every run"]
fn the_interface_with_some_mutations_never_panics() {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    mutate_the_interface(TestRunner::new(config), 4);
}
