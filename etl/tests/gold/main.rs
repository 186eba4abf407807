//! Gold over a hand-made tenant: every expected value here was worked out by hand from the contract of the star schema.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on has failed")]

mod equivalence;
mod golden;
mod invoice_lines;
mod own;
mod pictures;
mod rebuild;
#[path = "../rows/mod.rs"]
mod rows;
mod schema;
mod tenant;
mod tested;
mod withheld;

/// As the program has it.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
