//! Which entities there are, by the names that people type.

use connectwise_sdk::catalog::Entity;
use connectwise_sdk::lake::ENTITIES;

use crate::closest::advice;
use crate::error::{Error, Result};

/// All entities of the lake, in the order of `lake.toml`.
pub fn entities() -> &'static [Entity] {
    ENTITIES
}

/// What to say of a name that no entity has.
pub(crate) fn like(name: &str) -> String {
    advice(name, entities().iter().map(|entity| entity.name), "connectwise-etl schema lists all entities")
}

/// The entity called `name`, by schema name or table name, without regard to case.
///
/// # Errors
/// [`Kind::Usage`](crate::error::Kind::Usage), naming the entities that are most like it.
pub fn entity(name: &str) -> Result<&'static Entity> {
    let wanted = name.trim();
    entities()
        .iter()
        .find(|entity| entity.name.eq_ignore_ascii_case(wanted) || entity.table.eq_ignore_ascii_case(wanted))
        .ok_or_else(|| Error::unknown_entity(wanted, &like(wanted)))
}
