//! Resources: what a record type is called, where it lives, and which verbs the API has for it.
//!
//! Each verb is a marker trait that is implemented only where the interface document has the operation, so that a call
//! of a verb that the API lacks does not compile:
//!
//! ```
//! fn delete<R: connectwise_sdk::resource::Delete>() {}
//! delete::<connectwise_sdk::models::TimeEntry>();
//! ```
//! ```compile_fail,E0277
//! fn delete<R: connectwise_sdk::resource::Delete>() {}
//! delete::<connectwise_sdk::models::UnpostedInvoice>();
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;

include!(concat!(env!("OUT_DIR"), "/version.rs"));

/// A record type of the API.
pub trait Resource: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Schema name, for example `TimeEntry`.
    const NAME: &'static str;
    /// Path of the collection below the API root, for example `/time/entries`.
    const PATH: &'static str;

    /// Identifier of this record, where the answer had one.
    fn id(&self) -> Option<i64>;
}

/// `GET` of the collection.
pub trait List: Resource {}

/// `GET` of the number of records.
pub trait Count: Resource {
    /// Path of the count operation, for example `/time/entries/count`.
    const COUNT_PATH: &'static str;
}

/// `GET` of one record by id.
pub trait Get: Resource {}

/// `POST` of a new record.
pub trait Create: Resource {}

/// `PUT` of a whole record by id.
pub trait Replace: Resource {}

/// `PATCH` of single properties by id.
pub trait Patch: Resource {}

/// `DELETE` by id.
pub trait Delete: Resource {}
