//! The saved questions that the page asks. Where a table is missing, a sentence takes the place of the picture.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use connectwise_lakehouse::Lake;
use connectwise_pipeline::error::Result;
use connectwise_pipeline::measures::{self, AskRequest, Asked, Catalog, Cell, Column};

use crate::error;

/// Months that the page looks back.
const MONTHS: u32 = 12;

/// What the page asks: a question or a measure, what it is cut by where that isn't as the question has it, and what it is called here.
const WANTED: [(&str, &str, &str); 21] = [
    ("revenue by month", "", "revenue"),
    ("client profitability", "", "clients"),
    ("client profitability", "total", "profit"),
    ("agreement profit", "", "agreements"),
    ("revenue by source", "", "sources"),
    ("recurring revenue", "", "recurring"),
    ("utilisation", "", "members"),
    ("utilisation by month", "", "utilisation"),
    ("utilisation", "total", "capacity"),
    ("hours by cover", "", "cover"),
    ("tickets opened and closed", "", "flow"),
    ("backlog by month", "", "backlog"),
    ("service levels", "", "service"),
    ("service levels", "total", "sla"),
    ("open tickets by age", "", "open"),
    ("receivables by age", "", "receivables"),
    ("days sales outstanding", "", "outstanding"),
    ("unbilled by age", "", "unbilled"),
    ("project budget", "", "projects"),
    ("billing audit", "", "audit"),
    ("expiring agreements", "", "expiring"),
];

/// A row of an answer by the names of its columns.
#[derive(Debug, Clone, Default)]
pub(super) struct Row(pub(super) BTreeMap<String, Cell>);

impl Row {
    /// A number; one that isn't known counts as nothing.
    pub(super) fn number(&self, column: &str) -> f64 {
        self.known(column).unwrap_or_default()
    }

    /// A number, where it is known.
    pub(super) fn known(&self, column: &str) -> Option<f64> {
        match self.0.get(column) {
            Some(Cell::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// What the row is called.
    pub(super) fn text(&self, column: &str) -> String {
        match self.0.get(column) {
            Some(Cell::Text(text)) if !text.trim().is_empty() => text.trim().to_owned(),
            _ => "(none)".to_owned(),
        }
    }
}

/// The answer to a question.
#[derive(Debug, Clone)]
pub(super) struct Told {
    /// What was asked.
    pub(super) name: String,
    /// What it answers.
    pub(super) description: String,
    pub(super) columns: Vec<Column>,
    /// The rows, or the table that is missing.
    pub(super) rows: std::result::Result<Vec<Row>, String>,
}

#[derive(Debug, Default)]
pub(super) struct Gold {
    /// The months that are shown, and their first and last.
    pub(super) months: Option<(String, String)>,
    /// Answers by what they are called here.
    pub(super) told: BTreeMap<&'static str, Told>,
    /// Questions of the user's project.
    pub(super) own: Vec<Told>,
}

impl Gold {
    /// Rows of an answer; none where there is none.
    pub(super) fn rows(&self, name: &str) -> &[Row] {
        self.told.get(name).and_then(|told| told.rows.as_deref().ok()).unwrap_or_default()
    }

    /// A number of an answer that is one row.
    pub(super) fn figure(&self, name: &str, column: &str) -> Option<f64> {
        self.rows(name).first().and_then(|row| row.known(column))
    }
}

pub(super) async fn read(lake: &Lake, catalog: &Catalog, now: DateTime<Utc>) -> Result<Gold> {
    let months = months(lake, catalog, now.date_naive()).await?;
    let mut gold = Gold { months: months.clone(), ..Gold::default() };
    for (question, by, name) in WANTED {
        let asked = catalog.asked(question)?;
        let by = if by.is_empty() { Vec::new() } else { vec![by.to_owned()] };
        gold.told.insert(name, told(lake, &asked, by, months.as_ref()).await?);
    }
    for question in catalog.questions().into_iter().filter(|question| question.own) {
        let asked = catalog.asked(&question.name)?;
        gold.own.push(told(lake, &asked, Vec::new(), months.as_ref()).await?);
    }
    Ok(gold)
}

/// The last months up to today with work or invoices: a tenant that isn't loaded any more has its own.
async fn months(lake: &Lake, catalog: &Catalog, today: NaiveDate) -> Result<Option<(String, String)>> {
    let asked = catalog.asked("revenue by month")?;
    let told = told(lake, &asked, Vec::new(), None).await?;
    let month = |day: NaiveDate| format!("{}-{:02}", day.year(), day.month());
    let this = month(today);
    // Where a table is lacking no month is known, and the questions themselves say which.
    let rows = told.rows.unwrap_or_default();
    let known =
        rows.iter().filter(|row| matches!(row.0.get("month"), Some(Cell::Text(_)))).map(|row| row.text("month"));
    let last = known.filter(|month| *month <= this).max();
    let Some(last) = last else { return Ok(None) };
    let day = NaiveDate::parse_from_str(&format!("{last}-01"), "%Y-%m-%d");
    let first = day.ok().and_then(|day| day.checked_sub_months(Months::new(MONTHS - 1)));
    Ok(first.map(|first| (month(first), last)))
}

/// An answer of the months that are shown, where the question has a period.
async fn told(lake: &Lake, asked: &Asked<'_>, by: Vec<String>, months: Option<&(String, String)>) -> Result<Told> {
    let name = asked.name.to_owned();
    let description = asked.description.to_owned();
    if let Some(table) = measures::lacking(lake, asked).await? {
        return Ok(Told { name, description, columns: Vec::new(), rows: Err(table) });
    }
    // What is to come, or waits, is of all times.
    let is_of_all_times =
        ["expiring agreements", "receivables by age", "unbilled by age", "project hours"].contains(&asked.name);
    let months = months.filter(|_| asked.rows.period.is_some() && !is_of_all_times);
    let (from, to) = months.cloned().unzip();
    let answer = measures::ask(lake, asked, &AskRequest { by, company: None, from, to }).await?;
    let names: Vec<&str> = answer.columns.iter().map(|column| column.name.as_str()).collect();
    let row = |cells: Vec<Cell>| Row(names.iter().map(|name| (*name).to_owned()).zip(cells).collect());
    let rows: Vec<Row> = answer.cells()?.into_iter().map(row).collect();
    if rows.iter().any(|row| row.0.len() != names.len()) {
        return Err(error::incomplete_answer(&name));
    }
    Ok(Told { name, description, columns: answer.columns.clone(), rows: Ok(rows) })
}
