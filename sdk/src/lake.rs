//! The entities that become tables, generated from `openapi/lake.toml` and the interface document.

include!(concat!(env!("OUT_DIR"), "/lake.rs"));
include!(concat!(env!("OUT_DIR"), "/values.rs"));

/// The values that the interface document lists for a text column. A server may send others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Values {
    /// Entity.
    pub entity: &'static str,
    /// Path of the column: names with `/` between, `*` for every element of a list.
    pub path: &'static str,
    /// The values, in the order of the document.
    pub known: &'static [&'static str],
}

/// The entity with this name, whatever its case: `TimeEntry` or `timeentry`.
#[must_use]
pub fn entity(name: &str) -> Option<&'static Entity> {
    ENTITIES.iter().find(|entity| entity.table.eq_ignore_ascii_case(name))
}
