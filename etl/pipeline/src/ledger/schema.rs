//! The columns of the ledger's tables.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use connectwise_lakehouse::TableName;

use crate::tenant::{TENANT, owner_schema};

use super::{CHUNKS, DRIFT, FIELDS, RUNS, STEPS, TESTS};

/// The tables of the ledger.
pub fn tables() -> [TableName; 7] {
    [RUNS, STEPS, TESTS, CHUNKS, DRIFT, FIELDS, TENANT].map(TableName::ledger)
}

/// The Arrow schema of a table of the ledger, `None` when there is none of that name.
pub fn schema(table: &str) -> Option<SchemaRef> {
    match table {
        RUNS => Some(runs()),
        STEPS => Some(steps()),
        TESTS => Some(tests()),
        CHUNKS => Some(chunks()),
        DRIFT => Some(drift()),
        FIELDS => Some(fields()),
        TENANT => Some(owner_schema()),
        _ => None,
    }
}

fn runs() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("runId"),
        time("started"),
        time("ended").with_nullable(true),
        text("mode"),
        text("layers"),
        text("outcome"),
        text("apiVersion"),
        text("programVersion"),
        number("requests").with_nullable(true),
        number("retries").with_nullable(true),
        number("bytes").with_nullable(true),
        real("seconds").with_nullable(true),
        number("steps").with_nullable(true),
        number("stepsFailed").with_nullable(true),
        text("process").with_nullable(true),
        number("stepsIncomplete").with_nullable(true),
        text("askedVersion").with_nullable(true),
        text("serverVersion").with_nullable(true),
    ]))
}

fn steps() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("runId"),
        time("started"),
        text("layer"),
        text("tableName"),
        text("outcome"),
        text("error").with_nullable(true),
        number("rowsRead"),
        number("rowsInserted"),
        number("rowsUpdated"),
        number("rowsUnchanged"),
        number("rowsDeleted"),
        number("rowsRescued"),
        number("quarantined"),
        number("version").with_nullable(true),
        time("watermarkBefore").with_nullable(true),
        time("watermarkAfter").with_nullable(true),
        number("countedBefore").with_nullable(true),
        number("countedAfter").with_nullable(true),
        flag("endPageSeen").with_nullable(true),
        flag("keysAscending").with_nullable(true),
        flag("complete").with_nullable(true),
        real("seconds"),
        text("warnings"),
        number("requests").with_nullable(true),
        number("retries").with_nullable(true),
        number("bytes").with_nullable(true),
        time("ended").with_nullable(true),
        text("apiVersion").with_nullable(true),
        text("askedVersion").with_nullable(true),
    ]))
}

fn tests() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("runId"),
        time("started"),
        text("tableName"),
        text("test"),
        text("severity"),
        flag("passed"),
        number("failures"),
        text("found").with_nullable(true),
    ]))
}

fn chunks() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("runId"),
        time("started"),
        text("layer"),
        text("tableName"),
        number("chunk"),
        number("rows"),
        number("lastKey").with_nullable(true),
        time("ended"),
        number("rescued").with_nullable(true),
        number("quarantined").with_nullable(true),
        number("requests").with_nullable(true),
        number("retries").with_nullable(true),
        number("bytes").with_nullable(true),
    ]))
}

fn drift() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("runId"),
        time("started"),
        text("entity"),
        text("kind"),
        text("path"),
        text("found"),
        number("occurrences"),
        text("apiVersion"),
    ]))
}

fn fields() -> SchemaRef {
    Arc::new(Schema::new(vec![text("runId"), time("started"), text("entity"), text("path")]))
}

fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, false)
}

fn time(name: &str) -> Field {
    Field::new(name, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false)
}

fn number(name: &str) -> Field {
    Field::new(name, DataType::Int64, false)
}

fn real(name: &str) -> Field {
    Field::new(name, DataType::Float64, false)
}

fn flag(name: &str) -> Field {
    Field::new(name, DataType::Boolean, false)
}
