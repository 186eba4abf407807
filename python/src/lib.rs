//! `connectwise_etl._native`: the compiled part of the Python package. What people use is in Python, in `connectwise_etl/`; here is
//! what that calls: the program's settings and tasks, the SDK's client, and rows that any Arrow reader takes.

mod client;
mod cluster;
mod desk;
mod errors;
mod frame;
mod given;
mod log;
mod session;
mod simulator;
mod tokens;
mod wait;

use std::ffi::OsString;

use connectwise_lakehouse::TableName;
use pyo3::prelude::*;

/// The program `connectwise-etl` in this process: its arguments, its name first, and its exit code.
#[pyfunction]
fn main(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| connectwise_etl::run(arguments))
}

/// Every entity that becomes a table: its name, and the path of its list.
#[pyfunction]
fn entities() -> Vec<(&'static str, &'static str)> {
    connectwise_sdk::lake::ENTITIES.iter().map(|entity| (entity.name, entity.path)).collect()
}

/// The columns of a silver table. None for another name.
#[pyfunction]
fn silver_columns(table: &str) -> Vec<String> {
    let entity = connectwise_sdk::lake::ENTITIES.iter().find(|entity| TableName::silver(entity.table).name == table);
    let schema = entity.map(connectwise_pipeline::silver::schema);
    schema.map_or_else(Vec::new, |schema| schema.fields().iter().map(|field| field.name().clone()).collect())
}

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("API_VERSION", connectwise_sdk::API_VERSION)?;
    module.add_function(wrap_pyfunction!(main, module)?)?;
    module.add_function(wrap_pyfunction!(entities, module)?)?;
    module.add_function(wrap_pyfunction!(silver_columns, module)?)?;
    module.add_class::<client::Client>()?;
    module.add_class::<frame::Rows>()?;
    module.add_class::<session::Session>()?;
    module.add_class::<simulator::Simulator>()
}
