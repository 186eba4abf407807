//! The keys of a table, as sets.

use connectwise_datafiles::{AT_ONCE, DataFile, DataFileReader, column_values, integers};
use datafusion::prelude::ident;
use futures::stream::{self, StreamExt, TryStreamExt};
use roaring::RoaringTreemap;

use crate::Table;
use crate::active::ActiveFile;
use crate::error::{self, Result, sql_error};

/// A set of keys.
pub type Keys = RoaringTreemap;

impl Table {
    /// The keys of the snapshot, none where there is no such table.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when a file can't be read.
    pub async fn keys(&self, key: &str) -> Result<Keys> {
        let active: Vec<ActiveFile> = self.active_files(key).collect();
        if active.iter().any(|active| active.remove.deletion_vector.is_some()) {
            return self.keys_by_query(key).await;
        }
        let files: Vec<DataFile> = active.into_iter().map(|active| active.file).collect();
        self.keys_of(key, &files).await
    }

    /// The keys of a table whose files hold rows that were deleted.
    async fn keys_by_query(&self, key: &str) -> Result<Keys> {
        let session = self.lake.session()?;
        let mut all = Keys::new();
        if self.register(&session, "t").await? {
            let frame = session.table("t").await.and_then(|frame| frame.select(vec![ident(key)])).map_err(sql_error)?;
            let mut batches = frame.execute_stream().await.map_err(sql_error)?;
            while let Some(batch) = batches.try_next().await.map_err(sql_error)? {
                all.extend(integers(&batch, key)?.iter().flatten().map(i64::cast_unsigned));
            }
        }
        Ok(all)
    }

    /// The keys in files of the table, which needn't be part of it.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when a file can't be read.
    pub async fn keys_of(&self, key: &str, files: &[DataFile]) -> Result<Keys> {
        let read = files
            .iter()
            .map(|file| column_values(DataFileReader::new(self.store(), &file.entry.path, file.entry.size), key));
        let mut read = stream::iter(read.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        let mut all = Keys::new();
        let fault = |error| error::unread_keys(&self.name).with_source(error);
        while let Some(some) = read.try_next().await.map_err(fault)? {
            all.extend(some.into_iter().map(i64::cast_unsigned));
        }
        Ok(all)
    }
}
