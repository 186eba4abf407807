//! Loads that end before bronze is what the server has.

use std::fmt::Display;

use connectwise_extract::read::{Gap, incomplete};
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

    /// Lists none of which the role may read.
    pub(crate) fn shut_lists(entity: &Entity, parents: &Entity) -> Self {
        incomplete(entity, format_args!("none of the lists below {} can be read", parents.name)).into()
    }

    /// More lists that can't be read than may be left for the next run.
    pub(crate) fn failed_lists(entity: &Entity, most: usize, first: &str) -> Self {
        incomplete(entity, format_args!("the lists of more than {most} parents can't be read, such as {first}")).into()
    }

    /// Lists that failed while a load was about to commit; `what` names them.
    pub(crate) fn left_out(entity: &Entity, what: &str) -> Self {
        incomplete(entity, what).into()
    }

    /// Bundles that lack records, while some lists were taken without a count.
    pub(crate) fn disbelieved_bundles(entity: &Entity) -> Self {
        incomplete(entity, "bundles lack records that the server counts").into()
    }

    /// A record that is in the lists of two rows.
    pub(crate) fn two_parents(entity: &Entity, key: i64, parents: &Entity, [one, other]: [i64; 2]) -> Self {
        let own = entity.name;
        let above = parents.name;
        incomplete(entity, format_args!("{own} {key} is below {above} {one} and {above} {other}")).into()
    }

    /// A staged load that this one can't go on with.
    pub(crate) fn not_resumable(entity: &Entity) -> Self {
        incomplete(entity, "it can't be gone on with").into()
    }

    /// A server that doesn't tell what changed since a load was cut off.
    pub(crate) fn no_dates(entity: &Entity) -> Self {
        incomplete(entity, "no date in a condition finds what changed since").into()
    }

    /// A record that changed since a load was cut off, and that the server can't give.
    pub(crate) fn changed_and_unreadable(entity: &Entity) -> Self {
        incomplete(entity, "a record that changed meanwhile can't be given").into()
    }

    /// A row that came although the counts agreed.
    pub(crate) fn unexpected_row(entity: &Entity) -> Self {
        incomplete(entity, "a row came where none was missing").into()
    }

    /// Ranges of keys that overlap.
    pub(crate) fn common_ranges(entity: &Entity) -> Self {
        incomplete(entity, "ranges of its keys have records in common").into()
    }

    /// A list of which no range was read.
    pub(crate) fn no_ranges(entity: &Entity) -> Self {
        incomplete(entity, "it was cut into no ranges").into()
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
    pub(crate) fn incomplete_sweep(entity: &Entity, gap: Gap) -> Self {
        Self::new(Kind::Incomplete, format!("the sweep of {} isn't whole: {gap}; nothing is deleted", entity.name))
    }

    /// A table out of which nothing is taken, as its rows aren't to be trusted.
    pub(crate) fn not_reconciled(table: &TableName, doubt: impl Display) -> Self {
        let message = format!("{table} {doubt}, so that nothing was taken out of it: `run` reads it again first");
        Self::new(Kind::Contract, message)
    }
}
