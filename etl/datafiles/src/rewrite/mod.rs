//! Upserts and deletes in copies of data files, at a cost that follows the change.
//!
//! The change is held against the key columns only ([`locate`]), and just the files that hold one of its keys are copied ([`plan`]),
//! their untouched row groups as bytes ([`splice`]).

mod changes;
mod locate;
mod plan;
mod splice;

pub use changes::{Changes, Deletes};
pub use locate::{Edit, Wanted, locate};
pub use plan::{Plan, Work};
