//! Silver over hand-made bronze tables.

mod build;
mod schema;
