//! One model of gold over a caller's own tables.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::Utc;
use connectwise_pipeline::error::Result;
use connectwise_pipeline::gold;

use crate::settings::Settings;

/// The rows of a fact or a dimension from tables under the names of silver ones, as it is configured. With `lakehouse`, the keys of
/// dimensions and tables that aren't handed over are those of the lakehouse.
///
/// # Errors
/// As [`gold::select`], and when the lakehouse can't be opened.
pub async fn select(
    settings: &Settings,
    model: &str,
    tables: &BTreeMap<String, Vec<RecordBatch>>,
    lakehouse: bool,
) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let lake = lakehouse.then(|| settings.lake()).transpose()?;
    gold::select(model, tables, &settings.gold, Utc::now(), lake.as_ref()).await
}
