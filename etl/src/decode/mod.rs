//! Records as the API sends them, to checked Arrow batches; and back.
//!
//! A page is split into records without parsing them, so that one bad record can't spoil its neighbours and its text is
//! at hand when it has to go to quarantine. Each record is then walked once along its columns: what fits becomes a
//! cell, what doesn't (an unknown property, another type, a number out of range) is kept in `_rescued`
//! under its JSON pointer. serde_arrow only ever sees cells that fit, so none of its silent conversions can happen.
//!
//! [`rebuild`] is the way back: from a bronze row to the JSON it came from.

mod cell;
mod number;
mod rebuild;
mod record;
mod rescue;
mod scan;
mod shape;
mod time;
mod walk;

pub use rebuild::rebuild;
pub use record::{Decoder, Rejected};
