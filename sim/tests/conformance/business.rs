//! The tenant as a business: what an owner would look at first, worked out of the truth, is where published figures of such
//! companies are. The bands are wide enough for another seed, and too narrow for a tenant that is no business.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use connectwise_sim::Simulator;
use serde_json::Value;

use crate::client::Client;

const FIRST_DAY: i64 = 19_723; // 2024-01-01, a Monday
const LAST_DAY: i64 = 20_467; // 2026-01-14

/// Days since 1970 of a date or an instant.
fn day(text: &str) -> i64 {
    let number = |range: std::ops::Range<usize>| text[range].parse::<i64>().unwrap();
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469
}

fn is_workday(day: i64) -> bool {
    (day + 3).rem_euclid(7) < 5
}

fn number(row: &Value, name: &str) -> f64 {
    match &row[name] {
        Value::Number(number) => number.as_f64().unwrap(),
        Value::String(text) => text.parse().unwrap(),
        _ => 0.0,
    }
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

fn sum<'a>(rows: impl IntoIterator<Item = &'a Value>, of: impl Fn(&Value) -> f64) -> f64 {
    rows.into_iter().map(of).sum()
}

/// Shares of 1, by name, and the bands that they have to be in.
#[derive(Default)]
struct Ratios(Vec<(String, f64, RangeInclusive<f64>)>);

impl Ratios {
    fn hold(&mut self, name: &str, part: f64, whole: f64, band: RangeInclusive<f64>) {
        self.0.push((name.to_owned(), part / whole, band));
    }

    fn check(&self, when: &str) {
        let told = |(name, ratio, band): &(String, f64, RangeInclusive<f64>)| {
            format!("{name}: {ratio:.3}, to be within {:.3} and {:.3}", band.start(), band.end())
        };
        let outside: Vec<String> = self.0.iter().filter(|(_, ratio, band)| !band.contains(ratio)).map(told).collect();
        let all: Vec<String> = self.0.iter().map(told).collect();
        assert!(outside.is_empty(), "{when}:\n{}\nof\n{}", outside.join("\n"), all.join("\n"));
    }
}

/// Hours for which people were there, from one day up to another: their working days between coming and leaving.
fn capacity(members: &[Value], from: i64, to: i64) -> f64 {
    sum(members, |member| {
        let first = day(text(member, "hireDate")).max(from);
        let last = member["inactiveDate"].as_str().map_or(to, |left| day(left) + 1).min(to);
        let daily = member["dailyCapacity"].as_f64().unwrap_or(8.0);
        (first..last).filter(|day| is_workday(*day)).count() as f64 * daily
    })
}

fn is_billable(entry: &Value) -> bool {
    entry["billableOption"] == "Billable"
}

/// Work that somebody still has to bill.
fn is_unbilled(entry: &Value) -> bool {
    let done = ["WrittenOff", "Billed", "BilledAgreement"].contains(&text(entry, "status"));
    is_billable(entry) && entry.get("invoice").is_none() && !done
}

fn worked_on(entry: &Value) -> i64 {
    day(text(entry, "timeStart"))
}

/// What was earned: down payments are earned with what completes their projects.
fn revenue(invoice: &Value) -> f64 {
    match text(invoice, "type") {
        "DownPayment" => 0.0,
        _ => number(invoice, "total") - number(invoice, "salesTax") + number(invoice, "downpaymentApplied"),
    }
}

async fn tenant(seed: u64, scale: u64) -> Client {
    Client::around(Simulator::builder().seed(seed).scale(scale).start().await.unwrap())
}

fn work(ratios: &mut Ratios, entries: &[Value], capacity: f64) {
    let hours = sum(entries, |entry| number(entry, "actualHours"));
    let billable = sum(entries.iter().filter(|entry| is_billable(entry)), |entry| number(entry, "actualHours"));
    ratios.hold("hours of capacity", hours, capacity, 0.70..=0.88);
    ratios.hold("utilisation", billable, capacity, 0.55..=0.75);
    let same_day = entries.iter().filter(|entry| text(entry, "dateEntered")[..10] == text(entry, "timeStart")[..10]);
    ratios.hold("entered on the same day", same_day.count() as f64, entries.len() as f64, 0.80..=0.95);
    let is_written_off = |entry: &&Value| is_billable(entry) && entry["status"] == "WrittenOff";
    let written_off = sum(entries.iter().filter(is_written_off), |entry| number(entry, "actualHours"));
    ratios.hold("written off, of billable hours", written_off, billable, 0.01..=0.06);
    let lacks = |name: &str| entries.iter().filter(|entry| entry.get(name).is_none()).count() as f64;
    ratios.hold("entries without a rate", lacks("hourlyRate"), entries.len() as f64, 0.04..=0.12);
    let covered = entries.iter().filter(|entry| number(entry, "agreementHours") > 0.0);
    ratios.hold("hours under flat fees", sum(covered, |entry| number(entry, "actualHours")), billable, 0.20..=0.60);
    let unbilled =
        |old: i64| entries.iter().filter(move |entry| is_unbilled(entry) && worked_on(entry) < LAST_DAY - old);
    let amount = |entry: &Value| number(entry, "extendedInvoiceAmount");
    ratios.hold(
        "unbilled for more than 90 days, of all billed",
        sum(unbilled(90), amount),
        sum(entries, amount),
        0.0..=0.01,
    );
    ratios.hold("unbilled, of all billed", sum(unbilled(-9), amount), sum(entries, amount), 0.005..=0.06);
}

fn money(ratios: &mut Ratios, invoices: &[Value], costs: f64) {
    let earned = sum(invoices, revenue);
    ratios.hold("gross margin", earned - costs, earned, 0.35..=0.60);
    let mut types: BTreeMap<&str, f64> = BTreeMap::new();
    for invoice in invoices {
        *types.entry(text(invoice, "type")).or_default() += 1.0;
    }
    let all = invoices.len() as f64;
    for (name, band) in [
        ("Standard", 0.20..=0.60),
        ("Agreement", 0.15..=0.70),
        ("Progress", 0.01..=0.15),
        ("Miscellaneous", 0.01..=0.15),
        ("DownPayment", 0.02..=0.10),
        ("CreditMemo", 0.01..=0.10),
    ] {
        ratios.hold(&format!("invoices of type {name}"), types.get(name).copied().unwrap_or_default(), all, band);
    }
    let fees = |invoice: &Value| number(invoice, "agreementAmount");
    ratios.hold("flat fees told as such", sum(invoices, fees), earned, 0.05..=0.50);
    let open = |old: i64| invoices.iter().filter(move |invoice| day(text(invoice, "dueDate")) < LAST_DAY - old);
    let balance = |invoice: &Value| number(invoice, "balance");
    ratios.hold("receivables more than 90 days late", sum(open(90), balance), earned, 0.0..=0.04);
    ratios.hold("receivables", sum(invoices, balance), earned, 0.02..=0.12);
    let part =
        invoices.iter().filter(|row| number(row, "payments") > 0.0 && number(row, "payments") < number(row, "total"));
    ratios.hold("invoices paid in part", part.count() as f64, all, 0.002..=0.06);
}

fn desk(ratios: &mut Ratios, tickets: &[Value]) {
    let all = tickets.len() as f64;
    let share = |is: &dyn Fn(&Value) -> bool| tickets.iter().filter(|ticket| is(ticket)).count() as f64;
    let is_closed = |ticket: &Value| ticket.get("closedDate").is_some();
    ratios.hold("open tickets", share(&|ticket| !is_closed(ticket)), all, 0.004..=0.06);
    ratios.hold("tickets within their SLA", share(&|ticket| ticket["isInSla"] == true), all, 0.55..=0.95);
    ratios.hold("merged tickets", share(&|ticket| ticket.get("mergedParentTicket").is_some()), all, 0.005..=0.04);
    ratios.hold("child tickets", share(&|ticket| ticket.get("parentTicketId").is_some()), all, 0.01..=0.06);
    let same_day = |row: &Value| {
        is_closed(row) && text(row, "closedDate")[..10] == row["_info"]["dateEntered"].as_str().unwrap()[..10]
    };
    ratios.hold("closed on the same day", share(&same_day), all, 0.20..=0.60);
    for ticket in tickets {
        let entered = ticket["_info"]["dateEntered"].as_str().unwrap();
        let steps = ["dateResponded", "dateResplan", "dateResolved"].map(|name| ticket[name].as_str());
        let known: Vec<&str> = std::iter::once(entered).chain(steps.into_iter().flatten()).collect();
        assert!(known.is_sorted(), "one step comes after the other: {ticket}");
        assert_eq!(is_closed(ticket), steps[2].is_some(), "{ticket}");
        assert!(known.iter().all(|step| Some(*step) <= ticket["_info"]["lastUpdated"].as_str()), "{ticket}");
        if let Some(parent) = ticket.get("mergedParentTicket") {
            assert!(is_closed(ticket) || entered > "2025-12-15", "{ticket}");
            let parent = tickets.iter().find(|row| row["id"] == parent["id"]).unwrap();
            assert_eq!(parent["company"]["id"], ticket["company"]["id"]);
        }
    }
}

#[tokio::test]
async fn the_tenant_of_the_demo_is_a_business() {
    for seed in [1, 2, 3] {
        let client = tenant(seed, 5_000).await;
        assert_eq!(client.post("/switches", r#"{"service-tickets":"service"}"#).await.status, 200);
        let mut ratios = Ratios::default();
        let (entries, members) = (client.truth("TimeEntry").await, client.truth("Member").await);
        work(&mut ratios, &entries, capacity(&members, FIRST_DAY, LAST_DAY));
        let labour = sum(&entries, |entry| number(entry, "actualHours") * number(entry, "hourlyCost"));
        let products = client.truth("ProductItem").await;
        let sold = products.iter().filter(|row| row.get("invoice").is_some());
        let spent = client.truth("ExpenseEntry").await;
        let costs = labour + sum(sold, |row| number(row, "extCost")) + sum(&spent, |row| number(row, "amount"));
        money(&mut ratios, &client.truth("Invoice").await, costs);
        desk(&mut ratios, &client.own("/truth/service/tickets").await.rows());
        let additions = client.own("/truth/finance/agreements/*/additions").await.rows();
        let ended = additions.iter().filter(|row| row.get("cancelledDate").is_some()).count() as f64;
        ratios.hold("additions that have ended", ended, additions.len() as f64, 0.10..=0.70);
        let agreements = client.truth("Agreement").await;
        let types = client.own("/truth/finance/agreements/types").await.rows();
        for agreement in &agreements {
            let of = types.iter().find(|row| row["id"] == agreement["type"]["id"]).unwrap();
            assert_eq!(of["prePaymentFlag"], number(agreement, "applicationLimit") > 0.0, "{agreement} {of}");
            assert_eq!(of["chargeToFirmFlag"], agreement["chargeToFirm"], "{agreement} {of}");
        }
        let cycle = |id: i64| agreements.iter().filter(|row| row["billingCycle"]["id"] == id).count() as f64;
        ratios.hold("agreements that are billed by the quarter", cycle(3), agreements.len() as f64, 0.04..=0.40);
        let sales = client.own("/truth/sales/opportunities").await.rows();
        let closed: Vec<&Value> = sales.iter().filter(|row| row.get("closedDate").is_some()).collect();
        ratios.hold("opportunities that are closed", closed.len() as f64, sales.len() as f64, 0.70..=0.97);
        let won = closed.iter().filter(|row| row["status"]["id"] == 2).count() as f64;
        ratios.hold("of these won", won, closed.len() as f64, 0.25..=0.60);
        assert!(sales.iter().all(|sale| sale["probability"]["id"].is_i64()), "an opportunity without a probability");
        let open: Vec<&Value> =
            sales.iter().filter(|row| row.get("closedDate").is_none()).map(|row| &row["id"]).collect();
        let worth = |of: &Value| {
            let offered = products.iter().filter(|product| product["opportunity"]["id"] == *of);
            offered.map(|product| number(product, "extPrice")).sum::<f64>()
        };
        let offered = open.iter().filter(|sale| worth(sale) > 0.0).count() as f64;
        ratios.hold("open opportunities with an amount", offered, open.len() as f64, 0.05..=0.80);
        for status in client.own("/truth/service/boards/*/statuses").await.rows() {
            let waits = status["name"].as_str().unwrap().starts_with("Bíður");
            assert_eq!(status["escalationStatus"] == "NoEscalation", waits, "{status}");
            assert!(status["escalationStatus"] != "Resolved" || status["closedStatus"] == true, "{status}");
        }
        ratios.check(&format!("seed {seed}"));
    }
}

#[tokio::test]
async fn larger_tenants_are_as_busy() {
    let client = tenant(4, 20_000).await;
    let (entries, members) = (client.truth("TimeEntry").await, client.truth("Member").await);
    let mut ratios = Ratios::default();
    work(&mut ratios, &entries, capacity(&members, FIRST_DAY, LAST_DAY));
    ratios.check("scale 20,000");
}

/// Two months of days: work is done and billed, invoices are paid, tickets come, go, and come back now and then.
#[tokio::test]
async fn business_goes_on() {
    let client = tenant(1, 5_000).await;
    assert_eq!(client.post("/switches", r#"{"service-tickets":"service"}"#).await.status, 200);
    let before = client.own("/truth/service/tickets").await.rows();
    let is_open = |ticket: &Value| !text(&ticket["status"], "name").starts_with('>');
    let mut open: BTreeMap<i64, bool> = before.iter().map(|row| (row["id"].as_i64().unwrap(), is_open(row))).collect();
    let backlog = open.values().filter(|open| **open).count() as f64;
    let (mut closed, mut reopened) = (0.0, 0.0);
    for _ in 0..60 {
        assert_eq!(client.post("/advance", r#"{"days":1}"#).await.status, 200);
        for row in client.own("/truth/service/tickets").await.rows() {
            match open.insert(row["id"].as_i64().unwrap(), is_open(&row)) {
                Some(true) if !is_open(&row) => closed += 1.0,
                Some(false) if is_open(&row) => reopened += 1.0,
                _ => {}
            }
        }
    }
    let mut ratios = Ratios::default();
    let tickets = client.own("/truth/service/tickets").await.rows();
    let still = tickets.iter().filter(|row| is_open(row)).count() as f64;
    ratios.hold("backlog of that before", still, backlog, 0.4..=3.0);
    ratios.hold("opened again, of closed", reopened, closed, 0.01..=0.15);
    let (entries, members) = (client.truth("TimeEntry").await, client.truth("Member").await);
    let late: Vec<Value> = entries.iter().filter(|entry| worked_on(entry) > LAST_DAY).cloned().collect();
    let hours = sum(&late, |entry| number(entry, "actualHours"));
    ratios.hold("hours of capacity", hours, capacity(&members, LAST_DAY + 1, LAST_DAY + 61), 0.5..=1.0);
    let billed = sum(&late, |entry| number(entry, "extendedInvoiceAmount"));
    let unbilled = late.iter().filter(|entry| is_unbilled(entry) && worked_on(entry) < LAST_DAY + 30);
    ratios.hold(
        "unbilled for more than a month",
        sum(unbilled, |row| number(row, "extendedInvoiceAmount")),
        billed,
        0.0..=0.25,
    );
    let invoices = client.truth("Invoice").await;
    let fresh = invoices.iter().filter(|row| day(text(row, "date")) > LAST_DAY + 1);
    let fees = fresh.clone().filter(|row| row["type"] == "Agreement").count() as f64;
    ratios.hold("new invoices with a fee", fees, fresh.count() as f64, 0.15..=0.60);
    let old = invoices.iter().filter(|row| day(text(row, "date")) < LAST_DAY - 30);
    ratios.hold(
        "open, of older invoices",
        sum(old.clone(), |row| number(row, "balance")),
        sum(old, revenue),
        0.0..=0.06,
    );
    ratios.check("after 60 days");
}
