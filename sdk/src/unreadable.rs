//! A record that the server can't give.

use std::sync::Arc;

use crate::{Condition, Error, RequestFacts, conditions::field, reason::Reason};

/// A record on which the server fails every time, while it gives those before and after it.
///
/// It is in the list, so whoever keeps a copy of the list must not take it for deleted.
#[derive(Debug, Clone)]
pub struct UnreadableRecord {
    pub(crate) id: Option<i64>,
    pub(crate) after: Option<i64>,
    pub(crate) before: Option<i64>,
    pub(crate) error: Arc<Error>,
}

impl UnreadableRecord {
    /// Its id, where the server gives at least that.
    #[must_use]
    pub fn id(&self) -> Option<i64> {
        self.id
    }

    /// The id that the listing had reached before it: its own is higher. `None` at the start of a listing.
    #[must_use]
    pub fn after(&self) -> Option<i64> {
        self.after
    }

    /// The id of the record behind it, where its own isn't known. `None` if it is the last, or its own is known.
    #[must_use]
    pub fn before(&self) -> Option<i64> {
        self.before
    }

    /// What the server answered.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// The condition that it meets, and none of the records around it: for another try.
    #[must_use]
    pub fn condition(&self) -> Condition {
        let id = field("id");
        match (self.id, self.after, self.before) {
            (Some(own), ..) => id.eq(own),
            (None, Some(after), Some(before)) => id.gt(after) & id.lt(before),
            (None, Some(after), None) => id.gt(after),
            (None, None, Some(before)) => id.lt(before),
            (None, None, None) => id.is_not_null(),
        }
    }

    pub(crate) fn to_error(&self, request: Option<&RequestFacts>) -> Error {
        let error = Error::new(Reason::Unreadable { id: self.id, after: self.after }).with_source(self.error.clone());
        match request.or(self.error.request()) {
            Some(request) => error.with_request(request.clone()),
            None => error,
        }
    }
}
