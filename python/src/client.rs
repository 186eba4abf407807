//! The client of the API, without a lakehouse.

use connectwise_etl::tasks::extract::{Asked, List};
use connectwise_pipeline::error::{Error, Result};
use connectwise_sdk::Method;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::value::RawValue;

use crate::desk::Desk;
use crate::errors;
use crate::frame::Rows;
use crate::wait::wait;

/// A client of one server. It is shared by all calls, so that they keep to the limits together.
#[pyclass(module = "connectwise_etl._native", frozen)]
pub(crate) struct Client {
    client: connectwise_sdk::Client,
    page_size: u32,
}

/// What is asked of a list beside its path.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Wanted {
    conditions: Option<String>,
    child_conditions: Option<String>,
    custom_field_conditions: Option<String>,
    fields: Option<String>,
    order_by: Option<String>,
    page_size: Option<u32>,
    limit: Option<u64>,
}

/// Status, headers and body of an answer.
type Answer = (u16, Vec<(String, String)>, Py<PyBytes>);

impl Client {
    pub(crate) fn new(client: connectwise_sdk::Client, page_size: u32) -> Self {
        Self { client, page_size }
    }

    fn list(&self, py: Python<'_>, address: &str, wanted: Wanted) -> PyResult<List> {
        let Wanted { conditions, child_conditions, custom_field_conditions, fields, order_by, page_size, limit } =
            wanted;
        let asked = Asked {
            conditions,
            child_conditions,
            custom_field_conditions,
            fields,
            order_by,
            page_size,
            ..Asked::default()
        };
        let list = List::new(self.client.clone(), address, asked, self.page_size, limit);
        list.map_err(|error| errors::of(py, &error))
    }
}

/// Runs what gives a result of the ETL.
fn done<T: Send, F: Future<Output = Result<T>>>(py: Python<'_>, work: impl FnOnce() -> F + Send) -> PyResult<T> {
    wait(py, &Desk::default(), work)?.map_err(|error| errors::of(py, &error))
}

/// What a list that was read has to say beside its records.
fn remark(list: &List, mended: u64) {
    let (path, unknown) = (list.path(), list.unknown_fields());
    if !unknown.is_empty() {
        let names = unknown.join(", ");
        tracing::warn!(target: "connectwise_etl", "{path} has no {names}: a server may leave them out without a word");
    }
    if mended > 0 {
        tracing::warn!(target: "connectwise_etl", "{mended} records of {path} weren't UTF-8: � stands for bytes that are no text");
    }
}

#[pymethods]
impl Client {
    /// Root of the API, to which requests go now.
    #[getter]
    fn base_url(&self) -> String {
        self.client.base_url()
    }

    /// A whole list as rows.
    fn extract(&self, py: Python<'_>, address: &str, wanted: Wanted) -> PyResult<Rows> {
        let list = self.list(py, address, wanted)?;
        done(py, || async {
            let (schema, batches, read) = list.batches().await?;
            remark(&list, read.mended);
            Rows::new(&schema, batches)
        })
    }

    /// A whole list as the JSON texts of its records.
    fn records(&self, py: Python<'_>, address: &str, wanted: Wanted) -> PyResult<Vec<String>> {
        let list = self.list(py, address, wanted)?;
        done(py, || async {
            let (texts, read) = list.texts().await?;
            remark(&list, read.mended);
            Ok(texts)
        })
    }

    /// How many records a list has.
    fn count(&self, py: Python<'_>, address: &str, wanted: Wanted) -> PyResult<u64> {
        let list = self.list(py, address, wanted)?;
        done(py, || list.count())
    }

    /// Any request; the body is JSON text.
    fn request(
        &self,
        py: Python<'_>,
        method: &str,
        path: &str,
        query: Vec<(String, String)>,
        body: Option<String>,
    ) -> PyResult<Answer> {
        let refused = |error: Error| errors::of(py, &error);
        let methods = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];
        let known = methods.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(method));
        let method = known.ok_or_else(|| refused(errors::unknown_method(method)))?;
        let mut request = self.client.request(method, path);
        for (name, value) in query {
            request = request.query(&name, value);
        }
        if let Some(body) = body {
            let body = RawValue::from_string(body).map_err(|error| refused(errors::no_json(&error)))?;
            request = request.json(&body).map_err(|error| errors::of_sdk(py, &error))?;
        }
        let answer = wait(py, &Desk::default(), || request.send())?.map_err(|error| errors::of_sdk(py, &error))?;
        let headers = answer.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok((answer.status(), headers, PyBytes::new(py, answer.body()).unbind()))
    }
}
