//! Rust text from resolved schemas, tables and resources.

pub(crate) mod catalog;

/// The text that names the interface version.
pub(crate) fn version(version: &str) -> String {
    format!(
        "/// Version of the interface that this SDK was generated from, as the `Accept` header names it.\n\
         pub const API_VERSION: &str = {version:?};\n"
    )
}
