//! Which steps run, in which order, and what they did.
//!
//! An entity that fails doesn't stop the others: its step says why, its tables stay as they were, and the layers above are
//! built from what is there.

mod chores;
mod damage;
mod lists;
mod load;
mod others;
mod plan;
mod report;
mod server;
mod silver;
mod survey;

pub use crate::telemetry::{Chunk, Meter, Mode, Observer, Quiet, ReadProof, Step, StepOutcome};
pub use chores::{maintain, reconcile};
pub use plan::{Plan, execute};
pub use report::RunReport;
