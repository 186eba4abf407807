//! Lakehouses that are somebody else's.

use std::fmt::Display;

use connectwise_lakehouse::{Lake, TableName};

use super::{Error, Kind};

impl Error {
    /// A lakehouse of which nothing tells whose it is.
    pub(crate) fn unknown_owner(table: &TableName, lake: &Lake, why: &str) -> Self {
        let root = lake.root();
        let message = format!(
            "{table} can't be read ({why}), so nothing tells whose data {root} holds: `connectwise-etl run --adopt-tenant` makes it this \
             tenant's and reads every table in full, and where you know that it is this tenant's, delete {table} and the next run \
             records it again"
        );
        Self::new(Kind::Lake, message)
    }

    /// A tenant that comes to another one's lakehouse.
    pub(crate) fn other_credentials(lake: &Lake, owner: impl Display, tenant: impl Display) -> Self {
        Self::other_owner(lake, owner, &format!("the credentials are those of {tenant}"))
    }

    /// A command that needs no credentials, where another tenant is configured.
    pub(crate) fn other_configured(lake: &Lake, owner: impl Display, tenant: impl Display) -> Self {
        Self::other_owner(lake, owner, &format!("{tenant} is configured, so nothing was written"))
    }

    fn other_owner(lake: &Lake, owner: impl Display, why: &str) -> Self {
        let root = lake.root();
        let message = format!(
            "the lakehouse {root} belongs to {owner} and {why}: name another one with --lakehouse, or, where the same tenant \
             has moved, take it along with run --adopt-tenant"
        );
        Self::new(Kind::Config, message)
    }

    /// A tenant that comes where the table of tenants is gone, and the rows are another one's.
    pub(crate) fn unrecorded_owner(table: &TableName, lake: &Lake, tenant: impl Display) -> Self {
        let root = lake.root();
        let message = format!(
            "{table} is gone, and the bronze tables of {root} hold the rows of another tenant than {tenant}: name another lakehouse \
             with --lakehouse, run with the credentials of the tenant whose it is, which records it again, or take it over with \
             run --adopt-tenant"
        );
        Self::new(Kind::Config, message)
    }

    /// A demo that comes to somebody's lakehouse.
    pub(crate) fn no_demo(lake: &Lake, whose: &str) -> Self {
        let root = lake.root();
        let message = format!(
            "the lakehouse {root} holds {whose}, and the demo would put simulated rows into it: give the demo another folder \
             with --lakehouse"
        );
        Self::new(Kind::Config, message)
    }

    /// A table that still holds the rows of an earlier owner.
    pub(crate) fn unmoved(table: &TableName, why: Option<&str>) -> Self {
        let why = why.map_or_else(String::new, |why| format!(" ({why})"));
        let message = format!(
            "{table} still holds the rows of the tenant that the lakehouse belonged to before, and was left as it was{why}: \
             read it in full with connectwise-etl run, and where so many rows may really go, with --max-share 100"
        );
        Self::new(Kind::Incomplete, message)
    }
}
