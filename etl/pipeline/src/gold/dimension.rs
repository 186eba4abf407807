//! The rows of a dimension: what the model selects, with surrogate keys, and the unknown member.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, new_null_array};
use arrow::compute::{concat, concat_batches};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::keys::{Keys, UNKNOWN, UNKNOWN_NAME};
use super::model::{Model, is_technical};
use crate::error::{Error, Result};

/// Puts the surrogate key in front of the selected rows and the unknown member before them.
pub(super) fn rows(model: &Model, keys: &mut Keys, selected: &[RecordBatch]) -> Result<RecordBatch> {
    let broken = |error: arrow::error::ArrowError| Error::broken_contract(&model.name).with_source(error);
    // The SELECT's own nullability says little, so that rows are joined under a schema that allows NULL everywhere.
    let wanted = nullable(&model.selected());
    let relaxed = selected
        .iter()
        .map(|batch| RecordBatch::try_new(wanted.clone(), batch.columns().to_vec()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(broken)?;
    let batch = concat_batches(&wanted, &relaxed).map_err(broken)?;
    let natural = batch.column_by_name(&model.natural);
    let natural = natural.ok_or_else(|| Error::no_natural_key(&model.name, &model.natural))?;
    let surrogates = keys.assign(&model.name, natural)?;
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(wanted.fields().len() + 1);
    let unknown_key: ArrayRef = Arc::new(Int64Array::from(vec![UNKNOWN]));
    columns.push(concat(&[&unknown_key, &surrogates]).map_err(broken)?);
    for (field, column) in wanted.fields().iter().zip(batch.columns()) {
        columns.push(concat(&[&unknown(field, model), column]).map_err(broken)?);
    }
    let fields: Vec<_> = model.schema.fields().iter().filter(|field| !is_technical(field.name())).cloned().collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(broken)
}

/// What the unknown member has in a column: texts say that it is unknown, it is in use as such, and nothing else is so.
fn unknown(field: &Field, model: &Model) -> ArrayRef {
    let name = field.name().as_str();
    match field.data_type() {
        DataType::Utf8 => Arc::new(StringArray::from(vec![UNKNOWN_NAME])),
        DataType::Boolean => Arc::new(BooleanArray::from(vec![name.eq_ignore_ascii_case("isActive")])),
        DataType::Int64 if name != model.natural => Arc::new(Int64Array::from(vec![0])),
        other => new_null_array(other, 1),
    }
}

/// The same columns, each of which may be NULL.
pub(super) fn nullable(schema: &SchemaRef) -> SchemaRef {
    Arc::new(Schema::new(
        schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect::<Vec<_>>(),
    ))
}
