//! The record types of the API, generated from the interface document.
//!
//! They read tolerantly: every property is optional, null is absence, a value that an enumeration doesn't list is kept as
//! text, and properties that the document doesn't list are kept in `extra`. `Debug` never shows a secret.

use std::fmt;

use crate::extra::Extra;
use crate::timestamp::Timestamp;

mod generated {
    #![allow(missing_docs, reason = "the interface document has no prose: names are all it says")]

    use super::{Extra, Timestamp};

    include!(concat!(env!("OUT_DIR"), "/models.rs"));
}

mod resources {
    use super::generated::*;

    include!(concat!(env!("OUT_DIR"), "/resources.rs"));
}

pub use generated::*;

/// Stands for a secret in `Debug`.
struct Hidden;

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
