//! Generated text of the tiny document, to be read by eye.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod tiny;

use std::path::Path;

use connectwise_codegen::{MAX_LINES, Selection, Sources, check, generate, report};
use serde_json::{Value, json};

#[test]
fn generated_text() {
    let sources = tiny::sources(tiny::API, tiny::LAKE, tiny::DOCUMENT).unwrap();
    // With everything selected there is nothing left behind a gate.
    for (file, text) in tiny::generate(&sources).unwrap().files.into_iter().filter(|(_, text)| !text.is_empty()) {
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
    for file in ["api.toml", "lake.toml", "figures.toml", "connectwise-psa-1.0.json"] {
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
    assert_eq!((report.total, report.generated), (24, 23));
    let calls: Vec<_> = report
        .operations
        .iter()
        .map(|operation| {
            let call = operation.generated_as.as_deref().or(operation.reason.as_deref());
            format!("{} {}: {}", operation.method, operation.path, call.unwrap())
        })
        .collect();
    insta::assert_snapshot!(calls.join("\n"));
    assert_eq!(report.not_generated.values().sum::<usize>() + report.generated, report.total);
}

#[test]
fn the_checked_in_interface_is_what_would_be_generated() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi");
    let checked = check(&folder).unwrap();
    assert_eq!(checked.figures.operations, 3062);
    assert_eq!((checked.figures.records, checked.figures.enumerations, checked.figures.properties), (833, 365, 8477));
    // What a by-id read or an upload is called may change, but no operation may be lost: only two paths are cut off.
    assert_eq!(checked.figures.verbs + checked.figures.functions, 3060);
    assert_eq!(checked.figures.excluded, 2);
    let report = report(&Sources::read(&folder).unwrap()).unwrap();
    assert_eq!((report.total, report.generated), (3062, 3060));
    assert!(report.not_generated.keys().all(|reason| reason.starts_with("excluded: ")));
    // Resources as the interface is known to have them.
    let call = |path: &str, method: &str| {
        let found = report.operations.iter().find(|operation| operation.path == path && operation.method == method);
        found.and_then(|operation| operation.generated_as.clone()).unwrap()
    };
    for (method, path, expected) in [
        ("get", "/time/entries", "TimeEntry: list"),
        ("get", "/time/entries/{id}", "TimeEntry: get"),
        ("post", "/time/entries/{id}/detach", "Client::post_time_entries_detach"),
        ("get", "/finance/agreements/{parentId}/additions/count", "Addition: count"),
        ("patch", "/finance/agreements/{parentId}/additions/{id}", "Addition: patch"),
        ("get", "/service/tickets/{parentId}/timeentries", "ServiceTicketsByParentIdTimeentries: list"),
        ("put", "/sales/opportunities/{parentId}/forecast/{id}", "ForecastItem: replace"),
        ("get", "/sales/opportunities/{parentId}/forecast", "Forecast: list"),
        ("get", "/company/addressFormats/{id}/info", "AddressFormatInfo: get"),
        ("put", "/company/configurations/bulk", "Client::put_company_configurations_bulk"),
        ("delete", "/company/contacts/{id}", "Contact: delete"),
        ("post", "/service/tickets/search", "Client::post_service_tickets_search"),
        ("get", "/system/documents/{id}/download", "Client::get_system_documents_download"),
        ("post", "/system/bundles", "Client::post_system_bundles"),
        ("post", "/finance/agreements/types{id}/copy", "Client::post_finance_agreements_types_copy"),
        ("post", "/service/tickets/{parentId}/merge", "Client::post_service_tickets_merge"),
    ] {
        assert_eq!(call(path, method), expected, "{method} {path}");
    }
}

#[test]
fn a_selection_gives_no_more_than_it_needs() {
    let sources = Sources::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi")).unwrap();
    let files = generate(&sources, &Selection::lake()).unwrap().files;
    let all: String =
        files.iter().filter(|(name, _)| name.starts_with("models")).map(|(_, text)| text.as_str()).collect();
    assert!(all.contains("pub struct TimeEntry ") && !all.contains("pub struct CallbackEntry "));
    assert!(files.keys().all(|name| !name.starts_with("operations_")), "raw operations come with a module");
    // What isn't there says with which feature it comes.
    for (file, item) in [
        ("gated_models.rs", "#[cfg(feature = \"system\")]\npub struct CallbackEntry;\n"),
        ("gated_fields.rs", "#[cfg(feature = \"system\")]\npub mod callback_entry {}\n"),
        ("gated_resources.rs", "#[cfg(feature = \"service\")]\npub struct ServiceTicketsByParentIdTimeentries;\n"),
        ("operations.rs", "#[cfg(feature = \"service\")]\npub mod service {}\n"),
    ] {
        assert!(files[file].contains(item), "{item}");
    }
    let everything = generate(&sources, &Selection::full(&sources.api)).unwrap().files;
    assert!(everything.values().all(|text| !text.contains("#[cfg(")));
    let resources: String =
        files.iter().filter(|(name, _)| name.starts_with("resources")).map(|(_, text)| text.as_str()).collect();
    assert_eq!(resources.matches("impl Resource for").count(), sources.lake.entities.len());

    let files = generate(&sources, &Selection::new(false, ["time".to_owned()])).unwrap().files;
    let all: String = files.values().map(String::as_str).collect();
    assert!(all.contains("impl Resource for ChargeCode ") && !all.contains("impl Resource for Agreement "));
    assert_eq!(all.matches("pub struct MemberReference ").count(), 1);
    // With `raw` there is a call for each operation of the module, and the types that it needs.
    let raw = generate(&sources, &Selection::new(false, ["time".to_owned()]).with_raw(true)).unwrap().files;
    let calls: String =
        raw.iter().filter(|(name, _)| name.starts_with("operations_time")).map(|(_, text)| text.as_str()).collect();
    let of_time = report(&sources).unwrap().modules["time"].generated;
    assert_eq!(calls.matches("impl crate::Client {").count(), of_time);
    assert!(all.matches("impl crate::Client {").count() < of_time);
    assert!(raw.values().all(|text| text.lines().count() <= MAX_LINES && syn::parse_file(text).is_ok()));
    let error = generate(&sources, &Selection::new(true, ["tyme".to_owned()])).unwrap_err();
    assert_eq!(error.to_string(), "api.toml has no module `tyme`: name one of those under [modules]");
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
    let files = tiny::generate(&tiny::sources(tiny::API, tiny::LAKE, &text).unwrap()).unwrap().files;
    let lake = &files["lake.rs"];
    let levels: Vec<_> = lake.lines().filter(|line| line.contains("\"next\"")).map(str::trim).collect();
    assert_eq!(levels.len(), 6, "{levels:?}");
    assert_eq!(levels[0], r#"Column { name: "next", kind: Kind::Json, meaning: Meaning::Plain },"#);
    assert_eq!(levels[5], r#"Column { name: "next", kind: Kind::Struct(LEVEL_B_COLUMNS), meaning: Meaning::Plain },"#);
    // `owner/id` is personal, the other two owners are alike.
    assert_eq!(lake.matches("const OWNER_REFERENCE_COLUMNS").count(), 2);
}

/// Identifiers of a text of Rust, those in strings and comments left out.
fn identifiers(tokens: proc_macro2::TokenStream, found: &mut Vec<String>) {
    for token in tokens {
        match token {
            proc_macro2::TokenTree::Group(group) => identifiers(group.stream(), found),
            proc_macro2::TokenTree::Ident(name) => found.push(name.to_string()),
            _ => {}
        }
    }
}

/// Each text of a document that reaches generated text, with what would be code if it were written as it is.
#[test]
fn text_of_the_document_never_becomes_code() {
    const CODE: &str = "x\n\r\u{2028}*/ `\"#]}} owned!(); /*";
    let quoted = serde_json::to_string(CODE).unwrap();
    let inner = &quoted[1..quoted.len() - 1];
    let mutations = [
        // A property, a value of an enumeration, a schema, a parameter, a required list, a media type, an id and a tag.
        tiny::with("\"unitCost\": {", &format!("\"{inner}\": {{\"type\": \"string\"}}, \"unitCost\": {{")),
        tiny::with("[\"2Weeks\", ", &format!("[{quoted}, \"2Weeks\", ")),
        tiny::with(
            "\"schemas\": {",
            &format!(
                "\"schemas\": {{\"{inner}\": {{\"type\": \"object\", \"properties\": {{\"a\": {{\"type\": \"string\"}}}}}},"
            ),
        ),
        tiny::with(
            "{\"name\": \"parentId\", \"in\": \"path\"",
            &format!(
                "{{\"name\": {quoted}, \"in\": \"query\", \"schema\": {{\"type\": \"string\", \"enum\": [{quoted}]}}}}, {{\"name\": \"parentId\", \"in\": \"path\""
            ),
        ),
        tiny::with("\"application/json\"", &quoted),
        tiny::with("\"operationId\": \"getShopWidgets\"", &format!("\"operationId\": {quoted}")),
        tiny::with("\"title\": \"", &format!("\"title\": \"{inner}")),
        tiny::with(
            "\"/shop/widgets\": {",
            &format!(
                "\"/shop/owned!();`*/\\\"#/{inner}\": {{\"get\": {{\"operationId\": \"x\", \"responses\": {{\"204\": {{\"description\": \"x\"}}}}}}}}, \"/shop/widgets\": {{"
            ),
        ),
        tiny::with(
            "\"/shop/widgets\": {",
            "\"/shop/owned!();`*/\\\"#[x]/\": {\"get\": {\"operationId\": \"x\", \"responses\": {\"204\": {\"description\": \"x\"}}}}, \"/shop/widgets\": {",
        ),
    ];
    let mut refused = Vec::new();
    for (number, document) in mutations.iter().enumerate() {
        let generated =
            match tiny::sources(tiny::API, tiny::LAKE, document).and_then(|sources| tiny::generate(&sources)) {
                Ok(generated) => generated,
                Err(error) => {
                    assert!(!error.to_string().contains('\n'), "{error}");
                    refused.push((number, error.pointer().unwrap().to_owned()));
                    continue;
                }
            };
        let mut found = Vec::new();
        for (file, text) in &generated.files {
            let tokens = text.parse().unwrap_or_else(|error| panic!("{number}, {file}: {error}"));
            identifiers(tokens, &mut found);
        }
        assert!(found.iter().any(|name| name == "WidgetCycle"), "{number}");
        assert!(found.iter().all(|name| name != "owned"), "{number}");
    }
    // No address can have a line break.
    assert_eq!(refused.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [7], "{refused:?}");
}
