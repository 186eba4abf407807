//! Who is asked before a table is written.

use std::fmt;

use futures::future::BoxFuture;

use super::{Lake, TableName};
use crate::error::{Error, Kind, Result};

/// Decides whether tables may be written, for example by whose data a lakehouse holds.
pub trait WriteGuard: fmt::Debug + Send + Sync {
    /// Called before each write to a table. An error refuses the write, and is the source of the error that the write ends with.
    fn before_write<'a>(
        &'a self,
        lake: &'a Lake,
        table: &'a TableName,
    ) -> BoxFuture<'a, Result<(), Box<dyn std::error::Error + Send + Sync>>>;
}

impl Lake {
    /// To be called before anything of a table is written.
    pub(super) async fn before_write(&self, table: &TableName) -> Result<()> {
        let Some(guard) = &self.guard else { return Ok(()) };
        let refused = |error| Error::new(Kind::Lake, format!("{table} may not be written")).with_source(error);
        guard.before_write(self, table).await.map_err(refused)
    }
}
