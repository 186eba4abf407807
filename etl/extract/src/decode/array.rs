//! Columns into Arrow arrays.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, MapArray, StructArray};
use arrow::datatypes::{DataType, Fields, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;

use super::column::{Column, List, Object, StringMap};

impl Column {
    /// The array of `rows` rows, and nothing left here.
    pub(super) fn finish(&mut self, rows: usize, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
        match (self, data_type) {
            (Self::Int32(values), _) => values.finish::<Int32Type>(rows, data_type),
            (Self::Int64(values), _) => values.finish::<Int64Type>(rows, data_type),
            (Self::Double(values), _) => values.finish::<Float64Type>(rows, data_type),
            (Self::Timestamp(values), _) => values.finish::<TimestampMicrosecondType>(rows, data_type),
            (Self::Boolean(values), _) => Ok(values.finish_bits(rows)),
            (Self::Text(texts) | Self::Json(texts), _) => texts.finish(rows),
            (Self::StringMap(map), DataType::Map(..)) => map.finish(rows, data_type),
            (Self::Object(object), DataType::Struct(fields)) => object.finish(rows, fields),
            (Self::List(list), DataType::List(_)) => list.finish(rows, data_type),
            (_, other) => Err(other_type(other)),
        }
    }
}

impl Object {
    /// The arrays of the properties, and nothing left here. There may be more fields than properties.
    pub(super) fn finish_columns(&mut self, rows: usize, fields: &Fields) -> Result<Vec<ArrayRef>, ArrowError> {
        self.presence.truncate(0);
        let both = self.properties.iter_mut().zip(fields);
        both.map(|(property, field)| property.column.finish(rows, field.data_type())).collect()
    }

    fn finish(&mut self, rows: usize, fields: &Fields) -> Result<ArrayRef, ArrowError> {
        let nulls = self.presence.finish(rows);
        let columns = self.finish_columns(rows, fields)?;
        Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls, rows)?))
    }
}

impl List {
    fn finish(&mut self, rows: usize, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
        let DataType::List(field) = data_type else { return Err(other_type(data_type)) };
        let elements = self.ends.last();
        let (offsets, nulls) = self.ends.finish(rows)?;
        let values = self.element.finish(elements, field.data_type())?;
        Ok(Arc::new(ListArray::try_new(field.clone(), offsets, values, nulls)?))
    }
}

impl StringMap {
    fn finish(&mut self, rows: usize, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
        let DataType::Map(field, sorted) = data_type else { return Err(other_type(data_type)) };
        let DataType::Struct(fields) = field.data_type() else { return Err(other_type(data_type)) };
        let entries = self.ends.last();
        let (offsets, nulls) = self.ends.finish(rows)?;
        let columns = vec![self.names.finish(entries)?, self.texts.finish(entries)?];
        let entries = StructArray::try_new(fields.clone(), columns, None)?;
        Ok(Arc::new(MapArray::try_new(field.clone(), offsets, entries, nulls, *sorted)?))
    }
}

fn other_type(data_type: &DataType) -> ArrowError {
    ArrowError::SchemaError(format!("a column of another type than {data_type}"))
}
