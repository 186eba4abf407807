//! Rust text from resolved schemas, tables and resources.

pub(crate) mod catalog;
pub(crate) mod enums;
pub(crate) mod models;
pub(crate) mod resources;
pub(crate) mod split;

use proc_macro2::TokenStream;

use crate::error::{Kind, Result};

/// The text that names the interface version.
pub(crate) fn version(version: &str) -> String {
    format!(
        "/// Version of the interface that this SDK was generated from, as the `Accept` header names it.\n\
         pub const API_VERSION: &str = {version:?};\n"
    )
}

/// Formatted text of some items.
pub(crate) fn pretty(file: &str, tokens: TokenStream) -> Result<String> {
    match syn::parse2(tokens) {
        Ok(items) => Ok(prettyplease::unparse(&items)),
        Err(source) => Err(Kind::NotRust { file: file.to_owned(), source }.into()),
    }
}

/// A file that includes the others, since one file would be too long.
pub(crate) fn index(files: &[String]) -> String {
    files.iter().map(|file| format!("include!(concat!(env!(\"OUT_DIR\"), \"/{file}\"));\n")).collect()
}
