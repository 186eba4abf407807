//! What a load has written and not yet committed: one small object a file, in `_staging/` below the table, where readers of
//! Delta tables don't look.

use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::file::File;
use super::part::Part;
use super::{Lake, TableName};
use crate::error::{Error, Kind, Result};

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
    pub part: Part,
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

impl Lake {
    /// The loads of a table that were staged and neither committed nor given up.
    ///
    /// # Errors
    /// [`Kind::Lake`] when the store can't be listed.
    pub async fn staged(&self, table: &TableName) -> Result<Vec<Staged>> {
        let store = self.load(table).await?.log_store().object_store(None);
        let fault = |error| Error::new(Kind::Lake, format!("the staging of {table} can't be read")).with_source(error);
        let found: Vec<_> = store.list(Some(&Path::from(FOLDER))).try_collect().await.map_err(fault)?;
        let mut loads: std::collections::BTreeMap<String, Staged> = std::collections::BTreeMap::new();
        for object in found {
            let parts: Vec<String> = object.location.parts().map(|part| part.as_ref().to_owned()).collect();
            let [.., name, file] = parts.as_slice() else { continue };
            let staged = loads.entry(name.clone()).or_insert_with(|| Staged {
                name: name.clone(),
                head: None,
                chunks: Vec::new(),
            });
            if file == HEAD {
                staged.head = read(store.as_ref(), &object.location).await;
            } else {
                staged.chunks.extend(read::<Chunk>(store.as_ref(), &object.location).await);
            }
        }
        Ok(loads.into_values().collect())
    }

    /// Begins to stage a load.
    ///
    /// # Errors
    /// [`Kind::Lake`] when the store refuses.
    pub async fn stage_head(&self, table: &TableName, name: &str, head: &Head) -> Result<()> {
        self.stage(table, name, HEAD, serde_json::to_vec(head)).await
    }

    /// Remembers a finished file of a load.
    ///
    /// # Errors
    /// [`Kind::Lake`] when the store refuses.
    pub async fn stage_chunk(&self, table: &TableName, name: &str, chunk: &Chunk) -> Result<()> {
        self.stage(table, name, &format!("{}.json", uuid::Uuid::now_v7()), serde_json::to_vec(chunk)).await
    }

    async fn stage(&self, table: &TableName, name: &str, file: &str, text: serde_json::Result<Vec<u8>>) -> Result<()> {
        let fault = |error: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(Kind::Lake, format!("the staging of {table} can't be written")).with_source(error)
        };
        let text = text.map_err(|error| fault(Box::new(error)))?;
        self.before_write(table).await?;
        let store = self.load(table).await?.log_store().object_store(None);
        let path = Path::from_iter([FOLDER, name, file]);
        store.put(&path, text.into()).await.map_err(|error| fault(Box::new(error)))?;
        Ok(())
    }

    /// Forgets a staged load. Its files stay where they are until `maintain` finds that nothing needs them: another run may
    /// be about to commit them.
    ///
    /// # Errors
    /// [`Kind::Lake`] when the store refuses.
    pub async fn unstage(&self, table: &TableName, name: &str) -> Result<()> {
        let store = self.load(table).await?.log_store().object_store(None);
        let fault =
            |error| Error::new(Kind::Lake, format!("the staging of {table} can't be removed")).with_source(error);
        let folder = Path::from_iter([FOLDER, name]);
        let objects: Vec<_> = store.list(Some(&folder)).try_collect().await.map_err(fault)?;
        for object in objects {
            match store.delete(&object.location).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(fault(error)),
            }
        }
        Ok(())
    }

    /// The rows of a file that no commit names yet.
    ///
    /// # Errors
    /// [`Kind::Lake`] when it can't be read, also through the stream.
    pub async fn part_rows(&self, table: &TableName, part: &Part) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let store = self.load(table).await?.log_store().object_store(None);
        let what = format!("a file of {table} can't be read");
        let fault = move |error| Error::new(Kind::Lake, what.clone()).with_source(error);
        let file = File::new(store, &part.add.path, part.add.size);
        let rows = ParquetRecordBatchStreamBuilder::new(file).await.map_err(&fault)?;
        Ok(rows.build().map_err(&fault)?.map_err(fault).boxed())
    }
}

/// An object that can't be read is as good as none: its rows are read from the server again.
async fn read<T: DeserializeOwned>(store: &dyn ObjectStore, path: &Path) -> Option<T> {
    let bytes = store.get(path).await.ok()?.bytes().await.ok()?;
    serde_json::from_slice(&bytes).ok()
}
