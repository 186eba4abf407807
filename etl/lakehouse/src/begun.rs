//! Telling a table whose first load was cut off from one whose log was lost: both are data files without a log.
//!
//! Before the first file of a new table a small object beside its files says that its first load began; it goes once there is a
//! log. Data files without either, and that no staged load knows, are those of a table that had a log.

use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};

use super::staging::staged;
use super::{Lake, Table, TableName};
use crate::error::{self, Result};
use connectwise_storage::objects::{kept_until, listed};

/// The object. Readers of Delta tables don't look at such names.
pub const BEGUN: &str = "_begun";

impl Table {
    /// To be called before a file is written: says of a table that has no log that it is about to get one.
    pub(super) async fn begin(&self) -> Result<()> {
        self.try_store().await?;
        if self.exists() {
            return Ok(());
        }
        let text = format!("The first load of {} began, and this goes with its first commit.\n", self.name);
        self.store()
            .put(&Path::from(BEGUN), text.into())
            .await
            .map(drop)
            .map_err(|error| error::not_begun(&self.name).with_source(error))
    }

    /// To be called after a commit upon the snapshot. What can't be removed now goes with `maintain`.
    pub(super) async fn begun(&self) {
        if !self.exists() {
            self.clear_begun().await;
        }
    }

    /// Takes away what says that the first load began.
    pub async fn clear_begun(&self) {
        let _ = self.store().delete(&Path::from(BEGUN)).await;
    }
}

impl Lake {
    /// Data files that the table's lost log named, by a listing of a table that has none: 0 where it never had one.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the store refuses.
    pub async fn orphaned(&self, table: &TableName, objects: &[ObjectMeta]) -> Result<usize> {
        if objects.iter().any(|object| object.location.as_ref() == BEGUN) {
            return Ok(0);
        }
        // Those that were there when the log was found to be missing were told of then.
        let told = kept_until(objects);
        let files = objects.iter().filter(|object| {
            let hidden = object.location.parts().any(|part| part.as_ref().starts_with(['_', '.']));
            !hidden && object.location.as_ref().ends_with(".parquet") && told.is_none_or(|at| object.last_modified > at)
        });
        let files: Vec<&ObjectMeta> = files.collect();
        if files.is_empty() {
            return Ok(0);
        }
        let staged = staged(table, &self.objects(table)?).await?;
        let known = |path: &str| staged.iter().flat_map(|load| &load.chunks).any(|chunk| chunk.file.entry.path == path);
        Ok(files.into_iter().filter(|object| !known(object.location.as_ref())).count())
    }

    /// An error where a table that seems not to be there has lost its log.
    pub(super) async fn never_was(&self, table: &TableName) -> Result<()> {
        if !self.has_folder(table)? {
            return Ok(());
        }
        let objects = listed(table, &self.objects(table)?).await?;
        match self.orphaned(table, &objects).await? {
            0 => Ok(()),
            files => Err(error::damaged(table, lost(files))),
        }
    }
}

/// What is wrong with a table that has lost its log.
pub fn lost(files: usize) -> String {
    match files {
        1 => "its log is missing, and one data file of it is still there".to_owned(),
        files => format!("its log is missing, and {files} data files of it are still there"),
    }
}
