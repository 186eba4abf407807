//! What goes wrong between the server and a batch of rows.

use std::fmt::Display;

use connectwise_sdk::catalog::Entity;

use super::{Error, Kind};

/// An error of the API as one about an entity.
pub fn source_error(entity: &Entity, error: connectwise_sdk::Error) -> Error {
    Error::new(Kind::Source, format!("{} can't be read", entity.name)).with_source(error)
}

/// A read of an entity that can't prove that it is whole.
pub fn incomplete(entity: &Entity, why: impl Display) -> Error {
    let name = entity.name;
    let message = format!("the read of {name} isn't whole: {why}; its tables are left as they were, run again");
    Error::new(Kind::Incomplete, message)
}

impl Error {
    /// A catalogue whose entity lacks its own key.
    pub(crate) fn no_key_column(entity: &Entity) -> Self {
        let message = format!("the columns of {} can't be built: there is no column {}", entity.name, entity.key);
        Self::new(Kind::Contract, message)
    }

    /// Rows of an entity that no batch can hold.
    pub(crate) fn unbuilt_batch(entity: &Entity) -> Self {
        Self::new(Kind::Contract, format!("a batch of {} can't be built", entity.name))
    }

    /// Rows of any list that no batch can hold.
    pub(crate) fn unbuilt_rows() -> Self {
        Self::new(Kind::Contract, "the rows can't be put together")
    }

    /// A batch that isn't one of the entity's bronze table.
    pub(crate) fn foreign_row(entity: &Entity, what: &str) -> Self {
        Self::new(Kind::Contract, format!("this is no row of bronze {}: {what}", entity.table))
    }

    /// Rows whose secrets can't be taken out.
    pub(crate) fn unredacted(entity: &Entity) -> Self {
        Self::new(Kind::Contract, format!("secrets can't be taken out of {}", entity.name))
    }
}
