//! Parquet files of a table, written beside it and part of it only once a commit names them.
//!
//! A file is written in one request and never changed. Its row groups are small, so that a change to a row is a change to
//! few others; see `rewrite::splice`.

use std::mem;
use std::num::NonZeroU64;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, SecondsFormat, Utc};
use connectwise_storage::TableName;
use futures::{Stream, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, LogicalType, TimeUnit};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::statistics::Statistics;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::checksum;
use crate::error::{self, Error, Result};

/// A merge copies every file it touches, so files are kept small enough that a change touches few bytes.
pub const TARGET_FILE_BYTES: Option<NonZeroU64> = NonZeroU64::new(16 * 1024 * 1024);

/// Rows of a row group: the least that a change encodes again. Ten columns a group cost a kilobyte of footer.
pub(super) const GROUP_ROWS: usize = 8 * 1024;

/// What a log says of a file that a table consists of.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileEntry {
    /// Place below the folder of the table.
    pub path: String,
    /// Bytes.
    pub size: i64,
    /// When it was written, in milliseconds since 1970.
    pub modification_time: i64,
    /// Its [statistics](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics) as JSON, where it has any.
    pub stats: Option<String>,
}

/// A Parquet file of a table, and the keys that are in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DataFile {
    /// What the log says of it. Staged loads keep it under the name that the log has for such an entry.
    #[serde(rename = "add")]
    pub entry: FileEntry,
    /// Rows.
    pub rows: u64,
    /// Lowest and highest key.
    pub keys: Option<(i64, i64)>,
}

/// Writes rows into files of a table. Nothing reads them before a commit takes them.
pub struct DataFileWriter {
    table: TableName,
    store: Arc<dyn ObjectStore>,
    schema: SchemaRef,
    key: String,
    open: Option<ArrowWriter<Vec<u8>>>,
    rows: usize,
}

impl DataFileWriter {
    /// A writer of files whose key is an integer column; `key` is empty where there is none.
    pub fn new(table: TableName, store: Arc<dyn ObjectStore>, schema: SchemaRef, key: &str) -> Self {
        Self { table, store, schema, key: key.to_owned(), open: None, rows: 0 }
    }

    /// Rows that are in no finished file yet.
    pub fn pending(&self) -> usize {
        self.rows
    }

    /// Whether the file is as large as files are meant to be.
    pub fn is_full(&self) -> bool {
        let limit = TARGET_FILE_BYTES.map_or(u64::MAX, std::num::NonZeroU64::get);
        self.open.as_ref().is_some_and(|open| (open.bytes_written() + open.in_progress_size()) as u64 >= limit)
    }

    /// Adds rows to the file.
    ///
    /// # Errors
    /// [`Kind::Contract`](connectwise_storage::error::Kind::Contract) when the rows don't have the writer's schema.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let open = match &mut self.open {
            Some(open) => open,
            None => {
                let writer = ArrowWriter::try_new(Vec::new(), self.schema.clone(), Some(file_properties()));
                self.open.insert(writer.map_err(|error| unwritten(&self.table, error))?)
            }
        };
        open.write(batch).map_err(|error| error::foreign_rows(&self.table).with_source(error))?;
        self.rows += batch.num_rows();
        Ok(())
    }

    /// Writes all rows of a stream, into as many files as they take.
    ///
    /// # Errors
    /// The stream's own, and those of [`Self::write`] and [`Self::finish`].
    pub async fn write_all(mut self, rows: impl Stream<Item = Result<RecordBatch>>) -> Result<Vec<DataFile>> {
        let mut rows = std::pin::pin!(rows);
        let mut files = Vec::new();
        while let Some(batch) = rows.try_next().await? {
            self.write(&batch)?;
            if self.is_full() {
                files.extend(self.finish().await?);
            }
        }
        files.extend(self.finish().await?);
        Ok(files)
    }

    /// Ends the file and stores it, `None` when no row was written.
    ///
    /// # Errors
    /// [`Kind::Lake`](connectwise_storage::error::Kind::Lake) when the store refuses.
    pub async fn finish(&mut self) -> Result<Option<DataFile>> {
        let Some(mut open) = self.open.take() else { return Ok(None) };
        self.rows = 0;
        let metadata = open.finish().map_err(|error| unwritten(&self.table, error))?;
        let bytes = mem::take(open.inner_mut());
        if metadata.file_metadata().num_rows() == 0 {
            return Ok(None);
        }
        store_file(&self.table, &self.store, &self.key, bytes, &metadata).await.map(Some)
    }
}

/// Stores a finished file under a new name.
pub(super) async fn store_file(
    table: &TableName,
    store: &Arc<dyn ObjectStore>,
    key: &str,
    bytes: Vec<u8>,
    metadata: &ParquetMetaData,
) -> Result<DataFile> {
    let name = checksum::name(&bytes);
    let size = bytes.len() as i64;
    store.put(&Path::from(name.as_str()), bytes.into()).await.map_err(|error| unwritten(table, error))?;
    let rows = metadata.file_metadata().num_rows();
    let stats = Some(statistics(metadata).to_string());
    let entry = FileEntry { path: name, size, modification_time: Utc::now().timestamp_millis(), stats };
    let keys = metadata
        .row_groups()
        .iter()
        .map(|group| group.columns().iter().find(|column| column.column_path().parts() == [key])?.statistics())
        .map(|statistics| statistics.and_then(key_range))
        .reduce(|all, group| all.zip(group).map(|((low, high), (least, most))| (low.min(least), high.max(most))))
        .flatten();
    Ok(DataFile { entry, rows: rows.cast_unsigned(), keys })
}

fn unwritten(table: &TableName, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    error::unwritten_file(table).with_source(error)
}

/// How files of a table are written.
pub(super) fn file_properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .build()
}

/// Lowest and highest value of a column of integers.
pub(super) fn key_range(statistics: &Statistics) -> Option<(i64, i64)> {
    match statistics {
        Statistics::Int32(of) => Some((i64::from(*of.min_opt()?), i64::from(*of.max_opt()?))),
        Statistics::Int64(of) => Some((*of.min_opt()?, *of.max_opt()?)),
        _ => None,
    }
}

/// The statistics that Delta keeps with a file: row count, and ranges of the integers and instants at the top.
fn statistics(metadata: &ParquetMetaData) -> Value {
    let mut least = Map::new();
    let mut most = Map::new();
    let mut nulls = Map::new();
    let columns = metadata.file_metadata().schema_descr().columns();
    for (leaf, column) in columns.iter().enumerate() {
        let [name] = column.path().parts() else { continue };
        let instant = match column.logical_type_ref() {
            None | Some(LogicalType::Integer(_)) => false,
            Some(LogicalType::Timestamp(of)) if of.unit == TimeUnit::MICROS => true,
            Some(_) => continue,
        };
        let groups = || metadata.row_groups().iter().map(|group| group.column(leaf).statistics());
        let count: Option<u64> = groups().map(|group| group?.null_count_opt()).sum();
        let ranges = groups().flatten().filter_map(key_range);
        let Some((low, high)) = ranges.reduce(|(low, high), (least, most)| (low.min(least), high.max(most))) else {
            continue;
        };
        // A group that has neither range nor only nulls would make the range of the file too small.
        let told = groups().zip(metadata.row_groups()).all(|(statistics, group)| {
            statistics.is_some_and(|of| {
                key_range(of).is_some() || of.null_count_opt() == Some(group.num_rows().cast_unsigned())
            })
        });
        let (Some(low), Some(high), true) = (written(low, instant), written(high, instant), told) else { continue };
        least.insert(name.clone(), low);
        most.insert(name.clone(), high);
        if let Some(count) = count {
            nulls.insert(name.clone(), count.into());
        }
    }
    serde_json::json!({
        "numRecords": metadata.file_metadata().num_rows(),
        "minValues": least,
        "maxValues": most,
        "nullCount": nulls,
    })
}

fn written(value: i64, instant: bool) -> Option<Value> {
    if !instant {
        return Some(value.into());
    }
    Some(DateTime::<Utc>::from_timestamp_micros(value)?.to_rfc3339_opts(SecondsFormat::Micros, true).into())
}
