//! What is wrong with the measures and questions of a project.

use std::collections::BTreeSet;

use connectwise_extract::closest::advice;
use connectwise_lakehouse::{Lake, TableName};
use datafusion::prelude::SessionContext;

use super::catalog::{Asked, Catalog, FORMATS, Measure, PERIODS, Question, Rows, TOTAL};
use super::compose::{Filters, select};
use crate::error::{Error, Result};
use crate::gold::{self, GoldConfig};
use crate::sql;

/// A sentence for each thing that is wrong, as far as that needs no SQL to be planned.
pub(super) fn of(catalog: &Catalog) -> Vec<String> {
    let mut found = Vec::new();
    named("rows", catalog.rows.iter().map(|rows| (rows.name.as_str(), rows.own)), &mut found);
    named("measure", catalog.measures.iter().map(|measure| (measure.name.as_str(), measure.own)), &mut found);
    named("question", catalog.questions.iter().map(|question| (question.name.as_str(), question.own)), &mut found);
    for rows in catalog.rows.iter().filter(|rows| rows.own) {
        found.extend(of_rows(rows).into_iter().map(|why| format!("the rows {:?} {why}", rows.name)));
    }
    for measure in catalog.measures.iter().filter(|measure| measure.own) {
        found.extend(
            of_measure(catalog, measure).into_iter().map(|why| format!("the measure {:?} {why}", measure.name)),
        );
    }
    for question in catalog.questions.iter().filter(|question| question.own) {
        let why = of_question(catalog, question);
        found.extend(why.into_iter().map(|why| format!("the question {:?} {why}", question.name)));
    }
    found
}

/// Names are lower-case words, and each is there once.
fn named<'a>(what: &str, names: impl Iterator<Item = (&'a str, bool)>, found: &mut Vec<String>) {
    let is_word =
        |word: &str| !word.is_empty() && word.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit());
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    for (name, own) in names {
        if own && !(name.starts_with(|first: char| first.is_ascii_lowercase()) && name.split(' ').all(is_word)) {
            found.push(format!(
                "the {what} {name:?} can't be called so: a name is lower-case words of letters and digits"
            ));
        }
        if !taken.insert(name) && own {
            found.push(format!("the {what} {name:?} can't be called so: the name is taken"));
        }
    }
}

fn of_rows(rows: &Rows) -> Vec<String> {
    let mut wrong = Vec::new();
    if rows.sql.trim().is_empty() {
        wrong.push("have no SELECT".to_owned());
    }
    let mut taken: BTreeSet<&str> = PERIODS.iter().map(|(name, _)| *name).collect();
    for dimension in &rows.dimensions {
        for column in std::iter::once(dimension.name.as_str()).chain(dimension.beside.as_deref()) {
            if !TableName::is_name(column) {
                wrong.push(format!("have a dimension with the column {column:?}, which is no name of a column"));
            }
        }
        if dimension.name == TOTAL || !taken.insert(&dimension.name) {
            wrong.push(format!("have the dimension {:?} twice, or call one like a period", dimension.name));
        }
    }
    wrong
}

fn of_measure(catalog: &Catalog, measure: &Measure) -> Vec<String> {
    let mut wrong = Vec::new();
    if measure.sql.trim().is_empty() {
        wrong.push("has no SQL".to_owned());
    }
    if measure.unit.trim().is_empty() {
        wrong.push("has no unit".to_owned());
    }
    let formats = FORMATS.map(|(format, _)| format);
    if !formats.contains(&measure.format.as_str()) {
        wrong.push(format!("has the format {:?}, and the formats are {}", measure.format, formats.join(", ")));
    }
    if measure.rows.is_empty() {
        wrong.push("is computed from no rows".to_owned());
    }
    wrong.extend(measure.rows.iter().filter_map(|name| no_rows(catalog, name)));
    for rows in measure.rows.iter().filter_map(|name| catalog.rows(name)) {
        let column = measure.column();
        let beside = rows.dimensions.iter().filter_map(|dimension| dimension.beside.as_deref());
        if rows.cuts().into_iter().chain(beside).any(|taken| taken == column) {
            wrong.push(format!("has the column {column}, which is a dimension of the rows {:?}", rows.name));
        }
    }
    wrong
}

fn no_rows(catalog: &Catalog, name: &str) -> Option<String> {
    let names = catalog.rows.iter().map(|rows| rows.name.as_str());
    let advice = || advice(name, names, "a [[rows]] of that name has to be in the file");
    catalog
        .rows(name)
        .is_none()
        .then(|| format!("is computed from the rows {name:?}, which aren't there: {}", advice()))
}

fn of_question(catalog: &Catalog, question: &Question) -> Vec<String> {
    let Some(rows) = catalog.rows(&question.rows) else {
        return no_rows(catalog, &question.rows).into_iter().collect();
    };
    let mut wrong = Vec::new();
    if question.group.trim().is_empty() {
        wrong.push("has no group".to_owned());
    }
    if question.measures.is_empty() {
        wrong.push("has no measure".to_owned());
    }
    for name in &question.measures {
        match catalog.measure(name) {
            None => {
                let names = catalog.measures.iter().map(|measure| measure.name.as_str());
                let advice = advice(name, names, "a [[measure]] of that name has to be in the file");
                wrong.push(format!("asks for the measure {name:?}, which isn't there: {advice}"));
            }
            Some(measure) if !measure.rows.contains(&question.rows) => {
                wrong.push(format!(
                    "asks for the measure {name:?}, which isn't computed from the rows {:?}",
                    question.rows
                ));
            }
            Some(_) => {}
        }
    }
    let by: Vec<&str> = question.by.iter().map(String::as_str).collect();
    wrong.extend(super::compose::cuts(rows, &by).err().map(|error| format!("can't be cut: {error}")));
    wrong
}

/// Plans every SELECT of the project's own rows, measures and questions over empty tables: what can't be planned is told before it
/// is asked.
///
/// # Errors
/// [`Kind::Usage`](crate::error::Kind::Usage), one sentence that names the file.
pub async fn check(lake: &Lake, config: &GoldConfig, catalog: &Catalog) -> Result<()> {
    let session = empty_gold(lake, config)?;
    let (file, _) = config.models.measures();
    for (what, sql) in selects(catalog, |own| own)? {
        let planned = sql::select(&session, &sql).await;
        planned.map_err(|error| Error::wrong_file(&file, format_args!("{what} {}", error.report())))?;
    }
    Ok(())
}

/// A session in which every gold table is there, without a row.
pub(super) fn empty_gold(lake: &Lake, config: &GoldConfig) -> Result<SessionContext> {
    let session = lake.session()?;
    gold::register_functions(&session);
    for (name, schema) in gold::schemas_with(config)? {
        let empty = arrow::array::RecordBatch::new_empty(schema);
        session.register_batch(&name, empty).map_err(crate::error::sql_error)?;
    }
    Ok(session)
}

/// What everything that is wanted, by whether it is the project's, would ask: rows with all their dimensions, measures alone, and questions.
pub(super) fn selects(catalog: &Catalog, wanted: impl Fn(bool) -> bool) -> Result<Vec<(String, String)>> {
    let mut selects = Vec::new();
    let count = Measure {
        name: "rows counted".to_owned(),
        description: String::new(),
        rows: Vec::new(),
        unit: String::new(),
        format: String::new(),
        sql: "count(*)".to_owned(),
        own: false,
    };
    for rows in catalog.rows.iter().filter(|rows| wanted(rows.own)) {
        let asked = Asked { name: "", description: "", rows, measures: vec![&count], by: rows.cuts() };
        selects.push((
            format!("the rows {:?} can't be planned:", rows.name),
            select(&asked, &asked.by, &Filters::default())?,
        ));
    }
    for measure in catalog.measures.iter().filter(|measure| wanted(measure.own)) {
        for rows in measure.rows.iter().filter_map(|name| catalog.rows(name)) {
            let asked = Asked { name: "", description: "", rows, measures: vec![measure], by: vec![TOTAL] };
            let what = format!("the measure {:?} can't be planned:", measure.name);
            selects.push((what, select(&asked, &asked.by, &Filters::default())?));
        }
    }
    for question in catalog.questions.iter().filter(|question| wanted(question.own)) {
        let asked = catalog.asked(&question.name)?;
        let what = format!("the question {:?} can't be planned:", question.name);
        selects.push((what, select(&asked, &asked.by, &Filters::default())?));
    }
    Ok(selects)
}
