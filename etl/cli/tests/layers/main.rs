//! Silver and gold over hand-made tables, and the columns of every layer, for review.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on has failed")]

mod bronze_schema;
mod gold;
mod ledger_schema;
mod moved_on;
mod round_trip;
mod rows;
mod silver;
mod upsert;

// What feeds the tests of the decoder, too.
#[path = "../../../extract/tests/decode/hostile.rs"]
mod hostile;
#[path = "../../../extract/tests/decode/records.rs"]
#[allow(dead_code, reason = "not all of it is fed to tables")]
mod records;
#[path = "../../../extract/tests/decode/tree.rs"]
mod tree;

/// As the program has it.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
