//! The entities that become tables, generated from `openapi/lake.toml` and the interface document.

include!(concat!(env!("OUT_DIR"), "/lake.rs"));

/// The entity with this name, whatever its case: `TimeEntry` or `timeentry`.
#[must_use]
pub fn entity(name: &str) -> Option<&'static Entity> {
    ENTITIES.iter().find(|entity| entity.table.eq_ignore_ascii_case(name))
}
