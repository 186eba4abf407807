//! Tables that Python hands over.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use connectwise_pipeline::error::Result;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::errors;
use crate::frame::Rows;

/// Rows of this package as they are, and those of other libraries as an Arrow stream in bytes: to take a stream of somebody else's
/// memory as it is would be `unsafe`, and this workspace has none.
#[derive(FromPyObject)]
pub(crate) enum Given {
    Own(Py<Rows>),
    Stream(PyBackedBytes),
}

impl Given {
    /// At least one batch, so that the columns are known.
    pub(crate) fn batches(&self) -> Result<Vec<RecordBatch>> {
        match self {
            Self::Own(rows) => Ok(rows.get().batches()),
            Self::Stream(bytes) => read(bytes).map_err(|error| errors::no_arrow_stream().with_source(error)),
        }
    }
}

fn read(bytes: &[u8]) -> Result<Vec<RecordBatch>, ArrowError> {
    let stream = StreamReader::try_new(bytes, None)?;
    let schema = stream.schema();
    let batches = stream.collect::<Result<Vec<_>, _>>()?;
    Ok(if batches.is_empty() { vec![RecordBatch::new_empty(schema)] } else { batches })
}
