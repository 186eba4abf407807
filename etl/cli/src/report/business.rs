//! What gold says, in pictures. Each has the question's own words below its title, so that it explains itself.

use connectwise_pipeline::measures::{Cell, Role};

use super::card::{card, more, sentence};
use super::chart::{Item, Series, bars, columns, pairs};
use super::gold::{Gold, Row, Told};
use super::html::{Html, table};
use super::words::{percent, whole};
use crate::output::decimal;

/// Bars of a picture.
const MOST: usize = 12;
/// Rows of a table.
const MOST_ROWS: usize = 20;

/// The answer to a question as a picture, or a sentence.
fn shown(html: &mut Html, title: &str, told: Option<&Told>, picture: impl FnOnce(&[Row]) -> Html) {
    let Some(told) = told else { return };
    let mut content = sentence(&told.description);
    content.html(&match &told.rows {
        Err(table) => sentence(&format!("There is no table {table} yet: connectwise-etl run builds it.")),
        Ok(rows) if rows.is_empty() => sentence("There is nothing to show: no row answers this."),
        Ok(rows) => picture(rows),
    });
    card(html, title, &content);
}

fn months(rows: &[Row], values: impl Fn(&Row) -> Vec<f64>, note: impl Fn(&Row) -> String) -> Vec<Item> {
    let item = |row: &Row| Item { label: row.text("month"), values: values(row), note: note(row) };
    rows.iter().map(item).collect()
}

fn items(rows: &[Row], name: &str, values: impl Fn(&Row) -> Vec<f64>, note: impl Fn(&Row) -> String) -> Vec<Item> {
    let item = |row: &Row| Item { label: row.text(name), values: values(row), note: note(row) };
    rows.iter().take(MOST).map(item).collect()
}

fn sum(rows: &[Row], column: &str) -> f64 {
    rows.iter().map(|row| row.number(column)).sum()
}

fn highest(rows: &[Row], column: &str) -> f64 {
    rows.iter().map(|row| row.number(column)).fold(0.0, f64::max)
}

/// A rate or a share with its unit, `–` where it is of nothing.
fn known(row: &Row, column: &str, places: usize, unit: &str) -> String {
    row.known(column).map_or_else(|| "–".to_owned(), |number| format!("{}{unit}", decimal(number, places)))
}

pub(super) fn cards(html: &mut Html, gold: &Gold) {
    figures(html, gold);
    html.raw("\n<h3 class=\"group\">Money</h3><div class=\"cards\">");
    money(html, gold);
    html.raw("</div>\n<h3 class=\"group\">Clients and agreements</h3><div class=\"cards\">");
    clients(html, gold);
    html.raw("</div>\n<h3 class=\"group\">Tickets</h3><div class=\"cards\">");
    tickets(html, gold);
    html.raw("</div>\n<h3 class=\"group\">People and projects</h3><div class=\"cards\">");
    people(html, gold);
    html.raw("</div>");
    if !gold.own.is_empty() {
        html.raw("\n<h3 class=\"group\">Your own questions</h3><div class=\"cards\">");
        for told in &gold.own {
            shown(html, &told.name, Some(told), |rows| listed(told, rows));
        }
        html.raw("</div>");
    }
}

/// The figures that are asked for first.
fn figures(html: &mut Html, gold: &Gold) {
    if let Some((first, last)) = &gold.months {
        let text = format!(
            "Unless something else is said, figures are of {first} to {last}. Each is a saved question: connectwise-etl ask lists them, \
             and cuts them by company, month and more."
        );
        html.html(&sentence(&text));
    }
    let money = |number: Option<f64>| number.map(whole);
    let share = |number: Option<f64>| number.map(|number| format!("{} %", decimal(number, 1)));
    let total = |name: &str, column: &str| (!gold.rows(name).is_empty()).then(|| whole(sum(gold.rows(name), column)));
    let figures = [
        ("revenue", money(gold.figure("profit", "revenue"))),
        ("profit", money(gold.figure("profit", "profit"))),
        ("profit by revenue", share(gold.figure("profit", "profitPercentage"))),
        ("effective hourly rate", gold.figure("profit", "effectiveHourlyRate").map(|rate| decimal(rate, 2))),
        ("utilisation", share(gold.figure("capacity", "utilisation"))),
        ("tickets within their SLA", share(gold.figure("sla", "slaMet"))),
        ("tickets open now", total("open", "openTickets")),
        ("owed by clients now", total("receivables", "receivables")),
        ("days sales outstanding", gold.figure("outstanding", "daysSalesOutstanding").map(|days| decimal(days, 0))),
        ("unbilled now", total("unbilled", "unbilled")),
    ];
    html.raw("<div class=\"figures\">");
    for (name, figure) in figures {
        html.raw("<div class=\"figure\">").element("div", "number", figure.as_deref().unwrap_or("–"));
        html.element("div", "soft", name).raw("</div>");
    }
    html.raw("</div>");
}

fn money(html: &mut Html, gold: &Gold) {
    shown(html, "Revenue and profit by month", gold.told.get("revenue"), |rows| {
        let series = [
            Series { class: "a", name: "profit" },
            Series { class: "d", name: "cost of hours" },
            Series { class: "b", name: "cost of products" },
        ];
        let values = |row: &Row| vec![row.number("profit"), row.number("laborCost"), row.number("productCost")];
        let note = |row: &Row| {
            let share = known(row, "profitPercentage", 0, " %");
            format!("revenue {}, profit {} ({share})", whole(row.number("revenue")), whole(row.number("profit")))
        };
        let most =
            rows.iter().map(|row| values(row).iter().map(|value| value.max(0.0)).sum::<f64>()).fold(0.0, f64::max);
        let up_to = format!("up to {}", whole(most));
        let mut content = columns("Revenue and profit by month", &series, &months(rows, values, note), &up_to);
        let revenue = sum(rows, "revenue");
        let profit = sum(rows, "profit");
        let text = format!(
            "Revenue of {}, of which {} ({}) is profit.",
            whole(revenue),
            whole(profit),
            percent(profit, revenue)
        );
        content.html(&sentence(&text));
        content
    });
    shown(html, "Revenue by source", gold.told.get("sources"), |rows| {
        let all = sum(rows, "revenue");
        let note = |row: &Row| format!("{}, {}", whole(row.number("revenue")), percent(row.number("revenue"), all));
        let items = items(rows, "source", |row| vec![row.number("revenue")], note);
        bars("Revenue by source", &[Series { class: "a", name: "revenue" }], &items)
    });
    shown(html, "Receivables by age", gold.told.get("receivables"), |rows| {
        let note =
            |row: &Row| format!("{} on {} invoices", whole(row.number("receivables")), whole(row.number("invoices")));
        let items = items(rows, "age", |row| vec![row.number("receivables")], note);
        let mut content = bars("Receivables by age", &[Series { class: "b", name: "balance" }], &items);
        if let Some(days) = gold.figure("outstanding", "daysSalesOutstanding") {
            let text = format!("Clients take {} days to pay, by the billing of the last 90 days.", decimal(days, 0));
            content.html(&sentence(&text));
        }
        content
    });
    shown(html, "Unbilled work by age", gold.told.get("unbilled"), |rows| {
        let note =
            |row: &Row| format!("{} in {} lines", whole(row.number("unbilled")), whole(row.number("unbilledLines")));
        let items = items(rows, "age", |row| vec![row.number("unbilled")], note);
        let mut content = bars("Unbilled work by age", &[Series { class: "b", name: "amount" }], &items);
        let unknown = sum(rows, "withoutAmount");
        if unknown > 0.0 {
            content.html(&sentence(&format!(
                "{} of the lines have no known amount and count as nothing.",
                whole(unknown)
            )));
        }
        content
    });
    shown(html, "Billing audit", gold.told.get("audit"), |rows| {
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|row| vec![row.text("finding"), whole(row.number("findings")), whole(row.number("amount"))])
            .collect();
        table(&["what to look at", "how many", "amount"], &[1, 2], &rows)
    });
}

fn clients(html: &mut Html, gold: &Gold) {
    shown(html, "Profit by client", gold.told.get("clients"), |rows| {
        let series = [
            Series { class: "a", name: "profit" },
            Series { class: "d", name: "cost of hours" },
            Series { class: "b", name: "cost of products" },
        ];
        let values = |row: &Row| vec![row.number("profit"), row.number("laborCost"), row.number("productCost")];
        let note = |row: &Row| format!("{} ({})", whole(row.number("profit")), known(row, "profitPercentage", 0, " %"));
        let mut content = bars("Profit by client", &series, &items(rows, "company", values, note));
        more(&mut content, rows.len(), rows.len().min(MOST), "companies have less revenue");
        content
    });
    shown(html, "Effective hourly rate by agreement", gold.told.get("agreements"), |rows| {
        let note = |row: &Row| {
            format!("{} an hour, {} h", known(row, "effectiveHourlyRate", 2, ""), whole(row.number("hours")))
        };
        let values = |row: &Row| vec![row.number("effectiveHourlyRate")];
        let series = [Series { class: "a", name: "rate" }];
        let mut content =
            bars("Effective hourly rate by agreement", &series, &items(rows, "mainAgreement", values, note));
        more(&mut content, rows.len(), rows.len().min(MOST), "agreements have less revenue");
        content
    });
    recurring(html, gold);
    shown(html, "Agreements that end next", gold.told.get("expiring"), |rows| {
        let listed: Vec<Vec<String>> = rows
            .iter()
            .take(MOST)
            .map(|row| vec![row.text("company"), row.text("agreement"), row.text("day")])
            .collect();
        let mut content = table(&["company", "agreement", "ends"], &[2], &listed);
        more(&mut content, rows.len(), listed.len(), "agreements end later");
        content
    });
}

/// Recurring revenue by month, and what moved it.
fn recurring(html: &mut Html, gold: &Gold) {
    shown(html, "Monthly recurring revenue", gold.told.get("recurring"), |rows| {
        let note = |row: &Row| {
            let mrr = whole(row.number("mrr"));
            let change = whole(row.number("mrrChange"));
            format!("{mrr} at the end of the month, a change of {change}")
        };
        let series = [Series { class: "a", name: "recurring revenue" }];
        let items = months(rows, |row| vec![row.number("mrr")], note);
        let up_to = format!("up to {}", whole(highest(rows, "mrr")));
        let mut content = columns("Monthly recurring revenue", &series, &items, &up_to);
        let movements = [
            ("new", "newMrr"),
            ("began again", "reactivatedMrr"),
            ("larger quantities", "expansionMrr"),
            ("other prices", "priceMrr"),
            ("smaller quantities", "contractionMrr"),
            ("ended", "churnedMrr"),
        ];
        let mut bridge = Vec::new();
        if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
            bridge.push(vec![
                "before the first month".to_owned(),
                whole(first.number("mrr") - first.number("mrrChange")),
            ]);
            bridge.extend(movements.iter().map(|(name, column)| vec![(*name).to_owned(), whole(sum(rows, column))]));
            bridge.push(vec![format!("at the end of {}", last.text("month")), whole(last.number("mrr"))]);
        }
        content.html(&table(&["what moved it in these months", "a month"], &[1], &bridge));
        content
    });
}

fn tickets(html: &mut Html, gold: &Gold) {
    shown(html, "Tickets opened and closed by month", gold.told.get("flow"), |rows| {
        let series = [Series { class: "b", name: "opened" }, Series { class: "a", name: "closed" }];
        let values = |row: &Row| vec![row.number("ticketsOpened"), row.number("ticketsClosed")];
        let note = |row: &Row| {
            let opened = whole(row.number("ticketsOpened"));
            let closed = whole(row.number("ticketsClosed"));
            format!("{opened} opened, {closed} closed ({})", known(row, "killRate", 0, " %"))
        };
        let most = highest(rows, "ticketsOpened").max(highest(rows, "ticketsClosed"));
        let up_to = format!("up to {}", whole(most));
        let mut content = pairs("Tickets opened and closed", &series, &months(rows, values, note), &up_to);
        let opened = sum(rows, "ticketsOpened");
        let closed = sum(rows, "ticketsClosed");
        let text = format!(
            "{} opened and {} closed: a kill rate of {}.",
            whole(opened),
            whole(closed),
            percent(closed, opened)
        );
        content.html(&sentence(&text));
        content
    });
    shown(html, "Backlog by month", gold.told.get("backlog"), |rows| {
        let note = |row: &Row| {
            let open = whole(row.number("backlog"));
            let change = whole(row.number("backlogChange"));
            format!("{open} open at the end of the month, a change of {change}")
        };
        let items = months(rows, |row| vec![row.number("backlog")], note);
        let up_to = format!("up to {}", whole(highest(rows, "backlog")));
        columns("Backlog by month", &[Series { class: "b", name: "open" }], &items, &up_to)
    });
    shown(html, "Tickets within their SLA by month", gold.told.get("service"), |rows| {
        let values = |row: &Row| vec![row.number("slaMet")];
        let note = |row: &Row| {
            let first = known(row, "firstResponse", 0, " min");
            format!(
                "{} of {} tickets, first response {first}",
                known(row, "slaMet", 0, " %"),
                whole(row.number("tickets"))
            )
        };
        let up_to = format!("up to {} %", whole(highest(rows, "slaMet")));
        let mut content =
            columns("SLA met", &[Series { class: "a", name: "share" }], &months(rows, values, note), &up_to);
        if let Some(row) = gold.rows("sla").first() {
            let (first, resolved) =
                (known(row, "firstResponse", 0, " minutes"), known(row, "resolution", 0, " minutes"));
            let text = format!("On average the first response takes {first} and the resolution {resolved}.");
            content.html(&sentence(&text));
        }
        content
    });
    shown(html, "Open tickets by age", gold.told.get("open"), |rows| {
        let series = [Series { class: "c", name: "stale" }, Series { class: "a", name: "other open ones" }];
        let values = |row: &Row| {
            let stale = row.number("staleTickets");
            vec![stale, row.number("openTickets") - stale]
        };
        let note = |row: &Row| {
            format!("{}, {} of them stale", whole(row.number("openTickets")), whole(row.number("staleTickets")))
        };
        bars("Open tickets by age", &series, &items(rows, "age", values, note))
    });
}

/// Hours that a member's entries can fill: time off is entered, too, and holidays aren't.
fn worked_or_off(row: &Row) -> f64 {
    row.number("availableHours") + row.number("timeOffHours")
}

fn people(html: &mut Html, gold: &Gold) {
    let series = [
        Series { class: "a", name: "billable" },
        Series { class: "d", name: "other hours" },
        Series { class: "e", name: "rest of the capacity" },
    ];
    let values = |row: &Row| {
        let billable = row.number("billableHours");
        let hours = row.number("hours");
        vec![billable, hours - billable, worked_or_off(row) - hours]
    };
    let note =
        |row: &Row| format!("{} of {} h", known(row, "utilisation", 0, " %"), whole(row.number("availableHours")));
    shown(html, "Utilisation by month", gold.told.get("utilisation"), |rows| {
        let most = rows.iter().map(|row| worked_or_off(row).max(row.number("hours"))).fold(0.0, f64::max);
        columns("Utilisation by month", &series, &months(rows, values, note), &format!("up to {} h", whole(most)))
    });
    shown(html, "Utilisation by member", gold.told.get("members"), |rows| {
        let mut content = bars("Utilisation by member", &series, &items(rows, "member", values, note));
        more(&mut content, rows.len(), rows.len().min(MOST), "members are utilised less");
        content
    });
    shown(html, "Hours by agreement", gold.told.get("cover"), |rows| {
        let all = sum(rows, "hours");
        let note = |row: &Row| {
            format!(
                "{} h, {}, cost {}",
                whole(row.number("hours")),
                percent(row.number("hours"), all),
                whole(row.number("laborCost"))
            )
        };
        let items = items(rows, "agreementBehavior", |row| vec![row.number("hours")], note);
        bars("Hours by agreement", &[Series { class: "a", name: "hours" }], &items)
    });
    shown(html, "Hours of projects against their budget", gold.told.get("projects"), |rows| {
        let series = [
            Series { class: "a", name: "worked within the budget" },
            Series { class: "c", name: "worked beyond it" },
            Series { class: "e", name: "rest of the budget" },
        ];
        let values = |row: &Row| {
            let hours = row.number("hours");
            let budget = row.number("budgetHours");
            vec![hours.min(budget), hours - budget, budget - hours]
        };
        let note = |row: &Row| {
            format!(
                "{} of {} h ({})",
                whole(row.number("hours")),
                whole(row.number("budgetHours")),
                known(row, "budgetBurn", 0, " %")
            )
        };
        // The largest budgets first.
        let mut sorted = rows.to_vec();
        sorted.sort_by(|one, other| other.number("budgetHours").total_cmp(&one.number("budgetHours")));
        let mut content = bars("Hours of projects", &series, &items(&sorted, "project", values, note));
        more(&mut content, rows.len(), rows.len().min(MOST), "projects have smaller budgets");
        content
    });
}

/// Rows as a table, without ids.
fn listed(told: &Told, rows: &[Row]) -> Html {
    let shown: Vec<_> = told.columns.iter().filter(|column| column.role != Role::Id).collect();
    let header: Vec<&str> = shown.iter().map(|column| column.title.as_str()).collect();
    let is_number = |role: &Role| matches!(role, Role::Measure { .. });
    let right: Vec<usize> =
        shown.iter().enumerate().filter(|(_, column)| is_number(&column.role)).map(|(at, _)| at).collect();
    let cells = |row: &Row| {
        let cell = |role: &Role, name: &str| match (row.0.get(name), role) {
            (Some(Cell::Number(number)), Role::Measure { decimals, .. }) => decimal(*number, *decimals),
            (_, Role::Measure { .. }) => String::new(),
            _ => row.text(name),
        };
        shown.iter().map(|column| cell(&column.role, &column.name)).collect::<Vec<_>>()
    };
    let listed: Vec<Vec<String>> = rows.iter().take(MOST_ROWS).map(cells).collect();
    let mut html = table(&header, &right, &listed);
    more(&mut html, rows.len(), listed.len(), "rows: connectwise-etl ask shows them");
    html
}
