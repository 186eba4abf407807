//! The API's query language: `conditions`, `fields` and `orderBy`.

mod eval;
mod fields;
mod lex;
mod like;
mod order;
mod parse;
mod probe;
mod properties;
mod resolve;

pub(crate) use eval::Condition;
pub(crate) use fields::select;
pub(crate) use order::{Order, ordering};
pub(crate) use probe::{Probe, Value};
pub(crate) use properties::Column;

use crate::kind::Kind;

/// Why a query was refused, in the API's own words and code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    fn condition(message: impl Into<String>) -> Self {
        Self { code: "ApiFindCondition", message: message.into() }
    }

    fn unknown(name: &str) -> Self {
        Self::condition(format!("{name} is not a recognized name."))
    }
}

/// Reads a `conditions` parameter for an entity; nothing but blanks is no condition.
pub(crate) fn condition(kind: Kind, text: &str) -> Result<Option<Condition>, Refusal> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    resolve::resolve(kind, &parse::parse(&lex::tokens(text)?)?).map(Some)
}
