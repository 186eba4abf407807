//! A session of Spark as the cluster of a run: `connectwise_etl/spark.py` calls it.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;

use connectwise_pipeline::gold::{Cluster, ClusterQuery};
use pyo3::prelude::*;

use crate::errors;

/// An object with the methods `compute`, which takes a query as JSON and returns how many rows it wrote, and `cancel`.
#[derive(Debug)]
pub(crate) struct SparkCluster(Arc<Py<PyAny>>);

impl SparkCluster {
    pub(crate) fn new(engine: Py<PyAny>) -> Self {
        Self(Arc::new(engine))
    }
}

impl Cluster for SparkCluster {
    /// Spark is asked on a thread of its own, which takes the interpreter's lock for it and gives it back while Spark works: the thread
    /// that called the run hears meanwhile whether the user wants to stop.
    fn compute(
        &self,
        query: ClusterQuery,
    ) -> Pin<Box<dyn Future<Output = Result<u64, Box<dyn Error + Send + Sync>>> + Send + '_>> {
        let engine = self.0.clone();
        Box::pin(async move {
            let text = serde_json::to_string(&query)?;
            let mut asking = Asking(Some(engine.clone()));
            let asked = tokio::task::spawn_blocking(move || {
                Python::attach(|py| {
                    let written = engine.call_method1(py, "compute", (text,)).and_then(|rows| rows.extract(py));
                    written.map_err(|error| errors::said(py, &error))
                })
            });
            let asked = asked.await;
            asking.0 = None;
            Ok(asked??)
        })
    }
}

/// A query that is under way. Whoever gives it up ends it.
struct Asking(Option<Arc<Py<PyAny>>>);

impl Drop for Asking {
    fn drop(&mut self) {
        let Some(engine) = self.0.take() else { return };
        Python::attach(|py| {
            // What doesn't end goes on to its end, and writes where nobody looks.
            if let Err(error) = engine.call_method0(py, "cancel") {
                tracing::debug!(target: "connectwise_etl", "Spark isn't told to stop: {}", errors::said(py, &error));
            }
        });
    }
}
