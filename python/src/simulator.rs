//! A simulated tenant, for people without one and for tests.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;

use crate::desk::Desk;
use crate::errors;
use crate::wait::wait;

/// A PSA server with made-up data on this machine. It stops when it is closed, or when nobody has it any more.
#[pyclass(module = "connectwise_etl._native", frozen)]
pub(crate) struct Simulator {
    running: Mutex<Option<connectwise_sim::Simulator>>,
    #[pyo3(get)]
    url: String,
    #[pyo3(get)]
    base_url: String,
    #[pyo3(get)]
    username: String,
    #[pyo3(get)]
    password: String,
}

#[pymethods]
impl Simulator {
    #[new]
    fn new(py: Python<'_>, scale: u64, seed: u64, port: u16) -> PyResult<Self> {
        let builder = connectwise_sim::Simulator::builder().seed(seed).scale(scale).port(port);
        let simulator = wait(py, &Desk::default(), || builder.start())?;
        let simulator = simulator.map_err(|error| errors::of(py, &errors::simulator(&error)))?;
        Ok(Self {
            url: simulator.url(),
            base_url: simulator.base_url(),
            username: simulator.username().to_owned(),
            password: simulator.password().to_owned(),
            running: Mutex::new(Some(simulator)),
        })
    }

    /// Stops it, once the open requests are answered.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        match running {
            Some(simulator) => wait(py, &Desk::default(), || simulator.shutdown()),
            None => Ok(()),
        }
    }
}
