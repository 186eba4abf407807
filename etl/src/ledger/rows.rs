//! A report as rows.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};

use super::{STARTED, Start, process, schema};
use crate::drift::News;
use crate::error::{Error, Kind, Result};
use crate::gold::{Severity, TestResult};
use crate::lake::{Layer, TableName};
use crate::run::{Chunk, Mode, Outcome, Read, Report, Step};

/// The row of a run: as it starts, or with what it did.
pub(super) fn run(start: Start<'_>, end: Option<(&Report, DateTime<Utc>)>) -> Result<RecordBatch> {
    let report = end.map(|(report, _)| report);
    let layers: Vec<&str> = Layer::ALL.iter().filter(|layer| start.layers.contains(layer)).map(|l| l.name()).collect();
    let mode = match start.mode {
        Mode::Full => "full",
        Mode::Incremental => "incremental",
    };
    let columns: Vec<ArrayRef> = vec![
        texts([Some(start.run_id)]),
        times([Some(start.started)]),
        times([end.map(|(_, ended)| ended)]),
        texts([Some(mode)]),
        texts([Some(layers.join(","))]),
        texts([Some(report.map_or(STARTED, Report::outcome))]),
        texts([Some(connectwise_sdk::API_VERSION)]),
        texts([Some(env!("CARGO_PKG_VERSION"))]),
        numbers([report.map(|report| report.requests)]),
        numbers([report.map(|report| report.retries)]),
        numbers([report.map(|report| report.bytes)]),
        Arc::new(Float64Array::from(vec![report.map(|report| report.seconds)])),
        numbers([report.map(|report| report.steps.len() as u64)]),
        numbers([report.map(|report| report.failed().count() as u64)]),
        texts([process::own()]),
    ];
    batch(schema::runs(), columns)
}

/// The row of a run that another one closes.
pub(super) fn closed(
    run_id: &str,
    [started, ended]: [DateTime<Utc>; 2],
    mode: &str,
    layers: &str,
    outcome: &str,
) -> Result<RecordBatch> {
    let columns: Vec<ArrayRef> = vec![
        texts([Some(run_id)]),
        times([Some(started)]),
        times([Some(ended)]),
        texts([Some(mode)]),
        texts([Some(layers)]),
        texts([Some(outcome)]),
        texts([Some(connectwise_sdk::API_VERSION)]),
        texts([Some(env!("CARGO_PKG_VERSION"))]),
        numbers([None]),
        numbers([None]),
        numbers([None]),
        Arc::new(Float64Array::from(vec![None])),
        numbers([None]),
        numbers([None]),
        texts([None::<&str>]),
    ];
    batch(schema::runs(), columns)
}

/// A row for each step.
pub(super) fn steps(start: Start<'_>, steps: &[Step]) -> Result<RecordBatch> {
    let count = |of: fn(&Step) -> u64| numbers(steps.iter().map(|step| Some(of(step))));
    let proof = |of: fn(&Read) -> bool| -> ArrayRef {
        Arc::new(steps.iter().map(|step| step.read.as_ref().map(of)).collect::<BooleanArray>())
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
        proof(|read| read.complete),
        Arc::new(Float64Array::from_iter_values(steps.iter().map(|step| step.seconds))),
        texts(warnings.map(Some)),
        count(|step| step.requests),
        count(|step| step.retries),
        count(|step| step.bytes),
        times(steps.iter().map(|step| Some(step.ended))),
        texts(steps.iter().map(|_| Some(connectwise_sdk::API_VERSION))),
    ];
    batch(schema::steps(), columns)
}

/// A row for each chunk.
pub(super) fn chunks(start: Start<'_>, chunks: &[(TableName, Chunk)]) -> Result<RecordBatch> {
    let columns: Vec<ArrayRef> = vec![
        texts(chunks.iter().map(|_| Some(start.run_id))),
        times(chunks.iter().map(|_| Some(start.started))),
        texts(chunks.iter().map(|(table, _)| Some(table.layer.name()))),
        texts(chunks.iter().map(|(table, _)| Some(&table.name))),
        numbers(chunks.iter().map(|(_, chunk)| Some(chunk.number))),
        numbers(chunks.iter().map(|(_, chunk)| Some(chunk.rows))),
        Arc::new(chunks.iter().map(|(_, chunk)| chunk.last_key).collect::<Int64Array>()),
        times(chunks.iter().map(|(_, chunk)| Some(chunk.ended))),
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
pub(super) fn tests(report: &Report) -> Result<RecordBatch> {
    let tests = &report.tests;
    let severity = |test: &TestResult| match test.severity {
        Severity::Error => "error",
        Severity::Warn => "warn",
    };
    let columns: Vec<ArrayRef> = vec![
        texts(tests.iter().map(|_| Some(&report.run_id))),
        times(tests.iter().map(|_| Some(report.started))),
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
