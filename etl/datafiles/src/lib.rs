//! The Parquet files of a table: how they are written, read by ranges, searched for keys, and changed by copying what doesn't change as
//! bytes. A log that names them is none of this crate's business, and neither are queries: nothing of Delta or DataFusion.

mod checksum;
mod conform;
mod data_file;
mod error;
mod keys;
mod reader;
mod rewrite;
mod spill_buffer;

pub use conform::{as_of_today, check, refused, same_schema, unfit};
pub use data_file::{DataFile, DataFileWriter, FileEntry, TARGET_FILE_BYTES};
pub use keys::{integers, keys, range};
pub use reader::{AT_ONCE, DataFileReader, Rows, column_values};
pub use rewrite::{Changes, Deletes, Edit, Plan, Wanted, Work, locate};
pub use spill_buffer::SpillBuffer;
