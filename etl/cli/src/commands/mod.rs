//! One file a command.

pub(crate) mod ask;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod drift;
pub(crate) mod extract;
pub(crate) mod lineage;
pub(crate) mod maintain;
pub(crate) mod quarantine;
pub(crate) mod query;
pub(crate) mod reconcile;
pub(crate) mod report;
mod rows;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod status;
mod status_run;
