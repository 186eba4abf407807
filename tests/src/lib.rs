//! Tests that cross crates: the whole way over real HTTP, the rules between the crates, and independent readers of the
//! tables. The crate itself has the pieces that several of them need.

mod draws;
mod lakehouse;
mod python;
mod records;
mod sample;

pub use draws::Draws;
pub use lakehouse::{Lakehouse, client, config, impatient};
pub use python::Python;
pub use records::{as_numbers, by_key};
pub use sample::sample;

/// As the program has it.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The README's Rust code has to compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
