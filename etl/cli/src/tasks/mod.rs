//! The functions behind the commands: settings and a request go in, a report comes out. They print nothing, read no variables
//! and don't end the process, so that other programs can call them.

mod ask;
pub mod extract;
mod run;
mod schema;
mod select;
mod upkeep;

pub use connectwise_extract::progress::Progress;
use connectwise_pipeline::damage;
use connectwise_pipeline::error::{Error, Kind};

use crate::settings::Settings;
pub use ask::{ask, measures};
pub use run::{RunRequest, moment, run};
pub use schema::{Column, Custom, Table, columns, custom_fields, history_of, named_layer, tables, type_name};
pub use select::select;
pub use upkeep::{MaintainRequest, ReconcileRequest, diagnose, layers_of_upkeep, maintain, reconcile, verify};

/// Replaces the error of an unreadable table by one that names the damage and the remedy; returns other errors as they are.
pub async fn explained(settings: &Settings, error: Error) -> Error {
    let Some(table) = error.table().cloned().filter(|_| error.kind() == Kind::Lake) else { return error };
    let Ok(lake) = settings.lake() else { return error };
    match damage::found(&lake, &[table]).await {
        Some(what) => Error::damaged(what),
        None => error,
    }
}
