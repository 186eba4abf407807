//! Access tokens from a function of Python's.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use connectwise_lakehouse::{Token, TokenProvider, Tokens};
use pyo3::prelude::*;

use crate::errors;

/// A function that takes nothing, and gives a token and, if it is known, when that ends, in seconds since 1970.
#[derive(Debug)]
struct Callable(Arc<Py<PyAny>>);

/// Tokens of a function. It is called at once, so that what it raises is raised here.
pub(crate) fn tokens(py: Python<'_>, function: Py<PyAny>) -> PyResult<Tokens> {
    let first = ask(py, &function)?;
    let tokens = Tokens::new(Callable(Arc::new(function))).with_first(first);
    tokens.map_err(|error| errors::of(py, &error.into()))
}

fn ask(py: Python<'_>, function: &Py<PyAny>) -> PyResult<Token> {
    let (text, ends): (String, Option<f64>) = function.call0(py)?.extract(py)?;
    let ends = ends.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    Ok(Token::new(text, ends.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since))))
}

impl TokenProvider for Callable {
    /// The function may take its time, as it asks another server. It is called on a thread of its own, which takes the interpreter's
    /// lock for it: the thread that waits for the work has given it up but for a moment ten times a second.
    fn token(&self) -> Pin<Box<dyn Future<Output = Result<Token, Box<dyn Error + Send + Sync>>> + Send + '_>> {
        let function = self.0.clone();
        Box::pin(async move {
            let asked = tokio::task::spawn_blocking(move || {
                Python::attach(|py| ask(py, &function).map_err(|error| errors::said(py, &error)))
            });
            Ok(asked.await??)
        })
    }
}
