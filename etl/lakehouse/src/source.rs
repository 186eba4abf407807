//! Where written rows come from: batches in memory, a stream, or a query.

use std::fmt;
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use connectwise_datafiles::check;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::{DataFrame, SessionContext};
use futures::stream::{BoxStream, StreamExt};

use crate::TableName;
use crate::error::{Error, Result, sql_error};
use connectwise_storage::locked;

/// The rows of a write.
pub struct Source(DataFrame);

impl Source {
    /// Rows of a query.
    pub fn query(frame: DataFrame) -> Self {
        Self(frame)
    }

    /// Rows that are in memory.
    ///
    /// # Errors
    /// [`Kind::Sql`](crate::error::Kind::Sql) when the batches don't have one schema.
    pub fn batches(session: &SessionContext, batches: Vec<RecordBatch>) -> Result<Self> {
        session.read_batches(batches).map(Self).map_err(sql_error)
    }

    /// Rows that arrive while they are written. An error in the stream fails the write before it is committed.
    ///
    /// # Errors
    /// [`Kind::Sql`](crate::error::Kind::Sql) when the session refuses the stream.
    pub fn stream<E: std::error::Error + Send + Sync + 'static>(
        session: &SessionContext,
        schema: SchemaRef,
        rows: BoxStream<'static, Result<RecordBatch, E>>,
    ) -> Result<Self> {
        let rows = rows.map(|batch| batch.map_err(|error| DataFusionError::External(Box::new(error)))).boxed();
        let once = Arc::new(Once { schema: schema.clone(), rows: Mutex::new(Some(rows)) });
        let table = StreamingTable::try_new(schema, vec![once]).map_err(sql_error)?;
        session.read_table(Arc::new(table)).map(Self).map_err(sql_error)
    }

    pub(super) fn into_frame(self) -> DataFrame {
        self.0
    }

    /// The rows, whose columns have to be the declared ones.
    pub(super) fn conforming(self, table: &TableName, declared: &Schema) -> Result<DataFrame> {
        check(table, declared, self.0.schema().as_arrow())?;
        Ok(self.0)
    }
}

/// A stream that a plan may run once.
struct Once {
    schema: SchemaRef,
    rows: Mutex<Option<BoxStream<'static, Result<RecordBatch, DataFusionError>>>>,
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").finish_non_exhaustive()
    }
}

impl PartitionStream for Once {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = locked(&self.rows).take();
        let rows = rows.unwrap_or_else(|| {
            let twice = Error::internal("a stream of rows was asked for twice");
            futures::stream::once(async move { Err(DataFusionError::External(Box::new(twice))) }).boxed()
        });
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), rows))
    }
}
