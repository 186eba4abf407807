//! Records as the API sends them, to checked Arrow batches; and back.
//!
//! A page is split into records without parsing them, so that one bad record can't spoil its neighbours and its text is
//! at hand when it has to go to quarantine. Each record is then walked once along its columns: what fits is written
//! into them, what doesn't (an unknown property, another type, a number out of range) is kept in `_rescued`
//! under its JSON pointer.
//!
//! [`rebuild`] is the way back: from a bronze row to the JSON it came from.

mod array;
mod column;
mod leaf;
mod loose;
mod number;
mod rebuild;
mod record;
mod rescue;
mod scan;
mod technical;
mod walk;

pub use loose::{LooseDecoder, Shape, properties};
pub use rebuild::rebuild;
pub use record::{Decoder, Rejected};
