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
//! What the types can't say is said in the API's own words, with [`Condition::raw`]. The elements of array properties and
//! custom fields have parameters of their own: see
//! [`child_conditions`](crate::ListRequest::child_conditions) and [`custom_field`].

mod field;
mod split;
mod value;

use std::{
    fmt,
    ops::{BitAnd, BitOr},
};

use crate::{Error, Result, reason::Reason};

pub use field::{CustomField, Field, custom_field, field};
pub use value::Value;

pub(crate) use split::Split;
pub(crate) use value::Unsaid;

/// A condition, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition(Node);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    /// The API's own words, of which nothing is known.
    Raw(String),
    /// A comparison.
    Test(String),
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

impl Condition {
    /// A condition in the API's own words, taken as it is.
    pub fn raw(text: impl Into<String>) -> Self {
        Self(Node::Raw(text.into()))
    }

    /// Whether it can be sent. Whoever sends it asks for that; this is for conditions that are made long before.
    ///
    /// # Errors
    /// When a part of it can't be said in the query language: a sentence that says which.
    pub fn check(&self) -> Result<()> {
        fn within(node: &Node) -> Option<&Unsaid> {
            match node {
                Node::Raw(_) | Node::Test(_) | Node::In { .. } => None,
                Node::Join { parts, .. } => parts.iter().find_map(within),
                Node::Unsaid(unsaid) => Some(unsaid),
            }
        }
        within(&self.0).map_or(Ok(()), |unsaid| Err(Error::new(Reason::Unsaid(unsaid.clone()))))
    }

    /// Whether it says nothing, so that every record meets it.
    pub(crate) fn is_blank(&self) -> bool {
        matches!(&self.0, Node::Raw(text) if text.trim().is_empty())
    }

    /// Whether an `in` list is part of it.
    pub(crate) fn has_in(&self) -> bool {
        fn within(node: &Node) -> bool {
            match node {
                Node::Raw(_) | Node::Test(_) | Node::Unsaid(_) => false,
                Node::In { .. } => true,
                Node::Join { parts, .. } => parts.iter().any(within),
            }
        }
        within(&self.0)
    }

    fn join(self, word: Word, other: Self) -> Self {
        if self.is_blank() {
            return other;
        }
        if other.is_blank() {
            return self;
        }
        let mut parts = Vec::new();
        for Self(node) in [self, other] {
            match node {
                Node::Join { word: inner, parts: more } if inner == word => parts.extend(more),
                other => parts.push(other),
            }
        }
        Self(Node::Join { word, parts })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw(text) | Self::Test(text) => f.write_str(text),
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

impl From<Condition> for String {
    fn from(condition: Condition) -> Self {
        condition.to_string()
    }
}

impl From<String> for Condition {
    fn from(text: String) -> Self {
        Self::raw(text)
    }
}

impl From<&str> for Condition {
    fn from(text: &str) -> Self {
        Self::raw(text)
    }
}

impl BitAnd for Condition {
    type Output = Self;

    /// Both.
    fn bitand(self, other: Self) -> Self {
        self.join(Word::And, other)
    }
}

impl BitOr for Condition {
    type Output = Self;

    /// Either. A raw condition without text is met by all, but says nothing here.
    fn bitor(self, other: Self) -> Self {
        self.join(Word::Or, other)
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;

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
    fn blank_text_adds_nothing() {
        assert_eq!((Condition::raw(" ") & field("id").eq(1)).to_string(), "id = 1");
        assert_eq!((field("id").eq(1) & Condition::raw("")).to_string(), "id = 1");
    }
}
