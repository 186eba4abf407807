//! The API's query language: `conditions`, `fields` and `orderBy`.

mod children;
mod eval;
mod fields;
#[cfg(test)]
mod fuzz;
mod lex;
mod like;
mod names;
mod order;
mod parse;
mod probe;
mod resolve;

pub(crate) use children::Children;
pub(crate) use eval::Condition;
pub(crate) use fields::select;
pub(crate) use names::{Column, Names};
pub(crate) use order::{Order, ordering};
pub(crate) use probe::{Probe, Value};

use crate::document::Document;
use crate::switches::{Switch, Switches};

/// What of the language is uncertain, and how it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Grammar {
    /// AND binds tighter than OR; else they are read from left to right.
    pub(crate) and_first: bool,
    pub(crate) escape: Escape,
    /// How date literals are read.
    pub(crate) times: Times,
    /// What may be asked of an enumeration.
    pub(crate) enumerations: Enumerations,
    /// References can be compared with null.
    pub(crate) null_references: bool,
    /// `%` is a wildcard of patterns; else it undoes the comparison that it is in.
    pub(crate) percent: bool,
    /// A name that `fields` doesn't know is refused; else it is left out.
    pub(crate) known_fields: bool,
}

/// What may be asked of an enumeration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Enumerations {
    /// Whether it is equal to a text, or to one of several.
    #[default]
    EqualOnly,
    /// Also whether it isn't, and whether it is there.
    NoLike,
    /// What may be asked of a text.
    Texts,
}

/// How date literals are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Times {
    /// They have a `Z` and are UTC.
    #[default]
    Utc,
    /// They have none.
    Naive,
    /// Whether they have one doesn't matter: they are local time, so many seconds ahead of UTC.
    Local(i64),
}

/// How a string holds the quote that it is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Escape {
    #[default]
    None,
    Backslash,
    Doubled,
}

impl Grammar {
    pub(crate) fn of(switches: &Switches) -> Self {
        let escape = if switches.is(Switch::QuoteEscape, "backslash") {
            Escape::Backslash
        } else if switches.is(Switch::QuoteEscape, "doubled") {
            Escape::Doubled
        } else {
            Escape::None
        };
        let times = [
            ("naive", Times::Naive),
            ("behind", Times::Local(-(3 * 3600 + 30 * 60))),
            ("ahead", Times::Local(5 * 3600 + 45 * 60)),
        ];
        let times = times.into_iter().find(|(name, _)| switches.is(Switch::Times, name));
        let times = times.map(|(_, times)| times).unwrap_or_default();
        let enumerations = match () {
            () if switches.is(Switch::Enumerations, "no-like") => Enumerations::NoLike,
            () if switches.is(Switch::Enumerations, "texts") => Enumerations::Texts,
            () => Enumerations::EqualOnly,
        };
        Self {
            and_first: switches.is(Switch::AndOr, "and-first"),
            escape,
            times,
            enumerations,
            null_references: switches.is(Switch::NullReferences, "understood"),
            percent: switches.is(Switch::Percent, "wildcard"),
            known_fields: switches.is(Switch::UnknownFields, "refused"),
        }
    }
}

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

    /// What the server says of a comparison that it can't make with an enumeration, and with a reference.
    fn enumeration() -> Self {
        Self::condition("Enum value supplied was invalid")
    }

    fn unknown(name: &str) -> Self {
        Self::condition(format!("{name} is not a recognized name."))
    }
}

/// Reads a `conditions` parameter for an entity; nothing but blanks is no condition.
pub(crate) fn condition(names: Names, text: &str) -> Result<Option<Condition>, Refusal> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    resolve::resolve(names, &parse::read(names.grammar, text)?).map(Some)
}

/// Reads a `conditions` parameter as the simulator does for an entity, for those who want to know without a server whether a
/// condition would be understood.
///
/// # Errors
/// What the server would answer: the message of a 400.
pub fn parse_condition(entity: &str, text: &str) -> Result<(), String> {
    let document = Document::pinned().map_err(|error| error.to_string())?;
    let schema = document.schema_named(entity).ok_or_else(|| format!("there is no entity {entity}"))?;
    let names = Names::of(document, schema, Grammar::of(&Switches::default()));
    condition(names, text).map(drop).map_err(|refusal| refusal.message)
}

/// Reads `childConditions` and `customFieldConditions`; nothing but blanks is none.
pub(crate) fn children(names: Names, children: &str, custom_fields: &str) -> Result<Vec<Children>, Refusal> {
    let mut found = Vec::new();
    if !children.trim().is_empty() {
        found.push(Children::read(names, children)?);
    }
    if !custom_fields.trim().is_empty() {
        found.push(Children::custom_fields(names, custom_fields)?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(schema: &str) -> Names {
        let document = Document::pinned().unwrap();
        Names::of(document, document.schema_named(schema).unwrap(), Grammar::default())
    }

    /// Pieces of conditions, some of which fit together.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "id",
            "company/id",
            "notes",
            "invoiceFlag",
            "timeStart",
            "nothing",
            "=",
            "!=",
            "<",
            ">=",
            "(",
            ")",
            "and",
            "OR",
            "not",
            "in",
            "like",
            "contains",
            "1",
            "-2.5",
            "'a'",
            "\"b\"",
            "[2025-01-01]",
            "[",
            "]",
            "'",
            "\"",
            "null",
            "True",
            ",",
            "*",
            "%",
            "é",
            "\u{200b}",
            " ",
        ]);
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.join(" "))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_a_condition_or_refused_with_the_apis_code(text in any::<String>()) {
            if let Err(refusal) = condition(names("TimeEntry"), &text) {
                prop_assert_eq!(refusal.code, "ApiFindCondition");
            }
        }

        #[test]
        fn pieces_of_conditions_too(text in pieces()) {
            if let Err(refusal) = condition(names("TimeEntry"), &text) {
                prop_assert_eq!(refusal.code, "ApiFindCondition");
            }
        }

        #[test]
        fn any_text_is_fields_and_an_order_or_refused(text in any::<String>()) {
            drop(select(names("Company"), &text));
            drop(ordering(names("Company"), &text));
            drop(children(names("Company"), &text, &text));
        }
    }
}
