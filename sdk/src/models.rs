//! The record types of the API, generated from the interface document.
//!
//! They read tolerantly: every property is optional, null is absence, a value that an enumeration doesn't list is kept as
//! text, and properties that the document doesn't list are kept in `extra`. `Debug` never shows a secret.
//! A search finds a type by the path of its collection, as `/service/tickets`; [`modules`](crate::modules) has the types of each module
//! by themselves.
//! A record is made by setters, `Ticket::default().with_summary("No paper")`, where it can be sent by itself, or as a struct with
//! `..Default::default()`. For writing, [`Record::validate`](crate::Record::validate) checks what the document demands.

use std::fmt;

#[allow(unused_imports, unreachable_pub, reason = "without a module there are no types")]
mod all {
    include!(concat!(env!("OUT_DIR"), "/models.rs"));
}

#[allow(unused_imports, unreachable_pub, reason = "without a module there are no types")]
pub use self::all::*;

include!(concat!(env!("OUT_DIR"), "/gated_models.rs"));

/// Stands for a secret in `Debug`.
#[allow(dead_code, reason = "not every module has secrets")]
pub(crate) struct Hidden;

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
