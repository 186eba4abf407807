//! What the program does, without its command line: settings and a request go in, a report comes out. Nothing is printed, no
//! variable is read and no process ended, so that other programs can do the same; the commands are the first of them.

pub mod extract;
mod run;
mod schema;
mod upkeep;

use connectwise_pipeline::damage;
use connectwise_pipeline::error::{Error, Kind};

use crate::settings::Settings;
pub use run::{RunRequest, moment, run};
pub use schema::{Column, Custom, Table, columns, custom_fields, history_of, named_layer, tables, type_name};
pub use upkeep::{MaintainRequest, ReconcileRequest, diagnose, layers_of_upkeep, maintain, reconcile, verify};

/// An error of any task: where the table that it is about can't be read, why, and what mends it.
pub async fn explained(settings: &Settings, error: Error) -> Error {
    let Some(table) = error.table().cloned().filter(|_| error.kind() == Kind::Lake) else { return error };
    let Ok(lake) = settings.lake() else { return error };
    match damage::found(&lake, &[table]).await {
        Some(what) => Error::new(Kind::Lake, what),
        None => error,
    }
}
