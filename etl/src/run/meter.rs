//! How far a step is, for whoever wants to show it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Step;
use crate::lake::TableName;

/// A step's counter: clones share it.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    rows: Arc<AtomicU64>,
    expected: Arc<AtomicU64>,
}

impl Meter {
    /// Says how many rows there will be, where that is known.
    pub fn expect(&self, rows: Option<u64>) {
        self.expected.store(rows.unwrap_or_default(), Ordering::Relaxed);
    }

    /// Counts rows that went by.
    pub fn advance(&self, rows: usize) {
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
    }

    /// Rows that went by.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Rows that there will be, 0 when unknown.
    pub fn expected(&self) -> u64 {
        self.expected.load(Ordering::Relaxed)
    }
}

/// Watches a run.
pub trait Observer: Send + Sync {
    /// A step starts; its meter may be read at any time.
    fn started(&self, table: &TableName, meter: &Meter);
    /// A step ended, well or badly.
    fn finished(&self, step: &Step);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy)]
pub struct Quiet;

impl Observer for Quiet {
    fn started(&self, _: &TableName, _: &Meter) {}
    fn finished(&self, _: &Step) {}
}
