//! The Arrow schema of a record type.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use super::RESCUED;
use crate::catalog::{Column, Kind};
use crate::{Error, Result, reason::Reason};

/// The Arrow type of a wire shape. Inner names are the ones that Delta gives, so that what is read back compares equal.
///
/// | interface | Arrow |
/// |---|---|
/// | int32, int64, boolean, double | `Int32`, `Int64`, `Boolean`, `Float64` |
/// | date-time | `Timestamp(us, UTC)` |
/// | text, enum, uuid, free-form (as JSON text) | `Utf8` |
/// | `_info` | `Map<Utf8, Utf8>` |
/// | object | `Struct`, array: `List` |
#[must_use]
pub fn data_type(kind: &Kind) -> DataType {
    match kind {
        Kind::Int32 => DataType::Int32,
        Kind::Int64 => DataType::Int64,
        Kind::Boolean => DataType::Boolean,
        Kind::Double => DataType::Float64,
        Kind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Kind::Utf8 | Kind::Json => DataType::Utf8,
        Kind::StringMap => {
            let entry =
                Fields::from(vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Utf8, true)]);
            DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(entry), false)), false)
        }
        Kind::Struct(columns) => DataType::Struct(columns.iter().map(field).collect()),
        Kind::List(element) => DataType::List(Arc::new(Field::new("element", data_type(element), true))),
    }
}

fn field(column: &Column) -> Field {
    Field::new(column.name, data_type(&column.kind), true)
}

/// The column of this name and its index. Properties come as columns are sorted, so that the search begins at `next`.
pub(super) fn column<'c>(columns: &'c [Column], name: &str, next: usize) -> Option<(usize, &'c Column)> {
    let at =
        (next..columns.len()).chain(0..next).find(|at| columns.get(*at).is_some_and(|column| column.name == name))?;
    Some((at, columns.get(at)?))
}

/// The columns, and behind them what has no place in one.
pub(super) fn schema(columns: &[Column]) -> SchemaRef {
    let rescued = Field::new(RESCUED, DataType::Utf8, true);
    Arc::new(Schema::new(columns.iter().map(field).chain([rescued]).collect::<Vec<_>>()))
}

/// The columns of a record type, and no others, out of a batch that has all of them. `record` is what errors call the type.
///
/// # Errors
/// The first column that is missing or has another type.
pub(super) fn select(batch: &RecordBatch, columns: &[Column], record: &'static str) -> Result<RecordBatch> {
    let foreign = |column: &str, expected: &DataType, found: Option<&DataType>| {
        let (column, expected) = (column.to_owned(), expected.to_string());
        Error::new(Reason::ForeignBatch { record, column, expected, found: found.map(DataType::to_string) })
    };
    let wanted = schema(columns);
    let found = batch.schema();
    let mut indices = Vec::with_capacity(wanted.fields().len());
    for field in wanted.fields() {
        let name = field.name();
        let Ok(index) = found.index_of(name) else { return Err(foreign(name, field.data_type(), None)) };
        let ty = found.field(index).data_type();
        if !holds(ty, field.data_type()) {
            return Err(foreign(name, field.data_type(), Some(ty)));
        }
        indices.push(index);
    }
    batch.project(&indices).map_err(|error| Error::new(Reason::Batch { record }).with_source(error))
}

/// Whether a column of the one type holds the values of the other: texts are stored in several ways, and inner names differ.
fn holds(found: &DataType, wanted: &DataType) -> bool {
    let is_text = |ty: &DataType| matches!(ty, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let fields = |found: &Fields, wanted: &Fields, named: bool| {
        found.len() == wanted.len()
            && found.iter().zip(wanted).all(|(found, wanted)| {
                (!named || found.name() == wanted.name()) && holds(found.data_type(), wanted.data_type())
            })
    };
    match (found, wanted) {
        (DataType::Struct(found), DataType::Struct(wanted)) => fields(found, wanted, true),
        (DataType::List(found), DataType::List(wanted)) => holds(found.data_type(), wanted.data_type()),
        (DataType::Map(found, _), DataType::Map(wanted, _)) => match (found.data_type(), wanted.data_type()) {
            (DataType::Struct(found), DataType::Struct(wanted)) => fields(found, wanted, false),
            _ => false,
        },
        (found, wanted) => found == wanted || (is_text(found) && is_text(wanted)),
    }
}
