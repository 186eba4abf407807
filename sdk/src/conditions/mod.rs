//! Conditions in the API's query language, with every value written as its type demands.
//!
//! ```
//! use connectwise_sdk::conditions::{Field, field};
//!
//! const BOARD: Field = Field::new("board/name");
//!
//! let open = field("closedFlag").eq(false) & BOARD.eq("Help \"Desk\"");
//! assert_eq!(open.to_string(), r#"(closedFlag = false and board/name = 'Help "Desk"')"#);
//! ```
//!
//! What the query language has no words for, such as a text with both kinds of quotes, is an error of the request, of which
//! nothing is sent; [`Condition::check`] tells before.
//!
//! A condition belongs to the record whose properties it compares: one of [`fields`](crate::fields) is a `Condition<Ticket>`, say,
//! and only a listing of tickets takes it. Those of [`field`] and [`Condition::raw`] belong to nobody, are taken by every
//! listing, and join the others when they [say whose they are](Condition::of).
//!
//! What the types can't say is said in the API's own words, with [`Condition::raw`]. The elements of array properties and
//! custom fields have parameters of their own: see
//! [`child_conditions`](crate::ListRequest::child_conditions) and [`custom_field`].

mod field;
mod split;
mod value;

use std::{
    fmt,
    marker::PhantomData,
    ops::{BitAnd, BitOr, Not},
};

use crate::{Error, Record, Result, reason::Reason};

pub use field::{CustomField, Field, custom_field, field};
pub use value::Value;

pub(crate) use split::Split;
pub(crate) use value::Unsaid;

/// A condition on records of type `R`, ready to be sent.
///
/// ```
/// # #[cfg(feature = "service")]
/// # fn example(client: connectwise_sdk::Client) {
/// use connectwise_sdk::{conditions::field, fields::ticket, models::Ticket};
///
/// let mine = ticket::CLOSED_FLAG.eq(false) & field("customerUpdatedFlag").eq(true).of();
/// let tickets = client.resource::<Ticket>().list().conditions(mine);
/// # }
/// ```
pub struct Condition<R = Untyped>(Node, PhantomData<fn() -> R>);

/// In the place of a record type: of which records a condition is, nobody has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untyped {}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    /// The API's own words, of which nothing is known.
    Raw(String),
    /// A comparison.
    Test { path: String, operator: &'static str, value: String },
    /// A list of values.
    In { path: String, negated: bool, values: Vec<String> },
    /// At least two conditions with one word between them.
    Join { word: Word, parts: Vec<Node> },
    /// What can't be said.
    Unsaid(Unsaid),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    And,
    Or,
}

/// Operators and what is met where they aren't.
const OPPOSITES: [(&str, &str); 4] = [("=", "!="), ("<", ">="), (">", "<="), ("like", "not like")];

impl Condition {
    /// A condition in the API's own words, taken as it is.
    pub fn raw(text: impl Into<String>) -> Self {
        Self::from_node(Node::Raw(text.into()))
    }

    /// The same as a condition on records of type `R`, to be joined with one: nothing checks that they have such properties.
    #[must_use]
    pub fn of<R>(self) -> Condition<R> {
        Condition::from_node(self.0)
    }
}

impl<R> Condition<R> {
    fn from_node(node: Node) -> Self {
        Self(node, PhantomData)
    }

    /// The same, no matter on which records.
    #[must_use]
    pub fn untyped(self) -> Condition {
        Condition::from_node(self.0)
    }

    /// Whether it can be sent. Whoever sends it asks for that; this is for conditions that are made long before.
    ///
    /// # Errors
    /// When a part of it can't be said in the query language: a sentence that says which.
    pub fn check(&self) -> Result<()> {
        self.0.unsaid().map_or(Ok(()), |unsaid| Err(Error::new(Reason::Unsaid(unsaid.clone()))))
    }

    /// Whether it says nothing, so that every record meets it.
    pub(crate) fn is_blank(&self) -> bool {
        self.0.is_blank()
    }

    /// Whether an `in` list is part of it.
    pub(crate) fn has_in(&self) -> bool {
        self.0.has_in()
    }
}

impl Node {
    /// The first part of it that can't be said.
    fn unsaid(&self) -> Option<&Unsaid> {
        match self {
            Self::Raw(_) | Self::Test { .. } | Self::In { .. } => None,
            Self::Join { parts, .. } => parts.iter().find_map(Self::unsaid),
            Self::Unsaid(unsaid) => Some(unsaid),
        }
    }

    fn is_blank(&self) -> bool {
        matches!(self, Self::Raw(text) if text.trim().is_empty())
    }

    fn has_in(&self) -> bool {
        match self {
            Self::Raw(_) | Self::Test { .. } | Self::Unsaid(_) => false,
            Self::In { .. } => true,
            Self::Join { parts, .. } => parts.iter().any(Self::has_in),
        }
    }

    /// What is met by records that don't meet this, without a word for it in the query language.
    fn opposite(self) -> Self {
        match self {
            Self::Raw(text) => Self::Unsaid(Unsaid::Opposite { text }),
            Self::Test { path, operator, value } => {
                let pairs = OPPOSITES.iter().flat_map(|(one, other)| [(*one, *other), (*other, *one)]);
                let opposite = pairs.into_iter().find(|(one, _)| *one == operator).map_or(operator, |(_, other)| other);
                Self::Test { path, operator: opposite, value }
            }
            Self::In { path, negated, values } => Self::In { path, negated: !negated, values },
            Self::Join { word, parts } => {
                let word = match word {
                    Word::And => Word::Or,
                    Word::Or => Word::And,
                };
                Self::Join { word, parts: parts.into_iter().map(Self::opposite).collect() }
            }
            Self::Unsaid(unsaid) => Self::Unsaid(unsaid),
        }
    }

    fn join(self, word: Word, other: Self) -> Self {
        if self.is_blank() {
            return other;
        }
        if other.is_blank() {
            return self;
        }
        let mut parts = Vec::new();
        for node in [self, other] {
            match node {
                Self::Join { word: inner, parts: more } if inner == word => parts.extend(more),
                other => parts.push(other),
            }
        }
        Self::Join { word, parts }
    }
}

// Derives would ask for more of the record type, which is but a name.
impl<R> Clone for Condition<R> {
    fn clone(&self) -> Self {
        Self::from_node(self.0.clone())
    }
}

impl<R> PartialEq for Condition<R> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<R> Eq for Condition<R> {}

impl<R> fmt::Debug for Condition<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.0).finish()
    }
}

impl<R> fmt::Display for Condition<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw(text) => f.write_str(text),
            Self::Test { path, operator, value } => write!(f, "{path} {operator} {value}"),
            // For whoever looks at it. It is no condition, should it be sent all the same.
            Self::Unsaid(unsaid) => write!(f, "<{unsaid}>"),
            Self::In { path, negated, values } => {
                write!(f, "{path} {}in (", if *negated { "not " } else { "" })?;
                for (index, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if index == 0 { "" } else { "," })?;
                }
                f.write_str(")")
            }
            // How the API ranks `and` and `or` isn't documented.
            Self::Join { word, parts } => {
                let word = match word {
                    Word::And => "and",
                    Word::Or => "or",
                };
                f.write_str("(")?;
                for (index, part) in parts.iter().enumerate() {
                    if index > 0 {
                        write!(f, " {word} ")?;
                    }
                    match part {
                        Self::Raw(text) => write!(f, "({text})")?,
                        part => part.fmt(f)?,
                    }
                }
                f.write_str(")")
            }
        }
    }
}

impl<R> From<Condition<R>> for String {
    fn from(condition: Condition<R>) -> Self {
        condition.to_string()
    }
}

impl<R> From<String> for Condition<R> {
    fn from(text: String) -> Self {
        Condition::raw(text).of()
    }
}

impl<R> From<&str> for Condition<R> {
    fn from(text: &str) -> Self {
        Condition::raw(text).of()
    }
}

impl<R: Record> From<Condition<R>> for Condition {
    /// For what takes conditions on any records, such as the listing of an untyped route.
    fn from(condition: Condition<R>) -> Self {
        condition.untyped()
    }
}

impl<R> BitAnd for Condition<R> {
    type Output = Self;

    /// Both.
    fn bitand(self, other: Self) -> Self {
        Self::from_node(self.0.join(Word::And, other.0))
    }
}

impl<R> Not for Condition<R> {
    type Output = Self;

    /// The opposite: `!ticket::SUMMARY.starts_with("Test ")`. A record without a value meets neither a comparison nor its opposite. A raw
    /// condition has none, which is told when it is sent.
    fn not(self) -> Self {
        Self::from_node(self.0.opposite())
    }
}

impl<R> BitOr for Condition<R> {
    type Output = Self;

    /// Either. A raw condition without text is met by all, but says nothing here.
    fn bitor(self, other: Self) -> Self {
        Self::from_node(self.0.join(Word::Or, other.0))
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::Path;

    #[test]
    fn what_is_joined_stands_in_parentheses() {
        let since: DateTime<Utc> = "2024-01-01T00:00:00Z".parse().unwrap();
        let changed = field("_info/lastUpdated").ge(since) | field("dateEntered").ge(since);
        let both = changed & Condition::raw("a = 1 or b = 2");
        assert_eq!(
            both.to_string(),
            "((_info/lastUpdated >= [2024-01-01T00:00:00Z] or dateEntered >= [2024-01-01T00:00:00Z]) and (a = 1 or b = 2))"
        );
    }

    /// A server reads nested parentheses only so deep.
    #[test]
    fn a_row_of_the_same_word_is_one_pair_of_parentheses() {
        let any = (1..=4).map(|id| field("id").eq(id)).reduce(|any, one| any | one).unwrap();
        assert_eq!(any.to_string(), "(id = 1 or id = 2 or id = 3 or id = 4)");
        assert_eq!((any & field("a").is_null()).to_string(), "((id = 1 or id = 2 or id = 3 or id = 4) and a = null)");
    }

    #[test]
    fn a_condition_of_nobody_becomes_one_of_a_record() {
        enum Ticket {}
        let typed = Path::<Ticket, i32>::new("id").eq(1) & field("a").is_null().of() & "b = 2 or c = 3".into();
        assert_eq!(typed.to_string(), "(id = 1 and a = null and (b = 2 or c = 3))");
        assert_eq!(typed.untyped(), field("id").eq(1) & field("a").is_null() & Condition::raw("b = 2 or c = 3"));
    }

    #[test]
    fn blank_text_adds_nothing() {
        assert_eq!((Condition::raw(" ") & field("id").eq(1)).to_string(), "id = 1");
        assert_eq!((field("id").eq(1) & Condition::raw("")).to_string(), "id = 1");
    }
}
