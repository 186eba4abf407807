//! The page of a small lakehouse with hostile names.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use connectwise_pipeline::ledger::drift::{Drift, KnownDeviation, Unseen};
use connectwise_pipeline::ledger::{RunStatus, Status, TableStatus};
use connectwise_pipeline::measures::{Cell, Column, Role};
use connectwise_pipeline::telemetry::DriftKind;

use super::gold::{Gold, Row, Told};
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
        oldest_look: None,
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
    let known = |kind: DriftKind, path: &str| KnownDeviation {
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

/// A row of texts and numbers.
fn row(cells: &[(&str, &str)], numbers: &[(&str, f64)]) -> Row {
    let texts = cells.iter().map(|(name, text)| ((*name).to_owned(), Cell::Text((*text).to_owned())));
    let numbers = numbers.iter().map(|(name, number)| ((*name).to_owned(), Cell::Number(*number)));
    Row(texts.chain(numbers).collect())
}

fn told(name: &str, rows: Vec<Row>) -> Told {
    let column = |name: &str, role: Role| Column { name: name.to_owned(), title: name.to_owned(), role };
    let columns = vec![
        column("companyId", Role::Id),
        column("company", Role::Cut),
        column("revenue", Role::Measure { unit: "money".to_owned(), decimals: 2 }),
    ];
    Told { name: name.to_owned(), description: format!("What {name} answers."), columns, rows: Ok(rows) }
}

fn gold(name: &str) -> Gold {
    let month = |month: &str, numbers: &[(&str, f64)]| row(&[("month", month)], numbers);
    let profit = [
        ("revenue", 1_000.0),
        ("profit", 600.0),
        ("profitPercentage", 60.0),
        ("laborCost", 300.0),
        ("productCost", 100.0),
        ("hours", 20.0),
        ("effectiveHourlyRate", 45.5),
    ];
    let loss = [("revenue", 100.0), ("profit", -50.0), ("laborCost", 150.0), ("productCost", 0.0), ("hours", 3.0)];
    let hours = [("utilisation", 25.0), ("billableHours", 40.0), ("hours", 160.0), ("availableHours", 160.0)];
    let open = [("openTickets", 5.0), ("staleTickets", 2.0), ("averageAge", 3.0)];
    let answers: Vec<(&'static str, Vec<Row>)> = vec![
        ("revenue", vec![month("2025-11", &profit), month("2025-12", &loss)]),
        ("clients", vec![row(&[("company", name)], &profit), row(&[], &loss)]),
        ("profit", vec![row(&[], &profit)]),
        ("agreements", vec![row(&[("mainAgreement", name)], &profit)]),
        ("sources", vec![row(&[("source", "fees of agreements")], &[("revenue", 900.0)])]),
        ("members", vec![row(&[("member", name)], &hours)]),
        ("utilisation", vec![month("2025-11", &hours), month("2025-12", &hours)]),
        ("capacity", vec![row(&[], &hours)]),
        ("cover", vec![row(&[("agreementBehavior", name)], &[("hours", 240.0), ("laborCost", 9_000.0)])]),
        ("flow", vec![month("2025-12", &[("ticketsOpened", 10.0), ("ticketsClosed", 8.0), ("killRate", 80.0)])]),
        (
            "recurring",
            vec![
                month("2025-11", &[("mrr", 100.0), ("mrrChange", 20.0), ("newMrr", 20.0)]),
                month("2025-12", &[("mrr", 90.0), ("mrrChange", -10.0), ("priceMrr", 5.0), ("churnedMrr", -15.0)]),
            ],
        ),
        ("backlog", vec![month("2025-12", &[("backlog", 12.0), ("backlogChange", 2.0)])]),
        ("service", vec![month("2025-12", &[("tickets", 10.0), ("slaMet", 75.0), ("firstResponse", 30.0)])]),
        ("sla", vec![row(&[], &[("tickets", 10.0), ("slaMet", 75.0), ("firstResponse", 30.0), ("resolution", 300.0)])]),
        ("open", vec![row(&[("age", "up to a day")], &open)]),
        ("receivables", vec![row(&[("age", "not due")], &[("receivables", 700.0), ("invoices", 4.0)])]),
        ("outstanding", vec![row(&[], &[("daysSalesOutstanding", 45.2)])]),
        (
            "unbilled",
            vec![row(
                &[("age", "1-30 days")],
                &[("unbilled", 1_500.0), ("unbilledLines", 3.0), ("withoutAmount", 1.0)],
            )],
        ),
        ("projects", vec![row(&[("project", name)], &[("hours", 50.0), ("budgetHours", 40.0), ("budgetBurn", 125.0)])]),
        ("audit", vec![row(&[("finding", name)], &[("findings", 2.0), ("amount", 10.0)])]),
        (
            "expiring",
            vec![row(&[("day", "2026-01-31"), ("company", name), ("agreement", name)], &[("recurringAmount", 5.0)])],
        ),
    ];
    Gold {
        months: Some(("2025-01".to_owned(), "2025-12".to_owned())),
        told: answers.into_iter().map(|(key, rows)| (key, told(key, rows))).collect(),
        own: vec![told(name, vec![row(&[("companyId", "7"), ("company", name)], &[("revenue", 12.5)])])],
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
    let one = luminance(one);
    let other = luminance(other);
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
    let light = colours(light);
    let dark = colours(dark.split_once(":root{").unwrap().1);
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
        .map(|at| KnownDeviation {
            path: format!("property{at:03}"),
            entity: format!("Entity{at:03}"),
            ..known.clone()
        })
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
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("members are utilised less") && !page.contains("more companies"), "those are all there");
}

#[test]
fn a_lakehouse_without_gold_gets_sentences() {
    let mut gold = gold("x");
    for told in gold.told.values_mut() {
        told.rows = Err("fact_invoiceline".to_owned());
    }
    gold.told.get_mut("cover").unwrap().rows = Ok(Vec::new());
    gold.months = None;
    let page = render(&operations("x"), &gold, now());
    assert_balanced(&page);
    assert!(page.contains("There is no table fact_invoiceline yet: connectwise-etl run builds it."));
    assert!(page.contains("There is nothing to show"));
    assert!(page.contains("<div class=\"number\">–</div><div class=\"soft\">unbilled now</div>"));
}

#[test]
fn every_answer_has_its_picture_and_its_words() {
    let page = render(&operations("x"), &gold("x"), now());
    for (picture, said) in [
        ("Revenue and profit by month", "2025-11: revenue 1,000, profit 600 (60 %)"),
        ("Revenue by source", "900, 100 %"),
        ("Receivables by age", "700 on 4 invoices"),
        ("Unbilled work by age", "1,500 in 3 lines"),
        ("Profit by client", "600 (60 %)"),
        ("Effective hourly rate by agreement", "45.50 an hour, 20 h"),
        ("Tickets opened and closed", "10 opened, 8 closed (80 %)"),
        ("SLA met", "75 % of 10 tickets, first response 30 min"),
        ("Backlog by month", "12 open at the end of the month, a change of 2"),
        ("Monthly recurring revenue", "90 at the end of the month, a change of -10"),
        ("Open tickets by age", "5, 2 of them stale"),
        ("Utilisation by month", "25 % of 160 h"),
        ("Utilisation by member", "25 % of 160 h"),
        ("Hours by agreement", "240 h, 100 %, cost 9,000"),
        ("Hours of projects", "50 of 40 h (125 %)"),
    ] {
        let (_, svg) = page.split_once(&format!("aria-label=\"{picture}\"")).unwrap_or_else(|| panic!("{picture}"));
        let (svg, _) = svg.split_once("</svg>").unwrap();
        assert!(svg.contains("<rect") && svg.contains(said), "{picture} lacks {said:?}: {svg}");
    }
    for said in [
        "Revenue of 1,100, of which 550 (50 %) is profit.",
        "Clients take 45 days to pay",
        // 100 - 20, 20 new, 15 gone and 5 of prices: 90.
        "data-column=\"what moved it in these months\">before the first month</td><td class=\"r\" data-column=\"a month\">80</td>",
        ">ended</td><td class=\"r\" data-column=\"a month\">-15</td>",
        ">at the end of 2025-12</td><td class=\"r\" data-column=\"a month\">90</td>",
        "1 of the lines have no known amount",
        "10 opened and 8 closed: a kill rate of 80 %.",
        "first response takes 30 minutes and the resolution 300 minutes",
        "figures are of 2025-01 to 2025-12",
        "What revenue answers.",
        "<div class=\"number\">75.0 %</div><div class=\"soft\">tickets within their SLA</div>",
        "data-column=\"revenue\">12.50</td>",
    ] {
        assert!(page.contains(said), "the page lacks {said:?}");
    }
}
