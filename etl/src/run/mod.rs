//! Which steps run, in which order, and what they did.
//!
//! An entity that fails doesn't stop the others: its step says why, its tables stay as they were, and the layers above are
//! built from what is there.

mod chores;
pub(crate) mod damage;
mod halt;
mod meter;
mod plan;
mod report;

pub use crate::silver::Mode;
pub use chores::{maintain, reconcile};
pub(crate) use halt::{Halt, Trouble};
pub use meter::{Chunk, Meter, Observer, Quiet};
pub use plan::{Plan, execute};
pub(crate) use report::outcome;
pub use report::{Outcome, Read, Report, Step};
