//! Properties and custom fields, and what they can be compared with.

use std::borrow::Cow;

use super::{Condition, Node, Unsaid, Value, value::pattern};

/// A property by its wire name, nested ones as `company/id` or `_info/lastUpdated`. The name is sent as it is.
pub fn field(path: impl Into<Cow<'static, str>>) -> Field {
    Field { path: path.into() }
}

/// A property to compare, in records of any type: for names that are only known at run time. The properties of the interface
/// document are in [`fields`](crate::fields).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    path: Cow<'static, str>,
}

impl Field {
    /// A property by its wire name, for constants: `const COMPANY: Field = Field::new("company/id");`.
    #[must_use]
    pub const fn new(path: &'static str) -> Self {
        Self { path: Cow::Borrowed(path) }
    }

    /// The wire name, for `fields` and `order_by`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Equal.
    pub fn eq(&self, value: impl Into<Value>) -> Condition {
        self.compare("=", value.into())
    }

    /// Not equal. A record without a value doesn't meet it.
    pub fn ne(&self, value: impl Into<Value>) -> Condition {
        self.compare("!=", value.into())
    }

    /// Less, or earlier.
    pub fn lt(&self, value: impl Into<Value>) -> Condition {
        self.compare("<", value.into())
    }

    /// At most, or not later.
    pub fn le(&self, value: impl Into<Value>) -> Condition {
        self.compare("<=", value.into())
    }

    /// More, or later.
    pub fn gt(&self, value: impl Into<Value>) -> Condition {
        self.compare(">", value.into())
    }

    /// At least, or not earlier.
    pub fn ge(&self, value: impl Into<Value>) -> Condition {
        self.compare(">=", value.into())
    }

    /// Text like a pattern, in which `*` stands for anything and `[[]` for an opening bracket. `%` stands for anything on some
    /// servers; others leave the comparison out without a word, so that all records meet it. Enumerations are compared by `=` and
    /// `in`: some servers refuse to compare them with a pattern.
    pub fn like(&self, pattern: impl Into<Value>) -> Condition {
        self.compare("like", pattern.into())
    }

    /// Text that isn't like a pattern.
    pub fn not_like(&self, pattern: impl Into<Value>) -> Condition {
        self.compare("not like", pattern.into())
    }

    /// Text that starts with `literal`, in which a wildcard can't be said.
    #[must_use]
    pub fn starts_with(&self, literal: &str) -> Condition {
        self.like(pattern("", literal, "*"))
    }

    /// Text that ends with `literal`, in which a wildcard can't be said.
    #[must_use]
    pub fn ends_with(&self, literal: &str) -> Condition {
        self.like(pattern("*", literal, ""))
    }

    /// Text that holds `literal`, in which a wildcard can't be said.
    #[must_use]
    pub fn contains(&self, literal: &str) -> Condition {
        self.like(pattern("*", literal, "*"))
    }

    /// No value.
    #[must_use]
    pub fn is_null(&self) -> Condition {
        self.compare("=", Value::null())
    }

    /// Any value.
    #[must_use]
    pub fn is_not_null(&self) -> Condition {
        self.compare("!=", Value::null())
    }

    /// Equal to one of `values`, of which there is at least one: the query language has no empty list.
    ///
    /// A list that is too long for a URL is asked for in pieces: see
    /// [`conditions`](crate::ListRequest::conditions).
    pub fn in_<V: Into<Value>>(&self, values: impl IntoIterator<Item = V>) -> Condition {
        self.list(false, values)
    }

    /// Equal to none of `values`, of which there is at least one. A record without a value doesn't meet it.
    pub fn not_in<V: Into<Value>>(&self, values: impl IntoIterator<Item = V>) -> Condition {
        self.list(true, values)
    }

    fn list<V: Into<Value>>(&self, negated: bool, values: impl IntoIterator<Item = V>) -> Condition {
        let values: Result<Vec<String>, Unsaid> = values.into_iter().map(|value| value.into().0).collect();
        Condition::from_node(match values {
            Ok(values) if values.is_empty() => Node::Unsaid(Unsaid::EmptyIn { field: self.path.to_string() }),
            Ok(values) => Node::In { path: self.path.to_string(), negated, values },
            Err(unsaid) => Node::Unsaid(unsaid),
        })
    }

    fn compare(&self, operator: &'static str, value: Value) -> Condition {
        Condition::from_node(match value.0 {
            Ok(value) => Node::Test { path: self.path.to_string(), operator, value },
            Err(unsaid) => Node::Unsaid(unsaid),
        })
    }
}

/// A custom field by its caption, for
/// [`custom_field_conditions`](crate::ListRequest::custom_field_conditions).
///
/// ```
/// use connectwise_sdk::conditions::custom_field;
///
/// let condition = custom_field("Contract end").is_not_null();
/// assert_eq!(condition.to_string(), r#"(caption = "Contract end" and value != null)"#);
/// ```
#[must_use]
pub fn custom_field(caption: &str) -> CustomField {
    CustomField { caption: Field::new("caption").eq(caption) }
}

/// A custom field to compare. Captions are not unique: every field of that name counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomField {
    caption: Condition,
}

impl CustomField {
    /// A value that meets a condition, which is written with the property that is handed in.
    ///
    /// ```
    /// use connectwise_sdk::conditions::custom_field;
    ///
    /// let condition = custom_field("Seats").value(|value| value.ge(10));
    /// assert_eq!(condition.to_string(), r#"(caption = "Seats" and value >= 10)"#);
    /// ```
    pub fn value(self, condition: impl FnOnce(&Field) -> Condition) -> Condition {
        self.caption & condition(&Field::new("value"))
    }

    /// No value.
    #[must_use]
    pub fn is_null(self) -> Condition {
        self.value(Field::is_null)
    }

    /// Any value.
    #[must_use]
    pub fn is_not_null(self) -> Condition {
        self.value(Field::is_not_null)
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate, Utc};

    use super::*;

    #[test]
    fn a_condition_is_turned_round() {
        let of = |condition: Condition| (!condition).to_string();
        let table = [
            (field("id").eq(1), "id != 1"),
            (field("id").lt(1), "id >= 1"),
            (field("id").gt(1), "id <= 1"),
            (field("name").contains("x"), "name not like \"*x*\""),
            (field("name").is_null(), "name != null"),
            (field("id").in_([1, 2]), "id not in (1,2)"),
            (field("a").eq(1) & (field("b").ge(2) | field("c").is_null()), "(a != 1 or (b < 2 and c != null))"),
        ];
        for (condition, expected) in table {
            assert_eq!(of(condition.clone()), expected);
            assert_eq!(!!condition.clone(), condition);
        }
        let error = (!(Condition::raw("a = 1") | field("b").eq(2))).check().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the condition `a = 1` in the API's own words can't be turned round by `!`: write its opposite"
        );
        assert_eq!((!field("a").eq(f64::NAN)).check().unwrap_err().kind(), crate::ErrorKind::Condition);
    }

    #[test]
    fn values_are_written_by_type() {
        const COMPANY: Field = Field::new("company/id");
        let time: DateTime<Utc> = "2016-08-20T18:04:26.999Z".parse().unwrap();
        let table = [
            (field("id").gt(5), "id > 5"),
            (field("id").le(-9_000_000_000_i64), "id <= -9000000000"),
            (field("id").le(u64::MAX), "id <= 18446744073709551615"),
            (field("closedFlag").ne(true), "closedFlag != true"),
            (field("actualHours").lt(1.5), "actualHours < 1.5"),
            (COMPANY.eq(250), "company/id = 250"),
            (field("name").eq("O'Neil"), "name = \"O'Neil\""),
            (field("name").like("17\"*"), "name like '17\"*'"),
            (field("name").not_like("x*"), "name not like \"x*\""),
            (field("name").starts_with("[a] b"), "name like \"[[]a] b*\""),
            (field("name").ends_with("b"), "name like \"*b\""),
            (field("name").contains("b"), "name like \"*b*\""),
            (field("closedDate").is_null(), "closedDate = null"),
            (field("closedDate").is_not_null(), "closedDate != null"),
            (field("status/id").in_([1, 2]), "status/id in (1,2)"),
            (field("status/id").not_in([1]), "status/id not in (1)"),
            (field("_info/lastUpdated").ge(time), "_info/lastUpdated >= [2016-08-20T18:04:26Z]"),
            (field("date").ge(NaiveDate::from_ymd_opt(2016, 8, 20).unwrap()), "date >= [2016-08-20T00:00:00Z]"),
        ];
        for (condition, expected) in table {
            assert_eq!(condition.to_string(), expected);
        }
    }

    #[test]
    fn what_cannot_be_said_is_an_error() {
        let none: [i64; 0] = [];
        let table = [
            (
                field("name").eq("5'10\""),
                "the text \"5'10\\\"\" holds both kinds of quotes, which a condition can't express: compare a part of it with like",
            ),
            (
                field("id").in_(none),
                "the condition `id in (..)` has no values: give at least one, or don't ask the server",
            ),
            (field("id").eq(f64::NAN), "a condition can't compare with a number that is infinite or not a number"),
            (
                field("name").contains("100%"),
                "the text \"100%\" holds a wildcard, which a pattern can't express: compare a part of it, or use like with a pattern of your own",
            ),
        ];
        for (condition, expected) in table {
            // However deep it stands.
            let error = (field("id").gt(1) & (condition | field("id").lt(5))).check().unwrap_err();
            assert_eq!(error.to_string(), expected);
            assert_eq!(error.kind(), crate::ErrorKind::Condition);
        }
        assert!((field("id").gt(1) & "name = 'x'".into()).check().is_ok());
    }
}
