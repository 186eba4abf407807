//! What is wrong with the configuration of gold, with the metadata of models, and with the models of a user's project.

use std::fmt::Display;
use std::path::Path;

use super::{Error, Kind};

impl Error {
    /// A configuration that can't be compared with the one before.
    pub(crate) fn unwritten_configuration() -> Self {
        Self::new(Kind::Config, "the gold configuration can't be written as JSON")
    }

    /// A time zone that the IANA database lacks.
    pub(crate) fn time_zone(name: &str) -> Self {
        Self::usage(format!(
            "time_zone is {name:?}, which is no time zone: set it under [gold] to a name of the IANA database, such as \
             \"America/New_York\" or \"UTC\""
        ))
    }

    /// A month that no year has.
    pub(crate) fn fiscal_month(month: impl Display) -> Self {
        Self::usage(format!("fiscal_year_start_month is {month}: it has to be a month from 1 to 12"))
    }

    /// A rule that says nothing; rules are counted from 1.
    pub(crate) fn empty_rule(number: usize, part: &str) -> Self {
        Self::usage(format!(
            "agreement rule {number} has an empty {part}: a rule needs a pattern and a normalized type"
        ))
    }

    /// A rule with a behaviour that would count for nothing.
    pub(crate) fn rule_behavior(number: usize, behavior: &str, advice: &str) -> Self {
        Self::usage(format!(
            "agreement rule {number} has the behavior {behavior:?}, which the models don't know: {advice}"
        ))
    }

    /// A rule whose pattern is none.
    pub(crate) fn rule_pattern(number: usize, pattern: &str, reason: &str) -> Self {
        Self::usage(format!(
            "agreement rule {number} has the pattern {pattern:?}, which is no regular expression: {reason}"
        ))
    }

    /// A prefix of facts that makes no names of tables.
    pub(crate) fn fact_prefix(prefix: &str) -> Self {
        Self::usage(format!(
            "fact_prefix is {prefix:?}, which makes no name of a table: it has letters, digits and underscores, and no digit in \
             front"
        ))
    }

    /// A prefix of facts that makes the name of a user's model.
    pub(crate) fn taken_fact_name(prefix: &str, stored: &str) -> Self {
        Self::usage(format!(
            "fact_prefix {prefix:?} stores a fact as {stored}, which a model of your own is called: give either another name"
        ))
    }

    /// Metadata that is no TOML of models.
    pub(crate) fn metadata_line(line: usize, why: &str) -> Self {
        Self::new(Kind::Contract, format!("line {line}: {why}"))
    }

    /// Models whose metadata says what can't be.
    pub(crate) fn metadata(problems: &[String]) -> Self {
        Self::new(Kind::Contract, problems.join("; "))
    }

    /// Metadata of built-in models that can't be read.
    pub(crate) fn built_in_metadata() -> Self {
        Self::new(Kind::Contract, "the metadata of the built-in models can't be read")
    }

    /// A column that a model declares twice.
    pub(crate) fn repeated_column(model: &str, column: &str) -> Self {
        Self::new(Kind::Contract, format!("{model} declares the column {column} twice"))
    }

    /// A column that can't be one.
    pub(crate) fn declared_column(model: &str, column: &str, why: &str) -> Self {
        Self::new(Kind::Contract, format!("{model} declares a column {column:?}, {why}"))
    }

    /// Built-in models of which none can be built first.
    pub(crate) fn ring(models: &[String]) -> Self {
        Self::new(Kind::Contract, format!("the models {} read each other in a ring", models.join(" and ")))
    }

    /// Models of a user's project of which none can be built first, by their files.
    pub(crate) fn own_ring(files: &[String]) -> Self {
        Self::usage(format!("{} read each other in a circle", files.join(" and ")))
    }

    /// Models of a user's project that can't work.
    pub(crate) fn own_models(problems: &[String]) -> Self {
        Self::usage(problems.join("; "))
    }

    /// A file of a user's project that says what can't be.
    pub(crate) fn wrong_file(file: &Path, why: impl Display) -> Self {
        Self::usage(format!("{} is wrong: {why}", file.display()))
    }

    /// A file or folder of a user's project that can't be read.
    pub(crate) fn unread_project(path: &Path, why: impl Display) -> Self {
        Self::usage(format!("{} can't be read: {why}", path.display()))
    }

    /// A file of a user's project that is no text of a model.
    pub(crate) fn large_file(path: &Path) -> Self {
        Self::usage(format!("{} is larger than 1 MB, and no model is", path.display()))
    }

    /// A file of a user's project in another encoding.
    pub(crate) fn no_utf8(path: &Path) -> Self {
        Self::usage(format!("{} isn't UTF-8: save it as such", path.display()))
    }
}
