//! The properties of the record types as typed paths, one module a type.
//!
//! ```
//! use connectwise_sdk::fields::{record_info, time_entry};
//!
//! let since: chrono::DateTime<chrono::Utc> = "2025-05-06T00:00:00Z".parse()?;
//! let changed = time_entry::INFO.then(record_info::LAST_UPDATED).ge(since) | time_entry::DATE_ENTERED.ge(since);
//! assert_eq!(
//!     changed.to_string(),
//!     "(_info/lastUpdated >= [2025-05-06T00:00:00Z] or dateEntered >= [2025-05-06T00:00:00Z])"
//! );
//! # Ok::<(), chrono::ParseError>(())
//! ```

#[allow(unused_imports, unreachable_pub, reason = "without a module there are no types")]
pub use self::generated::*;

include!(concat!(env!("OUT_DIR"), "/gated_fields.rs"));

/// Properties of `_info`.
pub mod record_info {
    use crate::path::{Path, RecordInfo};
    use crate::timestamp::Timestamp;

    /// When the record was changed last.
    pub const LAST_UPDATED: Path<RecordInfo, Timestamp> = Path::new("lastUpdated");
    /// Who changed it last.
    pub const UPDATED_BY: Path<RecordInfo, String> = Path::new("updatedBy");
    /// When it was created.
    pub const DATE_ENTERED: Path<RecordInfo, Timestamp> = Path::new("dateEntered");
    /// Who created it.
    pub const ENTERED_BY: Path<RecordInfo, String> = Path::new("enteredBy");
}

mod generated {
    #![allow(missing_docs, reason = "the interface document has no prose: names are all it says")]
    #![allow(unused_imports, reason = "not every selection of schemas has values of every type")]

    use serde_json::Value;

    use crate::models::*;
    use crate::path::{Path, RecordInfo};
    use crate::timestamp::Timestamp;

    include!(concat!(env!("OUT_DIR"), "/fields.rs"));
}
