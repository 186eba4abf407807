//! The sentences of what goes wrong here and not in a crate below, as the errors that those have. Nothing else in this crate words one.

mod call;
mod config;
mod output;

pub(crate) use call::*;
pub(crate) use config::*;
pub(crate) use output::*;
