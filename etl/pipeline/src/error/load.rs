//! Loads that end before bronze is what the server has.

use std::fmt::Display;

use connectwise_lakehouse::TableName;
use connectwise_sdk::catalog::Entity;

use super::{Error, Kind};

impl Error {
    /// A run of bronze without a client.
    pub(crate) fn no_client() -> Self {
        Self::new(Kind::Usage, "the bronze layer needs an API client")
    }

    /// A table that can only be replaced as a whole, and may not be, as too many of its rows would go.
    pub(crate) fn not_replaced(table: &TableName, doubt: impl Display, why: &str) -> Self {
        let message = format!("{table} {doubt}, so that it has to be replaced as a whole, and {why}");
        Self::new(Kind::Incomplete, message)
    }

    /// A reader of lists that fell silent.
    pub(crate) fn reader_stopped() -> Self {
        Self::new(Kind::Incomplete, "the reader stopped before the last list")
    }

    /// The rows on which lists hang can't be listed.
    pub(crate) fn unlisted_parents(entity: &Entity, parents: &Entity) -> Self {
        let own = entity.name;
        let above = parents.name;
        Self::new(Kind::Source, format!("{own} can't be read: {above}, on which it hangs, can't be listed"))
    }

    /// Rows that can't be held against the stored ones.
    pub(crate) fn uncompared(entity: &Entity, why: &str) -> Self {
        Self::new(Kind::Contract, format!("rows of {} can't be compared: {why}", entity.name))
    }

    /// Ids that the server doesn't give.
    pub(crate) fn unread_ids(entity: &Entity) -> Self {
        Self::new(Kind::Source, format!("the ids of {} can't be read", entity.name))
    }

    /// A sweep of ids that can't prove that it is whole.
    pub(crate) fn incomplete_sweep(entity: &Entity, why: impl Display) -> Self {
        Self::new(Kind::Incomplete, format!("the sweep of {} isn't whole: {why}; nothing is deleted", entity.name))
    }

    /// A table out of which nothing is taken, as its rows aren't to be trusted.
    pub(crate) fn not_reconciled(table: &TableName, doubt: impl Display) -> Self {
        let message = format!("{table} {doubt}, so that nothing was taken out of it: `run` reads it again first");
        Self::new(Kind::Contract, message)
    }
}
