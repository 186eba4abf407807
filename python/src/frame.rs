//! Rows for Python: any Arrow reader takes them through the PyCapsule interface, without a copy.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchIterator, RecordBatchReader};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ffi::FFI_ArrowSchema;
use arrow::ffi_stream::FFI_ArrowArrayStream;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use connectwise_etl::tasks::type_name;
use connectwise_pipeline::error::Error;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::errors;

/// Rows in memory.
#[pyclass(module = "connectwise_etl._native", frozen)]
pub(crate) struct Rows {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

/// A value of a cell as text, or none.
type Cell = Option<String>;

impl Rows {
    /// Views of texts become texts: the readers of older notebooks don't know views.
    pub(crate) fn new(schema: &SchemaRef, batches: Vec<RecordBatch>) -> Result<Self, Error> {
        let fault = |error: ArrowError| errors::unfit_rows().with_source(error);
        let plain = SchemaRef::new(Schema::new_with_metadata(of_fields(schema.fields()), schema.metadata().clone()));
        let batches = batches.into_iter().map(|batch| in_types(&batch, &plain)).collect::<Result<_, _>>();
        Ok(Self { schema: plain, batches: batches.map_err(fault)? })
    }

    /// At least one batch, so that the columns are known.
    pub(crate) fn batches(&self) -> Vec<RecordBatch> {
        if self.batches.is_empty() { vec![RecordBatch::new_empty(self.schema.clone())] } else { self.batches.clone() }
    }
}

fn in_types(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let column = |(field, column): (&FieldRef, &ArrayRef)| cast(column, field.data_type());
    let columns = schema.fields().iter().zip(batch.columns()).map(column).collect::<Result<_, _>>()?;
    RecordBatch::try_new(schema.clone(), columns)
}

fn of_fields(fields: &Fields) -> Fields {
    fields.iter().map(of_field).collect()
}

fn of_field(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Struct(fields) => DataType::Struct(of_fields(fields)),
        DataType::List(element) => DataType::List(of_field(element)),
        DataType::Map(entries, sorted) => DataType::Map(of_field(entries), *sorted),
        other => other.clone(),
    };
    Arc::new(Field::clone(field).with_data_type(data_type))
}

#[pymethods]
impl Rows {
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // A reader that wants other types makes them: the protocol lets the producer ignore the wish.
        let _ = requested_schema;
        let batches = self.batches.clone().into_iter().map(Ok);
        let reader: Box<dyn RecordBatchReader + Send> =
            Box::new(RecordBatchIterator::new(batches, self.schema.clone()));
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(reader), c"arrow_array_stream")
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = FFI_ArrowSchema::try_from(self.schema.as_ref()).map_err(fault)?;
        PyCapsule::new_with_value(py, schema, c"arrow_schema")
    }

    fn __len__(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Each column with its type, as `decimal(19,4)`.
    fn columns(&self) -> Vec<(String, String)> {
        let described = |field: &FieldRef| (field.name().clone(), type_name(field.data_type()));
        self.schema.fields().iter().map(described).collect()
    }

    /// The first rows as texts, for people to look at.
    fn cells(&self, most: usize) -> PyResult<Vec<Vec<Cell>>> {
        let options = FormatOptions::default();
        let mut rows = Vec::new();
        for batch in &self.batches {
            let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
            let columns = columns.collect::<Result<Vec<_>, _>>().map_err(fault)?;
            for row in 0..batch.num_rows().min(most - rows.len()) {
                let cell = |(at, column): (usize, &ArrayFormatter<'_>)| {
                    batch.column(at).is_valid(row).then(|| column.value(row).to_string())
                };
                rows.push(columns.iter().enumerate().map(cell).collect());
            }
        }
        Ok(rows)
    }
}

fn fault(error: ArrowError) -> PyErr {
    PyValueError::new_err(error.to_string())
}
