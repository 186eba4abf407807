//! Folders beside the files of a table, through which another engine gets rows and gives those back that it computed.
//!
//! Their names begin with `_`, so that readers of Delta pass over them and no version of the table has anything of theirs.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::SchemaRef;
use connectwise_datafiles::{AT_ONCE, DataFileReader};
use connectwise_storage::TableName;
use connectwise_storage::objects::{EXCHANGE, delete};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::{DataFrame, SessionContext};
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _};
use parquet::arrow::ArrowWriter;
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use url::Url;

use crate::Table;
use crate::error::{self, Result, sql_error};

/// Where the other engine finds rows that it gets.
const GIVEN: &str = "given";
/// Where it leaves the rows that it computed.
const COMPUTED: &str = "computed";

/// How another engine reads the rows of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readable {
    /// The rows of these Parquet files are those of the table: nothing in the log adds to them or takes from them.
    Files(Vec<String>),
    /// The log says more than which files there are, so that a reader of Delta is needed.
    Version(String, u64),
}

impl Table {
    /// How another engine reads the rows of this snapshot, `None` where there is no such table.
    ///
    /// # Errors
    /// [`Kind::Usage`](crate::error::Kind::Usage) when its name is none.
    pub fn readable(&self) -> Result<Option<Readable>> {
        let Some(version) = self.version() else { return Ok(None) };
        let folder = address(&self.lake.url(&self.name)?);
        let mut files = Vec::new();
        for active in self.active_files("") {
            let path = active.file.entry.path;
            // Files of another table are named by whole URLs.
            if active.remove.deletion_vector.is_some() || path.contains("://") || self.demands().is_some() {
                return Ok(Some(Readable::Version(folder, version)));
            }
            files.push(format!("{folder}/{path}"));
        }
        Ok(Some(Readable::Files(files)))
    }

    /// The folder through which another engine gets and gives rows of a run for this table. Nothing is created.
    ///
    /// # Errors
    /// [`Kind::Usage`](crate::error::Kind::Usage) when its name is none, and that of the guard where it may not be written.
    pub async fn exchange(&self, run_id: &str) -> Result<ExchangeFolder> {
        self.before_write().await?;
        let url = self.lake.url(&self.name)?;
        let path = Path::from(format!("{EXCHANGE}{run_id}"));
        Ok(ExchangeFolder { table: self.name.clone(), url, path, store: self.store() })
    }
}

/// The address of a folder as other programs read it, without a slash at its end: what a URL encodes in a local path stands there as it is.
fn address(url: &Url) -> String {
    let local = url.to_file_path().ok().and_then(|path| Some(format!("file://{}", path.to_str()?)));
    local.unwrap_or_else(|| url.to_string()).trim_end_matches('/').to_owned()
}

/// A folder through which another engine gets and gives rows for a table.
#[derive(Debug)]
pub struct ExchangeFolder {
    table: TableName,
    /// Where the table is.
    url: Url,
    /// The folder, below that of the table.
    path: Path,
    store: Arc<dyn ObjectStore>,
}

impl ExchangeFolder {
    /// Writes rows for the other engine as a Parquet file, and gives its address.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the store refuses.
    pub async fn give(&self, name: &str, rows: &RecordBatch) -> Result<String> {
        let unwritten = || error::exchange(&self.table, "written");
        let encoded = || {
            let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), None)?;
            writer.write(rows)?;
            writer.into_inner()
        };
        let bytes = encoded().map_err(|error| unwritten().with_source(error))?;
        let file = self.path.clone().join(GIVEN).join(format!("{name}.parquet"));
        self.store.put(&file, bytes.into()).await.map_err(|error| unwritten().with_source(error))?;
        Ok(format!("{}/{file}", address(&self.url)))
    }

    /// Address of the folder in which the other engine has to write its rows as Parquet files.
    pub fn output(&self) -> String {
        format!("{}/{}/{COMPUTED}", address(&self.url), self.path)
    }

    /// The rows that the other engine has written, in the columns and types of `schema`, each of which may be NULL, and how many there
    /// are. They are read when the frame is run, each time anew.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the files can't be read.
    pub async fn rows(&self, session: &SessionContext, schema: SchemaRef) -> Result<(u64, DataFrame)> {
        let unread = || error::exchange(&self.table, "read");
        let folder = self.path.clone().join(COMPUTED);
        let objects: Vec<ObjectMeta> =
            self.store.list(Some(&folder)).try_collect().await.map_err(|error| unread().with_source(error))?;
        // What writers haven't finished, and what they tell each other, begins with these signs.
        let is_data = |object: &ObjectMeta| {
            let path = object.location.parts().skip(self.path.parts().count());
            object.location.as_ref().ends_with(".parquet")
                && path.into_iter().all(|part| !part.as_ref().starts_with(['_', '.']))
        };
        let file = |object: &ObjectMeta| {
            DataFileReader::new(self.store.clone(), object.location.as_ref(), object.size.cast_signed())
        };
        let files: Vec<DataFileReader> = objects.iter().filter(|object| is_data(object)).map(file).collect();
        let mut count = 0;
        for file in &files {
            let opened = ParquetRecordBatchStreamBuilder::new(file.clone()).await;
            let opened = opened.map_err(|error| unread().with_source(error))?;
            count += opened.metadata().file_metadata().num_rows().cast_unsigned();
        }
        let size = files.len().div_ceil(AT_ONCE).max(1);
        let mut parts: Vec<Arc<dyn PartitionStream>> = Vec::new();
        for files in files.chunks(size) {
            parts.push(Arc::new(WrittenFiles { schema: schema.clone(), files: files.to_vec() }));
        }
        if parts.is_empty() {
            parts.push(Arc::new(WrittenFiles { schema: schema.clone(), files: Vec::new() }));
        }
        let table = StreamingTable::try_new(schema, parts).map_err(sql_error)?;
        Ok((count, session.read_table(Arc::new(table)).map_err(sql_error)?))
    }

    /// Removes the folder with all that is in it.
    ///
    /// # Errors
    /// [`Kind::Lake`](crate::error::Kind::Lake) when the store refuses.
    pub async fn remove(self) -> Result<()> {
        let unremoved = |error: object_store::Error| error::exchange(&self.table, "removed").with_source(error);
        let objects: Vec<ObjectMeta> = self.store.list(Some(&self.path)).try_collect().await.map_err(unremoved)?;
        for object in objects {
            delete(&self.store, &object.location).await.map_err(unremoved)?;
        }
        if let Ok(folder) = self.url.to_file_path() {
            remove_empty_folders(&folder.join(self.path.as_ref()));
            return Ok(());
        }
        // Where folders are objects of their own, as in Azure Data Lake, they are there without files, too, and no list has them.
        let computed = self.path.clone().join(COMPUTED);
        for folder in [&computed.clone().join("_temporary"), &computed, &self.path.clone().join(GIVEN), &self.path] {
            drop(self.store.delete(folder).await);
        }
        Ok(())
    }
}

/// Removes the folders of a local exchange that have no files any more. Those that have some belong to a writer that is at work.
pub fn remove_empty_folders(folder: &std::path::Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            remove_empty_folders(&entry.path());
        }
    }
    drop(std::fs::remove_dir(folder));
}

/// Files that another engine has written, read one after the other.
struct WrittenFiles {
    schema: SchemaRef,
    files: Vec<DataFileReader>,
}

impl fmt::Debug for WrittenFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrittenFiles").field("files", &self.files.len()).finish_non_exhaustive()
    }
}

impl PartitionStream for WrittenFiles {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let schema = self.schema.clone();
        let files = stream::iter(self.files.clone());
        let rows = files.then(|file| async { file.rows().await.map(|(_, rows)| rows) }).try_flatten();
        let rows = rows.map(move |batch| in_columns(&schema, &batch.map_err(DataFusionError::from)?));
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), rows.boxed()))
    }
}

/// A batch in the columns and types of a schema. What isn't of its type is an error, and not NULL.
fn in_columns(schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch, DataFusionError> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        columns.push(match batch.column_by_name(field.name()) {
            Some(column) => cast_with_options(column, field.data_type(), &options)?,
            None => new_null_array(field.data_type(), batch.num_rows()),
        });
    }
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;
    use crate::{Commit, Lake, Source};

    fn batch(ids: &[i32]) -> RecordBatch {
        let ids: ArrayRef = Arc::new(Int32Array::from(ids.to_vec()));
        RecordBatch::try_from_iter([("id", ids)]).unwrap()
    }

    #[tokio::test]
    async fn rows_go_out_and_come_back_and_leave_nothing() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("a lake");
        let lake = Lake::open(place.to_str().unwrap()).unwrap();
        let session = lake.session().unwrap();
        let table = lake.table(&TableName::gold("fact_x")).await.unwrap();
        assert_eq!(table.readable().unwrap(), None);
        let source = Source::batches(&session, vec![batch(&[1])]).unwrap();
        table.overwrite(&batch(&[]).schema(), source, &Commit::new("before")).await.unwrap();
        let table = table.refresh().await.unwrap();
        let folder = table.exchange("run-1").await.unwrap();
        let inside = place.join("gold/fact_x/_exchange-run-1");
        let address = folder.give("few", &batch(&[7, 8])).await.unwrap();
        assert_eq!(address, format!("file://{}/given/few.parquet", inside.display()));
        assert_eq!(folder.output(), format!("file://{}/computed", inside.display()));

        // The other engine: two files, what it tells itself, and what it hasn't finished.
        let computed = inside.join("computed");
        std::fs::create_dir_all(computed.join("_temporary")).unwrap();
        let given = std::fs::read(inside.join("given/few.parquet")).unwrap();
        for name in ["part-0.snappy.parquet", "part-1.snappy.parquet", "_temporary/part-2.parquet", ".part-0.crc"] {
            std::fs::write(computed.join(name), &given).unwrap();
        }
        let wanted = vec![Field::new("id", DataType::Int64, true), Field::new("name", DataType::Utf8, true)];
        let (count, frame) = folder.rows(&session, Arc::new(Schema::new(wanted.clone()))).await.unwrap();
        assert_eq!(count, 4);
        // A frame may be run more than once.
        for _ in 0..2 {
            let rows = frame.clone().sort_by(vec![datafusion::prelude::ident("id")]).unwrap().collect().await.unwrap();
            let rows = arrow::compute::concat_batches(&rows[0].schema(), &rows).unwrap();
            let ids: ArrayRef = Arc::new(Int64Array::from(vec![7, 7, 8, 8]));
            let names: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>; 4]));
            assert_eq!((rows.column(0), rows.column(1)), (&ids, &names));
        }
        folder.remove().await.unwrap();
        assert!(!inside.exists());
        let Some(Readable::Files(files)) = table.readable().unwrap() else { panic!("files are all that there is") };
        let [file] = files.as_slice() else { panic!("{files:?}") };
        assert!(std::path::Path::new(file.strip_prefix("file://").unwrap()).is_file(), "{file}");
    }

    #[tokio::test]
    async fn a_value_that_is_none_of_its_type_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        let lake = Lake::open(root.path().to_str().unwrap()).unwrap();
        let session = lake.session().unwrap();
        let folder = lake.table(&TableName::gold("fact_x")).await.unwrap().exchange("run").await.unwrap();
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["7", "x"]));
        folder.give("some", &RecordBatch::try_from_iter([("id", texts)]).unwrap()).await.unwrap();
        let inside = root.path().join("gold/fact_x/_exchange-run");
        std::fs::rename(inside.join("given"), inside.join("computed")).unwrap();
        let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int32, true)]));
        let (_, frame) = folder.rows(&session, schema).await.unwrap();
        assert!(frame.collect().await.unwrap_err().to_string().contains("'x'"));
    }
}
