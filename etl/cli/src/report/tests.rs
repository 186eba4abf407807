//! The page of a small lakehouse with hostile names.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use connectwise_pipeline::ledger::drift::{Drift, Known, Unseen};
use connectwise_pipeline::ledger::{RunStatus, Status, TableStatus};
use connectwise_pipeline::telemetry::DriftKind;

use super::gold::{Aged, Company, Coverage, Gold, Member, Month};
use super::operations::{Operations, Quarantined, RunRows, Test};
use super::page::render;

/// A name that would run, break out of an attribute or end the picture.
const HOSTILE: &str = "<script src=\"//x\">alert('1')</script></svg>\" onload='x' & Þór";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).unwrap()
}

fn operations(name: &str) -> Operations {
    let then = now() - TimeDelta::hours(5);
    let table = |layer: &str, table_name: &str, error: Option<&str>| TableStatus {
        layer: layer.to_owned(),
        table_name: table_name.to_owned(),
        outcome: if error.is_some() { "incomplete" } else { "written" }.to_owned(),
        error: error.map(str::to_owned),
        last_run: then,
        last_good_run: Some("r1".to_owned()),
        last_good: error.is_none().then_some(then),
        age_seconds: error.is_none().then_some(18_000),
        watermark: (layer == "bronze").then_some(then),
        last_reconcile: (layer == "bronze").then_some(then),
        reconcile_outcome: (layer == "bronze").then(|| "failed".to_owned()),
        reconcile_error: (layer == "bronze").then(|| name.to_owned()),
        rows: Some(1_234),
        quarantine_open: 0,
    };
    let run = RunStatus {
        run_id: "r1".to_owned(),
        started: then,
        ended: Some(now()),
        mode: "full".to_owned(),
        layers: "bronze,silver".to_owned(),
        outcome: "partly".to_owned(),
        requests: Some(120),
        retries: Some(20),
        bytes: Some(2_500_000),
        seconds: Some(12.5),
        steps: Some(2),
        steps_failed: Some(1),
        steps_incomplete: Some(1),
        api_version: "2025.8".to_owned(),
        asked_version: Some("2025.1".to_owned()),
        server_version: None,
    };
    let row = RunRows { started: then, inserted: 30.0, updated: 10.0, deleted: 0.0, rescued: 3.0, quarantined: 1.0 };
    let test = |passed: bool| Test {
        table_name: "fact_timeentry".to_owned(),
        test: "every company is known".to_owned(),
        severity: "warn".to_owned(),
        passed,
        found: (!passed).then(|| name.to_owned()),
        started: then,
    };
    let known = |kind: DriftKind, path: &str| Known {
        entity: "Company".to_owned(),
        kind,
        path: path.to_owned(),
        found: name.to_owned(),
        count: 7,
        first_seen: then,
        run_id: "01234567-r1-first-seen".to_owned(),
    };
    Operations {
        status: Status {
            lakehouse: format!("file:///{name}/"),
            now: now(),
            tables: vec![table("bronze", "bronze_cw_company", None), table("silver", "silver_cw_company", Some(name))],
            runs: vec![run.clone()],
        },
        runs: vec![run],
        all_runs: 31,
        rows: vec![row],
        tests: vec![test(false), test(true)],
        quarantined: vec![Quarantined { entity: "Company".to_owned(), reason: name.to_owned(), records: 2 }],
        drift: Drift {
            api_version: "2025.8",
            deviations: vec![known(DriftKind::Property, name), known(DriftKind::Value, "status")],
            unseen: vec![Unseen { entity: "Company", properties: 9, never_seen: vec!["taxId".to_owned()] }],
        },
    }
}

fn gold(name: &str) -> Gold {
    Gold {
        months: Ok(vec![
            Month { year: 2025, month: 11, hours: 160.0, billable: 40.0, all: 14 },
            Month { year: 2025, month: 12, hours: 80.0, billable: 80.0, all: 14 },
        ]),
        members: Ok(vec![Member {
            name: Some(name.to_owned()),
            hours: 200.0,
            billable: 120.0,
            capacity: 480.0,
            all: 1,
        }]),
        companies: Ok(vec![
            Company { name: None, revenue: 1_000.0, margin: 250.0, all: 2 },
            Company { name: Some(name.to_owned()), revenue: 100.0, margin: -50.0, all: 2 },
        ]),
        coverage: Ok(vec![Coverage { behavior: name.to_owned(), hours: 240.0, revenue: 9_000.0 }]),
        sources: Ok(vec![Aged { age: "2 fees of agreements".to_owned(), lines: 2, amount: 900.0 }]),
        receivables: Ok(vec![Aged { age: "1 not due".to_owned(), lines: 4, amount: 700.0 }]),
        unbilled: Ok(vec![Aged { age: "4 more than 90 days".to_owned(), lines: 3, amount: 1_500.0 }]),
    }
}

/// Whether every element that opens is closed in its turn.
fn assert_balanced(page: &str) {
    let mut open: Vec<&str> = Vec::new();
    for part in page.split('<').skip(1) {
        let (tag, _) = part.split_once('>').unwrap_or_else(|| panic!("an element has no end: <{part}"));
        let name = tag.split([' ', '/']).next().unwrap_or_default();
        match tag {
            _ if name == "!DOCTYPE" || name == "meta" || tag.ends_with('/') => {}
            _ if tag.starts_with('/') => assert_eq!(open.pop(), Some(&tag[1..]), "{part}"),
            _ => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

/// Whether the page asks for nothing beyond itself.
fn assert_self_contained(page: &str) {
    for word in ["<script", "<link", "<img", "<iframe", "href=", "@import", "url("] {
        assert!(!page.contains(word), "{word}");
    }
    for (attribute, _) in page.match_indices("src=") {
        let element = page[..attribute].rfind('<').unwrap();
        assert!(page[element..attribute].contains('>'), "an attribute, and no text");
    }
}

/// Colours of a block of the style, by name.
fn colours(block: &str) -> BTreeMap<&str, &str> {
    let (block, _) = block.split_once('}').unwrap();
    block.split([';', '{']).filter_map(|part| part.trim().strip_prefix("--")?.split_once(':')).collect()
}

/// Contrast of two colours as accessibility guidelines define it: 1 to 21.
fn contrast(one: &str, other: &str) -> f64 {
    let luminance = |colour: &str| -> f64 {
        let digits: String = match colour.trim_start_matches('#') {
            short if short.len() == 3 => short.chars().flat_map(|digit| [digit, digit]).collect(),
            whole => whole.to_owned(),
        };
        let part = |at: usize| f64::from(u8::from_str_radix(&digits[at..at + 2], 16).unwrap()) / 255.0;
        let linear = |part: f64| if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) };
        0.2126 * linear(part(0)) + 0.7152 * linear(part(2)) + 0.0722 * linear(part(4))
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn the_page_is_for_phones_and_for_dark_and_light() {
    let page = render(&operations("x"), &gold("x"), now());
    let (head, body) = page.split_once("</head>").unwrap();
    assert!(head.contains("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"));
    // A table is wider than a phone, and scrolls by itself. No card is.
    assert_eq!(body.matches("<table").count(), body.matches("<div class=\"scroll\"><table").count());
    assert!(head.contains(".scroll{overflow-x:auto}") && head.contains("minmax(min(24rem,100%),1fr)"));
    let (_, dark) = head.split_once("@media (prefers-color-scheme:dark)").unwrap();
    let (_, light) = head.split_once(":root{").unwrap();
    let (light, dark) = (colours(light), colours(dark.split_once(":root{").unwrap().1));
    assert!(light.keys().eq(dark.keys()), "a colour is for one of them only: {light:?} {dark:?}");
    for used in head.split("var(--").skip(1).map(|rest| rest.split_once(')').unwrap().0) {
        assert!(light.contains_key(used), "{used} is no colour");
    }
    for colours in [light, dark] {
        for (text, ground) in ["ink", "soft", "good", "bad"].iter().flat_map(|text| [(text, "paper"), (text, "card")]) {
            let found = contrast(colours[text], colours[ground]);
            assert!(found >= 4.5, "{text} on {ground} has a contrast of {found:.1}: {colours:?}");
        }
    }
}

#[test]
fn hostile_names_stay_text() {
    let page = render(&operations(HOSTILE), &gold(HOSTILE), now());
    assert_balanced(&page);
    assert_self_contained(&page);
    assert!(page.matches("&lt;script").count() >= 6, "it is shown, as text");
}

/// Every attribute of every element, with its name; texts and styles are left out.
fn attributes(page: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for part in page.split('<').skip(1) {
        let (mut tag, _) = part.split_once('>').unwrap();
        let name = tag.split([' ', '/']).next().unwrap_or_default();
        while let Some((before, rest)) = tag.split_once("=\"") {
            let (_, after) = rest.split_once('"').unwrap_or_else(|| panic!("an attribute has no end: <{part}"));
            let attribute = before.rsplit(' ').next().unwrap_or_default();
            found.push((name.to_owned(), attribute.to_ascii_lowercase()));
            tag = after;
        }
    }
    found
}

#[test]
fn nothing_on_the_page_is_against_its_own_policy() {
    let page = render(&operations(HOSTILE), &gold(HOSTILE), now());
    let policy =
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; ";
    assert!(page.find(policy).unwrap() < page.find("<style").unwrap(), "it holds from the first element on");
    // Under it no script runs, whether an element or an attribute, and nothing is loaded or sent.
    let (before, rest) = page.split_once("<style>").unwrap();
    let (style, body) = rest.split_once("</style>").unwrap();
    assert!(
        !style.contains('<') && !style.contains("url(") && !style.contains("@import") && !style.contains("@font-face")
    );
    let rest = format!("{before}{body}");
    for element in
        ["script", "link", "img", "image", "iframe", "object", "embed", "form", "base", "video", "audio", "use"]
    {
        assert!(!rest.contains(&format!("<{element} ")) && !rest.contains(&format!("<{element}>")), "{element}");
    }
    for (element, attribute) in attributes(&rest) {
        let loads =
            ["src", "href", "xlink:href", "srcset", "action", "formaction", "data", "poster", "ping", "background"];
        assert!(!attribute.starts_with("on") && !loads.contains(&attribute.as_str()), "<{element} {attribute}>");
    }
}

#[test]
fn a_small_page() {
    let page = render(&operations("Þór & co"), &gold("Þór & co"), now());
    assert_balanced(&page);
    let (_, body) = page.split_once("</head>").unwrap();
    insta::assert_snapshot!(
        "page",
        body.replace("<section", "\n<section").replace("<rect", "\n  <rect").replace("<tr", "\n  <tr")
    );
}

#[test]
fn every_question_has_its_picture() {
    let page = render(&operations("x"), &gold("x"), now());
    for picture in [
        "Age of the last good run",
        "Rows per run",
        "Rescued",
        "Rescued rows by path",
        "Records in quarantine by reason",
        "Deviations by entity",
        "Requests per run",
    ] {
        let (_, svg) = page.split_once(&format!("aria-label=\"{picture}\"")).unwrap_or_else(|| panic!("{picture}"));
        let (svg, _) = svg.split_once("</svg>").unwrap();
        assert!(svg.contains("<rect"), "{picture} shows nothing: {svg}");
    }
    assert!(page.contains(">rst-seen<"), "the run that saw it first, by the end of its name");
}

#[test]
fn what_is_cut_is_said() {
    let mut operations = operations("x");
    let known = operations.drift.deviations[0].clone();
    // More than any list shows.
    operations.drift.deviations = (0..200)
        .map(|at| Known { path: format!("property{at:03}"), entity: format!("Entity{at:03}"), ..known.clone() })
        .collect();
    let test = |at: usize| Test {
        table_name: format!("table{at}"),
        test: "a test".to_owned(),
        severity: "error".to_owned(),
        passed: false,
        found: None,
        started: now(),
    };
    operations.tests = (0..50).map(test).collect();
    let reason = |at: usize| Quarantined { entity: "Company".to_owned(), reason: format!("reason {at}"), records: 1 };
    operations.quarantined = (0..50).map(reason).collect();
    let table = operations.status.tables[0].clone();
    operations.status.tables = vec![table; 20];
    let page = render(&operations, &gold("x"), now());
    assert_balanced(&page);
    for words in [
        "188 more paths",
        "160 more ways",
        "188 more entities",
        "80 more deviations",
        "10 more tests that failed",
        "38 more reasons",
        "10 more reasons",
        "12 more tables",
        "30 more runs are in the ledger",
        "the last 1 of 31 runs",
        "12 more months lie before them",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("more members") && !page.contains("more companies"), "those are all there");
}

#[test]
fn a_lakehouse_without_gold_gets_sentences() {
    let gold = Gold {
        months: Err("dimdate"),
        members: Err("dimdate"),
        companies: Err("fact_timeentry"),
        coverage: Ok(Vec::new()),
        sources: Err("fact_invoiceline"),
        receivables: Err("fact_invoice"),
        unbilled: Err("fact_invoiceline"),
    };
    let page = render(&operations("x"), &gold, now());
    assert_balanced(&page);
    assert!(page.contains("There is no table fact_invoiceline yet: connectwise-etl run builds it."));
    assert!(page.contains("There is nothing to show"));
}
