//! Silver over hand-made bronze tables.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod build;
mod custom;
mod history;
mod house;
mod privacy;
mod program;
#[path = "../rows/mod.rs"]
mod rows;
mod schema;
