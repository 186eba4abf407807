//! Delta tables: what they are, how they are read, and what is written to them.
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
mod demands;
pub mod error;
mod exchange;
mod files;
mod keys;
mod lake;
mod log_stores;
mod merge;
mod open;
mod overwrite;
mod records;
mod retry;
mod rows;
mod source;
mod staging;
mod untrusted;

pub use active::{ActiveFile, Counted, added, writer_properties};
pub use begun::{BEGUN, lost};
pub use commit::{Basis, Commit, Written};
pub use compare::Comparison;
pub use connectwise_compute::{memory_size, session};
pub use connectwise_datafiles::{
    Changes, DataFile, DataFileWriter, SpillBuffer, as_of_today, integers, same_schema, unfit,
};
pub use connectwise_storage::{Layer, Layout, NoName, StoreOptions, TableName, Token, TokenProvider, Tokens};
pub use demands::columns;
pub use error::{Error, Failure, Result, sql_error};
pub use exchange::{ExchangeFolder, Readable, remove_empty_folders};
pub use files::FileDiff;
pub use keys::Keys;
pub use lake::{Lake, Table, TableState, WriteGuard};
pub use retry::{as_conflict, retry_on_conflict};
pub use rows::KeyDiff;
pub use source::Source;
pub use staging::{Chunk, Head, Staged};
