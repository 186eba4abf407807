//! A report as rows.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::drift::News;
use super::{End, STARTED, Start, process, schema};
use crate::error::{Error, Kind, Result};
use crate::lake::{Layer, TableName};
use crate::telemetry::{Chunk, Outcome, ReadProof, Severity, Step, TestResult, outcome};

/// The layers in their order, the ledger's own last.
const LAYERS: [Layer; 4] = [Layer::Bronze, Layer::Silver, Layer::Gold, Layer::Ledger];

/// The row of a run: as it starts, or with what it did.
pub(super) fn run(start: Start<'_>, end: Option<&End<'_>>) -> Result<RecordBatch> {
    let layers: Vec<&str> =
        LAYERS.iter().filter(|layer| start.layers.contains(layer)).map(|layer| layer.name()).collect();
    let steps =
        |which: fn(&Step) -> bool| numbers([end.map(|end| end.steps.iter().filter(|step| which(step)).count() as u64)]);
    let columns: Vec<ArrayRef> = vec![
        texts([Some(start.run_id)]),
        times([Some(start.started)]),
        times([end.map(|end| end.ended)]),
        texts([Some(start.work.name())]),
        texts([Some(layers.join(","))]),
        texts([Some(end.map_or(STARTED, |end| outcome(end.steps)))]),
        texts([Some(connectwise_sdk::API_VERSION)]),
        texts([Some(env!("CARGO_PKG_VERSION"))]),
        numbers([end.map(|end| end.requests)]),
        numbers([end.map(|end| end.retries)]),
        numbers([end.map(|end| end.bytes)]),
        Arc::new(Float64Array::from(vec![end.map(|end| end.seconds)])),
        steps(|_| true),
        steps(Step::is_failed),
        texts([process::own()]),
        steps(Step::is_incomplete),
        texts([start.asked]),
        texts([end.and_then(|end| end.server)]),
    ];
    batch(schema::runs(), columns)
}

/// A run that another one closes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Unfinished {
    pub(super) run_id: String,
    pub(super) started: DateTime<Utc>,
    mode: String,
    layers: String,
    api_version: String,
    asked_version: Option<String>,
    pub(super) process: Option<String>,
}

/// The row of a run that another one closes.
pub(super) fn closed(run: &Unfinished, ended: DateTime<Utc>, outcome: &str) -> Result<RecordBatch> {
    let columns: Vec<ArrayRef> = vec![
        texts([Some(&run.run_id)]),
        times([Some(run.started)]),
        times([Some(ended)]),
        texts([Some(&run.mode)]),
        texts([Some(&run.layers)]),
        texts([Some(outcome)]),
        texts([Some(&run.api_version)]),
        texts([Some(env!("CARGO_PKG_VERSION"))]),
        numbers([None]),
        numbers([None]),
        numbers([None]),
        Arc::new(Float64Array::from(vec![None])),
        numbers([None]),
        numbers([None]),
        texts([None::<&str>]),
        numbers([None]),
        texts([run.asked_version.as_ref()]),
        texts([None::<&str>]),
    ];
    batch(schema::runs(), columns)
}

/// A row for each step.
pub(super) fn steps(start: Start<'_>, steps: &[Step]) -> Result<RecordBatch> {
    let count = |of: fn(&Step) -> u64| numbers(steps.iter().map(|step| Some(of(step))));
    let proof = |of: fn(&ReadProof) -> Option<bool>| -> ArrayRef {
        Arc::new(steps.iter().map(|step| step.read.as_ref().and_then(of)).collect::<BooleanArray>())
    };
    let warnings = steps.iter().map(|step| serde_json::Value::from(step.warnings.clone()).to_string());
    let columns: Vec<ArrayRef> = vec![
        texts(steps.iter().map(|_| Some(start.run_id))),
        times(steps.iter().map(|_| Some(start.started))),
        texts(steps.iter().map(|step| Some(step.layer.name()))),
        texts(steps.iter().map(|step| Some(&step.table))),
        texts(steps.iter().map(|step| Some(step.outcome.name()))),
        texts(steps.iter().map(|step| match &step.outcome {
            Outcome::Failed(why) | Outcome::Incomplete(why) => Some(why),
            _ => None,
        })),
        count(|step| step.rows_read),
        count(|step| step.rows_inserted),
        count(|step| step.rows_updated),
        count(|step| step.rows_unchanged),
        count(|step| step.rows_deleted),
        count(|step| step.rows_rescued),
        count(|step| step.quarantined),
        numbers(steps.iter().map(|step| step.version)),
        times(steps.iter().map(|step| step.read.as_ref()?.watermark_before)),
        times(steps.iter().map(|step| step.read.as_ref()?.watermark_after)),
        numbers(steps.iter().map(|step| step.read.as_ref()?.counted_before)),
        numbers(steps.iter().map(|step| step.read.as_ref()?.counted_after)),
        proof(|read| read.end_page_seen),
        proof(|read| read.keys_ascending),
        proof(|read| Some(read.complete)),
        Arc::new(Float64Array::from_iter_values(steps.iter().map(|step| step.seconds))),
        texts(warnings.map(Some)),
        count(|step| step.requests),
        count(|step| step.retries),
        count(|step| step.bytes),
        times(steps.iter().map(|step| Some(step.ended))),
        texts(steps.iter().map(|_| Some(connectwise_sdk::API_VERSION))),
        texts(steps.iter().map(|_| start.asked)),
    ];
    batch(schema::steps(), columns)
}

/// A row for each chunk.
pub(super) fn chunks(start: Start<'_>, chunks: &[(TableName, Chunk)]) -> Result<RecordBatch> {
    let count = |of: fn(&Chunk) -> u64| numbers(chunks.iter().map(|(_, chunk)| Some(of(chunk))));
    let columns: Vec<ArrayRef> = vec![
        texts(chunks.iter().map(|_| Some(start.run_id))),
        times(chunks.iter().map(|_| Some(start.started))),
        texts(chunks.iter().map(|(table, _)| Some(table.layer.name()))),
        texts(chunks.iter().map(|(table, _)| Some(&table.name))),
        count(|chunk| chunk.number),
        count(|chunk| chunk.rows),
        Arc::new(chunks.iter().map(|(_, chunk)| chunk.last_key).collect::<Int64Array>()),
        times(chunks.iter().map(|(_, chunk)| Some(chunk.ended))),
        count(|chunk| chunk.rescued),
        count(|chunk| chunk.quarantined),
        count(|chunk| chunk.requests),
        count(|chunk| chunk.retries),
        count(|chunk| chunk.bytes),
    ];
    batch(schema::chunks(), columns)
}

/// A row for each deviation that is new.
pub(super) fn drift(start: Start<'_>, news: &News) -> Result<RecordBatch> {
    let found = &news.deviations;
    let columns: Vec<ArrayRef> = vec![
        texts(found.iter().map(|_| Some(start.run_id))),
        times(found.iter().map(|_| Some(start.started))),
        texts(found.iter().map(|(entity, ..)| Some(*entity))),
        texts(found.iter().map(|(_, deviation, _)| Some(deviation.kind.name()))),
        texts(found.iter().map(|(_, deviation, _)| Some(&deviation.path))),
        texts(found.iter().map(|(_, deviation, _)| Some(&deviation.found))),
        numbers(found.iter().map(|(.., count)| Some(*count))),
        texts(found.iter().map(|_| Some(connectwise_sdk::API_VERSION))),
    ];
    batch(schema::drift(), columns)
}

/// A row for each property that had a value for the first time.
pub(super) fn fields(start: Start<'_>, news: &News) -> Result<RecordBatch> {
    let columns: Vec<ArrayRef> = vec![
        texts(news.fields.iter().map(|_| Some(start.run_id))),
        times(news.fields.iter().map(|_| Some(start.started))),
        texts(news.fields.iter().map(|(entity, _)| Some(*entity))),
        texts(news.fields.iter().map(|(_, path)| Some(path))),
    ];
    batch(schema::fields(), columns)
}

/// A row for each data test.
pub(super) fn tests(start: Start<'_>, tests: &[TestResult]) -> Result<RecordBatch> {
    let severity = |test: &TestResult| match test.severity {
        Severity::Error => "error",
        Severity::Warn => "warn",
    };
    let columns: Vec<ArrayRef> = vec![
        texts(tests.iter().map(|_| Some(start.run_id))),
        times(tests.iter().map(|_| Some(start.started))),
        texts(tests.iter().map(|test| Some(&test.table.name))),
        texts(tests.iter().map(|test| Some(&test.test))),
        texts(tests.iter().map(|test| Some(severity(test)))),
        Arc::new(tests.iter().map(|test| Some(test.passed())).collect::<BooleanArray>()),
        numbers(tests.iter().map(|test| Some(test.failures))),
        texts(tests.iter().map(|test| (!test.found.is_empty()).then_some(&test.found))),
    ];
    batch(schema::tests(), columns)
}

fn batch(schema: SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    RecordBatch::try_new(schema, columns)
        .map_err(|error| Error::new(Kind::Contract, "the ledger's rows can't be built").with_source(error))
}

fn texts<T: AsRef<str>>(values: impl IntoIterator<Item = Option<T>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<StringArray>())
}

fn times(values: impl IntoIterator<Item = Option<DateTime<Utc>>>) -> ArrayRef {
    let micros = values.into_iter().map(|time| time.map(|time| time.timestamp_micros()));
    Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

fn numbers(values: impl IntoIterator<Item = Option<u64>>) -> ArrayRef {
    let signed = values.into_iter().map(|number| number.map(|number| i64::try_from(number).unwrap_or(i64::MAX)));
    Arc::new(signed.collect::<Int64Array>())
}
