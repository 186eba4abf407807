//! Records that the server can't give, while it gives those around them.

use std::fmt;

use connectwise_sdk::UnreadableRecord;
use connectwise_sdk::catalog::Entity;

use super::{Gap, Place};

/// So many records of a list may be left out. More of them look like a fault of the server and not of its records.
pub const MOST_UNREADABLE: usize = 8;

/// A record on which the server fails every time. It is in the list, so a stored row of it stays, and the next read asks for
/// it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its key, where the server gives at least that.
    pub key: Option<i64>,
    /// The key before it, `None` at the start of the list.
    pub after: Option<i64>,
    /// The key behind it, where its own isn't known; `None` also when it is the last.
    pub before: Option<i64>,
    /// What the server answered.
    pub why: String,
}

impl Unreadable {
    /// Where it is.
    pub fn place(&self) -> Place {
        Place { key: self.key, after: self.after, before: self.before }
    }
}

impl From<&UnreadableRecord> for Unreadable {
    fn from(record: &UnreadableRecord) -> Self {
        Self { key: record.id(), after: record.after(), before: record.before(), why: record.error().to_string() }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.key, self.after) {
            (Some(key), _) => write!(f, "{key}"),
            (None, Some(after)) => write!(f, "the one behind {after}"),
            (None, None) => f.write_str("the first one"),
        }
    }
}

/// What a read left out, in words for people; `None` when that is nothing.
pub fn left_out(entity: &Entity, unreadable: &[Unreadable]) -> Option<String> {
    let first = unreadable.first()?;
    let names: Vec<String> = unreadable.iter().map(ToString::to_string).collect();
    Some(format!(
        "the server can't give {} of the records of {}, and what is stored of them stays: {}; the next run asks for them \
         again ({})",
        unreadable.len(),
        entity.name,
        names.join(", "),
        first.why
    ))
}

/// Adds what a page left out.
///
/// # Errors
/// What is wrong with the server, when that is more than [`MOST_UNREADABLE`] by now.
pub fn leave_out(unreadable: &mut Vec<Unreadable>, page: &connectwise_sdk::Page) -> std::result::Result<(), Gap> {
    unreadable.extend(page.unreadable().iter().map(Unreadable::from));
    match unreadable.first().filter(|_| unreadable.len() > MOST_UNREADABLE) {
        None => Ok(()),
        Some(first) => {
            Err(Gap::TooManyUnreadable { most: MOST_UNREADABLE, first: Some((first.to_string(), first.why.clone())) })
        }
    }
}
