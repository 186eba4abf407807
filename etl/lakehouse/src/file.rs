//! Reading Parquet files of a table by ranges.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, TryFutureExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

/// Bytes of the end of a file that are asked for first, which hold most footers.
const FOOTER: usize = 64 * 1024;

/// A file on a store.
#[derive(Debug, Clone)]
pub(super) struct File {
    store: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
}

impl File {
    /// The file that the log calls `path`.
    pub(super) fn new(store: Arc<dyn ObjectStore>, path: &str, size: i64) -> Self {
        let path = Path::parse(path).unwrap_or_else(|_| Path::from(path));
        Self { store, path, size: size.cast_unsigned() }
    }

    /// All of it.
    pub(super) async fn bytes(&self) -> object_store::Result<Bytes> {
        self.store.get(&self.path).await?.bytes().await
    }
}

fn refused(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl AsyncFileReader for File {
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
