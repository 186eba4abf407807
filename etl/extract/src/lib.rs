//! ConnectWise PSA as checked Arrow batches: which entities there are, what their columns are, and a read that is whole or an
//! error.
//!
//! Data flows one way through the modules:
//!
//! | module | step |
//! |---|---|
//! | [`catalog`], [`selection`] | which entities there are, and which of them are meant |
//! | [`contract`] | what their columns are |
//! | [`privacy`] | what becomes of secrets and of personal data |
//! | [`extra`] | columns that a project adds |
//! | [`decode`] | records to checked Arrow batches; what doesn't fit is rescued |
//! | [`read`] | pages of records from the API, whole or not at all |
//! | [`doctor`] | whether a tenant can be loaded, and what is missing |

pub mod catalog;
pub mod closest;
pub mod contract;
pub mod decode;
pub mod doctor;
pub mod error;
pub mod extra;
pub mod privacy;
pub mod progress;
pub mod read;
pub mod selection;

pub use error::{Error, Result};
