//! Questions that can't be asked of gold, or answered.

use std::fmt::Display;

use super::{Error, Kind};

impl Error {
    /// The built-in measures can't be read.
    pub(crate) fn built_in_measures(why: &str) -> Self {
        Self::new(Kind::Contract, format!("measures.toml can't be read: {why}"))
    }

    /// A name that no question and no measure has.
    pub(crate) fn unknown_question(name: &str, advice: &str) -> Self {
        Self::usage(format!("there is no saved question {name:?}: {advice}"))
    }

    /// A cut that the rows of a question don't have.
    pub(crate) fn unknown_cut(rows: &str, cut: &str, advice: &str) -> Self {
        Self::usage(format!("the rows {rows:?} can't be cut by {cut:?}: {advice}"))
    }

    /// A cut that is asked for twice.
    pub(crate) fn repeated_cut(cut: &str) -> Self {
        Self::usage(format!("{cut} is said twice: name each cut once"))
    }

    /// A text that is no period.
    pub(crate) fn no_period(text: &str) -> Self {
        Self::usage(format!("{text:?} is no day, month or year: write it as 2026-01-31, 2026-01 or 2026"))
    }

    /// A period of a question about what is now.
    pub(crate) fn timeless(question: &str) -> Self {
        Self::usage(format!("{question:?} takes no period: it is about what is, as of the last build of gold"))
    }

    /// A period without a day.
    pub(crate) fn empty_period(from: impl Display, to: impl Display) -> Self {
        Self::usage(format!("a period from {from} to {to} has no day: the first day comes first"))
    }

    /// A question whose rows are no company's.
    pub(crate) fn no_companies(question: &str) -> Self {
        Self::usage(format!("{question:?} isn't known by company: ask it of all of them"))
    }

    /// A company that gold doesn't have.
    pub(crate) fn unknown_company(name: &str, advice: &str) -> Self {
        Self::usage(format!("there is no company {name:?}: {advice}"))
    }

    /// An answer whose values can't be shown.
    pub(crate) fn unread_answer() -> Self {
        Self::new(Kind::Sql, "the answer can't be read")
    }
}
