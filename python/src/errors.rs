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
