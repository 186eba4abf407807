//! Asking a saved question, and the answer.

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::NaiveDate;
use connectwise_extract::closest::advice;
use connectwise_lakehouse::{Lake, TableName};
use datafusion::common::ScalarValue;
use serde::Deserialize;

use super::catalog::{Asked, Measure};
use super::compose::{self, Cut, Filters};
use super::period;
use crate::error::{Error, Result};
use crate::query;
use crate::sql;

/// What is asked of a question. What isn't said is as the question has it.
#[derive(Debug, Clone, Default)]
pub struct AskRequest {
    /// What the answer is cut by.
    pub by: Vec<String>,
    /// Name, identifier or id of a company.
    pub company: Option<String>,
    /// First day, month or year that counts.
    pub from: Option<String>,
    /// Last day, month or year that counts.
    pub to: Option<String>,
}

/// What a column of an answer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// The id of what the column behind it names.
    Id,
    /// What the answer is cut by.
    Cut,
    /// A number.
    Measure {
        /// Money, hours, % and so on, or the noun that is counted.
        unit: String,
        /// Decimal places that are shown.
        decimals: usize,
    },
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// As it is called in the rows.
    pub name: String,
    /// As people read it.
    pub title: String,
    /// What it holds.
    pub role: Role,
}

/// A value of a column, for people.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Nothing,
    /// A text, of an id or a cut.
    Text(String),
    /// A number, of a measure.
    Number(f64),
}

/// The answer to a question.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The columns of the rows.
    pub columns: Vec<Column>,
    /// The rows, in order. There is always a batch, if an empty one.
    pub rows: Vec<RecordBatch>,
    /// The SELECT that was asked, with placeholders for what was bound.
    pub sql: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Company {
    company_id: i32,
    company_name: Option<String>,
    company_identifier: Option<String>,
}

/// Asks a question of the gold tables of a lakehouse.
///
/// # Errors
/// [`Kind::Usage`](crate::error::Kind::Usage), one sentence, for a cut, a period or a company that can't be asked for and for a table that isn't there;
/// [`Kind::Sql`](crate::error::Kind::Sql) when the SELECT fails.
pub async fn ask(lake: &Lake, asked: &Asked<'_>, request: &AskRequest) -> Result<Answer> {
    let by: Vec<&str> = match request.by.as_slice() {
        [] => asked.by.clone(),
        by => by.iter().map(|name| name.trim()).collect(),
    };
    let cuts = compose::cuts(asked.rows, &by)?;
    let (from, to) = days(asked, request)?;
    let companies = match &request.company {
        Some(wanted) => companies(lake, asked, wanted).await?,
        None => Vec::new(),
    };
    let filters = Filters { companies: companies.len(), from: from.is_some(), to: to.is_some() };
    let sql = compose::select(asked, &by, &filters)?;
    let mut values: Vec<(String, ScalarValue)> = companies
        .into_iter()
        .enumerate()
        .map(|(at, id)| (format!("company{at}"), ScalarValue::Int32(Some(id))))
        .collect();
    values.extend(from.map(|day| ("from".to_owned(), date(day))));
    values.extend(to.map(|day| ("to".to_owned(), date(day))));
    let rows = query::select_bound(lake, &sql, values).await?;
    // What only puts the rows in order is nothing to read.
    let hidden = |name: &str| cuts.iter().any(|cut| matches!(cut, Cut::Dimension(of) if of.order() == Some(name)));
    let rows = rows.iter().map(|batch| {
        let schema = batch.schema();
        let kept: Vec<usize> = (0..batch.num_columns()).filter(|at| !hidden(schema.field(*at).name())).collect();
        batch.project(&kept)
    });
    let rows = rows.collect::<Result<Vec<_>, _>>();
    let rows = rows.map_err(|error| Error::unread_answer().with_source(error))?;
    Ok(Answer { columns: columns(asked, &cuts), rows, sql })
}

/// The first table that a question reads and the lakehouse lacks.
///
/// # Errors
/// When a table can't be opened.
pub async fn lacking(lake: &Lake, asked: &Asked<'_>) -> Result<Option<String>> {
    for table in sql::tables(&asked.rows.sql) {
        if !lake.table(&TableName::gold(&table)).await?.exists() {
            return Ok(Some(table));
        }
    }
    Ok(None)
}

fn columns(asked: &Asked<'_>, cuts: &[Cut<'_>]) -> Vec<Column> {
    let mut columns = Vec::new();
    for cut in cuts {
        if let Cut::Dimension(dimension) = cut {
            let id = dimension.id().map(|id| Column { name: id.to_owned(), title: words(id), role: Role::Id });
            columns.extend(id);
        }
        columns.push(Column { name: cut.name().to_owned(), title: words(cut.name()), role: Role::Cut });
    }
    columns.extend(asked.measures.iter().map(|measure| Column {
        name: measure.column(),
        title: title(measure),
        role: Role::Measure { unit: measure.unit.clone(), decimals: measure.decimals() },
    }));
    columns
}

/// The name with its unit, where the name doesn't tell it.
fn title(measure: &Measure) -> String {
    match measure.unit.as_str() {
        unit @ ("%" | "days" | "minutes" | "hours") if !measure.name.split(' ').any(|word| word == unit) => {
            format!("{} ({unit})", measure.name)
        }
        _ => measure.name.clone(),
    }
}

/// `mainAgreement` as `main agreement`.
fn words(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            text.push(' ');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

fn date(day: NaiveDate) -> ScalarValue {
    ScalarValue::Date32(Some(day.to_epoch_days()))
}

/// The first and the last day that count.
fn days(asked: &Asked<'_>, request: &AskRequest) -> Result<(Option<NaiveDate>, Option<NaiveDate>)> {
    let from = request.from.as_deref().map(period::days).transpose()?.map(|(first, _)| first);
    let to = request.to.as_deref().map(period::days).transpose()?.map(|(_, last)| last);
    if (from.is_some() || to.is_some()) && asked.rows.period.is_none() {
        return Err(Error::timeless(asked.name));
    }
    match (from, to) {
        (Some(from), Some(to)) if from > to => Err(Error::empty_period(from, to)),
        days => Ok(days),
    }
}

/// Ids of the companies that somebody means: those with the name, else with the identifier, else with the id.
async fn companies(lake: &Lake, asked: &Asked<'_>, wanted: &str) -> Result<Vec<i32>> {
    let is_known = asked.rows.dimension("company").is_some_and(|dimension| dimension.id() == Some("companyId"));
    if !is_known {
        return Err(Error::no_companies(asked.name));
    }
    let all = "select companyId, companyName, companyIdentifier from dimcompany where companyId is not null order by companyId";
    let rows = query::json(&query::select(lake, all).await?)?;
    let all: Vec<Company> =
        serde_json::from_slice(&rows).map_err(|error| Error::foreign_columns("dimcompany").with_source(error))?;
    let lower = wanted.trim().to_lowercase();
    let is = |text: Option<&str>| text.is_some_and(|text| text.trim().to_lowercase() == lower);
    let by: [&dyn Fn(&&Company) -> bool; 3] = [
        &|company| is(company.company_name.as_deref()),
        &|company| is(company.company_identifier.as_deref()),
        &|company| is(Some(&company.company_id.to_string())),
    ];
    for by in by {
        let found: Vec<i32> = all.iter().filter(by).map(|company| company.company_id).collect();
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let names = all.iter().filter_map(|company| company.company_name.as_deref());
    let advice = advice(wanted, names, "connectwise-etl query \"select * from dimcompany\" lists all");
    Err(Error::unknown_company(wanted, &advice))
}

impl Answer {
    /// The values, row by row, for people. What has an id and no name is called by its id.
    ///
    /// # Errors
    /// [`Kind::Sql`](crate::error::Kind::Sql) when a column has no text or isn't a number.
    pub fn cells(&self) -> Result<Vec<Vec<Cell>>> {
        let fault = |error| Error::unread_answer().with_source(error);
        let mut rows = Vec::new();
        for batch in &self.rows {
            let columns = self.columns.iter().zip(batch.columns());
            let columns = columns.map(|(column, values)| cells(column, values)).collect::<Result<Vec<_>, _>>();
            let columns = columns.map_err(fault)?;
            for row in 0..batch.num_rows() {
                rows.push(self.named(columns.iter().filter_map(|column| column.get(row).cloned()).collect()));
            }
        }
        Ok(rows)
    }

    fn named(&self, mut row: Vec<Cell>) -> Vec<Cell> {
        for at in 1..row.len() {
            let is_named_by = |at: usize| self.columns.get(at).is_some_and(|column| column.role == Role::Id);
            if let (Some(Cell::Text(id)), Some(Cell::Nothing), true) =
                (row.get(at - 1), row.get(at), is_named_by(at - 1))
            {
                let name = Cell::Text(format!("#{id}"));
                row.splice(at..=at, [name]);
            }
        }
        row
    }
}

fn cells(column: &Column, values: &ArrayRef) -> Result<Vec<Cell>, arrow::error::ArrowError> {
    if matches!(column.role, Role::Measure { .. }) {
        let numbers = cast(values, &DataType::Float64)?;
        let numbers = arrow::array::AsArray::as_primitive::<Float64Type>(numbers.as_ref());
        return Ok(numbers.iter().map(|number| number.map_or(Cell::Nothing, Cell::Number)).collect());
    }
    let options = FormatOptions::default().with_display_error(true);
    let texts = ArrayFormatter::try_new(values.as_ref() as &dyn Array, &options)?;
    let cell = |row| if values.is_null(row) { Cell::Nothing } else { Cell::Text(texts.value(row).to_string()) };
    Ok((0..values.len()).map(cell).collect())
}
