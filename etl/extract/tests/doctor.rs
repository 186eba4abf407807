//! What doctor finds about tenants, roles and credentials of every kind.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use chrono::{DateTime, TimeDelta, Utc};
use connectwise_extract::catalog;
use connectwise_extract::doctor::{Access, Examination, Finding, Health, Verdict, examine};
use connectwise_sdk::{Client, Config, ConfigParts, Method, RetryPolicy};
use connectwise_sim::{Builder, Simulator};
use serde_json::Value;

fn client(simulator: &Simulator, change: impl FnOnce(&mut ConfigParts)) -> Client {
    let mut parts = ConfigParts {
        base_url: Some(simulator.base_url()),
        username: Some(simulator.username().to_owned()),
        password: Some(simulator.password().to_owned().into()),
        client_id: Some("00000000-0000-0000-0000-000000000000".to_owned()),
        ..ConfigParts::default()
    };
    change(&mut parts);
    let patience = RetryPolicy::never();
    Client::new(Config::from_parts(parts).unwrap().with_retry(patience)).unwrap()
}

/// Entities with and without change time, with and without an owner.
const SOME: [&str; 6] = ["TimeEntry", "Company", "Member", "Invoice", "Board", "AgreementType"];

/// What the simulator's clock shows.
fn simulated() -> DateTime<Utc> {
    "2026-01-15T08:00:00Z".parse().unwrap()
}

async fn examined(client: &Client, entities: &[&str]) -> Examination {
    let entities: Vec<_> = entities.iter().map(|name| catalog::entity(name).unwrap()).collect();
    examine(client, &entities, &simulated, &()).await
}

async fn of(builder: Builder) -> Examination {
    let simulator = builder.seed(3).scale(300).start().await.unwrap();
    examined(&client(&simulator, |_| {}), &SOME).await
}

fn check<'a>(examination: &'a Examination, name: &str) -> &'a Finding {
    let found = examination.checks.iter().find(|finding| finding.check == name);
    found.unwrap_or_else(|| panic!("{name} wasn't checked: {:#?}", examination.checks))
}

fn verdict(examination: &Examination, name: &str) -> Verdict {
    check(examination, name).verdict
}

fn ask(examination: &Examination) -> Vec<(&str, &str, Vec<&str>)> {
    examination.ask.iter().map(|ask| (ask.module, ask.permission, ask.entities.clone())).collect()
}

#[tokio::test]
async fn a_full_role_has_nothing_to_ask_for() {
    let simulator = Simulator::builder().seed(3).scale(300).start().await.unwrap();
    let all: Vec<&str> = catalog::entities().iter().map(|entity| entity.name).collect();
    let found = examined(&client(&simulator, |_| {}), &all).await;
    assert_eq!(found.health, Health::Good, "{:#?}", found.checks);
    for name in [
        "server",
        "version",
        "credentials",
        "clock",
        "rights",
        "_info",
        "change times",
        "bundles",
        "dates",
        "quotes",
        "all rows",
    ] {
        assert_eq!(verdict(&found, name), Verdict::Good, "{:#?}", check(&found, name));
    }
    assert!(found.ask.is_empty() && found.settings.is_empty());
    assert_eq!(found.entities.len(), all.len());
    let time = found.entities.iter().find(|finding| finding.entity == "TimeEntry").unwrap();
    assert_eq!((&time.access, time.rows, time.change_time), (&Access::Readable, Some(300), Some(true)));
    for entity in catalog::entities() {
        let finding = found.entities.iter().find(|finding| finding.entity == entity.name).unwrap();
        assert_eq!(finding.access, Access::Readable, "{}", entity.name);
        assert!(finding.rows.is_none() || entity.parent().is_none(), "{}", entity.name);
    }
    // A list without a route that counts; the simulator's own number of rows.
    let unposted = found.entities.iter().find(|finding| finding.entity == "UnpostedInvoice").unwrap();
    assert_eq!(unposted.rows, Some(truth(&simulator, "/finance/accounting/unpostedinvoices").await));
    assert!(check(&found, "server").found.contains("v2025_8"), "{:?}", check(&found, "server"));
}

/// Rows of a list as the simulator has them.
async fn truth(simulator: &Simulator, path: &str) -> u64 {
    let client = client(simulator, |_| {});
    let request = client.request(Method::Get, path).query("pageSize", "1000");
    request.send().await.unwrap().json::<Vec<Value>>().unwrap().len() as u64
}

#[tokio::test]
async fn lists_below_records_are_asked_for_by_one_of_them() {
    let simulator = Simulator::builder().seed(3).scale(300).role("no-finance").start().await.unwrap();
    let found = examined(&client(&simulator, |_| {}), &["AgreementAddition", "TicketNote", "Member"]).await;
    let access = |name: &str| &found.entities.iter().find(|finding| finding.entity == name).unwrap().access;
    assert_eq!((access("AgreementAddition"), access("TicketNote")), (&Access::Forbidden, &Access::Readable));
    assert_eq!(ask(&found), [("Finance", "Agreements", vec!["AgreementAddition"])]);
    assert_eq!(verdict(&found, "bundles"), Verdict::Good, "asked for with a list that can be read");

    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("faults.json");
    std::fs::write(&script, r#"{ "path": "/system/bundles", "status": 404, "times": 1000 }"#).unwrap();
    let simulator = Simulator::builder().seed(3).scale(300).faults(script).start().await.unwrap();
    let found = examined(&client(&simulator, |_| {}), &["TicketNote", "Member"]).await;
    let bundles = check(&found, "bundles");
    assert_eq!((bundles.verdict, found.health), (Verdict::Doubt, Health::Good), "{bundles:?}");
    assert!(bundles.advice.as_ref().unwrap().contains("one by one"));
}

#[tokio::test]
async fn a_forbidden_module_is_asked_for_by_its_right() {
    let found = of(Simulator::builder().role("no-finance")).await;
    assert_eq!(found.health, Health::Ailing);
    assert_eq!(verdict(&found, "rights"), Verdict::Bad);
    assert_eq!(
        ask(&found),
        [("Finance", "Invoicing", vec!["Invoice"]), ("System", "Table Setup", vec!["AgreementType"])]
    );
    let invoice = found.entities.iter().find(|finding| finding.entity == "Invoice").unwrap();
    assert_eq!(invoice.access, Access::Forbidden);
}

#[tokio::test]
async fn a_list_that_cannot_be_counted_can_be_read() {
    for status in [403, 404, 405, 501] {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("faults.json");
        let fault = format!(r#"{{ "path": "/time/entries/count", "status": {status}, "times": 1000 }}"#);
        std::fs::write(&script, fault).unwrap();
        let found = of(Simulator::builder().faults(script)).await;
        let time = found.entities.iter().find(|finding| finding.entity == "TimeEntry").unwrap();
        assert_eq!((&time.access, time.rows), (&Access::Readable, Some(300)), "{status}");
        assert_eq!((found.health, verdict(&found, "rights")), (Health::Good, Verdict::Good), "{status}");
    }
}

#[tokio::test]
async fn a_server_that_fails_over_quotes_is_not_one_that_reads_none() {
    for (status, expected) in [(400, "name of Board isn't found by its text"), (500, "500")] {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("faults.json");
        // The first request counts the list itself, the next ones ask with text in quotes.
        let fault = format!(r#"{{ "path": "/service/boards/count", "nth": 2, "status": {status}, "times": 1000 }}"#);
        std::fs::write(&script, fault).unwrap();
        let simulator = Simulator::builder().seed(3).scale(300).faults(script).start().await.unwrap();
        let found = examined(&client(&simulator, |_| {}), &["Board"]).await;
        let quotes = check(&found, "quotes");
        assert_eq!(quotes.verdict, Verdict::Unknown, "{quotes:?}");
        assert!(quotes.found.contains(expected), "{quotes:?}");
    }
}

#[tokio::test]
async fn members_that_are_not_found_are_a_right_too() {
    let found = of(Simulator::builder().role("no-members")).await;
    assert_eq!(found.health, Health::Ailing);
    assert_eq!(ask(&found), [("System", "Member Maintenance", vec!["Member"])]);
    let member = found.entities.iter().find(|finding| finding.entity == "Member").unwrap();
    assert_eq!(member.access, Access::NotFound);
}

#[tokio::test]
async fn a_role_without_info_and_a_role_of_ones_own_rows_are_told() {
    let found = of(Simulator::builder().role("no-info")).await;
    assert_eq!((found.health, verdict(&found, "_info")), (Health::Ailing, Verdict::Bad));
    assert!(check(&found, "_info").found.contains("TimeEntry"), "{:?}", check(&found, "_info"));
    assert_eq!(verdict(&found, "dates"), Verdict::Unknown, "nothing to ask with");

    let found = of(Simulator::builder().role("mine")).await;
    let doubt = check(&found, "all rows");
    assert_eq!(doubt.verdict, Verdict::Doubt, "it can't be proven from outside");
    assert!(doubt.found.contains("TimeEntry (member)") && doubt.found.contains("Member (one row)"), "{doubt:?}");
    assert!(doubt.advice.as_ref().unwrap().contains("Inquire = All"));
    assert_eq!(found.health, Health::Good, "a doubt is no fault");
}

#[tokio::test]
async fn a_server_that_finds_no_date_with_a_zone_is_found_out() {
    let found = of(Simulator::builder().switch("times=naive")).await;
    let dates = check(&found, "dates");
    assert_eq!(dates.verdict, Verdict::Doubt);
    assert_eq!(dates.found, "only dates without a zone are found, [2026-01-31T00:00:00]");
}

/// What servers do in different ways, each with what is found and with the other switch.
#[tokio::test]
async fn every_way_of_a_server_is_told_and_none_is_a_fault() {
    let entities = ["TimeEntry", "Company", "ServiceTicket"];
    for (switch, name, harsh, other) in [
        ("null-references=understood", "null", "is refused", "references can be compared with null"),
        ("enumerations=no-like", "enumerations", "by = and in only", "billableOption like is refused"),
        ("enumerations=texts", "enumerations", "by = and in only", "compared like any text"),
        ("percent=wildcard", "wildcards", "left out without a word", "* and % stand for any text"),
        ("unknown-fields=refused", "fields", "left out without a word", "isn't there is refused"),
        ("record-type=all", "project tickets", "that recordType doesn't find", "holds them, and says so"),
        ("service-tickets=service", "project tickets", "that recordType doesn't find", "a list of their own"),
        ("double-slashes=nowhere", "addresses", "double slashes", "the usual form"),
        ("routing=server", "routing", "a gateway answers", "the server itself answers"),
    ] {
        for (simulator, expected) in [(Simulator::builder(), harsh), (Simulator::builder().switch(switch), other)] {
            let simulator = simulator.seed(3).scale(300).start().await.unwrap();
            let found = examined(&client(&simulator, |_| {}), &entities).await;
            assert_eq!(found.health, Health::Good, "{switch}: {:#?}", found.checks);
            let told = check(&found, name);
            assert!(told.found.contains(expected), "{switch}: {told:?}");
            assert_eq!(
                told.verdict == Verdict::Doubt,
                told.found.contains('%') && expected == harsh,
                "{switch}: {told:?}"
            );
        }
    }
}

/// Tickets that the server doesn't find by their sort have notes that nobody loads: that is told.
#[tokio::test]
async fn a_server_that_finds_no_service_tickets_by_their_record_type_is_a_doubt() {
    let simulator = Simulator::builder().seed(3).scale(10).start().await.unwrap();
    let client = client(&simulator, |_| {});
    let named =
        client.request(Method::Get, "/service/tickets").query("pageSize", "1000").query("fields", "id,recordType");
    for ticket in named.send().await.unwrap().json::<Vec<Value>>().unwrap() {
        if ticket["recordType"] == "ServiceTicket" {
            client.request(Method::Delete, &format!("/service/tickets/{}", ticket["id"])).send().await.unwrap();
        }
    }
    let found = examined(&client, &["ServiceTicket"]).await;
    let doubt = check(&found, "project tickets");
    assert_eq!((doubt.verdict, found.health), (Verdict::Doubt, Health::Good), "{doubt:?}");
    assert!(doubt.advice.as_ref().unwrap().contains("recordType"), "{doubt:?}");
}

#[tokio::test]
async fn an_older_server_needs_a_setting() {
    let simulator = Simulator::builder().seed(3).scale(300).api_version("2025.1").start().await.unwrap();
    let found = examined(&client(&simulator, |_| {}), &SOME).await;
    assert_eq!(verdict(&found, "version"), Verdict::Doubt);
    assert_eq!(found.settings, ["api_version = \"2025.1\""]);
    assert_eq!(found.health, Health::Good, "the rest is found in the server's own version: {:#?}", found.checks);
    assert_eq!(found.entities[0].rows, Some(300));
}

#[tokio::test]
async fn a_clock_that_is_off_is_a_doubt_and_says_how_much() {
    let simulator = Simulator::builder().seed(3).scale(300).start().await.unwrap();
    let entities = [catalog::entity("Member").unwrap()];
    let off = |minutes: i64| move || -> DateTime<Utc> { simulated() + TimeDelta::minutes(minutes) };
    for (minutes, word) in [(10, "ahead of"), (-10, "behind")] {
        let found = examine(&client(&simulator, |_| {}), &entities, &off(minutes), &()).await;
        let clock = check(&found, "clock");
        assert_eq!(clock.verdict, Verdict::Doubt);
        assert_eq!(clock.found, format!("this machine's clock is 600 s {word} the server's"));
    }
}

#[tokio::test]
async fn nobody_is_let_in_with_a_wrong_key_however_the_server_says_so() {
    for switch in ["bad-credentials=401", "bad-credentials=404", "bad-credentials=drop"] {
        let simulator = Simulator::builder().seed(3).scale(300).switch(switch).start().await.unwrap();
        let found = examined(&client(&simulator, |parts| parts.password = Some("geheim".into())), &SOME).await;
        assert_eq!(found.health, Health::Unreachable, "{switch}: {:#?}", found.checks);
        let told = serde_json::to_string(&found).unwrap();
        assert!(told.contains("CW_AUTH_PASSWORD"), "{switch}: {told}");
        assert!(!told.contains("geheim"), "{told}");
    }
}

#[tokio::test]
async fn a_wrong_site_is_told_apart_from_a_wrong_company() {
    let simulator = Simulator::builder().seed(3).scale(300).start().await.unwrap();
    let elsewhere = client(&simulator, |parts| parts.base_url = Some("http://127.0.0.1:1".to_owned()));
    let found = examined(&elsewhere, &SOME).await;
    assert_eq!((found.health, verdict(&found, "server")), (Health::Unreachable, Verdict::Bad));
    let stranger = client(&simulator, |parts| parts.username = Some("nobody+public".to_owned()));
    let found = examined(&stranger, &SOME).await;
    assert_eq!(found.health, Health::Unreachable);
    assert!(check(&found, "server").found.contains("nobody"), "{:?}", check(&found, "server"));
    // A gateway finds no way for that company, and the server no key.
    let gateway = found.checks.last().unwrap();
    assert!(gateway.found.contains("Cannot route") && gateway.advice.is_some(), "{gateway:?}");
}
