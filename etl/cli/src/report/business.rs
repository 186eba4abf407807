//! What gold says, in pictures.

use super::card::{card, more, sentence};
use super::chart::{Item, Series, bars, columns};
use super::gold::{Aged, Answer, Gold, Month};
use super::html::Html;
use super::words::{name, percent, whole};

/// An answer of gold as a picture, or a sentence.
fn shown<T>(html: &mut Html, title: &str, answer: &Answer<T>, picture: impl FnOnce(&[T]) -> Html) {
    let content = match answer {
        Err(table) => sentence(&format!("There is no table {table} yet: connectwise-etl run builds it.")),
        Ok(rows) if rows.is_empty() => sentence("There is nothing to show: no row answers this."),
        Ok(rows) => picture(rows),
    };
    card(html, title, &content);
}

/// The label without the number in front, which only sorts.
fn unnumbered(row: &Aged) -> String {
    row.age.split_once(' ').map_or(row.age.as_str(), |(_, age)| age).to_owned()
}

/// A bar for each row.
fn aged(title: &str, series: Series, rows: &[Aged], note: impl Fn(&Aged) -> String) -> Html {
    let items = rows.iter().map(|row| Item { label: unnumbered(row), values: vec![row.amount], note: note(row) });
    bars(title, &[series], &items.collect::<Vec<_>>())
}

pub(super) fn cards(html: &mut Html, gold: &Gold) {
    shown(html, "Hours by month, and how many are billable", &gold.months, |months| {
        let series = [Series { class: "a", name: "billable" }, Series { class: "d", name: "other" }];
        let items: Vec<Item> = months
            .iter()
            .map(|month| Item {
                label: format!("{}-{:02}", month.year, month.month),
                values: vec![month.billable, month.hours - month.billable],
                note: format!("{} h, {} billable", whole(month.hours), percent(month.billable, month.hours)),
            })
            .collect();
        let highest = months.iter().map(|month| month.hours).fold(0.0, f64::max);
        let mut content = columns("Hours by month", &series, &items, &format!("up to {} h", whole(highest)));
        let sum = |of: fn(&Month) -> f64| months.iter().map(of).sum::<f64>();
        let share = percent(sum(|month| month.billable), sum(|month| month.hours));
        content.html(&sentence(&format!("{share} of {} h are billable.", whole(sum(|month| month.hours)))));
        more(&mut content, months.first().map_or(0, |month| month.all), months.len(), "months lie before them");
        content
    });
    shown(html, "Utilisation by member, last 90 days of work", &gold.members, |members| {
        let series = [
            Series { class: "a", name: "billable" },
            Series { class: "d", name: "other hours" },
            Series { class: "e", name: "rest of the capacity" },
        ];
        let items = members.iter().map(|member| Item {
            label: name(member.name.as_deref()),
            values: vec![member.billable, member.hours - member.billable, member.capacity - member.hours],
            note: format!("{} of {} h", percent(member.billable, member.capacity), whole(member.capacity)),
        });
        let mut content = bars("Utilisation by member", &series, &items.collect::<Vec<_>>());
        more(
            &mut content,
            members.first().map_or(0, |member| member.all),
            members.len(),
            "members have less billable work",
        );
        content
    });
    shown(html, "Margin by company", &gold.companies, |companies| {
        let series = [Series { class: "a", name: "margin" }, Series { class: "d", name: "cost" }];
        let items = companies.iter().map(|company| Item {
            label: name(company.name.as_deref()),
            values: vec![company.margin, company.revenue - company.margin],
            note: format!("{} ({})", whole(company.margin), percent(company.margin, company.revenue)),
        });
        let mut content = bars("Margin by company", &series, &items.collect::<Vec<_>>());
        let counted = "Counted is the revenue of invoices: their time, expenses and products, and what their headers say beyond \
                       these. Work on no invoice yet is not.";
        content.html(&sentence(counted));
        more(
            &mut content,
            companies.first().map_or(0, |company| company.all),
            companies.len(),
            "companies have less revenue",
        );
        content
    });
    shown(html, "Hours by agreement", &gold.coverage, |coverage| {
        let hours: f64 = coverage.iter().map(|row| row.hours).sum();
        let items = coverage.iter().map(|row| Item {
            label: row.behavior.clone(),
            values: vec![row.hours],
            note: format!("{} h, {}, worth {}", whole(row.hours), percent(row.hours, hours), whole(row.revenue)),
        });
        bars("Hours by agreement", &[Series { class: "a", name: "hours" }], &items.collect::<Vec<_>>())
    });
    shown(html, "Revenue by what explains it", &gold.sources, |sources| {
        let all: f64 = sources.iter().map(|row| row.amount).sum();
        let series = Series { class: "a", name: "revenue" };
        aged("Revenue by what explains it", series, sources, |row| {
            format!("{}, {}", whole(row.amount), percent(row.amount, all))
        })
    });
    shown(html, "Receivables by age", &gold.receivables, |ages| {
        let series = Series { class: "b", name: "balance" };
        aged("Receivables by age", series, ages, |row| format!("{} on {} invoices", whole(row.amount), row.lines))
    });
    shown(html, "Unbilled work by age", &gold.unbilled, |ages| {
        let series = Series { class: "b", name: "amount" };
        let note = |row: &Aged| format!("{} in {} lines", whole(row.amount), row.lines);
        let mut content = aged("Unbilled work by age", series, ages, note);
        let counted =
            "Work that an agreement covers (operations, prepaid, internal) is nothing to bill and not counted.";
        content.html(&sentence(counted));
        content
    });
}
