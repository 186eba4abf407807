//! The record types of the API, generated from the interface document.
//!
//! They read tolerantly: every property is optional, null is absence, a value that an enumeration doesn't list is kept as
//! text, and properties that the document doesn't list are kept in `extra`. `Debug` never shows a secret.
//! A search finds a type by the path of its collection, as `/service/tickets`.
//! For writing, [`Record::validate`](crate::Record::validate) checks what the document demands.

use std::fmt;

#[allow(unused_imports, unreachable_pub, reason = "without a module there are no types")]
pub use self::generated::*;

mod generated {
    #![allow(missing_docs, reason = "the interface document has no prose: names are all it says")]
    #![allow(unused_imports, reason = "not every selection of schemas has values of every type")]

    use crate::decimal::Decimal;
    use crate::extra::Extra;
    use crate::open_enum::open_enum;
    use crate::properties::properties;
    use crate::record::Record;
    use crate::rules::Rule;
    use crate::timestamp::Timestamp;

    include!(concat!(env!("OUT_DIR"), "/models.rs"));
}

include!(concat!(env!("OUT_DIR"), "/gated_models.rs"));

/// Stands for a secret in `Debug`.
#[allow(dead_code, reason = "not every module has secrets")]
struct Hidden;

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
