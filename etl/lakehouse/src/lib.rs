//! All access to Delta tables. Nothing outside this module names the `deltalake` crate.
//!
//! A [`Lake`] is a folder on an object store with one folder a layer and one a table. It reads tables through DataFusion
//! sessions that it prepares ([`Lake::session`], [`Lake::register`]) and changes them in these ways: [`Lake::replace`] puts a
//! whole new content in place, [`Lake::swap`] one that was written before ([`PartWriter`]), [`Lake::upsert`] merges changed
//! rows, [`Lake::sync`] and [`Lake::trade`] merge upserts and deletes, [`Lake::append`] adds rows. Each is one Delta commit, which
//! carries the data, the marks (watermark and input versions) and the run id together,
//! or leaves the table as it was.

mod again;
mod append;
mod batches;
mod begun;
mod changes;
mod checksum;
mod comment;
mod commit;
mod damage;
mod demands;
mod differences;
pub mod error;
mod exchange;
mod file;
mod guard;
mod inspect;
mod leftovers;
mod location;
mod machine;
mod maintain;
mod memory;
mod mend;
mod merge;
mod name;
mod part;
mod patch;
mod plan;
mod retry;
mod seek;
pub mod sentence;
pub mod shortage;
mod since;
mod spill;
mod staging;
mod store;
mod sync;
mod trust;
mod upsert;
mod write;

pub use again::{as_of_today, unfit};
pub use batches::Batches;
pub use changes::{Comparison, integers};
pub use commit::Keys;
pub use damage::Damage;
pub use differences::Differences;
pub use error::{Error, Failure, Result};
pub use exchange::Exchange;
pub use guard::WriteGuard;
pub use inspect::{Counted, Found, Inspected};
pub use leftovers::{Cleared, Window};
pub use location::local_path;
pub use maintain::{Kept, Upkeep};
pub use memory::memory_size;
pub use mend::Mended;
pub use name::{Layer, TableName};
pub use part::{Part, PartWriter};
pub use patch::same_schema;
pub use plan::Source;
pub use retry::{Versions, retry_on_conflict};
pub use since::Turnover;
pub use staging::{Chunk, Head, Staged};
pub use store::sql_error;
pub use store::{Lake, TableState};
pub use sync::Change;
pub use trust::{Doubt, Examined, Foreign};
pub use write::{Commit, Written};
