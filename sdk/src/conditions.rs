//! Conditions in the API's query language, with every value written as its type demands.
//!
//! ```
//! use connectwise_sdk::conditions::{field, text};
//!
//! let open = field("closedFlag").eq(false) & field("board/name").eq(text("Help \"Desk\"")?);
//! assert_eq!(open.to_string(), r#"(closedFlag = false and board/name = 'Help "Desk"')"#);
//! # Ok::<(), connectwise_sdk::Error>(())
//! ```

use std::{
    borrow::Cow,
    fmt,
    ops::{BitAnd, BitOr},
};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

use crate::{Error, Result, reason::Reason};

/// A condition, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    text: String,
    /// Whether it can stand beside another one without parentheses.
    closed: bool,
}

impl Condition {
    /// A condition in the API's own words, taken as it is.
    pub fn raw(text: impl Into<String>) -> Self {
        Self { text: text.into(), closed: false }
    }

    /// Those of `conditions` that are met by a record must be all of them, or at least one.
    fn join(self, word: &str, other: Self) -> Self {
        // How the API ranks `and` and `or` isn't documented.
        Self { text: format!("({} {word} {})", self.operand(), other.operand()), closed: true }
    }

    fn operand(self) -> String {
        if self.closed { self.text } else { format!("({})", self.text) }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Condition> for String {
    fn from(condition: Condition) -> Self {
        condition.text
    }
}

impl BitAnd for Condition {
    type Output = Self;

    /// Both.
    fn bitand(self, other: Self) -> Self {
        self.join("and", other)
    }
}

impl BitOr for Condition {
    type Output = Self;

    /// Either.
    fn bitor(self, other: Self) -> Self {
        self.join("or", other)
    }
}

/// A property by its wire name, nested ones as `company/id` or `_info/lastUpdated`. The name is sent as it is.
pub fn field(path: impl Into<Cow<'static, str>>) -> Field {
    Field { path: path.into() }
}

/// A property to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    path: Cow<'static, str>,
}

impl Field {
    /// Equal.
    pub fn eq(&self, value: impl Into<Value>) -> Condition {
        self.compare("=", &value.into())
    }

    /// Not equal.
    pub fn ne(&self, value: impl Into<Value>) -> Condition {
        self.compare("!=", &value.into())
    }

    /// Less, or earlier.
    pub fn lt(&self, value: impl Into<Value>) -> Condition {
        self.compare("<", &value.into())
    }

    /// At most, or not later.
    pub fn le(&self, value: impl Into<Value>) -> Condition {
        self.compare("<=", &value.into())
    }

    /// More, or later.
    pub fn gt(&self, value: impl Into<Value>) -> Condition {
        self.compare(">", &value.into())
    }

    /// At least, or not earlier.
    pub fn ge(&self, value: impl Into<Value>) -> Condition {
        self.compare(">=", &value.into())
    }

    /// Text like a pattern, in which `*` stands for anything.
    pub fn like(&self, pattern: Value) -> Condition {
        self.compare("like", &pattern)
    }

    /// No value.
    #[must_use]
    pub fn is_null(&self) -> Condition {
        self.compare("=", &Value("null".to_owned()))
    }

    /// Any value.
    #[must_use]
    pub fn is_not_null(&self) -> Condition {
        self.compare("!=", &Value("null".to_owned()))
    }

    /// Equal to one of `values`.
    ///
    /// # Errors
    /// Without values: the query language has no empty list.
    pub fn in_<V: Into<Value>>(&self, values: impl IntoIterator<Item = V>) -> Result<Condition> {
        let values: Vec<String> = values.into_iter().map(|value| value.into().0).collect();
        if values.is_empty() {
            return Err(Error::new(Reason::EmptyIn { field: self.path.to_string() }));
        }
        Ok(Condition { text: format!("{} in ({})", self.path, values.join(",")), closed: true })
    }

    fn compare(&self, operator: &str, value: &Value) -> Condition {
        Condition { text: format!("{} {operator} {value}", self.path), closed: true }
    }
}

/// A value as the query language writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value(String);

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

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self(number.to_string())
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self(number.to_string())
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self(flag.to_string())
    }
}

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

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn values_are_written_by_type() {
        let number = number(1.5).unwrap();
        let table = [
            (field("id").gt(5), "id > 5"),
            (field("id").le(-9_000_000_000_i64), "id <= -9000000000"),
            (field("closedFlag").ne(true), "closedFlag != true"),
            (field("actualHours").lt(number), "actualHours < 1.5"),
            (field("company/id").eq(250), "company/id = 250"),
            (field("name").eq(text("O'Neil").unwrap()), "name = \"O'Neil\""),
            (field("name").like(text("17\"*").unwrap()), "name like '17\"*'"),
            (field("closedDate").is_null(), "closedDate = null"),
            (field("closedDate").is_not_null(), "closedDate != null"),
            (field("status/id").in_([1, 2]).unwrap(), "status/id in (1,2)"),
            (
                field("_info/lastUpdated").ge(time("2016-08-20T18:04:26.999Z")),
                "_info/lastUpdated >= [2016-08-20T18:04:26Z]",
            ),
            (field("date").ge(NaiveDate::from_ymd_opt(2016, 8, 20).unwrap()), "date >= [2016-08-20T00:00:00Z]"),
        ];
        for (condition, expected) in table {
            assert_eq!(condition.to_string(), expected);
        }
    }

    #[test]
    fn what_is_joined_stands_in_parentheses() {
        let since = time("2024-01-01T00:00:00Z");
        let changed = field("_info/lastUpdated").ge(since) | field("dateEntered").ge(since);
        let both = changed & Condition::raw("a = 1 or b = 2");
        assert_eq!(
            both.to_string(),
            "((_info/lastUpdated >= [2024-01-01T00:00:00Z] or dateEntered >= [2024-01-01T00:00:00Z]) and (a = 1 or b = 2))"
        );
    }

    #[test]
    fn what_cannot_be_said_is_an_error() {
        let none: [i64; 0] = [];
        let table = [
            (
                text("5'10\"").unwrap_err(),
                "the text \"5'10\\\"\" holds both kinds of quotes, which a condition can't express: compare a part of it with like",
            ),
            (
                field("id").in_(none).unwrap_err(),
                "the condition `id in (..)` has no values: give at least one, or don't ask the server",
            ),
            (number(f64::NAN).unwrap_err(), "a condition can't compare with a number that is infinite or not a number"),
        ];
        for (error, expected) in table {
            assert_eq!(error.to_string(), expected);
            assert_eq!(error.kind(), crate::ErrorKind::Condition);
        }
    }

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
    }
}
