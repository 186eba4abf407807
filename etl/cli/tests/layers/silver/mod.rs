//! Silver over hand-made bronze tables.

mod build;
mod custom;
mod extra;
mod history;
mod house;
mod privacy;
mod program;
mod schema;
