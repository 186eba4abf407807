//! All access to Delta tables. Nothing outside this crate names the `deltalake` crate.
//!
//! A [`Lake`] is a folder on an object store that holds a folder for each table, within one for each layer or without
//! ([`Layout`]). [`Lake::table`] opens a [`Table`] at one version. It is read through DataFusion sessions ([`Lake::session`], [`Table::register`]) and changed in these ways:
//! [`Table::overwrite`] puts a whole new content in place, [`Table::overwrite_with_files`] one that was written before
//! ([`DataFileWriter`]), [`Table::merge`] brings in upserts and deletes, [`Table::append`] adds rows; [`Table::append_records`] and
//! [`Table::merge_records`] take a stream, as the SDK reads a list, and [`Table::records`] gives one. Each is one Delta commit upon the
//! version that was opened, which carries the data, the transactions (watermark and input versions) and the run id together,
//! or leaves the table as it was.

mod active;
mod append;
mod begun;
mod comment;
mod commit;
mod compare;
mod damage;
mod demands;
pub mod error;
mod files;
mod inspect;
mod keys;
mod lake;
mod leftovers;
mod machine;
mod maintain;
mod memory;
mod mend;
mod merge;
mod open;
mod overwrite;
mod records;
mod reshape;
mod retry;
mod rows;
mod source;
mod spill;
mod staging;
mod trust;

pub use active::{ActiveFile, Counted, added, writer_properties};
pub use commit::{Commit, Written};
pub use compare::Comparison;
pub use connectwise_datafiles::{
    Changes, DataFile, DataFileWriter, SpillBuffer, as_of_today, integers, same_schema, unfit,
};
pub use connectwise_storage::{Layer, Layout, NoName, StoreOptions, TableName, Token, TokenProvider, Tokens};
pub use damage::Damage;
pub use error::{Error, Failure, Result, sql_error};
pub use files::FileDiff;
pub use inspect::{Found, Inspected};
pub use keys::Keys;
pub use lake::{Lake, Table, TableState, WriteGuard, session};
pub use leftovers::{Cleared, Window};
pub use maintain::{MaintenanceMetrics, MaintenanceOptions};
pub use memory::memory_size;
pub use mend::Mended;
pub use retry::{as_conflict, retry_on_conflict};
pub use rows::KeyDiff;
pub use source::Source;
pub use staging::{Chunk, Head, Staged};
pub use trust::{Doubt, Examined, Foreign};
