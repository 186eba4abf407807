//! Values as the query language writes them.

use std::fmt;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

use crate::Decimal;

/// A value as the query language writes it, or why it can't be written, which the request then says.
///
/// Texts stand in quotes: double ones, or single ones if they hold a double one themselves. Those that hold both can't be said:
/// how to escape a quote isn't documented, and servers differ. Nor can numbers that are infinite or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value(pub(super) Result<String, Unsaid>);

/// What the query language has no words for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unsaid {
    /// A text with both kinds of quotes.
    BothQuotes { text: String },
    /// A number that is infinite or none.
    NotFinite,
    /// A text with a wildcard, which is to be found as it is.
    Wildcard { text: String },
    /// An `in` list without values.
    EmptyIn { field: String },
    /// The opposite of what is said in the API's own words.
    Opposite { text: String },
}

impl fmt::Display for Unsaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BothQuotes { text } => write!(
                f,
                "the text {text:?} holds both kinds of quotes, which a condition can't express: compare a part of it with like"
            ),
            Self::EmptyIn { field } => {
                write!(f, "the condition `{field} in (..)` has no values: give at least one, or don't ask the server")
            }
            Self::Opposite { text } => {
                write!(
                    f,
                    "the condition `{text}` in the API's own words can't be turned round by `!`: write its opposite"
                )
            }
            Self::NotFinite => f.write_str("a condition can't compare with a number that is infinite or not a number"),
            Self::Wildcard { text } => write!(
                f,
                "the text {text:?} holds a wildcard, which a pattern can't express: compare a part of it, or use like with a pattern of your own"
            ),
        }
    }
}

/// A pattern of `like` that stands for `literal` itself, between `before` and `after`.
pub(super) fn pattern(before: &str, literal: &str, after: &str) -> Value {
    // How to write a wildcard that stands for itself isn't documented.
    if literal.contains(['*', '%']) {
        return Value(Err(Unsaid::Wildcard { text: literal.to_owned() }));
    }
    Value::from(format!("{before}{}{after}", literal.replace('[', "[[]")))
}

impl Value {
    pub(super) fn null() -> Self {
        Self(Ok("null".to_owned()))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self(match (text.contains('"'), text.contains('\'')) {
            (false, _) => Ok(format!("\"{text}\"")),
            (true, false) => Ok(format!("'{text}'")),
            (true, true) => Err(Unsaid::BothQuotes { text: text.to_owned() }),
        })
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self(if number.is_finite() { Ok(number.to_string()) } else { Err(Unsaid::NotFinite) })
    }
}

impl From<Decimal> for Value {
    fn from(number: Decimal) -> Self {
        Self(Ok(number.to_string()))
    }
}

macro_rules! written_as_it_is {
    ($($type:ty),*) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self(Ok(value.to_string()))
            }
        }
    )*};
}

written_as_it_is!(i32, i64, u32, u64, bool);

impl From<DateTime<Utc>> for Value {
    /// `[2016-08-20T18:04:26Z]`: the API keeps whole seconds, so that a fraction is cut off.
    fn from(time: DateTime<Utc>) -> Self {
        Self(Ok(format!("[{}]", time.to_rfc3339_opts(SecondsFormat::Secs, true))))
    }
}

impl From<NaiveDate> for Value {
    /// The start of the day: `[2016-08-20T00:00:00Z]`.
    fn from(day: NaiveDate) -> Self {
        Self(Ok(format!("[{}T00:00:00Z]", day.format("%Y-%m-%d"))))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A reader that knows only quotes finds the same text again, and nothing behind it.
        #[test]
        fn texts_survive(original in any::<String>()) {
            match Value::from(&original).0 {
                Ok(written) => {
                    let quote = written.chars().next().unwrap();
                    let (inner, rest) = written[1..].split_once(quote).unwrap();
                    prop_assert_eq!(inner, original);
                    prop_assert_eq!(rest, "");
                }
                Err(_) => prop_assert!(original.contains('"') && original.contains('\'')),
            }
        }

        /// The language has no exponents.
        #[test]
        fn numbers_are_digits(original in any::<f64>()) {
            match Value::from(original).0 {
                Ok(written) => {
                    prop_assert!(written.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-')), "{}", written);
                    prop_assert_eq!(written.parse::<f64>().unwrap(), original);
                }
                Err(_) => prop_assert!(!original.is_finite()),
            }
        }
    }
}
