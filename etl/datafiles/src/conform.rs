//! Rows and the columns that they are declared to have.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::Schema;
use arrow::datatypes::{Field, SchemaRef};
use arrow::error::ArrowError;
use connectwise_storage::TableName;

use crate::error::{self, Error, Result};

/// Stored rows in the columns of `schema`: of the same names, cast where their type is another, NULL where there are none.
///
/// # Errors
/// [`Kind::Contract`](connectwise_storage::error::Kind::Contract) when they don't fit.
pub fn as_of_today(table: &TableName, schema: &SchemaRef, stored: &RecordBatch) -> Result<RecordBatch> {
    let column = |field: &Arc<Field>| -> Result<ArrayRef> {
        match stored.column_by_name(field.name()) {
            Some(column) => cast(column, field.data_type()).map_err(|error| unfit(table, error)),
            None => Ok(new_null_array(field.data_type(), stored.num_rows())),
        }
    };
    let columns = schema.fields().iter().map(column).collect::<Result<_>>()?;
    RecordBatch::try_new(schema.clone(), columns).map_err(|error| unfit(table, error))
}

/// Rows of a table that can't be put together as its contract declares.
pub fn unfit(table: &TableName, error: ArrowError) -> Error {
    error::outdated(table).with_source(error)
}

/// Rows that a table can't take.
pub fn refused(table: &TableName, error: ArrowError) -> Error {
    error::undeclared(table, None).with_source(error)
}

/// Same names in the same order with the same types.
pub fn same_schema(found: &Schema, wanted: &Schema) -> bool {
    found.fields().len() == wanted.fields().len()
        && found.fields().iter().zip(wanted.fields()).all(|(found, wanted)| {
            found.name() == wanted.name() && found.data_type().equals_datatype(wanted.data_type())
        })
}

/// Refuses columns that aren't the declared ones: Delta casts and MERGE drops without a word.
///
/// # Errors
/// [`Kind::Contract`](connectwise_storage::error::Kind::Contract), which says where they differ.
pub fn check(table: &TableName, declared: &Schema, found: &Schema) -> Result<()> {
    if same_schema(found, declared) {
        return Ok(());
    }
    let differs = |(wanted, found): &(&Arc<Field>, Option<&Arc<Field>>)| {
        found
            .is_none_or(|found| found.name() != wanted.name() || !found.data_type().equals_datatype(wanted.data_type()))
    };
    let columns = found.fields().iter().map(Some).chain(std::iter::repeat(None));
    let difference = match declared.fields().iter().zip(columns).find(differs) {
        Some((wanted, Some(found))) => {
            let name = found.name();
            let of = found.data_type();
            format!("{name} {of} stands where {} {} is declared", wanted.name(), wanted.data_type())
        }
        Some((wanted, None)) => format!("{} is missing", wanted.name()),
        None => format!("there are {} columns, and {} are declared", found.fields().len(), declared.fields().len()),
    };
    Err(error::undeclared(table, Some(&difference)))
}
