//! The rows of one list as a listing sees them, generated or read from a file.

use crate::json::Selection;
use crate::query::Probe;

/// Rows numbered from 0 in the order of their ids; a number may belong to a deleted row.
pub(crate) trait Table: Send + Sync {
    /// Row numbers in use, deleted ones included.
    fn slots(&self) -> u64;
    /// Rows that are there.
    fn live(&self) -> u64;
    fn is_live(&self, slot: u64) -> bool;
    /// Whether the number has ever been in use.
    fn existed(&self, slot: u64) -> bool {
        slot < self.slots()
    }
    /// When a row was deleted, if it was and somebody knows.
    fn deleted(&self, _slot: u64) -> Option<i64> {
        None
    }
    fn id(&self, slot: u64) -> i64;
    /// The row with this id, if it is there.
    fn slot_of(&self, id: i64) -> Option<u64>;
    /// The first row number whose id is above `id`; `slots()` or more if there is none.
    fn first_after(&self, id: i64) -> u64;
    /// Fills in the values that the probe wants.
    fn visit(&self, slot: u64, probe: &mut Probe);
    /// Appends the row as JSON.
    fn write(&self, slot: u64, selection: Option<&Selection>, out: &mut Vec<u8>);
}

/// A list without rows.
pub(crate) struct Empty;

impl Table for Empty {
    fn slots(&self) -> u64 {
        0
    }

    fn live(&self) -> u64 {
        0
    }

    fn is_live(&self, _: u64) -> bool {
        false
    }

    fn id(&self, _: u64) -> i64 {
        0
    }

    fn slot_of(&self, _: i64) -> Option<u64> {
        None
    }

    fn first_after(&self, _: i64) -> u64 {
        0
    }

    fn visit(&self, _: u64, _: &mut Probe) {}

    fn write(&self, _: u64, _: Option<&Selection>, _: &mut Vec<u8>) {}
}
