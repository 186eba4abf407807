//! Rows of tables as structs: written and read by name, against a schema that is checked.

use std::collections::BTreeSet;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};

/// Rows as a batch of a schema. A struct has one field for each column, whatever their order.
///
/// # Errors
/// [`Kind::Contract`](crate::error::Kind::Contract) when the fields aren't the columns, or a value doesn't fit its column. `what` names the rows.
pub(crate) fn to_batch<T: Serialize>(what: &str, schema: &SchemaRef, rows: &[T]) -> Result<RecordBatch> {
    let unfit = |why: String| Error::unbuilt_rows(what, why);
    // Fields without a column would be dropped, and columns without a field be NULL.
    let first = rows.first().map(serde_json::to_value).transpose().map_err(|error| unfit(error.to_string()))?;
    if let Some(Value::Object(row)) = first {
        let columns: BTreeSet<&String> = schema.fields().iter().map(|column| column.name()).collect();
        let fields: BTreeSet<&String> = row.keys().collect();
        if let Some(name) = columns.symmetric_difference(&fields).next() {
            return Err(unfit(format!("{name} is a column or a field, and not both")));
        }
    }
    if rows.is_empty() {
        return Ok(RecordBatch::new_empty(schema.clone()));
    }
    let batch = serde_arrow::to_record_batch(schema.fields(), &rows).map_err(|error| unfit(error.to_string()))?;
    batch.with_schema(schema.clone()).map_err(|error| unfit(error.to_string()))
}

/// The rows of batches as structs, by the names of their columns.
///
/// # Errors
/// [`Kind::Contract`](crate::error::Kind::Contract) when a column is missing or has another type. `what` names the rows.
pub(crate) fn from_batches<T: DeserializeOwned>(what: &str, batches: &[RecordBatch]) -> Result<Vec<T>> {
    let mut rows = Vec::new();
    for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
        let read: Vec<T> =
            serde_arrow::from_record_batch(batch).map_err(|error| Error::foreign_columns(what).with_source(error))?;
        rows.extend(read);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
    use chrono::{DateTime, Utc};
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Row {
        run_id: String,
        rows: Option<u64>,
        started: DateTime<Utc>,
    }

    fn schema(names: [&str; 3]) -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new(names[0], DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
            Field::new(names[1], DataType::Int64, true),
            Field::new(names[2], DataType::Utf8, false),
        ]))
    }

    fn row() -> Row {
        Row { run_id: "a".to_owned(), rows: Some(3), started: "2024-07-01T06:00:00.123456Z".parse().unwrap() }
    }

    #[test]
    fn rows_come_back_whatever_the_order_of_columns() {
        let schema = schema(["started", "rows", "runId"]);
        let rows = [row(), Row { rows: None, ..row() }];
        let batch = to_batch("runs", &schema, &rows).unwrap();
        assert_eq!(batch.schema(), schema);
        assert_eq!(from_batches::<Row>("runs", &[batch]).unwrap(), rows);
        assert_eq!(to_batch::<Row>("runs", &schema, &[]).unwrap().schema(), schema);
    }

    #[test]
    fn fields_and_columns_have_to_be_the_same() {
        let error = to_batch("runs", &schema(["started", "count", "runId"]), &[row()]).unwrap_err();
        assert_eq!(error.to_string(), "rows of runs can't be built: count is a column or a field, and not both");
        let large = Row { rows: Some(u64::MAX), ..row() };
        let error = to_batch("runs", &schema(["started", "rows", "runId"]), &[large]).unwrap_err();
        assert!(error.to_string().starts_with("rows of runs can't be built: "), "{error}");
    }

    #[test]
    fn other_types_are_no_rows() {
        let other = Arc::new(Schema::new(vec![Field::new("runId", DataType::Utf8, false)]));
        let column = Arc::new(arrow::array::StringArray::from(vec!["a"]));
        let batch = RecordBatch::try_new(other, vec![column]).unwrap();
        let error = from_batches::<Row>("etl_runs", &[batch]).unwrap_err();
        assert_eq!(error.to_string(), "etl_runs has other columns than this version reads");
    }
}
