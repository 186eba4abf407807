//! Errors as exceptions. The classes are Python's own (`connectwise_etl/errors.py`), so that they can be kinds of `ValueError`, too.

use connectwise_pipeline::error::{Error, Kind};
use connectwise_sdk::ErrorKind;
use pyo3::prelude::*;

/// The exception of an error of the ETL.
pub(crate) fn of(py: Python<'_>, error: &Error) -> PyErr {
    let sdk = error.of_sdk();
    let class = match error.kind() {
        Kind::Usage | Kind::Config => "ConfigError",
        Kind::Source => sdk.map_or("SourceError", class_of),
        Kind::Incomplete => "IncompleteError",
        Kind::Contract => "ContractError",
        Kind::Conflict => "ConflictError",
        Kind::Lake | Kind::Io => "LakeError",
        Kind::Sql => "QueryError",
        Kind::Internal => "ConnectWiseError",
    };
    raised(py, class, &error.report(), sdk).unwrap_or_else(|error| error)
}

/// What an exception of somebody else's function says. Those of this package are sentences, without their class.
pub(crate) fn said(py: Python<'_>, error: &PyErr) -> String {
    let own = py.import("connectwise_etl.errors").and_then(|module| module.getattr("ConnectWiseError"));
    if own.is_ok_and(|own| error.is_instance(py, &own)) { error.value(py).to_string() } else { error.to_string() }
}

/// The exception of an error of the SDK.
pub(crate) fn of_sdk(py: Python<'_>, error: &connectwise_sdk::Error) -> PyErr {
    raised(py, class_of(error), &error.to_string(), Some(error)).unwrap_or_else(|error| error)
}

/// Of what kind an answer, or none, is.
fn class_of(error: &connectwise_sdk::Error) -> &'static str {
    match error.kind() {
        ErrorKind::Config | ErrorKind::Condition | ErrorKind::Request => "ConfigError",
        ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::Interrupted => "UnreachableError",
        ErrorKind::RateLimited => "RateLimitedError",
        ErrorKind::Paging | ErrorKind::Limit | ErrorKind::Unreadable => "IncompleteError",
        _ if error.is_unauthorized() => "CredentialsError",
        _ if error.is_forbidden() => "ForbiddenError",
        _ if error.is_not_found() => "NotFoundError",
        _ => "SourceError",
    }
}

/// A method that HTTP has and the API hasn't.
pub(crate) fn unknown_method(method: &str) -> Error {
    Error::usage(format!("there is no method {method:?}"))
}

/// A body that no server could read.
pub(crate) fn no_json(why: &serde_json::Error) -> Error {
    Error::usage(format!("the body isn't JSON: {why}"))
}

/// A mode of a run that there isn't.
pub(crate) fn unknown_mode(mode: &str) -> Error {
    Error::usage(format!("there is no mode {mode:?}: a run is full or incremental"))
}

/// A text that is no moment.
pub(crate) fn no_moment(why: String) -> Error {
    Error::usage(why)
}

/// Rows that Arrow's interface for C doesn't take.
pub(crate) fn unfit_rows() -> Error {
    Error::new(Kind::Contract, "the rows can't be handed out")
}

/// Bytes of a table that no reader of Arrow streams takes.
pub(crate) fn no_arrow_stream() -> Error {
    Error::usage("a table is no Arrow stream")
}

/// A simulator that can't be started.
pub(crate) fn simulator(why: &connectwise_sim::Error) -> Error {
    Error::new(Kind::Config, why.to_string())
}

fn raised(py: Python<'_>, class: &str, text: &str, sdk: Option<&connectwise_sdk::Error>) -> PyResult<PyErr> {
    let exception = py.import("connectwise_etl.errors")?.getattr(class)?.call1((text,))?;
    if let Some(error) = sdk {
        exception.setattr("status", error.status())?;
        exception.setattr("request_id", error.request().and_then(|request| request.request_id.clone()))?;
        exception.setattr("is_retryable", error.is_retryable())?;
        exception.setattr("may_have_been_carried_out", error.may_have_been_carried_out())?;
    }
    Ok(PyErr::from_value(exception))
}
