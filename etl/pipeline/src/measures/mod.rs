//! Measures: what people ask of gold first, defined once.
//!
//! `etl/pipeline/models/measures.toml` has the rows that are summed up, the measures that are computed from them, and the saved questions
//! that ask for measures. A user's project may have more in a `measures.toml` beside its models.
//!
//! | module | what it holds |
//! |---|---|
//! | `catalog` | the measures and questions that there are |
//! | `problems` | what is wrong with those of a project |
//! | `compose` | the SELECT of a question |
//! | `period` | days, months and years as people type them |
//! | `ask` | asking, and the answer |

mod ask;
mod catalog;
mod compose;
mod period;
mod problems;
#[cfg(test)]
mod tests;

pub use ask::{Answer, AskRequest, Cell, Column, Role, ask, lacking};
pub use catalog::{Asked, Catalog, Dimension, Measure, PERIODS, Question, Rows};
pub use problems::check;
