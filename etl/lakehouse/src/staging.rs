//! What a load has written and not yet committed: one small object a file, in `_staging/` below the table, where readers of
//! Delta tables don't look.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use chrono::{DateTime, TimeDelta, Utc};
use connectwise_datafiles::DataFileReader;
use connectwise_storage::objects::delete;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{DataFile, Table, TableName};
use crate::error::{self, Result};

const FOLDER: &str = "_staging";
const HEAD: &str = "head.json";

/// What a load was when it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// When it began, by this program's clock.
    pub started: DateTime<Utc>,
    /// What its rows depend on: a load of another identity can't go on with them.
    pub identity: String,
    /// The server's highest change time before its first request.
    pub watermark: DateTime<Utc>,
}

/// A finished file of a load, with the rows of all keys in a range.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Chunk {
    /// The range begins behind this key, `None` at the list's start.
    pub after: Option<i64>,
    /// The range ends with this key.
    pub last: i64,
    /// Rows with something in `_rescued`.
    pub rescued: u64,
    /// The file.
    #[serde(rename = "part")]
    pub file: DataFile,
}

/// A load that was staged.
#[derive(Debug, Clone)]
pub struct Staged {
    /// Name of its folder.
    pub name: String,
    /// What it was, `None` where that can't be read.
    pub head: Option<Head>,
    /// Its files.
    pub chunks: Vec<Chunk>,
}

impl Staged {
    /// Whether the load began so long ago, or isn't known to have begun.
    pub fn is_older_than(&self, age: TimeDelta) -> bool {
        self.head.as_ref().is_none_or(|head| Utc::now() - head.started >= age)
    }
}

impl Table {
    /// The loads that were staged and neither committed nor given up.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the store can't be listed.
    pub async fn staged(&self) -> Result<Vec<Staged>> {
        staged(&self.name, &self.store()).await
    }

    /// Begins to stage a load.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the store refuses.
    pub async fn stage_head(&self, load: &str, head: &Head) -> Result<()> {
        self.stage(load, HEAD, serde_json::to_vec(head)).await
    }

    /// Remembers a finished file of a load.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the store refuses.
    pub async fn stage_chunk(&self, load: &str, chunk: &Chunk) -> Result<()> {
        self.stage(load, &format!("{}.json", uuid::Uuid::now_v7()), serde_json::to_vec(chunk)).await
    }

    async fn stage(&self, load: &str, object: &str, text: serde_json::Result<Vec<u8>>) -> Result<()> {
        let fault =
            |error: Box<dyn std::error::Error + Send + Sync>| error::staging(&self.name, "written").with_source(error);
        let text = text.map_err(|error| fault(Box::new(error)))?;
        self.before_write().await?;
        let path = Path::from_iter([FOLDER, load, object]);
        self.store().put(&path, text.into()).await.map_err(|error| fault(Box::new(error)))?;
        Ok(())
    }

    /// Forgets a staged load. Its files stay where they are until `maintain` finds that nothing needs them: another run may
    /// be about to commit them.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the store refuses.
    pub async fn unstage(&self, load: &str) -> Result<()> {
        let store = self.store();
        let fault = |error| error::staging(&self.name, "removed").with_source(error);
        let folder = Path::from_iter([FOLDER, load]);
        let objects: Vec<_> = store.list(Some(&folder)).try_collect().await.map_err(fault)?;
        for object in objects {
            delete(&store, &object.location).await.map_err(fault)?;
        }
        Ok(())
    }

    /// The rows of a file that no commit names yet.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when it can't be read, also through the stream.
    pub async fn rows_of(&self, file: &DataFile) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let name = self.name.clone();
        let fault = move |error| error::unread_file(&name).with_source(error);
        let file = DataFileReader::new(self.store(), &file.entry.path, file.entry.size);
        let rows = ParquetRecordBatchStreamBuilder::new(file).await.map_err(&fault)?;
        Ok(rows.build().map_err(&fault)?.map_err(fault).boxed())
    }
}

/// The staged loads of a table, by its store.
pub(super) async fn staged(table: &TableName, store: &Arc<dyn ObjectStore>) -> Result<Vec<Staged>> {
    let fault = |error| error::staging(table, "read").with_source(error);
    let found: Vec<_> = store.list(Some(&Path::from(FOLDER))).try_collect().await.map_err(fault)?;
    let mut loads: BTreeMap<String, Staged> = BTreeMap::new();
    for object in found {
        let parts: Vec<String> = object.location.parts().map(|part| part.as_ref().to_owned()).collect();
        let [.., name, file] = parts.as_slice() else { continue };
        let none = || Staged { name: name.clone(), head: None, chunks: Vec::new() };
        let staged = loads.entry(name.clone()).or_insert_with(none);
        if file == HEAD {
            staged.head = read(store.as_ref(), &object.location).await.map_err(fault)?;
        } else {
            staged.chunks.extend(read::<Chunk>(store.as_ref(), &object.location).await.map_err(fault)?);
        }
    }
    Ok(loads.into_values().collect())
}

/// An object that is gone, or holds something else, is as good as none: its rows are read from the server again.
async fn read<T: DeserializeOwned>(store: &dyn ObjectStore, path: &Path) -> object_store::Result<Option<T>> {
    match store.get(path).await {
        Ok(found) => Ok(serde_json::from_slice(&found.bytes().await?).ok()),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
