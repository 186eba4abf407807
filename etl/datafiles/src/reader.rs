//! Reading Parquet files of a table by ranges.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryFutureExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use crate::checksum;
use crate::error::Error;
use crate::keys::integers;

/// Files that are looked into at a time.
pub const AT_ONCE: usize = 4;

/// Bytes of the end of a file that are asked for first, which hold most footers.
const FOOTER: usize = 64 * 1024;

/// A file on a store.
#[derive(Debug, Clone)]
pub struct DataFileReader {
    store: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
}

impl DataFileReader {
    /// The file that the log calls `path`.
    pub fn new(store: Arc<dyn ObjectStore>, path: &str, size: i64) -> Self {
        let path = Path::parse(path).unwrap_or_else(|_| Path::from(path));
        Self { store, path, size: size.cast_unsigned() }
    }

    /// All of it.
    pub async fn bytes(&self) -> object_store::Result<Bytes> {
        self.store.get(&self.path).await?.bytes().await
    }
}

fn refused(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl AsyncFileReader for DataFileReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        self.store.get_range(&self.path, range).map_err(refused).boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        async move { self.store.get_ranges(&self.path, &ranges).await.map_err(refused) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move {
            let size = self.size;
            let reader =
                ParquetMetaDataReader::new().with_arrow_reader_options(options).with_prefetch_hint(Some(FOOTER));
            Ok(Arc::new(reader.load_and_finish(self, size).await?))
        }
        .boxed()
    }
}

/// The rows of a file, batch by batch.
pub type Rows = BoxStream<'static, Result<RecordBatch>>;

impl DataFileReader {
    /// All rows, and whether the bytes are those that were written under the file's name; `None` where the name doesn't say.
    pub async fn rows(self) -> Result<(Option<bool>, Rows)> {
        if checksum::told(self.path.as_ref()).is_none() {
            return Ok((None, ParquetRecordBatchStreamBuilder::new(self).await?.build()?.boxed()));
        }
        // Those are no larger than this program makes them.
        let bytes = self.bytes().await.map_err(refused)?;
        let is_as_written = checksum::holds(self.path.as_ref(), &bytes);
        let batches = ParquetRecordBatchReaderBuilder::try_new(bytes)?.build()?;
        Ok((is_as_written, stream::iter(batches.map(|batch| batch.map_err(ParquetError::from))).boxed()))
    }

    /// What is wrong with it, `None` where all of its rows can be read.
    ///
    /// # Errors
    /// When the store doesn't give it, which says nothing of what is in it.
    pub async fn fault(self) -> object_store::Result<Option<String>> {
        let read = async {
            let (_, mut rows) = self.rows().await?;
            while rows.try_next().await?.is_some() {}
            Ok(())
        };
        match read.await {
            Ok(()) => Ok(None),
            Err(ParquetError::External(error)) => match error.downcast::<object_store::Error>() {
                Ok(refused) => Err(*refused),
                Err(other) => Ok(Some(other.to_string())),
            },
            Err(error) => Ok(Some(error.to_string())),
        }
    }
}

/// All values of an integer column of a file.
pub async fn column_values(mut file: DataFileReader, column: &str) -> Result<Vec<i64>> {
    let metadata = ArrowReaderMetadata::load_async(&mut file, Default::default()).await?;
    let missing = || ParquetError::General(format!("there is no column {column}"));
    let at = position(&metadata, column).ok_or_else(missing)?;
    let mask = ProjectionMask::roots(metadata.parquet_schema(), [at]);
    let mut batches =
        ParquetRecordBatchStreamBuilder::new_with_metadata(file, metadata).with_projection(mask).build()?;
    let mut all = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        all.extend(integers(&batch, column).map_err(outside)?.iter().flatten());
    }
    Ok(all)
}

/// An error of this crate inside one of Parquet's.
pub(crate) fn outside(error: Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

/// Where a column stands in a file.
pub(crate) fn position(metadata: &ArrowReaderMetadata, column: &str) -> Option<usize> {
    metadata.schema().fields().iter().position(|field| field.name() == column)
}
