//! Values as the query language writes them.

use std::fmt;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

use crate::{Error, Result, reason::Reason};

/// A value as the query language writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value(pub(super) String);

/// A text in quotes: double ones, or single ones if it holds a double one itself.
///
/// # Errors
/// When it holds both kinds. How to escape a quote isn't documented, and servers differ.
pub fn text(text: &str) -> Result<Value> {
    match (text.contains('"'), text.contains('\'')) {
        (false, _) => Ok(Value(format!("\"{text}\""))),
        (true, false) => Ok(Value(format!("'{text}'"))),
        (true, true) => Err(Error::new(Reason::BothQuotes { text: text.to_owned() })),
    }
}

/// A number with a fraction.
///
/// # Errors
/// When it is infinite or not a number.
pub fn number(number: f64) -> Result<Value> {
    if number.is_finite() { Ok(Value(number.to_string())) } else { Err(Error::new(Reason::NotFinite)) }
}

/// A pattern of `like` that stands for `literal` itself, between `before` and `after`.
pub(super) fn pattern(before: &str, literal: &str, after: &str) -> Result<Value> {
    // How to write a wildcard that stands for itself isn't documented.
    if literal.contains(['*', '%']) {
        return Err(Error::new(Reason::Wildcard { text: literal.to_owned() }));
    }
    text(&format!("{before}{}{after}", literal.replace('[', "[[]")))
}

impl Value {
    pub(super) fn null() -> Self {
        Self("null".to_owned())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! written_as_it_is {
    ($($type:ty),*) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self(value.to_string())
            }
        }
    )*};
}

written_as_it_is!(i32, i64, u32, u64, bool);

impl From<DateTime<Utc>> for Value {
    /// `[2016-08-20T18:04:26Z]`: the API keeps whole seconds, so that a fraction is cut off.
    fn from(time: DateTime<Utc>) -> Self {
        Self(format!("[{}]", time.to_rfc3339_opts(SecondsFormat::Secs, true)))
    }
}

impl From<NaiveDate> for Value {
    /// The start of the day: `[2016-08-20T00:00:00Z]`.
    fn from(day: NaiveDate) -> Self {
        Self(format!("[{}T00:00:00Z]", day.format("%Y-%m-%d")))
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
            match text(&original) {
                Ok(value) => {
                    let written = value.to_string();
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
            match number(original) {
                Ok(value) => {
                    let written = value.to_string();
                    prop_assert!(written.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-')), "{}", written);
                    prop_assert_eq!(written.parse::<f64>().unwrap(), original);
                }
                Err(_) => prop_assert!(!original.is_finite()),
            }
        }
    }
}
