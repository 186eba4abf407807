//! The models: their SQL, what is written with it, and the contract of the table.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{Schema, SchemaRef};
use serde::Deserialize;

use super::config::GoldConfig;
use super::files::FILES;
use super::{metadata, plan, zone};
use crate::error::{Error, Result};
use crate::sql;

/// When the run that wrote a row started.
pub(super) const PROCESSED_AT: &str = "_etl_gold_processed_at";
/// The silver table that a row is from.
pub(super) const SOURCE: &str = "_etl_source";
/// The run that wrote a row.
pub(super) const BATCH_ID: &str = "_etl_batch_id";

/// The model that the calendar is computed from.
pub(super) const DAYS: &str = "day_uses";

/// What becomes of a model's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ModelKind {
    /// Read by other models, computed where it is read.
    View,
    /// Read by other models, computed once.
    Lookup,
    /// Read by other models, computed from some files of silver at a time and remembered by these.
    Aggregate,
    /// A table whose rows get a surrogate key.
    Dimension,
    /// The dimension of days, which is computed and not selected.
    Calendar,
    /// A table whose rows carry the keys of dimensions.
    Fact,
}

/// Which rows of a fact stand for the rows of an entity, and which of those a change elsewhere reaches.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FactRows {
    /// Column of the fact that holds the id of the silver row. Empty if the entity's rows have no row of their own in the fact.
    #[serde(default)]
    pub(super) id: String,
    /// Condition on the fact's rows, as `f`, that stand for this entity.
    #[serde(default = "always")]
    pub(super) only: String,
    /// Name of the `together` column in this entity's silver table, if it differs from the fact's.
    #[serde(default)]
    together: String,
    /// By the name of a lookup, a SELECT of the ids of silver rows that look up a key in `changed`.
    #[serde(default)]
    pub(super) through: BTreeMap<String, String>,
}

fn always() -> String {
    "true".to_owned()
}

impl FactRows {
    /// Name of the `together` column in this entity's silver table.
    pub(super) fn together<'a>(&'a self, fact: &'a Model) -> &'a str {
        if self.together.is_empty() { &fact.together } else { &self.together }
    }
}

/// Data test: for each value of a column, another one sums up to an expected number.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddsUp {
    /// Integer column whose values tell groups of rows from each other. Empty for the `together` column.
    #[serde(default)]
    by: String,
    /// Column that is summed.
    pub(super) sum: String,
    /// SELECT of two columns: the value by which rows are grouped and the expected sum.
    pub(super) expected: String,
}

impl AddsUp {
    /// Name of the column by which rows are grouped.
    pub(super) fn by<'a>(&'a self, fact: &'a Model) -> &'a str {
        if self.by.is_empty() { &fact.together } else { &self.by }
    }
}

/// What a model's rows are tested for, beyond what every table is.
#[derive(Debug, Clone, Default)]
pub(super) struct Tests {
    /// Texts that a column may have.
    pub(super) accepted: BTreeMap<String, Vec<String>>,
    /// Texts that a column is known to have.
    pub(super) expected: BTreeMap<String, Vec<String>>,
    /// SELECT of one row with the sums that silver has.
    pub(super) balance: String,
    /// Boolean column of the rows that are summed. All of them where it is empty.
    pub(super) balance_where: String,
    /// Column and text: rows that have this text aren't summed.
    pub(super) balance_unless: BTreeMap<String, String>,
    /// Expected sums of groups of rows.
    pub(super) adds_up: Vec<AddsUp>,
    /// SELECT of the texts that say what is odd in the written table.
    pub(super) faults: String,
    /// Days within which an entity has news, where all is well.
    pub(super) fresh: BTreeMap<String, i64>,
}

impl Tests {
    /// The SELECTs of the data tests, without empty ones.
    pub(super) fn selects(&self) -> impl Iterator<Item = &str> {
        let expected = self.adds_up.iter().map(|adds_up| &adds_up.expected);
        [&self.balance, &self.faults]
            .into_iter()
            .chain(expected)
            .map(String::as_str)
            .filter(|select| !select.is_empty())
    }
}

/// A model of the gold layer.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) name: String,
    pub(super) kind: ModelKind,
    /// Column that rows are merged by.
    pub(super) key: String,
    /// Natural key of a dimension.
    pub(super) natural: String,
    /// Whether the rows depend on the day of the run.
    pub(super) daily: bool,
    /// What `_etl_source` says.
    pub(super) source: String,
    /// Entities whose silver table the rows depend on.
    pub(super) inputs: Vec<String>,
    /// The SELECT. Empty for the calendar.
    pub(super) sql: String,
    /// Names of the tables that the rows are computed from, in lower case.
    pub(super) tables: BTreeSet<String>,
    /// Contract of the table, `_etl_` columns included.
    pub(super) schema: SchemaRef,
    pub(super) tests: Tests,
    /// The silver rows that rows of a fact stand for, by entity. Empty for what is always looked at as a whole.
    pub(super) rows: BTreeMap<String, FactRows>,
    /// Column by which rows depend on each other: those with the same value are affected together.
    pub(super) together: String,
    /// What its columns are, for people.
    pub(super) described: BTreeMap<String, String>,
    /// Whether it is one of the user's project.
    pub(super) own: bool,
    /// Whether its rows depend on the time zone of the business.
    pub(super) zoned: bool,
}

impl Model {
    pub(super) fn is_table(&self) -> bool {
        !matches!(self.kind, ModelKind::View | ModelKind::Lookup | ModelKind::Aggregate)
    }

    /// Whether the rows are computed from those of another table.
    pub(super) fn reads(&self, other: &str) -> bool {
        self.tables.contains(&other.to_lowercase())
    }

    /// Names of the tables that the SELECT and the data tests of the model read, in lower case.
    pub(super) fn named(&self) -> BTreeSet<String> {
        self.tests.selects().flat_map(sql::tables).chain(self.tables.iter().cloned()).collect()
    }

    /// Every SELECT of the model and its metadata.
    pub(super) fn selects_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let Self { sql, tests, rows, .. } = self;
        let through = rows.values_mut().flat_map(|rows| rows.through.values_mut());
        let expected = tests.adds_up.iter_mut().map(|adds_up| &mut adds_up.expected);
        [sql, &mut tests.balance, &mut tests.faults].into_iter().chain(expected).chain(through)
    }

    /// The columns that the SELECT has to give: the contract without what the runner adds.
    pub(super) fn selected(&self) -> SchemaRef {
        let added = |name: &str| is_technical(name) || (self.kind == ModelKind::Dimension && name == self.key);
        Arc::new(Schema::new(
            self.schema.fields().iter().filter(|field| !added(field.name())).cloned().collect::<Vec<_>>(),
        ))
    }
}

/// The views that a model reads, directly or through other views. `models` has each model after those that it reads.
pub(super) fn views<'a>(model: &Model, models: &'a [Model]) -> Vec<&'a Model> {
    views_read(|name| model.reads(name), models)
}

/// The views that a SELECT reads, by itself or through other views, each before what it reads.
pub(super) fn views_read(reads: impl Fn(&str) -> bool, models: &[Model]) -> Vec<&Model> {
    let mut views: Vec<&Model> = Vec::new();
    for view in models.iter().rev().filter(|view| view.kind == ModelKind::View) {
        if reads(&view.name) || views.iter().any(|reader| reader.reads(&view.name)) {
            views.push(view);
        }
    }
    views
}

/// Whether a column says how a row came about, and nothing of the business.
pub(super) fn is_technical(name: &str) -> bool {
    [PROCESSED_AT, SOURCE, BATCH_ID].contains(&name)
}

/// The models that are built in, each after what it reads. They are read once: whoever asks for a table asks for all of them.
///
/// # Errors
/// [`Kind::Contract`](crate::error::Kind::Contract) when their metadata can't be read.
pub(super) fn models() -> Result<&'static [Model]> {
    static MODELS: LazyLock<Result<Vec<Model>>> = LazyLock::new(built_in);
    MODELS.as_deref().map_err(Error::in_one)
}

fn built_in() -> Result<Vec<Model>> {
    let declared = FILES.iter().map(|files| metadata::of_file(files.name(), files.metadata, files.sql));
    let declared = declared.collect::<Result<Vec<_>>>();
    let declared = declared.map_err(|error| Error::built_in_metadata().with_source(error))?;
    plan::ordered(declared).map_err(|plan::Ring(names)| Error::ring(&names))
}

/// The built-in models and those of the user's project, each after what it reads, as they are in the configured time zone.
pub(super) fn all(config: &GoldConfig) -> Result<Vec<Model>> {
    zone::named(&config.time_zone)?;
    let mut models = config.models.join(models()?.to_vec())?;
    zone::fill_in(&mut models, &config.time_zone);
    Ok(models)
}

/// What the built-in models are made of, for telling that they changed.
pub(super) fn texts() -> impl Iterator<Item = &'static str> {
    FILES.iter().flat_map(|files| [files.metadata, files.sql])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_built_in_models_are_read_once() {
        assert!(std::ptr::eq(models().unwrap(), models().unwrap()));
    }

    #[test]
    fn every_model_is_whole() {
        for model in models().unwrap() {
            assert_eq!(model.sql.is_empty(), model.kind == ModelKind::Calendar, "{}", model.name);
            if !model.is_table() {
                continue;
            }
            assert!(model.schema.field_with_name(&model.key).is_ok_and(|key| !key.is_nullable()), "{}", model.name);
            assert!(model.natural.is_empty() || model.schema.field_with_name(&model.natural).is_ok(), "{}", model.name);
            let tested =
                model.tests.accepted.keys().chain(model.tests.expected.keys()).chain(model.tests.balance_unless.keys());
            let summed = model.tests.adds_up.iter().flat_map(|adds_up| [adds_up.sum.as_str(), adds_up.by(model)]);
            let tested = tested.chain(Some(&model.tests.balance_where).filter(|name| !name.is_empty()));
            for column in tested.map(String::as_str).chain(summed) {
                assert!(model.schema.field_with_name(column).is_ok(), "{} tests {column}", model.name);
            }
            let mut names = HashSet::new();
            for field in model.schema.fields() {
                assert!(names.insert(field.name().to_lowercase()), "{} has {} twice", model.name, field.name());
            }
        }
    }

    #[test]
    fn a_fact_says_how_everything_that_it_looks_up_reaches_its_rows() {
        let models = models().unwrap();
        let lookups: Vec<&str> = models
            .iter()
            .filter(|model| model.kind == ModelKind::Lookup)
            .map(|model| model.name.as_str())
            .chain(super::super::lookups::NAMES)
            .collect();
        // A fact without `rows` is computed whole.
        for fact in models.iter().filter(|model| model.kind == ModelKind::Fact && !model.rows.is_empty()) {
            let views = views(fact, models);
            let reads = |name: &str| fact.reads(name) || views.iter().any(|view| view.reads(name));
            let said: HashSet<&str> =
                fact.rows.values().flat_map(|rows| rows.through.keys()).map(String::as_str).collect();
            for lookup in &lookups {
                assert_eq!(reads(lookup), said.contains(lookup), "{} and {lookup}", fact.name);
            }
            for input in &fact.inputs {
                let silver = format!("silver_cw_{input}");
                assert_eq!(reads(&silver), fact.rows.contains_key(input), "{} and {silver}", fact.name);
            }
            for (entity, rows) in &fact.rows {
                let stands = rows.id.is_empty() && !fact.together.is_empty();
                assert!(stands || fact.schema.field_with_name(&rows.id).is_ok(), "{} has no {}", fact.name, rows.id);
                assert!(fact.inputs.contains(entity), "{} has {entity} for no input", fact.name);
            }
        }
    }

    #[test]
    fn days_of_instants_are_those_of_the_configured_zone() {
        // An entry by hours alone has a calendar day, which no zone shifts.
        let by_hours = regex::Regex::new(
            r"when (\w+\.)?timeEnd is null and (\w+\.)?timeStart = date_trunc\('DAY', (\w+\.)?timeStart\) then cast\((\w+\.)?timeStart as date\)",
        );
        // The whole days of a length of time are those of no zone, if its hours aren't.
        let lengths =
            regex::Regex::new(r"datediff\(cast\([\w.]+ as date\), cast\([\w.]+ as date\)\) as bigint\) \* 86400");
        let days = regex::Regex::new(r"cast\(((?:[^()]|\([^()]*\))*) as date\)").unwrap();
        let (by_hours, lengths) = (by_hours.unwrap(), lengths.unwrap());
        for (name, sql) in FILES.iter().flat_map(|files| [(files.path, files.sql), (files.path, files.metadata)]) {
            let sql = by_hours.replace_all(sql, "");
            let sql = lengths.replace_all(&sql, "");
            for day in days.captures_iter(&sql) {
                let of = day.get(1).unwrap().as_str();
                let is_zoned = of.starts_with("from_utc_timestamp(") && of.ends_with(", '${time_zone}')");
                assert!(is_zoned || of == "null", "{name} casts {of:?} to a date, and says of no zone");
            }
            for word in ["date_trunc(", "to_date(", "date_format(", "current_date", "dayofweek(", "year(", "month("] {
                assert!(!sql.to_lowercase().contains(word), "{name} uses {word:?}");
            }
        }
    }

    #[test]
    fn models_stay_in_the_part_of_sql_that_spark_shares() {
        // Spark reads '' inside a literal as nothing. Outside it is the empty text.
        let quote_in_literal = regex::Regex::new(r"\w''|''\w").unwrap();
        for (name, sql) in FILES.iter().map(|files| (files.path, files.sql)) {
            let text = sql.to_lowercase();
            for word in sql::BEYOND_SPARK.into_iter().chain(["as timestamp", "generate_series"]) {
                assert!(!text.contains(word), "{name} uses {word:?}");
            }
            assert!(!quote_in_literal.is_match(&text), "{name} has a quote in a literal");
        }
    }
}
