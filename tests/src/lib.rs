//! Tests that cross crates: the whole way over real HTTP, the rules between the crates, and independent readers of the
//! tables. The crate itself has the pieces that several of them need.

mod lakehouse;
mod python;

pub use lakehouse::{Lakehouse, client, config};
pub use python::Python;

/// The README's Rust code has to compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
