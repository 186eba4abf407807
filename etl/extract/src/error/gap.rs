//! Why a read can't prove that it is whole.

use std::fmt;

/// Why a read can't prove that it is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gap {
    /// What reads ended before it said whether it was through.
    ReaderStopped,
    /// What reads some ranges of keys ended before they were read.
    RangesLost,
    /// The server never said which page is the last.
    NoLastPage {
        /// Whose list it is, where it isn't that of the entity that is read.
        of: Option<&'static str>,
    },
    /// A record came behind one with a key that isn't lower.
    OutOfOrder {
        /// What the key is called, or whose it is.
        name: &'static str,
        /// The key.
        key: i64,
        /// The key before it.
        last: i64,
    },
    /// A record can't be told from others.
    NoKey {
        /// Whose record it is.
        of: &'static str,
        /// The key that it lacks.
        key: &'static str,
    },
    /// A record isn't JSON.
    NotJson,
    /// Fewer records came than the server counts.
    Fewer {
        /// The server's count.
        counted: u64,
        /// Records that came.
        sent: u64,
        /// Whose records they are, where they aren't those of the entity that is read.
        of: Option<&'static str>,
    },
    /// The server can't give more records than a list may lack.
    TooManyUnreadable {
        /// So many may be lacking.
        most: usize,
        /// The first of them, and what the server says of it, where there is one.
        first: Option<(String, String)>,
    },
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReaderStopped => f.write_str("the reader stopped before the last page"),
            Self::RangesLost => f.write_str("the task of some ranges was lost"),
            Self::NoLastPage { of: None } => f.write_str("the server never said which page is the last"),
            Self::NoLastPage { of: Some(of) } => write!(f, "the server never said which page of {of} is the last"),
            Self::OutOfOrder { name, key, last } => {
                write!(f, "{name} {key} came after {last}, so pages may overlap or leave gaps")
            }
            Self::NoKey { of, key } => write!(f, "a record of {of} has no {key}"),
            Self::NotJson => f.write_str("a record is no JSON"),
            Self::Fewer { counted, sent, of: None } => write!(f, "the server counts {counted} records and sent {sent}"),
            Self::Fewer { counted, sent, of: Some(of) } => {
                write!(f, "the server counts {counted} records of {of} and sent {sent}")
            }
            Self::TooManyUnreadable { most, first: None } => {
                write!(f, "the server can't give more than {most} records")
            }
            Self::TooManyUnreadable { most, first: Some((first, why)) } => {
                write!(f, "the server can't give more than {most} records, such as {first} ({why})")
            }
        }
    }
}
