//! The files that a table consists of, as its log names them.

use std::collections::HashMap;

use connectwise_datafiles::{DataFile, FileEntry};
use deltalake::kernel::{Add, Remove};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde_json::Value;

use crate::Table;

/// A file that a snapshot of a table names.
#[derive(Debug, Clone)]
pub struct ActiveFile {
    /// The file, with the range of its keys where the log knows it.
    pub file: DataFile,
    /// Rows, where the log says how many there are.
    pub rows: Option<u64>,
    /// What takes it out of the table.
    pub remove: Remove,
}

/// What a log says of the rows of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// How many there are.
    pub rows: u64,
    /// Lowest and highest key.
    pub keys: Option<(i64, i64)>,
}

impl Table {
    /// The files of the snapshot, with the range of their keys where the log knows it.
    pub fn active_files<'a>(&'a self, key: &'a str) -> impl Iterator<Item = ActiveFile> + 'a {
        let files = self.snapshot().into_iter().flat_map(|snapshot| snapshot.log_data().into_iter());
        files.map(move |file| {
            let remove = file.remove_action(true);
            // Statistics that can't be read tell nothing, as if there were none.
            let stats: Option<Value> = file.stats().and_then(|text| serde_json::from_str(&text).ok());
            let end = |of: &str| stats.as_ref()?.get(of)?.get(key)?.as_i64();
            let keys = end("minValues").zip(end("maxValues"));
            let rows = stats.as_ref().and_then(|stats| stats.get("numRecords")?.as_u64());
            let modification_time = file.modification_time();
            let entry = FileEntry { path: remove.path.clone(), size: file.size(), modification_time, stats: None };
            // A file of which nobody knows how many rows it has gets none of the new ones.
            ActiveFile { file: DataFile { entry, rows: rows.unwrap_or(0), keys }, rows, remove }
        })
    }

    /// Rows, as the log counts them; `None` where there is no such table or it doesn't.
    pub fn logged_rows(&self) -> Option<u64> {
        self.counted("").map(|told| told.rows)
    }

    /// Rows of the snapshot and the range of its keys as its log says, without a look at any file. `None` where there is no table or
    /// the log doesn't say.
    pub fn counted(&self, key: &str) -> Option<Counted> {
        self.snapshot()?;
        self.active_files(key).try_fold(Counted::default(), |told, active| {
            let keys = match (told.keys, active.file.keys) {
                (Some((low, high)), Some((least, most))) => Some((low.min(least), high.max(most))),
                (known, new) => known.or(new),
            };
            Some(Counted { rows: told.rows + active.rows?, keys })
        })
    }
}

/// A file that comes to a table, as the log names it. The tables have no partitions, deletion vectors or row ids.
pub fn added(file: DataFile) -> Add {
    let FileEntry { path, size, modification_time, stats } = file.entry;
    Add {
        path,
        partition_values: HashMap::new(),
        size,
        modification_time,
        data_change: true,
        stats,
        tags: None,
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
        clustering_provider: None,
    }
}

/// How Delta writes files of a table.
pub fn writer_properties() -> WriterProperties {
    WriterProperties::builder().set_compression(Compression::SNAPPY).build()
}
