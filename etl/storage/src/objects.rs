//! The objects of a table, by their names and times.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _};

use crate::error::{Error, Result};
use crate::name::TableName;

/// Folder of a table's log.
pub const LOG: &str = "_delta_log";
/// The object that names the newest checkpoint.
pub const HINT: &str = "_delta_log/_last_checkpoint";
/// What folders are called that hold what kept a table from being read.
pub const ASIDE: &str = "_damaged-";
/// What folders are called through which another engine gets and gives rows.
pub const EXCHANGE: &str = "_exchange-";

/// All objects of a table.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) when the store refuses.
pub async fn listed(table: &TableName, store: &Arc<dyn ObjectStore>) -> Result<Vec<ObjectMeta>> {
    let unlisted = |error: object_store::Error| Error::unlisted(table).with_source(error);
    store.list(None).try_collect().await.map_err(unlisted)
}

/// Deletes an object, and says whether it was there: another run may have been faster.
///
/// # Errors
/// When the store refuses.
pub async fn delete(store: &Arc<dyn ObjectStore>, object: &Path) -> object_store::Result<bool> {
    match store.delete(object).await {
        Ok(()) => Ok(true),
        Err(object_store::Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Where a commit of a table is.
pub fn commit_path(version: u64) -> Path {
    Path::from(format!("{LOG}/{version:020}.json"))
}

/// Data files that no commit names are kept when they were written up to this time, because damaged log files set aside then
/// may name them. The time is when they were set aside by the store's clock, as the files' times are; the time in the name of its
/// folder is by this machine's clock.
pub fn kept_until(objects: &[ObjectMeta]) -> Option<DateTime<Utc>> {
    let is_aside =
        |object: &&ObjectMeta| object.location.parts().next().is_some_and(|folder| folder.as_ref().starts_with(ASIDE));
    objects.iter().filter(is_aside).map(|object| object.last_modified).max()
}
