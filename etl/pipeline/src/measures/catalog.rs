//! The measures and saved questions that there are.

use std::collections::BTreeSet;

use connectwise_extract::closest::{advice, suggested};
use serde::{Deserialize, Serialize};

use super::problems;
use crate::error::{Error, Result};
use crate::gold::OwnModels;

const BUILT_IN: &str = include_str!("../../models/measures.toml");

/// What rows with a day can be cut by, beside their own dimensions: the name, and the text that `q.day` gives for it.
pub const PERIODS: [(&str, &str); 4] = [
    ("day", "q.day"),
    ("month", "substr(cast(q.day as string), 1, 7)"),
    (
        "quarter",
        "substr(cast(q.day as string), 1, 4) || ' Q' || cast(cast(extract(quarter from q.day) as int) as string)",
    ),
    ("year", "substr(cast(q.day as string), 1, 4)"),
];

/// Asks for one row, without any cut.
pub(super) const TOTAL: &str = "total";

/// Formats of numbers, and the decimal places that each shows.
pub(super) const FORMATS: [(&str, usize); 3] = [("#,0", 0), ("#,0.0", 1), ("#,0.00", 2)];

/// What rows can be cut by.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Dimension {
    /// The column with the text.
    pub name: String,
    /// The column that tells rows of the same text apart, or puts the texts in order.
    pub beside: Option<String>,
}

impl From<String> for Dimension {
    fn from(text: String) -> Self {
        match text.split_once(':') {
            Some((name, beside)) => Self { name: name.to_owned(), beside: Some(beside.to_owned()) },
            None => Self { name: text, beside: None },
        }
    }
}

impl Dimension {
    /// The column with the id of what the text names.
    pub(super) fn id(&self) -> Option<&str> {
        self.beside.as_deref().filter(|column| column.ends_with("Id"))
    }

    /// The column that puts the texts in order.
    pub(super) fn order(&self) -> Option<&str> {
        self.beside.as_deref().filter(|column| !column.ends_with("Id"))
    }
}

/// A SELECT over gold whose rows are summed up.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// What they are called.
    pub name: String,
    /// What a row is.
    pub description: String,
    /// Which day the column `day` is. Rows without one have no period.
    pub period: Option<String>,
    /// What they can be cut by, beside [`PERIODS`].
    pub dimensions: Vec<Dimension>,
    /// The SELECT.
    pub sql: String,
    /// Whether they are of the user's project.
    #[serde(skip)]
    pub own: bool,
}

impl Rows {
    /// Everything that the rows can be cut by.
    pub fn cuts(&self) -> Vec<&str> {
        let periods = PERIODS.iter().map(|(name, _)| *name).filter(|_| self.period.is_some());
        periods.chain(self.dimensions.iter().map(|dimension| dimension.name.as_str())).collect()
    }

    pub(super) fn dimension(&self, name: &str) -> Option<&Dimension> {
        self.dimensions.iter().find(|dimension| dimension.name == name)
    }
}

/// A number that is computed from rows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Names of the rows that it can be computed from.
    pub rows: Vec<String>,
    /// Money, hours, % and so on, or the noun that is counted.
    pub unit: String,
    /// How it is shown.
    pub format: String,
    /// An aggregate over the rows, as `r`.
    pub sql: String,
    /// Whether it is of the user's project.
    #[serde(skip)]
    pub own: bool,
}

impl Measure {
    /// Its column: the name in camel case.
    pub fn column(&self) -> String {
        let mut column = String::new();
        for (at, word) in self.name.split(' ').enumerate() {
            let mut letters = word.chars();
            match letters.next().filter(|_| at > 0) {
                Some(first) => column.extend(first.to_uppercase().chain(letters)),
                None => column.push_str(word),
            }
        }
        column
    }

    /// Decimal places that are shown.
    pub fn decimals(&self) -> usize {
        FORMATS.iter().find(|(format, _)| *format == self.format).map_or(2, |(_, decimals)| *decimals)
    }
}

/// A question that can be asked by its name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What it is asked by.
    pub name: String,
    /// Under which it is listed.
    pub group: String,
    /// What it answers.
    pub description: String,
    /// The rows that it is computed from.
    pub rows: String,
    /// Names of its measures.
    pub measures: Vec<String>,
    /// What it is cut by, where nobody says anything else.
    pub by: Vec<String>,
    /// Whether it is of the user's project.
    #[serde(skip)]
    pub own: bool,
}

/// A question with what it is computed from.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// What was asked for.
    pub name: &'a str,
    /// What it answers.
    pub description: &'a str,
    /// The rows that it is computed from.
    pub rows: &'a Rows,
    /// Its measures.
    pub measures: Vec<&'a Measure>,
    /// What it is cut by.
    pub by: Vec<&'a str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CatalogFile {
    pub(super) rows: Vec<Rows>,
    pub(super) measure: Vec<Measure>,
    pub(super) question: Vec<Question>,
}

/// The built-in measures and questions, and those of the user's project behind them.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    pub(super) rows: Vec<Rows>,
    pub(super) measures: Vec<Measure>,
    pub(super) questions: Vec<Question>,
}

impl Catalog {
    /// What is built in, and what the project's `measures.toml` adds. No SQL is planned: [`check`](super::check) does that.
    ///
    /// # Errors
    /// [`Kind::Usage`](crate::error::Kind::Usage) where the file of the project isn't what it has to be, one sentence that names it.
    pub fn load(own: &OwnModels) -> Result<Self> {
        let mut catalog = Self::built_in()?;
        let (file, text) = own.measures();
        if text.trim().is_empty() {
            return Ok(catalog);
        }
        let wrong = |why: String| Error::wrong_file(&file, why);
        let added = parse(text).map_err(wrong)?;
        catalog.add(added, true);
        match problems::of(&catalog).as_slice() {
            [] => Ok(catalog),
            found => Err(wrong(found.join("; "))),
        }
    }

    pub(super) fn built_in() -> Result<Self> {
        let mut catalog = Self::default();
        let broken = |why: String| Error::built_in_measures(&why);
        catalog.add(parse(BUILT_IN).map_err(broken)?, false);
        Ok(catalog)
    }

    pub(super) fn add(&mut self, file: CatalogFile, own: bool) {
        self.rows.extend(file.rows.into_iter().map(|rows| Rows { own, ..rows }));
        self.measures.extend(file.measure.into_iter().map(|measure| Measure { own, ..measure }));
        self.questions.extend(file.question.into_iter().map(|question| Question { own, ..question }));
    }

    /// Whether the user's project adds anything.
    pub fn has_own(&self) -> bool {
        self.rows.iter().any(|one| one.own)
            || self.measures.iter().any(|one| one.own)
            || self.questions.iter().any(|one| one.own)
    }

    /// The saved questions, those of a group one after the other.
    pub fn questions(&self) -> Vec<&Question> {
        let mut groups: Vec<&str> = Vec::new();
        for question in &self.questions {
            if !groups.contains(&question.group.as_str()) {
                groups.push(&question.group);
            }
        }
        groups.into_iter().flat_map(|group| self.questions.iter().filter(move |one| one.group == group)).collect()
    }

    /// What a question is computed from.
    ///
    /// # Errors
    /// [`Kind::Usage`](crate::error::Kind::Usage) for a name that is neither a question's nor a measure's, with those that are like it. A measure that can be computed
    /// from several rows is computed from the first.
    pub fn asked(&self, name: &str) -> Result<Asked<'_>> {
        let wanted = name.trim().to_lowercase();
        let missing = || Error::internal("a measure names what measures.toml lacks");
        if let Some(question) = self.questions.iter().find(|question| question.name.to_lowercase() == wanted) {
            return Ok(Asked {
                name: &question.name,
                description: &question.description,
                rows: self.rows(&question.rows).ok_or_else(missing)?,
                measures: question
                    .measures
                    .iter()
                    .map(|name| self.measure(name))
                    .collect::<Option<_>>()
                    .ok_or_else(missing)?,
                by: question.by.iter().map(String::as_str).collect(),
            });
        }
        if let Some(measure) = self.measures.iter().find(|measure| measure.name == wanted) {
            let rows = measure.rows.first().and_then(|rows| self.rows(rows)).ok_or_else(missing)?;
            let by = if rows.period.is_some() { "month" } else { TOTAL };
            let name = &measure.name;
            let description = &measure.description;
            return Ok(Asked { name, description, rows, measures: vec![measure], by: vec![by] });
        }
        let names: BTreeSet<&str> = self.questions.iter().map(|question| question.name.as_str()).collect();
        let measures = self.measures.iter().map(|measure| measure.name.as_str()).filter(|name| !names.contains(name));
        let names = self.questions.iter().map(|question| question.name.as_str()).chain(measures);
        let advice = advice(name, names, "connectwise-etl ask lists all questions");
        Err(Error::unknown_question(name, &advice))
    }

    pub(super) fn rows(&self, name: &str) -> Option<&Rows> {
        self.rows.iter().find(|rows| rows.name == name)
    }

    pub(super) fn measure(&self, name: &str) -> Option<&Measure> {
        self.measures.iter().find(|measure| measure.name == name)
    }
}

/// A question as it is listed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedQuestion<'a> {
    question: &'a str,
    group: &'a str,
    description: &'a str,
    by: &'a [String],
    cuts: Vec<&'a str>,
    period: Option<&'a str>,
    measures: Vec<ListedMeasure<'a>>,
}

#[derive(Debug, Serialize)]
struct ListedMeasure<'a> {
    name: &'a str,
    column: String,
    unit: &'a str,
    format: &'a str,
    description: &'a str,
}

impl Catalog {
    /// The saved questions as JSON: what each answers, what it can be cut by, and its measures.
    ///
    /// # Errors
    /// [`Kind::Usage`](crate::error::Kind::Usage) as [`Catalog::asked`].
    pub fn listed(&self) -> Result<serde_json::Value> {
        let listed = self.questions().into_iter().map(|question| {
            let asked = self.asked(&question.name)?;
            Ok(serde_json::json!(ListedQuestion {
                question: &question.name,
                group: &question.group,
                description: &question.description,
                by: &question.by,
                cuts: asked.rows.cuts(),
                period: asked.rows.period.as_deref(),
                measures: asked
                    .measures
                    .iter()
                    .map(|measure| ListedMeasure {
                        name: &measure.name,
                        column: measure.column(),
                        unit: &measure.unit,
                        format: &measure.format,
                        description: &measure.description,
                    })
                    .collect(),
            }))
        });
        listed.collect()
    }
}

pub(super) fn parse(text: &str) -> Result<CatalogFile, String> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
        format!("line {line}: {}", suggested(error.message()))
    })
}
